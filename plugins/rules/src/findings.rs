//! A bounded collection of findings that keeps the weightiest.
//!
//! Owns the limit and the counting of what did not fit. What falls out still counts: the worst
//! severity and the numbers are those of everything that was added, so that a flood of trifles
//! cannot push a serious finding out of the verdict's reasons.

use crate::{Level, MESSAGE_MAX_BYTES, clean};
use sluice_plugin::gate::Finding;
use std::collections::BTreeMap;

/// How many findings a verdict keeps (`wit/gate-0.1/types.wit`).
pub const FINDINGS_MAX: usize = 1_000;

/// Longest path kept in a finding, in bytes: `PATH_MAX` of Linux is 4,096.
const PATH_MAX_BYTES: usize = 1_024;

/// Findings so far.
#[derive(Debug, Default)]
pub struct Findings {
    /// One list for each severity, least first, in the order of adding.
    kept: [Vec<Finding>; 4],
    counts: [u64; 4],
    by_rule: BTreeMap<String, u64>,
}

impl Findings {
    /// Adds one; its message and path are cut and cleaned.
    pub fn add(&mut self, mut finding: Finding) {
        let level = Level::from(finding.severity) as usize;
        self.counts[level] += 1;
        self.count_rule(&finding.rule);
        if self.kept.iter().map(Vec::len).sum::<usize>() >= FINDINGS_MAX {
            let lightest = self.kept.iter().position(|list| !list.is_empty()).unwrap_or(0);
            if lightest >= level {
                return;
            }
            self.kept[lightest].pop();
        }
        finding.message = clean(finding.message.as_bytes(), MESSAGE_MAX_BYTES);
        finding.path = finding.path.map(|path| clean(path.as_bytes(), PATH_MAX_BYTES));
        self.kept[level].push(finding);
    }

    fn count_rule(&mut self, rule: &str) {
        // Rules are made of a fixed set and an operator's names; the bound is a backstop.
        if let Some(count) = self.by_rule.get_mut(rule) {
            *count += 1;
        } else if self.by_rule.len() < FINDINGS_MAX {
            self.by_rule.insert(rule.to_owned(), 1);
        }
    }

    /// The worst severity that was ever added; none when nothing was.
    pub fn worst(&self) -> Option<Level> {
        Level::ALL.into_iter().rev().find(|&level| self.counts[level as usize] > 0)
    }

    /// How many were added with this severity, kept or not.
    pub fn count(&self, level: Level) -> u64 {
        self.counts[level as usize]
    }

    /// How many were added for each rule, kept or not.
    pub fn by_rule(&self) -> &BTreeMap<String, u64> {
        &self.by_rule
    }

    /// How many were added but are not kept.
    pub fn omitted(&self) -> u64 {
        self.counts.iter().sum::<u64>() - self.kept.iter().map(|list| list.len() as u64).sum::<u64>()
    }

    /// `2 errors, 1 warning`, the weightiest first; `no findings` when there are none.
    pub fn tally(&self) -> String {
        let parts: Vec<String> = Level::ALL
            .into_iter()
            .rev()
            .filter(|&level| self.count(level) > 0)
            .map(|level| match (self.count(level), level) {
                (count, Level::Info) => format!("{count} info"),
                (count, Level::Critical) => format!("{count} critical"),
                (1, level) => format!("1 {}", level.word()),
                (count, level) => format!("{count} {}s", level.word()),
            })
            .collect();
        if parts.is_empty() { "no findings".to_owned() } else { parts.join(", ") }
    }

    /// What is kept, the weightiest first, within one severity in the order of adding.
    pub fn into_vec(self) -> Vec<Finding> {
        self.kept.into_iter().rev().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{FINDINGS_MAX, Findings};
    use crate::Level;
    use sluice_plugin::gate::{Finding, Severity};

    #[test]
    fn a_flood_of_trifles_does_not_displace_an_error() {
        let mut findings = Findings::default();
        findings.add(Finding::new("a/first", Severity::Error, "first"));
        for _ in 0..2 * FINDINGS_MAX {
            findings.add(Finding::new("b/flood", Severity::Warning, "flood"));
        }
        findings.add(Finding::new("c/last", Severity::Critical, "last"));
        assert_eq!(findings.omitted(), FINDINGS_MAX as u64 + 2);
        assert_eq!(findings.worst(), Some(Level::Critical));
        assert_eq!(findings.tally(), "1 critical, 1 error, 2000 warnings");
        assert_eq!(findings.by_rule()["b/flood"], 2_000);
        let kept = findings.into_vec();
        assert_eq!(kept.len(), FINDINGS_MAX);
        assert_eq!((kept[0].rule.as_str(), kept[1].rule.as_str()), ("c/last", "a/first"));
    }

    #[test]
    fn the_limit_is_reached_and_not_passed() {
        let mut findings = Findings::default();
        for _ in 0..FINDINGS_MAX {
            findings.add(Finding::new("a", Severity::Info, "x"));
        }
        assert_eq!(findings.omitted(), 0);
        findings.add(Finding::new("a", Severity::Info, "x"));
        assert_eq!((findings.omitted(), findings.into_vec().len()), (1, FINDINGS_MAX));
    }
}
