//! Reading rows: one builder for the queries of every noun.
//!
//! A query's SQL is literals (`&'static str`), written next to the method that asks; values
//! are only ever bound. `$` in a literal stands for the argument given with it. The same text
//! runs on both databases.

use std::fmt::Write as _;
use std::marker::PhantomData;

use super::error::StorageError;
use super::row::{Cell, RowReader};
use super::table::Column;

/// Most rows one page holds, whatever limit is asked for.
pub const PAGE_MAX: u32 = 10_000;

/// Most values of one [`Select::only_in`]; longer lists are asked for in pieces.
pub(super) const IDS_PER_STATEMENT: usize = 512;

/// Where a record's columns come from.
pub(super) struct Source {
    /// The `FROM` clause.
    pub(super) from: &'static str,
    /// Tables with their columns, in the order [`Record::read`] reads them.
    pub(super) parts: &'static [(&'static str, &'static [Column])],
}

/// What can be read from rows.
pub(super) trait Record: Sized {
    /// Where its columns come from.
    const SOURCE: Source;

    /// Reads one row.
    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError>;
}

/// A query for records.
pub(super) struct Select<R> {
    pub(super) sql: String,
    pub(super) arguments: Vec<Cell>,
    pub(super) columns: Vec<Column>,
    filtered: bool,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Select<R> {
    /// Every record.
    pub(super) fn all() -> Self {
        Self::of_columns().text(R::SOURCE.from, [])
    }

    /// Records from a source that follows as [`Select::text`], and holds them under their tables' names.
    pub(super) fn of_columns() -> Self {
        let mut sql = String::with_capacity(1024);
        let mut columns = Vec::new();
        for (table, parts) in R::SOURCE.parts {
            for column in *parts {
                sql.push_str(if columns.is_empty() { "SELECT " } else { ", " });
                // A String takes every write.
                let _ = write!(sql, "{table}.{}", column.name);
                columns.push(*column);
            }
        }
        sql.push_str(" FROM ");
        Self { sql, arguments: Vec::new(), columns, filtered: false, record: PhantomData }
    }

    /// No SQL yet, for a query that is no selection from tables by conditions: it answers the record's
    /// columns in their order.
    pub(super) fn written() -> Self {
        let columns = R::SOURCE.parts.iter().flat_map(|(_, columns)| *columns).copied().collect();
        Self { sql: String::new(), arguments: Vec::new(), columns, filtered: false, record: PhantomData }
    }

    /// Only records for which `condition` holds; `$` in it stands for `value`.
    pub(super) fn only(self, condition: &'static str, value: impl Into<Cell>) -> Self {
        self.only_with(condition, [value.into()])
    }

    /// Only records for which `condition` holds, which has no value.
    pub(super) fn only_if(self, condition: &'static str) -> Self {
        self.only_with(condition, [])
    }

    /// Only records for which `condition` holds, if there is a value to compare with.
    pub(super) fn only_some(self, condition: &'static str, value: Option<impl Into<Cell>>) -> Self {
        match value {
            Some(value) => self.only(condition, value),
            None => self,
        }
    }

    /// Only records for which `condition` holds; each `$` in it stands for the next value.
    pub(super) fn only_with(mut self, condition: &'static str, values: impl IntoIterator<Item = Cell>) -> Self {
        self.sql.push_str(if self.filtered { " AND " } else { " WHERE " });
        self.filtered = true;
        self.text(condition, values)
    }

    /// Only records whose `column` is one of `values`. The last is repeated until their number is
    /// a power of two, so that a connection prepares few statements for lists of any length.
    pub(super) fn only_in(mut self, column: &'static str, values: impl IntoIterator<Item = Cell>) -> Self {
        let mut values: Vec<Cell> = values.into_iter().collect();
        let last = values.last().cloned().unwrap_or(Cell::Null);
        values.resize(values.len().next_power_of_two(), last);
        self = self.only_if(column).text(" IN (", []).list(["$", ", $"], values);
        self.sql.push(')');
        self
    }

    /// `first` for the first of `values`, `other` for each of the rest.
    pub(super) fn list(self, [first, other]: [&'static str; 2], values: impl IntoIterator<Item = Cell>) -> Self {
        let texts = std::iter::once(first).chain(std::iter::repeat(other));
        texts.zip(values).fold(self, |select, (text, value)| select.text(text, [value]))
    }

    /// Only records for which one of the conditions holds: `condition` with each of `values`.
    pub(super) fn only_any<const N: usize>(
        mut self,
        condition: &'static str,
        values: impl IntoIterator<Item = [Cell; N]>,
    ) -> Self {
        self = self.only_if("(FALSE");
        for value in values {
            self.sql.push_str(" OR ");
            self = self.text(condition, value);
        }
        self.sql.push(')');
        self
    }

    /// What follows are the conditions of another part of the query.
    pub(super) fn anew(mut self) -> Self {
        self.filtered = false;
        self
    }

    /// SQL as it is; each `$` in it stands for the next value.
    pub(super) fn text(mut self, text: &'static str, values: impl IntoIterator<Item = Cell>) -> Self {
        let mut pieces = text.split('$');
        self.sql.push_str(pieces.next().unwrap_or_default());
        for (piece, value) in pieces.zip(values) {
            self.arguments.push(value);
            // A String takes every write.
            let _ = write!(self.sql, "${}{piece}", self.arguments.len());
        }
        self
    }

    /// A number that is part of a name, as digits.
    pub(super) fn number(mut self, number: u64) -> Self {
        // A String takes every write.
        let _ = write!(self.sql, "{number}");
        self
    }

    /// In this order, at most `limit` of them and never more than [`PAGE_MAX`].
    pub(super) fn page(mut self, order: &'static str, limit: u32) -> Self {
        self = self.ordered(order);
        // A number and not an argument: SQLite plans by the limit, and would prepare the statement anew
        // each time one is bound.
        // A String takes every write.
        let _ = write!(self.sql, " LIMIT {}", limit.min(PAGE_MAX));
        self
    }

    /// In this order.
    pub(super) fn ordered(mut self, order: &'static str) -> Self {
        self.sql.push_str(" ORDER BY ");
        self.sql.push_str(order);
        self
    }
}
