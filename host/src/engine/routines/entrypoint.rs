//! What a routine does, as its author wrote it, made a mission of.
//!
//! An entrypoint is a text, one run or a whole mission. A run is a mission of one work item
//! without gates: whatever is done goes through the same machinery. In texts that people and agents
//! read, `{{args.NAME}}` and `{{scheduled_at}}` are filled in.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use sluice_api::mission::{Budgets, MissionRequest, WorkItemRequest};

use super::template::{Found, template_work};
use crate::domain::capability;
use crate::domain::routine::{Occurrence, RoutineSettings};
use crate::policy::SideEffect;
use crate::wire::{self, FieldError};

/// Longest title of a mission, in characters; a routine's name is cut to it.
const TITLE_MAX_CHARS: usize = 200;
/// Longest entrypoint, in bytes of JSON.
const ENTRYPOINT_MAX_BYTES: usize = 256 * 1024;
/// Longest arguments, in bytes of JSON.
const ARGS_MAX_BYTES: usize = 64 * 1024;
/// Most capabilities of a routine.
const CAPABILITIES_MAX: usize = 100;
/// Members that name something in the outside world, wherever they stand.
const OUTSIDE: [&str; 6] = ["connector", "connectors", "webhook", "webhooks", "webhook_url", "callback_url"];

/// A mission that is to be made.
pub(super) struct Work {
    pub(super) request: MissionRequest,
    /// Whether its items pass the gates.
    pub(super) has_gates: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunEntrypoint {
    #[serde(default)]
    title: Option<String>,
    prompt: String,
    #[serde(default)]
    action: Option<Map<String, Value>>,
    #[serde(default, alias = "assigned_agent")]
    agent: Option<String>,
    #[serde(default)]
    skills: Vec<String>,
}

/// What is filled into texts.
pub(super) struct Filled<'a> {
    pub(super) args: &'a Map<String, Value>,
    /// The written time; nothing where there is none.
    pub(super) scheduled_at: Option<&'a str>,
}

/// The mission of one occurrence, whose entrypoint names what was `found`; of no occurrence in particular
/// when it is only checked.
///
/// # Errors
/// The member at fault.
pub(super) fn work_of(
    settings: &RoutineSettings,
    found: &Found,
    occurrence: Option<&Occurrence>,
) -> Result<Work, FieldError> {
    let args = args_of(settings)?;
    let scheduled_at = Some(occurrence.map_or("", |occurrence| &occurrence.local));
    let filled = Filled { args: &args, scheduled_at };
    let mut work = match (found, wire::value_of(&settings.entrypoint)) {
        (Found::Missing(why), _) => return Err(FieldError::new("entrypoint", why.clone())),
        (Found::Template(template), _) => template_work(template, &filled)?,
        (Found::Nothing, Value::String(text)) => text_work(&settings.name, &text, &filled)?,
        (Found::Nothing, Value::Object(members)) if members.len() == 1 && members.contains_key("run") => {
            run_work(&settings.name, read("entrypoint.run", members["run"].clone())?, &filled)?
        }
        (Found::Nothing, Value::Object(members)) if members.len() == 1 && members.contains_key("mission") => {
            mission_work(read("entrypoint.mission", members["mission"].clone())?, &filled)?
        }
        _ => {
            let right = "is a text, {\"run\":{..}}, {\"mission\":{..}} or {\"template\":\"NAME\"}";
            return Err(FieldError::new("entrypoint", right));
        }
    };
    let request = &mut work.request;
    for asked in &settings.capabilities {
        if !request.capabilities.contains(asked) {
            request.capabilities.push(asked.clone());
        }
    }
    request.budgets = lower(&request.budgets, &wire::budgets_view(&settings.budgets));
    if let Some(occurrence) = occurrence {
        request.metadata.insert("routine".to_owned(), told_of(occurrence));
        if !args.is_empty() {
            request.metadata.insert("args".to_owned(), Value::Object(args));
        }
    }
    Ok(work)
}

