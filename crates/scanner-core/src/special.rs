//! Addresses that are not ordinary hosts: those that cannot be scanned, and those that are not public.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::host_addr::HostAddr;
use crate::interval_set::IntervalSet;
use crate::target_set::{Space, TargetSet};

/// First address and prefix length.
type V4Block = (Ipv4Addr, u32);
type V6Block = (Ipv6Addr, u32);

/// IPv4 addresses to which no TCP connection can lead, and the word for them.
const V4_UNSCANNABLE: [(V4Block, &str); 3] = [
    ((Ipv4Addr::UNSPECIFIED, 32), "unspecified"), // RFC 1122, 3.2.1.3
    ((Ipv4Addr::new(224, 0, 0, 0), 4), "multicast"), // RFC 5771
    ((Ipv4Addr::BROADCAST, 32), "limited broadcast"), // RFC 919
];

/// IPv6 addresses to which no TCP connection over IPv6 can lead, and the word for them.
const V6_UNSCANNABLE: [(V6Block, &str); 3] = [
    ((Ipv6Addr::UNSPECIFIED, 128), "unspecified"), // RFC 4291, 2.5.2
    ((Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), "IPv4-mapped: give the IPv4 address"), // RFC 4291, 2.5.5.2
    ((Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8), "multicast"),                           // RFC 4291, 2.7
];

/// The blocks of the IANA IPv4 Special-Purpose Address Registry that are not reachable from everywhere.
const V4_NOT_PUBLIC: [V4Block; 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network, RFC 791
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private use, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by carriers and their customers (CGNAT), RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback, RFC 1122
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private use, RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments, RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation, RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // former 6to4 relay anycast, RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private use, RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarking, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation, RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation, RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast, RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, RFC 1112
    (Ipv4Addr::BROADCAST, 32),            // limited broadcast, RFC 919
];

/// IPv4 addresses inside those blocks that are reachable from everywhere all the same.
const V4_PUBLIC_AGAIN: [V4Block; 2] = [
    (Ipv4Addr::new(192, 0, 0, 9), 32),  // port control protocol anycast, RFC 7723
    (Ipv4Addr::new(192, 0, 0, 10), 32), // TURN anycast, RFC 8155
];

/// IPv6 blocks from which public addresses are given.
const V6_PUBLIC: [V6Block; 2] = [
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3), // global unicast, RFC 4291
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96), // public IPv4 hosts behind NAT64, RFC 6052
];

/// The blocks of the IANA IPv6 Special-Purpose Address Registry inside `2000::/3` that are not reachable from everywhere.
const V6_NOT_PUBLIC: [V6Block; 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo among them, RFC 2928
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation, RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, RFC 3056
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation, RFC 9637
];

/// IPv6 blocks inside those that are reachable from everywhere all the same.
const V6_PUBLIC_AGAIN: [V6Block; 7] = [
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 1), 128), // port control protocol anycast, RFC 7723
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 2), 128), // TURN anycast, RFC 8155
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 3), 128), // service registration anycast, RFC 9665
    (Ipv6Addr::new(0x2001, 3, 0, 0, 0, 0, 0, 0), 32),  // automatic multicast tunnelling, RFC 7450
    (Ipv6Addr::new(0x2001, 4, 0x112, 0, 0, 0, 0, 0), 48), // AS112, RFC 7535
    (Ipv6Addr::new(0x2001, 0x20, 0, 0, 0, 0, 0, 0), 28), // ORCHIDv2, RFC 7343
    (Ipv6Addr::new(0x2001, 0x30, 0, 0, 0, 0, 0, 0), 28), // drone remote identification, RFC 9374
];

/// Takes out the addresses to which no connection can lead, in every scope: unspecified, multicast and limited
/// broadcast ones, and IPv6 addresses that only wrap IPv4 ones. Returns one line for each kind that was there.
///
/// ```
/// use scanner_core::{TargetSet, remove_unscannable};
/// let mut targets: TargetSet = "192.0.2.1,224.0.0.251,255.255.255.255".parse()?;
/// let notes = remove_unscannable(&mut targets);
/// assert_eq!(notes, ["224.0.0.251 skipped (multicast)", "255.255.255.255 skipped (limited broadcast)"]);
/// assert_eq!(targets.to_string(), "192.0.2.1");
/// # Ok::<(), scanner_core::SpecError>(())
/// ```
pub fn remove_unscannable(set: &mut TargetSet) -> Vec<String> {
    let spaces: Vec<Space> = set.spaces().map(|(space, _)| space).collect();
    let mut notes = Vec::new();
    for space in spaces {
        match space {
            Space::V4 => {
                for (block, kind) in V4_UNSCANNABLE {
                    notes.extend(skip(set, space, v4_range(block), kind));
                }
            }
            Space::V6 { .. } => {
                for (block, kind) in V6_UNSCANNABLE {
                    notes.extend(skip(set, space, v6_range(block), kind));
                }
            }
        }
    }
    notes
}

