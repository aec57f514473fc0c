//! The writer's statements, generated once from the tables' descriptions.
//!
//! Each statement is set-based: it takes all rows of a batch at once. On SQLite they come as
//! one JSON array of arrays, on PostgreSQL as one array for each column. Nothing else in the
//! store knows this difference.

use std::sync::Arc;

use super::table::{Column, Kind, Life, Table, TableId};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A statement's text, shared so that the connection's cache knows it again.
pub(super) type Sql = Arc<str>;

/// The statements of one table.
#[derive(Debug)]
pub(super) struct TableStatements {
    /// Writes rows. Argument: rows of all columns.
    pub(super) write: Sql,
    /// Deletes rows. Argument: rows of the key's columns.
    pub(super) delete: Sql,
    /// Reads the key, what a guard compares, and the end where there is one. Argument: rows of the key's columns.
    pub(super) guard: Sql,
}

/// Every statement of a batch.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) dialect: Dialect,
    tables: Vec<TableStatements>,
    /// Renews leases. Argument: rows of run, fence, end.
    pub(super) renew_leases: Sql,
    /// Reads the newest `seq`. No argument.
    pub(super) head: Sql,
    /// Moves the newest `seq`, and tells other hosts when the transaction commits. Argument: one row of the new one.
    pub(super) move_head: Sql,
}

/// The columns of [`Statements::renew_leases`].
pub(super) const RENEWAL_COLUMNS: &[Column] =
    &[super::table::text("run_id"), super::table::integer("fence"), super::table::integer("expires_at_ms")];

impl Statements {
    /// The statements for one database; `host` is how this host calls itself when it tells others.
    pub(super) fn new(dialect: Dialect, host: u64) -> Self {
        let tables = TableId::ALL
            .iter()
            .map(|id| {
                let table = id.table();
                TableStatements {
                    write: write(dialect, table).into(),
                    delete: delete(dialect, table).into(),
                    guard: guard(dialect, table).into(),
                }
            })
            .collect();
        Self {
            dialect,
            tables,
            renew_leases: renew_leases(dialect).into(),
            head: HEAD.into(),
            move_head: move_head(dialect, host).into(),
        }
    }

