//! The kinds of secret: their stable names, what to call them in a sentence.
//!
//! Never how they are recognised: a vendor's kind is named in its row of `formats`, the others here.

use crate::formats;

/// What a find is. Names are stable: settings, rules and replacements are made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    name: &'static str,
    title: &'static str,
}

impl Kind {
    /// An AWS secret access key: 40 characters next to a name that says so.
    pub const AWS_SECRET_KEY: Self = Self::new("aws_secret_key", "an AWS secret access key");
    /// A private key in PEM, OpenSSH, PGP or `PuTTY` form.
    pub const PRIVATE_KEY: Self = Self::new("private_key", "a private key");
    /// JSON Web Token.
    pub const JWT: Self = Self::new("jwt", "a JSON Web Token");
    /// A URL that holds a password: `scheme://user:password@host`.
    pub const URL_PASSWORD: Self = Self::new("url_password", "a password in a URL");
    /// A database's or broker's URL with a password, or the password in `Name=value;Name=value`.
    pub const CONNECTION_PASSWORD: Self = Self::new("connection_password", "a password in a connection string");
    /// The credentials of an `Authorization` header.
    pub const AUTHORIZATION_HEADER: Self =
        Self::new("authorization_header", "the credentials of an Authorization header");
    /// The value of a cookie.
    pub const COOKIE: Self = Self::new("cookie", "a cookie");
    /// A URL that may be posted to by whoever knows it.
    pub const WEBHOOK: Self = Self::new("webhook_url", "a webhook URL");
    /// A signature or token in the query of a URL.
    pub const URL_TOKEN: Self = Self::new("url_token", "a token in a URL");
    /// A password: the value of a name, flag, field or sentence that says so.
    pub const PASSWORD: Self = Self::new("password", "what looks like a password");
    /// A hash of a password, as it stands in password files.
    pub const PASSWORD_HASH: Self = Self::new("password_hash", "the hash of a password");
    /// The words a wallet is recovered with.
    pub const SEED_PHRASE: Self = Self::new("seed_phrase", "a wallet's recovery phrase");
    /// A Discord bot's token.
    pub const DISCORD_TOKEN: Self = Self::new("discord_token", "a Discord token");
    /// A random-looking value given to something called secret, token, key.
    pub const GENERIC_SECRET: Self = Self::new("generic_secret", "what looks like a hard-coded secret");

    /// The kinds that no row of a table names.
    const OWN: [Self; 14] = [
        Self::AWS_SECRET_KEY,
        Self::PRIVATE_KEY,
        Self::JWT,
        Self::URL_PASSWORD,
        Self::CONNECTION_PASSWORD,
        Self::AUTHORIZATION_HEADER,
        Self::COOKIE,
        Self::WEBHOOK,
        Self::URL_TOKEN,
        Self::PASSWORD,
        Self::PASSWORD_HASH,
        Self::SEED_PHRASE,
        Self::DISCORD_TOKEN,
        Self::GENERIC_SECRET,
    ];

    /// A kind called `name` (lower case and `_`) and in a sentence `title`, with its article.
    pub(crate) const fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title }
    }

    /// Every kind; those of vendors as often as they have formats.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::OWN.into_iter().chain(formats::kinds())
    }

    /// The stable name: lower case and `_`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What a sentence calls it, with its article.
    pub const fn title(self) -> &'static str {
        self.title
    }

    /// The kind with this name; none when there is no such kind.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name == name)
    }

    /// Whether the find rests on a guess about names and randomness, not on a known format.
    pub fn is_guess(self) -> bool {
        self == Self::GENERIC_SECRET || self == Self::PASSWORD
    }

    /// Whether finds are tokens whose first four characters are public: all of that vendor's begin
    /// alike.
    pub fn has_public_prefix(self) -> bool {
        !Self::OWN.contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use std::collections::BTreeMap;

    #[test]
    fn a_name_has_one_title_and_is_found_again() {
        let mut titles = BTreeMap::new();
        for kind in Kind::all() {
            assert_eq!(*titles.entry(kind.name()).or_insert(kind.title()), kind.title(), "{}", kind.name());
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert!(kind.name().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        }
        assert!(titles.len() >= 250, "{} kinds", titles.len());
        assert_eq!(Kind::from_name("nothing"), None);
    }
}
