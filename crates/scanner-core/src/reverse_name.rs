//! `ReverseName`: the name that an address has in the DNS, which whoever owns the address chose.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name that the DNS (its PTR record), or the hosts file, has for an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReverseName {
    /// The name without its final dot, in printable ASCII.
    pub name: String,
    /// Whether the name leads back to the address.
    pub forward: ForwardCheck,
}

/// Whether a name leads back to the address that has it. One that does not was chosen by somebody who does not own the
/// name: it proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ForwardCheck {
    /// The address is among those of the name.
    Agrees,
    /// The name has addresses, and this is none of them.
    Differs,
    /// The name has no address of this family, or does not exist.
    Missing,
    /// It could not be found out.
    Unknown,
}

impl ForwardCheck {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Agrees, Self::Differs, Self::Missing, Self::Unknown];

    /// The word used on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ForwardCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_the_wire_are_words_on_the_screen() {
        for check in ForwardCheck::ALL {
            assert_eq!(serde_json::to_value(check).unwrap(), check.as_str());
            assert_eq!(check.to_string(), check.as_str());
        }
    }
}
