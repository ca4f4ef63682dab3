#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| scanner_cli::fuzz::config(text));
