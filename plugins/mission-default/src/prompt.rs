//! The words runs are asked with.
//!
//! Owns their text and nothing else; what a worker may do is told by the run, not by its prompt.

use crate::header::Header;
use crate::item::Item;
use crate::retry;

/// The most bytes of a refused answer that are quoted back.
const ANSWER_MAX_BYTES: usize = 4000;

/// What a work run is asked: the item, the goal it serves, and why the last attempt was not
/// enough. The host adds the inputs: artifacts of dependencies, findings on rework.
pub(crate) fn for_work(header: &Header, item: &Item) -> String {
    let mut text = format!("{}\n", item.title.trim());
    if let Some(detail) = item.detail.as_deref().map(str::trim).filter(|detail| !detail.is_empty()) {
        text = format!("{text}\n{detail}\n");
    }
    text = format!("{text}\nThis is work item `{}` of the mission \"{}\".\n{}", item.id, header.title, goal_of(header));
    if let (true, Some(reason)) = (item.attempts > 0, &item.reason) {
        let reason = retry::without_moment(reason);
        text = format!("{text}\nThe attempt before this one was not accepted: {reason}\nMend what was found.\n");
    }
    text
}

/// What a planner's run is asked, with why the last answer was refused and that answer.
pub(crate) fn for_planner(header: &Header, refused: Option<(&str, &str)>) -> String {
    let mut text = format!(
        "Plan the mission \"{}\": break it into work items.\n{}\n{INSTRUCTIONS}",
        header.title,
        goal_of(header)
    );
    if let Some((reason, answer)) = refused {
        text = format!("{text}\nYour last answer was refused: {reason}\n");
        if !answer.is_empty() {
            let cut = answer.floor_char_boundary(ANSWER_MAX_BYTES);
            let dots = if cut < answer.len() { "\n[cut]" } else { "" };
            text = format!("{text}It was:\n{}{dots}\n", &answer[..cut]);
        }
    }
    text
}

fn goal_of(header: &Header) -> String {
    let mut text = format!("Its goal:\n{}\n", header.goal.trim());
    if !header.success_criteria.is_empty() {
        text.push_str("It has succeeded when:\n");
        for criterion in &header.success_criteria {
            text = format!("{text}- {criterion}\n");
        }
    }
    text
}

const INSTRUCTIONS: &str = r#"Answer with one JSON object and nothing else: no text around it, no code fence.
{"work_items": [{"id": "parser", "title": "Write the parser", "detail": "...", "depends_on": [], "skills": []}]}

Members of a work item:
- "id": required; unique; letters, digits and . _ : @ -, beginning with a letter or digit; at most 128.
- "title": required; one line, at most 200 characters.
- "detail": what is to be done, for whoever does it.
- "depends_on": ids of items that must be done first; no circles.
- "assigned_agent": the one agent that may do it. Leave it out when any may.
- "skills": what a worker must be able to do.
- "action", "metadata": objects handed to the worker as they are.
Other members are refused. At least one item and at most 10000. Items that do not depend on each other are worked at the same time.
"#;
