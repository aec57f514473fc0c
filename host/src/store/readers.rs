//! Connections for reading, of which each query takes one.
//!
//! Does not tell of connections that were lost while nobody used them. Writes nothing, ever. Called by [`super::Store`];
//! how arguments and rows cross over is [`super::database`]'s.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;

use super::database::{decode_all, postgres_arguments, sqlite_arguments};
use super::error::StorageError;
use super::postgres;
use super::row::{Cell, Row};
use super::table::Column;

/// Connections for reading.
#[derive(Debug, Clone)]
pub(super) enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Readers {
    /// The rows of one query; values of `columns`.
    pub(super) async fn rows(
        &self,
        sql: String,
        arguments: &[Cell],
        columns: &[Column],
    ) -> Result<Vec<Row>, StorageError> {
        match self {
            Self::Sqlite(pool) => {
                let query = sqlx::query_with(AssertSqlSafe(sql), sqlite_arguments(arguments)?);
                let rows = query.fetch_all(pool).await?;
                Ok(decode_all(&rows, columns)?)
            }
            Self::Postgres(pool) => {
                let query = || async {
                    let query = sqlx::query_with(AssertSqlSafe(sql.clone()), postgres_arguments(arguments)?);
                    decode_all(&query.fetch_all(pool).await?, columns)
                };
                Ok(postgres::on_any(pool, query).await?)
            }
        }
    }

    /// Closes every connection, after what runs on it.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
