//! Receipts: what was answered to a write that its caller named, so that the same write sent
//! again is answered the same and done once.

use super::artifact::Digest;
use super::id::WorkspaceId;
use super::json::Json;
use super::time::Timestamp;

/// Milliseconds a receipt is kept: a day, as the contract says.
pub const RECEIPT_TTL_MS: u64 = 24 * 60 * 60 * 1000;

/// What a caller calls one write of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptKey {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Who.
    pub principal: String,
    /// The caller's `Idempotency-Key`.
    pub key: String,
    /// Digest of method, path and body: another write under the same key is refused.
    pub request: Digest,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What it is for.
    pub key: ReceiptKey,
    /// The HTTP status that was answered.
    pub status: u16,
    /// The body that was answered.
    pub answer: Json,
    /// When.
    pub created_at: Timestamp,
}
