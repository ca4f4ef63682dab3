//! What must hold of any input of a parser or reader, one function for each: the targets of `fuzz/` call them with what a fuzzer
//! comes up with, the tests with the inputs in `fuzz/seeds`. They panic where something does not hold.

#![expect(clippy::missing_panics_doc, reason = "that they panic is what they are for")]

use std::path::Path;
use std::sync::LazyLock;

use scanner_core::{PortSet, SpecError, TargetItem, TargetSet, parse_host, parse_ports, parse_target};

use crate::args::Args;
use crate::config_file;
use crate::failure::Failure;
use crate::output::sanitize::clean;
use crate::settings::{Key, Layers, Settings, print_config};
pub use crate::stored::fuzz::{nmap, records};

/// Lists of ports: what is understood is written in a way that means the same.
pub fn ports(text: &str) {
    match parse_ports(text) {
        Ok(ports) => {
            assert!(!ports.is_empty(), "no port is an error");
            assert_eq!(ports.to_string().parse::<PortSet>().as_ref(), Ok(&ports), "written and read again");
        }
        Err(error) => points_at_a_part(&error, text),
    }
}

/// Targets, with and without ports.
pub fn targets(text: &str) {
    match parse_target(text) {
        Ok(parsed) => {
            assert!(parsed.ports.is_none_or(|ports| !ports.is_empty()), "no port is an error");
            item(&parsed.item);
        }
        Err(error) => points_at_a_part(&error, text),
    }
    match parse_host(text) {
        Ok(parsed) => {
            assert!(parsed.ports.is_none(), "a host has no ports");
            item(&parsed.item);
        }
        Err(error) => points_at_a_part(&error, text),
    }
}

fn item(item: &TargetItem) {
    match item {
        TargetItem::Addresses(ranges) => {
            let mut set = TargetSet::new();
            let mut total = 0_u128;
            for &(first, last) in ranges {
                assert!(first <= last, "a range has an end");
                set.insert_range(first, last);
                assert!(set.len() > total || set.len() == u128::MAX, "ranges do not overlap");
                total = set.len();
                assert!(set.contains(first) && set.contains(last));
            }
            assert!(!set.is_empty(), "no address is an error");
        }
        TargetItem::Scoped { ip, interface } => {
            let again = parse_host(&format!("{ip}%{interface}")).map(|parsed| parsed.item);
            assert_eq!(again.as_ref(), Ok(item), "written and read again");
        }
        TargetItem::Name(name) => {
            assert!(!name.chars().any(|c| c.is_control() || c.is_whitespace()), "{name:?}");
            assert_eq!(parse_host(name).map(|parsed| parsed.item).as_ref(), Ok(item), "read again");
        }
    }
}

fn points_at_a_part(error: &SpecError, text: &str) {
    assert_eq!(error.input(), text);
    assert!(text.get(error.span()).is_some(), "{:?} of {text:?}", error.span());
    assert_eq!(error.caret().lines().count(), 2, "{:?}", error.caret());
    one_line(error.message());
    one_line(error.hint().unwrap_or_default());
}

/// The configuration file: what is understood is printed in a way that means the same.
pub fn config(text: &str) {
    static NOTHING_TYPED: LazyLock<Option<Args>> =
        LazyLock::new(|| Args::read(&["scanner".to_owned(), "--no-config".to_owned()]).ok());

    let layers = match layers_of(text) {
        Ok(layers) => layers,
        Err(failure) => return says_what_is_wrong(&failure),
    };
    let mut printed = Vec::new();
    assert!(print_config(&layers, &mut printed).is_ok(), "memory takes everything");
    let printed = String::from_utf8_lossy(&printed);
    match layers_of(&printed) {
        Ok(again) => Key::ALL.into_iter().for_each(|key| {
            assert_eq!(values(&again, key), values(&layers, key), "{}: {printed}", key.name());
        }),
        Err(failure) => panic!("cannot be read again: {failure:?}\n{printed}"),
    }
    let Some(typed) = &*NOTHING_TYPED else { panic!("the command without arguments is no error") };
    if let Err(failure) = Settings::build(typed, &layers) {
        says_what_is_wrong(&failure);
    }
}

const FILE: &str = "config.toml";

fn layers_of(text: &str) -> Result<Layers, Failure> {
    let mut layers = Layers::default();
    layers.add_weaker(config_file::parse(Path::new(FILE), text)?.base);
    Ok(layers)
}

/// What holds for a key.
fn values(layers: &Layers, key: Key) -> Vec<String> {
    if key.is_many() {
        return layers.all(key).iter().map(|given| given.text.clone()).collect();
    }
    layers.value(key).into_iter().map(|given| given.text).collect()
}

/// A failure that a person can do something with, whatever the file held; what it quotes is made harmless where it is shown.
pub(crate) fn says_what_is_wrong(failure: &Failure) {
    assert_eq!(failure.status.code(), 2, "{failure:?}");
    for text in [Some(&failure.message), failure.hint.as_ref()].into_iter().flatten() {
        assert!(!text.trim().is_empty(), "{failure:?}");
        one_line(&clean(text));
    }
}

fn one_line(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Hands every seed of a target to its function.
    fn replay(target: &str, check: impl Fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
        let mut seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|seed| seed.unwrap().path()).collect();
        seeds.sort();
        assert!(!seeds.is_empty());
        for seed in seeds {
            // The name of the one that fails stands above its panic.
            println!("{}", seed.display());
            check(&fs::read(seed).unwrap());
        }
    }

    fn as_text(check: impl Fn(&str)) -> impl Fn(&[u8]) {
        move |bytes| check(std::str::from_utf8(bytes).unwrap())
    }

    #[test]
    fn seeds_of_ports() {
        replay("ports", as_text(ports));
    }

    #[test]
    fn seeds_of_targets() {
        replay("targets", as_text(targets));
    }

    #[test]
    fn seeds_of_config() {
        replay("config", as_text(config));
    }

    #[test]
    fn seeds_of_records() {
        replay("records", records);
    }

    #[test]
    fn seeds_of_nmap() {
        replay("nmap", nmap);
    }
}
