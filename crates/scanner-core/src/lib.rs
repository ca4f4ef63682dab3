//! The pure part of the scanner: what every other layer speaks, and nothing that touches the world.
//!
//! Port and target grammars, the service map, the order of probes, and the types of results. No sockets, no files, no
//! clock, no randomness of its own: everything here can be tested by tables and properties.
//!
//! ```
//! use scanner_core::{PortSet, TargetItem, get_service_name, parse_target};
//!
//! let ports: PortSet = "ssh,80,8000-8100".parse()?;
//! assert_eq!(ports.len(), 103);
//! assert_eq!(get_service_name(22), Some("ssh"));
//!
//! let parsed = parse_target("192.0.2.0/24")?;
//! assert!(matches!(parsed.item, TargetItem::Addresses(ranges) if ranges.len() == 1));
//! # Ok::<(), scanner_core::SpecError>(())
//! ```
//!
//! `examples/service_map.rs` uses the service map and the port grammar by themselves.

mod addr_set;
mod comparison;
mod event;
mod host_addr;
mod interval_set;
mod mac_addr;
mod order;
mod outcome;
mod port_map;
mod port_set;
mod port_spec;
mod progress;
mod ranking;
mod report;
mod reverse_name;
mod service;
mod spec_error;
mod special;
mod target;
mod target_set;
mod target_set_builder;
mod target_spec;
mod wire;

pub use addr_set::AddrSet;
pub use comparison::{Change, Comparison, Findings, HostChange, PortsChange, compare};
pub use event::{HostFinished, PortSettled, ScanEnd, ScanEvent, ScanNote, ScanStart};
pub use host_addr::{HostAddr, HostAddrError};
pub use mac_addr::{MacAddr, MacAddrError};
pub use order::{Permutation, PortOrder};
pub use outcome::{Evidence, PortState, Reason, Verdict};
pub use port_map::PortMap;
pub use port_set::PortSet;
pub use port_spec::{PortPreset, parse_ports};
pub use progress::Progress;
pub use ranking::top_ports;
pub use report::{
    Completion, HostResult, HostStatus, Note, PortResult, PortsByReason, Protocol, ScanReport, ServiceBasis,
};
pub use reverse_name::{ForwardCheck, ReverseName};
pub use service::{get_service_name, ports_of_service, service_names};
pub use spec_error::SpecError;
pub use special::{count_public, remove_broadcasts, remove_unscannable};
pub use target::Target;
pub use target_set::TargetSet;
pub use target_set_builder::TargetSetBuilder;
pub use target_spec::{ParsedTarget, TargetItem, parse_host, parse_target};
