//! What a routine does about occurrences that were missed, and about those that would overlap.

/// Lateness up to which an occurrence still counts as on time, unless the policy says otherwise: a
/// minute, in milliseconds.
pub const GRACE_DEFAULT_MS: u64 = 60_000;
/// The longest grace: a day, in milliseconds.
pub const GRACE_MAX_MS: u64 = 24 * 60 * 60 * 1000;
/// Lateness up to which `run_once` runs, unless it says otherwise: a day, in milliseconds.
pub const WINDOW_DEFAULT_MS: u64 = 24 * 60 * 60 * 1000;
/// The longest such window: 366 days, in milliseconds.
pub const WINDOW_MAX_MS: u64 = 366 * 24 * 60 * 60 * 1000;
/// Most occurrences one catching up, or one backfill, runs.
pub const CATCH_UP_MAX: u32 = 100;
/// Occurrences that may wait behind a running one, unless the policy says otherwise.
pub const QUEUE_MAX_DEFAULT: u32 = 10;
/// Occurrences that may be open at once under `allow`, unless the policy says otherwise.
pub const ALLOW_MAX_DEFAULT: u32 = 10;
/// Most occurrences of one routine that may wait, or be open at once, whatever its policy says.
pub const OPEN_MAX: u32 = 100;

/// What becomes of occurrences that are later than the grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfire {
    /// They are dropped.
    Skip {
        /// Lateness that still counts as on time; at most [`GRACE_MAX_MS`].
        grace_ms: u64,
    },
    /// One run stands for all of them.
    RunOnce {
        /// Nothing runs when even the latest is later than this; at most [`WINDOW_MAX_MS`].
        window_ms: u64,
    },
    /// The latest of them run, in order, each on its own.
    CatchUp {
        /// How many; 1 to [`CATCH_UP_MAX`].
        max_runs: u32,
    },
}

impl Default for Misfire {
    fn default() -> Self {
        Self::RunOnce { window_ms: WINDOW_DEFAULT_MS }
    }
}

impl Misfire {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip { .. } => "skip",
            Self::RunOnce { .. } => "run_once",
            Self::CatchUp { .. } => "catch_up",
        }
    }

    /// Lateness up to which an occurrence is on time.
    pub fn grace_ms(self) -> u64 {
        match self {
            Self::Skip { grace_ms } => grace_ms,
            Self::RunOnce { .. } | Self::CatchUp { .. } => GRACE_DEFAULT_MS,
        }
    }
}

/// What becomes of an occurrence that is due while an earlier one is not over. Only of those that
/// the schedule fires on time: what is caught up, backfilled or asked for waits its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// It is dropped.
    #[default]
    Skip,
    /// It waits.
    Queue {
        /// How many may wait; more are dropped. 1 to [`OPEN_MAX`].
        max: u32,
    },
    /// It runs beside it.
    Allow {
        /// How many may be open at once; more are dropped. 1 to [`OPEN_MAX`].
        max: u32,
    },
    /// The earlier one is called off.
    CancelPrevious,
}

impl Overlap {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue { .. } => "queue",
            Self::Allow { .. } => "allow",
            Self::CancelPrevious => "cancel_previous",
        }
    }
}
