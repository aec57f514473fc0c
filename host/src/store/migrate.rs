//! Migrations: the schema's history, applied in order, each in a transaction of its own.
//!
//! Pairs of one number, one file for each database; append only. To change the schema add the
//! next pair to `host/migrations/` and to the list here; never edit one that was released.

use super::database::{Connection, WriteConnection};
use super::error::{OpenError, StorageError};
use super::row::Cell;
use super::sql::Dialect;
use super::table::{integer, text};

struct Migration {
    number: u32,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "spine",
        sqlite: include_str!("../../migrations/sqlite/0001_spine.sql"),
        postgres: include_str!("../../migrations/postgres/0001_spine.sql"),
    },
    Migration {
        number: 2,
        name: "server",
        sqlite: include_str!("../../migrations/sqlite/0002_server.sql"),
        postgres: include_str!("../../migrations/postgres/0002_server.sql"),
    },
    Migration {
        number: 3,
        name: "resources",
        sqlite: include_str!("../../migrations/sqlite/0003_resources.sql"),
        postgres: include_str!("../../migrations/postgres/0003_resources.sql"),
    },
    Migration {
        number: 4,
        name: "sessions",
        sqlite: include_str!("../../migrations/sqlite/0004_sessions.sql"),
        postgres: include_str!("../../migrations/postgres/0004_sessions.sql"),
    },
    Migration {
        number: 5,
        name: "memory",
        sqlite: include_str!("../../migrations/sqlite/0005_memory.sql"),
        postgres: include_str!("../../migrations/postgres/0005_memory.sql"),
    },
    Migration {
        number: 6,
        name: "governance",
        sqlite: include_str!("../../migrations/sqlite/0006_governance.sql"),
        postgres: include_str!("../../migrations/postgres/0006_governance.sql"),
    },
    Migration {
        number: 7,
        name: "routines",
        sqlite: include_str!("../../migrations/sqlite/0007_routines.sql"),
        postgres: include_str!("../../migrations/postgres/0007_routines.sql"),
    },
    Migration {
        number: 8,
        name: "routine_work",
        sqlite: include_str!("../../migrations/sqlite/0008_routine_work.sql"),
        postgres: include_str!("../../migrations/postgres/0008_routine_work.sql"),
    },
    Migration {
        number: 9,
        name: "embeddings",
        sqlite: include_str!("../../migrations/sqlite/0009_embeddings.sql"),
        postgres: include_str!("../../migrations/postgres/0009_embeddings.sql"),
    },
    Migration {
        number: 10,
        name: "policy",
        sqlite: include_str!("../../migrations/sqlite/0010_policy.sql"),
        postgres: include_str!("../../migrations/postgres/0010_policy.sql"),
    },
    Migration {
        number: 11,
        name: "plugins",
        sqlite: include_str!("../../migrations/sqlite/0011_plugins.sql"),
        postgres: include_str!("../../migrations/postgres/0011_plugins.sql"),
    },
    Migration {
        number: 12,
        name: "open_occurrences",
        sqlite: include_str!("../../migrations/sqlite/0012_open_occurrences.sql"),
        postgres: include_str!("../../migrations/postgres/0012_open_occurrences.sql"),
    },
    Migration {
        number: 13,
        name: "quarantine",
        sqlite: include_str!("../../migrations/sqlite/0013_quarantine.sql"),
        postgres: include_str!("../../migrations/postgres/0013_quarantine.sql"),
    },
    Migration {
        number: 14,
        name: "webhooks",
        sqlite: include_str!("../../migrations/sqlite/0014_webhooks.sql"),
        postgres: include_str!("../../migrations/postgres/0014_webhooks.sql"),
    },
    Migration {
        number: 15,
        name: "shadows",
        sqlite: include_str!("../../migrations/sqlite/0015_shadows.sql"),
        postgres: include_str!("../../migrations/postgres/0015_shadows.sql"),
    },
];

/// Where the migrations' own record is kept. On SQLite the table tells our database from
/// another program's.
const RECORD_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (\
     number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)";

/// Brings the database to the newest schema.
///
/// # Errors
/// [`OpenError::NewerSchema`] before anything is written; [`OpenError::Foreign`] when there are
/// tables but none of ours; [`OpenError::Migration`] with the one that failed, those before it
/// stay.
pub(super) async fn run(connection: &mut WriteConnection) -> Result<(), OpenError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    let Found { newest: found, is_ours } =
        connection.transaction(find).await.map_err(|error| open_error(&error.error))?;
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    if !is_ours {
        return Err(OpenError::Foreign);
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > found) {
        let applied = connection.transaction(async |connection| apply(connection, migration).await).await;
        applied.map_err(|failed| match failed.error.kind {
            super::StorageErrorKind::Other => {
                OpenError::Migration { number: migration.number, source: failed.error.into() }
            }
            _ => open_error(&failed.error),
        })?;
    }
    Ok(())
}

struct Found {
    newest: u32,
    is_ours: bool,
}

async fn find(connection: &mut Connection) -> Result<Found, StorageError> {
    let tables = match connection.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
        Dialect::Postgres => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() \
             ORDER BY table_name"
        }
    };
    let tables = connection.rows(tables, &[], &[text("name")]).await?;
    if !tables.iter().any(|row| row[0] == Cell::from("schema_migrations")) {
        return Ok(Found { newest: 0, is_ours: tables.is_empty() });
    }
    let newest =
        connection.rows("SELECT COALESCE(MAX(number), 0) FROM schema_migrations", &[], &[integer("number")]).await?;
    let newest = match newest.first().and_then(|row| row.first()) {
        Some(Cell::Integer(number)) => u32::try_from(*number).unwrap_or(u32::MAX),
        _ => 0,
    };
    Ok(Found { newest, is_ours: true })
}

/// Applies one migration, unless another host did while this one waited for the lock.
async fn apply(connection: &mut Connection, migration: &Migration) -> Result<(), StorageError> {
    let Migration { number, name, sqlite, postgres } = migration;
    connection.run(RECORD_TABLE).await?;
    let claimed = connection
        .execute(
            "INSERT INTO schema_migrations (number, name) VALUES ($1, $2) ON CONFLICT (number) DO NOTHING",
            &[(*number).into(), (*name).into()],
        )
        .await?;
    if claimed == 0 {
        return Ok(());
    }
    connection
        .run(match connection.dialect() {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        })
        .await?;
    Ok(())
}

/// A storage failure while opening.
fn open_error(error: &StorageError) -> OpenError {
    use super::StorageErrorKind as Kind;
    let source: Box<dyn std::error::Error + Send + Sync> = error.clone().into();
    match error.kind {
        Kind::Full => OpenError::Full { source },
        Kind::ReadOnly => OpenError::ReadOnly { source },
        Kind::Busy => OpenError::Busy { source },
        Kind::Unavailable => OpenError::Unreachable { source },
        Kind::Corrupt => OpenError::Damaged { source },
        Kind::Invalid | Kind::Other => OpenError::Other { source },
    }
}

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn migrations_are_numbered_from_one_without_holes() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number as usize, index + 1, "{}", migration.name);
        }
    }
}
