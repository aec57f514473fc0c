//! Why a call did not succeed.

use sluice_api::problem::Problem;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// What was given is no address of a server.
    #[error("`{given}` is no address of a server: {why}; write http://HOST:PORT or https://HOST")]
    Address {
        /// What was given.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// The machine's TLS or randomness cannot be used.
    #[error("this machine cannot make connections: {0}")]
    Machine(String),
    /// Nobody answers: the request was never sent.
    #[error("no server answers at {server}: {why}; start one with `sluice serve`, or name another with --server")]
    Unreachable {
        /// Where.
        server: String,
        /// What the connection said.
        why: String,
    },
    /// The connection broke before the answer was complete; whether the request was carried out
    /// is not known.
    #[error("the connection to {server} broke: {why}")]
    Broken {
        /// With whom.
        server: String,
        /// How.
        why: String,
    },
    /// The server answered with a problem.
    #[error("{} ({})", .0.detail, .0.code)]
    Problem(Box<Problem>),
    /// The answer is not what this API answers.
    #[error("{server} answers like no sluice server: {why}")]
    Unreadable {
        /// Who answered.
        server: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ClientError {
    /// The problem's code, when the server answered with one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.code),
            _ => None,
        }
    }

    /// The problem's HTTP status, when the server answered with one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem(problem) => Some(problem.status),
            _ => None,
        }
    }

    /// Whether the request was surely not carried out, and may be a little later.
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem(problem) => problem.retryable && matches!(problem.status, 429 | 503),
            _ => false,
        }
    }

    /// Whether the same request may succeed a little later; it may have been carried out already.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            // A 500 and what proxies say of a server that is being restarted.
            Self::Problem(problem) => problem.retryable || matches!(problem.status, 500 | 502 | 504),
            _ => false,
        }
    }
}
