//! The score over a labelled corpus, judged strictly: a text counts only if no run of more than four
//! characters of its secret survives; a clean one must come back byte for byte.
//!
//! `cargo test -p sluice-scrubber --release --test score -- --nocapture` prints the table;
//! `SCORE_FAILURES=20` the first failures of each group too.

#![expect(clippy::unwrap_used, reason = "helpers of tests; a panic is a failed test")]

mod corpus;

use corpus::{Dice, Sample, clean, disguise, kinds, passwords, persons, places};
use sluice_plugin::scrubber::{ScrubInput, Scrubber};
use sluice_plugin::testing::set_settings;
use sluice_scrubber::TextScrubber;
use std::collections::BTreeMap;

/// Longest piece of a secret that may survive, in characters.
const SURVIVES_MAX: usize = 4;

fn scrubbed(text: &str) -> String {
    let report = TextScrubber::scrub(&ScrubInput { text: text.to_owned(), data: "{}".to_owned() }).unwrap();
    if report.blocked {
        return String::new();
    }
    let mut out = String::new();
    let mut done = 0;
    for redaction in &report.redactions {
        out.push_str(&text[done..redaction.start as usize]);
        out.push_str(&redaction.replacement);
        done = redaction.end as usize;
    }
    out + &text[done..]
}

/// Whether the scrubber did right by a sample.
fn passes(sample: &Sample) -> bool {
    let out = scrubbed(&sample.text);
    let Some(secret) = &sample.secret else { return out == sample.text };
    // What is put in place of finds is no part of the secret.
    let rest: String = out
        .split("[REDACTED:")
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once(']').map_or("", |p| p.1) })
        .collect::<Vec<_>>()
        .join("\u{0}");
    let letters: Vec<char> = secret.chars().collect();
    let shortest = (SURVIVES_MAX + 1).min(letters.len());
    // What stands in the text beside the secret too, such as the vendor's name, tells nothing of it.
    let beside = sample.text.replace(secret.as_str(), "\u{0}");
    !letters
        .windows(shortest)
        .map(|window| window.iter().collect::<String>())
        .any(|run| rest.contains(&run) && !beside.contains(&run))
}

fn secrets() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut dice = Dice::new(1);
    let mut push = |group, label: String, text: String, secret: String| {
        samples.push(Sample { group, label, text, secret: Some(secret) });
    };
    for (number, (service, noun, pattern)) in kinds::MARKED.iter().enumerate() {
        for round in 0..6 {
            let value = dice.fill(pattern);
            let (place, template) = places::TEMPLATES[(number * 7 + round * 13) % places::TEMPLATES.len()];
            push(
                "marked",
                format!("{service} {noun} in {place}"),
                places::place(template, service, noun, &value),
                value,
            );
        }
        let value = dice.fill(pattern);
        push("marked alone", format!("{service} {noun}"), format!("see {value} there"), value);
    }
    for (number, service) in kinds::UNMARKED.iter().enumerate() {
        for round in 0..8 {
            let noun = kinds::NOUNS[(number + round * 5) % kinds::NOUNS.len()];
            let value = dice.fill(kinds::SHAPES[(number * 3 + round * 7) % kinds::SHAPES.len()]);
            let (place, template) = places::TEMPLATES[(number * 11 + round * 17) % places::TEMPLATES.len()];
            push(
                "unmarked",
                format!("{service} {noun} in {place}"),
                places::place(template, service, noun, &value),
                value,
            );
        }
    }
    for (group, templates, rounds) in
        [("prose", passwords::PROSE, 12), ("command", passwords::COMMANDS, 8), ("file", passwords::FILES, 8)]
    {
        for template in templates {
            for _ in 0..rounds {
                let value = passwords::password(&mut dice);
                let text = template
                    .replace("%D", dice.pick(passwords::USERS))
                    .replace("%H", dice.pick(passwords::HOSTS))
                    .replace("%P", &value);
                push(group, (*template).to_owned(), text, value);
            }
        }
    }
    for template in passwords::TOKENS {
        for shape in ["{a26}", "{h32}", "{a40}", "{w64}", "{l32}"] {
            let value = dice.fill(shape);
            push("token", (*template).to_owned(), template.replace("%T", &value), value);
        }
    }
    for label in [
        "RSA PRIVATE KEY",
        "PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "EC PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
        "ENCRYPTED PRIVATE KEY",
    ] {
        let body: String = (0..6).map(|_| dice.fill("{b64}") + "\n").collect();
        let block = format!("-----BEGIN {label}-----\n{body}-----END {label}-----");
        for text in [
            block.clone(),
            block.replace('\n', "\\n"),
            format!("    {}", block.replace('\n', "\n    ")),
            format!("key: \"{}\"", block.replace('\n', "\\n\" +\n  \"")),
            block.rsplit_once('\n').unwrap().0.to_owned(),
        ] {
            push("private key", label.to_owned(), text, body.replace('\n', "")[..300].to_owned());
        }
    }
    samples
}

