//! How the verdict comes about: which artifact is a diff, which is text, and what follows.
//!
//! Owns the outcome: fail when a finding reaches the threshold, else needs-human when a path asks
//! for a person, else pass. Never knows a rule of its own but for missing diffs.

use crate::change::Change;
use crate::content::{Content, Place};
use crate::diff::{Event, Parser, Sink};
use crate::piece::Pieces;
use crate::rule::Reporter;
use crate::settings::Settings;
use sluice_plugin::gate::ArtifactReader;
use sluice_plugin::gate::{Artifact, ArtifactSource, GateInput, Outcome, Verdict};
use sluice_plugin::serde_json::json;
use sluice_rules::Level;
use std::path::Path;

/// How much of an artifact is looked at to tell text from binary.
const SNIFF_BYTES: usize = 8 * 1024;

/// What an artifact is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Diff,
    Text,
    Binary,
}

/// Judges an attempt.
///
/// # Errors
///
/// An artifact cannot be read, or a pattern of the settings does not compile.
pub(crate) fn review(
    settings: &Settings,
    input: &GateInput,
    artifacts: &dyn ArtifactSource,
) -> Result<Verdict, String> {
    let mut review = Review {
        settings,
        reporter: Reporter::new(settings),
        content: Content::new(settings)?,
        change: Change::new(settings),
        counts: [0; 3],
    };
    for artifact in &input.artifacts {
        review
            .artifact(artifact, artifacts)
            .map_err(|error| format!("cannot read artifact {}: {error}", artifact.id))?;
    }
    review.change.finish(&mut review.reporter);
    if settings.require_diff && review.change.totals.files == 0 && review.reporter.findings.count(Level::Error) == 0 {
        let message = if review.counts[Form::Diff as usize] == 0 {
            "the attempt left no diff to review"
        } else {
            "the diff is empty"
        };
        review.reporter.report("diff/missing", Level::Error, message.to_owned(), "", None);
    }
    Ok(review.verdict())
}

struct Review<'s> {
    settings: &'s Settings,
    reporter: Reporter<'s>,
    content: Content<'s>,
    change: Change<'s>,
    /// Artifacts read, by form.
    counts: [u64; 3],
}

