//! The service map: which name a port number stands for.
//!
//! A name is only a guess from the number. The names are IANA's, in lower case and well formed as RFC 6335 wants them
//! (`ethernet-ip-1`, not the older `EtherNet/IP-1`), changed and completed by `xtask/data/overrides.tsv`.
//!
//! A bitmap says which ports have a name; the rank of a port among the set bits is the place of its name in one text
//! of all names. Nothing here is a pointer, so the whole map is read-only pages of the binary that every process
//! shares, and a look-up is a test, a count and two reads.

mod table;

use crate::port_set::PortSet;
use crate::ranking::likely_rank;

use self::table::{ALIASES, BY_NAME, NAMED};

/// All names in the order of their ports, a line each.
const NAMES: &str = include_str!("service/names.txt");

/// How many named ports lie before each word of [`NAMED`].
static RANKS: [u16; NAMED.len()] = ranks();

/// Where each name begins in [`NAMES`], and where one more would begin.
static OFFSETS: [u32; BY_NAME.len() + 1] = offsets();

/// No service name is longer (RFC 6335, section 5.1).
const LONGEST_NAME: usize = 15;

/// A word with more mistakes than this was hardly meant to be the name of a service.
const MOST_MISTAKES: usize = 3;

/// The name of the service that usually listens on `port`; a guess from the number, nothing was asked.
///
/// ```
/// use scanner_core::get_service_name;
/// assert_eq!(get_service_name(443), Some("https"));
/// assert_eq!(get_service_name(65_000), None);
/// ```
pub fn get_service_name(port: u16) -> Option<&'static str> {
    let word = usize::from(port / 64);
    let bits = *NAMED.get(word)?;
    let bit = 1_u64 << (port % 64);
    if bits & bit == 0 {
        return None;
    }
    let before = (bits & (bit - 1)).count_ones() as usize;
    let nth = usize::from(*RANKS.get(word)?) + before;
    let (start, next) = (*OFFSETS.get(nth)? as usize, *OFFSETS.get(nth + 1)? as usize);
    NAMES.get(start..next - 1)
}

/// The ports whose service is called `pattern`, whatever its case; `*` stands for any text and `?` for one character.
///
/// Besides the names that [`get_service_name`] gives, other words for a port are understood: `rdp`, `smb`, `www`.
///
/// ```
/// use scanner_core::ports_of_service;
/// assert_eq!(ports_of_service("pop3*").to_string(), "110,995");
/// assert_eq!(ports_of_service("SSH").to_string(), "22");
/// assert!(ports_of_service("no-such-service").is_empty());
/// ```
pub fn ports_of_service(pattern: &str) -> PortSet {
    let pattern = pattern.to_ascii_lowercase();
    if is_wildcard(&pattern) {
        // A longer pattern matches nothing, and trying it on every name takes long.
        if pattern.chars().filter(|&c| c != '*').count() > LONGEST_NAME {
            return PortSet::EMPTY;
        }
        return words().filter(|&(_, word)| matches(&pattern, word)).map(|(port, _)| port).collect();
    }
    let first = BY_NAME.partition_point(|&port| get_service_name(port) < Some(&*pattern));
    let named = BY_NAME.iter().skip(first).copied();
    let named = named.take_while(|&port| get_service_name(port) == Some(&*pattern));
    let aliased = ALIASES.iter().filter(|&&(word, _)| word == pattern).map(|&(_, port)| port);
    named.chain(aliased).collect()
}

/// Every port that has a name, ascending, with its name.
pub fn service_names() -> impl Iterator<Item = (u16, &'static str)> {
    (0..=u16::MAX).filter_map(|port| Some((port, get_service_name(port)?)))
}

/// Whether `pattern` has a `*` or a `?`.
pub(crate) fn is_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// The word that was probably meant by the misspelt `typed`: one of `keywords`, or the name of a service. Of equally
/// close ones a keyword is taken, then the service that is likeliest to be open.
pub(crate) fn closest_word(typed: &str, keywords: &[&'static str]) -> Option<&'static str> {
    let typed = typed.to_ascii_lowercase();
    let len = typed.chars().count();
    let limit = (len / 3).min(MOST_MISTAKES);
    if len > LONGEST_NAME + limit {
        return None;
    }
    let services = words().map(|(port, word)| (Some(port), word));
    let all = keywords.iter().map(|&word| (None, word)).chain(services);
    let close = all.filter(|(_, word)| word.len().abs_diff(len) <= limit).filter_map(|(port, word)| {
        let distance = distance(&typed, word);
        let rank = || port.map(|port| (likely_rank(port).unwrap_or(usize::MAX), port));
        (distance <= limit).then(|| (distance, rank(), word))
    });
    close.min().map(|(.., word)| word)
}

/// The names and the other words, with their ports, in no useful order.
fn words() -> impl Iterator<Item = (u16, &'static str)> {
    let names = BY_NAME.iter().filter_map(|&port| Some((port, get_service_name(port)?)));
    names.chain(ALIASES.iter().map(|&(word, port)| (port, word)))
}

/// Whether all of `text` fits the pattern of literals, `?` and `*`. After a mismatch only the last `*` has to be
/// tried again with one character more: what the earlier ones took can stay.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut last_star = None;
    while let Some(&c) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                last_star = Some((p + 1, t));
                p += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == c => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, taken)) = last_star else { return false };
                last_star = Some((after, taken + 1));
                (p, t) = (after, taken + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|&c| c == b'*')
}

