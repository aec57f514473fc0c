//! Names the nearest known name when somebody wrote an unknown one.

use crate::config::nearest;

/// Adds `; did you mean ...?` to serde's message about an unknown member, when one of the known
/// names is near.
pub(super) fn with_nearest_name(message: &str) -> String {
    match nearest_in(message) {
        Some(name) => format!("{message}; did you mean `{name}`?"),
        None => message.to_owned(),
    }
}

/// Serde says ``unknown field `a`, expected one of `b`, `c` `` (or ``expected `b` ``, or ``expected
/// `b` or `c` ``): every quoted word after the first is a known name.
fn nearest_in(message: &str) -> Option<String> {
    // What comes before is the path of the member.
    let (_, rest) = message.split_once("unknown field ").or_else(|| message.split_once("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    nearest(unknown, quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let message = "unknown field `titel`, expected one of `title`, `goal`, `budgets`";
        assert!(with_nearest_name(message).ends_with("did you mean `title`?"));
        let message = "unknown field `colour`, expected one of `title`, `goal`";
        assert_eq!(with_nearest_name(message), message);
        let message = "action.exec: unknown field `timeout`, expected one of `argv`, `timeout_ms`";
        assert!(with_nearest_name(message).ends_with("did you mean `timeout_ms`?"));
        let message = "missing field `title`";
        assert_eq!(with_nearest_name(message), message);
    }
}
