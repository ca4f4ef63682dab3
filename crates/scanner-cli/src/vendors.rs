//! Who made a network card, by the list of the IEEE where the system has one (Debian's `ieee-data`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use scanner_core::{HostResult, MacAddr, ScanEvent, ScanReport};

/// Where the list is: of Debian's package, and where its `update-ieee-data` links it.
const LISTS: [&str; 2] = ["/usr/share/ieee-data/oui.txt", "/var/lib/ieee-data/oui.txt"];

/// The list, read when the first address asks for it. Nothing of it is part of this program.
#[derive(Debug)]
pub(crate) struct Vendors {
    places: Vec<PathBuf>,
    names: Option<HashMap<[u8; 3], String>>,
}

impl Vendors {
    pub(crate) fn new() -> Self {
        Self::at(LISTS.map(PathBuf::from).into())
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
        let [a, b, c, ..] = mac.octets();
        names.get(&[a, b, c]).cloned()
    }
}

fn read(list: &Path) -> Option<HashMap<[u8; 3], String>> {
    let text = std::fs::read(list).ok()?;
    Some(String::from_utf8_lossy(&text).lines().filter_map(entry).collect())
}

/// `B8-27-EB   (hex)`, tabs, and the name; the lines between are postal addresses.
fn entry(line: &str) -> Option<([u8; 3], String)> {
    let (prefix, name) = line.split_once("(hex)")?;
    let mut bytes = prefix.trim().split('-').map(|byte| u8::from_str_radix(byte, 16));
    let prefix = [bytes.next()?.ok()?, bytes.next()?.ok()?, bytes.next()?.ok()?];
    let name = name.trim();
    (bytes.next().is_none() && !name.is_empty()).then(|| (prefix, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "OUI/MA-L                 Organization\n\
                        company_id               Organization\n\n\
                        B8-27-EB   (hex)\t\tExample Boards Ltd.\r\n\
                        B827EB     (base 16)\t\tExample Boards Ltd.\r\n\
                        \t\t\t\t1 Some Road (hexagon)\r\n\
                        02-00-00   (hex)\t\tNobody\n\
                        XX-27-EB   (hex)\t\tWrong\n";

    #[test]
    fn the_maker_is_found_by_the_first_three_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("oui.txt");
        std::fs::write(&list, LIST).unwrap();
        let mut vendors = Vendors::at(vec![dir.path().join("none"), list]);
        for (mac, vendor) in [
            ("b8:27:eb:00:00:01", Some("Example Boards Ltd.")),
            ("b8:27:ec:00:00:01", None),
            // Made up by who uses it, whatever the list says.
            ("02:00:00:00:00:01", None),
        ] {
            assert_eq!(vendors.of(mac.parse().unwrap()).as_deref(), vendor, "{mac}");
        }
        assert_eq!(Vendors::at(Vec::new()).of("b8:27:eb:00:00:01".parse().unwrap()), None);
    }
}
