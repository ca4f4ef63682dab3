//! "Did you mean": the nearest of a few words.

/// The one of `words` that `text` was probably meant to be: at most two edits away, and at most a third of its length.
pub(crate) fn nearest<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    words
        .into_iter()
        .map(|word| (distance(&text, word), word))
        .filter(|(edits, word)| *edits <= 2 && edits * 3 <= word.len().max(3))
        .min()
        .map(|(_, word)| word)
}

/// Edits between two words: insertions, deletions, replacements and swaps of neighbours count one each.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let mut edits = (last[j + 1] + 1).min(row[j] + 1).min(last[j] + usize::from(from != to));
            if i > 0 && j > 0 && a[i - 1] == *to && b[j - 1] == *from {
                edits = edits.min(before[j - 1] + 1);
            }
            row.push(edits);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_that_was_meant() {
        let words = ["timeout", "retries", "pace", "ports", "format"];
        for (text, meant) in [
            ("timeuot", Some("timeout")),
            ("port", Some("ports")),
            ("Retires", Some("retries")),
            ("paces", Some("pace")),
            ("xyz", None),
            ("", None),
            ("seed", None),
        ] {
            assert_eq!(nearest(text, words), meant, "{text}");
        }
    }
}
