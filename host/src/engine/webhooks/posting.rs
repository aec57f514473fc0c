//! A run's wish to post to an endpoint: understood, bound to the address as it is now, and written down.

use serde_json::{Map, Value, json};

use crate::domain::approval::Approval;
use crate::domain::artifact::Digest;
use crate::domain::id::{DeliveryId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::run::Run;
use crate::domain::webhook::{ACTION, CONNECTOR, Delivery, DeliveryStatus, PENDING_OF_RUN_MAX, WebhookEndpoint};
use crate::engine::actions::{ActionAsk, requester};
use crate::engine::{Engine, EngineError};
use crate::store::DeliveryFilter;
use crate::wire::{self, FieldError};

/// What of a run's wish is the host's to carry out.
pub(in crate::engine) struct Posting {
    endpoint: WebhookEndpoint,
    body: Value,
}

impl Posting {
    /// Checks an ask of this connector; others are none of the host's business.
    ///
    /// # Errors
    /// The member that is not as it should be.
    pub(in crate::engine) fn check(ask: &ActionAsk) -> Result<(), FieldError> {
        if ask.connector == CONNECTOR { said(ask).map(drop) } else { Ok(()) }
    }

    /// What people are asked about beside the arguments: where it goes, and which revision of that.
    pub(in crate::engine) fn target(&self) -> Value {
        json!({
            "name": self.endpoint.name,
            "origin": self.endpoint.origin,
            "address_revision": self.endpoint.address_revision,
        })
    }

    /// The delivery, to be attempted at once, and what it posts.
    pub(in crate::engine) fn delivery(&self, engine: &Engine, run: &Run, yes: Option<&Approval>) -> (Delivery, Json) {
        let now = engine.now();
        let body = wire::canonical_json(&self.body);
        let delivery = Delivery {
            workspace_id: run.workspace_id.clone(),
            id: DeliveryId::new(engine.new_id(DeliveryId::PREFIX)),
            run_id: run.id.clone(),
            mission_id: run.mission_id.clone(),
            work_item_id: run.work_item_id.clone(),
            endpoint: self.endpoint.name.clone(),
            address_revision: self.endpoint.address_revision,
            body_digest: Digest::of(body.as_str().as_bytes()),
            body_bytes: body.as_str().len() as u64,
            requested_by: requester(run),
            approval_id: yes.map(|approval| approval.id.clone()),
            status: DeliveryStatus::Pending,
            attempts: 0,
            last_status: None,
            last_error: None,
            created_at: now,
            next_attempt_at: Some(now),
            ended_at: None,
            revision: 1,
        };
        (delivery, body)
    }
}

/// The endpoint and the body that an ask names.
fn said(ask: &ActionAsk) -> Result<(&str, &Map<String, Value>), FieldError> {
    if ask.action != ACTION {
        return Err(FieldError::new("action", format!("the connector `{CONNECTOR}` has `{ACTION}` alone")));
    }
    if let Some(other) = ask.args.keys().find(|name| !matches!(name.as_str(), "endpoint" | "body")) {
        let message = format!("has `{other}`, which it does not know; it takes `endpoint` and `body`");
        return Err(FieldError::new("args", message));
    }
    let endpoint = ask.args.get("endpoint").and_then(Value::as_str);
    let endpoint =
        endpoint.ok_or_else(|| FieldError::new("args.endpoint", "is the name of one of the workspace's endpoints"))?;
    let body = ask.args.get("body").and_then(Value::as_object);
    let body = body.ok_or_else(|| FieldError::new("args.body", "is the JSON object to be posted"))?;
    Ok((endpoint, body))
}

impl Engine {
    /// What an ask that policy did not deny has the host do: nothing for other connectors, and for this one what is
    /// needed to do it.
    ///
    /// # Errors
    /// Storage. The inner one is why it cannot be done.
    pub(in crate::engine) async fn posting_of(
        &self,
        run: &Run,
        ask: &ActionAsk,
    ) -> Result<Result<Option<Posting>, String>, EngineError> {
        if ask.connector != CONNECTOR {
            return Ok(Ok(None));
        }
        let (name, body) = said(ask)?;
        let Some(endpoint) = self.open_endpoint(&run.workspace_id, name).await? else {
            let shown = wire::visible(name);
            return Ok(Err(format!("the workspace has no webhook `{shown}` that is enabled; operators set them")));
        };
        let filter = DeliveryFilter {
            workspace: &run.workspace_id,
            run: Some(&run.id),
            endpoint: None,
            status: Some(DeliveryStatus::Pending),
        };
        let pending = self.parts.store.deliveries(filter, None, PENDING_OF_RUN_MAX).await?;
        if pending.len() >= PENDING_OF_RUN_MAX as usize {
            return Ok(Err(format!(
                "{PENDING_OF_RUN_MAX} deliveries of this run are pending already; ask again later"
            )));
        }
        Ok(Ok(Some(Posting { endpoint, body: Value::Object(body.clone()) })))
    }

    async fn open_endpoint(
        &self,
        workspace_id: &WorkspaceId,
        name: &str,
    ) -> Result<Option<WebhookEndpoint>, EngineError> {
        // A text with U+0000 is no name, and no question for a database.
        if !crate::domain::webhook::is_name(name) {
            return Ok(None);
        }
        let found = self.parts.store.webhook(workspace_id, name).await?;
        Ok(found.filter(|endpoint| endpoint.is_there() && endpoint.is_enabled))
    }
}
