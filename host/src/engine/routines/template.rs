//! What an entrypoint names: a mission template, filled in with arguments.
//!
//! A template is what `POST /mission` takes, but for `start`. In all of its texts `{{NAME}}` stands for
//! an argument. It is read as it is when a mission is made of it, and the mission keeps its digest.
//! Where templates come from is behind [`Templates`](crate::engine::ports::Templates).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use sluice_api::mission::MissionRequest;

use super::entrypoint::{self, Filled, Work, fill, lower};
use crate::domain::artifact::Digest;
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;
use crate::domain::routine::Routine;
use crate::engine::ports::Template;
use crate::engine::{Engine, EngineError};
use crate::wire::{self, FieldError};

/// Longest name of a template, in bytes.
const NAME_MAX_BYTES: usize = 64;

/// What an entrypoint names beside itself, as it is now.
pub(super) enum Found {
    /// Nothing: it says all.
    Nothing,
    /// A template.
    Template(Template),
    /// A template that cannot be had; why.
    Missing(String),
}

impl Found {
    /// The digest of the template.
    pub(super) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Template(template) => Some(template.digest.clone()),
            Self::Nothing | Self::Missing(_) => None,
        }
    }
}

/// The template that an entrypoint may name, and whether it says that this is one.
fn named(entrypoint: &Value) -> Option<(&str, bool)> {
    match entrypoint {
        Value::String(text) => is_name(text).then_some((text, false)),
        Value::Object(members) if members.len() == 1 => Some((members.get("template")?.as_str()?, true)),
        _ => None,
    }
}

/// Whether a text may be a template's name: 1 to 64 of `a-z0-9._-`, beginning with a letter or digit, and
/// nothing that an entrypoint means otherwise.
fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let means_otherwise = text == "run" || text.starts_with("connector.");
    text.len() <= NAME_MAX_BYTES
        && text.bytes().next().is_some_and(is_plain)
        && text.bytes().all(|byte| is_plain(byte) || b"._-".contains(&byte))
        && !means_otherwise
}

impl Engine {
    /// What the entrypoint of a routine names, as it was saved.
    pub(super) async fn found_for(&self, routine: &Routine) -> Found {
        match &routine.template {
            Some(_) => self.find_named(&routine.workspace_id, &routine.settings.entrypoint, true).await,
            None => Found::Nothing,
        }
    }

    /// What an entrypoint names. A text that may be a name and is none of a template says what to do, unless
    /// it `is_name`.
    pub(super) async fn find_named(&self, workspace: &WorkspaceId, entrypoint: &Json, is_name: bool) -> Found {
        let entrypoint = wire::value_of(entrypoint);
        let Some((name, is_said)) = named(&entrypoint) else { return Found::Nothing };
        if is_said && !self::is_name(name) {
            return Found::Missing(format!("`{name}` is no template's name; it has 1 to 64 of a-z 0-9 . _ -"));
        }
        match self.template(workspace, name).await {
            Ok(Some(template)) => Found::Template(template),
            Ok(None) if is_name || is_said => Found::Missing(format!(
                "there is no template `{name}`; put `{name}.json` or `{name}.toml` into the host's `templates/`"
            )),
            Ok(None) => Found::Nothing,
            Err(why) => Found::Missing(format!("template {why}")),
        }
    }

    async fn template(&self, workspace: &WorkspaceId, name: &str) -> Result<Option<Template>, String> {
        let Some(templates) = self.parts.options.templates.clone() else { return Ok(None) };
        let (workspace, name) = (workspace.clone(), name.to_owned());
        let read = tokio::task::spawn_blocking(move || Arc::clone(&templates).template(&workspace, &name));
        read.await.map_err(|error| error.to_string())?
    }

    /// Lays a request for a mission over what its entrypoint names: a template, or, where it has no
    /// items, `run` or a connector's action. Any other text is a label. Whether its items pass gates.
    ///
    /// # Errors
    /// [`EngineError::Field`] for a template that cannot be read or filled in.
    pub async fn with_entrypoint(
        &self,
        workspace: &WorkspaceId,
        mut request: MissionRequest,
        args: Map<String, Value>,
    ) -> Result<(MissionRequest, bool), EngineError> {
        let filled = Filled { args: &args, scheduled_at: None };
        let mut has_gates = true;
        if let Some(text) = request.entrypoint.clone() {
            let found = self.find_named(workspace, &wire::json_of(&text), false).await;
            let is_one_run = request.work_items.is_empty() && entrypoint::is_one_run(&text);
            let work = match found {
                Found::Missing(why) => return Err(FieldError::new("entrypoint", why).into()),
                Found::Template(template) => Some(template_work(&template, &filled)?),
                Found::Nothing if is_one_run => Some(entrypoint::text_work(&request.title, &text, &filled)?),
                Found::Nothing => None,
            };
            if let Some(work) = work {
                has_gates = work.has_gates;
                request = laid_over(work.request, request);
                request.entrypoint = Some(text);
            }
        }
        if !args.is_empty() {
            request.metadata.insert("args".to_owned(), Value::Object(args));
        }
        Ok((request, has_gates))
    }
}

