//! The built command in network namespaces, against networks of which everything is known. Nothing that these tests send
//! leaves the machine, and the namespaces vanish with the process. Where they cannot be made (not Linux, not root, no `ip` or
//! `nft`) each test prints one line `skipped: …` and passes.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up may panic")]

mod command;
mod machine;
mod name_server;
mod setup;

mod bystander;
mod clients;
mod damage;
mod discovery;
mod faults;
mod footprint;
mod home;
mod interrupted;
mod limited;
mod local;
mod look_ups;
mod loopback;
mod names;
mod reasons;
mod trouble;
mod unreachable;
mod wide;
