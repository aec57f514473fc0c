//! How much waits to be picked up, in numbers.

use super::error::StorageError;
use super::open::Store;
use super::row::RowReader;
use super::select::{Record, Select, Source};
use super::table::{Column, integer};

/// What waits, over all workspaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Runs that wait for a worker.
    pub runs: u64,
    /// Inputs that missions have not been told.
    pub inputs: u64,
    /// Requests for verdicts.
    pub evaluations: u64,
    /// Questions that wait for people.
    pub approvals: u64,
    /// What is to be delivered to webhooks.
    pub deliveries: u64,
}

const COLUMNS: &[Column] =
    &[integer("runs"), integer("inputs"), integer("evaluations"), integer("approvals"), integer("deliveries")];

impl Record for Waiting {
    const SOURCE: Source = Source {
        from: "(SELECT (SELECT COUNT(*) FROM runs WHERE status = 'queued') AS runs, \
               (SELECT COUNT(*) FROM inbox) AS inputs, \
               (SELECT COUNT(*) FROM evaluations WHERE status = 'pending') AS evaluations, \
               (SELECT COUNT(*) FROM approvals WHERE status = 'pending') AS approvals, \
               (SELECT COUNT(*) FROM deliveries WHERE status = 'pending') AS deliveries) AS waiting",
        parts: &[("waiting", COLUMNS)],
    };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            runs: row.integer("runs")?,
            inputs: row.integer("inputs")?,
            evaluations: row.integer("evaluations")?,
            approvals: row.integer("approvals")?,
            deliveries: row.integer("deliveries")?,
        })
    }
}

impl Store {
    /// Counts what waits. Partial indexes serve each count.
    pub async fn waiting(&self) -> Result<Waiting, StorageError> {
        Ok(self.one(Select::<Waiting>::all()).await?.unwrap_or_default())
    }
}
