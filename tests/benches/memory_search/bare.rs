//! What memory is measured against: one table for everything, as one writes it by hand, with the database's
//! own index of words, its own order and the partition as a condition, asked by sqlx alone. And the store's own
//! tables, asked by hand.

use e2e::postgres::Cluster;
use e2e::scratch::Scratch;
use sluice::domain::memory::Scope;
use sluice::store::Location;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::RECORDS_PER_PARTITION;
use super::texts;

/// The eight best texts of a partition, from a table of words and a table of texts.
const SQLITE: &str = "SELECT texts.text FROM (SELECT rowid AS no, rank AS fit FROM words WHERE words MATCH $1 \
     ORDER BY rank LIMIT 8) AS best JOIN texts ON texts.no = best.no ORDER BY best.fit";
const POSTGRES: &str = "SELECT text FROM words WHERE scope = $1 AND terms @@ $2::tsquery \
     ORDER BY ts_rank(terms, $2::tsquery, 1) DESC LIMIT 8";
/// The same from the store's own.
const OWN_SQLITE: &str = "SELECT memories.text FROM (SELECT rowid AS no, rank AS fit FROM memory_fts_1 \
     WHERE memory_fts_1 MATCH $1 ORDER BY rank LIMIT 8) AS best JOIN memories ON memories.no = best.no ORDER BY best.fit";
const OWN_POSTGRES: &str = "SELECT memories.text FROM (SELECT no, ts_rank(terms, $1::tsquery, 1) AS fit \
     FROM memory_terms WHERE terms @@ $1::tsquery ORDER BY fit DESC LIMIT 8) AS best \
     JOIN memories ON memories.no = best.no ORDER BY best.fit DESC";

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A database that is asked by hand.
pub struct Bare {
    connection: Connection,
    _scratch: Option<Scratch>,
}

impl Bare {
    /// The same texts as the store has, in SQLite.
    pub async fn sqlite(partitions: usize) -> Self {
        let scratch = Scratch::new("bare");
        let options = SqliteConnectOptions::new()
            .filename(scratch.path().join("bare.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = SqliteConnection::connect_with(&options).await.expect("a new database");
        let create = "CREATE VIRTUAL TABLE words USING fts5(scope, body, content = ''); \
             CREATE TABLE texts (no INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT; \
             CREATE TABLE searches (query TEXT NOT NULL) STRICT";
        sqlx::raw_sql(create).execute(&mut connection).await.expect("FTS5 is built in");
        for partition in 0..partitions {
            let mut transaction = connection.begin().await.expect("nobody else writes");
            for number in 0..RECORDS_PER_PARTITION {
                let (text, no) = (texts::record(partition, number).text, no_of(partition, number));
                let word = sqlx::query("INSERT INTO words (rowid, scope, body) VALUES ($1, $2, $3)");
                let word = word.bind(no).bind(texts::project(partition)).bind(&text);
                word.execute(&mut *transaction).await.expect("it fits");
                let row = sqlx::query("INSERT INTO texts (no, text) VALUES ($1, $2)").bind(no).bind(&text);
                row.execute(&mut *transaction).await.expect("it fits");
            }
            transaction.commit().await.expect("nobody else writes");
        }
        Self { connection: Connection::Sqlite(connection), _scratch: Some(scratch) }
    }

    /// The same texts as the store has, in PostgreSQL.
    pub async fn postgres(cluster: &Cluster, partitions: usize) -> Self {
        let url = cluster.create_database().await;
        let mut connection = PgConnection::connect(&url).await.expect("a new database");
        let create = "CREATE TABLE words (no BIGINT PRIMARY KEY, scope TEXT NOT NULL, text TEXT NOT NULL, \
             terms TSVECTOR NOT NULL); CREATE TABLE searches (query TEXT NOT NULL)";
        sqlx::raw_sql(create).execute(&mut connection).await.expect("a new table");
        for partition in 0..partitions {
            let numbers: Vec<i64> = (0..RECORDS_PER_PARTITION).map(|number| no_of(partition, number)).collect();
            let all: Vec<String> =
                (0..RECORDS_PER_PARTITION).map(|number| texts::record(partition, number).text).collect();
            let insert = "INSERT INTO words SELECT no, $2, text, to_tsvector('simple', text) \
                 FROM unnest($1::int8[], $3::text[]) AS given(no, text)";
            let insert = sqlx::query(insert).bind(numbers).bind(texts::project(partition)).bind(all);
            insert.execute(&mut connection).await.expect("it fits");
        }
        let indices = "CREATE INDEX words_by_term ON words USING GIN (terms) WITH (fastupdate = off); \
             CREATE INDEX words_by_scope ON words (scope); ANALYZE words";
        sqlx::raw_sql(indices).execute(&mut connection).await.expect("new indices");
        Self { connection: Connection::Postgres(connection), _scratch: None }
    }

    /// The store's own database.
    pub async fn own(location: &Location) -> Self {
        let connection = match location {
            Location::Sqlite { directory } => {
                let options = SqliteConnectOptions::new().filename(directory.join("sluice.db")).read_only(true);
                Connection::Sqlite(SqliteConnection::connect_with(&options).await.expect("it is there"))
            }
            Location::Postgres { url } => Connection::Postgres(PgConnection::connect(url).await.expect("it is there")),
        };
        Self { connection, _scratch: None }
    }

    /// The texts of a partition that fit best of those that have any of the words; how many they are.
    pub async fn search(&mut self, partition: usize, query: &str) -> usize {
        let words = query.split(' ');
        let project = texts::project(partition);
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
                let condition = format!("scope : \"{project}\" AND body : ({})", words.join(" OR "));
                sqlite(connection, SQLITE, &condition).await
            }
            Connection::Postgres(connection) => {
                let words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
                postgres(connection, POSTGRES, &[&project, &words.join(" | ")]).await
            }
        }
    }

    /// Writes down that there was a search, as durably as the store writes its audit.
    pub async fn note(&mut self, query: &str) {
        const INSERT: &str = "INSERT INTO searches (query) VALUES ($1)";
        let written = match &mut self.connection {
            Connection::Sqlite(connection) => sqlx::query(INSERT).bind(query).execute(connection).await.map(drop),
            Connection::Postgres(connection) => sqlx::query(INSERT).bind(query).execute(connection).await.map(drop),
        };
        written.expect("it fits");
    }

    /// The same from the store's own tables.
    pub async fn search_own(&mut self, partition: usize, query: &str) -> usize {
        let key = Scope::shared(texts::partition(partition)).key();
        let words = query.split(' ').map(|word| format!("{}w{word}", key.as_str()));
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
                sqlite(connection, OWN_SQLITE, &words.join(" OR ")).await
            }
            Connection::Postgres(connection) => {
                let words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
                postgres(connection, OWN_POSTGRES, &[&words.join(" | ")]).await
            }
        }
    }
}

fn no_of(partition: usize, number: usize) -> i64 {
    i64::try_from(partition * RECORDS_PER_PARTITION + number).expect("a small number")
}

async fn sqlite(connection: &mut SqliteConnection, sql: &'static str, condition: &str) -> usize {
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(condition).fetch_all(connection).await.expect("a condition");
    rows.iter().map(|row| row.get::<String, _>(0)).filter(|text| !text.is_empty()).count()
}

async fn postgres(connection: &mut PgConnection, sql: &'static str, arguments: &[&str]) -> usize {
    let query = arguments.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, argument| query.bind(*argument));
    let rows = query.fetch_all(connection).await.expect("a condition");
    rows.iter().map(|row| row.get::<String, _>(0)).filter(|text| !text.is_empty()).count()
}
