//! Diffs that git and diff(1) really wrote.

#![expect(clippy::unwrap_used, reason = "helpers of tests; a panic is a failed test")]

use proptest::prelude::*;
use sluice_plugin::gate::{ArtifactReader, ArtifactSource};
use sluice_reviewer::diff::{Event, FileChange, Mode, Parser, Sink};
use sluice_reviewer::piece::Pieces;

/// Notes everything as text, one event a line.
#[derive(Default)]
struct Notes(Vec<String>);

impl Sink for Notes {
    fn on(&mut self, event: Event<'_>) {
        self.0.push(match event {
            Event::File(file) => note(file),
            Event::Section(heading) => format!("@ {}", String::from_utf8_lossy(heading)),
            Event::Added { line, text, first } => {
                let line = line.map_or("?".to_owned(), |line| line.to_string());
                format!("{}{line} {}", if first { "+" } else { "&" }, String::from_utf8_lossy(text))
            }
            Event::Removed => "-".to_owned(),
            Event::Malformed { line, reason } => format!("! {line} {reason}"),
        });
    }
}

fn note(file: &FileChange) -> String {
    let side = |path: &Option<String>| path.clone().unwrap_or("none".to_owned());
    let mode = |mode: Option<Mode>| mode.map_or(String::new(), |mode| format!(" {mode:?}"));
    let binary = if file.binary { " binary" } else { "" };
    format!("{} -> {}{}{binary}", side(&file.old_path), side(&file.new_path), mode(file.new_mode))
}

struct Bytes<'a>(&'a [u8]);

impl ArtifactSource for Bytes<'_> {
    fn read(&self, _: &str, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let start = usize::try_from(offset).unwrap().min(self.0.len());
        Ok(self.0[start..self.0.len().min(start + length as usize)].to_vec())
    }
}

fn parse(diff: &[u8], chunk_bytes: u32) -> Vec<String> {
    let source = Bytes(diff);
    let mut pieces = Pieces::new(ArtifactReader::with_chunk(&source, "art_1", chunk_bytes));
    let mut parser = Parser::default();
    let mut notes = Notes::default();
    while let Some(piece) = pieces.next_piece().unwrap() {
        parser.piece(piece, &mut notes);
    }
    parser.finish(&mut notes);
    notes.0
}

fn events(diff: &str) -> Vec<String> {
    parse(diff.as_bytes(), 64 * 1024)
}

fn malformed(diff: &str) -> Vec<String> {
    events(diff).into_iter().filter(|event| event.starts_with('!')).collect()
}

const EVERYTHING: &str = include_str!("fixtures/git-everything.diff");

