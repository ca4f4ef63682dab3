//! Versions, and where the repository says them.

use std::fmt;

use anyhow::{Result, bail, ensure};

/// `MAJOR.MINOR.PATCH`; versions before a release are never released.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Version {
    parts: [u64; 3],
}

impl Version {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let parts: Vec<u64> = text.split('.').filter_map(|part| part.parse().ok()).collect();
        match <[u64; 3]>::try_from(parts) {
            Ok(parts) if Self { parts }.to_string() == text => Ok(Self { parts }),
            _ => bail!("{text:?} is no version: write three numbers, as in 0.2.0"),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.parts;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// The workspace's manifest with another version: that of all crates, and what they ask of each other.
pub(super) fn set(manifest: &str, old: &str, new: Version) -> Result<String> {
    let own = format!("version = \"{old}\"");
    let mut changed = 0;
    let mut lines = Vec::new();
    for line in manifest.lines() {
        let is_own = line == own || line.contains("path = \"crates/");
        if is_own && line.contains(&own) {
            changed += 1;
            lines.push(line.replace(&own, &format!("version = \"{new}\"")));
        } else {
            lines.push(line.to_owned());
        }
    }
    ensure!(changed > 0, "Cargo.toml holds no {own}");
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers() {
        for good in ["0.1.0", "10.20.30"] {
            assert_eq!(Version::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.x", "01.2.3", "1.2.3-rc1", "+1.2.3"] {
            assert!(Version::parse(bad).is_err(), "{bad}");
        }
        assert!(Version::parse("0.10.0").unwrap() > Version::parse("0.9.9").unwrap());
    }

    #[test]
    fn only_our_own_versions_change() {
        let manifest = "[workspace.package]\nversion = \"0.1.0\"\n[workspace.dependencies]\n\
                        a = { path = \"crates/a\", version = \"0.1.0\" }\nlab = { path = \"crates/lab\" }\n\
                        etc = { version = \"0.1.0\" }\ntracing = \"0.1.0\"\n";
        let expected = "[workspace.package]\nversion = \"0.2.0\"\n[workspace.dependencies]\n\
                        a = { path = \"crates/a\", version = \"0.2.0\" }\nlab = { path = \"crates/lab\" }\n\
                        etc = { version = \"0.1.0\" }\ntracing = \"0.1.0\"\n";
        let new = Version::parse("0.2.0").unwrap();
        assert_eq!(set(manifest, "0.1.0", new).unwrap(), expected);
        assert!(set(manifest, "0.3.0", new).is_err());
    }
}
