//! Mission files: TOML, or JSON when the name ends in `.json`.
//!
//! A file is a mission request, with three things a client of the API has from its workspace
//! instead: the reducer, the gates, and how a planner works.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use sluice_api::mission::{Budgets, MissionRequest, WorkItemRequest};
use sluice_api::run::ExecAction;

use super::exit::Failure;
use super::suggest;
use crate::domain::gate::GateName;
use crate::domain::json::Json;
use crate::domain::mission::Bindings;
use crate::domain::plugin::PluginKind;
use crate::plugins::PluginHost;
use crate::wire;
use crate::worker::{self, directory_of};

/// Largest mission file, in bytes (16 MiB): 10,000 items of a page each.
const FILE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A mission file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MissionFile {
    title: String,
    #[serde(default)]
    goal: String,
    #[serde(default)]
    success_criteria: Vec<String>,
    #[serde(default)]
    budgets: Budgets,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(default)]
    work_items: Vec<WorkItemRequest>,
    #[serde(default)]
    reducer: Option<PluginChoice>,
    #[serde(default)]
    gates: BTreeMap<String, GateChoice>,
    #[serde(default)]
    planner: Option<Planner>,
}

/// A plugin with its settings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginChoice {
    /// Name, `name@version`, digest, or a path that ends in `.wasm`.
    plugin: Option<String>,
    #[serde(default)]
    settings: Map<String, Value>,
}

/// A gate, or `false` for none.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "false, or a table with `plugin` and `settings`")]
enum GateChoice {
    Off(bool),
    On(PluginChoice),
}

/// How a planner's run is carried out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Planner {
    exec: ExecAction,
}

/// A mission file, read and checked.
pub(super) struct Loaded {
    pub(super) request: MissionRequest,
    pub(super) source: String,
    file: MissionFile,
    base: PathBuf,
}

/// Who will carry a mission's work out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// This process: every item says how, and this machine can.
    ThisProcess,
    /// Whoever claims it: an item may leave the how to its worker.
    AnyWorker,
}

