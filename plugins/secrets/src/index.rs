//! The index of all words that the scan looks for, built by the compiler.
//!
//! Owns how a position of the text is told to be worth a look: by three bytes of which only the
//! low five bits count, so that case does not matter and the table stays small. A table answers
//! for most positions; the others are looked up in chains. No instance builds anything.
//! Never judges: each word leads to the matcher that does.

use crate::formats::{self, FORMATS};
use crate::{command, names};

/// What a word leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A row of `formats`.
    Format(u16),
    /// A part of a name that announces a secret.
    Name,
    /// A whole word of another script that means password.
    Word,
    /// A row of `command`.
    Command(u16),
    /// `echo SECRET | command`.
    Piped,
    /// A header's name, or a scheme in front of credentials.
    Authorization,
    Scheme,
    Cookie,
    /// `://`.
    Url,
    /// `eyJ`.
    Jwt,
    /// Armour.
    Block,
    /// A hash as it stands in password files.
    PasswordHash,
    /// `login`, `credentials`: a user and a password follow.
    Login,
    /// `connect(`: a user and a password are among the arguments.
    Arguments,
    /// `Client(`, `open(`: they may be, behind a host.
    NewArguments,
    /// `@tcp(`: a data source, its user and password in front.
    DataSource,
    /// `AUTH`, `PASS`, `LOGIN`: a line of a protocol.
    Protocol,
    /// The flags of a line of a browser's cookie file.
    CookieLine,
    /// `admin`: a user that every system has.
    User,
    /// `oracle:thin:`: `user/password@host` follows.
    Oracle,
    /// `WIFI:`: the text of a QR code.
    Wifi,
    /// `]:587`: a relay and its login.
    Relay,
    /// `:::` behind two hashes.
    WindowsHash,
    /// `$krb5`.
    Kerberos,
    /// `kind: Secret`.
    SecretManifest,
    /// `"kty"`.
    JsonWebKey,
    /// `seed phrase`, `mnemonic`.
    SeedPhrase,
    /// `host:5432:database:user:password`.
    PasswordFile,
}

/// A word and where it leads. Folded words are lower case and match any case.
#[derive(Clone, Copy)]
pub(crate) struct Word {
    pub(crate) bytes: &'static [u8],
    pub(crate) is_folded: bool,
    pub(crate) action: Action,
}

const fn word(bytes: &'static str, is_folded: bool, action: Action) -> Word {
    Word { bytes: bytes.as_bytes(), is_folded, action }
}