/// Checks everything about what a routine does, and tells whether that reaches the outside world: by a
/// capability, or because entrypoint or arguments name a connector or a webhook.
///
/// # Errors
/// The member at fault.
pub(super) fn check(settings: &RoutineSettings, found: &Found) -> Result<bool, FieldError> {
    let long =
        |json: &crate::domain::json::Json, max: usize| (json.as_str().len() > max).then_some(json.as_str().len());
    for (field, json, max) in
        [("entrypoint", &settings.entrypoint, ENTRYPOINT_MAX_BYTES), ("args", &settings.args, ARGS_MAX_BYTES)]
    {
        if let Some(bytes) = long(json, max) {
            return Err(FieldError::new(field, format!("has {bytes} bytes; at most {max} are allowed")));
        }
    }
    for (field, json) in [("entrypoint", &settings.entrypoint), ("args", &settings.args)] {
        if holds_nul(&wire::value_of(json)) {
            return Err(FieldError::new(field, "has the character U+0000, which cannot be stored; leave it out"));
        }
    }
    if settings.capabilities.len() > CAPABILITIES_MAX {
        let message = format!("has {} entries; at most {CAPABILITIES_MAX} are allowed", settings.capabilities.len());
        return Err(FieldError::new("capabilities", message));
    }
    let mut work = work_of(settings, found, None)?;
    let mut numbers = 0..;
    wire::check_request(&mut work.request, || format!("wi_{}", numbers.next().unwrap_or(0))).map_err(|error| {
        if let Found::Template(template) = found {
            return FieldError::new("entrypoint", format!("template `{}`: {error}", template.name));
        }
        let place = if work.has_gates { "entrypoint.mission" } else { "entrypoint" };
        FieldError::new(format!("{place}.{}", error.field), error.message)
    })?;
    Ok(reaches_outside(&work.request)
        || names_outside(&wire::value_of(&settings.entrypoint))
        || names_outside(&wire::value_of(&settings.args)))
}

/// What a routine would do outside: the action of the connector that its entrypoint names, or `*` when it
/// is a mission that may do several things.
pub(super) fn side_effect(settings: &RoutineSettings, found: &Found) -> SideEffect {
    let entrypoint = wire::value_of(&settings.entrypoint);
    let named = entrypoint.as_str().and_then(|text| text.strip_prefix("connector.")?.split_once('.'));
    let args = wire::value_of(&settings.args);
    let canonical = wire::canonical_json(&args);
    // Of a template the mission has what the template grants besides.
    let granted = work_of(settings, found, None).map(|work| work.request.capabilities);
    let mut capabilities = granted.unwrap_or_else(|_| settings.capabilities.clone());
    if let Some((connector, action)) = named {
        capabilities.push(capability::of_action(connector, action));
    }
    SideEffect::new(named.unwrap_or(("*", "*")), args, canonical.as_str(), capabilities, true)
}

/// Whether a template, as it is now, has a routine reach the outside world. One that cannot be filled in
/// reaches nothing: no mission is made of it.
pub(super) fn template_reaches_outside(settings: &RoutineSettings, found: &Found) -> bool {
    matches!(found, Found::Template(_))
        && work_of(settings, found, None).is_ok_and(|work| reaches_outside(&work.request))
}

/// Whether a mission may act through a connector, or names one.
fn reaches_outside(request: &MissionRequest) -> bool {
    let is_outside = |pattern: &String| matches!(pattern.split('.').next(), Some("connector" | "*"));
    // Its members have text keys and no failing serialisers.
    request.capabilities.iter().any(is_outside) || names_outside(&serde_json::to_value(request).unwrap_or_default())
}

fn names_outside(value: &Value) -> bool {
    match value {
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| OUTSIDE.contains(&name.as_str()) && !value.is_null() || names_outside(value)),
        Value::Array(values) => values.iter().any(names_outside),
        _ => false,
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Array(values) => values.iter().any(holds_nul),
        _ => false,
    }
}

fn args_of(settings: &RoutineSettings) -> Result<Map<String, Value>, FieldError> {
    match wire::value_of(&settings.args) {
        Value::Object(args) => Ok(args),
        _ => Err(FieldError::new("args", "is no object")),
    }
}

fn read<T: for<'de> Deserialize<'de>>(field: &str, value: Value) -> Result<T, FieldError> {
    serde_json::from_value(value).map_err(|error| FieldError::new(field, error.to_string()))
}

/// Whether a text is `run` or `connector.NAME.ACTION`.
pub(super) fn is_one_run(text: &str) -> bool {
    text == "run" || text.strip_prefix("connector.").is_some_and(|rest| rest.contains('.'))
}