/// Reads and checks a file; nothing is recorded yet.
pub(super) fn load(path: &Path, carrier: Carrier) -> Result<Loaded, Failure> {
    let shown = path.display();
    let size = path.metadata().map_err(|error| Failure::bad_input(format!("{shown}: cannot be read: {error}")))?.len();
    if size > FILE_MAX_BYTES {
        return Err(Failure::bad_input(format!(
            "{shown}: has {size} bytes; a mission file has at most {FILE_MAX_BYTES}"
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::bad_input(format!("{shown}: cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::bad_input(format!("{shown}: is not UTF-8 text")))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let file = parse(&text, is_json).map_err(|message| Failure::bad_input(format!("{shown}: {message}")))?;
    let base = directory_of(path);
    let source = path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string();
    let mut request = request_of(&file, &source);
    let prepared = match carrier {
        Carrier::ThisProcess => prepare_actions(&mut request, &file, &base),
        Carrier::AnyWorker => place_actions(&mut request, &file, &base),
    };
    prepared.map_err(|message| Failure::bad_input(format!("{shown}: {message}")))?;
    let mut counter = 0_u32;
    let specs = wire::check_request(&mut request.clone(), || {
        counter += 1;
        format!("wi_{counter}")
    });
    specs.map_err(|error| Failure::bad_input(format!("{shown}: {error}")))?;
    Ok(Loaded { request, source, file, base })
}

fn parse(text: &str, is_json: bool) -> Result<MissionFile, String> {
    let value: Value = if is_json {
        serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?
    } else {
        toml::from_str(text).map_err(|error| format!("is not TOML: {}", error.to_string().trim_end()))?
    };
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let message = suggest::with_nearest_name(&error.inner().to_string());
        if path == "." { message } else { format!("{path}: {message}") }
    })
}

fn request_of(file: &MissionFile, source: &str) -> MissionRequest {
    let mut metadata = file.metadata.clone();
    metadata.insert("source".to_owned(), json!(source));
    MissionRequest {
        title: file.title.clone(),
        goal: file.goal.clone(),
        success_criteria: file.success_criteria.clone(),
        budgets: file.budgets.clone(),
        capabilities: file.capabilities.clone(),
        entrypoint: None,
        metadata,
        work_items: file.work_items.clone(),
    }
}

/// Checks every `action.exec` and fixes its working directory: the mission may be resumed from
/// elsewhere.
fn prepare_actions(request: &mut MissionRequest, file: &MissionFile, base: &Path) -> Result<(), String> {
    for (index, item) in request.work_items.iter_mut().enumerate() {
        let field = |error: String| format!("work_items[{index}].{error}");
        let action = item.action.clone().map_or(Value::Null, Value::Object);
        let exec = prepared(&action, base).map_err(field)?;
        if let Some(action) = &mut item.action {
            action.insert("exec".to_owned(), exec);
        }
    }
    match &file.planner {
        Some(planner) => {
            let exec = prepared(&json!({"exec": planner.exec}), base).map_err(|error| format!("planner: {error}"))?;
            request.metadata.insert("planner".to_owned(), json!({"action": {"exec": exec}}));
        }
        None if request.work_items.is_empty() => {
            return Err("work_items: there are none, and no planner to propose some; \
                        add [[work_items]], or [planner.exec] with a program that answers with them"
                .to_owned());
        }
        None => {}
    }
    Ok(())
}

/// Fixes the working directory of every `action.exec` there is. Whether its program exists is for
/// the worker to say that will start it.
fn place_actions(request: &mut MissionRequest, file: &MissionFile, base: &Path) -> Result<(), String> {
    for (index, item) in request.work_items.iter_mut().enumerate() {
        let Some(exec) = item.action.as_mut().and_then(|action| action.get_mut("exec")) else { continue };
        *exec = placed(exec.take(), base).map_err(|error| format!("work_items[{index}].action.exec: {error}"))?;
    }
    if let Some(planner) = &file.planner {
        let exec = serde_json::to_value(&planner.exec).map_err(|error| error.to_string())?;
        let exec = placed(exec, base).map_err(|error| format!("planner.exec: {error}"))?;
        request.metadata.insert("planner".to_owned(), json!({"action": {"exec": exec}}));
    }
    Ok(())
}

fn placed(exec: Value, base: &Path) -> Result<Value, String> {
    let mut exec: ExecAction =
        serde_json::from_value(exec).map_err(|error| suggest::with_nearest_name(&error.to_string()))?;
    exec.cwd = Some(base.join(exec.cwd.as_deref().unwrap_or("")).display().to_string());
    serde_json::to_value(exec).map_err(|error| error.to_string())
}

fn prepared(action: &Value, base: &Path) -> Result<Value, String> {
    let mut exec =
        worker::check_action(action, base).map_err(|error| suggest::with_nearest_name(&error.to_string()))?;
    exec.cwd = Some(base.join(exec.cwd.as_deref().unwrap_or("")).display().to_string());
    serde_json::to_value(exec).map_err(|error| error.to_string())
}

impl Loaded {
    /// Whether the file names a reducer or gates of its own.
    pub(super) fn names_components(&self) -> bool {
        self.file.reducer.is_some() || !self.file.gates.is_empty()
    }

    /// The components the mission will be pinned to. Their settings fit their schemas; nothing is
    /// compiled yet.
    pub(super) fn bindings(&self, plugins: &PluginHost) -> Result<Bindings, Failure> {
        let default = PluginChoice::default();
        let reducer = self.file.reducer.as_ref().unwrap_or(&default);
        let reducer = self.bind(plugins, "reducer", reducer, "mission-default", PluginKind::Reducer)?;
        for name in self.file.gates.keys() {
            if name.parse::<GateName>().is_err() {
                let known = GateName::ALL.iter().map(|gate| gate.as_str());
                let hint =
                    crate::config::nearest(name, known).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                return Err(Failure::bad_input(format!("gates.{name}: there are the gates `review` and `test`{hint}")));
            }
        }
        let mut gates = Vec::new();
        for gate in GateName::ALL {
            let standard = match gate {
                GateName::Review => "reviewer",
                GateName::Test => "tester",
            };
            let choice = match self.file.gates.get(gate.as_str()) {
                Some(GateChoice::Off(false)) => continue,
                Some(GateChoice::Off(true)) | None => &default,
                Some(GateChoice::On(choice)) => choice,
            };
            gates.push((*gate, self.bind(plugins, &format!("gates.{gate}"), choice, standard, PluginKind::Gate)?));
        }
        Ok(Bindings { reducer, gates, required: Vec::new() })
    }

    fn bind(
        &self,
        plugins: &PluginHost,
        field: &str,
        choice: &PluginChoice,
        standard: &str,
        kind: PluginKind,
    ) -> Result<crate::domain::plugin::Binding, Failure> {
        let wrong = |message: String| Failure::bad_input(format!("{field}: {message}"));
        let mut selector = choice.plugin.clone().unwrap_or_else(|| standard.to_owned());
        if Path::new(&selector).extension().is_some_and(|extension| extension == "wasm") {
            let path = self.base.join(&selector);
            let bytes =
                std::fs::read(&path).map_err(|e| wrong(format!("plugin `{}` cannot be read: {e}", path.display())))?;
            let info = plugins
                .install(bytes)
                .map_err(|error| wrong(format!("plugin `{}`: {}", path.display(), super::exit::with_causes(&error))))?;
            selector = info.digest.to_string();
        }
        let settings: Json = wire::json_of(&choice.settings);
        plugins.bind(&selector, kind, &settings).map_err(|error| wrong(super::exit::with_causes(&error)))
    }
}
