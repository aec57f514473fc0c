//! What a file's header says: names on both sides, modes, whether it is binary.
//!
//! Owns the reconciliation of the several places that name a file. Tools differ in which of them
//! they believe, so a header whose places disagree is malformed: one tool would apply it to
//! another file than the one reviewed.

use super::path;

/// A file's mode in git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// An ordinary file.
    File,
    /// A file with an executable bit.
    Executable,
    /// A symbolic link; its content is the target.
    Symlink,
    /// A submodule; its content names a commit.
    Submodule,
    /// Anything else.
    Other,
}

impl Mode {
    /// Reads `100644` and the like.
    fn parse(text: &[u8]) -> Self {
        // Combined diffs list the parents' modes; the result's stands last.
        let last = text.rsplit(|b| matches!(b, b',' | b'.')).next().unwrap_or_default();
        match last.trim_ascii() {
            b"100644" | b"100664" | b"100600" => Self::File,
            b"100755" | b"100775" | b"100700" => Self::Executable,
            b"120000" => Self::Symlink,
            b"160000" => Self::Submodule,
            _ => Self::Other,
        }
    }
}

/// One file of a diff.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChange {
    /// Its name before; none for a file that is added.
    pub old_path: Option<String>,
    /// Its name after; none for a file that is deleted.
    pub new_path: Option<String>,
    /// Its mode before, where the header tells of a change.
    pub old_mode: Option<Mode>,
    /// Its mode after, where the header tells one.
    pub new_mode: Option<Mode>,
    /// Whether its content is binary, so that the diff shows no lines.
    pub binary: bool,
}

impl FileChange {
    /// The name to call it by: the new one, else the old one.
    pub fn path(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or_default()
    }

    /// Every name it has, without repetition.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let old = self.old_path.as_deref().filter(|old| Some(*old) != self.new_path.as_deref());
        self.new_path.as_deref().into_iter().chain(old)
    }
}

/// What the extended header says of the file as a whole.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Fate {
    #[default]
    Kept,
    Added,
    Deleted,
}

/// Names on the old and the new side; none where the side is `/dev/null`.
type Sides = (Option<Vec<u8>>, Option<Vec<u8>>);

/// A header as its lines come in.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// Whether it began with `diff --git` or `diff --cc`.
    git: bool,
    pair: Option<(Vec<u8>, Vec<u8>)>,
    /// The name of a combined diff, which has no prefix.
    exact: Option<Vec<u8>>,
    /// `rename from`, `copy from`.
    moved_from: Option<Vec<u8>>,
    moved_to: Option<Vec<u8>>,
    /// `---` and `+++`, once both were read.
    sides: Option<Sides>,
    fate: Fate,
    old_mode: Option<Mode>,
    new_mode: Option<Mode>,
    pub(super) binary: bool,
}

impl Header {
    /// The header that `diff --git OLD NEW` opens.
    pub(super) fn git(names: &[u8]) -> Self {
        Self { git: true, pair: path::pair(names), ..Self::default() }
    }

    /// The header that `diff --cc NAME` opens.
    pub(super) fn combined(name: &[u8]) -> Self {
        Self { git: true, exact: Some(path::plain(name)), ..Self::default() }
    }

    /// Takes the two lines `--- OLD` and `+++ NEW`.
    pub(super) fn set_sides(&mut self, old: &[u8], new: &[u8]) {
        self.sides = Some((path::side(old), path::side(new)));
    }

    /// Takes the names of `Binary files OLD and NEW differ`.
    pub(super) fn set_binary(&mut self, names: &[u8]) {
        const AND: &[u8] = b" and ";
        self.binary = true;
        let mut splits = (0..names.len())
            .filter(|&at| names[at..].starts_with(AND))
            .map(|at| (&names[..at], &names[at + AND.len()..]));
        let first = splits.clone().next();
        let equal = splits.find(|(old, new)| path::without_first(old) == path::without_first(new));
        if let Some((old, new)) = equal.or(first) {
            self.set_sides(old, new);
        }
    }

