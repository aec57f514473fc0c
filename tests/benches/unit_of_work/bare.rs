//! The bare side: sqlx, one connection, set-based statements written for this benchmark.

use std::time::Duration;

use serde_json::{Value, json};
use sluice::store::Location;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tokio::time::Instant;

use crate::{Rows, workspace};

/// One table: its name, its key (none: rows are only inserted), and its columns with what
/// PostgreSQL calls their types.
struct Table {
    name: &'static str,
    key: &'static str,
    columns: &'static [(&'static str, &'static str)],
}

const T: &str = "text";
const I: &str = "int8";

const MISSIONS: Table = Table {
    name: "missions",
    key: "id",
    columns: &[
        ("id", T),
        ("workspace_id", T),
        ("title", T),
        ("goal", T),
        ("status", T),
        ("phase", T),
        ("reason", T),
        ("success_criteria", T),
        ("budgets", T),
        ("steps", I),
        ("tool_calls", I),
        ("capabilities", T),
        ("entrypoint", T),
        ("metadata", T),
        ("bindings", T),
        ("planner_attempts", I),
        ("revision", I),
        ("created_at_ms", I),
        ("updated_at_ms", I),
        ("started_at_ms", I),
    ],
};
const WORK_ITEMS: Table = Table {
    name: "work_items",
    key: "mission_id, id",
    columns: &[
        ("mission_id", T),
        ("id", T),
        ("workspace_id", T),
        ("position", I),
        ("title", T),
        ("detail", T),
        ("depends_on", T),
        ("assigned_agent", T),
        ("skills", T),
        ("action", T),
        ("metadata", T),
        ("status", T),
        ("reason", T),
        ("run_id", T),
        ("attempts", I),
        ("artifacts", T),
        ("gates", T),
    ],
};
const RUNS: Table = Table {
    name: "runs",
    key: "id",
    columns: &[
        ("id", T),
        ("workspace_id", T),
        ("mission_id", T),
        ("work_item_id", T),
        ("kind", T),
        ("attempt", I),
        ("status", T),
        ("prompt", T),
        ("assigned_agent", T),
        ("skills", T),
        ("action", T),
        ("not_before_ms", I),
        ("fence", I),
        ("interruptions", I),
        ("cancel_requested", "boolean"),
        ("summary", T),
        ("output", T),
        ("artifacts", T),
        ("queued_at_ms", I),
        ("started_at_ms", I),
        ("finished_at_ms", I),
        ("revision", I),
    ],
};
const HISTORY: Table = Table {
    name: "history",
    key: "",
    columns: &[
        ("mission_id", T),
        ("seq", I),
        ("workspace_id", T),
        ("event_id", T),
        ("kind", T),
        ("work_item_id", T),
        ("run_id", T),
        ("data", T),
        ("occurred_at_ms", I),
        ("actor", T),
        ("commands", T),
        ("assigned_ids", T),
        ("disposition", T),
        ("refusal", T),
        ("reducer_digest", T),
        ("fuel", I),
    ],
};
const EVENTS: Table = Table {
    name: "events",
    key: "",
    columns: &[
        ("seq", I),
        ("event_id", T),
        ("workspace_id", T),
        ("event_type", T),
        ("session_id", T),
        ("run_id", T),
        ("mission_id", T),
        ("actor", T),
        ("occurred_at_ms", I),
        ("properties", T),
    ],
};

const TABLES: [Table; 5] = [MISSIONS, WORK_ITEMS, RUNS, HISTORY, EVENTS];

