//! The engine of the scanner: TCP connect scans, as accurate as the path allows and as fast as the evidence permits.
//!
//! A pure controller decides which probe goes next; a thin driver connects. The scan runs on a thread of its own and speaks in
//! typed events, so it can live in any program: nothing is printed, there is no global state, and the caller's runtime, if there
//! is one, is never blocked.
//!
//! One host, and what is open on it:
//!
//! ```
//! use scanner_core::{PortSet, Target};
//! use scanner_net::{CancellationToken, ScanConfig, scan_host_ports};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let (target, port) = (Target::new(listener.local_addr()?.ip()), listener.local_addr()?.port());
//!
//! let ports = PortSet::from_range(port, port);
//! let host = scan_host_ports(&target, &ports, &ScanConfig::default(), &CancellationToken::new(), None).await?;
//! assert_eq!(host.open().map(|open| open.port).collect::<Vec<_>>(), [port]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! For a stream of events, pausing, skipping and snapshots see [`Scanner`] and [`Scan`]. The crate's `examples/` are whole programs that
//! run anywhere, each on ports that it opens itself:
//!
//! | example | what it shows |
//! |---|---|
//! | `one_host` | what is open, and why the rest is not |
//! | `many_hosts` | a stream of events, ports of their own for some hosts |
//! | `pause_and_cancel` | steering a scan from another task |
//! | `shared_budget` | several scans that never have too many sockets open together |
//! | `without_runtime` | a caller that is not asynchronous |
//! | `own_type` | results in an application's own type |
//! | `embed`, `desktop` | programs with manifests of their own: a small one, and a window |

mod api;
mod block_on;
mod config;
mod connect;
mod control;
mod driver;
mod error;
mod estimate;
mod limits;
mod plan;
mod scan;
mod scanner;

pub use api::{scan_host_ports, scan_multiple_hosts, scan_single_port};
#[doc(hidden)]
pub use config::Connector;
pub use config::{ConfigError, ConnectionLimit, PortDetail, ScanConfig};
pub use driver::ProgressCallback;
pub use error::ScanError;
pub use estimate::Estimate;
pub use plan::ScanPlan;
pub use scan::{Scan, ScanControl};
pub use scanner::Scanner;
pub use tokio_util::sync::CancellationToken;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
