//! How much one call of a plugin may use. Every number a component can run into is here.

use std::time::Duration;

use crate::domain::plugin::PluginKind;

const MIB: u64 = 1024 * 1024;

/// Depth of a guest's call stack in bytes, for every kind. Wasmtime's own default; calls run on
/// threads with 2 MiB, and host functions need some of that.
pub const STACK_BYTES: usize = 512 * 1024;

/// Most text and content that the commands of one call may hold together, in bytes.
pub const COMMAND_BYTES_MAX: u64 = 32 * MIB;

/// Most content one `persist-artifact` may hold, in bytes.
pub const COMMAND_ARTIFACT_BYTES_MAX: u64 = 8 * MIB;

/// What one kind of plugin may use in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimits {
    /// Instructions and the work of host functions, counted the same on every machine.
    pub fuel: u64,
    /// Bytes over all memories and tables of the instance, its initial ones included.
    pub memory_bytes: u64,
    /// Wall time. Only a backstop: `fuel` is meant to run out first, because a stop by the
    /// clock depends on the machine and counts as the host's fault.
    pub wall: Duration,
    /// Bytes that may cross from the plugin to the host at once: the arguments of one host
    /// function, or the call's result.
    pub transfer_bytes: usize,
    /// Calls of this kind at the same time; more wait.
    pub calls_max: usize,
}

/// What plugins may use. The defaults are for one host of any size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Reducers: called for every event of every mission.
    pub reducer: CallLimits,
    /// Gates: read whole artifacts.
    pub gate: CallLimits,
    /// Scrubbers: read one text of at most 1 MiB.
    pub scrubber: CallLimits,
    /// Components compiled at the same time; more wait. One compilation uses every core.
    pub compiles_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reducer: CallLimits {
                fuel: 2_000_000_000,
                memory_bytes: 64 * MIB,
                wall: Duration::from_secs(10),
                transfer_bytes: 9 * 1024 * 1024,
                calls_max: 32,
            },
            gate: CallLimits {
                fuel: 20_000_000_000,
                memory_bytes: 256 * MIB,
                wall: Duration::from_mins(2),
                transfer_bytes: 8 * 1024 * 1024,
                calls_max: 8,
            },
            scrubber: CallLimits {
                fuel: 2_000_000_000,
                memory_bytes: 64 * MIB,
                wall: Duration::from_secs(10),
                transfer_bytes: 4 * 1024 * 1024,
                calls_max: 16,
            },
            compiles_max: 1,
        }
    }
}

impl Limits {
    /// The limits of one kind of plugin.
    pub fn of(&self, kind: PluginKind) -> &CallLimits {
        match kind {
            PluginKind::Reducer => &self.reducer,
            PluginKind::Gate => &self.gate,
            PluginKind::Scrubber => &self.scrubber,
        }
    }

    /// The largest memory any kind may have.
    pub(super) fn memory_bytes_max(&self) -> u64 {
        self.reducer.memory_bytes.max(self.gate.memory_bytes).max(self.scrubber.memory_bytes)
    }

    /// Calls of all kinds at the same time.
    pub(super) fn calls_max(&self) -> usize {
        self.reducer.calls_max + self.gate.calls_max + self.scrubber.calls_max
    }
}