/// Words that lead to a matcher of their own.
const MARKS: &[Word] = &[
    word("authorization", true, Action::Authorization),
    word("bearer", true, Action::Scheme),
    word("basic ", true, Action::Scheme),
    word("digest ", true, Action::Scheme),
    word("apikey ", true, Action::Scheme),
    word("cookie", true, Action::Cookie),
    word("cookies", true, Action::Cookie),
    word("phpsessid", true, Action::Cookie),
    word("jsessionid", true, Action::Cookie),
    word("connect.sid", true, Action::Cookie),
    word("sessionid", true, Action::Cookie),
    word("aspxauth", true, Action::Cookie),
    word("asp.net_sessionid", true, Action::Cookie),
    word("laravel_session", true, Action::Cookie),
    word("://", false, Action::Url),
    word("eyJ", false, Action::Jwt),
    word("ewog", false, Action::Jwt),
    word("-----BEGIN ", false, Action::Block),
    word("---- BEGIN ", false, Action::Block),
    word("PuTTY-User-Key-File-", false, Action::Block),
    word("<RSAKeyValue>", false, Action::Block),
    word("$2a$", false, Action::PasswordHash),
    word("$2b$", false, Action::PasswordHash),
    word("$2y$", false, Action::PasswordHash),
    word("$1$", false, Action::PasswordHash),
    word("$5$", false, Action::PasswordHash),
    word("$6$", false, Action::PasswordHash),
    word("$y$", false, Action::PasswordHash),
    word("$7$", false, Action::PasswordHash),
    word("$apr1$", false, Action::PasswordHash),
    word("$argon2", false, Action::PasswordHash),
    word("$scrypt$", false, Action::PasswordHash),
    word("$pbkdf2", false, Action::PasswordHash),
    word("pbkdf2_sha", false, Action::PasswordHash),
    word("pbkdf2:sha", false, Action::PasswordHash),
    word("scrypt:", false, Action::PasswordHash),
    word("]:587", false, Action::Relay),
    word("]:465", false, Action::Relay),
    word("]:25 ", false, Action::Relay),
    word("]:2525", false, Action::Relay),
    word(":::", false, Action::WindowsHash),
    word("$krb5", false, Action::Kerberos),
    word("{SSHA", true, Action::PasswordHash),
    word("{SHA}", true, Action::PasswordHash),
    word("SCRAM-SHA-256$", false, Action::PasswordHash),
    word("login", true, Action::Login),
    word("logon", true, Action::Login),
    word("log in", true, Action::Login),
    word("ssh in", true, Action::Login),
    word("log on", true, Action::Login),
    word("logging in", true, Action::Login),
    word("signing in", true, Action::Login),
    word("connect as", true, Action::Login),
    word("logged in", true, Action::Login),
    word("log into", true, Action::Login),
    word("logged into", true, Action::Login),
    word("sign in", true, Action::Login),
    word("credentials", true, Action::Login),
    word("creds", true, Action::Login),
    word("account", true, Action::Login),
    word("wifi:", true, Action::Login),
    word("wi-fi:", true, Action::Login),
    word("wifi is", true, Action::Login),
    word("wi-fi is", true, Action::Login),
    word("identifiants", true, Action::Login),
    word("zugangsdaten", true, Action::Login),
    word("credenciales", true, Action::Login),
    word("credenziali", true, Action::Login),
    word("credenciais", true, Action::Login),
    word("inloggegevens", true, Action::Login),
    word("@tcp(", false, Action::DataSource),
    word("@unix(", false, Action::DataSource),
    word("connect(", true, Action::Arguments),
    word("connection(", true, Action::Arguments),
    word("pdo(", true, Action::Arguments),
    word("mysqli(", true, Action::Arguments),
    word("wifi.begin(", true, Action::Arguments),
    word("ftp.open(", true, Action::Arguments),
    word("credential(", true, Action::Arguments),
    word("credentials(", true, Action::Arguments),
    // The ends of the names in `login::OPENERS`, which begin too often like other words.
    word("t('", true, Action::NewArguments),
    word("t(\"", true, Action::NewArguments),
    word("n('", true, Action::NewArguments),
    word("n(\"", true, Action::NewArguments),
    word("r('", true, Action::NewArguments),
    word("r(\"", true, Action::NewArguments),
    word("e('", true, Action::NewArguments),
    word("e(\"", true, Action::NewArguments),
    word("l('", true, Action::NewArguments),
    word("l(\"", true, Action::NewArguments),
    word("i('", true, Action::NewArguments),
    word("i(\"", true, Action::NewArguments),
    word("p('", true, Action::NewArguments),
    word("p(\"", true, Action::NewArguments),
    word("h('", true, Action::NewArguments),
    word("h(\"", true, Action::NewArguments),
    word("y('", true, Action::NewArguments),
    word("y(\"", true, Action::NewArguments),
    word("s('", true, Action::NewArguments),
    word("s(\"", true, Action::NewArguments),
    word("g('", true, Action::NewArguments),
    word("g(\"", true, Action::NewArguments),
    word("ldap_bind(", true, Action::Arguments),
    word("simple_bind", true, Action::Arguments),
    word("basicauth(", true, Action::Arguments),
    word("authenticate(", true, Action::Arguments),
    word("\tTRUE\t", false, Action::CookieLine),
    word("\tFALSE\t", false, Action::CookieLine),
    word("admin", true, Action::User),
    word("root", true, Action::User),
    word("administrator", true, Action::User),
    word("oracle:thin:", true, Action::Oracle),
    word("oracle:oci:", true, Action::Oracle),
    word("connect(\"", true, Action::Oracle),
    word("connect('", true, Action::Oracle),
    word("WIFI:T:", false, Action::Wifi),
    word("WIFI:S:", false, Action::Wifi),
    word("ssws ", true, Action::Scheme),
    word("kind: secret", true, Action::SecretManifest),
    word("\"kind\": \"secret\"", true, Action::SecretManifest),
    word("\"kind\":\"secret\"", true, Action::SecretManifest),
    word("\"kty\"", false, Action::JsonWebKey),
    word("seed phrase", true, Action::SeedPhrase),
    word("seedphrase", true, Action::SeedPhrase),
    word("mnemonic", true, Action::SeedPhrase),
    word("recovery phrase", true, Action::SeedPhrase),
    word("backup phrase", true, Action::SeedPhrase),
    word("recovery words", true, Action::SeedPhrase),
    word("seed words", true, Action::SeedPhrase),
    word("seed:", true, Action::SeedPhrase),
    word("seed is", true, Action::SeedPhrase),
    word("seed=", true, Action::SeedPhrase),
    word("bip39", true, Action::SeedPhrase),
    word("wallet", true, Action::SeedPhrase),
    word("secret phrase", true, Action::SeedPhrase),
    word("AUTH ", false, Action::Protocol),
    word("PASS ", false, Action::Protocol),
    word(" LOGIN ", false, Action::Protocol),
    word("$ANSIBLE_VAULT;", false, Action::Block),
    word("chpasswd", true, Action::Piped),
    word("sudo -s", true, Action::Piped),
    word("sudo -k", true, Action::Piped),
    word("--stdin", true, Action::Piped),
    word("password-stdin", true, Action::Piped),
    word("luksopen", true, Action::Piped),
    word("| su ", false, Action::Piped),
    word("| su\n", false, Action::Piped),
    word("| passwd", false, Action::Piped),
    word("| kinit", false, Action::Piped),
    word("| openconnect", false, Action::Piped),
    word("| cryptsetup", false, Action::Piped),
    word("| smbpasswd", false, Action::Piped),
    word("| vncpasswd", false, Action::Piped),
    word("| gpg ", false, Action::Piped),
    word("| keepassxc-cli", false, Action::Piped),
    word("| ansible-vault", false, Action::Piped),
    word("| op signin", false, Action::Piped),
    word("| bw ", false, Action::Piped),
    word("| age ", false, Action::Piped),
    word("| htpasswd", false, Action::Piped),
    word("cryptsetup", false, Action::Piped),
    word("openconnect", false, Action::Piped),
    word("kinit ", false, Action::Piped),
    word(":5432:", false, Action::PasswordFile),
    word(":3306:", false, Action::PasswordFile),
    word(":*:", false, Action::PasswordFile),
];

