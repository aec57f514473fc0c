//! Capabilities: what a mission asks that its runs may do, as patterns over dotted names, or as the
//! beginnings of keys of shared resources.

use super::resource::check_prefix;

/// The name of an action on the outside world: `connector.NAME.ACTION`.
pub fn of_action(connector: &str, action: &str) -> String {
    format!("connector.{connector}.{action}")
}

/// The beginning of keys that a capability lets a run `read` or `write`: `resource.read:PREFIX`. None for
/// every other capability, and for a prefix that no key has or that is none.
pub fn of_resources<'c>(may: &str, capability: &'c str) -> Option<&'c str> {
    let prefix = capability.strip_prefix("resource.")?.strip_prefix(may)?.strip_prefix(':')?;
    (!prefix.is_empty() && check_prefix(prefix).is_ok()).then_some(prefix)
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
    fn a_prefix_of_resources_is_granted_as_it_stands() {
        assert_eq!(of_resources("read", "resource.read:project/a/"), Some("project/a/"));
        assert_eq!(of_resources("write", "resource.write:team/b"), Some("team/b"));
        for other in ["resource.read:", "resource.read", "resource.write:team/", "resource.read:../x", "resource.*"] {
            assert_eq!(of_resources("read", other), None, "{other}");
        }
    }

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
