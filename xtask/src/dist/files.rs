//! Files as they stand in a package, whatever their modes and times are here.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};

pub(super) const EXECUTABLE: u32 = 0o755;
pub(super) const PLAIN: u32 = 0o644;

/// One file of a package; sorted by name.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Entry {
    /// Below the top of the package, with `/`.
    pub(super) name: String,
    /// Where it lies here.
    pub(super) from: PathBuf,
    pub(super) mode: u32,
}

impl Entry {
    pub(super) fn new(from: PathBuf, name: &str, mode: u32) -> Self {
        Self { name: name.to_owned(), from, mode }
    }
}

/// The plain files of one folder by name.
pub(super) fn list(folder: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            entries.push(Entry::new(path, &name, PLAIN));
        }
    }
    entries.sort();
    Ok(entries)
}

/// Compressed without name and time.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Sorted files as a tar.gz, all of them below `top`, owned by nobody here and of one time.
pub(super) fn tar_gz(entries: &[Entry], top: &str, epoch: u64) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let bytes = std::fs::read(&entry.from).with_context(|| format!("read {}", entry.from.display()))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(entry.mode);
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, format!("{top}/{}", entry.name), bytes.as_slice())?;
    }
    gzip(&builder.into_inner()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn an_archive_depends_on_names_and_bytes_only() {
        let folder = std::env::temp_dir().join(format!("xtask-dist-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("b"), "two").unwrap();
        std::fs::write(folder.join("a"), "one").unwrap();
        let entries = list(&folder).unwrap();
        let first = tar_gz(&entries, "top", 7).unwrap();
        // Written anew, so with another time.
        std::fs::write(folder.join("a"), "one").unwrap();
        assert_eq!(tar_gz(&list(&folder).unwrap(), "top", 7).unwrap(), first);
        assert_ne!(tar_gz(&entries, "top", 8).unwrap(), first);

        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(first.as_slice()));
        let found: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                (entry.path().unwrap().to_string_lossy().into_owned(), text)
            })
            .collect();
        assert_eq!(found, [("top/a", "one"), ("top/b", "two")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