impl Table {
    fn write(&self, given: &str) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        let insert = format!("INSERT INTO {} ({}) {given}", self.name, names.join(", "));
        if self.key.is_empty() {
            return insert;
        }
        let updates: Vec<_> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
        format!("{insert} WHERE TRUE ON CONFLICT ({}) DO UPDATE SET {}", self.key, updates.join(", "))
    }

    fn sqlite(&self) -> String {
        let values: Vec<_> = (0..self.columns.len()).map(|index| format!("value ->> {index}")).collect();
        self.write(&format!("SELECT {} FROM jsonb_each($1)", values.join(", ")))
    }

    fn postgres(&self) -> String {
        let arrays: Vec<_> =
            self.columns.iter().enumerate().map(|(index, (_, kind))| format!("${}::{kind}[]", index + 1)).collect();
        self.write(&format!("SELECT * FROM unnest({}) AS given", arrays.join(", ")))
    }
}

/// The rows of one unit, by table.
fn rows_of(rows: &Rows, seq: &mut u64) -> [Vec<Vec<Value>>; 5] {
    let Rows { mission, item, run, history, events } = rows;
    let workspace = workspace();
    let workspace = workspace.as_str();
    let mission_id = mission.id.as_str();
    let run_id = run.id.as_str();
    let bindings = format!(
        "{{\"reducer\":{{\"name\":\"mission-default\",\"version\":\"0.1.0\",\"digest\":\"{}\",\
         \"settings\":\"{{\\\"max_attempts\\\":3}}\"}},\"gates\":[]}}",
        mission.bindings.reducer.digest
    );
    let budgets = "{\"max_steps\":null,\"max_tool_calls\":null,\"max_duration_ms\":null,\"max_attempts\":3,\
         \"max_parallel_runs\":null,\"max_interruptions\":null}";
    let now = mission.updated_at.as_millis();
    let list = |row: Value| match row {
        Value::Array(cells) => cells,
        _ => unreachable!("rows are arrays"),
    };
    let mission_row = list(json!([
        mission_id,
        workspace,
        mission.title,
        mission.goal,
        mission.status.as_str(),
        mission.phase.as_str(),
        null,
        mission.success_criteria.as_str(),
        budgets,
        mission.usage.steps,
        0,
        "[]",
        null,
        "{}",
        bindings,
        0,
        mission.revision,
        now,
        now,
        now
    ]));
    let item_row = list(json!([
        mission_id,
        item.spec.id.as_str(),
        workspace,
        0,
        item.spec.title,
        item.spec.detail,
        "[]",
        null,
        "[\"rust\"]",
        item.spec.action.as_ref().map(|action| action.as_str()),
        null,
        item.status.as_str(),
        null,
        run_id,
        0,
        "[]",
        "[]"
    ]));
    let run_row = list(json!([
        run_id,
        workspace,
        mission_id,
        item.spec.id.as_str(),
        "work",
        1,
        "queued",
        run.prompt,
        null,
        "[\"rust\"]",
        run.action.as_ref().map(|action| action.as_str()),
        null,
        0,
        0,
        false,
        null,
        null,
        "[]",
        now,
        null,
        null,
        run.revision
    ]));
    let history_row = list(json!([
        mission_id,
        history.seq,
        workspace,
        history.event_id.as_str(),
        history.kind.as_str(),
        item.spec.id.as_str(),
        run_id,
        history.data.as_str(),
        now,
        history.actor,
        history.commands.as_str(),
        history.assigned_ids.as_str(),
        "applied",
        null,
        history.reducer_digest,
        history.fuel
    ]));
    let event_rows = events
        .iter()
        .map(|event| {
            *seq += 1;
            list(json!([
                *seq,
                event.event_id.as_str(),
                workspace,
                event.event_type,
                null,
                null,
                mission_id,
                event.actor,
                now,
                event.properties.as_str()
            ]))
        })
        .collect();
    [vec![mission_row], vec![item_row], vec![run_row], vec![history_row], event_rows]
}

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A connection and its statements.
pub struct Bare {
    connection: Connection,
    statements: Vec<std::sync::Arc<str>>,
    seq: u64,
}

