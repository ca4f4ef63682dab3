//! The grammar of port specifications: `22,80,8000-8100,http*,top:100,!25`.

use std::ops::Range;

use crate::port_set::PortSet;
use crate::ranking::top_ports;
use crate::service::{closest_word, is_wildcard, ports_of_service};
use crate::spec_error::SpecError;

/// How much of a wrong item a message repeats, in characters; the caret shows the rest.
const QUOTED: usize = 30;

/// The sets of ports that have a name of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortPreset {
    /// The 100 ports most likely to be open: the first of [`top_ports`].
    Simple,
    /// The 1,000 ports most likely to be open: all of [`top_ports`].
    Standard,
    /// All 65,535 ports.
    Full,
}

impl PortPreset {
    const WORDS: [(&str, Self); 4] =
        [("simple", Self::Simple), ("standard", Self::Standard), ("full", Self::Full), ("all", Self::Full)];

    /// The ports of the preset.
    pub fn ports(self) -> PortSet {
        match self {
            Self::Simple => top_ports(100).iter().copied().collect(),
            Self::Standard => top_ports(1_000).iter().copied().collect(),
            Self::Full => PortSet::all(),
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|&(_, preset)| preset)
    }
}

/// Parses a comma-separated list of ports; the result is never empty. Blanks around items and case do not matter.
///
/// | item | ports |
/// |---|---|
/// | `22`, `8000-8100` | the port, or the range with both its ends |
/// | `-1024`, `60000-`, `-` | a range that begins at 1, that ends at 65535, all ports |
/// | `ssh`, `http*`, `pop?` | what [`ports_of_service`] gives, at least one port |
/// | `top:50` | the 50 ports most likely to be open; at most 1,000 |
/// | `simple`, `standard`, `full` (or `all`) | the [`PortPreset`]s |
/// | `!25`, `!8000-8010`, `!http*` | all but these; applied last, wherever they stand |
///
/// # Errors
///
/// Where an item is empty, no port is left, or an item is none of the above: port 0, a port above 65535, a range that
/// runs backwards, an unknown name. The error points at the place and says what would be right.
///
/// ```
/// use scanner_core::parse_ports;
/// let ports = parse_ports("ssh, 80, 8000-8100, !8050-")?;
/// assert_eq!(ports.to_string(), "22,80,8000-8049");
/// # Ok::<(), scanner_core::SpecError>(())
/// ```
pub fn parse_ports(text: &str) -> Result<PortSet, SpecError> {
    if text.trim().is_empty() {
        let error = SpecError::new(text, 0..text.len(), "no ports are given");
        return Err(error.with_hint("for example 22,80,8000-8100, http*, top:100 or full"));
    }
    let mut included = PortSet::EMPTY;
    let mut excluded = PortSet::EMPTY;
    let mut exclusions: Option<Range<usize>> = None;
    for item in items(text) {
        let item = item?;
        if let Some(rest) = item.text.strip_prefix('!') {
            excluded = excluded.union(&item.part(rest).excluded_ports()?);
            let first = exclusions.map_or(item.start, |span| span.start);
            exclusions = Some(first..item.start + item.text.len());
        } else {
            included = included.union(&item.ports()?);
        }
    }
    let Some(exclusions) = exclusions else { return Ok(included) };
    let ports = included.difference(&excluded);
    if !ports.is_empty() {
        return Ok(ports);
    }
    Err(if included.is_empty() {
        SpecError::new(text, exclusions, "there is nothing to exclude from")
            .with_hint("say first what to scan, for example standard,!25")
    } else {
        SpecError::new(text, exclusions, "these exclusions leave no port").with_hint("exclude fewer ports")
    })
}

/// The items of the list, without the blanks around them.
fn items(input: &str) -> impl Iterator<Item = Result<Item<'_>, SpecError>> {
    let mut next = 0;
    input.split(',').map(move |text| {
        let start = next;
        let end = start + text.len();
        next = end + 1;
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(empty_item(input, start, end));
        }
        let blanks = text.len() - text.trim_start().len();
        Ok(Item { input, start: start + blanks, text: trimmed })
    })
}

