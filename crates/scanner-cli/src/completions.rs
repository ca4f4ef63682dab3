//! Completions and man pages, from the same definitions as the help.

use std::io;
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::settings::Format;
use crate::tools;

/// The words that an option takes, to be offered; what else it takes is told apart when the settings are made.
const WORDS: [(&str, &[&str]); 9] = [
    ("state", &["open", "closed", "filtered", "unknown"]),
    ("dns", &["auto", "system", "hickory", "off"]),
    ("reverse", &["up", "all", "off"]),
    ("ports", &["simple", "standard", "full"]),
    ("pace", &["auto", "fixed", "gentle"]),
    ("fail_if", &["open", "none", "changed"]),
    ("color", &["auto", "always", "never"]),
    ("progress", &["auto", "bar", "log", "json", "none"]),
    ("format", &FORMATS),
];

const FORMATS: [&str; Format::WORDS.len()] = {
    let mut words = [""; Format::WORDS.len()];
    let mut n = 0;
    while n < words.len() {
        words[n] = Format::WORDS[n].0;
        n += 1;
    }
    words
};

/// The command with everything that it can do: `scanner …` scans, and so does `scanner scan …`.
pub(crate) fn tree() -> Command {
    let scan = Args::command().name("scan").about("Scan: the same as without this word").display_order(0);
    let mut tree =
        Args::command().subcommand(scan).args_conflicts_with_subcommands(true).disable_help_subcommand(true);
    for tool in tools::commands() {
        tree = tree.subcommand(tool);
    }
    tree
}

/// The same with the words that options take.
fn with_words() -> Command {
    let offer = |command: Command| {
        command.mut_args(|arg| match WORDS.iter().find(|(id, _)| arg.get_id() == *id) {
            Some((_, words)) => arg.value_parser(PossibleValuesParser::new(*words)),
            None => arg,
        })
    };
    offer(tree()).mut_subcommands(offer)
}

/// Prints the completions for `shell`.
pub(crate) fn print(shell: Shell) -> Result<ExitStatus, Failure> {
    crate::show(|out| {
        clap_complete::generate(shell, &mut with_words(), "scanner", out);
        Ok(())
    })
}

/// Writes the man pages into a directory: one of the command, and one of each command below it.
///
/// # Errors
/// The directory is missing, or cannot be written.
pub(crate) fn write_man_pages(directory: &Path) -> Result<ExitStatus, Failure> {
    let written: io::Result<()> = clap_mangen::generate_to(tree(), directory);
    written.map(|()| ExitStatus::Complete).map_err(|error| {
        Failure::usage(format!("cannot write man pages to {}: {error}", directory.display()))
            .with_hint("name a directory that is there")
    })
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn the_tree_is_sound() {
        with_words().debug_assert();
        for command in tree().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }

    /// Every command with the words that lead to it.
    fn commands(command: &Command, words: &[String], all: &mut Vec<(Vec<String>, Command)>) {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            commands(below, &[words, &[below.get_name().to_owned()]].concat(), all);
        }
        all.push((words.to_vec(), command.clone()));
    }

    /// Where there is no PowerShell or Elvish to try them, at least nothing is missing from theirs; so for every shell.
    #[test]
    fn every_command_and_every_flag_is_completed_in_every_shell() {
        let mut all = Vec::new();
        commands(&tree(), &["scanner".to_owned()], &mut all);
        assert!(all.len() > 10, "{}", all.len());
        for shell in Shell::value_variants() {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut with_words(), "scanner", &mut text);
            let text = String::from_utf8(text).unwrap();
            for (words, command) in &all {
                // These two have a section for each command, under its words; the others spell them in ways of their own.
                let words = words.join(";");
                let section = match shell {
                    Shell::PowerShell => section(&text, &format!("'{words}' {{"), "break"),
                    Shell::Elvish => section(&text, &format!("&'{words}'= {{"), "}"),
                    Shell::Bash | Shell::Fish | Shell::Zsh | _ => text.clone(),
                };
                let args = command.get_arguments().filter(|arg| !arg.is_hide_set());
                for flag in args.filter_map(|arg| arg.get_long()) {
                    let flag =
                        if *shell == Shell::Fish { format!("-l {flag} ") } else { format!("--{flag}") };
                    assert!(section.contains(&flag), "{shell}: {words} {flag}\n{section}");
                }
                for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
                    assert!(section.contains(below.get_name()), "{shell}: {words} {}", below.get_name());
                }
            }
            if matches!(shell, Shell::PowerShell) {
                assert_eq!(text.matches('{').count(), text.matches('}').count(), "a block is not closed");
                assert!(text.contains("Register-ArgumentCompleter -Native -CommandName 'scanner'"));
            }
        }
    }

    /// The lines between two.
    fn section(text: &str, first: &str, last: &str) -> String {
        let lines = text.lines().map(str::trim).skip_while(|line| *line != first);
        lines.take_while(|line| *line != last).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_word_is_one_that_the_settings_take() {
        use crate::settings::{Key, Layers, Settings};
        for (id, words) in WORDS {
            let flag = format!("--{}", id.replace('_', "-"));
            assert!(Key::from_name(&flag[2..]).is_some(), "{id}");
            for word in words {
                let typed = Args::read([
                    "scanner",
                    "192.0.2.1",
                    "--baseline",
                    "b.json",
                    "--from",
                    "f.json",
                    &flag,
                    word,
                ])
                .unwrap();
                let mut layers = Layers::default();
                let origin = || crate::settings::Origin::Default;
                layers.add_weaker(
                    typed
                        .given()
                        .into_iter()
                        .map(|(key, _, text)| (key, crate::settings::Given { text, origin: origin() })),
                );
                assert!(Settings::build(&typed, &layers).is_ok(), "{flag} {word}");
            }
        }
    }
}
