use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::target_set::TargetSet;

/// What the user sees of an error, for several texts one after another.
fn errors(texts: &[&str]) -> String {
    let one = |text: &&str| {
        let error = parse_target(text).expect_err(text);
        let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        format!("{}\nerror: {error}{hint}", error.caret())
    };
    texts.iter().map(one).collect::<Vec<_>>().join("\n\n")
}

/// What a text stands for, and the notes about it.
fn read(text: &str) -> String {
    let parsed = parse_target(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let item = match parsed.item {
        TargetItem::Addresses(ranges) => {
            let ranges: Vec<String> = ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
            ranges.join(" ")
        }
        TargetItem::Scoped { ip, interface } => format!("{ip} on {interface}"),
        TargetItem::Name(name) => format!("name {name}"),
    };
    let notes: Vec<String> = parsed.notes.iter().map(|note| format!(" ({note})")).collect();
    item + &notes.concat()
}

fn reads(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{} = {}", text.trim(), read(text))).collect::<Vec<_>>().join("\n")
}

#[test]
fn ipv4() {
    insta::assert_snapshot!(reads(&[
        "192.0.2.7",
        " 192.0.2.7\r\n",
        "0.0.0.0/0",
        "10.0.0.0/24",
        "10.0.0.5/24",
        "10.0.0.5/32",
        "10.0.0.1-20",
        "10.0.0.7-7",
        "10.0.0.1-10.0.1.9",
        "10.0.0.1-10.0.0.1",
        "10.0.0-3.1-254",
        "10.0.0.*",
        "10.0.0-1.1-2,9",
        "10.0.*.0-255",
        "10.0.0.9,1,2-4,3-6",
        "10.0-1.0-255.*",
        "10.1.*.*",
        "*.*.*.*",
    ]), @r#"
    192.0.2.7 = 192.0.2.7-192.0.2.7
    192.0.2.7 = 192.0.2.7-192.0.2.7
    0.0.0.0/0 = 0.0.0.0-255.255.255.255
    10.0.0.0/24 = 10.0.0.0-10.0.0.255
    10.0.0.5/24 = 10.0.0.0-10.0.0.255 (host bits of 10.0.0.5/24 ignored: 10.0.0.0/24)
    10.0.0.5/32 = 10.0.0.5-10.0.0.5
    10.0.0.1-20 = 10.0.0.1-10.0.0.20
    10.0.0.7-7 = 10.0.0.7-10.0.0.7
    10.0.0.1-10.0.1.9 = 10.0.0.1-10.0.1.9
    10.0.0.1-10.0.0.1 = 10.0.0.1-10.0.0.1
    10.0.0-3.1-254 = 10.0.0.1-10.0.0.254 10.0.1.1-10.0.1.254 10.0.2.1-10.0.2.254 10.0.3.1-10.0.3.254
    10.0.0.* = 10.0.0.0-10.0.0.255
    10.0.0-1.1-2,9 = 10.0.0.1-10.0.0.2 10.0.0.9-10.0.0.9 10.0.1.1-10.0.1.2 10.0.1.9-10.0.1.9
    10.0.*.0-255 = 10.0.0.0-10.0.255.255
    10.0.0.9,1,2-4,3-6 = 10.0.0.1-10.0.0.6 10.0.0.9-10.0.0.9
    10.0-1.0-255.* = 10.0.0.0-10.1.255.255
    10.1.*.* = 10.1.0.0-10.1.255.255
    *.*.*.* = 0.0.0.0-255.255.255.255
    "#);
}

#[test]
fn ipv6() {
    insta::assert_snapshot!(reads(&[
        "::1",
        "[::1]",
        "2001:db8::1",
        "2001:DB8:0:0:0:0:0:1",
        "1:2:3:4:5:6:7:8",
        "64:ff9b::192.0.2.7",
        "2001:db8::/120",
        "2001:db8::5/120",
        "::/0",
        "2001:db8::1-2001:db8::ff",
        "fe80::1%3",
        "[fe80::1%3]",
        "fe80::%3/120",
        "fe80::1%3-fe80::9%3",
        "fe80::1-fe80::9%3",
        "fe80::1%0",
        "fe80::1",
        "fe80::1%eth0",
        "fe80::1%br-lan",
        "[fe80::1%wlp2s0.100]",
        "::ffff:192.0.2.7",
        "::ffff:192.0.2.7/120",
        "::ffff:c000:207-::ffff:c000:209",
    ]), @r#"
    ::1 = ::1-::1
    [::1] = ::1-::1
    2001:db8::1 = 2001:db8::1-2001:db8::1
    2001:DB8:0:0:0:0:0:1 = 2001:db8::1-2001:db8::1
    1:2:3:4:5:6:7:8 = 1:2:3:4:5:6:7:8-1:2:3:4:5:6:7:8
    64:ff9b::192.0.2.7 = 64:ff9b::c000:207-64:ff9b::c000:207
    2001:db8::/120 = 2001:db8::-2001:db8::ff
    2001:db8::5/120 = 2001:db8::-2001:db8::ff (host bits of 2001:db8::5/120 ignored: 2001:db8::/120)
    ::/0 = ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    2001:db8::1-2001:db8::ff = 2001:db8::1-2001:db8::ff
    fe80::1%3 = fe80::1%3-fe80::1%3
    [fe80::1%3] = fe80::1%3-fe80::1%3
    fe80::%3/120 = fe80::%3-fe80::ff%3
    fe80::1%3-fe80::9%3 = fe80::1%3-fe80::9%3
    fe80::1-fe80::9%3 = fe80::1%3-fe80::9%3
    fe80::1%0 = fe80::1-fe80::1 (fe80::1 is link-local and needs its interface, as in fe80::1%eth0)
    fe80::1 = fe80::1-fe80::1 (fe80::1 is link-local and needs its interface, as in fe80::1%eth0)
    fe80::1%eth0 = fe80::1 on eth0
    fe80::1%br-lan = fe80::1 on br-lan
    [fe80::1%wlp2s0.100] = fe80::1 on wlp2s0.100
    ::ffff:192.0.2.7 = 192.0.2.7-192.0.2.7 (::ffff:192.0.2.7 is IPv4: 192.0.2.7)
    ::ffff:192.0.2.7/120 = 192.0.2.0-192.0.2.255 (::ffff:192.0.2.7/120 is IPv4: 192.0.2.0-192.0.2.255) (host bits of ::ffff:192.0.2.7/120 ignored: ::ffff:192.0.2.0/120)
    ::ffff:c000:207-::ffff:c000:209 = 192.0.2.7-192.0.2.9 (::ffff:c000:207-::ffff:c000:209 is IPv4: 192.0.2.7-192.0.2.9)
    "#);
}

#[test]
fn names() {
    insta::assert_snapshot!(reads(&[
        "localhost",
        "NAS.lan",
        "example.com.",
        "_http._tcp.example.com",
        "xn--bcher-kva.example",
        "bücher.example",
        "例え.テスト",
        "क्षेत्र.example",
        "a-b",
        "3com.example",
        "10-0-0-1.example.com",
        "10.0.0.1.nip.example",
        "1.0.0.127.in-addr.arpa",
        "1.2.3.lan",
        "192.0.2.1-static.isp.example",
        "192.0.2.1-static.pool.isp.example",
        "r3---sn-4g5e.example",
        "deadbeef",
        "0xcafe.example",
    ]), @r#"
    localhost = name localhost
    NAS.lan = name NAS.lan
    example.com. = name example.com.
    _http._tcp.example.com = name _http._tcp.example.com
    xn--bcher-kva.example = name xn--bcher-kva.example
    bücher.example = name bücher.example
    例え.テスト = name 例え.テスト
    क्षेत्र.example = name क्षेत्र.example
    a-b = name a-b
    3com.example = name 3com.example
    10-0-0-1.example.com = name 10-0-0-1.example.com
    10.0.0.1.nip.example = name 10.0.0.1.nip.example
    1.0.0.127.in-addr.arpa = name 1.0.0.127.in-addr.arpa
    1.2.3.lan = name 1.2.3.lan
    192.0.2.1-static.isp.example = name 192.0.2.1-static.isp.example
    192.0.2.1-static.pool.isp.example = name 192.0.2.1-static.pool.isp.example
    r3---sn-4g5e.example = name r3---sn-4g5e.example
    deadbeef = name deadbeef
    0xcafe.example = name 0xcafe.example
    "#);
}

#[test]
fn spoilt_ipv4_addresses() {
    insta::assert_snapshot!(errors(&[
        "10.0.0.256",
        "10.0.0.1000",
        "1.2.3",
        "80",
        "1.2.3.4.5",
        "10.0.0.1.",
        "10..0.1",
        "10.0.0.",
        "010.0.0.1",
        "10.0.0.00",
        "1O.0.0.1",
        "10.0.0.x",
        "10.0.0.1O",
        "0x7f.1",
        "0x7f000001",
        "１０.０.０.１",
        "*",
    ]), @r#"
    10.0.0.256
           ^^^
    error: 256 is more than 255
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.1000
           ^^^^
    error: 1000 is more than 255
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    1.2.3
         ^
    error: the fourth part of the address is missing
    hint: as in 1.2.3.1, or 1.2.3.0/24 for all of them

    80
      ^
    error: an IPv4 address has four parts
    hint: like 192.0.2.7; ports are given with -p

    1.2.3.4.5
           ^^
    error: an IPv4 address has four parts
    hint: 1.2.3.4 is an address

    10.0.0.1.
            ^
    error: an IPv4 address has four parts
    hint: 10.0.0.1 is an address

    10..0.1
       ^
    error: a number is missing
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.
           ^
    error: a number is missing
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    010.0.0.1
    ^^^
    error: a leading zero: some programs read such a number as octal
    hint: 10 where it is decimal

    10.0.0.00
           ^^
    error: a leading zero: some programs read such a number as octal
    hint: 0 where it is decimal

    1O.0.0.1
     ^
    error: `O` is no digit
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.x
           ^
    error: `x` is no digit
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.1O
            ^
    error: `O` is no digit
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    0x7f.1
          ^
    error: an IPv4 address has four parts
    hint: like 192.0.2.7

    0x7f000001
              ^
    error: an IPv4 address has four parts
    hint: like 192.0.2.7; ports are given with -p

    １０.０.０.１
    ^
    error: `１` is no digit
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    *
     ^
    error: an IPv4 address has four parts
    hint: like 192.0.2.7; ports are given with -p
    "#);
}

#[test]
fn spoilt_ipv4_ranges() {
    insta::assert_snapshot!(errors(&[
        "10.0.0.9-10.0.0.1",
        "10.0.0.20-1",
        "10.0.0.1-300",
        "10.0.0.1-",
        "10.0.0.-20",
        "10.0.0.1-2-3",
        "10.0.0.1-10.0.9",
        "10.0.0.1-10.0.0.x",
        "10.0.0.1-nas",
        "10.0.0-1.1-10.0.3.1",
        "10.0.0.1–20",
        "10.0.0.1 - 10.0.0.9",
        "10.0.0.1,",
        "10.0.0.1,10.0.0.2",
        "10.0.0.1,nas.lan",
        "*.*.*.1",
        "10.*.*.1,3",
    ]), @r#"
    10.0.0.9-10.0.0.1
    ^^^^^^^^^^^^^^^^^
    error: a range runs from low to high
    hint: 10.0.0.1-10.0.0.9

    10.0.0.20-1
           ^^^^
    error: a range runs from low to high
    hint: 1-20

    10.0.0.1-300
             ^^^
    error: 300 is more than 255
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.1-
             ^
    error: a number is missing
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.-20
           ^
    error: a number is missing
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.1-2-3
              ^
    error: `-` is no digit
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.1-10.0.9
                   ^
    error: the fourth part of the address is missing
    hint: as in 10.0.9.1, or 10.0.9.0/24 for all of them

    10.0.0.1-10.0.0.x
                    ^
    error: `x` is no digit
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.1-nas
             ^
    error: `n` is no digit
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0-1.1-10.0.3.1
                 ^^^^^^
    error: an IPv4 address has four parts
    hint: a range goes from one plain address to another, as in 10.0.0.1-10.0.1.9

    10.0.0.1–20
            ^
    error: `–` is no digit
    hint: a range is written with `-`

    10.0.0.1 - 10.0.0.9
            ^
    error: one target at a time
    hint: a range is written without spaces

    10.0.0.1,
             ^
    error: a number is missing
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10.0.0.1,10.0.0.2
            ^
    error: one target at a time
    hint: separate targets by spaces

    10.0.0.1,nas.lan
            ^
    error: one target at a time
    hint: separate targets by spaces

    *.*.*.1
    ^^^^^^^
    error: more than 65536 separate ranges
    hint: give it as several targets

    10.*.*.1,3
    ^^^^^^^^^^
    error: more than 65536 separate ranges
    hint: give it as several targets
    "#);
}

#[test]
fn spoilt_networks() {
    insta::assert_snapshot!(errors(&[
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.1/24/3",
        "10.0.0.0/255.255.255.0",
        "10.0.0.0/255.0.255.0",
        "10.0.0.0/x",
        "10.0.0.0/-1",
        "10.0.0/24",
        "10.0.0-3.0/24",
        "10.0.0.0/24-10.0.1.0/24",
        "nas.lan/24",
        "2001:db8::/129",
        "2001:db8::/",
        "2001:db8::/64/3",
    ]), @r#"
    10.0.0.0/33
             ^^
    error: 33 is more than 32
    hint: a prefix length is a number from 0 to 32

    10.0.0.0/
             ^
    error: the prefix length is missing
    hint: a prefix length is a number from 0 to 32

    10.0.0.1/24/3
               ^
    error: a second prefix length
    hint: one address, one `/`, one number

    10.0.0.0/255.255.255.0
             ^^^^^^^^^^^^^
    error: a mask stands where a prefix length is needed
    hint: this mask is /24

    10.0.0.0/255.0.255.0
             ^^^^^^^^^^^
    error: a mask stands where a prefix length is needed
    hint: a prefix length is a number from 0 to 32

    10.0.0.0/x
             ^
    error: `x` is no digit
    hint: a prefix length is a number from 0 to 32

    10.0.0.0/-1
             ^
    error: `-` is no digit
    hint: a prefix length is a number from 0 to 32

    10.0.0/24
          ^
    error: the fourth part of the address is missing
    hint: as in 10.0.0.1, or 10.0.0.0/24 for all of them

    10.0.0-3.0/24
          ^
    error: a plain address is needed here
    hint: `/` and a range of addresses do not go with ranges of octets

    10.0.0.0/24-10.0.1.0/24
                        ^
    error: a second prefix length
    hint: one address, one `/`, one number

    nas.lan/24
           ^
    error: `/` cannot stand in a host name
    hint: a prefix length goes with an address, as in 10.0.0.0/24

    2001:db8::/129
               ^^^
    error: 129 is more than 128
    hint: a prefix length is a number from 0 to 128

    2001:db8::/
               ^
    error: the prefix length is missing
    hint: a prefix length is a number from 0 to 128

    2001:db8::/64/3
                 ^
    error: a second prefix length
    hint: one address, one `/`, one number
    "#);
}

#[test]
fn spoilt_ipv6_addresses() {
    insta::assert_snapshot!(errors(&[
        "2001:db8::g",
        "2001:db8:::1",
        "2001::db8::1",
        "2001:db8::12345",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "1:2:3:4:5:6:7:",
        ":1:2::3",
        "1:2::3:",
        "::10.0.0.256",
        "::10.0.0.1:1",
        "2001:db8::1-ff",
        "2001:db8::9-2001:db8::1",
        "192.0.2.1%eth0",
        "fe80::1%",
        "fe80::1%99999999999",
        "fe80::1%a%b",
        "fe80::1%2-fe80::9%3",
        "fe80::%eth0/64",
        "fe80::1%eth0-fe80::9%eth0",
        "::ffff:10.0.0.1%2",
        "[::1",
        "[::1]x",
        "[::1]/64",
        "[[::1]]",
        "[::1]:80]",
        "[10.0.0.1]",
        "::1]",
    ]), @"
    2001:db8::g
              ^
    error: `g` is no hexadecimal digit
    hint: an IPv6 address is made of the digits 0-9 and a-f and of colons

    2001:db8:::1
            ^^^
    error: too many colons
    hint: `::` stands for the groups that are zero

    2001::db8::1
             ^^
    error: a second `::`
    hint: `::` stands once, for the groups that are zero

    2001:db8::12345
              ^^^^^
    error: a group has at most four digits
    hint: colons separate the groups

    1:2:3:4:5:6:7
                 ^
    error: an IPv6 address has eight groups
    hint: `::` stands for the groups that are zero

    1:2:3:4:5:6:7:8:9
                    ^
    error: an IPv6 address has eight groups
    hint: of up to four digits each

    1:2:3:4:5:6:7:8::
                  ^^^
    error: an IPv6 address has eight groups
    hint: `::` stands for at least one group

    1:2:3:4:5:6:7:
                  ^
    error: a group is missing
    hint: `::` stands for the groups that are zero

    :1:2::3
    ^
    error: a colon too many
    hint: `::` stands once, for the groups that are zero

    1:2::3:
          ^
    error: a colon too many
    hint: an address ends in a group

    ::10.0.0.256
      ^^^^^^^^^^
    error: an IPv6 address can only end in a whole IPv4 address
    hint: as in 64:ff9b::192.0.2.7

    ::10.0.0.1:1
      ^^^^^^^^
    error: an IPv6 address can only end in a whole IPv4 address
    hint: as in 64:ff9b::192.0.2.7

    2001:db8::1-ff
               ^
    error: the end of an IPv6 range is a whole address
    hint: as in 2001:db8::1-2001:db8::ff

    2001:db8::9-2001:db8::1
    ^^^^^^^^^^^^^^^^^^^^^^^
    error: a range runs from low to high
    hint: 2001:db8::1-2001:db8::9

    192.0.2.1%eth0
             ^
    error: `%` is no digit
    hint: an interface goes with an IPv6 address, as in fe80::1%eth0

    fe80::1%
            ^
    error: the interface is missing
    hint: its name or its number, as in fe80::1%eth0 or fe80::1%2

    fe80::1%99999999999
            ^^^^^^^^^^^
    error: no interface has so large a number
    hint: as in fe80::1%2

    fe80::1%a%b
             ^
    error: an interface name has no such character
    hint: as in fe80::1%eth0

    fe80::1%2-fe80::9%3
              ^^^^^^^^^
    error: both ends of a range are on one interface
    hint: fe80::1%2-fe80::9%2

    fe80::%eth0/64
    ^^^^^^^^^^^^^^
    error: a range on `eth0` needs the number of the interface
    hint: as in fe80::%2/120

    fe80::1%eth0-fe80::9%eth0
    ^^^^^^^^^^^^^^^^^^^^^^^^^
    error: a range on `eth0` needs the number of the interface
    hint: as in fe80::%2/120

    ::ffff:10.0.0.1%2
    ^^^^^^^^^^^^^^^^^
    error: an IPv4 address has no interface
    hint: write 10.0.0.1

    [::1
        ^
    error: `]` is missing
    hint: [::1]

    [::1]x
         ^
    error: only ports can follow `]`
    hint: as in [2001:db8::1]:80; a prefix length stands inside the brackets

    [::1]/64
         ^^^
    error: only ports can follow `]`
    hint: as in [2001:db8::1]:80; a prefix length stands inside the brackets

    [[::1]]
          ^
    error: only ports can follow `]`
    hint: as in [2001:db8::1]:80; a prefix length stands inside the brackets

    [::1]:80]
          ^^^
    error: `80]` is neither a port nor the name of a service
    hint: give a port, a range such as 8000-8100, or a name such as https

    [10.0.0.1]
     ^^^^^^^^
    error: brackets hold an IPv6 address
    hint: leave out the brackets

    ::1]
       ^
    error: `]` is no hexadecimal digit
    hint: an IPv6 address is made of the digits 0-9 and a-f and of colons
    ");
}

#[test]
fn ports() {
    let ports = |text: &str| parse_target(text).unwrap().ports.map(|ports| ports.to_string());
    for (typed, host, own) in [
        ("nas.lan:80", "name nas.lan", "80"),
        (" nas.lan:HTTP,8000-8010 ", "name nas.lan", "80,8000-8010"),
        ("nas.lan:top:2,9", "name nas.lan", "9,80,443"),
        ("nas.lan:9,top:2", "name nas.lan", "9,80,443"),
        ("cafe:80", "name cafe", "80"),
        ("nas:ssh", "name nas", "22"),
        ("fe80:1", "name fe80", "1"),
        ("1.2.3.4:80", "1.2.3.4-1.2.3.4", "80"),
        ("1.2.3.4,6:80,90", "1.2.3.4-1.2.3.4 1.2.3.6-1.2.3.6", "80,90"),
        ("1.2.3.4/31:-", "1.2.3.4-1.2.3.5", "1-65535"),
        ("1.2.3.4-1.2.3.9:1-9", "1.2.3.4-1.2.3.9", "1-9"),
        ("[::1]:80", "::1-::1", "80"),
        ("[::/126]:80,443", "::-::3", "80,443"),
        ("[::1-::9]:22", "::1-::9", "22"),
        ("[fe80::1%eth0.7]:22", "fe80::1 on eth0.7", "22"),
    ] {
        assert_eq!((read(typed).as_str(), ports(typed).as_deref()), (host, Some(own)), "{typed}");
    }
    for typed in ["nas.lan", "1.2.3.4", "2001:db8::80", "::1:80", "[::1]", "fe80::1%eth0:1"] {
        assert_eq!(ports(typed), None, "{typed}");
    }
}

#[test]
fn spoilt_ports_and_urls() {
    insta::assert_snapshot!(errors(&[
        "nas.lan:",
        "[::1]:",
        ":80",
        "nas.lan:0",
        "nas.lan:80,65536",
        "  nas.lan:443-80",
        "nas.lan:htpp",
        "nas.lan:80:443",
        "nas.lan:80,,443",
        "1.2.3.4:80,443,5.6.7.8:22",
        "1.2.3.400:80",
        "10:80",
        "nas..lan:80",
        "admin@nas.lan:22",
        "nas.lan: 80",
        "nas.lan:80/tcp",
        "fe80:beef",
        "2001:db8::/120:22",
        "::ffff:1.2.3.4:80",
        "[nas.lan]:80",
        "http://nas.lan/",
        "https://user@nas.lan:8443/x?y",
        "http://[2001:db8::1]:80/",
        "http://",
        "user@nas.lan",
    ]), @"
    nas.lan:
            ^
    error: no port follows this `:`
    hint: as in nas.lan:80,443 or nas.lan:http*

    [::1]:
          ^
    error: no port follows this `:`
    hint: as in nas.lan:80,443 or nas.lan:http*

    :80
    ^
    error: no host stands before the ports
    hint: as in nas.lan:80; ports of all targets are given with -p

    nas.lan:0
            ^
    error: port 0 cannot be scanned
    hint: ports are 1 to 65535

    nas.lan:80,65536
               ^^^^^
    error: port 65536 does not exist
    hint: ports are 1 to 65535

      nas.lan:443-80
              ^^^^^^
    error: the range from 443 to 80 runs backwards
    hint: write 80-443

    nas.lan:htpp
            ^^^^
    error: no service is called `htpp`
    hint: did you mean `http`?

    nas.lan:80:443
              ^
    error: ports are not divided like this
    hint: write 20-30 for a range, 20,30 for two ports

    nas.lan:80,,443
               ^
    error: no port stands before this comma
    hint: remove the comma

    1.2.3.4:80,443,5.6.7.8:22
                  ^
    error: one target at a time
    hint: separate targets by spaces

    1.2.3.400:80
          ^^^
    error: 400 is more than 255
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    10:80
      ^
    error: an IPv4 address has four parts
    hint: like 192.0.2.7; ports are given with -p

    nas..lan:80
        ^
    error: a part of the name is missing
    hint: single dots separate the parts of a name

    admin@nas.lan:22
         ^
    error: `@` cannot stand in a host name
    hint: give the host alone: nas.lan

    nas.lan: 80
            ^
    error: one target at a time
    hint: give each as an argument of its own

    nas.lan:80/tcp
              ^^^^
    error: a protocol does not belong here
    hint: every port is a TCP port: write 80

    fe80:beef
             ^
    error: an IPv6 address has eight groups
    hint: `::` stands for the groups that are zero

    2001:db8::/120:22
                  ^
    error: ports stand behind brackets
    hint: [2001:db8::/120]:22

    ::ffff:1.2.3.4:80
           ^^^^^^^
    error: an IPv6 address can only end in a whole IPv4 address
    hint: as in 64:ff9b::192.0.2.7

    [nas.lan]:80
     ^^^^^^^
    error: brackets hold an IPv6 address
    hint: leave out the brackets

    http://nas.lan/
    ^^^^^^^
    error: a URL is not a target
    hint: give the host alone: nas.lan

    https://user@nas.lan:8443/x?y
    ^^^^^^^^
    error: a URL is not a target
    hint: give host and port alone: nas.lan:8443

    http://[2001:db8::1]:80/
    ^^^^^^^
    error: a URL is not a target
    hint: give host and port alone: [2001:db8::1]:80

    http://
    ^^^^^^^
    error: a URL is not a target
    hint: a target is an address, a network like 10.0.0.0/24, a range like 10.0.0.1-20, or a host name

    user@nas.lan
        ^
    error: `@` cannot stand in a host name
    hint: give the host alone: nas.lan
    ");
}

#[test]
fn ports_do_not_go_with_what_is_left_out() {
    for (typed, alone) in [("nas.lan:80", "nas.lan"), ("10.0.0.0/8:1-9", "10.0.0.0/8"), ("[::1]:80", "::1")] {
        let error = parse_host(typed).unwrap_err();
        assert_eq!(error.message(), "ports do not go here");
        assert_eq!(error.hint(), Some(format!("give the host alone: {alone}").as_str()));
        assert_eq!(parse_host(alone).unwrap(), ParsedTarget { ports: None, ..parse_target(typed).unwrap() });
    }
    assert_eq!(parse_host("1.2.3.400:80").unwrap_err().message(), "400 is more than 255");
}

#[test]
fn spoilt_names() {
    let long_label = "a".repeat(64);
    let long_name = ["a".repeat(60).as_str(); 5].join(".");
    insta::assert_snapshot!(errors(&[
        ".",
        "nas..lan",
        "nas.lan..",
        ".nas",
        "-nas",
        "nas lan",
        "nas!lan",
        "*.example.com",
        "nas,lan",
        "nas\u{7}.lan",
        "nas\u{202e}.lan",
        "nas–lan",
        "ｎas.lan",
        "nas%eth0",
        &long_label,
        &long_name,
    ]), @"
    .
    ^
    error: a part of the name is missing
    hint: single dots separate the parts of a name

    nas..lan
        ^
    error: a part of the name is missing
    hint: single dots separate the parts of a name

    nas.lan..
            ^
    error: a part of the name is missing
    hint: single dots separate the parts of a name

    .nas
    ^
    error: a part of the name is missing
    hint: single dots separate the parts of a name

    -nas
    ^
    error: a part of a name cannot begin with `-`
    hint: a target is an address, a network like 10.0.0.0/24, a range like 10.0.0.1-20, or a host name

    nas lan
       ^
    error: one target at a time
    hint: give each as an argument of its own

    nas!lan
       ^
    error: `!` cannot stand in a host name
    hint: a target is an address, a network like 10.0.0.0/24, a range like 10.0.0.1-20, or a host name

    *.example.com
    ^
    error: `*` cannot stand in a host name
    hint: `*` stands for an octet of an IPv4 address, as in 10.0.0.*

    nas,lan
       ^
    error: `,` cannot stand in a host name
    hint: separate targets by spaces

    nas·.lan
       ^
    error: `·` cannot stand in a host name
    hint: a target is an address, a network like 10.0.0.0/24, a range like 10.0.0.1-20, or a host name

    nas·.lan
       ^
    error: `·` cannot stand in a host name
    hint: a target is an address, a network like 10.0.0.0/24, a range like 10.0.0.1-20, or a host name

    nas–lan
       ^
    error: `–` cannot stand in a host name
    hint: a range is written with `-`

    ｎas.lan
    ^
    error: `ｎ` cannot stand in a host name
    hint: a target is an address, a network like 10.0.0.0/24, a range like 10.0.0.1-20, or a host name

    nas%eth0
       ^
    error: `%` cannot stand in a host name
    hint: an interface goes with an IPv6 address, as in fe80::1%eth0

    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    error: a part of a name has at most 63 characters

    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    error: a host name has at most 253 characters
    ");
}

#[test]
fn nothing_is_no_target() {
    for text in ["", "  ", "\r\n"] {
        let error = parse_target(text).unwrap_err();
        assert_eq!((error.message(), error.hint()), ("no target", Some(GRAMMAR)));
        assert!(error.span().is_empty());
    }
}

#[test]
fn names_may_be_as_long_as_the_standard_allows() {
    let label = "a".repeat(63);
    let name = [label.as_str(), &label, &label, &label[..61]].join(".");
    assert_eq!(name.len(), 253);
    assert_eq!(read(&format!("{name}.")), format!("name {name}."));
}

#[test]
fn the_most_ranges_one_target_may_stand_for() {
    let TargetItem::Addresses(ranges) = parse_target("10.*.*.1").unwrap().item else { panic!("addresses") };
    assert_eq!(ranges.len(), 65_536);
}

/// Octets in the grammar and the numbers they stand for.
#[test]
fn one_address_is_a_range_too() {
    assert_eq!(read("2001:db8::1-2001:db8::1"), "2001:db8::1-2001:db8::1");
}

#[test]
fn the_comma_between_two_targets_is_marked() {
    assert_eq!(parse_target("1.2.3.4:80,5.6.7.8:443").unwrap_err().span(), 10..11);
}

#[test]
fn hints_fit_what_was_typed() {
    let hint = |text: &str| parse_target(text).unwrap_err().hint().unwrap_or_default().to_owned();
    assert_eq!(hint("10.0.0"), "as in 10.0.0.1, or 10.0.0.0/24 for all of them");
    assert_eq!(hint("10.0."), "like 192.0.2.7", "nothing can be put behind a dot at the end");
    assert_eq!(hint("root@nas"), "give the host alone: nas");
    assert_eq!(hint("root@"), GRAMMAR);
    assert_eq!(hint("1:2:3:4:5:6:7:192.0.2.7"), "of up to four digits each", "the IPv4 part is right");
}

fn octet() -> impl Strategy<Value = (String, BTreeSet<u8>)> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|n| (n.to_string(), BTreeSet::from([n]))),
        (any::<u8>(), 0..6_u8)
            .prop_map(|(first, len)| (first, first.saturating_add(len)))
            .prop_map(|(first, last)| (format!("{first}-{last}"), (first..=last).collect())),
    ];
    prop::collection::vec(piece, 1..4).prop_map(|pieces| {
        let texts: Vec<String> = pieces.iter().map(|(text, _)| text.clone()).collect();
        (texts.join(","), pieces.into_iter().flat_map(|(_, numbers)| numbers).collect())
    })
}

proptest! {
    #[test]
    fn octets_stand_for_all_their_combinations(octets in [octet(), octet(), octet(), octet()]) {
        let text = octets.each_ref().map(|(text, _)| text.as_str()).join(".");
        let TargetItem::Addresses(ranges) = parse_target(&text).unwrap().item else { panic!("addresses") };
        prop_assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "ascending");
        let mut set = TargetSet::new();
        for (first, last) in ranges {
            set.insert_range(first, last);
        }
        let [a, b, c, d] = octets.map(|(_, numbers)| numbers);
        prop_assert_eq!(set.len(), (a.len() * b.len() * c.len() * d.len()) as u128);
        let [a, b, c, d] = [a, b, c, d].map(|numbers| numbers.last().copied().unwrap());
        prop_assert!(set.contains(std::net::Ipv4Addr::new(a, b, c, d).into()));
    }

    #[test]
    fn every_address_is_read(bits: u128, low: u32, v6: bool) {
        let addr = if v6 {
            HostAddr::from(Ipv6Addr::from_bits(bits))
        } else {
            HostAddr::from(std::net::Ipv4Addr::from_bits(low))
        };
        let parsed = parse_target(&addr.to_string()).unwrap();
        prop_assume!(!matches!(addr.ip(), std::net::IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some()));
        prop_assert_eq!(parsed.item, TargetItem::Addresses(vec![(addr, addr)]));
    }

    /// A range as it is printed, with the ports as they are printed, is the same range with the same ports.
    #[test]
    fn what_is_printed_is_read_again(a: u128, b: u128, bits in 0..=128_u32, v6: bool, scope in 0..3_u32, ports in prop::option::of(1..60_000_u16)) {
        // The two ends share their first bits, so that networks are among the ranges.
        let (a, b) = (a, a ^ (b & u128::MAX.checked_shr(bits).unwrap_or(0)));
        let addr = |bits: u128| if v6 {
            HostAddr::with_scope(Ipv6Addr::from_bits(bits).into(), scope)
        } else {
            std::net::Ipv4Addr::from_bits((bits >> 96) as u32).into()
        };
        let (first, last) = (addr(a.min(b)), addr(a.max(b)));
        let mapped = |addr: HostAddr| matches!(addr.ip(), std::net::IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
        prop_assume!(!mapped(first) && !mapped(last));
        let mut set = TargetSet::new();
        set.insert_range(first, last);
        let ports = ports.map(|port| PortSet::from_range(port, port + 7));
        let text = match &ports {
            None => set.to_string(),
            Some(ports) if v6 => format!("[{set}]:{ports}"),
            Some(ports) => format!("{set}:{ports}"),
        };
        let parsed = parse_target(&text).unwrap();
        prop_assert_eq!(parsed.ports, ports);
        prop_assert_eq!(parsed.item, TargetItem::Addresses(vec![(first, last)]));
    }

    /// Whatever is typed: no panic, an error that points into the text, and no address mistaken for a name.
    #[test]
    fn anything_can_be_typed(text in "\\PC{0,20}|[0-9a-fx.:/%*,\\-\\[\\] ]{0,24}|[0-9]{1,3}(\\.[0-9*\\-x]{1,4}){0,4}(:[0-9a-z,!*\\-:]{0,9})?") {
        match parse_target(&text) {
            Ok(ParsedTarget { item: TargetItem::Name(name), ports, .. }) => {
                let typed = text.trim();
                let host = ports.map_or(Some(typed), |_| typed.split_once(':').map(|(host, _)| host));
                prop_assert_eq!(Some(name.as_str()), host);
                let last = name.trim_end_matches('.').rsplit('.').next().unwrap();
                prop_assert!(!last.bytes().all(|b| b.is_ascii_digit()), "{}", name);
            }
            Ok(parsed) => prop_assert!(parsed.ports.is_none_or(|ports| !ports.is_empty())),
            Err(error) => {
                prop_assert!(text.get(error.span()).is_some(), "{:?} in {:?}", error.span(), text);
                prop_assert!(!error.message().is_empty());
            }
        }
    }
}
