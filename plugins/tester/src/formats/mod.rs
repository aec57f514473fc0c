//! The formats of reports: how each is recognised and read.
//!
//! Owns the choice of the parser and the reading loop. Each parser turns one artifact into
//! [`Event`](crate::report::Event)s with memory that does not grow with the artifact. Never counts and never judges.
//!
//! Read next: `detect`, then the parser in question; `lines` and `xml` are what they stand on.

mod cobertura;
mod detect;
mod go_json;
mod junit;
mod lcov;
mod libtest;
mod libtest_json;
mod lines;
mod nextest;
mod place;
mod tap;
mod text;
mod xml;

use crate::report::{Sink, malformed};
use lines::{Line, Lines};
use std::io::{self, Read};

pub use detect::{Format, HEAD_BYTES, detect};

/// A line number as a report writes it; none for zero and for what is no number.
fn leading_line(text: &str) -> Option<u32> {
    let (line, _) = text::leading_number(text.trim())?;
    u32::try_from(line).ok().filter(|line| *line > 0)
}

/// A parser of a format that is made of lines.
trait LineParser {
    /// The longest line it can use; more is cut off and the line is marked as cut.
    const LINE_MAX_BYTES: usize;

    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink);

    /// Ends the report: what is still open is an error.
    fn finish(&mut self, sink: &mut dyn Sink);
}

/// Reads `stream` as a report of `format`, telling `sink` everything. `name` stands for a suite
/// where the report names none.
///
/// # Errors
///
/// Reading the stream fails. A report that makes no sense is no error but told to `sink`.
pub fn read(format: Format, name: &str, stream: impl Read, sink: &mut dyn Sink) -> io::Result<()> {
    match format {
        Format::Junit => xml_report(junit::read(name, stream, sink), sink),
        Format::Cobertura => xml_report(cobertura::read(stream, sink), sink),
        Format::Tap => by_line(tap::Tap::new(name), stream, sink),
        Format::Libtest => by_line(libtest::Libtest::new(name), stream, sink),
        Format::LibtestJson => by_line(libtest_json::LibtestJson::new(name), stream, sink),
        Format::Nextest => by_line(nextest::Nextest::default(), stream, sink),
        Format::GoJson => by_line(go_json::GoJson::default(), stream, sink),
        Format::Lcov => by_line(lcov::Lcov::default(), stream, sink),
    }
}

fn xml_report(result: Result<(), xml::XmlError>, sink: &mut dyn Sink) -> io::Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(xml::XmlError::Malformed { line, reason }) => {
            malformed(sink, Some(line), reason);
            Ok(())
        }
        Err(xml::XmlError::Io(error)) => Err(error),
    }
}

fn by_line<P: LineParser>(mut parser: P, stream: impl Read, sink: &mut dyn Sink) -> io::Result<()> {
    let mut lines = Lines::new(stream, P::LINE_MAX_BYTES);
    while let Some(line) = lines.next_line()? {
        parser.line(line, sink);
    }
    parser.finish(sink);
    Ok(())
}
