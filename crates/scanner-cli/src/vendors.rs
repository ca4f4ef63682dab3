//! Who made a network card, by the lists of the IEEE where the system has them (Debian's `ieee-data`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use scanner_core::{HostResult, MacAddr, ScanEvent, ScanReport};

/// Where the lists are: of Debian's package, and where its `update-ieee-data` links them.
const PLACES: [&str; 2] = ["/usr/share/ieee-data", "/var/lib/ieee-data"];
/// One per size of the blocks of addresses that the IEEE sells: 24 bits, 28, 36, and 36 again in former times.
const LISTS: [&str; 4] = ["oui.txt", "mam.txt", "oui36.txt", "iab.txt"];
/// How many bits of an address may say who made the card, the most telling first.
const SIZES: [u32; 3] = [36, 28, 24];
/// What stands for a maker that is not to be named, or for one that a smaller block has.
const NOBODY: [&str; 2] = ["Private", "IEEE Registration Authority"];

/// By how many bits an address begins with, and these.
type Names = HashMap<(u32, u64), String>;

/// The lists, read when the first address asks for them. Nothing of them is part of this program.
#[derive(Debug)]
pub(crate) struct Vendors {
    places: Vec<PathBuf>,
    names: Option<Names>,
}

impl Vendors {
    pub(crate) fn new() -> Self {
        Self::at(PLACES.map(PathBuf::from).into())
    }

    const fn at(places: Vec<PathBuf>) -> Self {
        Self { places, names: None }
    }

    /// Fills in the maker of a finished host's network card.
    pub(crate) fn name(&mut self, event: &mut ScanEvent) {
        if let ScanEvent::Host(finished) = event {
            self.name_host(&mut finished.host);
        }
    }

    /// The same for the hosts of a report.
    pub(crate) fn name_all(&mut self, report: &mut ScanReport) {
        report.hosts.iter_mut().for_each(|host| self.name_host(host));
    }

    fn name_host(&mut self, host: &mut HostResult) {
        host.vendor = host.mac.and_then(|mac| self.of(mac));
    }

    fn of(&mut self, mac: MacAddr) -> Option<String> {
        if mac.is_private() {
            return None;
        }
        let Self { places, names } = self;
        let names =
            names.get_or_insert_with(|| places.iter().find_map(|place| read(place)).unwrap_or_default());
        let address = mac.octets().into_iter().fold(0, |bits, byte| (bits << 8) | u64::from(byte));
        SIZES.iter().find_map(|&bits| names.get(&(bits, address >> (48 - bits)))).cloned()
    }
}

/// The lists in a directory; `None` without the first of them.
fn read(place: &Path) -> Option<Names> {
    let mut names = Names::new();
    for (i, list) in LISTS.iter().enumerate() {
        match std::fs::read(place.join(list)) {
            Ok(text) => names.extend(entries(&String::from_utf8_lossy(&text))),
            Err(_) if i == 0 => return None,
            Err(_) => {}
        }
    }
    Some(names)
}

/// Pairs of lines among postal addresses: `B8-27-EB   (hex)`, tabs and the name, then `B827EB     (base 16)`, or the range of the
/// other half where the block is smaller: `900000-9FFFFF     (base 16)`.
fn entries(text: &str) -> impl Iterator<Item = ((u32, u64), String)> {
    let mut open = None;
    text.lines().filter_map(move |line| {
        if let Some((prefix, name)) = line.split_once("(hex)") {
            open = hex(&prefix.replace('-', "")).map(|prefix| (prefix, name.trim()));
            return None;
        }
        let (range, _) = line.split_once("(base 16)")?;
        let (prefix, name) = open.take().filter(|(_, name)| !name.is_empty() && !NOBODY.contains(name))?;
        let Some((first, last)) = range.split_once('-') else { return Some(((24, prefix), name.to_owned())) };
        let (first, last) = (hex(first)?, hex(last)?);
        let bits = 24 - (first ^ last).checked_ilog2().map_or(0, |bit| bit + 1).min(24);
        Some(((24 + bits, ((prefix << 24) | first) >> (24 - bits)), name.to_owned()))
    })
}

/// Three bytes.
fn hex(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits.trim(), 16).ok().filter(|_| digits.trim().len() == 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "OUI/MA-L                 Organization\n\
                        company_id               Organization\n\n\
                        B8-27-EB   (hex)\t\tExample Boards Ltd.\r\n\
                        B827EB     (base 16)\t\tExample Boards Ltd.\r\n\
                        \t\t\t\t1 Some Road (hexagon)\r\n\
                        70-B3-D5   (hex)\t\tIEEE Registration Authority\r\n\
                        70B3D5     (base 16)\t\tIEEE Registration Authority\r\n\
                        A0-00-01   (hex)\t\tPrivate\r\n\
                        A00001     (base 16)\t\tPrivate\r\n\
                        02-00-00   (hex)\t\tNobody\n\
                        020000     (base 16)\t\tNobody\n\
                        XX-27-EB   (hex)\t\tWrong\n\
                        XX27EB     (base 16)\t\tWrong\n";
    const SMALLER: &str = "OUI-28/MA-M Range\r\n\
                           20-85-93   (hex)\t\tSmall Works\r\n\
                           B00000-BFFFFF     (base 16)\t\tSmall Works\r\n";
    const SMALLEST: &str = "70-B3-D5   (hex)\t\tWorkshop\r\n\
                            A1B000-A1BFFF     (base 16)\t\tWorkshop\r\n";

    #[test]
    fn the_maker_is_found_by_the_first_bits() {
        let dir = tempfile::tempdir().unwrap();
        for (name, list) in [("oui.txt", LIST), ("mam.txt", SMALLER), ("oui36.txt", SMALLEST)] {
            std::fs::write(dir.path().join(name), list).unwrap();
        }
        let mut vendors = Vendors::at(vec![dir.path().join("none"), dir.path().to_owned()]);
        for (mac, vendor) in [
            ("b8:27:eb:00:00:01", Some("Example Boards Ltd.")),
            ("b8:27:ec:00:00:01", None),
            ("20:85:93:b7:00:01", Some("Small Works")),
            ("20:85:93:c0:00:01", None),
            ("70:b3:d5:a1:b7:01", Some("Workshop")),
            ("70:b3:d5:a1:c7:01", None),
            ("a0:00:01:00:00:01", None),
            // Made up by who uses it, whatever the list says.
            ("02:00:00:00:00:01", None),
        ] {
            assert_eq!(vendors.of(mac.parse().unwrap()).as_deref(), vendor, "{mac}");
        }
        assert_eq!(Vendors::at(Vec::new()).of("b8:27:eb:00:00:01".parse().unwrap()), None);
    }
}
