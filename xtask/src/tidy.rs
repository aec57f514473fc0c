//! Rules of the tree that the compiler does not know: which module may name which crate and which
//! other module, what may not stand in any file, and migrations that come in pairs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Foreign engines and the one module of the host that names each.
const ENGINES: [(&str, &str); 4] =
    [("sqlx", "store"), ("wasmtime", "plugins"), ("axum", "http"), ("cedar_policy", "policy")];

/// What each module of the host may use of the others. A module that is not listed as allowed is
/// to the right of the one that would use it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &["domain"]),
    ("wire", &["domain"]),
    ("signing", &["domain"]),
    ("policy", &["domain"]),
    ("store", &["domain"]),
    ("events", &["domain", "store"]),
    ("engine", &["domain", "signing", "clock", "wire", "policy", "store", "events"]),
    ("scheduler", &["domain", "engine", "store"]),
    ("plugins", &["domain", "clock", "wire", "engine"]),
    ("kit", &["domain", "wire", "engine", "plugins"]),
    ("embeddings", &["domain", "clock", "engine"]),
    ("webhooks", &["domain", "engine"]),
    ("worker", &["domain", "engine", "wire"]),
    ("timekeeping", &["clock", "store"]),
    ("templates", &["domain", "engine"]),
    ("data_dir", &[]),
    ("http", &["domain", "clock", "wire", "policy", "store", "events", "engine", "plugins", "telemetry"]),
    ("telemetry", &["domain", "clock"]),
    ("config", &["data_dir", "telemetry", "http", "webhooks"]),
    (
        "app",
        &[
            "domain",
            "clock",
            "timekeeping",
            "wire",
            "store",
            "events",
            "engine",
            "scheduler",
            "plugins",
            "worker",
            "templates",
            "webhooks",
            "data_dir",
            "http",
            "config",
            "telemetry",
        ],
    ),
    ("client", &["domain", "wire", "worker"]),
    (
        "cli",
        &[
            "domain",
            "clock",
            "wire",
            "policy",
            "signing",
            "store",
            "events",
            "engine",
            "plugins",
            "kit",
            "embeddings",
            "webhooks",
            "worker",
            "templates",
            "data_dir",
            "app",
            "config",
            "telemetry",
            "client",
            "http",
        ],
    ),
];

/// Checks the tree below `root`.
///
/// # Errors
/// Every breach, one a line.
pub fn check(root: &Path) -> Result<()> {
    let files = tracked_files(root)?;
    let mut problems = Vec::new();
    for file in &files {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        problems.extend(unwanted_words(file, &text));
        if let Some(module) = host_module(file) {
            problems.extend(foreign_uses(file, module, &text));
        }
    }
    problems.extend(unpaired_migrations(&files));
    if problems.is_empty() {
        return Ok(());
    }
    bail!("the tree is not tidy:\n  {}", problems.join("\n  "))
}

fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    let listed =
        Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().context("failed to run git")?;
    let names = String::from_utf8(listed.stdout).context("a file's name is not UTF-8")?;
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}

/// The module a file of the host belongs to.
fn host_module(file: &Path) -> Option<&str> {
    let inside = file.strip_prefix("host/src").ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs"))
}

fn foreign_uses(file: &Path, module: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let code = || text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    for (number, line) in code() {
        let place = format!("{}:{}", file.display(), number + 1);
        for (engine, owner) in ENGINES {
            if module != owner && names_crate(line, engine) {
                problems.push(format!("{place}: only `{owner}` names {engine}"));
            }
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else { continue };
        for used in used_modules(line) {
            if used != module && !allowed.contains(&used.as_str()) {
                problems.push(format!("{place}: `{module}` may not use `{used}`"));
            }
        }
    }
    problems
}

fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let is_word = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '"' || c == '`'));
        is_word && line[at + name.len()..].starts_with("::")
    })
}

/// The modules a line names through `crate::`.
fn used_modules(line: &str) -> Vec<String> {
    let after = line
        .match_indices("crate::")
        .filter(|(at, _)| !line[..*at].ends_with('$'))
        .map(|(at, found)| &line[at + found.len()..]);
    after.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

/// What would tie the repository to a machine or to a place on the network.
fn unwanted_words(file: &Path, text: &str) -> Vec<String> {
    if file.ends_with("Cargo.lock") || file.ends_with("xtask/src/tidy.rs") {
        return Vec::new();
    }
    let words = [
        ["..", "/shared"].concat(),
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["index.", "crates.io"].concat(),
    ];
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| line.contains(word.as_str())) {
            problems.push(format!("{}:{}: names `{word}`", file.display(), number + 1));
        }
    }
    problems
}

fn unpaired_migrations(files: &[PathBuf]) -> Vec<String> {
    let names = |folder: &str| -> BTreeSet<String> {
        let inside = files.iter().filter_map(|file| file.strip_prefix(folder).ok());
        inside.map(|file| file.display().to_string()).collect()
    };
    let (sqlite, postgres) = (names("host/migrations/sqlite"), names("host/migrations/postgres"));
    sqlite
        .symmetric_difference(&postgres)
        .map(|name| format!("migration {name} is there for one database only"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        check(&crate::root()).unwrap();
    }

    #[test]
    fn breaches_are_named() {
        let uses = |path: &str, text: &str| foreign_uses(Path::new(path), host_module(Path::new(path)).unwrap(), text);
        assert_eq!(
            uses("host/src/engine/a.rs", "use sqlx::Pool;\nlet x = crate::cli::main();"),
            ["host/src/engine/a.rs:1: only `store` names sqlx", "host/src/engine/a.rs:2: `engine` may not use `cli`"]
        );
        assert_eq!(
            uses("host/src/domain/a.rs", "use crate::store::Unit;"),
            ["host/src/domain/a.rs:1: `domain` may not use `store`"]
        );
        assert_eq!(uses("host/src/store/a.rs", "use sqlx::Pool; use crate::domain::id::RunId;"), Vec::<String>::new());
        let pair = ["host/migrations/sqlite/0001_a.sql", "host/migrations/postgres/0002_b.sql"].map(PathBuf::from);
        assert_eq!(unpaired_migrations(&pair).len(), 2);
    }
}
