//! A pull parser for the XML of reports.
//!
//! Owns well-formedness as far as a report needs it: one root, tags that match, quoted attributes,
//! known entities, a bounded depth. Refuses what only an attacker sends: entity declarations
//! (a document type may name its external subset, which is passed over and never fetched). Memory
//! is bounded: text comes in chunks, long attribute values are cut. Bytes that are not UTF-8 are
//! replaced, because a report with a broken byte in some output is still a report.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// Deepest nesting of elements; real reports have fewer than ten.
const DEPTH_MAX: usize = 64;
/// Longest element or attribute name, in bytes.
const NAME_MAX_BYTES: usize = 256;
/// How much of an attribute's value is kept.
const VALUE_KEPT_BYTES: usize = 8 * 1024;
/// Most attributes of one element.
const ATTRIBUTES_MAX: usize = 64;
/// Longest chunk of text.
const TEXT_CHUNK_BYTES: usize = 4 * 1024;

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum XmlError {
    /// The document breaks the rules.
    Malformed {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The stream failed.
    Io(io::Error),
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { line, reason } => write!(f, "read line {line}: {reason}"),
            Self::Io(_) => f.write_str("read the stream"),
        }
    }
}

impl std::error::Error for XmlError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed { .. } => None,
            Self::Io(error) => Some(error),
        }
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// An element opens; see [`Xml::name`] and [`Xml::attribute`].
    Start,
    /// The element named [`Xml::name`] closes, also one that was empty.
    End,
    /// A chunk of text; see [`Xml::text`].
    Text,
    /// The document is over.
    Eof,
}

/// The parser.
pub(super) struct Xml<R> {
    stream: BufReader<R>,
    line: u64,
    name: String,
    attributes: Vec<(String, String)>,
    text: Vec<u8>,
    open: Vec<String>,
    /// Whether the element just opened was empty, so that its end comes next.
    is_empty: bool,
    has_root: bool,
}