/// `run`, `connector.NAME.ACTION`, or a prompt.
pub(super) fn text_work(name: &str, text: &str, filled: &Filled<'_>) -> Result<Work, FieldError> {
    let mut run = RunEntrypoint { title: None, prompt: text.to_owned(), action: None, agent: None, skills: Vec::new() };
    if text.trim().is_empty() {
        return Err(FieldError::new("entrypoint", "is empty; it is what an agent is asked"));
    }
    if text == "run" {
        let prompt = filled.args.get("prompt").and_then(Value::as_str);
        prompt
            .ok_or_else(|| FieldError::new("args.prompt", "is missing; `run` asks an agent this"))?
            .clone_into(&mut run.prompt);
        return run_work(name, run, filled);
    }
    let Some((connector, action)) = text.strip_prefix("connector.").and_then(|rest| rest.split_once('.')) else {
        return run_work(name, run, filled);
    };
    run.prompt = format!("Ask for `{text}` with the arguments of this work item's action, and report what came of it.");
    let Value::Object(asked) = json!({"connector": connector, "action": action, "args": filled.args}) else {
        return Err(FieldError::new("entrypoint", "is no connector's action"));
    };
    run.action = Some(asked);
    let mut work = run_work(name, run, filled)?;
    work.request.capabilities.push(capability::of_action(connector, action));
    Ok(work)
}

fn run_work(name: &str, run: RunEntrypoint, filled: &Filled<'_>) -> Result<Work, FieldError> {
    let title = match &run.title {
        Some(title) => fill("entrypoint.run.title", title, filled)?,
        None => name.chars().take(TITLE_MAX_CHARS).collect(),
    };
    if run.prompt.trim().is_empty() {
        return Err(FieldError::new("entrypoint.run.prompt", "is empty; it is what an agent is asked"));
    }
    let item = WorkItemRequest {
        id: None,
        title: title.clone(),
        detail: Some(fill("entrypoint.run.prompt", &run.prompt, filled)?),
        depends_on: Vec::new(),
        assigned_agent: run.agent,
        skills: run.skills,
        action: run.action,
        metadata: None,
    };
    let request = MissionRequest {
        title,
        goal: name.to_owned(),
        success_criteria: Vec::new(),
        budgets: Budgets::default(),
        capabilities: Vec::new(),
        entrypoint: None,
        metadata: Map::new(),
        work_items: vec![item],
    };
    Ok(Work { request, has_gates: false })
}

fn mission_work(mut request: MissionRequest, filled: &Filled<'_>) -> Result<Work, FieldError> {
    request.title = fill("entrypoint.mission.title", &request.title, filled)?;
    request.goal = fill("entrypoint.mission.goal", &request.goal, filled)?;
    for (index, item) in request.work_items.iter_mut().enumerate() {
        let field = |name: &str| format!("entrypoint.mission.work_items[{index}].{name}");
        item.title = fill(&field("title"), &item.title, filled)?;
        if let Some(detail) = &item.detail {
            item.detail = Some(fill(&field("detail"), detail, filled)?);
        }
    }
    Ok(Work { request, has_gates: true })
}

