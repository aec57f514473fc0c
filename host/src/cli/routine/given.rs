//! A routine's document, put together from a file or a template and from arguments.
//!
//! Nothing is judged here but what could not be written down: the host refuses the rest, by name.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::exit::Failure;
use crate::cli::{moment, span};
use crate::client::ClientError;

/// When.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct When {
    /// By a crontab expression: "30 9 * * 1-5", @daily
    #[arg(long, value_name = "EXPRESSION", allow_hyphen_values = true)]
    pub(super) cron: Option<String>,
    /// Every so often: 15m, 6h
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    pub(super) every: Option<Duration>,
    /// Once: 2026-03-29T09:00:00+02:00
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    pub(super) once: Option<u64>,
}

impl When {
    /// The schedule's document.
    ///
    /// # Errors
    /// For an interval that is no number of seconds.
    pub(super) fn document(&self) -> Result<Option<Value>, Failure> {
        if let Some(every) = self.every {
            if every.subsec_nanos() != 0 {
                return Err(Failure::bad_input("--every: an interval is a whole number of seconds"));
            }
            return Ok(Some(json!({"interval_seconds": {"seconds": every.as_secs()}})));
        }
        let cron = self.cron.as_ref().map(|expression| json!({"cron": {"expression": expression}}));
        Ok(cron.or_else(|| self.once.map(|at_ms| json!({"once": {"at_ms": at_ms}}))))
    }
}

/// What a routine is like; what is not given is as the file, the template or the host has it.
#[derive(Debug, Args)]
pub(super) struct Settings {
    /// A file with the routine, or with the change, as JSON (`-`: standard input); arguments come on top
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// One line for people
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    #[command(flatten)]
    when: When,
    /// The zone it is written for: Europe/Paris
    #[arg(long, value_name = "ZONE", visible_alias = "tz")]
    timezone: Option<String>,
    /// Leave out a date: 2026-12-24, or 12-25 of every year; may stand several times
    #[arg(long, value_name = "DATE")]
    exclude: Vec<String>,
    /// Not before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    starts: Option<u64>,
    /// Not after this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    ends: Option<u64>,
    /// Fire at most so much later than written
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    jitter: Option<Duration>,
    /// What becomes of what was missed: `skip[:TIME]`, `run_once[:TIME]` or `catch_up:N`
    #[arg(long, value_name = "POLICY", value_parser = misfire)]
    misfire: Option<Value>,
    /// What becomes of what would overlap: `skip`, `queue[:N]`, `allow[:N]` or `cancel_previous`
    #[arg(long, value_name = "POLICY", value_parser = overlap)]
    overlap: Option<(String, Option<u32>)>,
    /// What is to be done, in words; `{{args.NAME}}` and `{{scheduled_at}}` are filled in
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// What is to be done: a mission template's name, connector.NAME.ACTION, or JSON: {"mission": {..}}, {"run": {..}}
    #[arg(long, value_name = "JSON", conflicts_with = "prompt", value_parser = json_or_text)]
    entrypoint: Option<Value>,
    /// What it is done with; may stand several times. The value is JSON, or else a text
    #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = pair)]
    args: Vec<(String, Value)>,
    /// What its runs ask to be allowed: connector.mail.send; may stand several times
    #[arg(long = "capability", value_name = "NAME")]
    capabilities: Vec<String>,
    /// Whether a person is asked before each external side effect
    #[arg(long, value_name = "BOOL")]
    requires_approval: Option<bool>,
    /// Whether it may have external side effects at all
    #[arg(long, value_name = "BOOL")]
    allow_external: Option<bool>,
    /// Pause after so many failures in a row
    #[arg(long, value_name = "N")]
    pause_after: Option<u32>,
}

impl Settings {
    /// The expression that was given as an argument.
    pub(super) fn expression(&self) -> Option<&str> {
        self.when.cron.as_deref()
    }

