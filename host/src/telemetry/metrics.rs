//! Metrics: what is counted, and the text that Prometheus scrapes.
//!
//! Every label has a bounded number of values: routes are templates, methods and outcomes are known
//! words, and no label ever holds an id, a principal or a path as it was asked for.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the histogram of durations, in seconds: from an answer out of memory to a long poll.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0];

/// How a gate's evaluation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GateOutcome {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// A person has to look.
    NeedsHuman,
    /// The gate itself failed.
    Error,
}

/// What waits to be picked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Runs that wait for a worker.
    Runs,
    /// Inputs that missions have not been told.
    Inbox,
    /// Requests for verdicts.
    Evaluations,
    /// Questions that wait for people.
    Approvals,
    /// What is to be delivered to webhooks.
    Deliveries,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabel {
    queue: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabel {
    action: &'static str,
}

#[derive(Debug, Clone, Copy, Default)]
struct Durations;

impl MetricConstructor<Histogram> for Durations {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// Everything that is counted. Counting takes no lock that a scrape holds for long, and cannot fail.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, Durations>,
    connections: Gauge,
    turned_away: Counter,
    streams: Gauge,
    delivered: Counter,
    claims: Counter,
    interruptions: Counter,
    evaluations: Family<OutcomeLabel, Counter>,
    queues: Family<QueueLabel, Gauge>,
    log_head: Gauge,
    denied: Family<ActionLabel, Counter>,
    embeddings: Family<OutcomeLabel, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sluice");
        let durations = Family::new_with_constructor(Durations);
        registry.register_with_unit(
            "http_request_duration",
            "From a request's head to its answer's head",
            Unit::Seconds,
            durations.clone(),
        );
        Self {
            requests: registered(&mut registry, "http_requests", "Requests answered"),
            durations,
            connections: registered(&mut registry, "http_connections_open", "Connections open now"),
            turned_away: registered(
                &mut registry,
                "http_connections_turned_away",
                "Connections for which there was no room",
            ),
            streams: registered(&mut registry, "streams_open", "Event streams open now"),
            delivered: registered(&mut registry, "stream_events_delivered", "Events written to streams"),
            claims: registered(
                &mut registry,
                "runs_claimed",
                "Runs given to workers, by any host of this database since this one started",
            ),
            interruptions: registered(
                &mut registry,
                "runs_interrupted",
                "Runs that lost their worker, by any host of this database since this one started",
            ),
            evaluations: registered(
                &mut registry,
                "gate_evaluations",
                "Verdicts of gates, by any host of this database since this one started",
            ),
            queues: registered(&mut registry, "queue_depth", "What waits to be picked up"),
            log_head: registered(&mut registry, "log_head", "Newest event of the log that this host has read"),
            denied: registered(&mut registry, "denied", "Requests that policy refused"),
            embeddings: registered(
                &mut registry,
                "memory_embeddings",
                "Vectors that the configured model was to make for what was put or asked",
            ),
            registry,
        }
    }
}

