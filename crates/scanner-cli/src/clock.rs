//! The only reader of the calendar clock, and how its times are written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The seconds of a day.
const DAY: u64 = 86_400;

#[expect(
    clippy::disallowed_methods,
    reason = "the outermost layer stamps records; nothing is decided by this time"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// The last second of the year 9999, which is the last that RFC 3339 can write.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

/// A time that can be written: files from elsewhere, and clocks that were never set, have others.
fn writable(time: SystemTime) -> SystemTime {
    time.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST_SECOND)
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(writable(time)).to_string()
}

/// The same to the second, for people: `2026-11-22 21:19:08 UTC`.
pub(crate) fn for_people(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(writable(time)).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

/// Seconds since 1970.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// As C's `ctime` writes it, and nmap with it, in UTC: `Sun Nov 22 21:19:08 2026`.
pub(crate) fn ctime(time: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = humantime::format_rfc3339_seconds(writable(time)).to_string();
    let weekday = usize::try_from(unix_seconds(writable(time)) / DAY % 7).map_or("", |day| DAYS[day]);
    let month = text[5..7].parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let day = text[8..10].trim_start_matches('0');
    format!("{weekday} {} {day:>2} {} {}", month.unwrap_or(&""), &text[11..19], &text[..4])
}

/// A time on the wire.
pub(crate) mod wire {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serializer, de};

    #[cfg_attr(windows, expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference"))]
    pub(crate) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::rfc3339(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_rfc3339(&text)
            .map_err(|_| de::Error::custom("a time is written like 2026-11-22T22:24:07.120Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by a fuzzer: nmap's times are seconds, and as many as somebody likes.
    #[test]
    fn times_that_no_calendar_has_are_written_as_its_ends() {
        for (time, written) in [
            (UNIX_EPOCH + LAST_SECOND * 9, "9999-12-31T23:59:59.000Z"),
            (UNIX_EPOCH - Duration::from_secs(1), "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(time), written);
            assert_eq!(for_people(time)[..10], written[..10]);
            assert_eq!(ctime(time)[20..], written[..4]);
        }
    }

    #[test]
    fn times_are_written_as_others_write_them() {
        let time = UNIX_EPOCH + Duration::from_millis(1_795_382_348_120);
        assert_eq!(rfc3339(time), "2026-11-22T21:19:08.120Z");
        assert_eq!(for_people(time), "2026-11-22 21:19:08 UTC");
        assert_eq!(ctime(time), "Sun Nov 22 21:19:08 2026");
        assert_eq!(ctime(UNIX_EPOCH), "Thu Jan  1 00:00:00 1970");
        assert_eq!(unix_seconds(time), 1_795_382_348);
    }
}
