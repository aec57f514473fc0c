//! The API as its clients see it, on both databases.

mod access;
mod bad_input;
mod leases;
mod memory;
mod memory_partitions;
mod memory_promotion;
mod memory_secrets;
mod memory_embeddings;
mod missions;
mod policy;
mod policy_bad_input;
mod plugins;
mod check;
mod quarantine;
mod workspaces;
mod workspaces_bad_input;
mod workspaces_hosts;
mod resource_bad_input;
mod resource_hostile;
mod resources;
mod templates;
mod routines;
mod routines_bad_input;
mod routines_policy;
mod stream;
