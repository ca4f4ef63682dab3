//! nmap's habits: what cannot be declared as a flag is rewritten before the flags are read.

use std::ffi::OsString;

use crate::failure::Failure;

/// The command line after the rewriting, and what to tell the user about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rewritten {
    /// The arguments, the name of the program first.
    pub(crate) argv: Vec<OsString>,
    /// Notes for standard error.
    pub(crate) notes: Vec<&'static str>,
}

/// Rewrites what nmap's users type. `scanner scan …` is the same as `scanner …`.
///
/// # Errors
/// An option whose absence would change what the user gets.
pub(crate) fn rewrite(argv: impl IntoIterator<Item = OsString>) -> Result<Rewritten, Failure> {
    let mut rest = argv.into_iter();
    let mut out = Rewritten::default();
    out.argv.extend(rest.next());
    let mut rest = rest.peekable();
    rest.next_if(|first| first == "scan");
    while let Some(arg) = rest.next() {
        let Some(text) = arg.to_str() else {
            out.argv.push(arg);
            continue;
        };
        if text == "--" {
            out.argv.push(arg);
            out.argv.extend(rest);
            break;
        }
        match text {
            "-p" | "--ports" => match rest.next_if(is_open_range) {
                Some(range) => out.argv.push(joined("--ports=", &range)),
                None => out.argv.push(arg),
            },
            "-T" => match rest.next() {
                Some(level) => out.argv.push(pace(&level.to_string_lossy())?),
                None => return Err(wrong_timing("")),
            },
            _ => {
                for part in parts(text) {
                    match habit(&part)? {
                        Habit::Same => out.argv.push(part.into()),
                        Habit::Means(flag) => out.argv.push(flag.into()),
                        Habit::Nothing => {}
                        Habit::Note(note) => out.notes.push(note),
                    }
                }
            }
        }
    }
    Ok(out)
}

/// `-sCV` is `-sC -sV`.
fn parts(text: &str) -> Vec<String> {
    let is_several = |kinds: &&str| kinds.len() > 1 && kinds.bytes().all(|kind| kind.is_ascii_alphabetic());
    match text.strip_prefix("-s").filter(is_several) {
        Some(kinds) => kinds.chars().map(|kind| format!("-s{kind}")).collect(),
        None => vec![text.to_owned()],
    }
}

