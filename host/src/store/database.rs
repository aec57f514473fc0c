//! The bridge to both databases: connections, arguments, rows.
//!
//! The only place that has to say everything twice, with [`super::readers`]. Statements and rows are the
//! same on both; what differs is how arguments are bound ([`Connection::carry_out`]) and how a batch
//! begins ([`WriteConnection`]).

use std::fmt::Write as _;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe, ColumnIndex, Connection as _, Decode, Either, Executor as _, Type};

use super::error::StorageError;
use super::row::{Cell, Row};
use super::sql::{Dialect, Sql};
use super::table::{Column, Kind};
use super::{postgres, sqlite};

/// How to open a connection for writing.
#[derive(Debug, Clone)]
pub(super) enum WriteOptions {
    Sqlite(Box<sqlx::sqlite::SqliteConnectOptions>),
    Postgres(Box<sqlx::postgres::PgConnectOptions>),
}

impl WriteOptions {
    /// Opens a connection.
    pub(super) async fn connect(&self) -> Result<Connection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(options) => Connection::Sqlite(sqlite::connect_writer(options).await?),
            Self::Postgres(options) => Connection::Postgres(Box::new(postgres::connect_writer(options).await?)),
        })
    }
}

/// One connection for writing.
pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(Box<PgConnection>),
}

impl Connection {
    /// Which database.
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs statements without arguments.
    pub(super) async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop),
            Self::Postgres(connection) => sqlx::raw_sql(sql).execute(&mut **connection).await.map(drop),
        }
    }

    /// Runs one statement with scalar arguments; how many rows it changed.
    pub(super) async fn execute(&mut self, sql: &'static str, arguments: &[Cell]) -> Result<u64, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(sql, sqlite_arguments(arguments)?);
                Ok(query.execute(connection).await?.rows_affected())
            }
            Self::Postgres(connection) => {
                let query = sqlx::query_with(sql, postgres_arguments(arguments)?);
                Ok(query.execute(&mut **connection).await?.rows_affected())
            }
        }
    }

    /// The rows of one query with scalar arguments.
    pub(super) async fn rows(
        &mut self,
        sql: &'static str,
        arguments: &[Cell],
        columns: &[Column],
    ) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(sql, sqlite_arguments(arguments)?);
                decode_all(&query.fetch_all(connection).await?, columns)
            }
            Self::Postgres(connection) => {
                let query = sqlx::query_with(sql, postgres_arguments(arguments)?);
                decode_all(&query.fetch_all(&mut **connection).await?, columns)
            }
        }
    }

    /// Carries set-based statements of [`super::sql`] out, one after the other; what each did.
    ///
    /// On SQLite they are one message to the connection's thread instead of one each: being woken
    /// costs more than most statements (half of a lone commit's time, measured by
    /// `benches/resource_put`).
    pub(super) async fn carry_out(&mut self, steps: &[Step<'_>]) -> Result<Vec<Done>, sqlx::Error> {
        match self {
            Self::Sqlite(connection) => sqlite_script(connection, steps).await,
            Self::Postgres(connection) => {
                let mut done = Vec::with_capacity(steps.len());
                for step in steps {
                    let sql = AssertSqlSafe(Sql::clone(step.sql));
                    let query = sqlx::query_with(sql, postgres_rows(step.columns, &step.rows)?);
                    done.push(if step.answer.is_empty() {
                        Done { changed: query.execute(&mut **connection).await?.rows_affected(), rows: Vec::new() }
                    } else {
                        let rows = query.fetch_all(&mut **connection).await?;
                        Done { changed: 0, rows: decode_all(&rows, &step.answer)? }
                    });
                }
                Ok(done)
            }
        }
    }

    /// Closes the connection. An error is of no use to anybody: the connection is gone.
    pub(super) async fn close(self) {
        let _ = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
    }
}

/// One set-based statement and the rows it is for.
pub(super) struct Step<'r> {
    /// The statement; its argument is `$1` on SQLite, and one for each column on PostgreSQL.
    pub(super) sql: &'r Sql,
    /// What the rows have.
    pub(super) columns: &'r [Column],
    /// The rows.
    pub(super) rows: Vec<&'r [Cell]>,
    /// What it answers; nothing when it only changes rows.
    pub(super) answer: Vec<Column>,
}

