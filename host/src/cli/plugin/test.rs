//! `sluice plugin test`: what a component should answer, and what it has to live through.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::build::{Built, build};
use super::given;
use super::read;
use crate::cli::exit::{Exit, Failure, with_causes};
use crate::cli::output::{self, visible};
use crate::domain::json::Json;
use crate::domain::plugin::PluginFailure;
use crate::kit::call::{Called, Subject};
use crate::kit::golden::{self, Case, Unexpected};
use crate::kit::hostile;
use crate::kit::input::Input;
use crate::kit::language::Profile;
use crate::plugins::{PluginHost, PluginInfo};

/// Have a plugin judge its cases, and inputs that nobody would send, each twice
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TestArgs {
    /// The plugin's directory, which is built first, or a component
    #[arg(value_name = "DIR|FILE.wasm", default_value = ".")]
    plugin: PathBuf,
    /// Where the cases lie (default: tests/golden in the plugin's directory)
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// The settings of cases that have none of their own: a JSON object, or a file that holds one
    #[arg(long, value_name = "JSON|FILE")]
    settings: Option<String>,
    /// Fetch nothing; what the plugin is built with is here (the crates that Cargo.lock names)
    #[arg(long)]
    offline: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// What became of one case.
struct Judged {
    set: &'static str,
    name: String,
    /// What is wrong, for people; nothing when all is well.
    problems: Vec<String>,
    /// Where an answer is not as expected.
    unexpected: Vec<Unexpected>,
}

pub(super) fn execute(args: &TestArgs) -> Result<ExitCode, Failure> {
    let (bytes, folder) = if args.plugin.is_dir() {
        let Built { plugin, component } = build(&args.plugin, Profile::Release, args.offline)?;
        (component, Some(plugin.golden()))
    } else {
        (read(&args.plugin)?, None)
    };
    let folder = args.cases.clone().or(folder);
    let cases = folder.as_deref().map(golden::read_all).transpose()?.unwrap_or_default();
    if let (Some(folder), true) = (&folder, cases.is_empty()) {
        return Err(Failure::bad_input(format!("{} has no cases (*.json)", folder.display())));
    }
    let settings = given::settings(args.settings.as_deref())?;
    tokio::task::block_in_place(|| {
        let host = given::host()?;
        let component = given::load(&host, &args.plugin, bytes)?;
        let judge = Judge { host: &host, component: &component, settings };
        let mut judged = Vec::new();
        for case in &cases {
            judged.push(judge.case(case, folder.as_deref().unwrap_or(&args.plugin))?);
        }
        judged.extend(judge.hostile(&cases)?);
        tell(&judged, args.json)
    })
}

struct Judge<'h> {
    host: &'h PluginHost,
    component: &'h PluginInfo,
    settings: Option<Map<String, Value>>,
}

impl Judge<'_> {
    fn case(&self, case: &Case, folder: &std::path::Path) -> Result<Judged, Failure> {
        let wrong = |why: String| Failure::bad_input(format!("{}/{}.json: {why}", folder.display(), case.name));
        let input = Input::read(self.component.manifest.kind, case.input.clone(), folder)
            .map_err(|error| wrong(format!("input: {error}")))?;
        let settings = given::json(case.settings.clone().or_else(|| self.settings.clone()).unwrap_or_default());
        let subject = Subject::bind(self.host, &self.component.digest, self.component.manifest.kind, &settings)
            .map_err(|error| wrong(with_causes(&error)))?;
        let (called, unsteady) = twice(&subject, &input);
        let unexpected = golden::unexpected(&case.expected, &called.answer);
        let mut problems: Vec<String> = unexpected.iter().map(ToString::to_string).collect();
        if let (Some(failure), false) = (&called.failure, case.expected.get("failure").is_some()) {
            problems.push(failure.to_string());
        }
        problems.extend(unsteady);
        Ok(Judged { set: "golden", name: case.name.clone(), problems, unexpected })
    }

    /// What nobody would send, with settings that do: those given, the defaults, or those of a case.
    fn hostile(&self, cases: &[Case]) -> Result<Vec<Judged>, Failure> {
        let of_cases = cases.iter().filter_map(|case| case.settings.clone());
        let mut tried: Vec<Map<String, Value>> = self.settings.iter().cloned().collect();
        tried.push(Map::new());
        tried.extend(of_cases);
        let mut refused = None;
        for settings in tried {
            let settings: Json = given::json(settings);
            let bound = Subject::bind(self.host, &self.component.digest, self.component.manifest.kind, &settings);
            match bound {
                Ok(subject) => return Ok(lived_through(&subject, self.component)),
                Err(error) => refused = refused.or(Some(with_causes(&error))),
            }
        }
        let why = refused.unwrap_or_default();
        Err(Failure::bad_input(format!("{why}; give settings that the plugin takes with --settings")))
    }
}

fn lived_through(subject: &Subject<'_>, component: &PluginInfo) -> Vec<Judged> {
    let judge = |(name, input): (&'static str, Input)| {
        let (called, unsteady) = twice(subject, &input);
        // An error in its own words is an answer.
        let failure = called.failure.filter(|failure| !matches!(failure, PluginFailure::Guest { .. }));
        let problems = failure.map(|failure| failure.to_string()).into_iter().chain(unsteady).collect();
        Judged { set: "hostile", name: name.to_owned(), problems, unexpected: Vec::new() }
    };
    hostile::inputs(component.manifest.kind).into_iter().map(judge).collect()
}

/// Calls it twice with the same; what is wrong when it answers differently.
fn twice(subject: &Subject<'_>, input: &Input) -> (Called, Option<String>) {
    let (first, second) = (subject.call(input), subject.call(input));
    let places = golden::unexpected(&first.answer, &second.answer);
    // What the second answer has beyond the first is a difference too.
    let differs = first.answer != second.answer;
    let place = places.first().map_or_else(String::new, |place| format!(" ({place})"));
    (first, differs.then(|| format!("it answered differently when it was asked the same again{place}")))
}

fn tell(judged: &[Judged], as_json: bool) -> Result<ExitCode, Failure> {
    let failed = judged.iter().filter(|case| !case.problems.is_empty()).count();
    if as_json {
        let cases: Vec<Value> = judged.iter().map(as_value).collect();
        output::json(&json!({"ok": failed == 0, "count": judged.len(), "failed": failed, "cases": cases}))?;
    } else {
        for case in judged {
            let Judged { set, name, problems, .. } = case;
            match problems.as_slice() {
                [] => output::print(&visible(&format!("ok      {set}: {name}")))?,
                [one] => output::print(&visible(&format!("FAILED  {set}: {name}: {one}")))?,
                several => {
                    output::print(&visible(&format!("FAILED  {set}: {name}")))?;
                    for problem in several {
                        output::print(&visible(&format!("        {problem}")))?;
                    }
                }
            }
        }
        output::print(&format!("{} cases, {failed} failed", judged.len()))?;
    }
    Ok(if failed == 0 { Exit::Succeeded.into() } else { Exit::Failed.into() })
}

fn as_value(case: &Judged) -> Value {
    let place =
        |place: &Unexpected| json!({"pointer": place.pointer, "expected": place.expected, "found": place.found});
    json!({
        "set": case.set,
        "name": case.name,
        "ok": case.problems.is_empty(),
        "problems": case.problems,
        "unexpected": case.unexpected.iter().map(place).collect::<Vec<Value>>(),
    })
}