enum Habit {
    /// Not one of nmap's.
    Same,
    /// Another flag here.
    Means(String),
    /// What is done anyway.
    Nothing,
    /// Left out, which the user should know.
    Note(&'static str),
}

fn habit(text: &str) -> Result<Habit, Failure> {
    Ok(match text {
        "-p-" => Habit::Means("--ports=-".into()),
        "-Pn" => Habit::Means("--skip-discovery".into()),
        "-sn" => Habit::Means("--discover".into()),
        "-iL" => Habit::Means("--input".into()),
        "-sT" => Habit::Nothing,
        "-sS" => Habit::Note("-sS: full connections are made instead; they need no privileges"),
        "-sV" => {
            Habit::Note("-sV: services are not asked for their version; names are guessed from port numbers")
        }
        "-sC" => Habit::Note("-sC: no scripts are run; the ports are scanned"),
        "-O" => Habit::Note("-O: the operating system is not guessed"),
        "-A" => {
            Habit::Note("-A: neither versions nor the operating system are guessed; the ports are scanned")
        }
        "-sU" => Habit::Note("-sU: UDP is not scanned; the TCP ports are scanned instead"),
        "-oN" => Habit::Means("--output-text".into()),
        "-oX" => Habit::Means("--output-xml".into()),
        "-oG" => Habit::Means("--output-grepable".into()),
        "-oA" => Habit::Means("--output-all".into()),
        _ if is_letter_of(text, "-s", u8::is_ascii_alphabetic) => return Err(other_scan(text)),
        _ if is_letter_of(text, "-o", u8::is_ascii_uppercase) => {
            return Err(Failure::usage(format!("{text}: there is no such output")).with_hint(
                "-oN, -oX, -oG FILE and -oA BASE are understood; the ending chooses with -o FILE",
            ));
        }
        _ => match (text.strip_prefix("-T"), text.strip_prefix("-iL")) {
            (Some(level), _) => return Ok(Habit::Means(pace(level)?.to_string_lossy().into_owned())),
            (_, Some(file)) => Habit::Means(format!("--input={file}")),
            _ => Habit::Same,
        },
    })
}

/// Whether it is a flag with one letter of this kind behind it.
fn is_letter_of(text: &str, flag: &str, kind: impl Fn(&u8) -> bool) -> bool {
    matches!(text.strip_prefix(flag).map(str::as_bytes), Some([letter]) if kind(letter))
}

/// Kinds of scans whose result a full connection cannot stand in for.
fn other_scan(text: &str) -> Failure {
    let failure = Failure::usage(format!("{text}: only full connections are made, as by -sT"));
    match text {
        "-sL" => failure.with_hint("--plan shows what would be scanned, and sends nothing"),
        _ => failure.with_hint("leave it out; nmap makes such scans"),
    }
}

/// nmap's timing templates: up to 2 they spare the target, from 3 on they follow the path.
fn pace(level: &str) -> Result<OsString, Failure> {
    match level {
        "0" | "1" | "2" | "paranoid" | "sneaky" | "polite" => Ok("--pace=gentle".into()),
        "3" | "4" | "5" | "normal" | "aggressive" | "insane" => Ok("--pace=auto".into()),
        _ => Err(wrong_timing(level)),
    }
}

fn wrong_timing(level: &str) -> Failure {
    Failure::usage(format!("-T{}: there is no such pace", level.escape_debug()))
        .with_hint("-T0 to -T2 mean --pace gentle, -T3 to -T5 --pace auto")
}

/// `-1024`, `-`: a range without its lower end, which would be taken for a flag.
fn is_open_range(arg: &OsString) -> bool {
    arg.to_str()
        .and_then(|text| text.strip_prefix('-'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn joined(flag: &str, value: &OsString) -> OsString {
    let mut joined = OsString::from(flag);
    joined.push(value);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(line: &str) -> String {
        match rewrite(line.split(' ').map(OsString::from)) {
            Ok(out) => {
                let argv: Vec<_> = out.argv.iter().map(|arg| arg.to_string_lossy()).collect();
                [argv.join(" ")]
                    .into_iter()
                    .chain(out.notes.iter().map(|note| format!("note: {note}")))
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            Err(failure) => format!("error: {}\nhint: {}", failure.message, failure.hint.unwrap()),
        }
    }

    #[test]
    fn rewrites_what_means_the_same() {
        for (typed, read) in [
            ("scanner scan 192.0.2.1", "scanner 192.0.2.1"),
            ("scanner scan scan", "scanner scan"),
            ("scanner -sT -n -Pn -p- x", "scanner -n --skip-discovery --ports=- x"),
            ("scanner -p -1024 x", "scanner --ports=-1024 x"),
            ("scanner -p - x", "scanner --ports=- x"),
            ("scanner -p 22 x", "scanner -p 22 x"),
            ("scanner -iL hosts -oN out", "scanner --input hosts --output-text out"),
            (
                "scanner -oX - -oG g -oA base x",
                "scanner --output-xml - --output-grepable g --output-all base x",
            ),
            ("scanner -iLhosts", "scanner --input=hosts"),
            ("scanner -T2 x", "scanner --pace=gentle x"),
            ("scanner -T 4 x", "scanner --pace=auto x"),
            ("scanner -Taggressive x", "scanner --pace=auto x"),
            ("scanner -- -sS", "scanner -- -sS"),
        ] {
            assert_eq!(show(typed), read);
        }
    }

    #[test]
    fn says_what_is_not_there() {
        insta::assert_snapshot!(show("scanner -sS -sU -sV -A -O x"), @"
        scanner x
        note: -sS: full connections are made instead; they need no privileges
        note: -sU: UDP is not scanned; the TCP ports are scanned instead
        note: -sV: services are not asked for their version; names are guessed from port numbers
        note: -A: neither versions nor the operating system are guessed; the ports are scanned
        note: -O: the operating system is not guessed
        ");
        insta::assert_snapshot!(show("scanner -sn x"), @"scanner --discover x");
        insta::assert_snapshot!(show("scanner -T9 x"), @"
        error: -T9: there is no such pace
        hint: -T0 to -T2 mean --pace gentle, -T3 to -T5 --pace auto
        ");
        insta::assert_snapshot!(show("scanner -sCV -sTV x"), @"
        scanner x
        note: -sC: no scripts are run; the ports are scanned
        note: -sV: services are not asked for their version; names are guessed from port numbers
        note: -sV: services are not asked for their version; names are guessed from port numbers
        ");
        insta::assert_snapshot!(show("scanner -sX x"), @"
        error: -sX: only full connections are made, as by -sT
        hint: leave it out; nmap makes such scans
        ");
        insta::assert_snapshot!(show("scanner -sL x"), @"
        error: -sL: only full connections are made, as by -sT
        hint: --plan shows what would be scanned, and sends nothing
        ");
        insta::assert_snapshot!(show("scanner -oJ out x"), @"
        error: -oJ: there is no such output
        hint: -oN, -oX, -oG FILE and -oA BASE are understood; the ending chooses with -o FILE
        ");
        // A file with a name of one small letter is one.
        assert_eq!(show("scanner -oj x"), "scanner -oj x");
    }
}