/// What a statement did.
pub(super) struct Done {
    /// Rows that it changed.
    pub(super) changed: u64,
    /// Rows that it answered.
    pub(super) rows: Vec<Row>,
}

/// All steps as one text: their arguments are numbered on, so that each finds its own.
async fn sqlite_script(connection: &mut SqliteConnection, steps: &[Step<'_>]) -> Result<Vec<Done>, sqlx::Error> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let mut text = String::with_capacity(steps.iter().map(|step| step.sql.len() + 8).sum());
    let mut arguments = SqliteArguments::default();
    for (index, step) in steps.iter().enumerate() {
        text.push_str(&step.sql.replace("$1", &format!("${}", index + 1)));
        text.push(';');
        arguments.add(json_of_rows(&step.rows)).map_err(encode_error)?;
    }
    let mut done = Vec::with_capacity(steps.len());
    let mut rows = Vec::new();
    let mut answers = connection.fetch_many(sqlx::query_with(AssertSqlSafe(text), arguments));
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Right(row) => rows.push(row),
            Either::Left(result) => {
                let answer = steps.get(done.len()).map_or(&[][..], |step| &step.answer);
                let rows = decode_all(&std::mem::take(&mut rows), answer)?;
                done.push(Done { changed: result.rows_affected(), rows });
            }
        }
    }
    Ok(done)
}

/// The one connection that transactions run on. It is either idle and sound, or not there:
/// [`WriteConnection::transaction`] is the only way to it, and what fails inside closes it.
///
/// An error can leave a connection in a transaction that nobody knows of, and sqlx's own
/// account of it wrong for good (a short ENOSPC on SQLite does); a new connection costs
/// milliseconds, an untrustworthy one everything after it.
pub(super) struct WriteConnection {
    options: WriteOptions,
    idle: Option<Connection>,
}

/// How far a failed transaction had come.
#[derive(Debug)]
pub(super) struct TransactionError {
    /// Why.
    pub(super) error: StorageError,
    /// Whether COMMIT had been sent, so that nobody can tell what became of it.
    pub(super) commit_sent: bool,
}

impl TransactionError {
    fn early(error: sqlx::Error) -> Self {
        Self { error: error.into(), commit_sent: false }
    }
}

impl WriteConnection {
    /// A connection that will be opened when it is needed.
    pub(super) fn new(options: WriteOptions) -> Self {
        Self { options, idle: None }
    }

    /// How it connects.
    pub(super) fn options(&self) -> &WriteOptions {
        &self.options
    }

    /// Runs `work` in a transaction. On success it is committed and durable; on any error the
    /// connection is closed and with it everything undone.
    ///
    /// *Cancellation*: a dropped future drops the connection.
    pub(super) async fn transaction<T, W>(&mut self, work: W) -> Result<T, TransactionError>
    where
        W: AsyncFnOnce(&mut Connection) -> Result<T, StorageError>,
    {
        let mut connection = match self.idle.take() {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(TransactionError::early)?,
        };
        match Self::attempt(&mut connection, work).await {
            Ok(done) => {
                self.idle = Some(connection);
                Ok(done)
            }
            Err(failed) => {
                connection.close().await;
                Err(failed)
            }
        }
    }

    async fn attempt<T, W>(connection: &mut Connection, work: W) -> Result<T, TransactionError>
    where
        W: AsyncFnOnce(&mut Connection) -> Result<T, StorageError>,
    {
        let begin = match connection.dialect() {
            Dialect::Sqlite => sqlite::BEGIN,
            Dialect::Postgres => postgres::BEGIN,
        };
        connection.run(begin).await.map_err(TransactionError::early)?;
        let done = work(connection).await.map_err(|error| TransactionError { error, commit_sent: false })?;
        let committed = connection.run("COMMIT").await;
        committed.map_err(|error| TransactionError { error: error.into(), commit_sent: true })?;
        Ok(done)
    }

    /// Closes the connection, if there is one.
    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.idle.take() {
            connection.close().await;
        }
    }
}

fn encode_error(error: sqlx::error::BoxDynError) -> sqlx::Error {
    sqlx::Error::Encode(error)
}

