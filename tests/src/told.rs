//! What the log tells, pinned by snapshots: a file of tests pins a family of event types, with nothing in them
//! that differs each time.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use sluice::domain::event_type::EventType;

/// The types of events that one file of tests pins, each in a snapshot named after it.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// The file, without its ending.
    pub test: &'static str,
    /// What the names of its types begin with.
    pub prefixes: &'static [&'static str],
}

impl Family {
    fn types(&self) -> impl Iterator<Item = EventType> {
        let is_ours = |kind: &&EventType| self.prefixes.iter().any(|prefix| kind.as_str().starts_with(prefix));
        EventType::ALL.iter().filter(is_ours).copied()
    }

    /// The names of the family's snapshots, and what each has to hold: the events of its type, their members in the
    /// order of their names, whatever order they were written in.
    ///
    /// # Panics
    /// When a type has no event, so that a new one has to be made to happen.
    pub fn snapshots(&self, mut events: Vec<Value>) -> Vec<(String, Vec<Value>)> {
        events.iter_mut().for_each(Value::sort_all_objects);
        let of_type = |kind: EventType| {
            let told = events.iter().filter(|event| event["type"] == kind.as_str()).cloned().collect::<Vec<_>>();
            assert!(!told.is_empty(), "nothing told of {kind}: add it to what happens");
            (snapshot(kind), told)
        };
        self.types().map(of_type).collect()
    }

    /// Looks whether each snapshot of the file is of a type there is.
    ///
    /// # Panics
    /// When one is left over, or missing.
    pub fn check_files(&self) {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
        let files =
            std::fs::read_dir(directory).expect("the snapshots").map(|entry| entry.expect("a file").file_name());
        let begin = format!("{}__", self.test);
        let name =
            |file: std::ffi::OsString| Some(file.to_str()?.strip_prefix(&begin)?.strip_suffix(".snap")?.to_owned());
        assert_eq!(files.filter_map(name).collect::<BTreeSet<_>>(), self.types().map(snapshot).collect());
    }
}

fn snapshot(kind: EventType) -> String {
    kind.as_str().replace('.', "_")
}

/// Gives what differs each time a name, and leaves its place: places in the log, ids of events, the members that
/// `is_moment` says are moments; `rename` changes texts.
pub fn redact(value: &mut Value, is_moment: &dyn Fn(&str, &Value) -> bool, rename: &dyn Fn(&mut String)) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| redact(value, is_moment, rename)),
        Value::Object(members) => {
            for (name, value) in members {
                match &**name {
                    "seq" | "event_id" => *value = json!(format!("[{name}]")),
                    name if is_moment(name, value) => *value = json!("[ms]"),
                    _ => redact(value, is_moment, rename),
                }
            }
        }
        Value::String(text) => rename(text),
        _ => {}
    }
}
