//! Capabilities: what a mission asks that its runs may do, as patterns over dotted names.

/// The name of an action on the outside world: `connector.NAME.ACTION`.
pub fn of_action(connector: &str, action: &str) -> String {
    format!("connector.{connector}.{action}")
}

/// Whether `pattern` covers `capability`: segment by segment the same, `*` standing for any one
/// segment and never for several, so that a longer name is not covered by accident.
pub fn covers(pattern: &str, capability: &str) -> bool {
    let mut wanted = capability.split('.');
    pattern.split('.').all(|segment| wanted.next().is_some_and(|name| segment == "*" || segment == name))
        && wanted.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_segment_by_segment() {
        let asked = of_action("github", "create_pr");
        for pattern in ["connector.github.create_pr", "connector.github.*", "connector.*.create_pr", "*.*.*"] {
            assert!(covers(pattern, &asked), "{pattern}");
        }
        for pattern in [
            "",
            "*",
            "connector.*",
            "connector.github",
            "connector.github.create_pr.*",
            "connector.git*.create_pr",
            "connector.github.create",
            "Connector.github.create_pr",
        ] {
            assert!(!covers(pattern, &asked), "{pattern}");
        }
    }
}
