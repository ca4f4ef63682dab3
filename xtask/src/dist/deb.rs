//! The package for Debian and its descendants, by dpkg's own tools.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::files::{EXECUTABLE, Entry, PLAIN, gzip};
use super::{Dist, SHELLS};
use crate::shell;
use crate::summary::Outcome;

/// Of the package, not of what is in it.
const REVISION: u32 = 1;

/// Where each shell looks for the completions of packages.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/scanner"),
    ("fish", "usr/share/fish/vendor_completions.d/scanner.fish"),
    ("zsh", "usr/share/zsh/vendor-completions/_scanner"),
];

const DOC: &str = "usr/share/doc/scanner";

pub(super) fn write(dist: &Dist) -> Result<Outcome> {
    if let Some(why) = missing() {
        return Ok(Outcome::Skipped(why));
    }
    let root = root(dist);
    for entry in contents(dist)? {
        place(&entry, &root)?;
    }
    let control = control(dist)?;
    let plain = |name: &str, text: String| -> Result<()> {
        let from = dist.stage.join(name);
        std::fs::write(&from, text)?;
        place(&Entry::new(from, &format!("DEBIAN/{name}"), PLAIN), &root)
    };
    plain("control", control)?;
    plain("md5sums", md5sums(&root)?)?;
    let mut build = Command::new("dpkg-deb");
    build.args(["--root-owner-group", "-Zxz", "--build"]).arg(&root).arg(path(dist)?);
    // dpkg-deb sets later time stamps back to this one.
    shell::output_of(build.env("SOURCE_DATE_EPOCH", dist.epoch.to_string()))?;
    Ok(Outcome::Passed)
}

/// Installs the package below a directory in `target`, beside a copy of what dpkg knows of this machine, so that what the package
/// depends on has to be here; runs what was installed, and removes it.
pub(super) fn check(dist: &Dist) -> Result<Outcome> {
    if let Some(why) = missing() {
        return Ok(Outcome::Skipped(why));
    }
    let other = dist.stage.join("installed");
    let database = other.join("var/lib/dpkg");
    for folder in ["info", "updates", "triggers"] {
        std::fs::create_dir_all(database.join(folder))?;
    }
    std::fs::copy("/var/lib/dpkg/status", database.join("status")).context("copy dpkg's list of packages")?;
    let dpkg = |task: &str| {
        let root = other.display();
        let words =
            ["dpkg".to_owned(), format!("--root={root}"), format!("--log={root}/dpkg.log"), task.to_owned()];
        as_root(&words)
    };
    shell::output_of(dpkg("--install").arg(path(dist)?))?;
    for entry in contents(dist)? {
        ensure!(other.join(&entry.name).is_file(), "{} was not installed", entry.name);
    }
    let said = shell::output_of(Command::new(other.join("usr/bin/scanner")).arg("--version"))?;
    ensure!(said.trim() == format!("scanner {}", dist.version), "the installed command says {said:?}");
    shell::output_of(dpkg("--purge").arg("scanner"))?;
    ensure!(!other.join("usr").exists(), "something of the package stays in {}/usr", other.display());
    Ok(Outcome::Passed)
}

/// Debian's own critic; what it calls an error is one.
pub(super) fn lint(dist: &Dist) -> Result<Outcome> {
    if let Some(why) = missing() {
        return Ok(Outcome::Skipped(why));
    }
    if !has("lintian") {
        return Ok(Outcome::Skipped("lintian is not installed".to_owned()));
    }
    let mut command = Command::new("lintian");
    command.args(["--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0"]);
    for (tag, _) in ACCEPTED {
        command.args(["--suppress-tags", tag]);
    }
    shell::outcome_of(command.arg(path(dist)?))
}

/// Remarks of lintian that do not concern a package from outside Debian, and why.
const ACCEPTED: [(&str, &str); 1] =
    [("initial-upload-closes-no-bugs", "nobody asked Debian for this package")];

