//! What memory is measured against: one FTS5 table for everything, as one writes it by hand, with the
//! partition as a word, asked by sqlx alone.

use e2e::scratch::Scratch;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::texts;

/// A database with one table of words.
pub struct Bare {
    connection: SqliteConnection,
    _scratch: Scratch,
}

impl Bare {
    /// The same texts as the store has.
    pub async fn load(partitions: usize, records: usize) -> Self {
        let scratch = Scratch::new("bare");
        let options = SqliteConnectOptions::new()
            .filename(scratch.path().join("bare.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let mut connection = SqliteConnection::connect_with(&options).await.expect("a new database");
        let create = "CREATE VIRTUAL TABLE words USING fts5(scope, body, content = '')";
        sqlx::query(create).execute(&mut connection).await.expect("FTS5 is built in");
        for partition in 0..partitions {
            let mut transaction = connection.begin().await.expect("nobody else writes");
            for number in 0..records {
                let text = texts::record(partition, number).text;
                let insert = sqlx::query("INSERT INTO words (rowid, scope, body) VALUES ($1, $2, $3)")
                    .bind((partition * records + number) as i64)
                    .bind(format!("p{partition}"))
                    .bind(text);
                insert.execute(&mut *transaction).await.expect("it fits");
            }
            transaction.commit().await.expect("nobody else writes");
        }
        Self { connection, _scratch: scratch }
    }

    /// The eight best of a partition that have any of the words; how many there are.
    pub async fn search(&mut self, partition: usize, query: &str) -> usize {
        let words: Vec<String> = query.split(' ').map(|word| format!("\"{word}\"")).collect();
        let condition = format!("scope : \"p{partition}\" AND body : ({})", words.join(" OR "));
        found(&mut self.connection, "words", &condition).await
    }
}

/// The eight best of `table` that fulfil a condition.
pub async fn found(connection: &mut SqliteConnection, table: &str, condition: &str) -> usize {
    let sql = format!("SELECT rowid FROM {table} WHERE {table} MATCH $1 ORDER BY rank LIMIT 8");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(condition).fetch_all(connection).await.expect("a condition");
    rows.iter().map(|row| row.get::<i64, _>(0)).collect::<Vec<_>>().len()
}
