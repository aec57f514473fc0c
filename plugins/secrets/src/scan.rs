//! The one pass over the text that asks each matcher at the words where it may start.
//!
//! Owns the order of matchers and what happens when two finds overlap: they become one, called
//! what the surer of them is called. Never knows a format itself.

use crate::alphabet::line_end;
use crate::formats::FORMATS;
use crate::index::{self, Action, Word};
use crate::kind::Kind;
use crate::{block, command, document, header, login, names, prose, runs, url, value};

/// What the guess is allowed to believe.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Entropy in bits per byte from which a value given to `secret = ...` counts as real.
    pub min_entropy: f32,
    /// Whether to guess at all ([`Kind::GENERIC_SECRET`], [`Kind::PASSWORD`]).
    pub guess: bool,
    /// Whether to believe sentences: `the password is ...`.
    pub prose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { min_entropy: 3.0, guess: true, prose: true }
    }
}

/// One find: where it is, never what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// What was found.
    pub kind: Kind,
    /// First byte of it in the given text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// How sure this is, 0 to 1.
    pub confidence: f32,
}

/// Finds of one call beyond this are not looked for: the text is rejected long before.
const FOUND_MAX: usize = 40_000;

/// Every secret in `text`, by start, without overlaps.
///
/// Works on bytes, so that text which is not UTF-8 is searched too; the ends of a find in valid
/// UTF-8 lie on character boundaries.
///
/// *Limits*: 40,000 finds; matchers look at most a few KiB around, 64 KiB in armoured keys.
pub fn find(text: &[u8], options: &Options) -> Vec<Found> {
    let mut scan = Scan {
        text,
        options,
        found: Vec::new(),
        names: names::Seen::default(),
        cookies_until: 0,
        names_until: 0,
        authorization_until: 0,
        cookie_line_until: 0,
        password_line_until: 0,
        logins: prose::Reach::default(),
        pipes: prose::Reach::default(),
        block_until: 0,
        phrase_until: 0,
        document_until: 0,
        urls: url::Seen::default(),
        commands: Ends::default(),
        rejected: Ends::default(),
    };
    scan.run();
    runs::find(text, options, &mut scan.found);
    settle(text, scan.found)
}

/// The end of the next three bytes behind `from` with which a word may begin, and their key; `key` is
/// that of what ends at `from`. A function of its own, so that the loop over every byte of every text
/// holds nothing else.
#[inline(never)]
fn next_word(text: &[u8], from: usize, mut key: usize) -> Option<(usize, usize)> {
    let is_followed = |end: usize, followers: u8| {
        let next = text.get(end).copied().unwrap_or(0);
        followers >> (next & 7) & 1 == 1
    };
    let mut at = from;
    // Nearly always nothing may follow, because no word begins so: four bytes at once are passed over.
    while let Some(&[a, b, c, d]) = text.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let first = index::key(key, a);
        let second = index::key(first, b);
        let third = index::key(second, c);
        let fourth = index::key(third, d);
        let keys = [first, second, third, fourth];
        let followers = keys.map(index::followers);
        if followers != [0; 4] {
            for (place, (key, followers)) in keys.into_iter().zip(followers).enumerate() {
                if is_followed(at + place + 1, followers) {
                    return Some((at + place + 1, key));
                }
            }
        }
        (key, at) = (fourth, at + 4);
    }
    for (place, &byte) in text.iter().enumerate().skip(at) {
        key = index::key(key, byte);
        if is_followed(place + 1, index::followers(key)) {
            return Some((place + 1, key));
        }
    }
    None
}

/// Up to where rows of a table were tried, for the few rows that were tried last.
#[derive(Default)]
struct Ends([(u16, usize); 8]);

impl Ends {
    /// The end of `row`; 0 when it was not tried or is forgotten.
    fn of(&mut self, row: u16) -> &mut usize {
        let place = &mut self.0[usize::from(row % 8)];
        if place.0 != row {
            *place = (row, 0);
        }
        &mut place.1
    }
}

struct Scan<'t> {
    text: &'t [u8],
    options: &'t Options,
    found: Vec<Found>,
    /// What was read around names.
    names: names::Seen,
    /// The end of the last list of cookies, which was read as a whole.
    cookies_until: usize,
    /// The end of the last long value of a header that holds no credentials.
    authorization_until: usize,
    /// The ends of the last lines that were read as those of a file of cookies and of passwords.
    cookie_line_until: usize,
    password_line_until: usize,
    /// What was read behind words for users and passwords.
    logins: prose::Reach,
    /// The lines of commands that read passwords.
    pipes: prose::Reach,
    /// The end of the last name that was looked at; words inside of it belong to it.
    names_until: usize,
    /// The end of the last manifest or key object, which was read as a whole.
    document_until: usize,
    /// Up to here another word for a wallet's phrase is part of what was looked at for the last one.
    phrase_until: usize,
    /// The end of the last armoured block; nothing in it is looked at.
    block_until: usize,
    /// What was read of URLs.
    urls: url::Seen,
    /// For each row of `command` the end of the words that were looked at last; a program that is named
    /// among them again has the same flags.
    commands: Ends,
    /// For each row of `formats` the end of the last token that only stands for one.
    rejected: Ends,
}

