//! The log of `-v` and `SCANNER_LOG`, on standard error beside the progress line.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::console::Console;
use crate::failure::Failure;

/// The variable that filters the log, by crate and level.
pub(crate) const VARIABLE: &str = "SCANNER_LOG";
/// The crates whose log `-v` shows.
const CRATES: [&str; 3] = ["scanner_net", "scanner_dns", "scanner_cli"];

/// Starts the log if anybody asked for it.
///
/// # Errors
/// A filter that cannot be understood.
pub(crate) fn start(verbose: u8, console: &Console) -> Result<(), Failure> {
    let Some(filter) = filter(verbose, std::env::var(VARIABLE).ok().as_deref())? else { return Ok(()) };
    let console = console.clone();
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || console.clone());
    // A log that was started before, by a test in the same process, stays.
    drop(tracing_subscriber::registry().with(layer).with(filter).try_init());
    Ok(())
}

fn filter(verbose: u8, variable: Option<&str>) -> Result<Option<Targets>, Failure> {
    if let Some(text) = variable.filter(|text| !text.is_empty()) {
        return text.parse().map(Some).map_err(|error| {
            Failure::usage(format!("{VARIABLE}: {error}"))
                .with_hint("write it like scanner_net=debug or info")
        });
    }
    let level = match verbose {
        0 => return Ok(None),
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    Ok(Some(Targets::new().with_targets(CRATES.map(|name| (name, level)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_beats_the_flag() {
        assert!(filter(0, None).unwrap().is_none());
        assert!(filter(2, None).unwrap().unwrap().would_enable("scanner_net", &tracing::Level::DEBUG));
        let loud = filter(2, Some("warn")).unwrap().unwrap();
        assert!(!loud.would_enable("scanner_net", &tracing::Level::DEBUG));
        assert!(filter(0, Some("scanner_net=lots")).is_err());
    }
}
