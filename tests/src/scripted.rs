//! Plugins that answer as a case tells them to, in place of components, and a clock that stands
//! still until it is moved.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sluice::clock::Clock;
use sluice::domain::artifact::Digest;
use sluice::domain::board::Board;
use sluice::domain::command::Command;
use sluice::domain::gate::{Finding, Outcome};
use sluice::domain::json::Json;
use sluice::domain::mission::Bindings;
use sluice::domain::plugin::{Binding, PluginFacts, PluginFailure, PluginKind};
use sluice::domain::time::Timestamp;
use sluice::engine::ports::{
    ArtifactSource, BindRefusal, CallFailure, CallReport, GateCall, Judgement, PluginRefusal, Plugins, ReducerCall,
    Reduction, ScrubReport,
};

use crate::plugins::NOW;

/// A clock that a case moves.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicU64::new(NOW.as_millis()))
    }
}

impl TestClock {
    /// Lets `ms` milliseconds pass.
    pub fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets it back, as somebody may set a machine's.
    pub fn set_back(&self, ms: u64) {
        self.0.fetch_sub(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst).saturating_sub(NOW.as_millis()))
    }
}

/// What a reducer makes of one call.
pub type Decision = Result<Vec<Command>, PluginFailure>;
/// A gate's outcome and findings.
pub type Opinion = Result<(Outcome, Vec<Finding>), PluginFailure>;

type Attend = dyn Fn(&GateCall, &dyn ArtifactSource) -> Result<(), String> + Send + Sync;
type Decide = dyn Fn(&Binding, &Board, &ReducerCall) -> Decision + Send + Sync;

/// Plugins that answer as they are told.
pub struct Scripted {
    decide: Mutex<Arc<Decide>>,
    decisions: Mutex<VecDeque<Decision>>,
    opinions: Mutex<VecDeque<Opinion>>,
    attend: Mutex<Arc<Attend>>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            decide: Mutex::new(Arc::new(|_, _, _| Ok(Vec::new()))),
            decisions: Mutex::default(),
            opinions: Mutex::default(),
            attend: Mutex::new(Arc::new(|_, _| Ok(()))),
        }
    }
}

impl Scripted {
    /// The next call of a reducer answers this, before [`Self::decide_with`] is asked again.
    pub fn decide_next(&self, decision: Decision) {
        lock(&self.decisions).push_back(decision);
    }

    /// What reducers answer from now on; nothing, unless a case says so.
    pub fn decide_with(&self, decide: impl Fn(&Binding, &Board, &ReducerCall) -> Decision + Send + Sync + 'static) {
        *lock(&self.decide) = Arc::new(decide);
    }

    /// The next call of a gate answers this; `Pass` when nothing is left to answer.
    pub fn judge_next(&self, opinion: Opinion) {
        lock(&self.opinions).push_back(opinion);
    }

    /// What gates do before they answer; what fails there is the host's fault. Nothing, unless a case says so.
    pub fn attend_with(
        &self,
        attend: impl Fn(&GateCall, &dyn ArtifactSource) -> Result<(), String> + Send + Sync + 'static,
    ) {
        *lock(&self.attend) = Arc::new(attend);
    }

    /// Forgets the answers that were never asked for.
    pub fn forget(&self) {
        lock(&self.decisions).clear();
        lock(&self.opinions).clear();
    }

    /// Answers that were never asked for.
    pub fn left_over(&self) -> usize {
        lock(&self.decisions).len() + lock(&self.opinions).len()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn report() -> CallReport {
    CallReport { fuel: 1, ..CallReport::default() }
}

fn not_here() -> PluginRefusal {
    let message = "nothing is installed here".to_owned();
    PluginRefusal { stage: "load".to_owned(), message, is_host_fault: true }
}

impl Plugins for Scripted {
    fn is_installed(&self, _: &Digest) -> bool {
        true
    }

    fn install(&self, _: Vec<u8>) -> Result<(), String> {
        Err("nothing is installed here".to_owned())
    }

    fn read(&self, _: &[u8]) -> Result<PluginFacts, PluginRefusal> {
        Err(not_here())
    }

    fn first_call(&self, _: Vec<u8>) -> Result<Json, PluginRefusal> {
        Err(not_here())
    }

    fn hold(&self, _: Vec<u8>) -> Result<(), PluginRefusal> {
        Err(not_here())
    }

    fn let_go(&self, _: &Digest) {}

    fn built_in(&self) -> Vec<PluginFacts> {
        Vec::new()
    }

    fn bind_pinned(&self, _: &Digest, _: PluginKind, _: &Json) -> Result<Binding, BindRefusal> {
        Err(BindRefusal::HostFault("nothing is bound here".to_owned()))
    }

    fn component(&self, _: &Digest) -> Option<Vec<u8>> {
        None
    }

    fn standard_bindings(&self) -> Result<Bindings, String> {
        Ok(Bindings { reducer: crate::engine::binding("reducer"), gates: Vec::new(), required: Vec::new() })
    }

    fn reduce(&self, binding: &Binding, board: Arc<Board>, call: ReducerCall) -> Result<Reduction, CallFailure> {
        let next = lock(&self.decisions).pop_front();
        let decision = next.unwrap_or_else(|| {
            let decide = Arc::clone(&lock(&self.decide));
            decide(binding, &board, &call)
        });
        match decision {
            Ok(commands) => Ok(Reduction { commands, report: report() }),
            Err(failure) => Err(CallFailure { failure, report: report() }),
        }
    }

    fn evaluate(
        &self,
        _: &Binding,
        call: GateCall,
        artifacts: Arc<dyn ArtifactSource>,
    ) -> Result<Judgement, CallFailure> {
        let attend = Arc::clone(&lock(&self.attend));
        attend(&call, &*artifacts)
            .map_err(|message| CallFailure { failure: PluginFailure::Host { message }, report: report() })?;
        match lock(&self.opinions).pop_front().unwrap_or(Ok((Outcome::Pass, Vec::new()))) {
            Ok((outcome, findings)) => {
                let summary = format!("says {outcome}");
                Ok(Judgement { outcome, summary, findings, data: Json::empty_object(), report: report() })
            }
            Err(failure) => Err(CallFailure { failure, report: report() }),
        }
    }

    fn scrub(&self, _: &Binding, _: &str, _: &Json) -> Result<ScrubReport, CallFailure> {
        let failure = PluginFailure::Host { message: "nothing is scrubbed here".to_owned() };
        Err(CallFailure { failure, report: report() })
    }
}
