//! Reports over whole texts, through the same trait the component exports.

#![expect(clippy::unwrap_used, reason = "helpers of tests; a panic is a failed test")]

use proptest::prelude::*;
use sluice_plugin::scrubber::{ScrubInput, ScrubReport, Scrubber};
use sluice_plugin::testing::set_settings;
use sluice_scrubber::TextScrubber;

fn scrub(settings: &str, text: &str) -> ScrubReport {
    set_settings(settings);
    TextScrubber::scrub(&ScrubInput { text: text.to_owned(), data: "{}".to_owned() }).unwrap()
}

/// What the host does with a report.
fn cut(text: &str, report: &ScrubReport) -> String {
    let mut scrubbed = String::new();
    let mut done = 0;
    for redaction in &report.redactions {
        let (start, end) = (redaction.start as usize, redaction.end as usize);
        assert!(done <= start && start < end, "{report:?}");
        scrubbed.push_str(&text[done..start]);
        scrubbed.push_str(&redaction.replacement);
        done = end;
    }
    scrubbed + &text[done..]
}

fn scrubbed(settings: &str, text: &str) -> String {
    cut(text, &scrub(settings, text))
}

fn token() -> String {
    format!("gh{}{}", "p_", "q7Zr2LkW9xVb4NsD1mHt8GyC5pJf3QaE6uTo")
}

#[test]
fn each_kind_is_cut_and_named() {
    let text = format!(
        "Mail ada@example.org, call +14155552671, pay 4111 1111 1111 1111 from DE89 3704 0044 0532 0130 00 with {}.",
        token()
    );
    assert_eq!(
        scrubbed("{}", &text),
        "Mail [REDACTED:email], call [REDACTED:phone], pay [REDACTED:credit_card] from [REDACTED:iban] with [REDACTED:github_token]."
    );
    let report = scrub("{}", &text);
    assert!(!report.blocked);
    assert_eq!(report.summary, "redacted: 1 credit_card, 1 email, 1 github_token, 1 iban, 1 phone");
    assert!(!format!("{report:?}").contains("ada"), "{report:?}");
}

#[test]
fn a_clean_text_has_nothing_to_redact() {
    let report = scrub("{}", "Grüße: 3 tests passed in 0.2 s, see host/src/main.rs:12 and 127.0.0.1:8080.");
    assert!(!report.blocked && report.redactions.is_empty());
    assert_eq!(report.summary, "nothing to redact");
}

#[test]
fn a_private_key_goes_as_a_whole_and_may_block() {
    let text = format!(
        "before\n-----{} PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\nafter",
        "BEGIN"
    );
    assert_eq!(scrubbed("{}", &text), "before\n[REDACTED:private_key]\nafter");
    let report = scrub(r#"{"block_kinds":["private_key"]}"#, &text);
    assert!(report.blocked && report.summary.contains("private_key"), "{report:?}");
}

#[test]
fn settings_add_kinds_and_take_them_away() {
    let text = "ada@example.org at 93.184.216.34, ticket ABC-1234";
    assert_eq!(scrubbed("{}", text), "[REDACTED:email] at 93.184.216.34, ticket ABC-1234");
    assert_eq!(
        scrubbed(r#"{"disabled_kinds":["email"]}"#, text),
        "ada@example.org at [REDACTED:ipv4], ticket ABC-1234"
    );
    assert_eq!(scrubbed(r#"{"allow":["ada@example.org"]}"#, text), text);
    let custom = r#"{"custom_patterns":[{"kind":"ticket","pattern":"[A-Z]{3}-\\d+"}]}"#;
    assert_eq!(scrubbed(custom, text), "[REDACTED:email] at 93.184.216.34, ticket [REDACTED:ticket]");
}

#[test]
fn overlaps_become_one_redaction() {
    let text = format!("password = \"x+{}@example.org\"", token());
    let report = scrub("{}", &text);
    assert_eq!(report.redactions.len(), 1, "{report:?}");
    assert!(!cut(&text, &report).contains("example"), "{report:?}");
}

#[test]
fn offsets_count_bytes_and_lie_on_character_boundaries() {
    assert_eq!(scrubbed("{}", "ÄÖÜ ada@example.org 世界"), "ÄÖÜ [REDACTED:email] 世界");
    assert_eq!(scrubbed("{}", "password: \"pässwörd9xK!q\""), "password: \"[REDACTED:password]\"");
}

#[test]
fn too_many_redactions_block() {
    let text = "a1@example.org ".repeat(10_000);
    assert!(!scrub("{}", &text).blocked);
    let report = scrub("{}", &(text + "b@example.org"));
    assert!(report.blocked && report.redactions.len() == 10_000);
}

#[test]
fn bad_settings_are_an_error() {
    set_settings(r#"{"kinds":[]}"#);
    let error = TextScrubber::scrub(&ScrubInput { text: String::new(), data: "{}".to_owned() }).unwrap_err();
    assert!(error.contains("kinds"), "{error}");
    assert!(TextScrubber::check_settings(r#"{"min_entropy":-1}"#).is_err());
    assert!(TextScrubber::check_settings("{}").is_ok());
}

/// Text made of what the finders look for, glued together at random.
fn any_text() -> impl Strategy<Value = String> {
    let parts = [
        "ada@example.org",
        "+14155552671",
        "4111 1111 1111 1111",
        "DE89370400440532013000",
        "93.184.216.34",
        "2606:2800:220:1::1946",
        "password=",
        "token: \"",
        "\"",
        "q7Zr2LkW9xVb4NsD1mHt",
        "://u:",
        "@h.io",
        "Bearer ",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----",
        "[REDACTED:email]",
        "]",
        "[",
        "ü",
        "\n",
        " ",
        "+",
        "@",
        "a",
        "1",
        ".",
        "gh",
        "p_q7Zr2LkW9xVb4NsD1mHt8GyC5pJf3QaE6uTo",
        ";Password=",
        "Server=x;",
        "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxMjM0NTZ9.c2ln",
        "世",
        "\u{200b}",
        "%41",
        "%40",
        "&#97;",
        "\\u0061",
        "рass",
        "\" + \"",
        "\\\n",
        "YWRhQGV4YW1wbGUub3Jn",
        "5041535357",
        "the password is ",
        "curl -u bob:",
        "mysql -p",
        "Cookie: sid=",
        "SSN ",
        "536-22-8726",
        "hunter2secret",
        "kind: Secret\ndata:\n  a: ",
        "user,password\n",
        ",",
        "|",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_scrubbed_stays_scrubbed(text in any_text()) {
        let settings = r#"{"disabled_kinds":[]}"#;
        let report = scrub(settings, &text);
        prop_assert!(!report.blocked);
        for redaction in &report.redactions {
            prop_assert!(text.is_char_boundary(redaction.start as usize) && text.is_char_boundary(redaction.end as usize));
            prop_assert!((0.0..=1.0).contains(&redaction.confidence));
        }
        let once = cut(&text, &report);
        let again = scrub(settings, &once);
        prop_assert!(again.redactions.is_empty(), "{:?} in {:?} from {:?}", again.redactions, once, text);
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}") {
        let report = scrub("{}", &text);
        cut(&text, &report);
    }
}
