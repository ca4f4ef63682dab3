//! `cargo xtask lab` where there are no network namespaces.

use std::ffi::OsString;

use anyhow::Result;

use crate::flags::{LabTask, SimFlags};
use crate::summary::{Outcome, Tally};

const WHY: &str = "network namespaces exist only on Linux";

pub(crate) fn run(_task: Option<LabTask>, _simulated: &SimFlags) -> Result<()> {
    println!("skipped: {WHY}");
    Ok(())
}

/// The suite `lab`.
pub(crate) fn suite(_names: &[OsString]) -> Result<Tally> {
    Ok(Outcome::Skipped(WHY.to_owned()).into())
}
