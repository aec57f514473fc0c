//! The kinds of secret: their stable names, what to call them in a sentence.
//!
//! Never how they are recognised; see `token`, `assignment`, `block` and `url`.

/// What a find is. Names are stable: settings, rules and replacements are made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// AWS access key id (`AKIA...`, `ASIA...`).
    AwsAccessKey,
    /// AWS secret access key: 40 characters next to a name that says so.
    AwsSecretKey,
    /// GitHub token (`ghp_...`, `github_pat_...`).
    GithubToken,
    /// GitLab token (`glpat-...`).
    GitlabToken,
    /// Slack token (`xoxb-...`).
    SlackToken,
    /// Slack incoming webhook URL: whoever has it may post.
    SlackWebhook,
    /// Stripe secret or restricted key.
    StripeKey,
    /// Google API key (`AIza...`).
    GoogleApiKey,
    /// Google OAuth client secret or access token.
    GoogleOauth,
    /// `OpenAI` key.
    OpenaiKey,
    /// Anthropic key.
    AnthropicKey,
    /// npm token.
    NpmToken,
    /// `PyPI` token.
    PypiToken,
    /// A token of another service with an unmistakable prefix.
    ServiceToken,
    /// A private key in PEM, OpenSSH, PGP, `PuTTY` or age form.
    PrivateKey,
    /// JSON Web Token.
    Jwt,
    /// The password in `scheme://user:password@host`.
    UrlPassword,
    /// The password or key in a `Name=value;Name=value` connection string.
    ConnectionPassword,
    /// The credentials of an `Authorization` header.
    AuthorizationHeader,
    /// A random-looking value given to something called password, secret, token, key.
    GenericSecret,
}

impl Kind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 20] = [
        Self::AwsAccessKey,
        Self::AwsSecretKey,
        Self::GithubToken,
        Self::GitlabToken,
        Self::SlackToken,
        Self::SlackWebhook,
        Self::StripeKey,
        Self::GoogleApiKey,
        Self::GoogleOauth,
        Self::OpenaiKey,
        Self::AnthropicKey,
        Self::NpmToken,
        Self::PypiToken,
        Self::ServiceToken,
        Self::PrivateKey,
        Self::Jwt,
        Self::UrlPassword,
        Self::ConnectionPassword,
        Self::AuthorizationHeader,
        Self::GenericSecret,
    ];

    /// The stable name: lower case and `_`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsAccessKey => "aws_access_key",
            Self::AwsSecretKey => "aws_secret_key",
            Self::GithubToken => "github_token",
            Self::GitlabToken => "gitlab_token",
            Self::SlackToken => "slack_token",
            Self::SlackWebhook => "slack_webhook",
            Self::StripeKey => "stripe_key",
            Self::GoogleApiKey => "google_api_key",
            Self::GoogleOauth => "google_oauth",
            Self::OpenaiKey => "openai_key",
            Self::AnthropicKey => "anthropic_key",
            Self::NpmToken => "npm_token",
            Self::PypiToken => "pypi_token",
            Self::ServiceToken => "service_token",
            Self::PrivateKey => "private_key",
            Self::Jwt => "jwt",
            Self::UrlPassword => "url_password",
            Self::ConnectionPassword => "connection_password",
            Self::AuthorizationHeader => "authorization_header",
            Self::GenericSecret => "generic_secret",
        }
    }

    /// What a sentence calls it, with its article.
    pub const fn title(self) -> &'static str {
        match self {
            Self::AwsAccessKey => "an AWS access key id",
            Self::AwsSecretKey => "an AWS secret access key",
            Self::GithubToken => "a GitHub token",
            Self::GitlabToken => "a GitLab token",
            Self::SlackToken => "a Slack token",
            Self::SlackWebhook => "a Slack webhook URL",
            Self::StripeKey => "a Stripe key",
            Self::GoogleApiKey => "a Google API key",
            Self::GoogleOauth => "a Google OAuth secret",
            Self::OpenaiKey => "an OpenAI key",
            Self::AnthropicKey => "an Anthropic key",
            Self::NpmToken => "an npm token",
            Self::PypiToken => "a PyPI token",
            Self::ServiceToken => "a service's access token",
            Self::PrivateKey => "a private key",
            Self::Jwt => "a JSON Web Token",
            Self::UrlPassword => "a password in a URL",
            Self::ConnectionPassword => "a password in a connection string",
            Self::AuthorizationHeader => "the credentials of an Authorization header",
            Self::GenericSecret => "what looks like a hard-coded secret",
        }
    }

    /// The kind with this name; none when there is no such kind.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether the find rests on a guess about names and randomness, not on a known format.
    pub const fn is_guess(self) -> bool {
        matches!(self, Self::GenericSecret)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_distinct_and_found_again() {
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("nothing"), None);
    }
}
