//! Rules over files and over the change as a whole: paths, modes, binaries, size, missing tests.
//!
//! Owns the totals. Never looks at a line's text but for the target of a symbolic link and the
//! marks of inline tests.

use crate::diff::{FileChange, Mode};
use crate::rule::Reporter;
use crate::settings::Settings;
use sluice_rules::Level;

/// What the change adds up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) binary_files: u64,
    /// Files and lines without those that do not count for size.
    counted_files: u64,
    counted_lines: u64,
}

/// The rules, and what was seen so far.
pub(crate) struct Change<'s> {
    settings: &'s Settings,
    pub(crate) totals: Totals,
    pub(crate) needs_human: u64,
    changes_code: bool,
    changes_tests: bool,
    present: Present,
}

/// The file whose lines are being read.
#[derive(Debug, Default)]
struct Present {
    path: String,
    is_symlink: bool,
    /// Whether its lines count for size.
    is_counted: bool,
    is_code: bool,
}

impl<'s> Change<'s> {
    pub(crate) fn new(settings: &'s Settings) -> Self {
        Self {
            settings,
            totals: Totals::default(),
            needs_human: 0,
            changes_code: false,
            changes_tests: false,
            present: Present::default(),
        }
    }

    /// The present file's path; empty when its header did not tell.
    pub(crate) fn path(&self) -> &str {
        &self.present.path
    }

    /// A file begins.
    pub(crate) fn file(&mut self, file: &FileChange, reporter: &mut Reporter<'_>) {
        file.path().clone_into(&mut self.present.path);
        self.present.is_symlink = file.new_mode == Some(Mode::Symlink);
        self.present.is_counted = self.settings.size_ignore_paths.find(&self.present.path).is_none();
        let is_test = file.paths().any(|path| self.settings.test_paths.find(path).is_some());
        self.present.is_code =
            !is_test && file.new_path.is_some() && self.settings.code_paths.find(&self.present.path).is_some();
        self.changes_tests |= is_test;
        self.totals.files += 1;
        self.totals.counted_files += u64::from(self.present.is_counted);
        for path in file.paths() {
            self.path_rules(path, reporter);
        }
        self.mode_rules(file, reporter);
        if file.binary {
            self.totals.binary_files += 1;
            let message = "changes a binary file, which cannot be reviewed as text".to_owned();
            reporter.report("binary/file", Level::Warning, message, &self.present.path, None);
        }
    }

    /// A hunk begins, in the function or section `heading`.
    pub(crate) fn section(&mut self, heading: &[u8]) {
        self.look_for_tests(heading);
    }

    /// A line is added.
    pub(crate) fn added(&mut self, text: &[u8], line: Option<u32>, first: bool, reporter: &mut Reporter<'_>) {
        if !first {
            return;
        }
        self.totals.added += 1;
        self.totals.counted_lines += u64::from(self.present.is_counted);
        self.changes_code |= self.present.is_code;
        self.look_for_tests(text);
        if self.present.is_symlink && climbs_out(&self.present.path, &String::from_utf8_lossy(text)) {
            let message = "points a symbolic link outside the repository".to_owned();
            reporter.report("mode/symlink-escape", Level::Critical, message, &self.present.path, line);
        }
    }

    /// A line is removed.
    pub(crate) fn removed(&mut self) {
        self.totals.removed += 1;
        self.totals.counted_lines += u64::from(self.present.is_counted);
        self.changes_code |= self.present.is_code;
    }

    /// Everything was read: the rules over the whole.
    pub(crate) fn finish(&mut self, reporter: &mut Reporter<'_>) {
        let Totals { counted_files, counted_lines, .. } = self.totals;
        if let Some(max) = self.settings.max_files.filter(|&max| counted_files > max) {
            let message = format!("changes {counted_files} files, more than the {max} allowed; split it");
            reporter.report("size/files", Level::Error, message, "", None);
        }
        if let Some(max) = self.settings.max_lines.filter(|&max| counted_lines > max) {
            let message = format!("changes {counted_lines} lines, more than the {max} allowed; split it");
            reporter.report("size/lines", Level::Error, message, "", None);
        }
        if self.changes_code && !self.changes_tests {
            let message = "changes code but no tests".to_owned();
            reporter.report("tests/missing", Level::Warning, message, "", None);
        }
    }