fn expected(binary_index: &str) -> Vec<String> {
    let text = format!(
        "blob.bin -> blob.bin File binary
gone.txt -> none
@ 
-
grüße.txt -> grüße.txt File
@ 
-
+1 y
none -> link Symlink
@ 
+1 src/main.rs
numbers.txt -> numbers.txt File
@ 
-
+5 five
@ 
-
+35 thirty-five
none -> odd.sql File
@ 
+1 a
+2 b
+3 -- sql comment
+4 ++ odd
two words.txt -> renamed words.txt
run.sh -> run.sh Executable
src/main.rs -> src/main.rs File
@ 
-
+3     println!(\"2\");
+4     println!(\"three\");
none -> ta\tb.txt File
@ 
+1 tab
tail.txt -> tail.txt File
@ 
-
+1 still no newline{binary_index}"
    );
    text.lines().map(str::to_owned).collect()
}

#[test]
fn everything_git_writes_is_understood() {
    assert_eq!(events(EVERYTHING), expected(""));
}

#[test]
fn other_ways_of_writing_the_same_change_are_the_same_change() {
    for diff in [
        include_str!("fixtures/git-no-prefix.diff"),
        include_str!("fixtures/git-mnemonic.diff"),
        include_str!("fixtures/git-binary.diff"),
        include_str!("fixtures/git-format-patch.patch"),
    ] {
        assert_eq!(events(diff), expected(""), "{diff}");
    }
}

#[test]
fn carriage_returns_change_nothing_but_the_text() {
    let crlf: Vec<String> = events(&EVERYTHING.replace('\n', "\r\n"));
    let trimmed: Vec<String> = crlf.iter().map(|event| event.trim_end_matches('\r').to_owned()).collect();
    assert_eq!(trimmed, expected(""));
}

#[test]
fn merges_and_plain_diffs_are_understood() {
    assert_eq!(
        events(include_str!("fixtures/git-merge.diff")),
        ["src/main.rs -> src/main.rs", "@ ", "-", "-", "+3     println!(\"merged\");", "+4     println!(\"three\");"]
    );
    assert_eq!(events(include_str!("fixtures/plain.diff")), ["old/a -> new/a", "@ ", "-", "+5 6"]);
    assert_eq!(events("Binary files old/x.png and new/x.png differ\n"), ["old/x.png -> new/x.png binary"]);
}

#[test]
fn a_stripped_blank_is_an_empty_context_line() {
    let diff = "--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@ fn f()\n a\n\n+new\n b\n";
    assert_eq!(events(diff), ["x -> x", "@ fn f()", "+3 new"]);
}

#[test]
fn hunks_that_lie_are_malformed() {
    let head = "diff --git a/x b/x\n--- a/x\n+++ b/x\n";
    for (hunk, reason) in [
        ("@@ -1,2 +1,2 @@\n a\n", "ends inside a hunk"),
        ("@@ -1 +1 @@\n-a\n+b\n+hidden\n", "more lines"),
        ("@@ -1 +1 @@\n-a\n+b\n-hidden\n", "more lines"),
        ("@@ -1,2 +1,2 @@\n a\ngarbage\n b\n", "does not fit"),
        ("@@ -1,2 +1,2 @@\n a\ndiff --git a/y b/y\nold mode 100644\nnew mode 100755\n", "does not fit"),
        ("@@ -1 +1 @@\n+a\n+b\n", "does not fit"),
        ("@@ -x +1 @@\n+a\n", "cannot be read"),
        ("@@ -1 +99999999999999 @@\n+a\n", "cannot be read"),
        ("", "before the first hunk"),
        ("prose\n", "no hunk follows"),
        ("@@ -1 +1 @@\n-a\n+b\n--- looks like a header\n", "ends after a ---"),
    ] {
        let found = malformed(&format!("{head}{hunk}"));
        assert_eq!(found.len(), 1, "{hunk}: {found:?}");
        assert!(found[0].contains(reason), "{hunk}: {found:?}");
    }
    assert_eq!(malformed("@@ -1 +1 @@\n-a\n+b\n").len(), 1);
    assert_eq!(malformed("diff --git a/x b/x\nGIT binary patch\nliteral 5\nMcmZQz\n").len(), 1);
    assert_eq!(malformed("diff --git a/x b/x\nGIT binary patch\nnonsense\n").len(), 1);
    assert_eq!(malformed("diff --git a/x b/x\n--- a/x\nno plus line\n").len(), 1);
}

#[test]
fn a_broken_hunk_does_not_hide_what_it_adds() {
    let diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n+hidden\n+++ c\n";
    let events = events(diff);
    assert!(events.contains(&"+? hidden".to_owned()) && events.contains(&"+? ++ c".to_owned()), "{events:?}");
}

#[test]
fn a_file_with_two_names_is_malformed() {
    for diff in [
        "diff --git a/safe b/safe\n--- a/safe\n+++ b/.env\n@@ -1 +1 @@\n-a\n+b\n",
        "diff --git a/x b/y\nrename from x\nrename to z\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
        "diff --git a/x b/y\nrename from x\n",
        "diff --git a/one b/two\nindex 1..2 100644\n",
        "--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+b\n",
    ] {
        assert_eq!(malformed(diff).len(), 1, "{diff}");
    }
    let copied = "diff --git a/x b/y z\nsimilarity index 90%\ncopy from x\ncopy to y z\n--- a/x\n+++ b/y z\t\n@@ -1 +1 @@\n-a\n+b\n";
    assert_eq!(events(copied)[0], "x -> y z");
}

#[test]
fn prose_around_files_is_passed_over() {
    let diff = format!("Please review.\n--- thanks\n\n{EVERYTHING}-- \n2.39.5\n\n");
    assert_eq!(events(&diff), expected(""));
}

/// Lines a diff is made of, and lines it is not made of.
fn any_line() -> impl Strategy<Value = String> {
    let lines = [
        "diff --git a/x b/x",
        "diff --cc x",
        "--- a/x",
        "+++ b/x",
        "--- /dev/null",
        "+++ b/y",
        "@@ -1 +1 @@",
        "@@ -1,2 +1,3 @@ f",
        "@@@ -1 -1 +1,2 @@@",
        "@@",
        "+a",
        "-a",
        " a",
        "",
        "++a",
        "\\ No newline",
        "GIT binary patch",
        "literal 3",
        "zcmV",
        "rename from x",
        "rename to y",
        "old mode 100644",
        "new mode 100755",
        "-- ",
        "Binary files a/x and b/x differ",
        "\"",
        "diff --git \"a/\\3",
        "index 1..2 100644",
        "\u{feff}ü",
        "\r",
    ];
    prop_oneof![9 => proptest::sample::select(lines.to_vec()).prop_map(str::to_owned), 1 => ".{0,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_lines_panics_and_chunks_do_not_matter(
        lines in proptest::collection::vec(any_line(), 0..40), chunk in 1_u32..200,
    ) {
        let diff = lines.join("\n");
        prop_assert_eq!(parse(diff.as_bytes(), chunk), parse(diff.as_bytes(), 1 << 20));
    }

    #[test]
    fn a_diff_cut_anywhere_inside_a_hunk_is_malformed(cut in 0_usize..60) {
        let diff = "--- a/x\n+++ b/x\n@@ -1,8 +1,8 @@\n";
        let body = " 1\n 2\n-3\n+3\n 4\n 5\n 6\n 7\n 8\n";
        let whole = format!("{diff}{body}");
        prop_assert!(malformed(&whole).is_empty());
        let cut = cut % (body.len() - 1);
        let text = format!("{diff}{}", &body[..cut]);
        prop_assert_eq!(malformed(&text).len(), 1, "{}", text);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes, 7);
    }
}
