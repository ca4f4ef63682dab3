//! The service map and the grammar of ports by themselves: no scan, no network, no runtime.
//!
//! `cargo run -p scanner-core --example service_map -- 'http*,!8080'`

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::process::ExitCode;

use scanner_core::{PortPreset, PortSet, get_service_name, parse_ports, ports_of_service, top_ports};

fn main() -> ExitCode {
    let spec = std::env::args().nth(1).unwrap_or_else(|| "ssh,80,8000-8100,!8050".to_owned());
    let ports = match parse_ports(&spec) {
        Ok(ports) => ports,
        Err(error) => {
            // The caret stands under what is wrong.
            println!("{error}\n{}", error.caret());
            return ExitCode::FAILURE;
        }
    };
    println!("{spec} is {ports}: {} ports", ports.len());
    let named = ports.iter().filter_map(|port| Some((port, get_service_name(port)?)));
    for (port, name) in named.take(10) {
        println!("{port:>5}  {name}");
    }

    // A name is a guess from the number; the other way round there can be several ports.
    assert_eq!(get_service_name(443), Some("https"));
    assert_eq!(ports_of_service("pop3*"), PortSet::from_iter([110, 995]));

    // The likeliest first. Presets are the same ranking, cut off.
    println!("most often open: {:?}", top_ports(5));
    assert_eq!(top_ports(100).iter().copied().collect::<PortSet>(), PortPreset::Simple.ports());
    ExitCode::SUCCESS
}
