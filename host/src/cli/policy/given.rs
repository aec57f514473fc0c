//! Policies as files: texts in Cedar, or one document that also holds links, a preset and a mode.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::de::DeserializeOwned;
use sluice_api::policy::{PolicyMode, PolicyPreset, PolicyPut};

use crate::cli::exit::Failure;
use crate::cli::suggest::with_nearest_name;
use crate::domain::policy::Mode;
use crate::engine::{policy_preset_of, policy_source_of};
use crate::policy::{Rules, TextProblems};

/// Policies that come with the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PresetArg {
    /// Whatever agents and runs change is told of, and nothing is denied.
    ObserveOnly,
    /// Only operators change anything.
    ReadOnly,
    /// Side effects need a person.
    ReviewedEgress,
    /// Side effects that capabilities cover need nobody.
    Open,
}

/// Whether what policies deny is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ModeArg {
    /// It is denied.
    Enforce,
    /// It is only told.
    Observe,
}

/// Files of policies.
#[derive(Debug, clap::Args)]
pub(super) struct Given {
    /// Texts in Cedar, each named as its file is; or one .json or .toml with `policies`, `links`, `preset` and `mode`
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Policies of the host that hold beside them
    #[arg(long, value_name = "NAME")]
    pub(super) preset: Option<PresetArg>,
    /// Whether what they deny is denied (default: enforce; observe with the preset observe-only)
    #[arg(long, value_name = "MODE")]
    pub(super) mode: Option<ModeArg>,
}

impl Given {
    /// What the files and arguments say together.
    pub(super) fn read(&self) -> Result<PolicyPut, Failure> {
        let mut put = PolicyPut::default();
        let mut texts = BTreeMap::new();
        for path in &self.files {
            if is_document(path) {
                if self.files.len() > 1 {
                    let message = "a document (.json, .toml) holds all of a policy; name it alone";
                    return Err(Failure::bad_input(message));
                }
                put = document(path)?;
                continue;
            }
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("policy").to_owned();
            if texts.insert(name.clone(), text(path)?).is_some() {
                return Err(Failure::bad_input(format!(
                    "two files are named `{name}`; each text needs a name of its own"
                )));
            }
        }
        if !texts.is_empty() {
            put.policies = Some(texts);
        }
        put.preset = self.preset.map(preset).or(put.preset);
        put.mode = self.mode.map(mode).or(put.mode);
        Ok(put)
    }
}

/// The policies of a document over the defaults, as a host would have them.
pub(super) fn rules(put: &PolicyPut) -> Result<Result<Rules, TextProblems>, Failure> {
    let source = policy_source_of(put.clone()).map_err(|error| Failure::bad_input(error.to_string()))?;
    // Judged as if enforced: a check that only observed would find nothing.
    Ok(Rules::of(0, put.preset.map(policy_preset_of), Mode::Enforce, &source))
}

/// Reads a document that is JSON or, by its name, TOML.
pub(super) fn document<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = text(path)?;
    let wrong = |message: String| Failure::bad_input(format!("{}: {}", path.display(), with_nearest_name(&message)));
    if path.extension().is_some_and(|extension| extension == "toml") {
        toml::from_str(&text).map_err(|error| wrong(error.to_string()))
    } else {
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
    }
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json" || extension == "toml")
}

fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::bad_input(format!("{} cannot be read: {error}", path.display())))
}

fn preset(preset: PresetArg) -> PolicyPreset {
    match preset {
        PresetArg::ObserveOnly => PolicyPreset::ObserveOnly,
        PresetArg::ReadOnly => PolicyPreset::ReadOnly,
        PresetArg::ReviewedEgress => PolicyPreset::ReviewedEgress,
        PresetArg::Open => PolicyPreset::Open,
    }
}

fn mode(mode: ModeArg) -> PolicyMode {
    match mode {
        ModeArg::Enforce => PolicyMode::Enforce,
        ModeArg::Observe => PolicyMode::Observe,
    }
}
