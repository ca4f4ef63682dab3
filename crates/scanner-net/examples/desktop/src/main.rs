//! Opens the window.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    desktop::shell(tauri::Builder::default())?.run(tauri::generate_context!())?;
    Ok(())
}