impl Bare {
    /// Connects with the store's own settings for durability.
    pub async fn connect(location: &Location) -> Self {
        let (connection, statements): (_, Vec<String>) = match location {
            Location::Sqlite { directory } => {
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(directory.join("sluice.db"))
                    .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
                    .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
                    .pragma("wal_autocheckpoint", "4000")
                    .pragma("cache_size", "-32768")
                    .foreign_keys(false);
                let connection = SqliteConnection::connect_with(&options).await.expect("SQLite");
                (Connection::Sqlite(connection), TABLES.iter().map(Table::sqlite).collect())
            }
            Location::Postgres { url } => {
                let connection = PgConnection::connect(url).await.expect("PostgreSQL");
                (Connection::Postgres(connection), TABLES.iter().map(Table::postgres).collect())
            }
        };
        Self { connection, statements: statements.into_iter().map(Into::into).collect(), seq: 0 }
    }

    /// Writes batches of one unit for each mission; units written and time spent writing.
    pub async fn turn(&mut self, revisions: &mut [u64], time: Duration) -> (u64, Duration) {
        let (mut units, mut spent) = (0, Duration::ZERO);
        while spent < time {
            let mut batch: [Vec<Vec<Value>>; 5] = Default::default();
            for (mission, revision) in revisions.iter_mut().enumerate() {
                *revision += 1;
                let rows = rows_of(&Rows::new(mission, *revision), &mut self.seq);
                for (all, rows) in batch.iter_mut().zip(rows) {
                    all.extend(rows);
                }
            }
            spent += self.write(&batch).await;
            units += revisions.len() as u64;
        }
        (units, spent)
    }

    async fn write(&mut self, batch: &[Vec<Vec<Value>>; 5]) -> Duration {
        let seq = i64::try_from(self.seq).expect("a small number");
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                let texts: Vec<_> = batch.iter().map(|rows| serde_json::to_string(rows).expect("JSON")).collect();
                let begun = Instant::now();
                sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.expect("BEGIN");
                for (statement, text) in self.statements.iter().zip(texts) {
                    let query = sqlx::query(AssertSqlSafe(std::sync::Arc::clone(statement))).bind(text);
                    query.execute(&mut *connection).await.expect("a statement");
                }
                sqlx::query("UPDATE log_head SET seq = $1").bind(seq).execute(&mut *connection).await.expect("head");
                sqlx::query("COMMIT").execute(&mut *connection).await.expect("COMMIT");
                begun.elapsed()
            }
            Connection::Postgres(connection) => {
                use sqlx::Arguments as _;
                let mut all_arguments = Vec::new();
                for (table, rows) in TABLES.iter().zip(batch) {
                    let mut arguments = sqlx::postgres::PgArguments::default();
                    for (index, (_, kind)) in table.columns.iter().enumerate() {
                        let cells = rows.iter().map(|row| &row[index]);
                        match *kind {
                            "int8" => arguments.add(cells.map(Value::as_i64).collect::<Vec<_>>()),
                            "boolean" => arguments.add(cells.map(Value::as_bool).collect::<Vec<_>>()),
                            _ => arguments.add(cells.map(Value::as_str).collect::<Vec<_>>()),
                        }
                        .expect("arguments");
                    }
                    all_arguments.push(arguments);
                }
                let begun = Instant::now();
                sqlx::raw_sql("BEGIN").execute(&mut *connection).await.expect("BEGIN");
                for (statement, arguments) in self.statements.iter().zip(all_arguments) {
                    let query = sqlx::query_with(AssertSqlSafe(std::sync::Arc::clone(statement)), arguments);
                    query.execute(&mut *connection).await.expect("a statement");
                }
                sqlx::query("UPDATE log_head SET seq = $1").bind(seq).execute(&mut *connection).await.expect("head");
                sqlx::raw_sql("COMMIT").execute(&mut *connection).await.expect("COMMIT");
                begun.elapsed()
            }
        }
    }

    /// Leaves.
    pub async fn close(self) {
        match self.connection {
            Connection::Sqlite(connection) => connection.close().await.expect("SQLite"),
            Connection::Postgres(connection) => connection.close().await.expect("PostgreSQL"),
        }
    }
}