fn registered<M>(registry: &mut Registry, name: &str, help: &str) -> M
where
    M: prometheus_client::registry::Metric + Clone + Default,
{
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// The content type of [`Self::render`].
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// A request was answered. `route` is the template (`/mission/{id}`) or `None` when there is none
    /// for it; `took` is the time to the answer's head.
    pub fn request(&self, route: Option<&str>, method: &str, status: u16, took: Duration) {
        let route = route.unwrap_or("none");
        let method = known_method(method);
        let labels = RequestLabels { route: route.to_owned(), method, status: class(status) };
        self.requests.get_or_create(&labels).inc();
        let labels = RouteLabels { route: labels.route, method };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A connection was opened; it is open until what this returns is dropped.
    pub fn connection_opened(self: &Arc<Self>) -> ConnectionOpen {
        self.connections.inc();
        ConnectionOpen(Arc::clone(self))
    }

    /// A connection found no room.
    pub fn connection_turned_away(&self) {
        self.turned_away.inc();
    }

    /// A stream was opened; it is open until what this returns is dropped.
    pub fn stream_opened(self: &Arc<Self>) -> StreamOpen {
        self.streams.inc();
        StreamOpen(Arc::clone(self))
    }

    /// Events were written to a stream.
    pub fn events_delivered(&self, count: u64) {
        self.delivered.inc_by(count);
    }

    /// A run was given to a worker.
    pub fn run_claimed(&self) {
        self.claims.inc();
    }

    /// A run lost its worker.
    pub fn run_interrupted(&self) {
        self.interruptions.inc();
    }

    /// A vector was made, or could not be.
    pub fn embedding(&self, is_made: bool) {
        let outcome = if is_made { "made" } else { "failed" };
        self.embeddings.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// A gate gave a verdict.
    pub fn gate_evaluated(&self, outcome: GateOutcome) {
        let outcome = match outcome {
            GateOutcome::Pass => "pass",
            GateOutcome::Fail => "fail",
            GateOutcome::NeedsHuman => "needs_human",
            GateOutcome::Error => "error",
        };
        self.evaluations.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// So many wait now.
    pub fn queue_depth(&self, queue: Queue, depth: u64) {
        let queue = match queue {
            Queue::Runs => "runs",
            Queue::Inbox => "inbox",
            Queue::Evaluations => "evaluations",
            Queue::Approvals => "approvals",
            Queue::Deliveries => "deliveries",
        };
        self.queues.get_or_create(&QueueLabel { queue }).set(i64::try_from(depth).unwrap_or(i64::MAX));
    }

    /// The log was read up to this event.
    pub fn log_read(&self, seq: u64) {
        self.log_head.set(i64::try_from(seq).unwrap_or(i64::MAX));
    }

    /// Policy refused an action, by its name in the table of actions.
    pub fn denied(&self, action: &'static str) {
        self.denied.get_or_create(&ActionLabel { action }).inc();
    }

    /// Everything, in the text format that [`Self::CONTENT_TYPE`] names.
    pub fn render(&self) -> String {
        let mut rendered = String::new();
        if let Err(error) = text::encode(&mut rendered, &self.registry) {
            tracing::error!(%error, "failed to write the metrics");
        }
        rendered
    }
}

/// A connection that counts as open.
#[derive(Debug)]
pub struct ConnectionOpen(Arc<Metrics>);

impl Drop for ConnectionOpen {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

/// A stream that counts as open.
#[derive(Debug)]
pub struct StreamOpen(Arc<Metrics>);

impl Drop for StreamOpen {
    fn drop(&mut self) {
        self.0.streams.dec();
    }
}

/// A method may be any word a client makes up; only these become labels.
fn known_method(method: &str) -> &'static str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    known.into_iter().find(|known| *known == method).unwrap_or("other")
}

fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let metrics = Arc::new(Metrics::default());
        metrics.request(Some("/mission/{id}"), "GET", 200, Duration::from_millis(3));
        metrics.request(None, "BREW", 404, Duration::from_millis(3));
        let stream = metrics.stream_opened();
        metrics.queue_depth(Queue::Runs, 7);
        metrics.gate_evaluated(GateOutcome::NeedsHuman);
        metrics.denied("token.create");
        let told = metrics.render();
        for line in [
            r#"sluice_http_requests_total{route="/mission/{id}",method="GET",status="2xx"} 1"#,
            r#"sluice_http_requests_total{route="none",method="other",status="4xx"} 1"#,
            r#"sluice_http_request_duration_seconds_bucket{le="0.005",route="/mission/{id}",method="GET"} 1"#,
            r#"sluice_http_request_duration_seconds_bucket{le="0.0025",route="/mission/{id}",method="GET"} 0"#,
            r#"sluice_queue_depth{queue="runs"} 7"#,
            r#"sluice_gate_evaluations_total{outcome="needs_human"} 1"#,
            r#"sluice_denied_total{action="token.create"} 1"#,
            "sluice_streams_open 1",
        ] {
            assert!(told.lines().any(|told| told == line), "{line} is not in\n{told}");
        }
        drop(stream);
        assert!(metrics.render().contains("sluice_streams_open 0\n"));
        assert!(told.ends_with("# EOF\n"));
    }
}