/// Takes out the broadcast addresses of `networks` (an address of each and its prefix length), which are those that
/// this machine is on. Networks of one or two addresses have none (RFC 3021). Returns one line for each address.
///
/// ```
/// use scanner_core::{TargetSet, remove_broadcasts};
/// let mut targets: TargetSet = "192.168.1.0/24".parse()?;
/// let notes = remove_broadcasts(&mut targets, &[([192, 168, 1, 40].into(), 24)]);
/// assert_eq!(notes, ["192.168.1.255 skipped (broadcast)"]);
/// assert_eq!(targets.len(), 255);
/// # Ok::<(), scanner_core::SpecError>(())
/// ```
pub fn remove_broadcasts(set: &mut TargetSet, networks: &[(Ipv4Addr, u8)]) -> Vec<String> {
    let broadcasts = networks.iter().filter(|&&(_, len)| (1..=30).contains(&len));
    broadcasts
        .filter_map(|&(ip, len)| {
            let (_, last) = v4_range((ip, u32::from(len)));
            skip(set, Space::V4, (last, last), "broadcast")
        })
        .collect()
}

/// How many addresses are public: those outside the blocks that IANA's special-purpose registries, or the registries
/// of multicast and reserved space, keep from the Internet at large. Saturates at the largest `u128`.
///
/// ```
/// use scanner_core::{TargetSet, count_public};
/// let targets: TargetSet = "192.168.0.0/16,9.255.255.254-10.0.0.9,fd00::/64".parse()?;
/// assert_eq!(count_public(&targets), 2);
/// # Ok::<(), scanner_core::SpecError>(())
/// ```
pub fn count_public(set: &TargetSet) -> u128 {
    let (v4, v6) = (public_v4(), public_v6());
    let mut count = 0_u128;
    for (space, numbers) in set.spaces() {
        let public = if space == Space::V4 { &v4 } else { &v6 };
        for (first, last) in public.ranges() {
            for (begin, end) in numbers.ranges_within(first, last) {
                count = count.saturating_add(end - begin + 1);
            }
        }
    }
    count
}

/// Removes a range from `set` and says so, where some of it was there.
fn skip(set: &mut TargetSet, space: Space, (first, last): (u128, u128), kind: &str) -> Option<String> {
    let mut present = TargetSet::new();
    if let Some((_, numbers)) = set.spaces().find(|&(other, _)| other == space) {
        for (begin, end) in numbers.ranges_within(first, last) {
            present.insert_range(space.addr(begin), space.addr(end));
        }
    }
    let what = match (present.range_count(), present.len()) {
        (0, _) => return None,
        (1, 1) => present.iter().map(|addr| with_names(set, addr)).collect(),
        (1, _) => present.to_string(),
        (_, count) => format!("{count} addresses"),
    };
    set.subtract(&present);
    Some(format!("{what} skipped ({kind})"))
}

/// An address with the names that the user typed for it: without them nobody knows where it came from.
fn with_names(set: &TargetSet, addr: HostAddr) -> String {
    match set.names_of(addr) {
        [] => addr.to_string(),
        names => format!("{addr} ({})", names.join(", ")),
    }
}

fn v4_range((ip, len): V4Block) -> (u128, u128) {
    let host_bits = u32::MAX.checked_shr(len).unwrap_or(0);
    (u128::from(ip.to_bits() & !host_bits), u128::from(ip.to_bits() | host_bits))
}

fn v6_range((ip, len): V6Block) -> (u128, u128) {
    let host_bits = u128::MAX.checked_shr(len).unwrap_or(0);
    (ip.to_bits() & !host_bits, ip.to_bits() | host_bits)
}

fn public_v4() -> IntervalSet {
    let mut public = IntervalSet::default();
    public.insert(0, u128::from(u32::MAX));
    V4_NOT_PUBLIC.map(v4_range).iter().for_each(|&(first, last)| public.remove(first, last));
    V4_PUBLIC_AGAIN.map(v4_range).iter().for_each(|&(first, last)| public.insert(first, last));
    public
}

