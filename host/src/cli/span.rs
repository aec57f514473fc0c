//! Lengths of time as people write and read them: `500ms`, `30s`, `1m30s`, `2h`, `7d`.

use std::time::Duration;

use crate::clock::{Clock as _, SystemClock};

/// Units, the largest first: what they are called and their milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a length of time: whole numbers with units, added up.
///
/// # Errors
/// What would be right.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "is no length of time; write whole numbers with ms, s, m, h or d: 500ms, 30s, 1m30s, 2h".to_owned();
    let mut rest = text.trim();
    let mut millis: Option<u64> = None;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let part = number.parse::<u64>().map_err(|_| wrong())?.checked_mul(*factor);
        millis = Some(part.and_then(|part| part.checked_add(millis.unwrap_or(0))).ok_or("is too long")?);
        rest = after.trim_start();
    }
    millis.map(Duration::from_millis).ok_or_else(wrong)
}

/// A length of time in its two largest units.
pub(super) fn show(millis: u64) -> String {
    let Some(first) = UNITS.iter().position(|(_, factor)| millis >= *factor) else { return "0s".to_owned() };
    let (unit, factor) = UNITS[first];
    let whole = format!("{}{unit}", millis / factor);
    match UNITS.get(first + 1) {
        // Nobody reads milliseconds beside seconds.
        Some((smaller, part)) if *part >= 1_000 && millis % factor >= *part => {
            format!("{whole} {}{smaller}", millis % factor / part)
        }
        _ => whole,
    }
}

/// Whole milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// This machine's time, to tell how long ago something was. Milliseconds since the Unix epoch.
pub(super) fn now() -> u64 {
    SystemClock::new().now().as_millis()
}

/// How long before `now_ms` something was: `5s ago`.
pub(super) fn ago(then_ms: u64, now_ms: u64) -> String {
    match now_ms.saturating_sub(then_ms) {
        // The clock of a server may be a little ahead of this machine's.
        0..1_000 => "now".to_owned(),
        past => format!("{} ago", show(past)),
    }
}

/// When something ends: `in 5s`, or how long ago it did.
pub(super) fn until(end_ms: u64, now_ms: u64) -> String {
    if end_ms > now_ms { format!("in {}", show(end_ms - now_ms)) } else { ago(end_ms, now_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_shown() {
        for (text, millis, shown) in [
            ("500ms", 500, "500ms"),
            ("30s", 30_000, "30s"),
            ("90s", 90_000, "1m 30s"),
            ("1m30s", 90_000, "1m 30s"),
            ("1h 30m", 5_400_000, "1h 30m"),
            ("2h", 7_200_000, "2h"),
            ("7d", 604_800_000, "7d"),
            ("1s500ms", 1_500, "1s"),
            ("0s", 0, "0s"),
        ] {
            let read = parse(text).unwrap();
            assert_eq!((super::millis(read), show(millis)), (millis, shown.to_owned()), "{text}");
        }
        for text in ["", "30", "s", "-1s", "1.5s", "1y", "s30", "99999999999999999999s", "999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_told_from_now() {
        assert_eq!(ago(1_000, 1_400), "now");
        assert_eq!(ago(5_000, 1_000), "now");
        assert_eq!(ago(1_000, 126_000), "2m 5s ago");
        assert_eq!(until(26_000, 1_000), "in 25s");
        assert_eq!(until(1_000, 26_000), "25s ago");
    }
}
