//! What callers may give: texts, tags, classifications, metadata.

use std::collections::BTreeSet;

/// Longest text, in bytes (256 KiB).
pub const TEXT_MAX_BYTES: usize = 256 * 1024;
/// Most tags of one record.
pub const TAGS_MAX: usize = 32;
/// Longest tag, in characters.
pub const TAG_MAX_CHARS: usize = 64;
/// Largest metadata, in bytes of JSON (16 KiB).
pub const METADATA_MAX_BYTES: usize = 16 * 1024;
/// Longest classification, in bytes.
pub const CLASSIFICATION_MAX_BYTES: usize = 32;
/// The classification of records that name none.
pub const CLASSIFICATION: &str = "internal";
/// Longest source or tool, in characters.
pub const SOURCE_MAX_CHARS: usize = 256;

/// Why something may not be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMemory {
    /// There is no text, or only white space.
    #[error("the text is empty")]
    Empty,
    /// Too long a text.
    #[error("the text has {0} bytes; at most {TEXT_MAX_BYTES}")]
    TextTooLong(usize),
    /// A control character other than tab and the ends of lines.
    #[error("`{field}` holds the control character U+{code:04X} at byte {at}")]
    ControlCharacter {
        /// Where.
        field: &'static str,
        /// Which.
        code: u32,
        /// At which byte.
        at: usize,
    },
    /// Too many tags.
    #[error("there are {0} tags; at most {TAGS_MAX}")]
    TooManyTags(usize),
    /// A tag is none.
    #[error("tag {0} is empty or has more than {TAG_MAX_CHARS} characters")]
    Tag(usize),
    /// A classification is none.
    #[error("a classification has 1 to {CLASSIFICATION_MAX_BYTES} characters of a-z 0-9 _ and -")]
    Classification,
    /// The metadata is too large.
    #[error("the metadata has {0} bytes of JSON; at most {METADATA_MAX_BYTES}")]
    MetadataTooLarge(usize),
    /// A source or tool is empty or too long.
    #[error("`{0}` is empty or has more than {SOURCE_MAX_CHARS} characters")]
    Source(&'static str),
}

/// Checks a record's text.
///
/// # Errors
/// [`InvalidMemory`]: it is empty, has more than [`TEXT_MAX_BYTES`], or holds a control character
/// other than tab and the ends of lines.
pub fn text(text: &str) -> Result<(), InvalidMemory> {
    if text.len() > TEXT_MAX_BYTES {
        return Err(InvalidMemory::TextTooLong(text.len()));
    }
    if text.trim().is_empty() {
        return Err(InvalidMemory::Empty);
    }
    no_control_characters("text", text)
}

/// Checks that `text` holds no control character (C0, DEL, C1) other than tab and the ends of lines.
///
/// # Errors
/// [`InvalidMemory::ControlCharacter`] with the first one's place.
pub fn no_control_characters(field: &'static str, text: &str) -> Result<(), InvalidMemory> {
    let is_refused = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
    match text.char_indices().find(|(_, c)| is_refused(*c)) {
        Some((at, c)) => Err(InvalidMemory::ControlCharacter { field, code: u32::from(c), at }),
        None => Ok(()),
    }
}

/// Tags as they are kept: without white space around them, in order, each once.
///
/// # Errors
/// [`InvalidMemory`]: there are too many, or one is empty, too long or holds a control character.
pub fn tags(tags: &[String]) -> Result<Vec<String>, InvalidMemory> {
    if tags.len() > TAGS_MAX {
        return Err(InvalidMemory::TooManyTags(tags.len()));
    }
    let mut kept = BTreeSet::new();
    for (index, tag) in tags.iter().enumerate() {
        let tag = tag.trim();
        if tag.is_empty() || tag.chars().count() > TAG_MAX_CHARS {
            return Err(InvalidMemory::Tag(index));
        }
        no_control_characters("tags", tag)?;
        kept.insert(tag.to_owned());
    }
    Ok(kept.into_iter().collect())
}

