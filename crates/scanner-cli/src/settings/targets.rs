//! What to scan, as it was typed or is configured.

use std::path::PathBuf;

use scanner_core::PortState;
use scanner_dns::FamilyPolicy;

use super::{Given, Key, Layers, Origin, TargetSettings, value, words_or};
use crate::args::Args;
use crate::failure::Failure;
use crate::targets::EarlierSettings;

/// What is typed replaces what the environment or the file would scan; exclusions of all of them hold.
///
/// # Errors
/// A value that is none of the words for it.
pub(super) fn all(args: &Args, layers: &Layers) -> Result<TargetSettings, Failure> {
    let families = [("any", FamilyPolicy::Any), ("4", FamilyPolicy::Ipv4), ("6", FamilyPolicy::Ipv6)];
    let switch = |key| layers.value(key).map_or(Ok(false), |given| value::switch(&given));
    let typed = is_typed(args);
    Ok(TargetSettings {
        words: args.targets.clone(),
        inputs: if typed { args.input.clone() } else { paths(&[], layers, Key::Input) },
        local: if typed { args.local } else { switch(Key::Local)? },
        earlier: earlier(args, layers)?,
        exclude: layers.all(Key::Exclude).to_vec(),
        exclude_files: paths(&[], layers, Key::ExcludeFile),
        scope: layers.value(Key::Scope).map(|given| PathBuf::from(given.text)),
        family: words_or(layers.value(Key::Family), &families, FamilyPolicy::Any)?,
        all_addresses: switch(Key::AllAddresses)?,
        yes: args.yes,
    })
}

/// The paths that were typed, which need not be text; else those of the environment or the file.
pub(super) fn paths(typed: &[PathBuf], layers: &Layers, key: Key) -> Vec<PathBuf> {
    if typed.is_empty() {
        layers.all(key).iter().map(|given| PathBuf::from(&given.text)).collect()
    } else {
        typed.to_vec()
    }
}

fn is_typed(args: &Args) -> bool {
    !args.targets.is_empty() || !args.input.is_empty() || args.local || !args.from.is_empty()
}

/// What to take from earlier results. Ports that are typed beside them are meant; others are not.
fn earlier(args: &Args, layers: &Layers) -> Result<EarlierSettings, Failure> {
    let states = [PortState::Open, PortState::Closed, PortState::Filtered, PortState::Unknown];
    let words = states.map(|state| (state.as_str(), state));
    let files = if is_typed(args) { args.from.clone() } else { paths(&[], layers, Key::From) };
    let split = |given: &Given| -> Vec<Given> {
        let one = |text: &str| Given { text: text.to_owned(), origin: given.origin.clone() };
        given.text.split(',').map(one).collect()
    };
    let wanted = if files.is_empty() { &[] } else { layers.all(Key::State) };
    let wanted = wanted.iter().flat_map(split);
    let ports = layers.value(Key::Ports);
    Ok(EarlierSettings {
        files,
        states: wanted.map(|given| value::word(&given, &words)).collect::<Result<_, _>>()?,
        without_ports: ports.is_some_and(|given| matches!(given.origin, Origin::Flag(_))),
    })
}
