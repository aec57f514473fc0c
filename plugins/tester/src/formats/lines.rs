//! Lines of a stream, each of bounded length.
//!
//! Owns the buffer. What a line has beyond the bound is passed over and the line is marked as cut.

use std::io::{self, BufRead, BufReader, Read};

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The text without its line feed and carriage return.
    pub(super) text: &'a [u8],
    /// Its number, from 1.
    pub(super) number: u64,
    /// Whether it was longer than the bound.
    pub(super) cut: bool,
}

/// Reads lines from a stream.
pub(super) struct Lines<R> {
    stream: BufReader<R>,
    line: Vec<u8>,
    max_bytes: usize,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(stream: R, max_bytes: usize) -> Self {
        Self { stream: BufReader::new(stream), line: Vec::new(), max_bytes, number: 0 }
    }

    /// The next line; none at the end.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let (mut any, mut cut) = (false, false);
        loop {
            let available = match self.stream.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if available.is_empty() {
                break;
            }
            any = true;
            let feed = available.iter().position(|&b| b == b'\n');
            let part = &available[..feed.unwrap_or(available.len())];
            // A carriage return may stand behind the last byte that fits.
            let room = (self.max_bytes + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let used = feed.map_or(available.len(), |feed| feed + 1);
            cut |= part.len() > room;
            self.stream.consume(used);
            if feed.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\r') && !cut {
            self.line.pop();
        }
        cut |= self.line.len() > self.max_bytes;
        self.line.truncate(self.max_bytes);
        Ok(Some(Line { text: &self.line, number: self.number, cut }))
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    fn all(text: &str, max_bytes: usize) -> Vec<(String, bool)> {
        let mut lines = Lines::new(text.as_bytes(), max_bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            assert_eq!(line.number, all.len() as u64 + 1);
            all.push((String::from_utf8(line.text.to_vec()).unwrap(), line.cut));
        }
        all
    }

    #[test]
    fn lines_lose_their_ends_and_keep_their_bound() {
        let line = |text: &str, cut| (text.to_owned(), cut);
        assert_eq!(
            all("a\r\n\nabcd\nabcde\nabcd\r\nend", 4),
            [
                line("a", false),
                line("", false),
                line("abcd", false),
                line("abcd", true),
                line("abcd", false),
                line("end", false)
            ]
        );
        assert!(all("", 4).is_empty());
        assert_eq!(all(&"x".repeat(50_000), 10), [line("xxxxxxxxxx", true)]);
    }
}
