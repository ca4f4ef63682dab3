//! `--print-config`: every setting and where it came from, in the form of a configuration file.

use std::io::{self, Write};

use crate::output::sanitize::clean;
use crate::settings::key::{Key, Layers, Origin};

/// Writes every option as a line of TOML with its origin as a comment; what is not set is commented out.
pub(crate) fn print_config(layers: &Layers, out: &mut impl Write) -> io::Result<()> {
    for key in Key::ALL {
        let (line, origin) = line(key, layers);
        writeln!(out, "{line:<40} # {}", clean(&origin))?;
    }
    Ok(())
}

fn line(key: Key, layers: &Layers) -> (String, String) {
    let name = key.name();
    if key.is_many() && !layers.all(key).is_empty() {
        let all = layers.all(key);
        let texts: Vec<String> = all.iter().map(|given| quoted(&given.text)).collect();
        let mut origins: Vec<String> = all.iter().map(|given| given.origin.to_string()).collect();
        origins.dedup();
        return (format!("{name} = [{}]", texts.join(", ")), origins.join(", "));
    }
    match layers.value(key) {
        Some(given) => (format!("{name} = {}", toml_text(&given.text)), given.origin.to_string()),
        None => (format!("# {name} ="), format!("{}, not set", Origin::Default)),
    }
}

/// A value as TOML writes it: plain where that is possible.
pub(crate) fn toml_text(text: &str) -> String {
    // TOML refuses a leading zero, and need not keep a sign.
    let number = text.parse::<u32>().is_ok_and(|number| number.to_string() == text);
    if number || matches!(text, "true" | "false") { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