    /// The statements of one table.
    pub(super) fn of(&self, table: TableId) -> &TableStatements {
        &self.tables[table as usize]
    }
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// A `FROM` item called `given` that holds the argument's rows under their columns' names.
///
/// `jsonb_each` and not `json_each`, whose rows would be written out as text and parsed again
/// for every column: three times slower for 20 columns (measured with SQLite 3.51.3).
pub(super) fn given(dialect: Dialect, columns: &[Column]) -> String {
    match dialect {
        Dialect::Sqlite => {
            let values: Vec<_> = columns
                .iter()
                .enumerate()
                .map(|(index, column)| format!("value ->> {index} AS {}", column.name))
                .collect();
            format!("(SELECT {} FROM jsonb_each($1)) AS given", values.join(", "))
        }
        Dialect::Postgres => {
            let arrays: Vec<_> = columns
                .iter()
                .enumerate()
                .map(|(index, column)| {
                    let kind = match column.kind {
                        Kind::Text => "text",
                        Kind::Integer => "int8",
                        Kind::Boolean => "boolean",
                    };
                    format!("${}::{kind}[]", index + 1)
                })
                .collect();
            format!("unnest({}) AS given({})", arrays.join(", "), names(columns))
        }
    }
}

fn write(dialect: Dialect, table: &Table) -> String {
    let Table { name, columns, .. } = table;
    let columns_list = names(columns);
    // `WHERE TRUE` keeps SQLite from reading ON CONFLICT as the condition of a join.
    let insert = format!(
        "INSERT INTO {name} ({columns_list}) SELECT {columns_list} FROM {} WHERE TRUE",
        given(dialect, columns)
    );
    if table.life == Life::AppendOnly {
        return insert;
    }
    let updates: Vec<_> = columns
        .iter()
        .skip(table.key_columns)
        .filter(|column| column.name != "workspace_id")
        .map(|column| match column.merge {
            Some(merge) => format!("{} = {merge}", column.name),
            None => format!("{0} = excluded.{0}", column.name),
        })
        .collect();
    let update = format!("{insert} ON CONFLICT ({}) DO UPDATE SET {}", names(table.key()), updates.join(", "));
    if !columns.iter().any(|column| column.name == "workspace_id") {
        return update;
    }
    // A row of another workspace is never taken over: it is not counted, and the count is
    // checked.
    format!("{update} WHERE {name}.workspace_id = excluded.workspace_id")
}

fn same_key(table: &Table) -> String {
    let name = table.name;
    table.key().iter().map(|column| format!("{name}.{0} = given.{0}", column.name)).collect::<Vec<_>>().join(" AND ")
}

fn delete(dialect: Dialect, table: &Table) -> String {
    let name = table.name;
    let key = names(table.key());
    format!("DELETE FROM {name} WHERE ({key}) IN (SELECT {key} FROM {})", given(dialect, table.key()))
}

fn guard(dialect: Dialect, table: &Table) -> String {
    let name = table.name;
    let key = table.key().iter().map(|column| format!("{name}.{}", column.name)).collect::<Vec<_>>().join(", ");
    let value = table.guard_column.map_or_else(|| "CAST(1 AS BIGINT)".to_owned(), |column| format!("{name}.{column}"));
    let end = table.end_column.map(|column| format!(", {name}.{column}")).unwrap_or_default();
    // CROSS JOIN makes SQLite look the few given keys up instead of scanning the table for them.
    format!(
        "SELECT {key}, {value}{end} FROM {} CROSS JOIN {name} WHERE {}",
        given(dialect, table.key()),
        same_key(table)
    )
}

fn renew_leases(dialect: Dialect) -> String {
    format!(
        "UPDATE run_leases SET expires_at_ms = given.expires_at_ms FROM {} WHERE run_leases.run_id = given.run_id \
         AND run_leases.fence = given.fence AND run_leases.expires_at_ms < given.expires_at_ms",
        given(dialect, RENEWAL_COLUMNS)
    )
}

const HEAD: &str = "SELECT seq FROM log_head";

fn move_head(dialect: Dialect, host: u64) -> String {
    let given = given(dialect, &[super::table::integer("seq")]);
    match dialect {
        Dialect::Sqlite => format!("UPDATE log_head SET seq = given.seq FROM {given}"),
        Dialect::Postgres => format!(
            "WITH moved AS (UPDATE log_head SET seq = given.seq FROM {given} RETURNING 1) \
             SELECT pg_notify('{}', '{host}') FROM moved",
            super::postgres::CHANNEL
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_numbered_in_the_order_of_the_list() {
        for (index, id) in TableId::ALL.into_iter().enumerate() {
            assert_eq!(id as usize, index);
        }
    }

    #[test]
    fn append_only_rows_are_never_replaced() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let statements = Statements::new(dialect, 1);
            for id in TableId::ALL {
                let replaces = statements.of(id).write.contains("ON CONFLICT");
                assert_eq!(replaces, id.table().life == Life::Mutable, "{}", id.table().name);
            }
        }
    }

    #[test]
    fn a_timers_statements_read_as_written_by_hand() {
        let sqlite = Statements::new(Dialect::Sqlite, 1);
        assert_eq!(
            &*sqlite.of(TableId::Timers).guard,
            "SELECT timers.mission_id, timers.key, timers.revision FROM (SELECT value ->> 0 AS mission_id, \
             value ->> 1 AS key FROM jsonb_each($1)) AS given CROSS JOIN timers \
             WHERE timers.mission_id = given.mission_id AND timers.key = given.key"
        );
        let postgres = Statements::new(Dialect::Postgres, 1);
        assert_eq!(
            &*postgres.of(TableId::Timers).write,
            "INSERT INTO timers (mission_id, key, workspace_id, due_at_ms, data, revision) \
             SELECT mission_id, key, workspace_id, due_at_ms, data, revision \
             FROM unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::text[], $6::int8[]) \
             AS given(mission_id, key, workspace_id, due_at_ms, data, revision) WHERE TRUE \
             ON CONFLICT (mission_id, key) DO UPDATE SET due_at_ms = excluded.due_at_ms, data = excluded.data, \
             revision = excluded.revision WHERE timers.workspace_id = excluded.workspace_id"
        );
    }
}
