#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scanner_cli::fuzz::records(bytes));
