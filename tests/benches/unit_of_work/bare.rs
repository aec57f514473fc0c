//! The bare side: sqlx, one connection, set-based statements written for this benchmark.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sluice::domain::json::Json;
use sluice::store::Location;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tokio::time::Instant;

use crate::rows::{Rows, workspace};

/// One table.
struct Table {
    name: &'static str,
    /// Empty: rows are only inserted.
    key: &'static str,
    /// Names; those that are not text with PostgreSQL's word for their type.
    columns: &'static str,
}

const TABLES: [Table; 5] = [
    Table {
        name: "missions",
        key: "id",
        columns: "id workspace_id title goal status phase reason success_criteria budgets steps:int8 \
             tool_calls:int8 capabilities entrypoint metadata bindings planner_attempts:int8 revision:int8 \
             created_at_ms:int8 updated_at_ms:int8 started_at_ms:int8",
    },
    Table {
        name: "work_items",
        key: "mission_id, id",
        columns: "mission_id id workspace_id position:int8 title detail depends_on assigned_agent skills action \
             metadata status reason run_id attempts:int8 artifacts gates",
    },
    Table {
        name: "runs",
        key: "id",
        columns: "id workspace_id mission_id work_item_id kind attempt:int8 status prompt assigned_agent skills \
             action not_before_ms:int8 fence:int8 interruptions:int8 cancel_requested:boolean summary output \
             artifacts queued_at_ms:int8 started_at_ms:int8 finished_at_ms:int8 revision:int8",
    },
    Table {
        name: "history",
        key: "",
        columns: "mission_id seq:int8 workspace_id event_id kind work_item_id run_id data occurred_at_ms:int8 \
             actor commands assigned_ids disposition refusal reducer_digest fuel:int8",
    },
    Table {
        name: "events",
        key: "",
        columns: "seq:int8 event_id workspace_id event_type session_id run_id mission_id actor \
             occurred_at_ms:int8 properties",
    },
];

impl Table {
    /// Its columns with their types.
    fn columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.columns.split_whitespace().map(|column| column.split_once(':').unwrap_or((column, "text")))
    }

    fn write(&self, given: &str) -> Arc<str> {
        let names: Vec<_> = self.columns().map(|(name, _)| name).collect();
        let insert = format!("INSERT INTO {} ({}) {given}", self.name, names.join(", "));
        if self.key.is_empty() {
            return insert.into();
        }
        let updates: Vec<_> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
        format!("{insert} WHERE TRUE ON CONFLICT ({}) DO UPDATE SET {}", self.key, updates.join(", ")).into()
    }

    fn sqlite(&self) -> Arc<str> {
        let values: Vec<_> = (0..self.columns().count()).map(|index| format!("value ->> {index}")).collect();
        self.write(&format!("SELECT {} FROM jsonb_each($1)", values.join(", ")))
    }

    fn postgres(&self) -> Arc<str> {
        let columns = self.columns().enumerate();
        let arrays: Vec<_> = columns.map(|(index, (_, kind))| format!("${}::{kind}[]", index + 1)).collect();
        self.write(&format!("SELECT * FROM unnest({}) AS given", arrays.join(", ")))
    }

    fn postgres_arguments(&self, rows: &[Vec<Value>]) -> PgArguments {
        let mut arguments = PgArguments::default();
        for (index, (_, kind)) in self.columns().enumerate() {
            let cells = rows.iter().map(|row| &row[index]);
            let added = match kind {
                "int8" => arguments.add(cells.map(Value::as_i64).collect::<Vec<_>>()),
                "boolean" => arguments.add(cells.map(Value::as_bool).collect::<Vec<_>>()),
                _ => arguments.add(cells.map(Value::as_str).collect::<Vec<_>>()),
            };
            added.expect("arguments");
        }
        arguments
    }
}

/// The rows of a batch, by table.
type Batch = [Vec<Vec<Value>>; TABLES.len()];

fn cells(row: Value) -> Vec<Value> {
    match row {
        Value::Array(cells) => cells,
        _ => unreachable!("rows are arrays"),
    }
}

