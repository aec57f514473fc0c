//! Fires routines when they are due, and tells them how their occurrences ended.
//!
//! Sleeps until the earliest is due, and looks at the clock at least each second, since it may be
//! set. What was due long before this loop looked, after a stop or a leap of the clock, is fired at a
//! bounded rate, beside what is due now: nobody wants everything of a week at once.

use std::time::Duration;

use super::{POLL, RETRY};
use crate::domain::time::Timestamp;
use crate::engine::{Engine, EngineError};

/// Most routines of one look.
const PAGE: u32 = 500;
/// Pages of occurrences that are over, told of in one look.
const TELLS_MAX: usize = 20;
/// What was due this much before the loop looked is spread, in milliseconds.
const OVERDUE_MS: u64 = 60_000;
/// Overdue routines fired at once...
const OVERDUE_AT_ONCE: u32 = 100;
/// ...and the pause after them: 200 a second.
const OVERDUE_PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn run(engine: Engine) {
    let mut fires = engine.fires();
    let mut looks = Looks::default();
    loop {
        fires.mark_seen();
        let pause = match looks.look(&engine).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "failed to fire what is due; trying again");
                RETRY
            }
        };
        // What this host saves meanwhile may be due earlier; what others save they fire themselves,
        // or this host finds it within the second.
        let _ = tokio::time::timeout(pause, fires.earlier()).await;
    }
}

/// What the loop remembers of its looks; a host that starts again finds everything in the rows.
#[derive(Default)]
struct Looks {
    /// When it last looked.
    last: Option<Timestamp>,
    /// What was due up to here is overdue.
    overdue_until: Option<Timestamp>,
    /// Not before this, by the clock that never goes back, are overdue ones fired again.
    overdue_again: Duration,
}

impl Looks {
    /// Fires what is due, tells what is over, and says how long to wait.
    async fn look(&mut self, engine: &Engine) -> Result<Duration, EngineError> {
        let now = engine.clock().now();
        if self.last.is_none_or(|last| now.millis_since(last) > OVERDUE_MS) {
            self.overdue_until = Some(Timestamp(now.as_millis().saturating_sub(OVERDUE_MS)));
        }
        // After a clock that was set back, what is still to come is no longer overdue.
        self.overdue_until = self.overdue_until.filter(|until| *until < now);
        self.last = Some(now);
        for _ in 0..TELLS_MAX {
            if engine.tell_routines().await? == 0 {
                break;
            }
        }
        let fired = engine.fire_routines(self.overdue_until, now, PAGE).await?;
        let overdue = self.fire_overdue(engine).await?;
        if fired > 0 {
            return Ok(Duration::ZERO);
        }
        let next = engine.store().next_routine_fire(self.overdue_until).await?;
        let next = next.map_or(POLL, |next| Duration::from_millis(next.millis_since(engine.clock().now())));
        Ok(next.min(overdue.unwrap_or(POLL)).min(POLL))
    }

    /// Fires some of what is overdue, and says how long to wait for more.
    async fn fire_overdue(&mut self, engine: &Engine) -> Result<Option<Duration>, EngineError> {
        let Some(until) = self.overdue_until else { return Ok(None) };
        let now = engine.clock().monotonic();
        if now < self.overdue_again {
            return Ok(Some(self.overdue_again.saturating_sub(now)));
        }
        if engine.fire_routines(None, until, OVERDUE_AT_ONCE).await? == 0 {
            self.overdue_until = None;
            return Ok(None);
        }
        self.overdue_again = now + OVERDUE_PAUSE;
        Ok(Some(OVERDUE_PAUSE))
    }
}
