//! Calls of scrubbers, and the check of what they point at.

use wasmtime::Engine;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::bindings::scrubber::ScrubberPre;
use super::bindings::scrubber::exports::sluice::scrubber::text as wit;
use super::bindings::scrubber::sluice::scrubber::types;
use super::call::{CallState, Caller, Ended};
use super::failure::{cut, guest};
use super::limits::CallLimits;
use super::object;
use super::wasi::Moment;
use crate::domain::json::Json;
use crate::domain::plugin::{Limit, PluginFailure};
use crate::domain::time::Timestamp;
use crate::engine::ports::{CallFailure, CallReport, Redaction, ScrubReport};

/// Longest text that is scrubbed (`wit/scrubber-0.1/types.wit`), in bytes.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// Most redactions of one report (`wit/scrubber-0.1/types.wit`).
pub const REDACTIONS_MAX: usize = 10_000;

/// Longest kind or replacement of a redaction, in bytes.
const REDACTION_TEXT_BYTES_MAX: usize = 200;

/// Longest summary, in bytes.
const SUMMARY_BYTES_MAX: usize = 1_024;

/// What a scrubber's call holds besides what every call holds: nothing.
#[derive(Default)]
pub(super) struct ScrubberState;

/// A scrubber, ready to be instantiated.
pub(super) type ScrubberInstancePre = ScrubberPre<CallState<ScrubberState>>;

/// Everything a scrubber may import.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState<ScrubberState>>> {
    let mut linker = Linker::new(engine);
    CallState::link_base(&mut linker)?;
    types::add_to_linker::<_, HasSelf<CallState<ScrubberState>>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// Finds a scrubber's exports.
///
/// # Errors
/// The component does not export `text`, or with other types.
pub(super) fn pre(instance: InstancePre<CallState<ScrubberState>>) -> wasmtime::Result<ScrubberInstancePre> {
    ScrubberPre::new(instance)
}

/// Calls `scrubber` on `text`. Its moment is the epoch and its randomness always the same, so
/// that the same text is scrubbed the same way whenever that happens.
pub(super) fn scrub(
    caller: &Caller,
    limits: &CallLimits,
    scrubber: &ScrubberInstancePre,
    settings: &Json,
    text: &str,
    data: &Json,
) -> Result<ScrubReport, CallFailure> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("a text of {} bytes is over the {TEXT_BYTES_MAX} that can be scrubbed", text.len());
        return Err(CallFailure { failure: PluginFailure::Host { message }, report: CallReport::default() });
    }
    let moment = Moment { at: Timestamp(0), seed: String::new() };
    let state = CallState::new(limits, settings.clone(), moment, ScrubberState);
    let Ended { result, report, .. } = caller.run(limits, state, |store| {
        let instance = scrubber.instantiate(&mut *store)?;
        let input = wit::ScrubInput { text: text.to_owned(), data: data.as_str().to_owned() };
        instance.sluice_scrubber_text().call_scrub(store, &input)
    });
    match result.and_then(|answer| checked(answer, text, report.clone())) {
        Ok(answer) => Ok(answer),
        Err(failure) => Err(CallFailure { failure, report }),
    }
}

fn checked(answer: types::ScrubReport, text: &str, report: CallReport) -> Result<ScrubReport, PluginFailure> {
    if answer.redactions.len() > REDACTIONS_MAX {
        return Err(PluginFailure::Limit { limit: Limit::ResultSize, allowed: REDACTIONS_MAX as u64 });
    }
    let data = object::check(answer.data).map_err(|reason| guest(&format!("the report's `data` {reason}")))?;
    let mut redactions = Vec::with_capacity(answer.redactions.len());
    let mut free_from = 0;
    for (index, raw) in answer.redactions.into_iter().enumerate() {
        let redaction =
            redaction(raw, text, free_from).map_err(|reason| guest(&format!("redaction {} {reason}", index + 1)))?;
        free_from = redaction.end;
        redactions.push(redaction);
    }
    Ok(ScrubReport {
        blocked: answer.blocked,
        summary: cut(&answer.summary, SUMMARY_BYTES_MAX).to_owned(),
        redactions,
        data,
        report,
    })
}

/// Checks a redaction of `text` that must not begin before `free_from`.
fn redaction(raw: types::Redaction, text: &str, free_from: usize) -> Result<Redaction, String> {
    let (start, end) = (raw.start as usize, raw.end as usize);
    if start >= end || end > text.len() {
        return Err(format!("spans bytes {start} to {end} of a text of {}", text.len()));
    }
    if start < free_from {
        return Err(format!("begins at byte {start}, before the end of the one before it at {free_from}"));
    }
    if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
        return Err(format!("spans bytes {start} to {end}, which cuts a character"));
    }
    if raw.kind.is_empty()
        || raw.kind.len() > REDACTION_TEXT_BYTES_MAX
        || raw.replacement.len() > REDACTION_TEXT_BYTES_MAX
    {
        return Err(format!(
            "needs a kind of 1 to {REDACTION_TEXT_BYTES_MAX} bytes and a replacement of at most as many"
        ));
    }
    if !(0.0..=1.0).contains(&raw.confidence) {
        return Err(format!("has the confidence {}, which is not between 0 and 1", raw.confidence));
    }
    Ok(Redaction { kind: raw.kind, start, end, confidence: raw.confidence, replacement: raw.replacement })
}

impl types::Host for CallState<ScrubberState> {}
