//! Somebody who follows the log from its beginning, on whichever host answers.

use std::time::Duration;

use e2e::server::Frames;
use serde_json::Value;
use tokio::sync::watch;

use crate::cluster::{Ask, Cluster};

/// How long a stream may be silent before the follower goes to another host.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Follows until the event that creates the mission named by `last`, first on `host`, then on the
/// next one whenever a stream ends, falls silent or cannot be opened. All events, in order; and how
/// often it went on elsewhere.
pub(crate) async fn follow(
    cluster: Cluster,
    mut host: usize,
    last: watch::Receiver<Option<String>>,
) -> (Vec<Value>, usize) {
    let mut seen: Vec<Value> = Vec::new();
    let (mut changes, mut looked_at) = (0, 0);
    loop {
        let request = cluster.request(host, &Ask::get("/event?since_seq=0", &cluster.operator));
        let request = match seen.last() {
            Some(event) => request.header("last-event-id", event["seq"].to_string()),
            None => request,
        };
        if let Ok(Some(mut frames)) = tokio::time::timeout(SILENCE_MAX, Frames::try_open(request)).await {
            while let Ok(Some(frame)) = tokio::time::timeout(SILENCE_MAX, frames.next()).await {
                assert_ne!(frame.event.as_deref(), Some("reset"), "nothing was deleted: {frame:?}");
                if let Some(id) = frame.id {
                    assert_eq!(frame.data["seq"], id, "the id is the event's seq");
                    seen.push(frame.data);
                    if let Some(end) = end(&seen, &mut looked_at, &last) {
                        seen.truncate(end);
                        return (seen, changes);
                    }
                }
            }
        }
        // A host that is on its way again refuses at once.
        tokio::time::sleep(Duration::from_millis(20)).await;
        host = (host + 1) % cluster.len();
        changes += 1;
    }
}

/// Where the log ends that everybody is to see, once that is known; the first `looked_at` are before.
fn end(seen: &[Value], looked_at: &mut usize, last: &watch::Receiver<Option<String>>) -> Option<usize> {
    let last = last.borrow();
    let last = last.as_deref()?;
    let is_last = |event: &Value| event["type"] == "mission.created" && event["mission_id"] == last;
    let found = seen[*looked_at..].iter().position(is_last).map(|at| *looked_at + at + 1);
    *looked_at = seen.len();
    found
}