/// How many letters have to be inserted, removed, replaced or swapped with their neighbour to get from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut two_back: Vec<usize> = Vec::new();
    let mut back: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(back.len());
        row.push(i + 1);
        for (j, &y) in b.iter().enumerate() {
            let replaced = back[j] + usize::from(x != y);
            let mut least = replaced.min(back[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                least = least.min(two_back[j - 1] + 1);
            }
            row.push(least);
        }
        two_back = std::mem::replace(&mut back, row);
    }
    back.last().copied().unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, reason = "there are at most 65,536 ports, and port 0 has no name")]
const fn ranks() -> [u16; NAMED.len()] {
    let mut ranks = [0; NAMED.len()];
    let mut word = 1;
    while word < ranks.len() {
        ranks[word] = ranks[word - 1] + NAMED[word - 1].count_ones() as u16;
        word += 1;
    }
    ranks
}

#[expect(clippy::cast_possible_truncation, reason = "65,535 names of at most 15 bytes fit in 32 bits")]
#[expect(clippy::large_stack_arrays, reason = "evaluated by the compiler, never at run time")]
const fn offsets() -> [u32; BY_NAME.len() + 1] {
    let mut offsets = [0; BY_NAME.len() + 1];
    let mut lines = 0;
    let mut at = 0;
    while at < NAMES.len() {
        if NAMES.as_bytes()[at] == b'\n' {
            lines += 1;
            offsets[lines] = at as u32 + 1;
        }
        at += 1;
    }
    assert!(lines == BY_NAME.len(), "every line belongs to a port");
    offsets
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_what_everyone_knows() {
        for (port, name) in [
            (1, "tcpmux"),
            (21, "ftp"),
            (22, "ssh"),
            (23, "telnet"),
            (25, "smtp"),
            (53, "domain"),
            (80, "http"),
            (88, "kerberos"),
            (110, "pop3"),
            (111, "sunrpc"),
            (113, "ident"),
            (135, "epmap"),
            (139, "netbios-ssn"),
            (143, "imap"),
            (179, "bgp"),
            (389, "ldap"),
            (443, "https"),
            (445, "microsoft-ds"),
            (465, "submissions"),
            (515, "printer"),
            (587, "submission"),
            (631, "ipp"),
            (636, "ldaps"),
            (873, "rsync"),
            (993, "imaps"),
            (995, "pop3s"),
            (1433, "ms-sql-s"),
            (1883, "mqtt"),
            (2049, "nfs"),
            (2222, "ethernet-ip-1"),
            (3306, "mysql"),
            (3389, "ms-wbt-server"),
            (5060, "sip"),
            (5432, "postgresql"),
            (5672, "amqp"),
            (5900, "rfb"),
            (5901, "rfb"),
            (5985, "wsman"),
            (6000, "x11"),
            (6063, "x11"),
            (6379, "redis"),
            (6667, "irc"),
            (8080, "http-alt"),
            (9100, "pdl-datastream"),
            (10_250, "kubelet"),
            (11_211, "memcache"),
            (11_434, "ollama"),
            (25_565, "minecraft"),
            (27_017, "mongodb"),
        ] {
            assert_eq!(get_service_name(port), Some(name), "port {port}");
        }
        for port in [0, 2, 4, 81, 49_152, 65_000, u16::MAX] {
            assert_eq!(get_service_name(port), None, "port {port}");
        }
    }

    #[test]
    fn every_name_is_well_formed() {
        let keywords = ["simple", "standard", "full", "all", "top"];
        for (port, word) in words() {
            assert!((1..=LONGEST_NAME).contains(&word.len()), "{port} {word}");
            assert!(
                word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'),
                "{word}"
            );
            assert!(word.bytes().any(|c| c.is_ascii_lowercase()), "{word} could be a number or a range");
            assert!(!keywords.contains(&word), "{word} has another meaning in the port grammar");
            assert_ne!(port, 0);
        }
    }

    #[test]
    fn the_index_by_name_has_every_port_once() {
        assert!(BY_NAME.is_sorted_by_key(|&port| (get_service_name(port), port)));
        let by_name: BTreeSet<u16> = BY_NAME.iter().copied().collect();
        let by_port: Vec<u16> = service_names().map(|(port, _)| port).collect();
        assert_eq!(by_name.into_iter().collect::<Vec<_>>(), by_port);
        assert_eq!(by_port.len(), BY_NAME.len());
        assert!(ALIASES.is_sorted());
    }

    #[test]
    fn finds_every_port_by_its_name() {
        for (port, word) in words() {
            assert!(ports_of_service(word).contains(port), "{word}");
        }
    }

    #[test]
    fn finds_ports_by_name_and_pattern() {
        for (pattern, ports) in [
            ("ssh", "22"),
            ("HTTPS", "443"),
            ("http-alt", "591,8008,8080,8085"),
            ("irc", "194,6665-6669"),
            ("x11", "6000-6063"),
            ("rdp", "3389"),
            ("vnc", "5900-5902"),
            ("www", "80"),
            ("pop?", "109-110"),
            ("pop3*", "110,995"),
            ("imap?", "220,993"),
            ("*-sql-?", "1433-1434"),
            ("postgres*", "5432"),
            ("rd?", "630,1540,2371,3389"),
            ("", ""),
            ("?", ""),
            ("ssh\u{0}", ""),
            ("ßß", ""),
            ("????????????????", ""),
        ] {
            assert_eq!(ports_of_service(pattern).to_string(), ports, "{pattern}");
        }
        assert_eq!(ports_of_service("*").len(), BY_NAME.len());
        assert_eq!(ports_of_service("***"), ports_of_service("*"));
        assert_eq!(ports_of_service(&"*".repeat(100_000)), ports_of_service("*"));
    }

    #[test]
    fn guesses_what_was_meant() {
        for (typed, meant) in [
            ("htpp", Some("http")),
            ("hhttp", Some("http")),
            ("HTTTP", Some("http")),
            ("ssg", Some("ssh")),
            ("mysqll", Some("mysql")),
            ("postgrsql", Some("postgresql")),
            ("redsi", Some("redis")),
            ("mongdb", Some("mongodb")),
            ("ftpp", Some("ftp")),
            ("etcdd", Some("etcd")),
            ("", None),
            ("zzzzzz", None),
            ("a-name-far-too-long-for-a-service", None),
        ] {
            assert_eq!(closest_word(typed, &[]), meant, "{typed}");
        }
    }

    #[test]
    fn counts_the_changes_between_words() {
        for (a, b, changes) in
            [("", "", 0), ("", "ab", 2), ("ab", "ba", 1), ("abc", "axc", 1), ("ssh", "ssh", 0)]
        {
            assert_eq!(distance(a, b), changes, "{a} {b}");
            assert_eq!(distance(b, a), changes, "{b} {a}");
        }
    }

    /// The same question by recursion, for comparison.
    fn matches_simply(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|taken| matches_simply(rest, &text[taken..])),
            ([wanted, rest @ ..], [c, others @ ..]) => {
                (*wanted == b'?' || wanted == c) && matches_simply(rest, others)
            }
            (_, []) => false,
        }
    }

    proptest! {
        #[test]
        fn matches_like_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(matches(&pattern, &text), matches_simply(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn no_pattern_panics(pattern in any::<String>()) {
            ports_of_service(&pattern);
            closest_word(&pattern, &[]);
        }
    }

    #[test]
    fn the_longest_names_are_found_too() {
        let (_, longest) = words().find(|(_, word)| word.len() == LONGEST_NAME).unwrap();
        assert!(!ports_of_service(&"?".repeat(LONGEST_NAME)).is_empty());
        assert_eq!(ports_of_service(&format!("{longest}*")), ports_of_service(longest));
        let with_mistakes = format!("{longest}{}", "q".repeat(MOST_MISTAKES));
        assert_eq!(closest_word(&with_mistakes, &[]), Some(longest));
    }

    #[test]
    fn a_third_of_the_letters_may_be_wrong() {
        for (typed, meant) in
            [("qq", None), ("ssq", Some("ssh")), ("xsshx", None), ("pqstgresxl", Some("postgresql"))]
        {
            assert_eq!(closest_word(typed, &[]), meant, "{typed}");
        }
        assert_eq!(closest_word("ssg", &["ssf"]), Some("ssf"), "of equally close ones the keyword");
    }
}
