//! A desktop shell around the engine: commands that start, watch and steer scans, and a page that shows what they find.
//!
//! The program keeps the scans ([`Scans`]), the page keeps nothing: loaded again, it takes a new channel, the list of the scans and
//! a snapshot of each, and goes on. [`view`] is what the page sees; the types of its script are made from it.

mod commands;
mod scans;
pub mod view;

use scanner_net::ScanError;
use tauri::{Builder, Runtime};

pub use self::scans::Scans;

/// Adds the scans and their commands to a program with a window.
///
/// # Errors
/// There is no scanner to be had.
pub fn shell<R: Runtime>(builder: Builder<R>) -> Result<Builder<R>, ScanError> {
    Ok(builder.manage(Scans::new()?).invoke_handler(tauri::generate_handler![
        commands::start_scan,
        commands::watch,
        commands::list_scans,
        commands::snapshot,
        commands::pause_scan,
        commands::resume_scan,
        commands::cancel_scan,
        commands::forget_scan,
    ]))
}
