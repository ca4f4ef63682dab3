//! Names to addresses and addresses to names, for programs that do it in bulk: with a bound on look-ups at once, a time-out,
//! retries, cancellation, answers that are kept for a minute, and errors that can be told apart.
//!
//! Two backends do the work. [`Backend::System`] is the resolver of the operating system: what `ping NAME` would find
//! (hosts file, search list, name service switch, split DNS of a VPN). [`Backend::Hickory`] asks name servers itself, which is
//! many times faster for thousands of addresses. Neither ever asks a server that is not configured.
//!
//! ```
//! use scanner_dns::{CancellationToken, DnsConfig, Resolver};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let resolver = Resolver::new(DnsConfig::default())?;
//! let cancel = CancellationToken::new(); // cancel it from anywhere: every look-up ends at once
//! let addrs = resolver.resolve("localhost", &cancel).await?;
//! assert!(addrs[0].ip().is_loopback());
//!
//! match resolver.reverse(addrs[0].ip(), &cancel).await {
//!     Ok(found) => println!("{} is {} ({})", found.ip, found.names[0], found.forward),
//!     Err(error) => println!("{error}"), // no name, or nobody who knows: `error.kind` says which
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/look_up.rs` is a whole program; `examples/bulk_ptr.rs` measures.
//!
//! Whatever a name server answers, a name that comes out of this crate is printable ASCII ([`Reverse::names`]).

mod backend;
mod cache;
mod config;
mod error;
mod family;
mod name;
mod resolver;
mod reverse;

pub use config::{Backend, DnsConfig};
pub use error::{ResolveError, ResolveErrorKind, SetupError};
pub use family::FamilyPolicy;
pub use resolver::Resolver;
pub use reverse::Reverse;
pub use scanner_core::ForwardCheck;
pub use tokio_util::sync::CancellationToken;
