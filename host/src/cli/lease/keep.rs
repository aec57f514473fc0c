//! Keeps a lease for as long as that is possible, and says when it no longer is.
//!
//! What counts is this process's own time since it asked: a holder that was paused finds its lease
//! lost when it comes back, whether or not somebody tells it.

use std::time::Duration;

use tokio::time::Instant;

use sluice_api::lease::NamedLeaseView;

use crate::client::{Client, ClientError};

/// Longest time between asking a command to end and killing it.
const GRACE_MAX: Duration = Duration::from_secs(2);
/// Renewals in the time one lease lasts.
const RENEWALS: u32 = 3;
/// Tries of a renewal in the time one lease lasts, when nobody answers.
const TRIES: u32 = 12;

/// A lease that is kept.
pub(super) struct Keeper {
    client: Client,
    id: String,
    ttl: Duration,
    /// Until when it is surely held: its end, less the time it takes to stop.
    until: Instant,
}

impl Keeper {
    /// Keeps a lease that was asked for at `asked` or later. One that took long to come is renewed at once.
    ///
    /// # Errors
    /// Why the lease is not surely held.
    pub(super) async fn begin(client: &Client, lease: &NamedLeaseView, asked: Instant) -> Result<Self, ClientError> {
        let ttl = Duration::from_millis(lease.ttl_ms);
        let mut since = asked;
        if asked.elapsed() > ttl / RENEWALS {
            since = Instant::now();
            client.renew_lease(&lease.lease_id).await?;
        }
        // Whoever is to know in time is not to wait for a server that is away.
        let client = client.with_patience(Duration::ZERO);
        Ok(Self { client, id: lease.lease_id.clone(), ttl, until: since + ttl - grace(ttl) })
    }

    /// Renews the lease, and returns why that is no longer possible.
    pub(super) async fn until_lost(mut self) -> String {
        let mut pause = self.ttl / RENEWALS;
        let mut failure: Option<String> = None;
        loop {
            tokio::time::sleep_until(self.until.min(Instant::now() + pause)).await;
            let asked = Instant::now();
            if asked >= self.until {
                let why = failure.map(|failure| format!(": {failure}")).unwrap_or_default();
                return format!("it was not renewed in time{why}");
            }
            let time_out = self.until.min(asked + self.ttl / RENEWALS);
            match tokio::time::timeout_at(time_out, self.client.renew_lease(&self.id)).await {
                Ok(Ok(_)) => {
                    self.until = asked + self.ttl - grace(self.ttl);
                    pause = self.ttl / RENEWALS;
                    failure = None;
                }
                Ok(Err(error)) if !error.is_passing() => return error.to_string(),
                unanswered => {
                    let why = unanswered.map_or_else(
                        |_| "the server did not answer in time".to_owned(),
                        |answer| answer.err().map(|error| error.to_string()).unwrap_or_default(),
                    );
                    tracing::debug!(why, "a lease was not renewed; trying again");
                    failure = Some(why);
                    pause = self.ttl / TRIES;
                }
            }
        }
    }
}

/// Time between asking a command to end and killing it: so much before its lease ends that it is gone
/// by then.
pub(super) fn grace(ttl: Duration) -> Duration {
    (ttl / 6).min(GRACE_MAX)
}
