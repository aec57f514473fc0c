//! Counts what one instance holds over all its memories and tables, and stops it at the limit.
//!
//! Wasmtime's own limiter counts each memory by itself, so that a component with ten memories
//! would get ten times the limit. Growth beyond the limit traps instead of answering -1: most
//! languages abort on a failed allocation anyway, and a trap says why.

use wasmtime::ResourceLimiter;

use super::failure::OverLimit;
use crate::domain::plugin::Limit;

/// Bytes of one table entry in the runtime.
const TABLE_ENTRY_BYTES: usize = size_of::<usize>();

/// What one instance holds. It only grows: memories never shrink within a call.
pub(super) struct Meter {
    allowed: u64,
    memory_bytes: u64,
    table_bytes: u64,
}

impl Meter {
    /// Nothing held, `allowed` bytes to come.
    pub(super) fn new(allowed: u64) -> Self {
        Self { allowed, memory_bytes: 0, table_bytes: 0 }
    }

    /// Bytes over all memories.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Whether `more` bytes fit. A wish beyond the module's own `maximum` is the module's own
    /// business and answers no, as the specification has it.
    fn admit(&self, more: u64, beyond_own_maximum: bool) -> wasmtime::Result<bool> {
        let total = self.memory_bytes.saturating_add(self.table_bytes).saturating_add(more);
        if total > self.allowed {
            return Err(OverLimit { limit: Limit::Memory, allowed: self.allowed }.into());
        }
        Ok(!beyond_own_maximum)
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        let admitted = self.admit(more, maximum.is_some_and(|m| desired > m))?;
        if admitted {
            self.memory_bytes += more;
        }
        Ok(admitted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = (desired.saturating_sub(current) as u64).saturating_mul(TABLE_ENTRY_BYTES as u64);
        let admitted = self.admit(more, maximum.is_some_and(|m| desired > m))?;
        if admitted {
            self.table_bytes += more;
        }
        Ok(admitted)
    }
}
