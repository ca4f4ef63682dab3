//! Networks of known truth in network namespaces of Linux: for tests, for the lab (`cargo xtask lab`) and for benchmarks.
//!
//! Nothing that is sent in a [`Namespace`] can leave it, and nothing of it is left when its owner ends, however it ends. What
//! this machine cannot do is [`LabError::Unavailable`], so that a test can say so and pass; everything else is a defect.
//!
//! ```no_run
//! # fn main() -> Result<(), scanner_lab::LabError> {
//! use scanner_lab::{Family, Wire, World};
//!
//! let world = World::new(Wire::Veth, Family::V4)?;
//! let listeners = world.listen(Family::V4, &[22, 80])?;
//! world.target.nft("table inet t { chain c { type filter hook input priority 0; tcp dport 81 drop; }; }")?;
//! let mut scanner = world.scanner.spawn(std::process::Command::new("nmap").arg(Family::V4.target().to_string()))?;
//! # drop((listeners, scanner.wait()));
//! # Ok(())
//! # }
//! ```
//!
//! On every other system the crate is empty.

#![cfg(target_os = "linux")]

mod backlog;
mod crowd;
mod error;
mod firewall;
mod link;
mod listeners;
mod namespace;
mod outage;
mod scenario;
mod seed;
mod stage;
mod truth;
mod tun;
mod wire;
mod worker;
mod world;

pub use crate::error::LabError;
pub use crate::link::{Bursts, Link, Queue};
pub use crate::listeners::Listeners;
pub use crate::namespace::Namespace;
pub use crate::scenario::{Answer, Scenario, Size, scenarios};
pub use crate::seed::seeded_ports;
pub use crate::stage::{Chatter, Draw, Stage};
pub use crate::truth::HostTruth;
pub use crate::world::{Family, Wire, World};
