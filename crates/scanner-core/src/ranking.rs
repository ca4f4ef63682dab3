//! The ranking of ports: which are the most likely to be open.
//!
//! It is no measured frequency. The first five hundred or so were put in order by hand from published measurements
//! and from the defaults of software; each line of `xtask/data/ranking.tsv` says from which. The rest are the ports
//! below 1024 that IANA has given a name, in ascending order.

mod table;

use self::table::RANKING;

/// The `n` ports most likely to be open, the likeliest first; all 1,000 that are ranked where `n` is larger.
///
/// ```
/// use scanner_core::top_ports;
/// assert_eq!(top_ports(3), [80, 443, 22]);
/// assert_eq!(top_ports(5_000).len(), 1_000);
/// ```
pub fn top_ports(n: usize) -> &'static [u16] {
    RANKING.get(..n).unwrap_or(&RANKING)
}

/// The place of `port` in the ranking, from 0.
pub(crate) fn likely_rank(port: u16) -> Option<usize> {
    RANKING.iter().position(|&ranked| ranked == port)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::service::get_service_name;

    #[test]
    fn has_a_thousand_different_ports() {
        let ports: BTreeSet<u16> = RANKING.into_iter().collect();
        assert_eq!(ports.len(), 1_000);
        assert!(!ports.contains(&0));
    }

    #[test]
    fn the_first_hundred_hold_what_matters() {
        let simple = top_ports(100);
        assert_eq!(simple.len(), 100);
        for port in
            [21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 443, 445, 515, 631, 993, 995, 1433, 1521, 3306]
        {
            assert!(simple.contains(&port), "port {port}");
        }
        for port in [2375, 3389, 5432, 5900, 6379, 6443, 8080, 8443, 9100, 9200, 10_250, 11_211, 27_017] {
            assert!(simple.contains(&port), "port {port}");
        }
    }

    #[test]
    fn ends_with_named_system_ports() {
        let filled = &RANKING[RANKING.iter().rposition(|&port| port >= 1024).unwrap() + 1..];
        assert!(filled.len() > 400);
        assert!(filled.is_sorted());
        assert!(filled.iter().all(|&port| get_service_name(port).is_some()));
    }

    #[test]
    fn tells_the_place_of_a_port() {
        assert_eq!(likely_rank(80), Some(0));
        assert_eq!(likely_rank(22), Some(2));
        assert_eq!(likely_rank(65_535), None);
        assert_eq!(top_ports(0), [0; 0]);
    }
}
