//! Rows as cells, written and read in the order of a table's description.
//!
//! A noun's file says for each of its fields which column holds it; the column's name is
//! checked against the description each time, so that a field can never slide into its
//! neighbour's column. What no database could hold is refused here, before it reaches a
//! transaction that other units share.

use std::str::FromStr;

use super::error::{StorageError, StorageErrorKind};
use super::table::{Column, Table};
use crate::domain::artifact::Digest;
use crate::domain::json::Json;
use crate::domain::time::Timestamp;

/// One value of a row, or one argument of a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Cell {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// Text.
    Text(Box<str>),
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<u32> for Cell {
    fn from(value: u32) -> Self {
        Self::Integer(i64::from(value))
    }
}

/// A position or a moment that a query compares with. Larger than any stored one is as good as
/// the largest.
impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for Cell {
    fn from(value: Timestamp) -> Self {
        value.as_millis().into()
    }
}

/// The cells of one row, in the order of its table's columns.
pub(super) type Row = Vec<Cell>;

/// Why a value cannot be stored.
#[derive(Debug, thiserror::Error)]
enum Unstorable {
    #[error("{table}.{column} holds the character U+0000, which no text column can")]
    NulCharacter { table: &'static str, column: &'static str },
    #[error("{table}.{column} is {value}, more than the largest number a column holds ({})", i64::MAX)]
    TooLarge { table: &'static str, column: &'static str, value: u64 },
}

/// What a stored row should not hold.
#[derive(Debug, thiserror::Error)]
#[error("{table}.{column} holds {problem}")]
struct Damaged {
    table: &'static str,
    column: &'static str,
    problem: String,
}

/// Builds one row, column by column.
pub(super) struct RowWriter {
    table: &'static Table,
    cells: Row,
    refused: Option<Unstorable>,
}

impl RowWriter {
    /// A row of `table` without any columns yet.
    pub(super) fn new(table: &'static Table) -> Self {
        Self { table, cells: Vec::with_capacity(table.columns.len()), refused: None }
    }

    fn push(&mut self, column: &'static str, cell: Cell) -> &mut Self {
        let expected = self.table.columns.get(self.cells.len()).map(|column| column.name);
        assert_eq!(expected, Some(column), "the columns of {} are written in their order", self.table.name);
        self.cells.push(cell);
        self
    }

    /// Text without U+0000; JSON text too.
    pub(super) fn text(&mut self, column: &'static str, value: &str) -> &mut Self {
        if value.as_bytes().contains(&0) {
            self.refused.get_or_insert(Unstorable::NulCharacter { table: self.table.name, column });
        }
        self.push(column, value.into())
    }

    /// Text, or nothing.
    pub(super) fn text_or_null(&mut self, column: &'static str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(column, value),
            None => self.push(column, Cell::Null),
        }
    }

    /// A number of at most `i64::MAX`.
    pub(super) fn integer(&mut self, column: &'static str, value: u64) -> &mut Self {
        if i64::try_from(value).is_err() {
            self.refused.get_or_insert(Unstorable::TooLarge { table: self.table.name, column, value });
        }
        self.push(column, value.into())
    }

    /// A number of at most `i64::MAX`, or nothing.
    pub(super) fn integer_or_null(&mut self, column: &'static str, value: Option<u64>) -> &mut Self {
        match value {
            Some(value) => self.integer(column, value),
            None => self.push(column, Cell::Null),
        }
    }

    /// A moment. One later than `i64::MAX` milliseconds (the year 292 million) is stored as
    /// that, because [`Timestamp::plus_millis`] stays at the end of time too.
    pub(super) fn moment(&mut self, column: &'static str, value: Timestamp) -> &mut Self {
        self.push(column, value.into())
    }

    /// A moment, or nothing.
    pub(super) fn moment_or_null(&mut self, column: &'static str, value: Option<Timestamp>) -> &mut Self {
        self.push(column, value.map_or(Cell::Null, Cell::from))
    }

    /// Yes or no.
    pub(super) fn boolean(&mut self, column: &'static str, value: bool) -> &mut Self {
        self.push(column, Cell::Boolean(value))
    }

    /// A column whose value is not known yet.
    pub(super) fn later(&mut self, column: &'static str) -> &mut Self {
        self.push(column, Cell::Null)
    }

    /// The finished row.
    ///
    /// # Errors
    /// Kind [`StorageErrorKind::Invalid`] when a value cannot be stored.
    pub(super) fn finish(self) -> Result<Row, StorageError> {
        assert_eq!(self.cells.len(), self.table.columns.len(), "every column of {} is written", self.table.name);
        match self.refused {
            Some(refused) => Err(StorageError::new(StorageErrorKind::Invalid, refused)),
            None => Ok(self.cells),
        }
    }
}

/// Reads one row, column by column.
pub(super) struct RowReader<'q> {
    table: &'static str,
    columns: std::slice::Iter<'q, Column>,
    cells: std::vec::IntoIter<Cell>,
}

