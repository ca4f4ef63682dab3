//! What the page can ask for. Every command returns at once; what comes of a scan goes through the channel of [`watch`].

use tauri::State;
use tauri::ipc::Channel;

use crate::scans::Scans;
use crate::view::{Batch, Failure, ScanRequest, ScanView, Snapshot};

type Answer<T> = Result<T, Failure>;

/// Starts a scan; it goes on when the page is closed or loaded again.
#[tauri::command]
pub(crate) async fn start_scan(request: ScanRequest, scans: State<'_, Scans>) -> Answer<ScanView> {
    scans.start(&request)
}

/// From now on everything that happens goes into this channel, and no longer into an earlier one.
#[tauri::command]
pub(crate) async fn watch(updates: Channel<Batch>, scans: State<'_, Scans>) -> Answer<()> {
    scans.watch(updates);
    Ok(())
}

/// Every scan that was not forgotten, in the order in which they were started.
#[tauri::command]
pub(crate) async fn list_scans(scans: State<'_, Scans>) -> Answer<Vec<ScanView>> {
    Ok(scans.list())
}

/// What a scan has found so far.
#[tauri::command]
pub(crate) async fn snapshot(id: String, scans: State<'_, Scans>) -> Answer<Snapshot> {
    scans.snapshot(&id).await
}

/// No new probes until the scan is resumed.
#[tauri::command]
pub(crate) async fn pause_scan(id: String, scans: State<'_, Scans>) -> Answer<ScanView> {
    scans.pause(&id, true)
}

/// Goes on after a pause.
#[tauri::command]
pub(crate) async fn resume_scan(id: String, scans: State<'_, Scans>) -> Answer<ScanView> {
    scans.pause(&id, false)
}

/// Ends a scan; what it found stays.
#[tauri::command]
pub(crate) async fn cancel_scan(id: String, scans: State<'_, Scans>) -> Answer<()> {
    scans.cancel(&id)
}

/// Ends a scan and drops what it found.
#[tauri::command]
pub(crate) async fn forget_scan(id: String, scans: State<'_, Scans>) -> Answer<()> {
    scans.forget(&id)
}