#[rustfmt::skip]
fn add(batch: &mut Batch, rows: &Rows, seq: &mut u64) {
    let Rows { mission, item, run, history, events } = rows;
    let workspace = workspace();
    let (ws, mission_id, item_id, run_id) = (workspace.as_str(), mission.id.as_str(), item.spec.id.as_str(), run.id.as_str());
    let now = mission.updated_at.as_millis();
    let action = run.action.as_ref().map(Json::as_str);
    let reducer = &mission.bindings.reducer;
    let bindings = json!({"reducer": {"name": reducer.name, "version": reducer.version,
        "digest": reducer.digest.as_str(), "settings": reducer.settings.as_str()}, "gates": []}).to_string();
    let budgets = json!({"max_steps": null, "max_tool_calls": null, "max_duration_ms": null, "max_attempts": 3,
        "max_parallel_runs": null, "max_interruptions": null}).to_string();
    batch[0].push(cells(json!([mission_id, ws, mission.title, mission.goal, mission.status.as_str(),
        mission.phase.as_str(), null, mission.success_criteria.as_str(), budgets, mission.usage.steps, 0, "[]", null,
        "{}", bindings, 0, mission.revision, now, now, now])));
    batch[1].push(cells(json!([mission_id, item_id, ws, 0, item.spec.title, item.spec.detail, "[]", null,
        "[\"rust\"]", action, null, item.status.as_str(), null, run_id, 0, "[]", "[]"])));
    batch[2].push(cells(json!([run_id, ws, mission_id, item_id, "work", 1, "queued", run.prompt, null, "[\"rust\"]",
        action, null, 0, 0, false, null, null, "[]", now, null, null, run.revision])));
    batch[3].push(cells(json!([mission_id, history.seq, ws, history.event_id.as_str(), history.kind.as_str(), item_id,
        run_id, history.data.as_str(), now, history.actor, history.commands.as_str(), history.assigned_ids.as_str(),
        "applied", null, history.reducer_digest, history.fuel])));
    for event in events {
        *seq += 1;
        batch[4].push(cells(json!([*seq, event.event_id.as_str(), ws, event.event_type, null, null, mission_id,
            event.actor, now, event.properties.as_str()])));
    }
}

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A connection and its statements.
pub(crate) struct Bare {
    connection: Connection,
    statements: [Arc<str>; TABLES.len()],
    seq: u64,
}

impl Bare {
    /// Connects with the settings of the store's writer.
    pub(crate) async fn connect(location: &Location) -> Self {
        let (connection, statements) = match location {
            Location::Sqlite { directory } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(directory.join("sluice.db"))
                    .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
                    .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
                    .pragma("wal_autocheckpoint", "4000")
                    .pragma("temp_store", "memory")
                    .pragma("cache_size", "-32768")
                    .foreign_keys(false);
                let connection = SqliteConnection::connect_with(&options).await.expect("SQLite");
                (Connection::Sqlite(connection), TABLES.each_ref().map(Table::sqlite))
            }
            Location::Postgres { url } => {
                let connection = PgConnection::connect(url).await.expect("PostgreSQL");
                (Connection::Postgres(connection), TABLES.each_ref().map(Table::postgres))
            }
        };
        Self { connection, statements, seq: 0 }
    }

    /// Writes batches of one unit for each of `revisions`, which move on; units written and time
    /// spent writing.
    pub(crate) async fn turn(&mut self, revisions: &mut [u64], time: Duration) -> (u64, Duration) {
        let (mut units, mut spent) = (0, Duration::ZERO);
        while spent < time {
            let mut batch = Batch::default();
            for (mission, revision) in revisions.iter_mut().enumerate() {
                *revision += 1;
                add(&mut batch, &Rows::new(mission, *revision), &mut self.seq);
            }
            spent += self.write(&batch).await;
            units += revisions.len() as u64;
        }
        (units, spent)
    }

    async fn write(&mut self, batch: &Batch) -> Duration {
        let seq = i64::try_from(self.seq).expect("a small number");
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                let texts = batch.each_ref().map(|rows| serde_json::to_string(rows).expect("JSON"));
                let begun = Instant::now();
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *connection).await.expect("BEGIN");
                for (statement, text) in self.statements.iter().zip(texts) {
                    let query = sqlx::query(AssertSqlSafe(Arc::clone(statement))).bind(text);
                    query.execute(&mut *connection).await.expect("a statement");
                }
                let head = sqlx::query("UPDATE log_head SET seq = $1").bind(seq);
                head.execute(&mut *connection).await.expect("the head");
                sqlx::raw_sql("COMMIT").execute(&mut *connection).await.expect("COMMIT");
                begun.elapsed()
            }
            Connection::Postgres(connection) => {
                let arguments: Vec<_> =
                    TABLES.iter().zip(batch).map(|(table, rows)| table.postgres_arguments(rows)).collect();
                let begun = Instant::now();
                sqlx::raw_sql("BEGIN").execute(&mut *connection).await.expect("BEGIN");
                for (statement, arguments) in self.statements.iter().zip(arguments) {
                    let query = sqlx::query_with(AssertSqlSafe(Arc::clone(statement)), arguments);
                    query.execute(&mut *connection).await.expect("a statement");
                }
                let head = sqlx::query("UPDATE log_head SET seq = $1").bind(seq);
                head.execute(&mut *connection).await.expect("the head");
                sqlx::raw_sql("COMMIT").execute(&mut *connection).await.expect("COMMIT");
                begun.elapsed()
            }
        }
    }

    /// Leaves.
    pub(crate) async fn close(self) {
        match self.connection {
            Connection::Sqlite(connection) => connection.close().await.expect("SQLite"),
            Connection::Postgres(connection) => connection.close().await.expect("PostgreSQL"),
        }
    }
}