impl<R: Read> Xml<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream: BufReader::new(stream),
            line: 1,
            name: String::new(),
            attributes: Vec::new(),
            text: Vec::new(),
            open: Vec::new(),
            is_empty: false,
            has_root: false,
        }
    }

    /// The line that was reached, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The local name of the element that opened or closed last.
    pub(super) fn name(&self) -> &str {
        local(&self.name)
    }

    /// An attribute of the element that opened last, by its local name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| local(own) == name).map(|(_, value)| value.as_str())
    }

    /// The chunk of text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    /// The next token.
    pub(super) fn next_token(&mut self) -> Result<Token, XmlError> {
        if std::mem::take(&mut self.is_empty) {
            return Ok(self.close());
        }
        if self.line == 1 && !self.has_root {
            self.skip_byte_order_mark()?;
        }
        loop {
            let Some(byte) = self.peek()? else {
                return self.at_end();
            };
            if byte != b'<' {
                if self.read_text()? {
                    return Ok(Token::Text);
                }
                continue;
            }
            self.bump()?;
            match self.need()? {
                b'?' => self.skip_until(b"?>")?,
                b'!' => {
                    if self.markup_declaration()? {
                        return Ok(Token::Text);
                    }
                }
                b'/' => return self.end_tag(),
                first => return self.start_tag(first),
            }
        }
    }

    fn at_end(&self) -> Result<Token, XmlError> {
        match (self.has_root, self.open.is_empty()) {
            (false, _) => Err(self.malformed("it has no root element")),
            (true, false) => Err(self.malformed("it ends before its root element does")),
            (true, true) => Ok(Token::Eof),
        }
    }

    fn skip_byte_order_mark(&mut self) -> Result<(), XmlError> {
        let start = self.stream.fill_buf().map_err(XmlError::Io)?;
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return Err(self.malformed("it is UTF-16; write it as UTF-8"));
        }
        if start.first() == Some(&0xef) {
            for _ in 0..3 {
                self.bump()?;
            }
        }
        Ok(())
    }

    /// Reads text up to the next `<` or the end of the chunk; false when it is blank and outside
    /// of the root element, where it means nothing.
    fn read_text(&mut self) -> Result<bool, XmlError> {
        self.text.clear();
        while self.text.len() < TEXT_CHUNK_BYTES {
            match self.peek()? {
                None | Some(b'<') => break,
                Some(b'&') => {
                    self.bump()?;
                    let character = self.reference()?;
                    self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(byte) => {
                    self.bump()?;
                    self.text.push(byte);
                }
            }
        }
        if !self.open.is_empty() {
            return Ok(true);
        }
        if self.text.trim_ascii().is_empty() {
            Ok(false)
        } else {
            Err(self.malformed("text stands outside of the root element"))
        }
    }

    /// Behind `<!`: a comment, character data, a document type. True when it gave text.
    fn markup_declaration(&mut self) -> Result<bool, XmlError> {
        match self.need()? {
            b'-' => {
                self.expect(b"-")?;
                self.skip_until(b"-->")?;
                Ok(false)
            }
            b'[' if !self.open.is_empty() => {
                self.expect(b"CDATA[")?;
                self.character_data()?;
                Ok(true)
            }
            b'D' if !self.has_root => {
                self.expect(b"OCTYPE")?;
                self.document_type()?;
                Ok(false)
            }
            _ => Err(self.malformed("it holds a declaration that a report has no use for")),
        }
    }

    /// Keeps the first chunk of a CDATA section and passes over the rest.
    fn character_data(&mut self) -> Result<(), XmlError> {
        const END: &[u8] = b"]]>";
        self.text.clear();
        let mut last = [0_u8; 3];
        while last != END {
            last = [last[1], last[2], self.need()?];
            if self.text.len() < TEXT_CHUNK_BYTES + END.len() {
                self.text.push(last[2]);
            }
        }
        let kept = self.text.strip_suffix(END).map_or(self.text.len(), <[u8]>::len);
        self.text.truncate(kept.min(TEXT_CHUNK_BYTES));
        Ok(())
    }

    /// Passes over the name and the external identifier; an internal subset can declare entities
    /// and is refused.
    fn document_type(&mut self) -> Result<(), XmlError> {
        let mut quote = None;
        loop {
            match (self.need()?, quote) {
                (b'[', None) => return Err(self.malformed("its document type declares things of its own")),
                (b'>', None) => return Ok(()),
                (byte @ (b'"' | b'\''), None) => quote = Some(byte),
                (byte, Some(open)) if byte == open => quote = None,
                _ => {}
            }
        }
    }

    fn start_tag(&mut self, first: u8) -> Result<Token, XmlError> {
        if self.has_root && self.open.is_empty() {
            return Err(self.malformed("a second root element begins"));
        }
        self.name = self.read_name(first)?;
        self.attributes.clear();
        loop {
            let blank = self.skip_blanks()?;
            match self.need()? {
                b'>' => break,
                b'/' => {
                    self.expect(b">")?;
                    self.is_empty = true;
                    break;
                }
                first if blank && self.attributes.len() < ATTRIBUTES_MAX => {
                    let name = self.read_name(first)?;
                    let value = self.attribute_value()?;
                    self.attributes.push((name, value));
                }
                _ => return Err(self.malformed("an element's attributes cannot be read")),
            }
        }
        self.has_root = true;
        if self.open.len() >= DEPTH_MAX {
            return Err(self.malformed("its elements nest deeper than 64"));
        }
        self.open.push(self.name.clone());
        Ok(Token::Start)
    }

    fn end_tag(&mut self) -> Result<Token, XmlError> {
        let first = self.need()?;
        let name = self.read_name(first)?;
        self.skip_blanks()?;
        self.expect(b">")?;
        if self.open.last() != Some(&name) {
            return Err(self.malformed("an element is closed that is not the last one opened"));
        }
        Ok(self.close())
    }

    fn close(&mut self) -> Token {
        self.name = self.open.pop().unwrap_or_default();
        Token::End
    }

    fn read_name(&mut self, first: u8) -> Result<String, XmlError> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | 0x80..);
        let mut name = vec![first];
        while let Some(byte) = self.peek()?.filter(|&b| is_name(b)) {
            name.push(byte);
            self.bump()?;
            if name.len() > NAME_MAX_BYTES {
                return Err(self.malformed("a name is longer than 256 bytes"));
            }
        }
        let starts = first.is_ascii_alphabetic() || matches!(first, b'_' | b':' | 0x80..);
        let name = String::from_utf8(name).ok().filter(|_| starts);
        name.ok_or_else(|| self.malformed("a `<` or an attribute is not followed by a name"))
    }

    fn attribute_value(&mut self) -> Result<String, XmlError> {
        self.skip_blanks()?;
        self.expect(b"=")?;
        self.skip_blanks()?;
        let quote = self.need()?;
        if !matches!(quote, b'"' | b'\'') {
            return Err(self.malformed("an attribute's value is not quoted"));
        }
        let mut value = Vec::new();
        loop {
            let mut utf8 = [0; 4];
            let byte = self.need()?;
            let piece: &[u8] = match byte {
                b'<' => return Err(self.malformed("an attribute's value holds a `<`")),
                b'&' => self.reference()?.encode_utf8(&mut utf8).as_bytes(),
                _ if byte == quote => break,
                _ => &[byte],
            };
            if value.len() < VALUE_KEPT_BYTES {
                value.extend_from_slice(piece);
            }
        }
        Ok(String::from_utf8_lossy(&value).into_owned())
    }

    /// Behind `&`: one of the five entities every document has, or a character's number.
    fn reference(&mut self) -> Result<char, XmlError> {
        let mut name = Vec::new();
        loop {
            match self.need()? {
                b';' => break,
                byte if name.len() < 10 => name.push(byte),
                _ => return Err(self.malformed("an entity's name is too long")),
            }
        }
        let character = match name.as_slice() {
            b"lt" => Some('<'),
            b"gt" => Some('>'),
            b"amp" => Some('&'),
            b"quot" => Some('"'),
            b"apos" => Some('\''),
            [b'#', b'x', digits @ ..] => number(digits, 16),
            [b'#', digits @ ..] => number(digits, 10),
            _ => return Err(self.malformed("it uses an entity that XML does not define")),
        };
        character.ok_or_else(|| self.malformed("it names a character that does not exist"))
    }

    fn skip_blanks(&mut self) -> Result<bool, XmlError> {
        let mut any = false;
        while self.peek()?.is_some_and(|b| b.is_ascii_whitespace()) {
            self.bump()?;
            any = true;
        }
        Ok(any)
    }

    fn skip_until(&mut self, end: &[u8]) -> Result<(), XmlError> {
        let mut last = [0_u8; 3];
        loop {
            last = [last[1], last[2], self.need()?];
            if last.ends_with(end) {
                return Ok(());
            }
        }
    }

    fn expect(&mut self, bytes: &[u8]) -> Result<(), XmlError> {
        for expected in bytes {
            if self.need()? != *expected {
                return Err(self.malformed("its markup cannot be read"));
            }
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, XmlError> {
        loop {
            match self.stream.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(XmlError::Io(error)),
                Ok(available) => return Ok(available.first().copied()),
            }
        }
    }

    fn bump(&mut self) -> Result<(), XmlError> {
        if self.peek()? == Some(b'\n') {
            self.line += 1;
        }
        self.stream.consume(1);
        Ok(())
    }

    fn need(&mut self) -> Result<u8, XmlError> {
        let Some(byte) = self.peek()? else {
            return Err(self.malformed("it ends in the middle of its markup"));
        };
        self.bump()?;
        Ok(byte)
    }

    fn malformed(&self, reason: &'static str) -> XmlError {
        XmlError::Malformed { line: self.line, reason }
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn number(digits: &[u8], radix: u32) -> Option<char> {
    let digits = str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::{Token, Xml, XmlError};

    fn read(document: &[u8]) -> Result<Vec<String>, &'static str> {
        let mut xml = Xml::new(document);
        let mut seen = Vec::new();
        loop {
            match xml.next_token() {
                Ok(Token::Start) => seen.push(format!("<{} {}", xml.name(), xml.attribute("a").unwrap_or("-"))),
                Ok(Token::End) => seen.push(format!("/{}", xml.name())),
                Ok(Token::Text) => seen.push(xml.text()),
                Ok(Token::Eof) => return Ok(seen),
                Err(XmlError::Malformed { reason, .. }) => return Err(reason),
                Err(XmlError::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn documents_are_read() {
        let document = b"\xef\xbb\xbf<?xml version='1.0'?>\n<!DOCTYPE r SYSTEM \"http://x/[y].dtd\">\n<!-- c -- --><n:r a='1 &lt; 2'>t&#65;&#x42;&amp;<![CDATA[<x>]]]><e b=\"x\" a = \"&quot;\"/></n:r >\n";
        assert_eq!(read(document).unwrap(), ["<r 1 < 2", "tAB&", "<x>]", "<e \"", "/e", "/r"]);
        assert_eq!(read(b"<r>\xff</r>").unwrap()[1], "\u{fffd}");
    }

    #[test]
    fn what_breaks_the_rules_is_refused_with_a_reason() {
        let deep = "<a>".repeat(65);
        let long = format!("<{}>", "n".repeat(300));
        for (document, reason) in [
            ("", "no root"),
            ("  \n", "no root"),
            ("<a>", "ends before its root"),
            ("<a><b></a></b>", "not the last one"),
            ("<a/><b/>", "second root"),
            ("<a/>text", "outside"),
            ("<a b=1/>", "not quoted"),
            ("<a b='<'/>", "holds a `<`"),
            ("<a b='1'c='2'/>", "attributes"),
            ("<a>&nbsp;</a>", "entity"),
            ("<a>&#xD800;</a>", "does not exist"),
            ("<a>&#99999999;</a>", "does not exist"),
            ("<a>&aaaaaaaaaaaaaaaa;</a>", "too long"),
            ("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "declares"),
            ("<a><!ENTITY x 'y'></a>", "declaration"),
            ("<a", "middle"),
            ("<a><![CDATA[x", "middle"),
            ("<a>< b/></a>", "name"),
            (&deep, "deeper"),
            (&long, "longer"),
            ("\u{0}", "outside"),
        ] {
            let error = read(document.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{document}: {error}");
        }
        assert!(read(b"\xff\xfe<\0a\0").unwrap_err().contains("UTF-16"));
    }

    #[test]
    fn long_texts_and_values_are_bounded() {
        let document =
            format!("<r a='{}'>{}<![CDATA[{}]]></r>", "v".repeat(100_000), "t".repeat(10_000), "c".repeat(100_000));
        let seen = read(document.as_bytes()).unwrap();
        assert!(seen.iter().all(|part| part.len() <= 8_200), "{:?}", seen.iter().map(String::len).collect::<Vec<_>>());
        assert_eq!(seen[1..4].iter().map(String::len).sum::<usize>(), 10_000);
    }
}