fn empty_item(input: &str, start: usize, end: usize) -> SpecError {
    if end < input.len() {
        SpecError::new(input, end..end + 1, "no port stands before this comma").with_hint("remove the comma")
    } else {
        SpecError::new(input, start - 1..start, "no port follows this comma").with_hint("remove the comma")
    }
}

/// One item, or a part of it, and where it stands in the input.
#[derive(Clone, Copy)]
struct Item<'a> {
    input: &'a str,
    start: usize,
    text: &'a str,
}

impl<'a> Item<'a> {
    /// The part that `text`, a piece of this item that reaches to its end, is.
    fn part(self, text: &'a str) -> Self {
        Self { start: self.start + self.text.len() - text.len(), text, ..self }
    }

    /// An error about the whole item.
    fn error(self, message: impl Into<String>) -> SpecError {
        SpecError::new(self.input, self.start..self.start + self.text.len(), message)
    }

    /// An error about the bytes `at` of the item.
    fn error_at(self, at: Range<usize>, message: impl Into<String>) -> SpecError {
        SpecError::new(self.input, self.start + at.start..self.start + at.end, message)
    }

    fn excluded_ports(self) -> Result<PortSet, SpecError> {
        if self.text.is_empty() {
            return Err(self.error("no port follows this `!`").with_hint("for example !25 or !8000-8010"));
        }
        if self.text.starts_with('!') {
            return Err(self.error_at(0..1, "a second `!`").with_hint("remove it"));
        }
        self.ports()
    }