fn personal() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut dice = Dice::new(2);
    for number in 0..60 * persons::TEMPLATES.len() {
        let (kind, value) = persons::make(&mut dice, number / persons::TEMPLATES.len());
        let template = persons::TEMPLATES[number % persons::TEMPLATES.len()];
        let group = if matches!(kind, "email" | "phone" | "card" | "iban") { kind } else { "national id" };
        samples.push(Sample {
            group,
            label: kind.to_owned(),
            text: template.replace("%k", kind).replace("%V", &value),
            secret: Some(value),
        });
    }
    samples
}

fn disguised() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut dice = Dice::new(3);
    for (way, name) in disguise::NAMES.iter().enumerate() {
        for number in 0..40 {
            let (label, secret) = if number % 2 == 0 {
                let (service, noun, pattern) = dice.pick(kinds::MARKED);
                (format!("{name}: {service} {noun}"), dice.fill(pattern))
            } else {
                let pick = dice.below(24);
                let (kind, value) = persons::make(&mut dice, pick);
                (format!("{name}: {kind}"), value)
            };
            let Some(hidden) = disguise::disguise(&mut dice, way, &secret) else { continue };
            let template = dice.pick(disguise::TEMPLATES);
            let text = template
                .replace(if hidden.starts_with(['"', '\'']) { "\"%V\"" } else { "%V" }, "%V")
                .replace("%V", &hidden);
            samples.push(Sample {
                group: name,
                label,
                text,
                secret: Some(if matches!(*name, "broken lines" | "concatenated") { secret } else { hidden }),
            });
        }
    }
    samples
}

fn harmless() -> Vec<Sample> {
    let mut dice = Dice::new(4);
    let mut samples = Vec::new();
    for template in clean::TEMPLATES {
        for _ in 0..if template.contains('%') { 12 } else { 1 } {
            let text = clean::make(&mut dice, template);
            samples.push(Sample { group: "clean", label: (*template).to_owned(), text, secret: None });
        }
    }
    samples
}

fn share_of(part: usize, all: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(all).unwrap())
}

/// Prints the table of `samples` and returns the share that passes.
fn score(name: &str, samples: &[Sample]) -> f64 {
    set_settings("{}");
    let shown: usize = std::env::var("SCORE_FAILURES").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut groups: BTreeMap<&str, (usize, usize, Vec<&Sample>)> = BTreeMap::new();
    for sample in samples {
        let group = groups.entry(sample.group).or_default();
        group.1 += 1;
        if passes(sample) {
            group.0 += 1;
        } else {
            group.2.push(sample);
        }
    }
    let passed: usize = groups.values().map(|group| group.0).sum();
    let share = share_of(passed, samples.len());
    println!("{name:<28} {passed:>5} of {:>5}  {share:.3}", samples.len());
    for (group, (passed, all, failures)) in &groups {
        println!("  {group:<26} {passed:>5} of {all:>5}  {:.3}", share_of(*passed, *all));
        for sample in failures.iter().take(shown) {
            println!("      {}\n        {:?}\n        {:?}", sample.label, sample.text, scrubbed(&sample.text));
        }
    }
    share
}

#[test]
fn secrets_do_not_survive() {
    assert!(score("secrets", &secrets()) >= 0.97);
}

#[test]
fn personal_data_does_not_survive() {
    assert!(score("personal data", &personal()) >= 0.95);
}

#[test]
fn disguises_are_seen_through() {
    assert!(score("disguised", &disguised()) >= 0.90);
}

#[test]
fn clean_texts_come_back_byte_for_byte() {
    assert!(score("clean", &harmless()) >= 0.985);
}

#[test]
fn what_is_scrubbed_stays_scrubbed() {
    set_settings("{}");
    for sample in secrets().iter().chain(&personal()).chain(&disguised()).step_by(3) {
        let once = scrubbed(&sample.text);
        assert_eq!(scrubbed(&once), once, "{}", sample.label);
    }
}