    /// Takes one line of git's extended header; false when it is none.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        let after = |words: &str| line.strip_prefix(words.as_bytes());
        if let Some(mode) = after("old mode ") {
            self.old_mode = Some(Mode::parse(mode));
        } else if let Some(mode) = after("new mode ").or_else(|| after("mode ")) {
            self.new_mode = Some(Mode::parse(mode));
        } else if let Some(mode) = after("new file mode ") {
            self.fate = Fate::Added;
            self.new_mode = Some(Mode::parse(mode));
        } else if let Some(mode) = after("deleted file mode ") {
            self.fate = Fate::Deleted;
            self.old_mode = Some(Mode::parse(mode));
        } else if let Some(name) = ["rename from ", "rename old ", "copy from "].into_iter().find_map(after) {
            self.moved_from = Some(path::plain(name));
        } else if let Some(name) = ["rename to ", "rename new ", "copy to "].into_iter().find_map(after) {
            self.moved_to = Some(path::plain(name));
        } else if let Some(index) = after("index ") {
            // `index 1234567..89abcde 100644`: the mode when it does not change.
            if let Some(at) = index.iter().position(|&b| b == b' ') {
                self.new_mode = self.new_mode.or(Some(Mode::parse(&index[at..])));
            }
        } else {
            return after("similarity index ").or_else(|| after("dissimilarity index ")).is_some();
        }
        true
    }

    /// The file the header describes.
    ///
    /// The error is what is wrong with it.
    pub(super) fn finish(&self) -> Result<FileChange, &'static str> {
        let (mut old, mut new) = (self.moved_from.clone(), self.moved_to.clone());
        let is_moved = old.is_some() || new.is_some();
        if is_moved && (old.is_none() || new.is_none()) {
            return Err("a file is renamed or copied without both of its names");
        }
        let strip = self.strip();
        if let Some((old_side, new_side)) = &self.sides {
            agree(&mut old, old_side.as_deref().map(&strip))?;
            agree(&mut new, new_side.as_deref().map(&strip))?;
            if old_side.is_none() && new_side.is_none() {
                return Err("both sides of a file are /dev/null");
            }
        }
        let is_added = self.fate == Fate::Added || matches!(self.sides, Some((None, Some(_))));
        let is_deleted = self.fate == Fate::Deleted || matches!(self.sides, Some((Some(_), None)));
        if let Some((old_name, new_name)) = self.pair.as_ref().filter(|_| !is_moved) {
            agree(&mut old, (!is_added).then(|| strip(old_name)))?;
            agree(&mut new, (!is_deleted).then(|| strip(new_name)))?;
        }
        if let Some(name) = &self.exact {
            agree(&mut old, (!is_added).then(|| name.clone()))?;
            agree(&mut new, (!is_deleted).then(|| name.clone()))?;
        }
        if old.is_none() && new.is_none() {
            return Err("a file's header does not name the file");
        }
        let text = |name: Option<Vec<u8>>| name.map(|name| String::from_utf8_lossy(&name).into_owned());
        Ok(FileChange {
            old_path: text(old),
            new_path: text(new),
            old_mode: self.old_mode,
            new_mode: self.new_mode,
            binary: self.binary,
        })
    }

    /// How names lose their prefix: as the names themselves show it.
    fn strip(&self) -> impl Fn(&[u8]) -> Vec<u8> + use<> {
        let same = |(old, new): &(Vec<u8>, Vec<u8>)| old == new;
        let without_prefixes = self.git && self.pair.as_ref().is_some_and(same);
        let first_folder = self.git
            && !without_prefixes
            && self.pair.as_ref().is_some_and(|(old, new)| path::without_first(old) == path::without_first(new));
        let moved = self.git && !without_prefixes && !first_folder;
        let prefixed = |side: &Option<Vec<u8>>| side.as_deref().is_none_or(path::has_prefix);
        let own_prefix = moved || self.sides.as_ref().is_some_and(|(old, new)| prefixed(old) && prefixed(new));
        move |name| {
            let stripped = if first_folder {
                path::without_first(name)
            } else if own_prefix && !without_prefixes {
                path::without_prefix(name)
            } else {
                name
            };
            stripped.to_vec()
        }
    }
}

/// Notes `said` as the name, or checks that it is the name noted before.
fn agree(known: &mut Option<Vec<u8>>, said: Option<Vec<u8>>) -> Result<(), &'static str> {
    match (&known, said) {
        (Some(known), Some(said)) if *known != said => Err("a file's header gives it two different names"),
        (None, Some(said)) => {
            *known = Some(said);
            Ok(())
        }
        _ => Ok(()),
    }
}