impl Scan<'_> {
    fn run(&mut self) {
        let (mut at, mut key) = (0, 0);
        while let Some((end, found_key)) = next_word(self.text, at, key) {
            (at, key) = (end, found_key);
            if at >= 3 {
                self.at(at - 3, key);
            }
            if self.found.len() >= FOUND_MAX {
                return;
            }
        }
    }

    #[inline(never)]
    fn at(&mut self, at: usize, key: usize) {
        if at < self.block_until {
            return;
        }
        for word in index::words_at(self.text, at, key) {
            self.word(word, at);
        }
    }

    fn word(&mut self, word: &Word, at: usize) {
        let (text, end) = (self.text, at + word.bytes.len());
        let sure = |kind, start, end| Some(Found { kind, start, end, confidence: 1.0 });
        let one = match word.action {
            Action::Format(row) => match FORMATS[usize::from(row)].matches(text, at, self.rejected.of(row)) {
                Some((kind, start, end)) => sure(kind, start, end),
                None => None,
            },
            Action::Name => {
                if at >= self.names_until {
                    self.names_until =
                        names::at(text, at, end, self.options, &mut self.names, &mut self.found).max(at + 1);
                    prose::before(text, at, self.options, &mut self.found);
                }
                None
            }
            Action::Word => {
                // Only the inside of a long value is passed over.
                if at + 128 >= self.names_until {
                    self.names_until = names::at_foreign(text, at, end, self.options, &mut self.names, &mut self.found);
                }
                None
            }
            Action::Command(row) => {
                let until = self.commands.of(row);
                if at >= *until {
                    *until = command::at(text, at, end, usize::from(row), &mut self.found);
                }
                None
            }
            Action::Piped | Action::CookieLine | Action::PasswordFile => self.of_line(word.action, at),
            Action::Authorization if at < self.authorization_until => None,
            Action::Authorization => {
                let (credentials, until) = header::authorization(text, end);
                self.authorization_until = until;
                credentials
            }
            Action::Scheme => header::scheme(text, at, end),
            Action::Cookie if at < self.cookies_until => None,
            Action::Cookie => {
                self.cookies_until = header::cookies(text, at, end, &mut self.found);
                None
            }
            Action::Url => {
                url::at(text, at, &mut self.urls, &mut self.found);
                None
            }
            Action::Jwt => url::jwt_at(text, at).and_then(|end| sure(Kind::JWT, at, end)),
            Action::Block => block::at(text, at).and_then(|end| {
                self.block_until = end;
                sure(Kind::PRIVATE_KEY, at, end)
            }),
            Action::PasswordHash => document::password_hash(text, at),
            Action::Relay => login::relay(text, at),
            Action::WindowsHash => document::windows_hash(text, at),
            Action::Kerberos => {
                let ticket = document::kerberos_ticket(text, at);
                self.block_until = ticket.map_or(self.block_until, |ticket| ticket.end);
                ticket
            }
            Action::Login => {
                if let Some((start, end)) = value::second_argument(text, end) {
                    self.found.push(Found { kind: Kind::PASSWORD, start, end, confidence: 0.7 });
                }
                login::login(text, at, end, &mut self.logins, self.options, &mut self.found);
                None
            }
            Action::Arguments => {
                login::arguments(text, end, self.options, &mut self.found);
                None
            }
            Action::NewArguments => {
                login::new_arguments(text, at, self.options, &mut self.found);
                None
            }
            Action::DataSource => login::data_source(text, at),
            Action::Protocol => login::protocol(text, at, end, self.options),
            Action::User => login::behind_user(text, at, end, self.options),
            Action::Oracle => document::oracle_logon(text, end),
            Action::Wifi => document::wifi_code(text, at),
            Action::SecretManifest | Action::JsonWebKey if at < self.document_until => None,
            Action::SecretManifest => {
                self.document_until = document::secret_manifest(text, end, &mut self.found);
                None
            }
            Action::JsonWebKey => {
                self.document_until = document::json_web_key(text, at, &mut self.found);
                None
            }
            Action::SeedPhrase if at < self.phrase_until => None,
            Action::SeedPhrase => {
                self.phrase_until = at + 64;
                login::seed_phrase(text, end).and_then(|(start, end)| sure(Kind::SEED_PHRASE, start, end))
            }
        };
        self.found.extend(one);
    }

    /// What lines are asked for once, whatever stands in them.
    fn of_line(&mut self, action: Action, at: usize) -> Option<Found> {
        let text = self.text;
        match action {
            Action::CookieLine if at >= self.cookie_line_until => {
                self.cookie_line_until = line_end(text, at, header::COOKIE_LINE_MAX_BYTES);
                header::cookie_line(text, at)
            }
            Action::PasswordFile if at >= self.password_line_until => {
                self.password_line_until = line_end(text, at, document::PASSWORD_LINE_MAX_BYTES);
                document::password_file(text, at)
            }
            Action::Piped if self.pipes.admits(at) => {
                command::piped(text, at + usize::from(text[at] == b'|'), &mut self.found);
                self.pipes.ends(line_end(text, at, command::LINE_MAX_BYTES));
                None
            }
            _ => None,
        }
    }
}

/// Sorts, joins what overlaps, and moves ends off the middle of characters.
fn settle(text: &[u8], mut found: Vec<Found>) -> Vec<Found> {
    let is_inside = |at: usize| text.get(at).is_some_and(|b| b & 0xc0 == 0x80);
    for one in &mut found {
        while is_inside(one.start) && one.start > 0 {
            one.start -= 1;
        }
        while is_inside(one.end) {
            one.end += 1;
        }
    }
    found.retain(|one| one.start < one.end && one.end <= text.len());
    found.sort_by_key(|one| (one.start, one.end));
    let mut settled: Vec<Found> = Vec::with_capacity(found.len());
    for one in found {
        match settled.last_mut() {
            Some(last) if one.start < last.end => {
                last.end = last.end.max(one.end);
                if one.confidence > last.confidence {
                    last.kind = one.kind;
                    last.confidence = one.confidence;
                }
            }
            _ => settled.push(one),
        }
    }
    settled
}
