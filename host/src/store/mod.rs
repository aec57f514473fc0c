//! The store: everything durable, on SQLite or PostgreSQL, with the same behaviour on both.
//!
//! It owns the schema, the connections and the one writer; it is the only module that names
//! sqlx. It never decides what may happen: whoever writes says what must hold ([`Guard`]) and
//! the store finds out whether it does, at the moment of the commit. It asks no clock.
//!
//! How a write flows: a [`Unit`] is turned into rows in its caller's task (`prepare`), waits
//! for the `writer`, is judged and written together with what else waits (`batch`,
//! and `board` for shared resources) by
//! statements generated from the tables' descriptions (`table`, `sql`), in a transaction that
//! only `database` can open. How a read flows: a noun's file (`missions`, `runs`, ...) builds a
//! `select`, a connection of the readers' pool runs it, the noun's `Record::read` reads the rows.
//!
//! Records of memory are found by an index of words (`memory_index`), which a batch changes with
//! them; what it has (`memory_words`) is ranked by the domain (`memory_search`).
//!
//! To add a noun: a migration pair, a file here with its table, its row and its reads, a place
//! in `table::TableId` and `unit::Write`; then its round trip in `tests/tests/store/records.rs`.
//!
//! Next: `unit`, then `writer`, then `batch`.

mod error;
mod open;
mod unit;

mod prepare;
mod writer;
mod news;
mod batch;
mod board;
mod table;
mod sql;
mod row;
mod documents;
mod select;
mod database;
mod readers;
mod sqlite;
mod postgres;
mod migrate;

mod missions;
mod work_items;
mod runs;
mod claims;
mod evaluations;
mod verdicts;
mod approvals;
mod timers;
mod artifacts;
mod blobs;
mod inbox;
mod history;
mod waiting;
mod tokens;
mod receipts;
mod resources;
mod resource_schemas;
mod leases;
mod memories;
mod memory_index;
mod memory_words;
mod memory_search;
mod memory_scopes;
mod cursors;
mod policies;
mod plugins;
mod workspaces;
mod webhooks;
mod shadows;
mod routines;
mod occurrences;
mod audit;
mod log;

pub use audit::AuditHead;
pub use blobs::BLOB_MAX_BYTES;
pub use cursors::SessionStatusRow;
pub use error::{CommitError, OpenError, StorageError, StorageErrorKind};
pub use evaluations::UnderJudgement;
pub use log::LogFilter;
pub use memories::{MEMORY_SCOPES_MAX, MemoryFilter};
pub use memory_search::MemorySearch;
pub use news::{Fed, LogFeed, Topic, Wakes};
pub use open::{Location, Store};
pub use resource_schemas::ResourceSchemas;
pub use resources::{EndedResource, ResourceHead};
pub use select::PAGE_MAX;
pub use unit::{Committed, Guard, UNIT_MAX_BYTES, Unit, Write};
pub use waiting::Waiting;
pub use webhooks::DeliveryFilter;
