//! SHA-256 of every file, in the form that `sha256sum --check` reads.

use std::fmt::Write as _;

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::{Dist, files};
use crate::summary::Outcome;

pub(super) fn write(dist: &Dist) -> Result<Outcome> {
    let mut text = String::new();
    for entry in files::list(&dist.out)? {
        let _ = writeln!(text, "{}  {}", hex(&std::fs::read(&entry.from)?), entry.name);
    }
    std::fs::write(dist.out.join("SHA256SUMS"), text)?;
    Ok(Outcome::Passed)
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // FIPS 180-2, appendix B.1, and the empty message.
        assert_eq!(hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