fn missing() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("only on Linux".to_owned());
    }
    let tools = ["dpkg", "dpkg-deb", "dpkg-shlibdeps", "md5sum"];
    tools.into_iter().find(|tool| !has(tool)).map(|tool| format!("{tool} is not installed"))
}

fn has(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The command as root, which dpkg asks for; in a user namespace of one's own where that is nobody here.
fn as_root(words: &[String]) -> Command {
    let is_root = shell::output_of(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let (program, rest) = if is_root { (words[0].as_str(), &words[1..]) } else { ("unshare", words) };
    let mut command = Command::new(program);
    if !is_root {
        command.args(["-r", "--"]);
    }
    command.args(rest);
    command
}

/// The tree that is packed.
fn root(dist: &Dist) -> PathBuf {
    dist.stage.join("deb")
}

fn version(dist: &Dist) -> String {
    format!("{}-{REVISION}", dist.version)
}

fn path(dist: &Dist) -> Result<PathBuf> {
    Ok(dist.out.join(format!("scanner_{}_{}.deb", version(dist), architecture()?)))
}

fn architecture() -> Result<String> {
    let said = shell::output_of(Command::new("dpkg").arg("--print-architecture"))?;
    Ok(said.trim().to_owned())
}

fn contents(dist: &Dist) -> Result<Vec<Entry>> {
    let mut entries = vec![
        Entry::new(dist.binary(), "usr/bin/scanner", EXECUTABLE),
        Entry::new(dist.config(), &format!("{DOC}/examples/config.toml"), PLAIN),
        Entry::new(
            written(dist, "copyright", copyright(dist)?.as_bytes())?,
            &format!("{DOC}/copyright"),
            PLAIN,
        ),
    ];
    for entry in dist.texts() {
        let bytes = std::fs::read(&entry.from)?;
        let name = match entry.name.as_str() {
            "README.md" => "README.md.gz",
            "CHANGELOG.md" => "changelog.gz",
            "THIRD-PARTY.txt" => "THIRD-PARTY.txt.gz",
            // The texts of our own licences are on every Debian, and named by `copyright`.
            _ => continue,
        };
        entries.push(Entry::new(written(dist, name, &gzip(&bytes)?)?, &format!("{DOC}/{name}"), PLAIN));
    }
    let news = gzip(news(dist)?.as_bytes())?;
    entries.push(Entry::new(
        written(dist, "changelog.Debian.gz", &news)?,
        &format!("{DOC}/changelog.Debian.gz"),
        PLAIN,
    ));
    for page in dist.man_pages()? {
        let name = format!("{}.gz", page.name);
        let packed = written(dist, &name, &gzip(&std::fs::read(&page.from)?)?)?;
        entries.push(Entry::new(packed, &format!("usr/share/man/man1/{name}"), PLAIN));
    }
    for (shell, name) in COMPLETIONS {
        let (_, file) = SHELLS.iter().find(|(known, _)| *known == shell).context("find a shell")?;
        entries.push(Entry::new(dist.completions(file), name, PLAIN));
    }
    entries.sort();
    Ok(entries)
}

fn written(dist: &Dist, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let folder = dist.stage.join("deb-parts");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

fn place(entry: &Entry, root: &Path) -> Result<()> {
    let to = root.join(&entry.name);
    let folder = to.parent().context("find the folder of a file")?;
    std::fs::create_dir_all(folder)?;
    std::fs::copy(&entry.from, &to).with_context(|| format!("copy {}", entry.from.display()))?;
    set_mode(&to, entry.mode)?;
    // Whatever the umask makes of new folders.
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(root)) {
        set_mode(folder, EXECUTABLE)?;
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?)
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> Result<()> {
    Ok(())
}

fn control(dist: &Dist) -> Result<String> {
    let size: u64 = files_below(&root(dist))?.iter().map(|(_, size)| size.div_ceil(1024)).sum();
    Ok(format!(
        "Package: scanner\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: {maintainer}\n\
         Installed-Size: {size}\n\
         Depends: {depends}\n\
         Section: net\n\
         Priority: optional\n\
         Description: finds the open TCP ports of hosts and networks\n \
         scanner connects to ports, measures the path instead of asking for a batch\n \
         size, and says unknown where it could not measure. It needs no privileges.\n",
        version = version(dist),
        architecture = architecture()?,
        maintainer = maintainer()?,
        depends = depends(dist)?,
    ))
}

/// Who made the package, by the variables that Debian's tools read; else who made the commit.
fn maintainer() -> Result<String> {
    if let (Ok(name), Ok(address)) = (env::var("DEBFULLNAME"), env::var("DEBEMAIL")) {
        return Ok(format!("{name} <{address}>"));
    }
    let mut git = Command::new("git");
    let said = shell::output_of(git.args(["log", "-1", "--format=%an <%ae>"]).current_dir(shell::root()))?;
    Ok(said.trim().to_owned())
}

/// The packages that hold the libraries of the binary, in the versions that it needs.
fn depends(dist: &Dist) -> Result<String> {
    let folder = dist.stage.join("shlibs");
    std::fs::create_dir_all(folder.join("debian"))?;
    std::fs::write(
        folder.join("debian/control"),
        "Source: scanner\n\nPackage: scanner\nArchitecture: any\n",
    )?;
    let mut command = Command::new("dpkg-shlibdeps");
    let said = shell::output_of(command.arg("-O").arg("-e").arg(dist.binary()).current_dir(&folder))?;
    match said.lines().find_map(|line| line.strip_prefix("shlibs:Depends=")) {
        Some(packages) => Ok(packages.to_owned()),
        None => bail!("dpkg-shlibdeps says nothing of what the binary needs: {}", said.trim()),
    }
}

fn md5sums(root: &Path) -> Result<String> {
    let names: BTreeSet<_> = files_below(root)?.into_iter().map(|(name, _)| name).collect();
    let names = names.into_iter().filter(|name| !name.starts_with("DEBIAN/"));
    shell::output_of(Command::new("md5sum").args(names).current_dir(root))
}

/// All files with their sizes, by their names from there.
fn files_below(root: &Path) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
                found.push((name, path.metadata()?.len()));
            }
        }
    }
    Ok(found)
}

