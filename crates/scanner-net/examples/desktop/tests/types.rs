//! The types of the page's script are those of `view`. `DESKTOP_TYPES=write cargo test --test types` writes them anew.

use desktop::view::{
    Batch, Failure, HostView, PortView, ProgressView, ScanRequest, ScanState, ScanView, Snapshot, Status,
    Update,
};
use ts_rs::{Config, TS};

fn declarations() -> String {
    // Counters and times stay below 2^53.
    let config = Config::default().with_large_int("number");
    fn one<T: TS>(config: &Config) -> String {
        let docs = T::docs().unwrap_or_default();
        format!("{docs}export {}\n", T::decl(config))
    }
    let all = [
        one::<ScanRequest>(&config),
        one::<ScanView>(&config),
        one::<ScanState>(&config),
        one::<ProgressView>(&config),
        one::<HostView>(&config),
        one::<Status>(&config),
        one::<PortView>(&config),
        one::<Snapshot>(&config),
        one::<Batch>(&config),
        one::<Update>(&config),
        one::<Failure>(&config),
    ];
    format!("// Made from src/view.rs by tests/types.rs; do not edit.\n\n{}", all.join("\n"))
}

#[test]
fn the_page_has_the_types_of_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ui/types.d.ts");
    let declared = declarations();
    if std::env::var_os("DESKTOP_TYPES").is_some_and(|value| value == "write") {
        std::fs::write(path, &declared).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(committed, declared, "run DESKTOP_TYPES=write cargo test --test types");
}
