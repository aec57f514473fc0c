//! The JSON documents inside columns: lists and small records that no query looks into.
//!
//! The structures here are the store's own. The domain's types are not serialisable, so each
//! conversion is written out, and changing a domain type cannot silently change what an old
//! database means. Opaque JSON is kept as text inside the document: byte for byte.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::artifact::{ArtifactRef, Digest};
use crate::domain::gate::{Finding, GateName, GateState};
use crate::domain::id::{ArtifactId, EvaluationId, VerdictId, WorkItemId};
use crate::domain::json::Json;
use crate::domain::mission::{Bindings, Budgets};
use crate::domain::plugin::Binding;
use crate::domain::policy::{Link, PolicySource};
use crate::domain::work_item::WorkItemStatus;

use super::workspaces::RequiredDocument;

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("an unknown word")]
    Word(#[from] crate::domain::word::UnknownWord),
    #[error("a digest that is none")]
    Digest,
}

pub(super) fn write<T: Serialize + ?Sized>(document: &T) -> String {
    // Unwrap safety: the structures below have string keys and no serialiser of their own that
    // could fail, and a String takes every write.
    serde_json::to_string(document).expect("plain structures serialise")
}

fn digest(text: &str) -> Result<Digest, DocumentError> {
    Digest::parse(text).ok_or(DocumentError::Digest)
}

/// A list of texts.
pub(super) fn write_texts(texts: &[String]) -> String {
    write(texts)
}

/// Reads what [`write_texts`] wrote.
pub(super) fn read_texts(text: &str) -> Result<Vec<String>, DocumentError> {
    Ok(serde_json::from_str(text)?)
}

/// Names with a number each, in order.
pub(super) fn write_counted(counted: &[(String, u32)]) -> String {
    write(counted)
}

/// Reads what [`write_counted`] wrote.
pub(super) fn read_counted(text: &str) -> Result<Vec<(String, u32)>, DocumentError> {
    Ok(serde_json::from_str(text)?)
}

/// A list of work items' ids.
pub(super) fn write_work_item_ids(ids: &[WorkItemId]) -> String {
    write(&ids.iter().map(WorkItemId::as_str).collect::<Vec<_>>())
}

/// Reads what [`write_work_item_ids`] wrote.
pub(super) fn read_work_item_ids(text: &str) -> Result<Vec<WorkItemId>, DocumentError> {
    Ok(read_texts(text)?.into_iter().map(WorkItemId::new).collect())
}

/// How many there are of each status.
pub(super) fn write_counts(counts: &BTreeMap<WorkItemStatus, u32>) -> String {
    write(&counts.iter().map(|(status, count)| (status.as_str(), *count)).collect::<BTreeMap<_, _>>())
}

