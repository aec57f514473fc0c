//! What can be wrong with settings, each with its place and with what would be right.

use std::fmt;

use super::sources::Origin;

/// Everything that is wrong with the settings given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct ConfigError(pub Vec<Problem>);

/// One thing that is wrong. A value is quoted unless it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// There is no such setting.
    Unknown {
        /// As it was written.
        name: String,
        /// Where.
        origin: Origin,
        /// The nearest one there is, written as it would be there.
        nearest: Option<String>,
    },
    /// The value is not one.
    Value {
        /// The setting.
        name: &'static str,
        /// Where the value came from.
        origin: Origin,
        /// The value; `None` when it may hold a secret.
        given: Option<String>,
        /// What would be right.
        right: String,
    },
    /// `--set` without a value.
    NoValue {
        /// As it was written.
        given: String,
    },
    /// The file cannot be read.
    File {
        /// Its path.
        path: String,
        /// Why.
        why: String,
    },
    /// Two settings do not go together, or one must not stand where it does.
    Contradiction(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, origin, nearest } => {
                match origin {
                    Origin::Variable { .. } => write!(f, "no setting has the variable `{name}`")?,
                    _ => write!(f, "{origin}: there is no setting `{name}`")?,
                }
                match nearest {
                    Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
                    None => write!(f, "; `sluice config explain` shows those there are"),
                }
            }
            Self::Value { name, origin, given, right } => match given {
                Some(given) => write!(f, "{origin}: setting `{name}` cannot be `{given}`; write {right}"),
                None => write!(f, "{origin}: setting `{name}` cannot be used as it is; write {right}"),
            },
            Self::NoValue { given } => write!(f, "--set {given}: there is no value; write --set NAME=VALUE"),
            Self::File { path, why } => write!(f, "{path}: {why}"),
            Self::Contradiction(text) => f.write_str(text),
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
