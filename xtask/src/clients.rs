//! What the suite `clients` needs from the Python index. What cannot be had is a note: the tests that need it say so and pass.

use std::path::Path;
use std::process::Command;

use crate::python;

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
    let place = python::place("clients");
    let mut packages = PACKAGES.to_vec();
    if Path::new(BROWSER).exists() {
        packages.push(DRIVER);
    }
    if let Err(why) = python::install(&place, &packages) {
        println!("clients: not all could be installed: {why}");
    }
    command.env(VARIABLE, place);
}