/// Debian's machine-readable form.
fn copyright(dist: &Dist) -> Result<String> {
    let mit = std::fs::read_to_string(shell::root().join("crates/LICENSE-MIT"))?;
    let holder = mit.lines().find_map(|line| line.strip_prefix("Copyright (c) "));
    let (_, words) = mit.split_once("Permission is").context("find the words of the licence")?;
    let words = format!("Permission is{words}");
    let indented: String = words
        .trim_end()
        .lines()
        .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
        .collect();
    Ok(format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
         Upstream-Name: scanner {version}\n\
         Comment: what is linked in stands under the licences in THIRD-PARTY.txt.gz beside this file.\n\
         \n\
         Files: *\n\
         Copyright: {holder}\n\
         License: Expat or Apache-2.0\n\
         \n\
         License: Expat\n\
         {indented}\
         \n\
         License: Apache-2.0\n \
         The text of the licence is in /usr/share/common-licenses/Apache-2.0.\n",
        version = dist.version,
        holder = holder.context("find who holds the copyright")?,
    ))
}

/// Debian's form of a changelog, with this version only.
fn news(dist: &Dist) -> Result<String> {
    let mut date = Command::new("date");
    date.args(["--utc", "--rfc-email", "--date", &format!("@{}", dist.epoch)]).env("LC_ALL", "C");
    Ok(format!(
        "scanner ({}) unstable; urgency=medium\n\n  * Version {}; changelog.gz says what is new.\n\n -- {}  {}",
        version(dist),
        dist.version,
        maintainer()?,
        shell::output_of(&mut date)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_completion_of_the_package_is_made() {
        for (shell, _) in COMPLETIONS {
            assert!(SHELLS.iter().any(|(known, _)| *known == shell), "{shell}");
        }
    }
}
