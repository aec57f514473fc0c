//! The nouns of Sluice and the rules that hold between them.
//!
//! This module owns what a mission, a work item, a run or a gate *is* and which moves are
//! legal. It does no I/O, knows no clock, no database and no wire format; everything comes
//! in as an argument. Read [`mission`] and [`work_item`] first, then [`board`] (one mission
//! in memory) and [`rules`] (what an event and its commands may do to it).

pub mod id;
pub mod json;
pub mod time;
pub mod word;

pub mod approval;
pub mod artifact;
pub mod audit;
pub mod gate;
pub mod lease;
pub mod memory;
pub mod mission;
pub mod plugin;
pub mod policy;
pub mod principal;
pub mod receipt;
pub mod resource;
pub mod routine;
pub mod run;
pub mod schedule;
pub mod session_status;
pub mod shadow;
pub mod timer;
pub mod token;
pub mod webhook;
pub mod work_item;
pub mod workspace;

pub mod board;
pub mod capability;
pub mod command;
pub mod event;
pub mod event_type;
pub mod graph;
pub mod rules;
