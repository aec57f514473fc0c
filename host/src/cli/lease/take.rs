//! `sluice lease acquire`, `renew` and `release`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use sluice_api::lease::{LeaseRequest, NamedLeaseView};
use sluice_api::problem::Problem;

use crate::cli::connect::{Access, Common, Connection};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::span;
use crate::client::{Client, ClientError};

/// First pause before a lease that somebody has is asked for again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Which lease, and how long to wait for it.
#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// The name: 1 to 256 bytes
    name: String,
    /// Who holds it, as others see it
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// A shared resource that is to show who holds it
    #[arg(long, value_name = "KEY")]
    claim: Option<String>,
    /// Wait this long for whoever has it, 30s or 5m (default: not at all)
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    wait: Option<Duration>,
}

/// Take a lease; its id alone goes to standard output
#[derive(Debug, Args)]
pub(in crate::cli) struct AcquireArgs {
    #[command(flatten)]
    wanted: Wanted,
    /// How long it lasts from each renewal, 30s or 5m: a second to a day
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    ttl: Duration,
    #[command(flatten)]
    pub(super) common: Common,
}

/// A lease that was taken.
pub(super) struct Taken {
    pub(super) lease: NamedLeaseView,
    /// When it was asked for; its time began no earlier.
    pub(super) asked: Instant,
}

/// How asking for a lease once ended.
enum Asked {
    Got(Taken),
    /// Somebody has it, and there is time to ask again after this pause.
    Held(Duration),
}

/// Asks for a lease until it is there or the time is over.
pub(super) struct Asking {
    request: LeaseRequest,
    until: Instant,
    pause: Duration,
    has_told: bool,
}

impl Asking {
    /// Nothing is sent yet.
    pub(super) fn new(wanted: Wanted, ttl: Duration, default_owner: Option<String>) -> Self {
        let owner = wanted.owner.or(default_owner);
        let request = LeaseRequest { name: wanted.name, ttl_ms: span::millis(ttl), owner, claim_key: wanted.claim };
        let now = Instant::now();
        // A wait too long for the clock is no shorter for that.
        let until = wanted.wait.map_or(Some(now), |wait| now.checked_add(wait));
        Self { request, until: until.unwrap_or(now + Duration::from_hours(24 * 365)), pause: PAUSE, has_told: false }
    }

    /// Asks until the lease is held.
    pub(super) async fn until_held(mut self, client: &Client) -> Result<Taken, Failure> {
        loop {
            match self.ask(client).await? {
                Asked::Got(taken) => return Ok(taken),
                Asked::Held(pause) => tokio::time::sleep(pause).await,
            }
        }
    }

    async fn ask(&mut self, client: &Client) -> Result<Asked, Failure> {
        let asked = Instant::now();
        let error = match client.acquire_lease(&self.request).await {
            Ok(lease) => return Ok(Asked::Got(Taken { lease, asked })),
            Err(error) => error,
        };
        let holder = match &error {
            ClientError::Problem(problem) if problem.code == "LEASE_HELD" => Some(holder(&self.request.name, problem)),
            _ => None,
        };
        let left = self.until.saturating_duration_since(Instant::now());
        match holder {
            None => Err(error.into()),
            Some(holder) if left.is_zero() => Err(Failure::from(error).in_words(format!("{holder} (LEASE_HELD)"))),
            Some(holder) => {
                if !std::mem::replace(&mut self.has_told, true) {
                    eprintln!("{holder}; waiting");
                }
                let pause = self.pause.min(left);
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                Ok(Asked::Held(pause))
            }
        }
    }
}

fn holder(name: &str, problem: &Problem) -> String {
    let owner = problem.more.get("holder").and_then(|holder| holder.as_str()).unwrap_or("somebody else");
    let end = problem.more.get("expires_at_ms").and_then(serde_json::Value::as_u64);
    let end = end.map(|end| format!("; unless it is renewed it ends {}", span::until(end, span::now())));
    format!("the lease `{}` is held by {}{}", visible(name), visible(owner), end.unwrap_or_default())
}

pub(super) async fn acquire(args: AcquireArgs) -> Result<ExitCode, Failure> {
    let common = args.common;
    let asking = Asking::new(args.wanted, args.ttl, None);
    let connection = common.connect(Access::Write).await?;
    let lease = tokio::select! {
        taken = until_held(asking, connection, &common) => taken?.lease,
        () = crate::cli::interrupted() => return Ok(Exit::Interrupted.into()),
    };
    if common.json {
        output::json(&lease)?;
    } else {
        eprintln!(
            "{} is held by {} for {} (fencing token {})",
            visible(&lease.name),
            visible(&lease.owner),
            span::show(lease.ttl_ms),
            lease.fencing_token
        );
        output::print(&lease.lease_id)?;
    }
    Ok(Exit::Succeeded.into())
}

/// Without a server the directory is let go while somebody else has the lease: they need it to give
/// the lease back.
async fn until_held(mut asking: Asking, mut connection: Connection, common: &Common) -> Result<Taken, Failure> {
    if connection.embedded.is_none() {
        return asking.until_held(&connection.client).await;
    }
    loop {
        match asking.ask(&connection.client).await? {
            Asked::Got(taken) => return Ok(taken),
            Asked::Held(pause) => {
                drop(connection);
                tokio::time::sleep(pause).await;
                connection = common.connect(Access::Write).await?;
            }
        }
    }
}

pub(super) async fn renew(id: &str, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Write).await?;
    let lease = connection.client.renew_lease(id).await?;
    if common.json {
        output::json(&lease)?;
    } else {
        output::print(&format!("{} is held for another {}", visible(&lease.name), span::show(lease.ttl_ms)))?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn release(id: &str, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Write).await?;
    let lease = connection.client.release_lease(id).await?;
    if common.json {
        output::json(&lease)?;
    } else {
        output::print(&format!("{} is given back", visible(&lease.name)))?;
    }
    Ok(Exit::Succeeded.into())
}
