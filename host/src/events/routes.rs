//! Who asked for an event: followers, found by what they ask for.
//!
//! Each follower stands in one index, that of the narrowest thing it asks for, so that an event costs
//! what its followers cost and not what all followers cost. What else a follower asks for is compared
//! when the index has found it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::seat::Seat;
use crate::domain::event::LogEvent;
use crate::domain::id::{MissionId, RunId, WorkspaceId};
use crate::domain::resource::ResourceKey;
use crate::store::LogFilter;

/// Followers by a number of their own.
type Seats = HashMap<u64, Arc<Seat>>;

/// Followers by texts, found by a whole text or by its beginnings.
#[derive(Debug, Default)]
struct Texts(BTreeMap<usize, HashMap<Box<str>, Seats>>);

impl Texts {
    fn add(&mut self, text: &str, number: u64, seat: &Arc<Seat>) {
        let of_length = self.0.entry(text.len()).or_default();
        of_length.entry(text.into()).or_default().insert(number, Arc::clone(seat));
    }

    fn remove(&mut self, text: &str, number: u64) {
        let Some(of_length) = self.0.get_mut(&text.len()) else { return };
        if let Some(seats) = of_length.get_mut(text) {
            seats.remove(&number);
            if seats.is_empty() {
                of_length.remove(text);
            }
        }
        if of_length.is_empty() {
            self.0.remove(&text.len());
        }
    }

    /// Followers of exactly this text.
    fn of(&self, text: Option<&str>) -> impl Iterator<Item = &Arc<Seat>> {
        let seats = text.and_then(|text| self.0.get(&text.len())?.get(text));
        seats.into_iter().flat_map(HashMap::values)
    }

    /// Followers of whatever this text begins with.
    fn of_beginnings(&self, text: Option<&str>) -> impl Iterator<Item = &Arc<Seat>> {
        let beginnings = text.into_iter().flat_map(|text| {
            // A length at which the text has no end of a character is no follower's of this text.
            self.0.range(..=text.len()).filter_map(|(length, seats)| seats.get(text.get(..*length)?))
        });
        beginnings.flat_map(HashMap::values)
    }
}

/// The followers of one workspace.
#[derive(Debug, Default)]
struct Places {
    keys: Texts,
    runs: Texts,
    sessions: Texts,
    missions: Texts,
    /// Whoever asks for nothing in particular asks for types that begin with nothing.
    types: Texts,
}

impl Places {
    /// The index in which a filter stands, and the texts it stands under there. No event has two of
    /// them, so that no follower is told of one event twice.
    fn place<'f>(&mut self, filter: &'f LogFilter) -> (&mut Texts, Vec<&'f str>) {
        let LogFilter { mission_id, run_id, session_id, type_prefixes, key_prefixes, routine_id: _ } = filter;
        if let Some(prefixes) = key_prefixes {
            (&mut self.keys, shortest(prefixes))
        } else if let Some(run_id) = run_id {
            (&mut self.runs, vec![run_id.as_str()])
        } else if let Some(session_id) = session_id {
            (&mut self.sessions, vec![session_id])
        } else if let Some(mission_id) = mission_id {
            (&mut self.missions, vec![mission_id.as_str()])
        } else if type_prefixes.is_empty() {
            (&mut self.types, vec![""])
        } else {
            (&mut self.types, shortest(type_prefixes))
        }
    }

    fn is_empty(&self) -> bool {
        [&self.keys, &self.runs, &self.sessions, &self.missions, &self.types].iter().all(|texts| texts.0.is_empty())
    }
}

/// The prefixes that begin with no other one: together they mean the same.
fn shortest(prefixes: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    // What begins with a prefix follows it without a break.
    sorted.dedup_by(|next, kept| next.starts_with(*kept));
    sorted
}

/// All followers.
#[derive(Debug, Default)]
pub(super) struct Routes {
    workspaces: HashMap<WorkspaceId, Places>,
    last: u64,
}

impl Routes {
    /// Takes in a follower; its number, for [`Self::remove`].
    pub(super) fn add(&mut self, workspace: &WorkspaceId, seat: &Arc<Seat>) -> u64 {
        self.last += 1;
        let number = self.last;
        let (texts, under) = self.workspaces.entry(workspace.clone()).or_default().place(&seat.filter);
        for text in under {
            texts.add(text, number, seat);
        }
        number
    }

    /// Takes a follower out.
    pub(super) fn remove(&mut self, workspace: &WorkspaceId, filter: &LogFilter, number: u64) {
        let Some(places) = self.workspaces.get_mut(workspace) else { return };
        let (texts, under) = places.place(filter);
        for text in under {
            texts.remove(text, number);
        }
        if places.is_empty() {
            self.workspaces.remove(workspace);
        }
    }

