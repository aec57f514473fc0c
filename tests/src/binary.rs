//! The binary `sluice`, driven as a person or a script drives it: arguments, signals, exit codes.
//!
//! Owns one state directory and the processes it started there. Never looks into the host's code:
//! what cannot be seen from outside is no subject of the cases that use it.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::scratch::Scratch;

/// How long a process may take; a busy machine compiles the components once, which takes a minute.
const TIME_OUT: Duration = Duration::from_mins(4);
/// How often something is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(10);

/// The program with a state directory of its own.
#[derive(Debug)]
pub struct Binary {
    program: PathBuf,
    cache: PathBuf,
    scratch: Scratch,
    database_url: Option<String>,
}

/// A process that runs.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// A process that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Binary {
    /// `program` with a new state directory. Compiled components are kept below `cache`, so that
    /// the cases of one test run share them and nothing of the person's own is touched.
    pub fn new(program: &str, cache: &str) -> Self {
        Self { program: program.into(), cache: cache.into(), scratch: Scratch::new("cli"), database_url: None }
    }

    /// Keeps its state in this PostgreSQL database.
    #[must_use]
    pub fn on_database(mut self, url: String) -> Self {
        self.database_url = Some(url);
        self
    }

    /// The directory given as `--data`.
    pub fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    /// A directory for the case's own files.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// Writes a file for the case and gives its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.scratch.path().join(name);
        std::fs::write(&path, content).expect("write a file of the case");
        path
    }

    /// The program with `arguments`, to be started with this state.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        command.env_remove("SLUICE_LOG").env("XDG_CACHE_HOME", &self.cache).env("SLUICE_DATA", self.data());
        match &self.database_url {
            Some(url) => command.env("SLUICE_DATABASE_URL", url),
            None => command.env_remove("SLUICE_DATABASE_URL"),
        };
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Answer {
        self.start(arguments).wait()
    }

    /// Runs it with `--json` and gives the document and the exit code.
    ///
    /// # Panics
    /// When standard output is not exactly one JSON document.
    pub fn json<A: AsRef<OsStr>>(&self, arguments: &[A]) -> (Option<i32>, Value) {
        let mut all: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        all.push(OsStr::new("--json"));
        let answer = self.run(&all);
        let document = serde_json::from_str(&answer.stdout)
            .unwrap_or_else(|error| panic!("standard output is not one JSON document: {error}\n{answer:#?}"));
        (answer.code, document)
    }

    /// The document of a command that succeeds.
    ///
    /// # Panics
    /// When it does not.
    pub fn ok(&self, arguments: &[&str]) -> Value {
        let (code, document) = self.json(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {document:#}");
        document
    }

    /// What a command that succeeds prints for people.
    ///
    /// # Panics
    /// When it does not.
    pub fn shown(&self, arguments: &[&str]) -> String {
        let answer = self.run(arguments);
        assert_eq!(answer.code, Some(0), "{arguments:?}: {answer:#?}");
        answer.stdout
    }

    /// The error's document of a command that ends with `code` and says `part`.
    ///
    /// # Panics
    /// When it does something else, or prints anything beside.
    pub fn refused(&self, arguments: &[&str], code: i32, part: &str) -> Value {
        let answer = self.run(arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (Some(code), ""), "{arguments:?}: {answer:#?}");
        assert!(answer.stderr.contains(part), "{arguments:?}: `{part}` is not in: {answer:#?}");
        let (json_code, mut document) = self.json(arguments);
        assert_eq!((json_code, &document["error"]["exit_code"]), (Some(code), &code.into()), "{document}");
        document["error"].take()
    }

    /// Starts it.
    pub fn start<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Process {
        self.start_command(self.command(arguments))
    }

    /// Starts what [`Self::command`] made.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_command(&self, mut command: Command) -> Process {
        use std::sync::atomic::{AtomicU32, Ordering};
        // Files, not pipes: a process that is not read from must not come to a halt.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = |stream: &str| self.scratch.path().join(format!("{stream}-{number}"));
        let (stdout, stderr) = (path("stdout"), path("stderr"));
        let create = |path: &Path| File::create(path).expect("create a file for output");
        let child = command.stdout(create(&stdout)).stderr(create(&stderr)).spawn().expect("start the binary");
        Process { child, stdout, stderr }
    }

    /// The missions recorded, newest first.
    pub fn missions(&self) -> Vec<Value> {
        let (code, document) = self.json(&["mission", "list"]);
        assert_eq!(code, Some(0), "{document}");
        document["missions"].as_array().expect("missions is a list").clone()
    }
}

impl Process {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    pub fn printed(&self) -> String {
        read(&self.stdout)
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("look at the process").is_some()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).expect("send a signal");
    }

    /// Kills it as a power cut does, and waits until it is gone.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// After four minutes.
    pub fn wait(self) -> Answer {
        self.wait_at_most(TIME_OUT)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// After `time_out`; the process is killed then.
    pub fn wait_at_most(mut self, time_out: Duration) -> Answer {
        let ended = until(time_out, || self.has_ended());
        if !ended {
            let _ = self.child.kill();
        }
        let status = self.child.wait().expect("wait for the process");
        let answer = Answer { code: status.code(), stdout: read(&self.stdout), stderr: read(&self.stderr) };
        assert!(ended, "the binary has not ended after {time_out:?}\n{answer:#?}");
        answer
    }

    /// Waits until it has printed `text`.
    ///
    /// # Panics
    /// When it ends or four minutes pass without that.
    pub fn wait_for(&mut self, text: &str) {
        let mut has_ended = false;
        let seen = until(TIME_OUT, || {
            has_ended = self.has_ended();
            self.printed().contains(text) || has_ended
        });
        let printed = self.printed();
        assert!(seen && printed.contains(text), "`{text}` was not printed (ended: {has_ended}):\n{printed}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A failed case leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// Looks until `is_so`, at most for `time_out`; whether it came to be.
pub fn until(time_out: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    for _ in 0..=time_out.as_millis() / LOOK.as_millis() {
        if is_so() {
            return true;
        }
        std::thread::sleep(LOOK);
    }
    false
}