impl<'q> RowReader<'q> {
    /// Reads `cells`, which are values of `columns`.
    pub(super) fn new(table: &'static str, columns: &'q [Column], cells: Row) -> Self {
        Self { table, columns: columns.iter(), cells: cells.into_iter() }
    }

    fn next(&mut self, column: &'static str) -> Cell {
        let expected = self.columns.next().map(|column| column.name);
        assert_eq!(expected, Some(column), "the columns of {} are read in their order", self.table);
        self.cells.next().unwrap_or(Cell::Null)
    }

    /// The error for a column that holds what it should not.
    pub(super) fn damaged(&self, column: &'static str, problem: impl Into<String>) -> StorageError {
        StorageError::new(StorageErrorKind::Corrupt, Damaged { table: self.table, column, problem: problem.into() })
    }

    /// Text.
    pub(super) fn text(&mut self, column: &'static str) -> Result<String, StorageError> {
        self.text_or_null(column)?.ok_or_else(|| self.damaged(column, "nothing where text belongs"))
    }

    /// Text, or nothing.
    pub(super) fn text_or_null(&mut self, column: &'static str) -> Result<Option<String>, StorageError> {
        match self.next(column) {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text.into())),
            other => Err(self.damaged(column, format!("{other:?} where text belongs"))),
        }
    }

    /// A number.
    pub(super) fn integer(&mut self, column: &'static str) -> Result<u64, StorageError> {
        self.integer_or_null(column)?.ok_or_else(|| self.damaged(column, "nothing where a number belongs"))
    }

    /// A number, or nothing.
    pub(super) fn integer_or_null(&mut self, column: &'static str) -> Result<Option<u64>, StorageError> {
        match self.next(column) {
            Cell::Null => Ok(None),
            Cell::Integer(value) => {
                u64::try_from(value).map(Some).map_err(|_| self.damaged(column, "a negative number"))
            }
            other => Err(self.damaged(column, format!("{other:?} where a number belongs"))),
        }
    }

    /// A number of 32 bits.
    pub(super) fn small(&mut self, column: &'static str) -> Result<u32, StorageError> {
        let value = self.integer(column)?;
        u32::try_from(value).map_err(|_| self.damaged(column, "a number over 32 bits"))
    }

    /// A moment.
    pub(super) fn moment(&mut self, column: &'static str) -> Result<Timestamp, StorageError> {
        self.integer(column).map(Timestamp)
    }

    /// A moment, or nothing.
    pub(super) fn moment_or_null(&mut self, column: &'static str) -> Result<Option<Timestamp>, StorageError> {
        Ok(self.integer_or_null(column)?.map(Timestamp))
    }

    /// Yes or no.
    pub(super) fn boolean(&mut self, column: &'static str) -> Result<bool, StorageError> {
        match self.next(column) {
            Cell::Boolean(value) => Ok(value),
            other => Err(self.damaged(column, format!("{other:?} where yes or no belongs"))),
        }
    }

    /// Passes over a column of a joined row that is not there.
    pub(super) fn skip(&mut self, column: &'static str) {
        self.next(column);
    }

    /// One of an enumeration's words.
    pub(super) fn word<W: FromStr>(&mut self, column: &'static str) -> Result<W, StorageError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| self.damaged(column, format!("the unknown word {text:?}")))
    }

    /// One of an enumeration's words, or nothing.
    pub(super) fn word_or_null<W: FromStr>(&mut self, column: &'static str) -> Result<Option<W>, StorageError> {
        let Some(text) = self.text_or_null(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.damaged(column, format!("the unknown word {text:?}")))
    }

    /// Opaque JSON, as it was written.
    pub(super) fn json(&mut self, column: &'static str) -> Result<Json, StorageError> {
        self.text(column).map(Json::from_valid)
    }

    /// Opaque JSON, or nothing.
    pub(super) fn json_or_null(&mut self, column: &'static str) -> Result<Option<Json>, StorageError> {
        Ok(self.text_or_null(column)?.map(Json::from_valid))
    }

    /// A digest.
    pub(super) fn digest(&mut self, column: &'static str) -> Result<Digest, StorageError> {
        let text = self.text(column)?;
        Digest::parse(&text).ok_or_else(|| self.damaged(column, "no digest"))
    }

    /// A digest, or nothing.
    pub(super) fn digest_or_null(&mut self, column: &'static str) -> Result<Option<Digest>, StorageError> {
        let Some(text) = self.text_or_null(column)? else { return Ok(None) };
        Digest::parse(&text).map(Some).ok_or_else(|| self.damaged(column, "no digest"))
    }

    /// A document of the store's own (see [`super::documents`]).
    pub(super) fn document<T>(
        &mut self,
        column: &'static str,
        read: impl FnOnce(&str) -> Result<T, super::documents::DocumentError>,
    ) -> Result<T, StorageError> {
        let text = self.text(column)?;
        read(&text).map_err(|error| self.damaged(column, format!("a damaged document: {error}")))
    }
}
