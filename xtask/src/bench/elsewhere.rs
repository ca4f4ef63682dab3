//! `cargo xtask bench` where there are no network namespaces.

use anyhow::Result;

use crate::flags::BenchFlags;

pub(crate) fn run(_flags: &BenchFlags) -> Result<()> {
    println!("skipped: network namespaces exist only on Linux");
    Ok(())
}
