//! Routines: saved by people and agents, fired by the schedule, carried out as missions.
//!
//! One unit of work moves a routine's cursor, takes the slots of the occurrences that fire and
//! makes their missions, so that whatever is killed or runs twice, each fires once ([`fire`]). How an
//! occurrence begins is [`launch`]: policy is asked before anything starts, and a question for a
//! person ([`approve`]) is part of the unit that makes its mission. How one ends is [`settle`]. What
//! people do is [`save`], [`ask`] and [`control`]; [`entrypoint`] makes a mission of what a routine
//! says it does, and [`template`] finds what that names. What is decided about time and overlap stands in [`crate::domain::routine`].

mod save;
mod entrypoint;
mod template;
mod step;
mod launch;
mod fire;
mod settle;
mod approve;
mod ask;
mod control;
mod artifacts;

pub(super) use approve::Asked;
pub use artifacts::{URI_LIST, URI_MAX_BYTES};

use super::resources::NamedAnswer;
use crate::domain::id::{RoutineId, WorkspaceId};
use crate::domain::routine::{CreatorType, Occurrence, Routine, RoutineSettings, RoutineStatus};
use crate::domain::time::Timestamp;

/// Who fires routines, and owns the missions they make.
pub(super) const ROUTINES: &str = "system.routines";

/// Times something is tried again because somebody else changed the routine meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct RoutineActor<'a> {
    /// The principal.
    pub name: &'a str,
    /// Whether it is a person or a program.
    pub creator_type: CreatorType,
}

impl RoutineActor<'_> {
    fn is_agent(&self) -> bool {
        self.creator_type == CreatorType::Agent
    }
}

/// Whose a routine is to be.
#[derive(Debug, Clone, Copy)]
pub struct Maker<'a> {
    /// What it says made it.
    pub creator_type: CreatorType,
    /// Who made it, in its own words.
    pub creator_id: &'a str,
    /// The principal whose it will be.
    pub owner: &'a str,
}

impl<'a> From<RoutineActor<'a>> for Maker<'a> {
    /// Whoever asks makes it in its own name.
    fn from(by: RoutineActor<'a>) -> Self {
        Self { creator_type: by.creator_type, creator_id: by.name, owner: by.name }
    }
}

/// A routine to be made.
pub struct NewRoutine<'a> {
    /// Whose it will be.
    pub workspace_id: &'a WorkspaceId,
    /// The id its maker chose.
    pub id: Option<RoutineId>,
    /// What it says.
    pub settings: RoutineSettings,
    /// Whether it fires from now on. What is an agent's never does.
    pub enabled: bool,
    /// Who asks.
    pub by: RoutineActor<'a>,
    /// Whose it will be.
    pub maker: Maker<'a>,
    /// What the caller calls this write when it named it, and how it is answered.
    pub receipt: Option<NamedAnswer<'a, Routine>>,
}

/// What becomes of occurrences that a paused routine did not fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResumeMissed {
    /// They are forgotten: it goes on from now.
    #[default]
    Skip,
    /// They are missed, and its misfire policy says what becomes of them.
    Policy,
}

/// What is to be different about a routine.
pub struct RoutineChange<'a> {
    /// What it says from now on, whole.
    pub settings: Option<RoutineSettings>,
    /// Where it stands from now on.
    pub status: Option<RoutineStatus>,
    /// Why, in the caller's words.
    pub status_reason: Option<String>,
    /// What was not fired while it was paused.
    pub resume_missed: ResumeMissed,
    /// Only if it is at this revision.
    pub if_revision: Option<u64>,
    /// Who asks.
    pub by: RoutineActor<'a>,
    /// What the caller calls this write when it named it, and how it is answered.
    pub receipt: Option<NamedAnswer<'a, Routine>>,
}

/// A wish for one run now.
pub struct RunNow<'a> {
    /// Also when the routine is not enabled; only for people.
    pub force: bool,
    /// Why, in the caller's words.
    pub reason: Option<String>,
    /// Who asks.
    pub by: RoutineActor<'a>,
    /// What the caller calls this write when it named it, and how it is answered.
    pub receipt: Option<NamedAnswer<'a, Occurrence>>,
}

/// A wish for the occurrences of a time that is past.
pub struct Backfill<'a> {
    /// From here on, included.
    pub from: Timestamp,
    /// To here, included; not later than now.
    pub to: Timestamp,
    /// How many, the earliest first; 1 to [`crate::domain::routine::CATCH_UP_MAX`].
    pub max_runs: u32,
    /// Who asks.
    pub by: RoutineActor<'a>,
    /// What the caller calls this write when it named it, and how it is answered.
    pub receipt: Option<NamedAnswer<'a, [Occurrence]>>,
}
