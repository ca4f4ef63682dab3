//! Names to addresses, through the resolver of the system: what `ping NAME` would find, the scan finds too (hosts file,
//! search list, split DNS of a VPN).
//!
//! ```
//! use scanner_dns::{DnsConfig, Resolver};
//! use tokio_util::sync::CancellationToken;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let resolver = Resolver::new(DnsConfig::default());
//! let names = ["localhost".to_owned()];
//! let (targets, errors) = resolver.resolve_all(&names, &CancellationToken::new()).await;
//! assert!(errors.is_empty());
//! assert_eq!(targets.len(), 1);
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod config;
mod error;
mod family;
mod lookup;
mod resolver;

pub use config::DnsConfig;
pub use error::{ResolveError, ResolveErrorKind};
pub use family::FamilyPolicy;
pub use resolver::Resolver;
