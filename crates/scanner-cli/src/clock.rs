//! The only reader of the calendar clock: records carry the time at which they are written.

use std::time::SystemTime;

/// Now, as RFC 3339 in UTC with milliseconds.
pub(crate) fn timestamp() -> String {
    humantime::format_rfc3339_millis(now()).to_string()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the outermost layer stamps records; nothing is decided by this time"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