fn public_v6() -> IntervalSet {
    let mut public = IntervalSet::default();
    V6_PUBLIC.map(v6_range).iter().for_each(|&(first, last)| public.insert(first, last));
    V6_NOT_PUBLIC.map(v6_range).iter().for_each(|&(first, last)| public.remove(first, last));
    V6_PUBLIC_AGAIN.map(v6_range).iter().for_each(|&(first, last)| public.insert(first, last));
    public
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> TargetSet {
        text.parse().unwrap()
    }

    fn public(text: &str) -> u128 {
        count_public(&targets(text))
    }

    #[test]
    fn blocks_begin_at_their_first_address() {
        let v4 =
            V4_NOT_PUBLIC.iter().chain(&V4_PUBLIC_AGAIN).chain(V4_UNSCANNABLE.iter().map(|(block, _)| block));
        for &(ip, len) in v4 {
            assert_eq!(v4_range((ip, len)).0, u128::from(ip.to_bits()), "{ip}/{len}");
        }
        let v6 = V6_PUBLIC.iter().chain(&V6_NOT_PUBLIC).chain(&V6_PUBLIC_AGAIN);
        for &(ip, len) in v6.chain(V6_UNSCANNABLE.iter().map(|(block, _)| block)) {
            assert_eq!(v6_range((ip, len)).0, ip.to_bits(), "{ip}/{len}");
        }
    }

    #[test]
    fn skips_what_no_connection_reaches() {
        let mut set =
            targets("0.0.0.0/30,223.255.255.255-224.0.0.9,255.255.255.254-255.255.255.255,::/127,ff02::1%3");
        let notes = remove_unscannable(&mut set);
        insta::assert_snapshot!(notes.join("\n"), @r#"
        0.0.0.0 skipped (unspecified)
        224.0.0.0-224.0.0.9 skipped (multicast)
        255.255.255.255 skipped (limited broadcast)
        :: skipped (unspecified)
        ff02::1%3 skipped (multicast)
        "#);
        insta::assert_snapshot!(set, @"0.0.0.1-0.0.0.3,223.255.255.255,255.255.255.254,::1");
        assert!(remove_unscannable(&mut set).is_empty());
    }

    #[test]
    fn skips_ipv4_in_the_clothes_of_ipv6() {
        let mut set = targets("::/0");
        insta::assert_snapshot!(remove_unscannable(&mut set).join("\n"), @r#"
        :: skipped (unspecified)
        ::ffff:0.0.0.0/96 skipped (IPv4-mapped: give the IPv4 address)
        ff00::/8 skipped (multicast)
        "#);
        insta::assert_snapshot!(set, @"::1-::fffe:ffff:ffff,::1:0:0:0-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        assert!(!set.contains("::ffff:10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_skipped_name_is_said() {
        let mut set = TargetSet::new();
        set.add_name("0.0.0.0".parse().unwrap(), "ads.example");
        assert_eq!(remove_unscannable(&mut set), ["0.0.0.0 (ads.example) skipped (unspecified)"]);
        assert!(set.is_empty());
    }

    #[test]
    fn many_ranges_are_one_line() {
        let mut set = targets("224.0.0.1,224.0.0.3,192.0.2.1");
        assert_eq!(remove_unscannable(&mut set), ["2 addresses skipped (multicast)"]);
    }

    #[test]
    fn skips_broadcasts_of_real_networks_only() {
        let mut set = targets("192.168.0.0/22");
        let networks = [
            (Ipv4Addr::new(192, 168, 1, 7), 24),
            (Ipv4Addr::new(192, 168, 1, 8), 24),
            (Ipv4Addr::new(192, 168, 2, 0), 31),
            (Ipv4Addr::new(192, 168, 2, 9), 32),
            (Ipv4Addr::new(192, 168, 3, 1), 30),
            (Ipv4Addr::UNSPECIFIED, 0),
            (Ipv4Addr::new(10, 0, 0, 1), 8),
            (Ipv4Addr::new(10, 0, 0, 1), 77),
        ];
        let notes = remove_broadcasts(&mut set, &networks);
        assert_eq!(notes, ["192.168.1.255 skipped (broadcast)", "192.168.3.3 skipped (broadcast)"]);
        assert_eq!(set.len(), 1022);
    }

    #[test]
    fn counts_public_addresses() {
        let none = [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "100.64.0.0/10",
            "192.0.2.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "198.18.0.0/15",
            "224.0.0.0/3",
            "0.0.0.0/8",
            "::/16",
            "::1",
            "fd00::/8",
            "fe80::%2/64",
            "ff00::/8",
            "2001:db8::/32",
            "3fff::/20",
            "2002::/16",
            "2001::/32",
        ];
        for text in none {
            assert_eq!(public(text), 0, "{text}");
        }
        let all = [
            "8.8.8.0/24",
            "172.32.0.0/16",
            "100.128.0.0/24",
            "192.0.0.9",
            "2606:4700::/120",
            "2001:4:112::1",
            "64:ff9b::808:808",
        ];
        for text in all {
            assert_eq!(public(text), targets(text).len(), "{text}");
        }
        assert_eq!(public("172.15.255.255-172.32.0.0"), 2);
        assert_eq!(public("0.0.0.0/0"), 3_702_258_434);
        assert_eq!(public("8.8.8.8,2606:4700::1,192.168.1.1"), 2);
    }

    #[test]
    fn the_whole_of_ipv6_can_be_counted() {
        let count = public("::/0");
        assert!(count > 1 << 124 && count < 1 << 125, "most of 2000::/3: {count}");
    }
}