/// What a template says, where a request does not.
fn laid_over(base: MissionRequest, request: MissionRequest) -> MissionRequest {
    let mut metadata = base.metadata;
    metadata.extend(request.metadata);
    let mut capabilities = base.capabilities;
    for asked in request.capabilities {
        if !capabilities.contains(&asked) {
            capabilities.push(asked);
        }
    }
    MissionRequest {
        title: request.title,
        goal: if request.goal.is_empty() { base.goal } else { request.goal },
        success_criteria: or(request.success_criteria, base.success_criteria),
        budgets: lower(&base.budgets, &request.budgets),
        capabilities,
        entrypoint: request.entrypoint,
        metadata,
        work_items: or(request.work_items, base.work_items),
    }
}

fn or<T>(given: Vec<T>, base: Vec<T>) -> Vec<T> {
    if given.is_empty() { base } else { given }
}

/// The mission that a template describes, with everything filled in.
///
/// # Errors
/// The member at fault, named as the template has it.
pub(super) fn template_work(template: &Template, filled: &Filled<'_>) -> Result<Work, FieldError> {
    let wrong = |why: String| FieldError::new("entrypoint", format!("template `{}`: {why}", template.name));
    let mut content = wire::value_of(&template.content);
    fill_all(&mut content, "", filled).map_err(|error| wrong(error.to_string()))?;
    let mut request: MissionRequest = serde_json::from_value(content).map_err(|error| wrong(error.to_string()))?;
    request.entrypoint = Some(template.name.clone());
    let origin = json!({"name": template.name, "digest": template.digest.as_str()});
    request.metadata.insert("template".to_owned(), origin);
    Ok(Work { request, has_gates: true })
}

/// Fills in every text of `value`, which stands at `place`.
fn fill_all(value: &mut Value, place: &str, filled: &Filled<'_>) -> Result<(), FieldError> {
    match value {
        Value::String(text) => *text = fill(place, text, filled)?,
        Value::Array(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                fill_all(value, &format!("{place}[{index}]"), filled)?;
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                let inner = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                fill_all(value, &inner, filled)?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(content: &Value) -> Template {
        let content = Json::from_valid(content.to_string());
        Template { name: "t".to_owned(), digest: Digest::of(content.as_str().as_bytes()), content }
    }

    #[test]
    fn names_are_not_what_means_otherwise() {
        for name in ["nightly", "mission.default", "0-a_b", &"x".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for text in ["run", "connector.a.b", "Look at it", "", ".a", "../a", "a/b", "Nightly", &"x".repeat(65)] {
            assert!(!is_name(text), "{text}");
        }
    }

    #[test]
    fn every_text_is_filled_in_and_what_is_missing_is_named_with_its_place() {
        let Value::Object(args) = json!({"who": "ann", "n": 3}) else { unreachable!() };
        let filled = Filled { args: &args, scheduled_at: None };
        let whole = template(&json!({
            "title": "For {{who}}", "capabilities": ["connector.{{args.who}}.*"],
            "work_items": [{"title": "A", "action": {"deep": ["{{ n }} of {{who}}", 5]}}],
        }));
        let Ok(Work { request, .. }) = template_work(&whole, &filled) else { panic!("it can be filled in") };
        assert_eq!((request.title.as_str(), request.capabilities[0].as_str()), ("For ann", "connector.ann.*"));
        let action = request.work_items[0].action.clone();
        assert_eq!(action.map(Value::Object), Some(json!({"deep": ["3 of ann", 5]})));
        assert_eq!(request.metadata["template"]["digest"], whole.digest.as_str());
        for (content, message) in [
            (
                json!({"title": "x", "metadata": {"a": ["{{you}}"]}}),
                "template `t`: metadata.a[0]: `{{you}}` is unknown; there are `args.n`, `args.who`",
            ),
            (
                json!({"title": "{{scheduled_at}}"}),
                "template `t`: title: `{{scheduled_at}}` is unknown; there are `args.n`, `args.who`",
            ),
            (json!({"titel": "x"}), "template `t`: unknown field `titel`"),
        ] {
            let error = template_work(&template(&content), &filled).err().expect("it cannot be filled in");
            assert!(error.field == "entrypoint" && error.message.starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_request_says_more_than_its_template() {
        let base: MissionRequest = serde_json::from_value(json!({
            "title": "base", "goal": "its goal", "budgets": {"max_steps": 5}, "capabilities": ["a"], "metadata": {"x": 1, "y": 1},
            "work_items": [{"title": "A"}],
        }))
        .expect("a request");
        let request: MissionRequest = serde_json::from_value(json!({
            "title": "mine", "budgets": {"max_steps": 9, "max_attempts": 2}, "capabilities": ["a", "b"], "metadata": {"y": 2},
        }))
        .expect("a request");
        let laid = laid_over(base, request);
        assert_eq!((laid.title.as_str(), laid.goal.as_str()), ("mine", "its goal"));
        assert_eq!((laid.budgets.max_steps, laid.budgets.max_attempts), (Some(5), Some(2)));
        assert_eq!((laid.capabilities.as_slice(), laid.work_items.len()), (&["a".to_owned(), "b".to_owned()][..], 1));
        assert_eq!(Value::Object(laid.metadata), json!({"x": 1, "y": 2}));
    }
}
