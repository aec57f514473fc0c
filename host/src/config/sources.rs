//! Where values come from, and which of them counts: flags, then variables, then the file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Problem};
use super::table::{self, SETTINGS, Setting};
use super::values::Given;
use super::{Config, ServeFlags, nearest};
use crate::data_dir::DataDir;

/// The file's name in the data directory.
const FILE_NAME: &str = "sluice.toml";
/// Largest file, in bytes; the whole table takes two thousand.
const FILE_MAX_BYTES: u64 = 1024 * 1024;
/// How variables of settings begin.
const PREFIX: &str = "SLUICE_";
/// The variable that names the file, as `--config` does.
const CONFIG_VARIABLE: &str = "SLUICE_CONFIG";
/// Variables that are not settings of the server: other commands read them, and workers set them for
/// what they run, which may well be a server again.
const OTHER_VARIABLES: &[&str] = &[
    CONFIG_VARIABLE,
    "SLUICE_SERVER",
    "SLUICE_TOKEN",
    "SLUICE_TOKEN_FILE",
    "SLUICE_WORKSPACE",
    "SLUICE_ARTIFACTS",
    "SLUICE_INPUTS",
    "SLUICE_SCRATCH",
    "SLUICE_MISSION_ID",
    "SLUICE_WORK_ITEM_ID",
    "SLUICE_ATTEMPT",
];
/// How others of that kind begin.
const OTHER_PREFIXES: &[&str] = &["SLUICE_RUN", "SLUICE_REQUIRE_", "SLUICE_TEST_", "SLUICE_GUESTS_"];

/// Which source each setting that was set came from.
pub(super) type Origins = BTreeMap<&'static str, Origin>;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A key in a file.
    File {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A variable of the environment.
    Variable {
        /// Its name.
        name: String,
    },
    /// The command line.
    Flag {
        /// As it is written there, without its value.
        flag: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, key } => write!(f, "{} ({key})", path.display()),
            Self::Variable { name } => write!(f, "variable {name}"),
            Self::Flag { flag } => write!(f, "flag {flag}"),
        }
    }
}

/// The variables of a process, or of a test.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// This process's own.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    /// Keeps what concerns the program. A variable without content counts as not set.
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let named = variables.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(named.filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty()).collect())
    }
}

/// A value on its way into a setting.
struct Entry {
    setting: &'static Setting,
    given: Given,
    origin: Origin,
}

/// What all sources gave, lowest first, and what is wrong with it.
#[derive(Default)]
struct Sources {
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

pub(super) fn load(flags: &ServeFlags, environment: &Environment) -> Result<Config, ConfigError> {
    let mut above = Sources::default();
    above.take_variables(environment);
    above.take_flags(flags);
    let (file, is_chosen) = match chosen_file(flags, environment) {
        Some(path) => (Some(path), true),
        None => (above.file_in_data(), false),
    };
    let mut all = Sources::default();
    if let Some(path) = file {
        all.take_file(&path, is_chosen);
    }
    all.entries.append(&mut above.entries);
    all.problems.append(&mut above.problems);
    all.finish()
}

/// The file somebody named.
fn chosen_file(flags: &ServeFlags, environment: &Environment) -> Option<PathBuf> {
    flags.config.clone().or_else(|| environment.0.get(CONFIG_VARIABLE).map(PathBuf::from))
}

impl Sources {
    fn take_variables(&mut self, environment: &Environment) {
        for (name, value) in &environment.0 {
            let is_other = OTHER_VARIABLES.contains(&name.as_str())
                || OTHER_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            if is_other {
                continue;
            }
            let origin = Origin::Variable { name: name.clone() };
            let setting = SETTINGS.iter().find(|setting| variable_of(setting.name) == *name);
            match (setting, value.to_str()) {
                (Some(setting), Some(text)) => {
                    self.entries.push(Entry { setting, given: Given::Text(text.to_owned()), origin });
                }
                (Some(setting), None) => self.problems.push(Problem::Value {
                    name: setting.name,
                    origin,
                    given: None,
                    right: "it in UTF-8".to_owned(),
                }),
                (None, _) => {
                    let known: Vec<_> = table::names().map(variable_of).collect();
                    let known = known.iter().map(String::as_str).chain(OTHER_VARIABLES.iter().copied());
                    self.problems.push(Problem::Unknown { name: name.clone(), origin, nearest: nearest(name, known) });
                }
            }
        }
    }

