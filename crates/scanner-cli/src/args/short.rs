//! The help of `-h`: what is needed most, on one screen of 80 by 24.

use clap::Command;

/// The options that are shown, a line each, in this order.
const SHOWN: [(&str, &str); 15] = [
    ("ports", "22,80,8000-8100, ssh, http*, simple, standard, full"),
    ("exclude", "Leave these targets out"),
    ("input", "Read targets from a file; - is standard input"),
    ("open", "Show open ports only"),
    ("pace", "auto (the default), fixed, gentle (fragile devices)"),
    ("max_rate", "Never more than N connection attempts per second"),
    ("deadline", "How long the scan may take: 30s, 5m"),
    ("reason", "Say of each port why it has its state"),
    ("format", "text, list, json, jsonl, csv, xml, grepable, html"),
    ("output", "Write to FILE; its ending chooses the format"),
    ("baseline", "Say what changed since an earlier result"),
    ("quiet", "Only errors on standard error"),
    ("plan", "Only show what it would do"),
    ("help", "This help; --help: everything, with examples"),
    ("version", "Print the version"),
];

const USAGE: &str = "scanner [OPTIONS] TARGET…      scanner 192.168.1.0/24 -p ssh,http*";

const AFTER: &str = "\
Commands: show convert diff schema services explain doctor config completions
More:     scanner --help, scanner COMMAND --help";

/// The command with the help of one screen: nothing is grouped, and what is rarely needed is left to `--help`.
pub(super) fn shortened(command: Command) -> Command {
    let place = |id: &str| SHOWN.iter().position(|(shown, _)| *shown == id);
    command.override_usage(USAGE).after_help(AFTER).mut_args(|arg| {
        let shown = place(arg.get_id().as_str()).and_then(|place| Some((place, SHOWN.get(place)?)));
        let arg = arg.help_heading("Options");
        match shown {
            Some((place, (_, help))) => arg.help(*help).display_order(place),
            None => arg.hide_short_help(true),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;
    use clap::CommandFactory;

    #[test]
    fn it_fits_a_screen() {
        let mut command = shortened(Args::command()).term_width(80);
        let help = command.render_help().to_string();
        assert!(help.lines().count() <= 24, "{} lines:\n{help}", help.lines().count());
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        for (id, line) in SHOWN {
            assert!(help.contains(line), "{id} is not shown:\n{help}");
        }
    }
}