pub(super) fn sqlite_arguments(cells: &[Cell]) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for cell in cells {
        match cell {
            Cell::Null => arguments.add(None::<String>),
            Cell::Integer(value) => arguments.add(*value),
            Cell::Boolean(value) => arguments.add(*value),
            Cell::Text(text) => arguments.add(String::from(text.as_ref())),
        }
        .map_err(encode_error)?;
    }
    Ok(arguments)
}

pub(super) fn postgres_arguments(cells: &[Cell]) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for cell in cells {
        match cell {
            Cell::Null => arguments.add(None::<String>),
            Cell::Integer(value) => arguments.add(*value),
            Cell::Boolean(value) => arguments.add(*value),
            Cell::Text(text) => arguments.add(text.as_ref()),
        }
        .map_err(encode_error)?;
    }
    Ok(arguments)
}

/// Rows as one JSON array of arrays.
fn json_of_rows(rows: &[&[Cell]]) -> String {
    let mut json = String::with_capacity(rows.len() * 512);
    json.push('[');
    for (index, row) in rows.iter().enumerate() {
        json.push_str(if index == 0 { "[" } else { ",[" });
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            match cell {
                Cell::Null => json.push_str("null"),
                Cell::Boolean(value) => json.push_str(if *value { "true" } else { "false" }),
                Cell::Integer(value) => {
                    // A String takes every write.
                    let _ = write!(json, "{value}");
                }
                Cell::Text(text) => push_json_text(&mut json, text),
            }
        }
        json.push(']');
    }
    json.push(']');
    json
}

/// `text` as a JSON string (RFC 8259 section 7), copied in stretches between the characters
/// that have to be escaped.
fn push_json_text(json: &mut String, text: &str) {
    json.push('"');
    let mut copied = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        json.push_str(&text[copied..index]);
        copied = index + 1;
        match byte {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            _ => {
                // A String takes every write.
                let _ = write!(json, "\\u{byte:04x}");
            }
        }
    }
    json.push_str(&text[copied..]);
    json.push('"');
}

/// Rows as one array for each column.
fn postgres_rows(columns: &[Column], rows: &[&[Cell]]) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for (index, column) in columns.iter().enumerate() {
        let cells = rows.iter().map(|row| &row[index]);
        match column.kind {
            Kind::Text => arguments.add(
                cells.map(|cell| if let Cell::Text(text) = cell { Some(&**text) } else { None }).collect::<Vec<_>>(),
            ),
            Kind::Integer => arguments.add(
                cells.map(|cell| if let Cell::Integer(value) = cell { Some(*value) } else { None }).collect::<Vec<_>>(),
            ),
            Kind::Boolean => arguments.add(
                cells.map(|cell| if let Cell::Boolean(value) = cell { Some(*value) } else { None }).collect::<Vec<_>>(),
            ),
        }
        .map_err(encode_error)?;
    }
    Ok(arguments)
}

pub(super) fn decode_all<R>(rows: &[R], columns: &[Column]) -> Result<Vec<Row>, sqlx::Error>
where
    R: sqlx::Row,
    usize: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> bool: Decode<'r, R::Database> + Type<R::Database>,
{
    rows.iter()
        .map(|row| columns.iter().enumerate().map(|(index, column)| decode(row, index, column.kind)).collect())
        .collect()
}

fn decode<R>(row: &R, index: usize, kind: Kind) -> Result<Cell, sqlx::Error>
where
    R: sqlx::Row,
    usize: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> bool: Decode<'r, R::Database> + Type<R::Database>,
{
    let cell = match kind {
        Kind::Text => row.try_get::<Option<String>, _>(index)?.map(|text| Cell::Text(text.into())),
        Kind::Integer => row.try_get::<Option<i64>, _>(index)?.map(Cell::Integer),
        Kind::Boolean => row.try_get::<Option<bool>, _>(index)?.map(Cell::Boolean),
    };
    Ok(cell.unwrap_or(Cell::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_reads_back_as_it_was() {
        let every_control: String = (1..0x20).map(char::from).collect();
        for text in ["", "plain", "\"quoted\" \\ slash / \u{7f}", "ü€𝄞\u{2028}\u{fffd}", &every_control] {
            let mut json = String::new();
            push_json_text(&mut json, text);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
