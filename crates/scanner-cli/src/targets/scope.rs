//! `--scope`: what may be scanned. Anything outside stops the scan before it starts.

use std::path::Path;

use scanner_core::{TargetItem, TargetSet, TargetSetBuilder, parse_host};

use crate::failure::Failure;
use crate::targets::words;

/// How many addresses an error names.
const NAMED: usize = 3;

/// Reads the file: addresses, networks and ranges. Names are refused, as what they lead to is not the file's decision.
pub(super) fn read(path: &Path) -> Result<TargetSet, Failure> {
    let mut scope = TargetSetBuilder::default();
    words::each_of_file(path, |word| {
        match parse_host(word.text).map_err(|error| word.place.fail(&error))?.item {
            TargetItem::Addresses(ranges) => {
                for (first, last) in ranges {
                    scope.insert_range(first, last);
                }
                Ok(())
            }
            TargetItem::Name(_) | TargetItem::Scoped { .. } => {
                let text = word.text.escape_debug();
                Err(Failure::usage(format!("{}: `{text}` is not an address or a network", word.place))
                    .with_hint(
                        "a scope is made of addresses and networks, so that no name server can widen it",
                    ))
            }
        }
    })?;
    Ok(scope.build())
}

/// Refuses targets outside the scope.
pub(super) fn check(targets: &TargetSet, scope: &TargetSet) -> Result<(), Failure> {
    let mut outside = targets.clone();
    outside.subtract(scope);
    if outside.is_empty() {
        return Ok(());
    }
    let mut listed: Vec<String> = Vec::new();
    for (first, last) in outside.ranges().take(NAMED) {
        let names = targets.names_of(first);
        listed.push(match (first == last, names.is_empty()) {
            (false, _) => format!("{first}-{last}"),
            (true, true) => first.to_string(),
            (true, false) => format!("{first} ({})", names.join(", ")),
        });
    }
    let more = if outside.range_count() > NAMED { ", …" } else { "" };
    let count = crate::output::words::counted(outside.len(), "address is", "addresses are");
    Err(Failure::usage(format!("{count} outside the scope: {}{more}", listed.join(", "))).with_hint(
        "nothing was scanned; take them out with --exclude, or widen the scope file if you may scan them",
    ))
}
