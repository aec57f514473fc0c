//! Carries deliveries out: takes what is due, has it posted, and writes down what came of it.
//!
//! Whoever writes the next revision of a delivery has the attempt, on whatever host; an attempt that nobody reports
//! on is made again after [`CLAIM_MS`]. So a delivery reaches its receiver at least once, with the same id each time.

use crate::domain::artifact::Digest;
use crate::domain::event_type::EventType;
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;
use crate::domain::webhook::{
    ATTEMPTS_MAX, Answered, CLAIM_MS, Delivery, DeliveryStatus, WebhookEndpoint, pause_after,
};
use crate::engine::ports::{Letter, Postman, Sent};
use crate::engine::told::LogWriter;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Unit, Write};

/// Who tells of deliveries.
const ACTOR: &str = "system.webhooks";

/// What an attempt came to.
enum Outcome {
    Delivered(u16),
    Later { status: Option<u16>, error: String, retry_after_ms: Option<u64> },
    Never { status: Option<u16>, error: String },
}

impl Engine {
    /// Whoever knows the network; none on a host that delivers nothing.
    pub(super) fn postman(&self) -> Option<&dyn Postman> {
        self.parts.options.postman.as_ref().map(|postman| &*postman.0)
    }

    /// Whether this host delivers anything.
    pub fn delivers(&self) -> bool {
        self.postman().is_some()
    }

    /// Takes deliveries that are due, at most `most`, but for those to the endpoints `but`. What another host takes
    /// first is not among them.
    ///
    /// # Errors
    /// Storage; what was taken until then is attempted after [`CLAIM_MS`].
    pub async fn take_deliveries(
        &self,
        but: &[(WorkspaceId, String)],
        most: u32,
    ) -> Result<Vec<Delivery>, EngineError> {
        let due = self.parts.store.due_deliveries(self.now(), but, most).await?;
        let mut taken = Vec::with_capacity(due.len());
        for mut delivery in due {
            let guards = vec![Guard::delivery(&delivery.id, Some(delivery.revision))];
            delivery.revision += 1;
            delivery.attempts = delivery.attempts.saturating_add(1);
            delivery.next_attempt_at = Some(self.now().plus_millis(CLAIM_MS));
            let writes = vec![Write::Delivery(Box::new(delivery.clone()))];
            match self.parts.store.commit(Unit { guards, writes, ..Unit::default() }).await {
                Ok(_) => taken.push(delivery),
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Ok(taken)
    }

    /// Attempts a delivery that was taken, and writes down what came of it.
    ///
    /// # Errors
    /// Storage; it is attempted again after [`CLAIM_MS`].
    ///
    /// *Cancellation*: as a crash, which leaves it to be attempted again.
    pub async fn deliver(&self, delivery: Delivery) -> Result<(), EngineError> {
        let found = self.parts.store.webhook(&delivery.workspace_id, &delivery.endpoint).await?;
        let outcome = match open(found.as_ref(), &delivery) {
            Ok(endpoint) => self.attempt(&delivery, endpoint).await?,
            Err(error) => Outcome::Never { status: None, error },
        };
        self.settle_delivery(delivery, outcome).await
    }

    async fn attempt(&self, delivery: &Delivery, endpoint: &WebhookEndpoint) -> Result<Outcome, EngineError> {
        let Some(postman) = self.postman() else {
            let error = "the host that took it delivers no webhooks".to_owned();
            return Ok(Outcome::Later { status: None, error, retry_after_ms: None });
        };
        let body = self.parts.store.delivery_body(&delivery.id).await?;
        // What was allowed is what is sent: hashed again, as whoever relies on a yes does.
        let is_intact = |body: &Json| Digest::of(body.as_str().as_bytes()) == delivery.body_digest;
        let Some(body) = body.filter(is_intact) else {
            let error = "what is stored is not what was allowed".to_owned();
            return Ok(Outcome::Never { status: None, error });
        };
        let letter = Letter {
            id: delivery.id.as_str(),
            url: &endpoint.url,
            secret: &endpoint.secret,
            body: body.as_str(),
            at: self.now(),
        };
        Ok(outcome_of(postman.post(letter).await))
    }

    async fn settle_delivery(&self, mut delivery: Delivery, outcome: Outcome) -> Result<(), EngineError> {
        let now = self.now();
        let guards = vec![Guard::delivery(&delivery.id, Some(delivery.revision))];
        delivery.revision += 1;
        let mut next_ms = None;
        (delivery.status, delivery.last_status, delivery.last_error) = match outcome {
            Outcome::Delivered(status) => (DeliveryStatus::Delivered, Some(status), None),
            Outcome::Never { status, error } => (DeliveryStatus::Failed, status, Some(error)),
            Outcome::Later { status, error, retry_after_ms } => {
                next_ms = pause_after(delivery.attempts, retry_after_ms, chance());
                if next_ms.is_some() {
                    (DeliveryStatus::Pending, status, Some(error))
                } else {
                    let error = format!("{error}; that was the last of {ATTEMPTS_MAX} attempts");
                    (DeliveryStatus::Failed, status, Some(error))
                }
            }
        };
        delivery.next_attempt_at = next_ms.map(|ms| now.plus_millis(ms));
        delivery.ended_at = next_ms.is_none().then_some(now);
        let event = match delivery.status {
            DeliveryStatus::Pending => None,
            DeliveryStatus::Delivered => Some(EventType::ActionDelivered),
            DeliveryStatus::Failed => Some(EventType::ActionFailed),
        };
        let (workspace, mission) = (&delivery.workspace_id, &delivery.mission_id);
        let mut log = LogWriter::of_mission(self, workspace, mission, ACTOR, now);
        if let Some(event) = event {
            let run = self.parts.store.run(&delivery.run_id).await?;
            log.delivery_over(event, &delivery, run.as_ref());
        }
        let events = log.into_events();
        let unit = Unit { guards, writes: vec![Write::Delivery(Box::new(delivery))], events, ..Unit::default() };
        match self.parts.store.commit(unit).await {
            // Another host took the attempt over, because this one was too slow: what came of that counts.
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}

/// The endpoint, when what was allowed is still what there is.
fn open<'e>(found: Option<&'e WebhookEndpoint>, delivery: &Delivery) -> Result<&'e WebhookEndpoint, String> {
    let name = &delivery.endpoint;
    match found {
        Some(endpoint) if !endpoint.is_there() => Err(format!("the webhook `{name}` was deleted")),
        Some(endpoint) if !endpoint.is_enabled => Err(format!("the webhook `{name}` was disabled")),
        Some(endpoint) if endpoint.address_revision != delivery.address_revision => {
            Err(format!("the webhook `{name}` has another address than when this was allowed"))
        }
        Some(endpoint) => Ok(endpoint),
        None => Err(format!("there is no webhook `{name}`")),
    }
}

fn outcome_of(sent: Sent) -> Outcome {
    match sent {
        Sent::Refused(error) => Outcome::Never { status: None, error },
        Sent::Unanswered(error) => Outcome::Later { status: None, error, retry_after_ms: None },
        Sent::Answered { status, retry_after_ms } => match Answered::of(status) {
            Answered::Taken => Outcome::Delivered(status),
            Answered::Later => {
                Outcome::Later { status: Some(status), error: format!("it answered {status}"), retry_after_ms }
            }
            Answered::Never => {
                let error = format!("it answered {status}, which is not tried again");
                Outcome::Never { status: Some(status), error }
            }
        },
    }
}

/// A random number; 0 on a machine without randomness, where pauses are not spread.
fn chance() -> u64 {
    getrandom::u64().unwrap_or(0)
}
