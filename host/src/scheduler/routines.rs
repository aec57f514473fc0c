//! Fires routines when they are due, and tells them how their occurrences ended.
//!
//! Two loops, since neither waits for the other. The one that fires sleeps until the earliest is due,
//! and looks at the clock at least each second, since it may be set. It does not wait for what it fires
//! to be committed: what is due meanwhile is fired meanwhile, and only what is on its way already is
//! left out. What was due long before it looked, after a stop or a leap of the clock, is fired at a
//! bounded rate, beside what is due now: nobody wants everything of a week at once.

use std::collections::HashSet;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

use super::{POLL, RETRY};
use crate::domain::routine::Routine;
use crate::domain::time::Timestamp;
use crate::engine::{Engine, EngineError, RoutineName};

/// Most routines on their way at once, and of one look.
const IN_FLIGHT_MAX: usize = 1_000;
/// Tasks that share what one look finds: each makes its units while the writer writes those of others.
const SHARES: usize = 4;
/// What was due this much before the loop looked is spread, in milliseconds.
const OVERDUE_MS: u64 = 60_000;
/// Overdue routines fired at once...
const OVERDUE_AT_ONCE: u32 = 100;
/// ...and the pause after they were begun: 200 a second.
const OVERDUE_PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn run(engine: Engine) {
    tokio::join!(fire(&engine), tell(&engine));
}

async fn tell(engine: &Engine) {
    let mut over = engine.occurrences_over();
    loop {
        over.mark_seen();
        let pause = match engine.tell_routines().await {
            Ok(0) => POLL,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "failed to tell routines how their runs ended; trying again");
                RETRY
            }
        };
        let _ = tokio::time::timeout(pause, over.earlier()).await;
    }
}

async fn fire(engine: &Engine) {
    let mut fires = engine.fires();
    let mut looks = Looks::default();
    loop {
        fires.mark_seen();
        let pause = match looks.look(engine).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "failed to find what is due; trying again");
                RETRY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // What this host saves meanwhile may be due earlier; what others save they fire themselves,
            // or this host finds it within the second.
            () = fires.earlier() => {}
            Some(done) = looks.on_their_way.join_next() => looks.arrive(done),
        }
    }
}

/// What a task is done with.
enum Done {
    Due(Vec<RoutineName>),
    Overdue(usize),
}

/// What the loop remembers of its looks; a host that starts again finds everything in the rows.
#[derive(Default)]
struct Looks {
    /// When it last looked.
    last: Option<Timestamp>,
    /// Tasks that fire.
    on_their_way: JoinSet<Done>,
    /// What they fire.
    in_flight: HashSet<RoutineName>,
    /// What was due up to here is overdue.
    overdue_until: Option<Timestamp>,
    /// Whether some of that is on its way.
    overdue_in_flight: bool,
    /// Not before this, by the clock that never goes back, are overdue ones fired again.
    overdue_again: Duration,
}

impl Looks {
    /// Begins to fire what is due, and says how long to wait.
    async fn look(&mut self, engine: &Engine) -> Result<Duration, EngineError> {
        let now = engine.clock().now();
        if self.last.is_none_or(|last| now.millis_since(last) > OVERDUE_MS) {
            self.overdue_until = Some(Timestamp(now.as_millis().saturating_sub(OVERDUE_MS)));
        }
        // After a clock that was set back, what is still to come is no longer overdue.
        self.overdue_until = self.overdue_until.filter(|until| *until < now);
        self.last = Some(now);
        let overdue = self.fire_overdue(engine);
        let room = IN_FLIGHT_MAX.saturating_sub(self.in_flight.len());
        if room == 0 {
            return Ok(overdue.min(POLL));
        }
        // Those on their way are due until they are committed, and may come first.
        let limit = room + self.in_flight.len();
        let due = engine.store().due_routines(self.overdue_until, now, u32::try_from(limit).unwrap_or(0)).await?;
        let may_be_more = due.len() == limit;
        self.fire_due(engine, due);
        if may_be_more {
            return Ok(overdue.min(POLL));
        }
        let next = engine.store().next_routine_fire(Some(now)).await?;
        let next = next.map_or(POLL, |next| Duration::from_millis(next.millis_since(engine.clock().now())));
        Ok(next.min(overdue).min(POLL))
    }

    fn fire_due(&mut self, engine: &Engine, due: Vec<Routine>) {
        let name = |routine: &Routine| (routine.workspace_id.clone(), routine.id.clone());
        let mut fresh: Vec<Routine> =
            due.into_iter().filter(|routine| !self.in_flight.contains(&name(routine))).collect();
        let share = fresh.len().div_ceil(SHARES).max(1);
        while !fresh.is_empty() {
            let rest = fresh.split_off(share.min(fresh.len()));
            let (engine, names) = (engine.clone(), fresh.iter().map(name).collect::<Vec<_>>());
            self.in_flight.extend(names.iter().cloned());
            self.on_their_way.spawn(async move {
                if let Err(error) = engine.fire_due(fresh).await {
                    tracing::warn!(%error, "failed to fire what is due; trying again");
                    tokio::time::sleep(RETRY).await;
                }
                Done::Due(names)
            });
            fresh = rest;
        }
    }

    /// Begins to fire some of what is overdue, if it is time, and says how long to wait for more.
    fn fire_overdue(&mut self, engine: &Engine) -> Duration {
        let Some(until) = self.overdue_until.filter(|_| !self.overdue_in_flight) else { return POLL };
        let now = engine.clock().monotonic();
        if now < self.overdue_again {
            return self.overdue_again.saturating_sub(now);
        }
        self.overdue_again = now + OVERDUE_PAUSE;
        self.overdue_in_flight = true;
        let engine = engine.clone();
        self.on_their_way.spawn(async move {
            match engine.fire_routines(None, until, OVERDUE_AT_ONCE).await {
                Ok(fired) => Done::Overdue(fired),
                Err(error) => {
                    tracing::warn!(%error, "failed to fire what is overdue; trying again");
                    Done::Overdue(1)
                }
            }
        });
        POLL
    }

    fn arrive(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Due(names)) => {
                for name in names {
                    self.in_flight.remove(&name);
                }
            }
            Ok(Done::Overdue(fired)) => {
                self.overdue_in_flight = false;
                self.overdue_until = self.overdue_until.filter(|_| fired > 0);
            }
            Err(error) if error.is_cancelled() => {}
            Err(error) => {
                // What a task that panicked had on its way is not known; rows and guards know what fired.
                tracing::error!(%error, "a task that fires routines ended early");
                self.on_their_way.abort_all();
                self.in_flight.clear();
                self.overdue_in_flight = false;
            }
        }
    }
}
