//! The engine that runs components: how it is set up, once for all kinds of plugins.
//!
//! Instances come from a pool where the address space allows it, because a fresh instance for
//! each call is only affordable that way (measured: `plugin_call`); on demand otherwise.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, RegallocAlgorithm};

use super::limits::{Limits, STACK_BYTES};

/// Most core instances, memories and tables of one component. Components of languages with a
/// runtime of their own have up to some forty.
const PARTS_PER_COMPONENT_MAX: u32 = 100;

/// Bytes of a memory that stay mapped between calls, where the kernel can tell which of them
/// were touched. Without that it costs more than it saves (measured: 3.6 times slower).
const KEEP_RESIDENT_BYTES: usize = 8 * 1024 * 1024;

/// Unused places of the pool whose touched pages stay mapped, each up to [`KEEP_RESIDENT_BYTES`].
/// As many as calls usually go on at the same time, some for each component.
const WARM_SLOTS: u32 = 32;

/// Most entries of one table.
const TABLE_ENTRIES_MAX: usize = 200_000;

/// Most bytes of the runtime's own bookkeeping for one instance.
const INSTANCE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Live handles of one call. Only WASI's streams and pollables need any.
pub(super) const HANDLES_MAX: usize = 1_000;

/// Makes the engine. Returns with it why instances come on demand, when they do.
///
/// # Errors
/// The machine cannot run compiled components at all.
pub(super) fn engine(limits: &Limits) -> wasmtime::Result<(Engine, Option<wasmtime::Error>)> {
    let mut pooled = config();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    match Engine::new(&pooled) {
        Ok(engine) => Ok((engine, None)),
        Err(reason) => Ok((Engine::new(&config())?, Some(reason))),
    }
}

/// What every engine has: nothing that differs between machines, nothing that is not needed.
fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        .cranelift_nan_canonicalization(true)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        .wasm_shared_everything_threads(false);
    config
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    // Enough for every call that is let in, for the trial instance of every compilation, and for
    // components with several parts; what the pool reserves is address space, not memory.
    let calls = u32::try_from(limits.calls_max() + limits.compiles_max).unwrap_or(u32::MAX).clamp(1, 1_000);
    let parts = (calls * 8).max(PARTS_PER_COMPONENT_MAX * 4);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(parts)
        .total_memories((calls * 2).max(PARTS_PER_COMPONENT_MAX * 2))
        .total_tables(parts)
        .total_stacks(1)
        .max_unused_warm_slots(WARM_SLOTS)
        .max_core_instances_per_component(PARTS_PER_COMPONENT_MAX)
        .max_memories_per_component(PARTS_PER_COMPONENT_MAX)
        .max_tables_per_component(PARTS_PER_COMPONENT_MAX)
        .max_memories_per_module(8)
        .max_tables_per_module(8)
        .table_elements(TABLE_ENTRIES_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX)
        .max_component_instance_size(INSTANCE_BYTES_MAX)
        .max_memory_size(usize::try_from(limits.memory_bytes_max()).unwrap_or(usize::MAX));
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
            .table_keep_resident(KEEP_RESIDENT_BYTES);
    }
    pool
}
