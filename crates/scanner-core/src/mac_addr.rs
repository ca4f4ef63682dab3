//! `MacAddr`: the hardware address of a neighbour.

use std::fmt;
use std::str::FromStr;

/// A hardware address of 48 bits (EUI-48), as Ethernet and Wi-Fi have it. Written as `b8:27:eb:12:34:56`, in text and on the wire.
///
/// ```
/// use scanner_core::MacAddr;
/// let mac: MacAddr = "B8-27-EB-12-34-56".parse()?;
/// assert_eq!(mac.to_string(), "b8:27:eb:12:34:56");
/// assert!(!mac.is_private());
/// # Ok::<(), scanner_core::MacAddrError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr([u8; 6]);

/// The text is no hardware address of six bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a hardware address")]
pub struct MacAddrError(String);

/// The bit of the first byte that says that whoever uses the address made it up (IEEE 802, the "local" bit).
const LOCAL: u8 = 0x02;

impl MacAddr {
    /// An address by its bytes in the order of transmission.
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// The bytes in the order of transmission.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Whether the address was made up by who uses it, as phones and laptops do for privacy, and virtual machines: no
    /// manufacturer can be known from it.
    pub const fn is_private(self) -> bool {
        self.0[0] & LOCAL != 0
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.map(|byte| format!("{byte:02x}")).join(":"))
    }
}

impl FromStr for MacAddr {
    type Err = MacAddrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || MacAddrError(text.to_owned());
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|part| (1..=2).contains(&part.len())).ok_or_else(wrong)?;
            let is_hex = part.bytes().all(|byte| byte.is_ascii_hexdigit());
            *byte = u8::from_str_radix(part, 16).ok().filter(|_| is_hex).ok_or_else(wrong)?;
        }
        if parts.next().is_some() { Err(wrong()) } else { Ok(Self(bytes)) }
    }
}

crate::wire::as_text!(MacAddr);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        for (text, shown, is_private) in [
            ("b8:27:eb:12:34:56", "b8:27:eb:12:34:56", false),
            ("2-0-0-0-0-A", "02:00:00:00:00:0a", true),
            ("DA:A1:19:00:00:01", "da:a1:19:00:00:01", true),
        ] {
            let mac: MacAddr = text.parse().unwrap();
            assert_eq!((mac.to_string().as_str(), mac.is_private()), (shown, is_private));
            assert_eq!(MacAddr::new(mac.octets()), mac);
            assert_eq!(serde_json::to_value(mac).unwrap(), shown);
            assert_eq!(serde_json::from_value::<MacAddr>(shown.into()).unwrap(), mac);
        }
    }

    #[test]
    fn refuses_what_is_no_hardware_address() {
        for text in [
            "",
            "b8:27:eb:12:34",
            "b8:27:eb:12:34:56:78",
            "b8:27:eb:12:34:5g",
            "+8:27:eb:12:34:56",
            "b827.eb12.3456",
        ] {
            assert!(text.parse::<MacAddr>().is_err(), "{text}");
        }
    }
}