    /// Lays what was given over `document`.
    ///
    /// # Errors
    /// For an interval that is no number of seconds.
    pub(super) fn lay_over(self, document: &mut Map<String, Value>) -> Result<(), Failure> {
        let members = [
            ("schedule", self.when.document()?),
            ("name", self.name.map(Value::from)),
            ("timezone", self.timezone.map(Value::from)),
            ("exclude", (!self.exclude.is_empty()).then(|| json!(self.exclude))),
            ("starts_at_ms", self.starts.map(Value::from)),
            ("ends_at_ms", self.ends.map(Value::from)),
            ("jitter_ms", self.jitter.map(|jitter| span::millis(jitter).into())),
            ("misfire_policy", self.misfire),
            ("overlap_max", self.overlap.as_ref().and_then(|(_, max)| max.map(Value::from))),
            ("overlap_policy", self.overlap.map(|(word, _)| word.into())),
            ("entrypoint", self.entrypoint.or_else(|| self.prompt.map(|prompt| json!({"run": {"prompt": prompt}})))),
            ("capabilities", (!self.capabilities.is_empty()).then(|| json!(self.capabilities))),
            ("requires_approval", self.requires_approval.map(Value::from)),
            ("external_integrations_allowed", self.allow_external.map(Value::from)),
            ("pause_after_failures", self.pause_after.map(Value::from)),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        document.extend(given);
        if !self.args.is_empty() {
            let before = document.entry("args").or_insert_with(|| json!({}));
            if let Value::Object(before) = before {
                before.extend(self.args);
            } else {
                *before = Value::Object(self.args.into_iter().collect());
            }
        }
        Ok(())
    }
}

/// The document in a file; empty without one.
pub(super) fn document(file: Option<&PathBuf>) -> Result<Map<String, Value>, Failure> {
    let Some(file) = file else { return Ok(Map::new()) };
    let given = crate::cli::resource::json_file(file)?;
    serde_json::from_str(given.get())
        .map_err(|error| Failure::bad_input(format!("`{}` holds no JSON object: {error}", file.display())))
}

fn misfire(text: &str) -> Result<Value, String> {
    let (kind, more) = text.split_once(':').map_or((text, None), |(kind, more)| (kind, Some(more)));
    let millis = |member: &str| -> Result<Value, String> {
        let Some(more) = more else { return Ok(json!({"type": kind})) };
        Ok(json!({"type": kind, member: span::millis(span::parse(more)?)}))
    };
    match (kind, more) {
        ("skip", _) => millis("grace_ms"),
        ("run_once", _) => millis("window_ms"),
        ("catch_up", Some(count)) => {
            let count: u32 = count.parse().map_err(|_| format!("`{count}` is no number of runs"))?;
            Ok(json!({"type": kind, "max_runs": count}))
        }
        ("catch_up", None) => Err("say how many: catch_up:5".to_owned()),
        _ => Err("is skip[:TIME], run_once[:TIME] or catch_up:N".to_owned()),
    }
}

fn overlap(text: &str) -> Result<(String, Option<u32>), String> {
    let (word, max) = text.split_once(':').map_or((text, None), |(word, max)| (word, Some(max)));
    let max = max.map(|max| max.parse().map_err(|_| format!("`{max}` is no number of runs"))).transpose()?;
    match (word, max) {
        ("skip" | "cancel_previous", None) | ("queue" | "allow", _) => Ok((word.to_owned(), max)),
        _ => Err("is skip, queue[:N], allow[:N] or cancel_previous".to_owned()),
    }
}

/// A text that is an object is JSON; any other is itself.
fn json_or_text(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"));
    }
    Ok(Value::from(text))
}

fn pair(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("is NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.to_owned(), value))
}

/// A refusal that shows the place in the expression that it is about.
pub(super) fn pointed(error: ClientError, expression: Option<&str>) -> Failure {
    let place = match (&error, expression) {
        (ClientError::Problem(problem), Some(expression)) => {
            let at = problem.more.get("position").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
            // Where characters are not one column wide the mark would stand elsewhere.
            at.filter(|at| *at <= expression.len() && expression.bytes().all(|b| (b' '..=b'~').contains(&b)))
                .map(|at| format!("{error}\n  {expression}\n  {}^", " ".repeat(at)))
        }
        _ => None,
    };
    let failure = Failure::from(error);
    match place {
        Some(message) => failure.in_words(message),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_with_their_numbers() {
        assert_eq!(misfire("skip"), Ok(json!({"type": "skip"})));
        assert_eq!(misfire("run_once:12h"), Ok(json!({"type": "run_once", "window_ms": 43_200_000})));
        assert_eq!(misfire("catch_up:3"), Ok(json!({"type": "catch_up", "max_runs": 3})));
        assert_eq!(overlap("queue:4"), Ok(("queue".to_owned(), Some(4))));
        assert_eq!(overlap("allow"), Ok(("allow".to_owned(), None)));
        for wrong in ["catch_up", "catch_up:x", "skip:soon", "drop"] {
            assert!(misfire(wrong).is_err(), "{wrong}");
        }
        for wrong in ["skip:1", "queue:-1", "run"] {
            assert!(overlap(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_json_or_else_a_text() {
        assert_eq!(pair("n=3"), Ok(("n".to_owned(), json!(3))));
        assert_eq!(pair("who=ann=bo"), Ok(("who".to_owned(), json!("ann=bo"))));
        assert!(pair("n").is_err());
        assert_eq!(json_or_text("connector.mail.send"), Ok(json!("connector.mail.send")));
        assert_eq!(json_or_text(" {\"run\": {}}"), Ok(json!({"run": {}})));
        assert!(json_or_text("{").is_err());
    }
}
