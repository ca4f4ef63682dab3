//! Just enough of Rust's lexical grammar to tell code from comments and literals, and tests from the rest.

/// The text with every comment and every literal of text blanked out, so that a word found in it is code. Lines stay
/// where they are.
pub(super) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = end_of_non_code(&chars, at).unwrap_or(at).min(chars.len());
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|&c| blank(c)));
            at = end;
        }
    }
    code
}

/// The code with its `#[cfg(test)]` items blanked out.
pub(super) fn blank_tests(code: &str) -> String {
    let mut rest = code;
    let mut shipped = String::with_capacity(code.len());
    while let Some((start, end)) = test_item(rest) {
        shipped.push_str(&rest[..start]);
        shipped.extend(rest[start..end].chars().map(blank));
        rest = &rest[end..];
    }
    shipped.push_str(rest);
    shipped
}

/// The modules in files of their own that `path` declares for tests alone, as paths without their `.rs`.
pub(super) fn test_modules(path: &str, code: &str) -> Vec<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
    };
    let mut modules = Vec::new();
    let mut rest = code;
    while let Some((start, end)) = test_item(rest) {
        let mut words = rest[start..end].trim_end_matches(';').split_whitespace().rev();
        if let (Some(module), Some("mod")) = (words.next(), words.next()) {
            modules.push(format!("{folder}/{module}"));
        }
        rest = &rest[end..];
    }
    modules
}

/// Where the first item for tests begins and ends, its attribute included.
fn test_item(code: &str) -> Option<(usize, usize)> {
    let start =
        ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|attribute| code.find(attribute)).min()?;
    let body = start + code[start..].find(['{', ';'])?;
    let mut depth = 0_usize;
    for (offset, c) in code[body..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some((start, body + offset + 1));
        }
    }
    Some((start, code.len()))
}

fn blank(c: char) -> char {
    if c == '\n' { c } else { ' ' }
}

/// Where the comment or literal that begins at `at` ends; `None` if none begins there.
fn end_of_non_code(chars: &[char], at: usize) -> Option<usize> {
    match (chars[at], chars.get(at + 1)) {
        ('/', Some('/')) => Some(find(chars, at, |rest| rest[0] == '\n')),
        ('/', Some('*')) => Some(end_of_block_comment(chars, at)),
        ('"', _) => Some(end_of_string(chars, at + 1)),
        ('r', Some('"' | '#')) if begins_literal(chars, at) => end_of_raw_string(chars, at + 1),
        // A character and not the name of a lifetime.
        ('\'', Some('\\')) => Some(find(chars, at + 3, |rest| rest[0] == '\'') + 1),
        ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => Some(at + 3),
        _ => None,
    }
}

/// Whether the `r` at `at` is no part of a name: nothing stands before it, or a lone `b` or `c` does.
fn begins_literal(chars: &[char], at: usize) -> bool {
    let in_name = |index: usize| chars[index].is_alphanumeric() || chars[index] == '_';
    match at {
        0 => true,
        _ if !in_name(at - 1) => true,
        _ => matches!(chars[at - 1], 'b' | 'c') && (at == 1 || !in_name(at - 2)),
    }
}

fn end_of_block_comment(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(chars: &[char], start: usize) -> usize {
    let mut at = start;
    while at < chars.len() {
        match chars[at] {
            '"' => return at + 1,
            '\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// `at` is just after the `r`. `None` for a raw identifier.
fn end_of_raw_string(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at..].iter().take_while(|&&c| c == '#').count();
    (chars.get(at + hashes) == Some(&'"')).then(|| {
        let closes = |rest: &[char]| {
            rest[0] == '"' && rest.len() > hashes && rest[1..=hashes].iter().all(|&c| c == '#')
        };
        find(chars, at + hashes + 1, closes) + 1 + hashes
    })
}

/// The first place from `start` on whose rest satisfies `wanted`, or the end.
fn find(chars: &[char], start: usize, wanted: impl Fn(&[char]) -> bool) -> usize {
    (start..chars.len()).find(|&at| wanted(&chars[at..])).unwrap_or(chars.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code words that are left, to compare without counting blanks.
    fn words(text: &str) -> String {
        code_only(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_no_code() {
        assert_eq!(words("a // b\nc /* d /* e */ f */ g"), "a c g");
        assert_eq!(words("//! # Doc\n/// more\nfn a() {}"), "fn a() {}");
    }

    #[test]
    fn strings_are_no_code() {
        assert_eq!(words(r#"a("b \" c") d"#), "a( ) d");
        assert_eq!(words(r##"a(r#"b " c"#) d"##), "a( ) d");
        assert_eq!(words(r#"a(br"\") d"#), "a(b ) d");
        assert_eq!(words("a(\"// no comment\") b"), "a( ) b");
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        assert_eq!(words(r#"a('"', '\'', '\u{1f}', '/') b"#), "a( , , , ) b");
        assert_eq!(
            words("fn a<'b>(c: &'b str, d: &'static str) {}"),
            "fn a<'b>(c: &'b str, d: &'static str) {}"
        );
    }

    #[test]
    fn raw_identifiers_are_code() {
        assert_eq!(words("r#type for_r \"x\" y"), "r#type for_r y");
    }

    #[test]
    fn an_open_end_is_no_panic() {
        for text in ["\"abc", "\"abc\\", "r#\"abc", "r#\"abc\"", "/* a /*", "'\\", "'", "r", "r#"] {
            assert_eq!(code_only(text).chars().count(), text.chars().count(), "{text}");
        }
    }

    #[test]
    fn lines_stay_where_they_are() {
        let text = "a\n/* ü\n */ \"x\ny\"\nb\n";
        assert_eq!(code_only(text).lines().count(), text.lines().count());
        assert!(code_only(text).ends_with("\nb\n"));
    }

    #[test]
    fn items_for_tests_are_blanked_with_their_braces() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c() } }\nfn d() {}";
        assert_eq!(
            blank_tests(code).split_whitespace().collect::<Vec<_>>(),
            ["fn", "a()", "{}", "fn", "d()", "{}"]
        );
        assert_eq!(blank_tests("#[cfg(test)]\nmod sim;\nuse a;").trim(), "use a;");
    }

    #[test]
    fn modules_for_tests_are_found_beside_the_file() {
        let code = "#[cfg(test)]\nmod sim;\n#[cfg(test)]\npub(crate) mod fake;\n#[cfg(test)]\nmod tests { mod x {} }";
        assert_eq!(test_modules("a/src/lib.rs", code), ["a/src/sim", "a/src/fake"]);
        assert_eq!(test_modules("a/src/control.rs", code), ["a/src/control/sim", "a/src/control/fake"]);
    }
}