    fn ports(self) -> Result<PortSet, SpecError> {
        if let Some((at, blank)) = self.text.char_indices().find(|(_, c)| c.is_whitespace()) {
            let error = self.error_at(at..at + blank.len_utf8(), "a blank inside an item");
            return Err(error.with_hint("divide ports by commas, and write ranges without blanks"));
        }
        if let Some(preset) = PortPreset::from_word(self.text) {
            return Ok(preset.ports());
        }
        if self.text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("top:")) {
            return self.part(self.text.get(4..).unwrap_or_default()).top();
        }
        if self.text.bytes().all(|c| c.is_ascii_digit() || c == b'-') {
            return self.range();
        }
        let ports = ports_of_service(self.text);
        if !ports.is_empty() {
            return Ok(ports);
        }
        if is_wildcard(self.text) {
            let message = format!("no service name matches `{}`", self.quoted());
            return Err(self.error(message).with_hint("`*` stands for any text, `?` for one character"));
        }
        Err(self.unknown())
    }

    /// `22`, `8000-8100`, `-1024`, `60000-` or `-`, known to be only digits and `-`.
    fn range(self) -> Result<PortSet, SpecError> {
        let Some(dash) = self.text.find('-') else {
            let port = self.port()?;
            return Ok(PortSet::from_range(port, port));
        };
        let (low, high) =
            (self.text.get(..dash).unwrap_or_default(), self.text.get(dash + 1..).unwrap_or_default());
        if let Some(second) = high.find('-') {
            let at = dash + 1 + second;
            return Err(self
                .error_at(at..at + 1, "a second `-`")
                .with_hint("a range is two ports: 8000-8100"));
        }
        let low = Self { text: low, ..self };
        let first = if low.text.is_empty() { 1 } else { low.port()? };
        let last = if high.is_empty() { u16::MAX } else { self.part(high).port()? };
        if first > last {
            let error = self.error(format!("the range from {first} to {last} runs backwards"));
            return Err(error.with_hint(format!("write {last}-{first}")));
        }
        Ok(PortSet::from_range(first, last))
    }

    /// A number, known to be only digits.
    fn port(self) -> Result<u16, SpecError> {
        match self.text.trim_start_matches('0') {
            "" => Err(self.error("port 0 cannot be scanned").with_hint("ports are 1 to 65535")),
            number => number.parse().map_err(|_| {
                self.error(format!("port {} does not exist", self.quoted())).with_hint("ports are 1 to 65535")
            }),
        }
    }

    /// The number after `top:`.
    fn top(self) -> Result<PortSet, SpecError> {
        let ranked = top_ports(usize::MAX).len();
        if self.text.is_empty() {
            return Err(self.error("no number follows `top:`").with_hint(format!("top:1 to top:{ranked}")));
        }
        if !self.text.bytes().all(|c| c.is_ascii_digit()) {
            let error = self.error(format!("`{}` is not a number", self.quoted()));
            return Err(error.with_hint(format!("top:1 to top:{ranked}")));
        }
        match self.text.parse() {
            Ok(0) => Err(self.error("top:0 is no port at all").with_hint(format!("top:1 to top:{ranked}"))),
            Ok(n) if n <= ranked => Ok(top_ports(n).iter().copied().collect()),
            _ => Err(self
                .error(format!("only {ranked} ports are ranked"))
                .with_hint(format!("top:1 to top:{ranked}; `full` is all ports"))),
        }
    }

    /// Why an item that is neither number nor wildcard is not a service name, and what was probably meant.
    fn unknown(self) -> SpecError {
        self.wrong_divider().or_else(|| self.wrong_protocol()).unwrap_or_else(|| {
            let quoted = self.quoted();
            let error = self.error(if self.text.starts_with(|c: char| c.is_ascii_digit()) {
                format!("`{quoted}` is neither a port nor the name of a service")
            } else {
                format!("no service is called `{quoted}`")
            });
            let top = self.text.get(..3).filter(|start| start.eq_ignore_ascii_case("top"));
            let number = top.and(self.text.get(3..)).map(|rest| rest.trim_start_matches(['-', '=', '_']));
            if let Some(number) = number.filter(|number| number.bytes().all(|c| c.is_ascii_digit())) {
                let n = if number.is_empty() { "100" } else { number };
                return error.with_hint(format!("did you mean `top:{n}`?"));
            }
            let presets = PortPreset::WORDS.map(|(word, _)| word);
            match closest_word(self.text, &presets) {
                Some(word) => error.with_hint(format!("did you mean `{word}`?")),
                None => error.with_hint("give a port, a range such as 8000-8100, or a name such as https"),
            }
        })
    }

    /// Two numbers with something else than `-` or `,` between them.
    fn wrong_divider(self) -> Option<SpecError> {
        let is_digit = |c: char| c.is_ascii_digit();
        let begin = self.text.find(|c| !is_digit(c))?;
        let end = self.text.rfind(|c| !is_digit(c)).map(|at| self.text.ceil_char_boundary(at + 1))?;
        let (low, high) = (self.text.get(..begin)?, self.text.get(end..)?);
        let divider = self.text.get(begin..end)?;
        if low.is_empty() || high.is_empty() || divider.contains(char::is_alphanumeric) {
            return None;
        }
        let error = self.error_at(begin..end, "ports are not divided like this");
        Some(error.with_hint("write 20-30 for a range, 20,30 for two ports"))
    }

    /// `T:80` and `80/tcp`, as other programs write ports.
    fn wrong_protocol(self) -> Option<SpecError> {
        let len = self.text.len();
        let (rest, at) = if let Some((before, rest)) = self.text.split_once(':') {
            (before.len() == 1).then_some((rest, 0..2))?
        } else {
            let (rest, protocol) = self.text.split_once('/')?;
            let known = ["tcp", "udp", "sctp"].iter().any(|name| name.eq_ignore_ascii_case(protocol));
            known.then_some((rest, rest.len()..len))?
        };
        let error = self.error_at(at, "a protocol does not belong here");
        Some(error.with_hint(format!("every port is a TCP port: write {rest}")))
    }

    fn quoted(self) -> String {
        let mut chars = self.text.chars();
        let mut quoted: String = chars.by_ref().take(QUOTED).collect();
        if chars.next().is_some() {
            quoted.push('…');
        }
        quoted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn understands_the_grammar() {
        for (text, ports) in [
            ("22", "22"),
            ("65535", "65535"),
            ("0080", "80"),
            ("22,80,8000-8100", "22,80,8000-8100"),
            ("80,22,80,22-23", "22-23,80"),
            (" 22 ,\t80\n", "22,80"),
            ("5-5", "5"),
            ("-1024", "1-1024"),
            ("60000-", "60000-65535"),
            ("-", "1-65535"),
            ("full", "1-65535"),
            ("ALL", "1-65535"),
            ("ssh", "22"),
            ("SSH,Https", "22,443"),
            ("rdp,vnc,smb", "445,3389,5900-5902"),
            ("http-alt", "591,8008,8080,8085"),
            ("imap*", "143,220,993"),
            ("pop?", "109-110"),
            ("top:3", "22,80,443"),
            ("TOP:1", "80"),
            ("-,!25", "1-24,26-65535"),
            ("!25,-", "1-24,26-65535"),
            ("20-30,!25-", "20-24"),
            ("-30,!-25", "26-30"),
            ("22,80,!ssh", "80"),
            ("22,80,443,!HTTP*", "22"),
            ("80,81,!top:1", "81"),
            ("80,81,!simple,82", "82"),
            ("22,!80", "22"),
        ] {
            assert_eq!(parse_ports(text).unwrap().to_string(), ports, "{text}");
        }
        assert_eq!(parse_ports("*,!*,22").unwrap_err().message(), "these exclusions leave no port");
    }

    #[test]
    fn has_the_presets() {
        for (text, preset, len) in [
            ("simple", PortPreset::Simple, 100),
            ("Standard", PortPreset::Standard, 1_000),
            ("full", PortPreset::Full, 65_535),
        ] {
            let ports = parse_ports(text).unwrap();
            assert_eq!(ports, preset.ports());
            assert_eq!(ports.len(), len);
        }
        assert_eq!(parse_ports("top:100"), parse_ports("simple"));
        assert_eq!(parse_ports("top:1000"), parse_ports("standard"));
    }

    fn shown(text: &str) -> String {
        let error = parse_ports(text).unwrap_err();
        let hint = error.hint().expect("every error says what would be right");
        format!("{error}\n{}\nhint: {hint}", error.caret())
    }

    fn all_shown(texts: &[&str]) -> String {
        texts.iter().map(|text| shown(text)).collect::<Vec<_>>().join("\n\n")
    }

    #[test]
    fn points_at_missing_items() {
        insta::assert_snapshot!(all_shown(&["", ",22", "22,,80", "22, ,80", "22,", ","]), @r"
        no ports are given

        ^
        hint: for example 22,80,8000-8100, http*, top:100 or full

        no port stands before this comma
        ,22
        ^
        hint: remove the comma

        no port stands before this comma
        22,,80
           ^
        hint: remove the comma

        no port stands before this comma
        22, ,80
            ^
        hint: remove the comma

        no port follows this comma
        22,
          ^
        hint: remove the comma

        no port stands before this comma
        ,
        ^
        hint: remove the comma
        ");
        assert_eq!(parse_ports(" \t").unwrap_err().span(), 0..2);
        assert_eq!(parse_ports("22, ").unwrap_err().span(), 2..3);
    }

    #[test]
    fn points_at_wrong_numbers() {
        let texts = ["0", "22,000", "0-100", "22,65536", "1-70000", "90-80", "70000-1", "1-2-3", "--"];
        insta::assert_snapshot!(all_shown(&texts), @r"
        port 0 cannot be scanned
        0
        ^
        hint: ports are 1 to 65535

        port 0 cannot be scanned
        22,000
           ^^^
        hint: ports are 1 to 65535

        port 0 cannot be scanned
        0-100
        ^
        hint: ports are 1 to 65535

        port 65536 does not exist
        22,65536
           ^^^^^
        hint: ports are 1 to 65535

        port 70000 does not exist
        1-70000
          ^^^^^
        hint: ports are 1 to 65535

        the range from 90 to 80 runs backwards
        90-80
        ^^^^^
        hint: write 80-90

        port 70000 does not exist
        70000-1
        ^^^^^
        hint: ports are 1 to 65535

        a second `-`
        1-2-3
           ^
        hint: a range is two ports: 8000-8100

        a second `-`
        --
         ^
        hint: a range is two ports: 8000-8100
        ");
        insta::assert_snapshot!(shown(&"9".repeat(35)), @r"
        port 999999999999999999999999999999… does not exist
        99999999999999999999999999999999999
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: ports are 1 to 65535
        ");
    }

    #[test]
    fn points_at_wrong_names() {
        let texts = ["80,htpp", "ssg", "8o", "standart", "top100", "top", "Top-20"];
        insta::assert_snapshot!(all_shown(&texts), @r"
        no service is called `htpp`
        80,htpp
           ^^^^
        hint: did you mean `http`?

        no service is called `ssg`
        ssg
        ^^^
        hint: did you mean `ssh`?

        `8o` is neither a port nor the name of a service
        8o
        ^^
        hint: give a port, a range such as 8000-8100, or a name such as https

        no service is called `standart`
        standart
        ^^^^^^^^
        hint: did you mean `standard`?

        no service is called `top100`
        top100
        ^^^^^^
        hint: did you mean `top:100`?

        no service is called `top`
        top
        ^^^
        hint: did you mean `top:100`?

        no service is called `Top-20`
        Top-20
        ^^^^^^
        hint: did you mean `top:20`?
        ");
    }

    #[test]
    fn explains_names_without_a_guess() {
        let texts = ["xyzzyxyzzy", "xyz*", "22,a\u{7}b", "+22", "0x16"];
        insta::assert_snapshot!(all_shown(&texts), @r"
        no service is called `xyzzyxyzzy`
        xyzzyxyzzy
        ^^^^^^^^^^
        hint: give a port, a range such as 8000-8100, or a name such as https

        no service name matches `xyz*`
        xyz*
        ^^^^
        hint: `*` stands for any text, `?` for one character

        no service is called `a·b`
        22,a·b
           ^^^
        hint: did you mean `adb`?

        no service is called `+22`
        +22
        ^^^
        hint: give a port, a range such as 8000-8100, or a name such as https

        `0x16` is neither a port nor the name of a service
        0x16
        ^^^^
        hint: give a port, a range such as 8000-8100, or a name such as https
        ");
        insta::assert_snapshot!(shown(&"long".repeat(40)), @r"
        no service is called `longlonglonglonglonglonglonglo…`
        longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglo…
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: give a port, a range such as 8000-8100, or a name such as https
        ");
    }

    #[test]
    fn points_at_wrong_tops() {
        insta::assert_snapshot!(all_shown(&["22,top:", "top:0", "top:1001", "top:65535", "top:x", "top:-5"]), @r"
        no number follows `top:`
        22,top:
               ^
        hint: top:1 to top:1000

        top:0 is no port at all
        top:0
            ^
        hint: top:1 to top:1000

        only 1000 ports are ranked
        top:1001
            ^^^^
        hint: top:1 to top:1000; `full` is all ports

        only 1000 ports are ranked
        top:65535
            ^^^^^
        hint: top:1 to top:1000; `full` is all ports

        `x` is not a number
        top:x
            ^
        hint: top:1 to top:1000

        `-5` is not a number
        top:-5
            ^^
        hint: top:1 to top:1000
        ");
    }

    #[test]
    fn points_at_wrong_exclusions() {
        insta::assert_snapshot!(all_shown(&["!", "22,!", "22,!!22", "22,!0", "!25", "!25,!26", "22,!20-30", "22,!ssh,!80"]), @r"
        no port follows this `!`
        !
         ^
        hint: for example !25 or !8000-8010

        no port follows this `!`
        22,!
            ^
        hint: for example !25 or !8000-8010

        a second `!`
        22,!!22
            ^
        hint: remove it

        port 0 cannot be scanned
        22,!0
            ^
        hint: ports are 1 to 65535

        there is nothing to exclude from
        !25
        ^^^
        hint: say first what to scan, for example standard,!25

        there is nothing to exclude from
        !25,!26
        ^^^^^^^
        hint: say first what to scan, for example standard,!25

        these exclusions leave no port
        22,!20-30
           ^^^^^^
        hint: exclude fewer ports

        these exclusions leave no port
        22,!ssh,!80
           ^^^^^^^^
        hint: exclude fewer ports
        ");
    }

    #[test]
    fn points_at_the_habits_of_others() {
        let texts = [
            "22 80", "80 - 90", "22;80", "20:30", "20..30", "20–30", "22/80", "T:80", "U:53", "80/tcp",
            "53/UDP", "[1-1024]",
        ];
        insta::assert_snapshot!(all_shown(&texts), @r"
        a blank inside an item
        22 80
          ^
        hint: divide ports by commas, and write ranges without blanks

        a blank inside an item
        80 - 90
          ^
        hint: divide ports by commas, and write ranges without blanks

        ports are not divided like this
        22;80
          ^
        hint: write 20-30 for a range, 20,30 for two ports

        ports are not divided like this
        20:30
          ^
        hint: write 20-30 for a range, 20,30 for two ports

        ports are not divided like this
        20..30
          ^^
        hint: write 20-30 for a range, 20,30 for two ports

        ports are not divided like this
        20–30
          ^
        hint: write 20-30 for a range, 20,30 for two ports

        ports are not divided like this
        22/80
          ^
        hint: write 20-30 for a range, 20,30 for two ports

        a protocol does not belong here
        T:80
        ^^
        hint: every port is a TCP port: write 80

        a protocol does not belong here
        U:53
        ^^
        hint: every port is a TCP port: write 53

        a protocol does not belong here
        80/tcp
          ^^^^
        hint: every port is a TCP port: write 80

        a protocol does not belong here
        53/UDP
          ^^^^
        hint: every port is a TCP port: write 53

        no service is called `[1-1024]`
        [1-1024]
        ^^^^^^^^
        hint: give a port, a range such as 8000-8100, or a name such as https
        ");
    }

    fn item() -> impl Strategy<Value = String> {
        prop_oneof![
            "[0-9!,*?a-z:/ -]{0,12}",
            (1..=u16::MAX).prop_map(|port| port.to_string()),
            (1..=u16::MAX, 1..=u16::MAX).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            prop::sample::select(vec![
                "-", "ssh", "http*", "top:10", "simple", "-80", "9000-", "!22", "!-1000", "!www*"
            ])
            .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn prints_what_it_parses(items in prop::collection::vec(item(), 1..6)) {
            if let Ok(ports) = parse_ports(&items.join(",")) {
                prop_assert!(!ports.is_empty());
                prop_assert_eq!(parse_ports(&ports.to_string()), Ok(ports));
            }
        }

        #[test]
        fn points_into_any_text(text in prop_oneof![any::<String>(), "[0-9!,*?a-zéT:;/ -]{0,30}"]) {
            if let Err(error) = parse_ports(&text) {
                prop_assert_eq!(error.input(), &text);
                prop_assert!(text.get(error.span()).is_some());
                prop_assert!(error.hint().is_some());
                prop_assert!(!error.to_string().contains(char::is_control));
                prop_assert_eq!(error.caret().lines().count(), 2);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse_ports(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn exclusions_are_applied_last(a in 1..=u16::MAX, b in 1..=u16::MAX, at in 0..3_usize) {
            let mut items = vec![format!("{}-{}", a.min(b), a.max(b)), "1".to_owned(), "2".to_owned()];
            items.insert(at, format!("!{a}"));
            let expected = PortSet::from_range(a.min(b), a.max(b))
                .union(&PortSet::from_range(1, 2))
                .difference(&PortSet::from_range(a, a));
            prop_assert_eq!(parse_ports(&items.join(",")).unwrap_or_default(), expected);
        }
    }

    #[test]
    fn the_span_is_the_very_text_that_is_wrong() {
        for (text, wrong) in [
            ("22,,80", 3..4),
            ("22,80,", 5..6),
            ("22,8 0", 4..5),
            ("10-20-30", 5..6),
            ("22,!!25", 4..5),
            ("T:80", 0..2),
            ("22,80/tcp", 5..9),
        ] {
            assert_eq!(parse_ports(text).unwrap_err().span(), wrong, "{text}");
        }
    }
}
