//! Shared resources: records by key, lists, history, batches and schemas.
//!
//! A key stands in the path, plain or percent-encoded, or in the body. What must hold of a record
//! is said in the body, the query or a header, and means the same ([`conditions`]). Everybody
//! sees the resources of their workspace, but for a run's token ([`reach`]).

pub(super) mod conditions;
pub(super) mod reach;
pub(super) mod read;
pub(super) mod write;
pub(super) mod batch;
pub(super) mod schemas;

pub(super) use conditions::key_of;
pub(super) use reach::readable_within;