/// The tags of a record that was put again with others: those it had, and as many of the others as
/// there is room for.
pub fn merged_tags(had: &[String], others: &[String]) -> Vec<String> {
    let mut merged: BTreeSet<&String> = had.iter().collect();
    for other in others {
        if merged.len() < TAGS_MAX {
            merged.insert(other);
        }
    }
    merged.into_iter().cloned().collect()
}

/// Checks a classification.
///
/// # Errors
/// [`InvalidMemory::Classification`] unless it is a short lower-case word.
pub fn classification(word: &str) -> Result<(), InvalidMemory> {
    let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    let well_formed = (1..=CLASSIFICATION_MAX_BYTES).contains(&word.len()) && word.bytes().all(is_allowed);
    if well_formed { Ok(()) } else { Err(InvalidMemory::Classification) }
}

/// Checks metadata, given as JSON text of an object.
///
/// # Errors
/// [`InvalidMemory::MetadataTooLarge`].
pub fn metadata(json: &str) -> Result<(), InvalidMemory> {
    if json.len() > METADATA_MAX_BYTES { Err(InvalidMemory::MetadataTooLarge(json.len())) } else { Ok(()) }
}

/// Checks where a record is said to come from: its source or tool, `field`.
///
/// # Errors
/// [`InvalidMemory`]: it is empty, too long or holds a control character.
pub fn source(field: &'static str, text: &str) -> Result<(), InvalidMemory> {
    if text.trim().is_empty() || text.chars().count() > SOURCE_MAX_CHARS {
        return Err(InvalidMemory::Source(field));
    }
    no_control_characters(field, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_character_is_named_with_its_place() {
        for (given, code, at) in [("ab\0", 0, 2), ("ä\u{1b}[0m", 0x1b, 2), ("\u{85}", 0x85, 0), ("x\u{7f}", 0x7f, 1)] {
            let refused = InvalidMemory::ControlCharacter { field: "text", code, at };
            assert_eq!(no_control_characters("text", given), Err(refused), "{given:?}");
        }
        assert_eq!(text("lines\r\n\tare fine"), Ok(()));
        assert_eq!(text("a\0").unwrap_err().to_string(), "`text` holds the control character U+0000 at byte 1");
    }

    #[test]
    fn texts_have_a_length_from_both_sides() {
        assert_eq!(text(" \n"), Err(InvalidMemory::Empty));
        assert_eq!(text(&"x".repeat(TEXT_MAX_BYTES)), Ok(()));
        assert_eq!(text(&"x".repeat(TEXT_MAX_BYTES + 1)), Err(InvalidMemory::TextTooLong(TEXT_MAX_BYTES + 1)));
    }

    #[test]
    fn tags_are_kept_in_order_and_once() {
        let given = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(tags(&given(&["b", " a", "b "])).unwrap(), given(&["a", "b"]));
        assert_eq!(tags(&given(&["a", " "])), Err(InvalidMemory::Tag(1)));
        assert_eq!(tags(&given(&[&"ä".repeat(64)])).unwrap().len(), 1);
        assert_eq!(tags(&given(&[&"ä".repeat(65)])), Err(InvalidMemory::Tag(0)));
        let many: Vec<_> = (0..40).map(|n| format!("t{n:02}")).collect();
        assert_eq!(tags(&many), Err(InvalidMemory::TooManyTags(40)));
        let merged = merged_tags(&given(&["z"]), &many);
        assert_eq!(merged.len(), TAGS_MAX);
        assert_eq!(merged.last().map(String::as_str), Some("z"), "what it had stays");
    }

    #[test]
    fn classifications_are_words() {
        for good in ["internal", "a", "top-secret_2"] {
            assert_eq!(classification(good), Ok(()), "{good}");
        }
        for bad in ["", "Internal", "a b", "ä", &"x".repeat(33)] {
            assert_eq!(classification(bad), Err(InvalidMemory::Classification), "{bad}");
        }
    }
}