const COUNT: usize = MARKS.len() + FORMATS.len() + names::WORDS.len() + names::FOREIGN.len() + command::NAMES;

/// All words.
pub(crate) static WORDS: [Word; COUNT] = all();

#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 65,536 words")]
#[expect(clippy::large_stack_arrays, reason = "the compiler's stack, not the program's")]
const fn all() -> [Word; COUNT] {
    let mut words = [MARKS[0]; COUNT];
    let mut at = 0;
    let mut i = 0;
    while i < MARKS.len() {
        words[at] = MARKS[i];
        (at, i) = (at + 1, i + 1);
    }
    i = 0;
    while i < formats::COUNT {
        let (start, end) = FORMATS[i].literal();
        let (_, tail) = FORMATS[i].pattern().split_at(start);
        let (bytes, _) = tail.split_at(end - start);
        words[at] = Word { bytes, is_folded: false, action: Action::Format(i as u16) };
        (at, i) = (at + 1, i + 1);
    }
    i = 0;
    while i < names::WORDS.len() {
        words[at] = word(names::WORDS[i], true, Action::Name);
        (at, i) = (at + 1, i + 1);
    }
    i = 0;
    while i < names::FOREIGN.len() {
        words[at] = word(names::FOREIGN[i], true, Action::Word);
        (at, i) = (at + 1, i + 1);
    }
    i = 0;
    while i < command::NAMES {
        let (name, row) = command::name(i);
        words[at] = Word { bytes: name, is_folded: false, action: Action::Command(row as u16) };
        (at, i) = (at + 1, i + 1);
    }
    words
}