    fn take_flags(&mut self, flags: &ServeFlags) {
        for pair in &flags.set {
            let Some((name, value)) = pair.split_once('=') else {
                self.problems.push(Problem::NoValue { given: pair.clone() });
                continue;
            };
            let origin = Origin::Flag { flag: format!("--set {name}") };
            self.take_named(name, Given::Text(value.to_owned()), origin);
        }
        // After `--set`, so that a setting's own flag has the last word.
        let own = [
            ("listen", "--listen", &flags.listen),
            ("data", "--data", &flags.data),
            ("database_url", "--database-url", &flags.database_url),
            ("log_format", "--log-format", &flags.log_format),
        ];
        for (name, flag, value) in own {
            if let Some(value) = value {
                self.take_named(name, Given::Text(value.clone()), Origin::Flag { flag: flag.to_owned() });
            }
        }
    }

    fn take_named(&mut self, name: &str, given: Given, origin: Origin) {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            let nearest = nearest(name, table::names());
            return self.problems.push(Problem::Unknown { name: name.to_owned(), origin, nearest });
        };
        self.entries.push(Entry { setting, given, origin });
    }

    /// The file in the data directory, which only what stands above a file can have named.
    fn file_in_data(&self) -> Option<PathBuf> {
        let given = self.entries.iter().rev().find(|entry| entry.setting.name == "data");
        let given = given.map(|entry| PathBuf::from(entry.given.shown()));
        DataDir::root_of(given.as_deref()).ok().map(|root| root.join(FILE_NAME))
    }

    /// A file that somebody named has to be there; the one in the data directory need not.
    fn take_file(&mut self, path: &Path, is_chosen: bool) {
        let file = |why: String| Problem::File { path: path.display().to_string(), why };
        let text = match read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_chosen => return,
            Err(error) => return self.problems.push(file(format!("the file of settings cannot be read: {error}"))),
        };
        let table: toml::Table = match toml::from_str(&text) {
            Ok(table) => table,
            // Its own text would quote the line, which may hold a password.
            Err(error) => {
                let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
                return self.problems.push(file(format!("line {line} is not TOML: {}", error.message())));
            }
        };
        for (key, value) in table {
            if key == "data" && !is_chosen {
                self.problems.push(Problem::Contradiction(format!(
                    "{}: `data` cannot stand in the data directory's own file; use --data, SLUICE_DATA, or a file \
                     named by --config",
                    path.display()
                )));
                continue;
            }
            let origin = Origin::File { path: path.to_owned(), key: key.clone() };
            self.take_named(&key, Given::Toml(value), origin);
        }
    }

    /// Reads the values, lowest source first, so that a higher one replaces it. A wrong value is told
    /// even where another would replace it: somebody means it to be used.
    fn finish(self) -> Result<Config, ConfigError> {
        let Self { entries, mut problems } = self;
        let is_data_given = entries.iter().any(|entry| entry.setting.name == "data");
        let data = match DataDir::root_of(None) {
            Ok(root) => root,
            Err(_) if is_data_given => PathBuf::new(),
            Err(error) => {
                problems.push(Problem::Contradiction(error.to_string()));
                PathBuf::new()
            }
        };
        let mut config = table::defaults(data);
        for Entry { setting, given, origin } in entries {
            match (setting.set)(&mut config, &given) {
                Ok(()) => {
                    config.origins.insert(setting.name, origin);
                }
                Err(right) => {
                    let given = (!setting.is_secret).then(|| given.shown());
                    problems.push(Problem::Value { name: setting.name, origin, given, right });
                }
            }
        }
        if problems.is_empty() { Ok(config) } else { Err(ConfigError(problems)) }
    }
}

fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(FILE_MAX_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > FILE_MAX_BYTES {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}