impl Review<'_> {
    fn artifact(&mut self, artifact: &Artifact, source: &dyn ArtifactSource) -> std::io::Result<()> {
        let mut pieces = Pieces::new(ArtifactReader::new(source, &artifact.id));
        let start = pieces.peek(SNIFF_BYTES)?;
        let is_wide = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
        let has_mark = start.starts_with(b"\xef\xbb\xbf");
        let form = form(artifact, start);
        self.counts[form as usize] += 1;
        if has_mark {
            pieces.skip(3);
        }
        match form {
            Form::Diff if is_wide => {
                self.malformed(&artifact.name, 1, "it is UTF-16; write it as UTF-8");
                Ok(())
            }
            Form::Diff => self.diff(&artifact.name, pieces),
            Form::Text => self.text(&artifact.name, pieces),
            Form::Binary => {
                let message = "is binary and was not reviewed".to_owned();
                self.reporter.report("binary/artifact", Level::Info, message, &artifact.name, None);
                Ok(())
            }
        }
    }

    fn diff<R: std::io::Read>(&mut self, name: &str, mut pieces: Pieces<R>) -> std::io::Result<()> {
        let mut parser = Parser::default();
        let mut sink = DiffSink { review: self, name, malformed_told: 0 };
        let mut has_text = false;
        while let Some(piece) = pieces.next_piece()? {
            has_text |= !piece.text.trim_ascii().is_empty();
            parser.piece(piece, &mut sink);
        }
        parser.finish(&mut sink);
        if has_text && parser.files() == 0 && sink.malformed_told == 0 {
            self.malformed(name, 1, "it holds no file header; is it coloured, or not a unified diff?");
        }
        Ok(())
    }

    fn text<R: std::io::Read>(&mut self, name: &str, mut pieces: Pieces<R>) -> std::io::Result<()> {
        self.content.start_file(name);
        while let Some(piece) = pieces.next_piece()? {
            let line = u32::try_from(piece.line).ok();
            let place = Place { path: name, line, first: piece.first, in_diff: false };
            self.content.line(piece.text, place, &mut self.reporter);
        }
        Ok(())
    }

    fn malformed(&mut self, name: &str, line: u64, reason: &str) {
        let message = format!("the diff cannot be trusted: {reason}");
        self.reporter.report("diff/malformed", Level::Error, message, name, u32::try_from(line).ok());
    }

    fn verdict(self) -> Verdict {
        let findings = self.reporter.findings;
        let fails = findings.worst().is_some_and(|worst| worst >= self.settings.fail_severity);
        let (outcome, decision) = match (fails, self.change.needs_human) {
            (true, _) => (Outcome::Fail, "failed"),
            (false, 0) => (Outcome::Pass, "passed"),
            (false, _) => (Outcome::NeedsHuman, "a person has to decide"),
        };
        let totals = self.change.totals;
        let [diffs, texts, binaries] = self.counts;
        let summary = format!(
            "{decision}: {} file{} changed, +{} -{} lines, {diffs} diff{} and {texts} text{} read; {}",
            totals.files,
            plural(totals.files),
            totals.added,
            totals.removed,
            plural(diffs),
            plural(texts),
            findings.tally(),
        );
        let data = json!({
            "diffs": diffs, "texts": texts, "binaries": binaries,
            "files": totals.files, "binary_files": totals.binary_files,
            "added": totals.added, "removed": totals.removed,
            "needs_human_paths": self.change.needs_human,
            "findings_by_rule": findings.by_rule(),
            "omitted": findings.omitted(),
        });
        Verdict { outcome, summary, findings: findings.into_vec(), data: data.to_string() }
    }
}

const fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Hands what the parser tells to the rules.
struct DiffSink<'a, 's> {
    review: &'a mut Review<'s>,
    name: &'a str,
    malformed_told: u64,
}

impl Sink for DiffSink<'_, '_> {
    fn on(&mut self, event: Event<'_>) {
        let Review { reporter, content, change, .. } = self.review;
        match event {
            Event::File(file) => {
                change.file(file, reporter);
                content.start_file(change.path());
            }
            Event::Section(heading) => change.section(heading),
            Event::Added { line, text, first } => {
                change.added(text, line, first, reporter);
                let path = if change.path().is_empty() { self.name } else { change.path() };
                content.line(text, Place { path, line, first, in_diff: true }, reporter);
            }
            Event::Removed => change.removed(),
            Event::Malformed { line, reason } => {
                self.malformed_told += 1;
                self.review.malformed(self.name, line, reason);
            }
        }
    }
}

/// What an artifact is, by what its worker said of it and by how it begins.
fn form(artifact: &Artifact, start: &[u8]) -> Form {
    let media_type = artifact.media_type.to_ascii_lowercase();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let name = artifact.name.to_ascii_lowercase();
    let extension = Path::new(&name).extension();
    let said = matches!(artifact.kind.as_str(), "diff" | "patch")
        || matches!(media_type, "text/x-diff" | "text/x-patch")
        || extension.is_some_and(|extension| extension == "diff" || extension == "patch");
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    if said || text.starts_with(b"diff --git ") {
        return Form::Diff;
    }
    let said_text = media_type.starts_with("text/") || media_type.ends_with("json") || media_type.ends_with("xml");
    let is_binary = start.contains(&0) && !said_text;
    let said_binary = ["image/", "audio/", "video/", "font/"].iter().any(|kind| media_type.starts_with(kind))
        && !media_type.ends_with("xml");
    if is_binary || (said_binary && str::from_utf8(start).is_err()) { Form::Binary } else { Form::Text }
}
