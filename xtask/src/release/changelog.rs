//! The changelog: its first section becomes that of the version that is made.

use anyhow::{Context, Result, ensure};

/// From the top of the repository.
pub(super) const PATH: &str = "crates/scanner-cli/CHANGELOG.md";

const NEXT: &str = "## [Unreleased]";

/// The text with what was unreleased under the version and its date, and an empty section above it.
///
/// # Errors
/// There is nothing to release, or the version has a section already.
pub(super) fn released(text: &str, version: &str, date: &str) -> Result<String> {
    ensure!(!text.contains(&format!("## [{version}]")), "{PATH} has a section of {version} already");
    let (before, rest) = text.split_once(NEXT).with_context(|| format!("{PATH} has no section {NEXT}"))?;
    let section = rest.split("\n## ").next().unwrap_or_default();
    ensure!(section.contains("\n- "), "{PATH} says nothing under {NEXT}: what is new?");
    Ok(format!("{before}{NEXT}\n\n## [{version}] - {date}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_goes_under_the_version() {
        let text =
            "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Speed.\n\n## [0.1.0] - 2026-11-24\n\n- All.\n";
        let expected = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- Speed.\n\n\
                        ## [0.1.0] - 2026-11-24\n\n- All.\n";
        assert_eq!(released(text, "0.2.0", "2026-12-01").unwrap(), expected);
        assert!(released(text, "0.1.0", "2026-12-01").is_err(), "made before");
        assert!(released(expected, "0.3.0", "2026-12-01").is_err(), "nothing new");
        assert!(released("# Changelog\n", "0.3.0", "2026-12-01").is_err(), "no section");
    }

    #[test]
    fn the_changelog_of_the_repository_has_its_form() {
        let text = std::fs::read_to_string(crate::shell::root().join(PATH)).unwrap();
        assert!(text.contains(NEXT));
        let sections = text.lines().filter_map(|line| line.strip_prefix("## ["));
        for section in sections.filter(|section| *section != "Unreleased]") {
            let (version, date) = section.split_once("] - ").expect(section);
            assert!(super::super::version::Version::parse(version).is_ok(), "{version}");
            assert_eq!(date.len(), "2026-11-24".len(), "{date}");
        }
    }
}
