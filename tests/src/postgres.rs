//! A PostgreSQL server of this test process alone, thrown away when the process ends.
//!
//! Found as `initdb` on the PATH or under `/usr/lib/postgresql/*/bin` (the newest). It refuses to
//! run as root, so root runs it as the user `postgres` or `nobody`. It listens on a Unix socket
//! in a temporary directory and nowhere else. A shell is its parent and waits on a pipe whose
//! other end is this process's: however this process ends, the server ends and its files go.

use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Set to 1, a missing PostgreSQL fails the tests that want one instead of passing them.
pub const REQUIRE: &str = "SLUICE_REQUIRE_POSTGRES";

/// How long the server may take to start: a busy machine with one core takes a few seconds.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// What the shell does: runs the server, waits until its input ends, and cleans up.
const KEEPER: &str = r#"
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= "$3" >"$2/log" 2>&1 </dev/null &
server=$!
read -r _
kill -QUIT "$server"
wait "$server"
rm -rf "$2"
"#;

/// Whether the server's writes reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// As in earnest, for benchmarks.
    On,
    /// Faster, for tests.
    Off,
}

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    directory: PathBuf,
    programs: PathBuf,
    /// The shell. Dropping its input ends it.
    keeper: Mutex<Child>,
}

/// The process's server for tests, started when first asked for; `None`, after a line that says
/// so, where there is no PostgreSQL.
///
/// # Panics
/// When PostgreSQL is missing though [`REQUIRE`] is 1, or does not start.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(Fsync::Off)).as_ref()
}

impl Cluster {
    /// Starts a server; `None`, after a line that says so, where there is no PostgreSQL.
    ///
    /// # Panics
    /// When PostgreSQL is missing though [`REQUIRE`] is 1, or does not start.
    pub fn start(fsync: Fsync) -> Option<Self> {
        let Some(programs) = find_programs() else {
            let required = std::env::var(REQUIRE).is_ok_and(|value| value == "1");
            assert!(!required, "{REQUIRE}=1, but there is no initdb on the PATH or under /usr/lib/postgresql/*/bin");
            eprintln!(
                "PostgreSQL is not installed (no initdb): what needs it is skipped; {REQUIRE}=1 makes that a failure"
            );
            return None;
        };
        Some(Self::start_with(&programs, fsync).unwrap_or_else(|problem| panic!("start PostgreSQL: {problem}")))
    }

    fn start_with(programs: &Path, fsync: Fsync) -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("sluice-pg-{}-{number}", std::process::id()));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
        let owner = unprivileged_user()?;
        if let Some((uid, gid)) = owner {
            chown(&directory, Some(uid), Some(gid)).map_err(|error| error.to_string())?;
        }
        let as_owner = |program: &Path| {
            let mut command = Command::new(program);
            if let Some((uid, gid)) = owner {
                command.uid(uid).gid(gid);
            }
            command.current_dir(&directory);
            command
        };
        initialise(&as_owner, programs, &directory)?;
        let fsync = if fsync == Fsync::On { "--fsync=on" } else { "--fsync=off" };
        let keeper = as_owner(Path::new("/bin/sh"))
            .args(["-c", KEEPER, "keeper"])
            .args([programs, &directory])
            .arg(fsync)
            .stdin(Stdio::piped())
            // Ctrl-C ends the tests, and by that the keeper in its own way.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("/bin/sh: {error}"))?;
        let cluster = Self { directory, programs: programs.to_owned(), keeper: Mutex::new(keeper) };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        const PAUSE: Duration = Duration::from_millis(20);
        for _ in 0..START_TIMEOUT.as_millis() / PAUSE.as_millis() {
            let ready =
                Command::new(self.programs.join("pg_isready")).arg("-q").arg("-h").arg(&self.directory).status();
            if ready.is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        Err(format!("not ready after {START_TIMEOUT:?}\n{log}"))
    }

    /// Where all of it lies on disk: tables, write-ahead log and the server's own log.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The URL of a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=postgres", self.directory.display())
    }

    /// A new, empty database; its URL.
    ///
    /// # Panics
    /// When it cannot be created.
    pub async fn create_database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.execute(format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// Runs a statement as the server's superuser.
    ///
    /// # Panics
    /// When it fails.
    pub async fn execute(&self, sql: String) {
        let mut connection = PgConnection::connect(&self.url("postgres")).await.expect("connect to the test server");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("run a statement on the test server");
        connection.close().await.expect("leave the test server");
    }

    /// Ends every session with `url`'s database, as a restart of the server would.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn disconnect_everybody(&self, url: &str) {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE pid <> pg_backend_pid() AND datname = current_database()";
        let mut connection = PgConnection::connect(url).await.expect("connect to the test server");
        sqlx::raw_sql(end).execute(&mut connection).await.expect("end the sessions");
        connection.close().await.expect("leave the test server");
    }

    /// Makes `directory` the server's own, for a tablespace.
    ///
    /// # Panics
    /// When it cannot.
    pub fn give(&self, directory: &Path) {
        if let Some((uid, gid)) = unprivileged_user().expect("a user for the server") {
            chown(directory, Some(uid), Some(gid)).expect("give the directory away");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Ok(keeper) = self.keeper.get_mut() {
            drop(keeper.stdin.take());
            // Its files are gone when it is; if it cannot be waited for, that is not ours to mend.
            let _ = keeper.wait();
        }
    }
}

fn initialise(as_owner: &dyn Fn(&Path) -> Command, programs: &Path, directory: &Path) -> Result<(), String> {
    // A locale that sorts otherwise than by bytes, where there is one: that ids sort by bytes
    // must not depend on the server's.
    let locales: [&[&str]; 2] = [&["--locale-provider=icu", "--icu-locale=en-US", "--locale=C"], &["--locale=C"]];
    let mut problem = String::new();
    for locale in locales {
        let output = as_owner(&programs.join("initdb"))
            .arg("-D")
            .arg(directory.join("data"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"])
            .args(locale)
            .output()
            .map_err(|error| format!("initdb: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        problem = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    Err(format!("initdb: {problem}"))
}

fn find_programs() -> Option<PathBuf> {
    let is_complete =
        |directory: &PathBuf| ["initdb", "postgres", "pg_isready"].iter().all(|name| directory.join(name).is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .filter_map(|directory| directory.join("initdb").canonicalize().ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_owned))
        .find(is_complete);
    if on_path.is_some() {
        return on_path;
    }
    let mut installed: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, directory)| is_complete(directory))
        .collect();
    installed.sort();
    installed.pop().map(|(_, directory)| directory)
}

/// Who the server runs as when this process is root's.
fn unprivileged_user() -> Result<Option<(u32, u32)>, String> {
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0);
    if !is_root {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let find = |wanted: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            match fields.as_slice() {
                [name, _, uid, gid, ..] if *name == wanted => Some((uid.parse().ok()?, gid.parse().ok()?)),
                _ => None,
            }
        })
    };
    match find("postgres").or_else(|| find("nobody")) {
        Some(user) => Ok(Some(user)),
        None => Err("root cannot run it, and there is neither a user postgres nor a user nobody".to_owned()),
    }
}
