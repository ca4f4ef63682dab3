//! What the suite `clients` needs from the Python index, in a directory below `target/`. What cannot be had is a note: the tests that need
//! it say so and pass.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::shell;

/// Readers of nmap's XML, and of JSON Schema.
const PACKAGES: &[&str] =
    &["python-libnmap==0.7.3", "python-nmap==0.7.1", "nmaptocsv==1.6", "jsonschema==4.26.0"];

/// What drives a browser, where there is one.
const BROWSER: &str = "/usr/bin/chromium";
const DRIVER: &str = "playwright==1.65.2";

/// Where the tests look for the packages.
const VARIABLE: &str = "XTASK_CLIENTS";

/// Installs what is missing, and tells the command where it is.
pub(crate) fn install(command: &mut Command) {
    let place = shell::root().join("target/clients");
    command.env(VARIABLE, &place);
    let mut packages = PACKAGES.to_vec();
    if Path::new(BROWSER).exists() {
        packages.push(DRIVER);
    }
    let stamp = place.join("installed");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return;
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&place);
    let mut pip = Command::new(place.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(&packages);
    let done = [&mut venv, &mut pip].into_iter().try_for_each(run);
    match done.and_then(|()| std::fs::write(&stamp, wanted).map_err(|error| error.to_string())) {
        Ok(()) => println!("clients: installed {}", packages.join(", ")),
        Err(why) => println!("clients: not all could be installed: {why}"),
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().last().unwrap_or_default();
    if output.status.success() { Ok(()) } else { Err(format!("{}: {last}", output.status)) }
}
