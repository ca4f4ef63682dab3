//! Where the result goes, and in which format.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Destination, Format, Layers, words_or};
use crate::args::Args;
use crate::failure::Failure;
use crate::settings::key::{Key, Origin};

/// Every place that was named; standard output where no `-o` takes it away.
///
/// # Errors
/// A place that is named twice.
pub(super) fn all(args: &Args, layers: &Layers) -> Result<Vec<Destination>, Failure> {
    let given = layers.value(Key::Format);
    let typed = given.as_ref().is_some_and(|given| matches!(given.origin, Origin::Flag(_)));
    let format = words_or(given, &Format::WORDS, Format::Text)?;
    // A format on the command line beats the ending, which beats what the environment or the file say.
    let by_ending = |path: &PathBuf| Format::from_ending(path).filter(|_| !typed).unwrap_or(format);
    let mut all: Vec<_> = super::targets::paths(&args.output, layers, Key::Output)
        .iter()
        .map(|path| to(by_ending(path), path))
        .collect();
    let beside = beside(args);
    if all.is_empty() && beside.iter().all(|destination| destination.file.is_some()) {
        all.push(Destination { format, file: None });
    }
    all.extend(beside);
    let mut seen = BTreeSet::new();
    match all.iter().find(|destination| !seen.insert(&destination.file)) {
        None => Ok(all),
        Some(twice) => {
            let place =
                twice.file.as_ref().map_or("standard output".into(), |path| path.display().to_string());
            Err(Failure::usage(format!("{place} is to take the result twice"))
                .with_hint("give each format a file of its own"))
        }
    }
}

/// What nmap's flags name; standard output goes on beside them.
fn beside(args: &Args) -> Vec<Destination> {
    let flags = &args.beside;
    let single = [
        (Format::Text, &flags.output_text),
        (Format::Xml, &flags.output_xml),
        (Format::Grepable, &flags.output_grepable),
    ];
    let single =
        single.into_iter().flat_map(|(format, paths)| paths.iter().map(move |path| to(format, path)));
    let endings = [("nmap", Format::Text), ("xml", Format::Xml), ("gnmap", Format::Grepable)];
    let three = flags.output_all.iter().flat_map(|base| {
        endings.map(|(ending, format)| {
            let mut path = base.clone().into_os_string();
            path.push(format!(".{ending}"));
            to(format, Path::new(&path))
        })
    });
    single.chain(three).collect()
}

fn to(format: Format, path: &Path) -> Destination {
    Destination { format, file: (path.as_os_str() != "-").then(|| path.to_path_buf()) }
}