/// `text` with its placeholders replaced; what is filled in is not looked at again.
pub(super) fn fill(field: &str, text: &str, filled: &Filled<'_>) -> Result<String, FieldError> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let placeholder = after.split_once("}}").filter(|(name, _)| is_name(name.trim()));
        let Some((name, behind)) = placeholder else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        let name = name.trim();
        let arg = name.strip_prefix("args.").and_then(|name| filled.args.get(name)).or_else(|| filled.args.get(name));
        match (name, filled.scheduled_at, arg) {
            ("scheduled_at", Some(at), _) => out.push_str(at),
            (_, _, Some(Value::String(text))) => out.push_str(text),
            (_, _, Some(value)) => out.push_str(&value.to_string()),
            (name, _, None) => return Err(FieldError::new(field, unknown(name, filled))),
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// What a placeholder might have been.
fn unknown(name: &str, filled: &Filled<'_>) -> String {
    let at = filled.scheduled_at.map(|_| "`scheduled_at`".to_owned());
    let mut args: Vec<String> = filled.args.keys().map(|name| format!("`args.{name}`")).collect();
    args.sort_unstable();
    let known: Vec<String> = at.into_iter().chain(args).collect();
    let known = if known.is_empty() { "no arguments".to_owned() } else { known.join(", ") };
    format!("`{{{{{name}}}}}` is unknown; there are {known}")
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// What the mission's workers are told of the occurrence.
fn told_of(occurrence: &Occurrence) -> Value {
    json!({
        "routine_id": occurrence.routine_id.as_str(),
        "run_id": occurrence.id.as_str(),
        "trigger": occurrence.trigger.as_str(),
        "scheduled_at_ms": occurrence.scheduled_at.as_millis(),
        "scheduled_at": occurrence.local,
        "missed_count": occurrence.missed_count,
        "missed_since_ms": occurrence.missed_since.map(crate::domain::time::Timestamp::as_millis),
    })
}

/// The lower of each limit.
pub(super) fn lower(a: &Budgets, b: &Budgets) -> Budgets {
    fn least<T: Ord + Copy>(a: Option<T>, b: Option<T>) -> Option<T> {
        a.into_iter().chain(b).min()
    }
    Budgets {
        max_steps: least(a.max_steps, b.max_steps),
        max_tool_calls: least(a.max_tool_calls, b.max_tool_calls),
        max_duration_ms: least(a.max_duration_ms, b.max_duration_ms),
        max_attempts: least(a.max_attempts, b.max_attempts),
        max_parallel_runs: least(a.max_parallel_runs, b.max_parallel_runs),
        max_interruptions: least(a.max_interruptions, b.max_interruptions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::Json;
    use crate::domain::mission;
    use crate::domain::routine::{Misfire, Overlap, ScheduleSpec};

    fn settings(entrypoint: &Value, args: &Value, capabilities: &[&str]) -> RoutineSettings {
        RoutineSettings {
            name: "Nightly".to_owned(),
            schedule: ScheduleSpec::Cron { expression: "@daily".to_owned() },
            timezone: "UTC".to_owned(),
            exclude: Vec::new(),
            jitter_ms: 0,
            starts_at: None,
            ends_at: None,
            misfire: Misfire::default(),
            overlap: Overlap::default(),
            entrypoint: Json::from_valid(entrypoint.to_string()),
            args: Json::from_valid(args.to_string()),
            budgets: mission::Budgets { max_steps: Some(5), ..mission::Budgets::default() },
            capabilities: capabilities.iter().map(|&text| text.to_owned()).collect(),
            requires_approval: true,
            external_integrations_allowed: false,
            pause_after_failures: None,
        }
    }

    fn checked(settings: &RoutineSettings) -> Result<bool, FieldError> {
        check(settings, &Found::Nothing)
    }

    #[test]
    fn texts_are_filled_in_once() {
        let entrypoint =
            json!({"run": {"title": "For {{ args.who }}", "prompt": "{{args.who}} {{args.n}} {{ not a name }} {{"}});
        let work = work_of(&settings(&entrypoint, &json!({"who": "{{args.n}}", "n": [1]}), &[]), &Found::Nothing, None)
            .ok()
            .unwrap();
        assert_eq!(work.request.title, "For {{args.n}}");
        assert_eq!(work.request.work_items[0].detail.as_deref(), Some("{{args.n}} [1] {{ not a name }} {{"));
        assert_eq!(work.request.budgets.max_steps, Some(5));
        let unknown = checked(&settings(&json!("Hello {{args.you}}"), &json!({"who": 1}), &[])).unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "entrypoint.run.prompt: `{{args.you}}` is unknown; there are `scheduled_at`, `args.who`"
        );
    }

    #[test]
    fn what_reaches_the_outside_world_is_found() {
        let plain = json!("Sum up");
        let no = json!({});
        for (entrypoint, args, capabilities) in [
            (plain.clone(), no.clone(), &["connector.github.create_pr"][..]),
            (plain.clone(), no.clone(), &["*.*.*"]),
            (json!("connector.mail.send"), no.clone(), &[]),
            (plain.clone(), json!({"deep": [{"webhook_url": "https://example.org"}]}), &[]),
            (json!({"run": {"prompt": "x", "action": {"connector": "mail"}}}), no.clone(), &[]),
            (json!({"mission": {"title": "T", "capabilities": ["connector.mail.*"]}}), no.clone(), &[]),
        ] {
            assert_eq!(checked(&settings(&entrypoint, &args, capabilities)), Ok(true), "{entrypoint} {args}");
        }
        assert_eq!(checked(&settings(&plain, &json!({"connector": null}), &["resource.read:team/"])), Ok(false));
    }

    #[test]
    fn a_wrong_entrypoint_is_refused_by_name() {
        let no = json!({});
        for (entrypoint, args, field) in [
            (json!(""), &no, "entrypoint"),
            (json!({"run": {"prompt": "x"}, "mission": {}}), &no, "entrypoint"),
            (json!({"run": {"prompt": "x", "gates": []}}), &no, "entrypoint.run"),
            (json!({"run": {"prompt": " "}}), &no, "entrypoint.run.prompt"),
            (json!({"mission": {"title": " "}}), &no, "entrypoint.mission.title"),
            (json!("run"), &no, "args.prompt"),
            (json!("x"), &json!([]), "args"),
        ] {
            assert_eq!(checked(&settings(&entrypoint, args, &[])).unwrap_err().field, field, "{entrypoint}");
        }
    }
}
