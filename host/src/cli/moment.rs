//! Moments as people write them: RFC 3339 with an offset, or milliseconds since the Unix epoch.

/// Reads a moment, in milliseconds since the Unix epoch.
///
/// # Errors
/// What would be right.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let wrong = "is no moment; write it as 2026-03-29T03:00:00+02:00 or 2026-03-29T01:00:00Z, or in milliseconds \
                 since 1970";
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| wrong.to_owned());
    }
    let moment: jiff::Timestamp = text.parse().map_err(|_| wrong.to_owned())?;
    u64::try_from(moment.as_millisecond()).map_err(|_| "lies before 1970".to_owned())
}

/// A moment in milliseconds since the Unix epoch, for people: UTC to the second.
pub(super) fn written(at_ms: u64) -> String {
    let moment = i64::try_from(at_ms).ok().and_then(|at_ms| jiff::Timestamp::from_millisecond(at_ms).ok());
    moment.map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_it_is_read() {
        assert_eq!(written(1_774_746_000_999), "2026-03-29T01:00:00Z");
        assert_eq!(written(u64::MAX), "");
    }

    #[test]
    fn moments_are_read_in_utc_with_offsets_and_in_milliseconds() {
        assert_eq!(parse("1774746000000"), Ok(1_774_746_000_000));
        assert_eq!(parse("2026-03-29T01:00:00Z"), Ok(1_774_746_000_000));
        assert_eq!(parse(" 2026-03-29T03:00:00+02:00"), Ok(1_774_746_000_000));
        for wrong in ["", "tomorrow", "2026-03-29", "2026-03-29T03:00:00", "-5", "1969-12-31T23:59:59Z"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
