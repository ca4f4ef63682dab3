//! Short notes of our own on the ports that matter.

/// A port and its note on each line.
const NOTES: &str = include_str!("notes.tsv");

/// The note on `port`.
pub(super) fn note(port: u16) -> Option<&'static str> {
    all().find(|(noted, _)| *noted == port).map(|(_, note)| note)
}

/// The ports whose note has `word` in it, whatever its case.
pub(super) fn containing(word: &str) -> impl Iterator<Item = u16> {
    all().filter(move |(_, note)| note.to_lowercase().contains(word)).map(|(port, _)| port)
}

fn all() -> impl Iterator<Item = (u16, &'static str)> {
    let parse = |line: &'static str| {
        let (port, note) = line.split_once('\t')?;
        Some((port.parse().ok()?, note))
    };
    NOTES.lines().filter_map(parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_port_in_order_and_a_note_that_fits() {
        assert_eq!(all().count(), NOTES.lines().count());
        assert!(all().is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(all().count() > 100);
        for (port, note) in all() {
            // With the columns before it, a line of 80.
            assert!((5..=45).contains(&note.len()), "{port}: {} characters", note.len());
        }
    }
}