    fn look_for_tests(&mut self, text: &[u8]) {
        if self.present.is_code && !self.changes_tests {
            let markers = || self.settings.test_markers.iter().map(String::as_bytes);
            // The first byte decides nearly always; comparing it alone keeps long changes cheap.
            self.changes_tests = (0..text.len())
                .any(|at| markers().any(|marker| marker.first() == Some(&text[at]) && text[at..].starts_with(marker)));
        }
    }

    fn path_rules(&mut self, path: &str, reporter: &mut Reporter<'_>) {
        if let Some(reason) = escape(path) {
            reporter.report("paths/traversal", Level::Critical, format!("the path {reason}"), path, None);
        }
        if let Some(glob) = self.settings.forbidden_paths.find(path) {
            let message = format!("touches a path that must not be changed (rule {})", glob.as_str());
            reporter.report("paths/forbidden", Level::Error, message, path, None);
        }
        if let Some(glob) = self.settings.needs_human_paths.find(path)
            && !reporter.is_disabled("paths/needs-human")
        {
            self.needs_human += 1;
            let message = format!("a person has to decide on changes here (rule {})", glob.as_str());
            reporter.report("paths/needs-human", Level::Info, message, path, None);
        }
    }

    fn mode_rules(&self, file: &FileChange, reporter: &mut Reporter<'_>) {
        let path = &self.present.path;
        let Some(mode) = file.new_mode.filter(|mode| Some(*mode) != file.old_mode) else {
            return;
        };
        let (rule, level, message) = match mode {
            Mode::File => return,
            Mode::Executable => ("mode/executable", Level::Info, "makes the file executable"),
            Mode::Symlink => ("mode/symlink", Level::Warning, "makes or changes a symbolic link"),
            Mode::Submodule => {
                ("mode/submodule", Level::Warning, "makes or changes a submodule, whose content is not in the diff")
            }
            Mode::Other => ("mode/unusual", Level::Warning, "gives the file a mode that git does not use"),
        };
        // `index ... 100755` repeats the mode of a file that merely changes.
        let is_kept = file.old_mode.is_none() && file.old_path.is_some();
        if !(is_kept && mode == Mode::Executable) {
            reporter.report(rule, level, message.to_owned(), path, None);
        }
    }
}

/// Why a path must not be written to wherever a diff is applied; none when it may.
fn escape(path: &str) -> Option<&'static str> {
    let is_drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
    if path.starts_with(['/', '\\', '~']) || is_drive {
        return Some("is absolute");
    }
    let mut parts = path.split(['/', '\\']).map(|part| part.trim_end_matches(['.', ' ']));
    if path.split(['/', '\\']).any(|part| part == "..") {
        return Some("climbs out with `..`");
    }
    if path.contains(|character: char| character.is_control()) {
        return Some("holds control characters");
    }
    // NTFS and HFS+ take these for `.git`.
    parts
        .any(|part| part.eq_ignore_ascii_case(".git") || part.eq_ignore_ascii_case("git~1"))
        .then_some("lies in git's own folder")
}

/// Whether a link at `path` to `target` leaves the folder the diff applies to.
fn climbs_out(path: &str, target: &str) -> bool {
    let target = target.trim_end();
    if target.starts_with(['/', '\\', '~']) || target.as_bytes().get(1) == Some(&b':') {
        return true;
    }
    let mut depth = i64::try_from(path.matches('/').count()).unwrap_or(i64::MAX);
    target.split(['/', '\\']).any(|part| {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        depth < 0
    })
}

#[cfg(test)]
mod tests {
    use super::{climbs_out, escape};

    #[test]
    fn paths_that_escape_are_told_from_those_that_do_not() {
        for path in [
            "/etc/passwd",
            "../x",
            "a/../../x",
            "C:\\x",
            "a\\..\\x",
            "~/x",
            ".git/config",
            "a/.GIT/hooks/x",
            ".git ./x",
            "git~1/x",
            "a\nb",
        ] {
            assert!(escape(path).is_some(), "{path:?}");
        }
        for path in ["a/b.rs", ".github/workflows/ci.yml", ".gitignore", "a..b/c", "...", "ä/ü", "x.git/y"] {
            assert_eq!(escape(path), None, "{path:?}");
        }
    }

    #[test]
    fn links_are_followed_on_paper() {
        assert!(climbs_out("link", "/etc/passwd") && climbs_out("a/link", "../../x") && climbs_out("link", ".."));
        assert!(!climbs_out("a/link", "../x") && !climbs_out("link", "b/../c") && !climbs_out("a/b/link", "../../c"));
        assert!(climbs_out("a/link", "b/../../../x"));
    }
}
