//! The command as its users meet it: exit status, standard output and standard error, over loopback only.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod context;
mod errors;
mod help;
mod output;
mod results;
mod status;
mod targets;
mod terminal;
mod tools;