/// Reads what [`write_counts`] wrote.
pub(super) fn read_counts(text: &str) -> Result<BTreeMap<WorkItemStatus, u32>, DocumentError> {
    let counts: BTreeMap<String, u32> = serde_json::from_str(text)?;
    counts.into_iter().map(|(status, count)| Ok((status.parse()?, count))).collect()
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are the public contract's")]
struct BudgetsDocument {
    max_steps: Option<u64>,
    max_tool_calls: Option<u64>,
    max_duration_ms: Option<u64>,
    max_attempts: Option<u32>,
    max_parallel_runs: Option<u32>,
    max_interruptions: Option<u32>,
}

/// A mission's limits.
pub(super) fn write_budgets(budgets: &Budgets) -> String {
    let Budgets { max_steps, max_tool_calls, max_duration_ms, max_attempts, max_parallel_runs, max_interruptions } =
        *budgets;
    write(&BudgetsDocument {
        max_steps,
        max_tool_calls,
        max_duration_ms,
        max_attempts,
        max_parallel_runs,
        max_interruptions,
    })
}

/// Reads what [`write_budgets`] wrote.
pub(super) fn read_budgets(text: &str) -> Result<Budgets, DocumentError> {
    let BudgetsDocument {
        max_steps,
        max_tool_calls,
        max_duration_ms,
        max_attempts,
        max_parallel_runs,
        max_interruptions,
    } = serde_json::from_str(text)?;
    Ok(Budgets { max_steps, max_tool_calls, max_duration_ms, max_attempts, max_parallel_runs, max_interruptions })
}

#[derive(Serialize, Deserialize)]
pub(super) struct BindingDocument {
    name: String,
    version: String,
    digest: String,
    /// JSON as text.
    settings: String,
}

impl BindingDocument {
    pub(super) fn of(binding: &Binding) -> Self {
        Self {
            name: binding.name.clone(),
            version: binding.version.clone(),
            digest: binding.digest.as_str().to_owned(),
            settings: binding.settings.as_str().to_owned(),
        }
    }

    pub(super) fn binding(self) -> Result<Binding, DocumentError> {
        Ok(Binding {
            name: self.name,
            version: self.version,
            digest: digest(&self.digest)?,
            settings: Json::from_valid(self.settings),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct BindingsDocument {
    reducer: BindingDocument,
    gates: Vec<(String, BindingDocument)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    required: Vec<(String, RequiredDocument)>,
}

/// The components a mission is pinned to.
pub(super) fn write_bindings(bindings: &Bindings) -> String {
    write(&BindingsDocument {
        reducer: BindingDocument::of(&bindings.reducer),
        gates: bindings
            .gates
            .iter()
            .map(|(gate, binding)| (gate.as_str().to_owned(), BindingDocument::of(binding)))
            .collect(),
        required: bindings
            .required
            .iter()
            .map(|(gate, required)| (gate.as_str().to_owned(), (*required).into()))
            .collect(),
    })
}

/// Reads what [`write_bindings`] wrote.
pub(super) fn read_bindings(text: &str) -> Result<Bindings, DocumentError> {
    let document: BindingsDocument = serde_json::from_str(text)?;
    let gates = document
        .gates
        .into_iter()
        .map(|(gate, binding)| Ok((gate.parse::<GateName>()?, binding.binding()?)))
        .collect::<Result<_, DocumentError>>()?;
    let required =
        document.required.into_iter().map(|(gate, required)| Ok((gate.parse::<GateName>()?, required.into())));
    let required = required.collect::<Result<_, DocumentError>>()?;
    Ok(Bindings { reducer: document.reducer.binding()?, gates, required })
}

#[derive(Serialize, Deserialize)]
struct ArtifactRefDocument {
    id: String,
    kind: String,
    name: String,
    digest: String,
}

/// What a work item or a run remembers of its artifacts.
pub(super) fn write_artifact_refs(artifacts: &[ArtifactRef]) -> String {
    let documents: Vec<_> = artifacts
        .iter()
        .map(|artifact| ArtifactRefDocument {
            id: artifact.id.as_str().to_owned(),
            kind: artifact.kind.clone(),
            name: artifact.name.clone(),
            digest: artifact.digest.as_str().to_owned(),
        })
        .collect();
    write(&documents)
}

/// Reads what [`write_artifact_refs`] wrote.
pub(super) fn read_artifact_refs(text: &str) -> Result<Vec<ArtifactRef>, DocumentError> {
    let documents: Vec<ArtifactRefDocument> = serde_json::from_str(text)?;
    documents
        .into_iter()
        .map(|document| {
            Ok(ArtifactRef {
                id: ArtifactId::new(document.id),
                kind: document.kind,
                name: document.name,
                digest: digest(&document.digest)?,
            })
        })
        .collect()
}

#[derive(Serialize, Deserialize)]
struct GateStateDocument {
    gate: String,
    status: String,
    evaluation_id: String,
    verdict_id: Option<String>,
    artifact_set: String,
    evaluations: u32,
}

/// How a work item's gates stand.
pub(super) fn write_gates(gates: &[(GateName, GateState)]) -> String {
    let documents: Vec<_> = gates
        .iter()
        .map(|(gate, state)| GateStateDocument {
            gate: gate.as_str().to_owned(),
            status: state.status.as_str().to_owned(),
            evaluation_id: state.evaluation_id.as_str().to_owned(),
            verdict_id: state.verdict_id.as_ref().map(|id| id.as_str().to_owned()),
            artifact_set: state.artifact_set.as_str().to_owned(),
            evaluations: state.evaluations,
        })
        .collect();
    write(&documents)
}

/// Reads what [`write_gates`] wrote.
pub(super) fn read_gates(text: &str) -> Result<Vec<(GateName, GateState)>, DocumentError> {
    let documents: Vec<GateStateDocument> = serde_json::from_str(text)?;
    documents
        .into_iter()
        .map(|document| {
            let state = GateState {
                status: document.status.parse()?,
                evaluation_id: EvaluationId::new(document.evaluation_id),
                verdict_id: document.verdict_id.map(VerdictId::new),
                artifact_set: digest(&document.artifact_set)?,
                evaluations: document.evaluations,
            };
            Ok((document.gate.parse()?, state))
        })
        .collect()
}

#[derive(Serialize, Deserialize)]
struct FindingDocument {
    rule: String,
    severity: String,
    message: String,
    path: Option<String>,
    line: Option<u32>,
    /// JSON as text.
    data: String,
}

/// A verdict's findings.
pub(super) fn write_findings(findings: &[Finding]) -> String {
    let documents: Vec<_> = findings
        .iter()
        .map(|finding| FindingDocument {
            rule: finding.rule.clone(),
            severity: finding.severity.as_str().to_owned(),
            message: finding.message.clone(),
            path: finding.path.clone(),
            line: finding.line,
            data: finding.data.as_str().to_owned(),
        })
        .collect();
    write(&documents)
}

/// Reads what [`write_findings`] wrote.
pub(super) fn read_findings(text: &str) -> Result<Vec<Finding>, DocumentError> {
    let documents: Vec<FindingDocument> = serde_json::from_str(text)?;
    documents
        .into_iter()
        .map(|document| {
            Ok(Finding {
                rule: document.rule,
                severity: document.severity.parse()?,
                message: document.message,
                path: document.path,
                line: document.line,
                data: Json::from_valid(document.data),
            })
        })
        .collect()
}

#[derive(Serialize, Deserialize)]
struct PolicySourceDocument {
    policies: BTreeMap<String, String>,
    links: Vec<LinkDocument>,
}

#[derive(Serialize, Deserialize)]
struct LinkDocument {
    id: String,
    template: String,
    principal: Option<String>,
    resource: Option<String>,
}

/// A workspace's policies.
pub(super) fn write_policy_source(source: &PolicySource) -> String {
    let links = source.links.iter().cloned();
    let links =
        links.map(|Link { id, template, principal, resource }| LinkDocument { id, template, principal, resource });
    write(&PolicySourceDocument { policies: source.policies.clone(), links: links.collect() })
}

/// Reads what [`write_policy_source`] wrote.
pub(super) fn read_policy_source(text: &str) -> Result<PolicySource, DocumentError> {
    let PolicySourceDocument { policies, links } = serde_json::from_str(text)?;
    let link = |LinkDocument { id, template, principal, resource }| Link { id, template, principal, resource };
    Ok(PolicySource { policies, links: links.into_iter().map(link).collect() })
}