    /// Tells whoever asked for an event; those that have to be woken are added to `woken`. How many
    /// followers were considered.
    pub(super) fn tell(&self, event: &LogEvent, woken: &mut Vec<Arc<Seat>>) -> u64 {
        let LogEvent { seq, event: told } = event;
        let Some(places) = self.workspaces.get(&told.workspace_id) else { return 0 };
        let found = places
            .keys
            .of_beginnings(told.resource_key.as_ref().map(ResourceKey::as_str))
            .chain(places.runs.of(told.run_id.as_ref().map(RunId::as_str)))
            .chain(places.sessions.of(told.session_id.as_deref()))
            .chain(places.missions.of(told.mission_id.as_ref().map(MissionId::as_str)))
            .chain(places.types.of_beginnings(Some(&told.event_type)));
        let mut considered = 0;
        for seat in found {
            considered += 1;
            if seat.filter.passes(event) && seat.put(*seq) {
                woken.push(Arc::clone(seat));
            }
        }
        considered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::NewLogEvent;
    use crate::domain::id::EventId;
    use crate::domain::json::Json;
    use crate::domain::time::Timestamp;
    use crate::events::seat::Taken;

    fn event(workspace: &str, event_type: &str, key: Option<&str>, run: Option<&str>) -> LogEvent {
        let event = NewLogEvent {
            event_id: EventId::new("evt"),
            event_type: event_type.to_owned(),
            workspace_id: WorkspaceId::new(workspace),
            session_id: None,
            run_id: run.map(RunId::new),
            mission_id: None,
            resource_key: key.map(ResourceKey::from_stored),
            actor: String::new(),
            occurred_at: Timestamp(1),
            properties: Json::empty_object(),
        };
        LogEvent { seq: 1, event }
    }

    fn keys(prefixes: &[&str]) -> LogFilter {
        LogFilter {
            key_prefixes: Some(prefixes.iter().map(|&prefix| prefix.to_owned()).collect()),
            ..LogFilter::default()
        }
    }

    fn types(prefixes: &[&str]) -> LogFilter {
        LogFilter { type_prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(), ..LogFilter::default() }
    }

    /// How many followers are considered, and which of them are told.
    fn told(filters: &[LogFilter], event: &LogEvent) -> (u64, Vec<usize>) {
        let mut routes = Routes::default();
        let here = WorkspaceId::new("w");
        let seats: Vec<_> = filters.iter().map(|filter| Arc::new(Seat::new(filter.clone()))).collect();
        let numbers: Vec<_> = seats.iter().map(|seat| routes.add(&here, seat)).collect();
        let mut woken = Vec::new();
        let considered = routes.tell(event, &mut woken);
        let told = |seat: &Arc<Seat>| seat.take(0, usize::MAX) == Taken::Seqs(vec![1]);
        let found: Vec<_> = seats.iter().enumerate().filter(|(_, seat)| told(seat)).map(|(index, _)| index).collect();
        assert_eq!(woken.len(), found.len(), "each is woken once");
        for (filter, number) in filters.iter().zip(numbers) {
            routes.remove(&here, filter, number);
        }
        assert!(routes.workspaces.is_empty(), "nothing is left of followers that are gone: {routes:?}");
        (considered, found)
    }

    #[test]
    fn only_followers_of_a_keys_beginnings_are_considered() {
        let filters =
            [keys(&["team/a"]), keys(&["team/b", "team/", "team/a/b"]), keys(&[""]), keys(&[]), keys(&["team/a/bc"])];
        assert_eq!(told(&filters, &event("w", "resource.updated", Some("team/a/b"), None)), (3, vec![0, 1, 2]));
        assert_eq!(told(&filters, &event("w", "resource.updated", Some("run/x"), None)), (1, vec![2]));
        assert_eq!(told(&filters, &event("w", "mission.created", None, None)), (0, vec![]));
        assert_eq!(told(&filters, &event("other", "resource.updated", Some("team/a/b"), None)), (0, vec![]));
    }

    #[test]
    fn what_else_a_follower_asks_for_is_compared_too() {
        let run = |types: LogFilter| LogFilter { run_id: Some(RunId::new("r")), ..types };
        let filters = [
            run(types(&[])),
            run(types(&["gate."])),
            types(&["session."]),
            types(&["session.run", "session"]),
            types(&["ü"]),
        ];
        assert_eq!(told(&filters, &event("w", "session.run.queued", None, Some("r"))), (4, vec![0, 2, 3]));
        assert_eq!(told(&filters, &event("w", "session.run.queued", None, Some("s"))), (2, vec![2, 3]));
        assert_eq!(told(&filters, &event("w", "Ä", None, None)), (0, vec![]));
        assert_eq!(told(&[types(&[]), types(&[""])], &event("w", "any", None, None)), (2, vec![0, 1]));
    }
}