/// Three times five bits.
const KEYS: usize = 1 << 15;

/// The key of what ends with `byte`, given the key of what ended before it.
pub(crate) const fn key(before: usize, byte: u8) -> usize {
    ((before << 5) | (byte & 31) as usize) & (KEYS - 1)
}

const fn key_of(bytes: &[u8]) -> usize {
    key(key(key(0, bytes[0]), bytes[1]), bytes[2])
}

/// For each key one bit for the low three bits of the byte that follows in some word with that key;
/// behind a word of three bytes any may follow.
static KNOWN: [u8; KEYS] = {
    let mut known = [0; KEYS];
    let mut i = 0;
    while i < COUNT {
        let bytes = WORDS[i].bytes;
        known[key_of(bytes)] |= if bytes.len() == 3 { 0xff } else { 1 << (bytes[3] & 7) };
        i += 1;
    }
    known
};

/// For each key one more than the number of its first word, and for each word likewise the next.
static CHAINS: ([u16; KEYS], [u16; COUNT]) = chains();

#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 65,535 words")]
#[expect(clippy::large_stack_arrays, reason = "the compiler's stack, not the program's")]
const fn chains() -> ([u16; KEYS], [u16; COUNT]) {
    let (mut heads, mut next) = ([0; KEYS], [0; COUNT]);
    let mut i = COUNT;
    while i > 0 {
        i -= 1;
        let key = key_of(WORDS[i].bytes);
        next[i] = heads[key];
        heads[key] = i as u16 + 1;
    }
    (heads, next)
}

/// What may follow the three bytes that `key` stands for; nothing when no word begins so.
#[inline]
pub(crate) fn followers(key: usize) -> u8 {
    KNOWN[key & (KEYS - 1)]
}

/// The words that stand exactly at `at`, whose key is `key`.
pub(crate) fn words_at(text: &[u8], at: usize, key: usize) -> impl Iterator<Item = &'static Word> {
    let mut link = CHAINS.0[key & (KEYS - 1)];
    std::iter::from_fn(move || {
        while link > 0 {
            let number = usize::from(link - 1);
            link = CHAINS.1[number];
            let word = &WORDS[number];
            if stands_at(word, text, at) {
                return Some(word);
            }
        }
        None
    })
}

fn stands_at(word: &Word, text: &[u8], at: usize) -> bool {
    // The fourth byte differs nearly always where the first three agree by chance.
    if let (Some(fourth), Some(given)) = (word.bytes.get(3), text.get(at + 3))
        && (fourth ^ given) & 31 != 0
    {
        return false;
    }
    text.get(at..at + word.bytes.len())
        .is_some_and(|t| if word.is_folded { t.eq_ignore_ascii_case(word.bytes) } else { t == word.bytes })
}

#[cfg(test)]
mod tests {
    use super::{Action, WORDS, followers, key, words_at};

    #[test]
    fn every_word_is_found_where_it_stands_and_in_any_case() {
        for word in &WORDS {
            let key = word.bytes[..3].iter().fold(0, |before, &byte| key(before, byte));
            assert!(followers(key) >> (word.bytes.get(3).copied().unwrap_or(0) & 7) & 1 == 1);
            let mut text = word.bytes.to_vec();
            assert!(words_at(&text, 0, key).any(|found| found.bytes == word.bytes));
            if word.is_folded {
                text.make_ascii_uppercase();
                assert!(words_at(&text, 0, key).any(|found| found.bytes == word.bytes));
            }
        }
        assert_eq!(followers(b"qqq".iter().fold(0, |before, &byte| key(before, byte))), 0);
        let url = b"://".iter().fold(0, |before, &byte| key(before, byte));
        assert_eq!(words_at(b"://", 0, url).next().map(|word| word.action), Some(Action::Url));
    }
}
