//! How a guest's core module is compiled.
//!
//! Owns which compiler is taken (the one of rustup with its wasm target, else Debian's `rustc-web` and
//! a standard library built from source), and the flags that make the bytes the same on every
//! machine. Never touches the workspace's own target folder. Read next: [`find`].

use super::guest::Guest;
use anyhow::{Context, Result, bail};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// The stack of a guest. Its overflow traps, because it lies below the data.
const STACK_BYTES: u32 = 512 * 1024;

/// Memory a guest has from the start: stack, data and room for most calls. Growing costs the host
/// more than having.
const INITIAL_MEMORY_BYTES: u32 = 2 * 1024 * 1024;

/// Set to anything, the distribution's compiler is taken even where rustup has the target; for
/// trying that way out.
const PREFER_DEBIAN: &str = "SLUICE_GUESTS_WITH_RUSTC_WEB";

/// What to say when there is nothing to compile with.
const REMEDY: &str = "no compiler for wasm32-unknown-unknown was found; install one of
  rustup target add wasm32-unknown-unknown
  apt-get install rustc-web rust-web-src   (Debian, Ubuntu)";

/// A way to compile guests.
#[derive(Debug, Clone)]
pub(super) struct Toolchain {
    kind: Kind,
    /// Folder of the compiler and its libraries.
    sysroot: PathBuf,
    cargo_home: PathBuf,
    version: String,
}

#[derive(Debug, Clone)]
enum Kind {
    /// The toolchain in use has the target.
    Rustup,
    /// The distribution's compiler, which brings the library's sources, and a linker.
    Debian { rustc: PathBuf, linker: PathBuf },
}

impl fmt::Display for Toolchain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match &self.kind {
            Kind::Rustup => "rustup's wasm target",
            Kind::Debian { .. } => "rustc-web, standard library from source",
        };
        write!(out, "{} ({how})", self.version)
    }
}

/// The way to compile guests on this machine.
///
/// # Errors
///
/// There is none; the error says what to install.
pub(super) fn find(root: &Path) -> Result<Toolchain> {
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .unwrap_or_else(|| root.join(".cargo"));
    let rustc = PathBuf::from("rustc");
    let sysroot = PathBuf::from(ask(root, &rustc, &["--print", "sysroot"])?);
    let version = ask(root, &rustc, &["--version"])?;
    let libraries = sysroot.join("lib/rustlib");
    let has_target = libraries.join(TARGET).join("lib").is_dir();
    if has_target && std::env::var_os(PREFER_DEBIAN).is_none() {
        return Ok(Toolchain { kind: Kind::Rustup, sysroot, cargo_home, version });
    }
    let rustc = PathBuf::from("/usr/bin/rustc");
    let Ok(sysroot) = ask(root, &rustc, &["--print", "sysroot"]).map(PathBuf::from) else {
        bail!(REMEDY);
    };
    let host = ask(root, &rustc, &["--print", "host-tuple"])?;
    let linker = libraries.join(host).join("bin/rust-lld");
    if !sysroot.join("lib/rustlib/src/rust/library/std").is_dir() || !linker.is_file() {
        bail!(REMEDY);
    }
    let version = ask(root, &rustc, &["--version"])?;
    Ok(Toolchain { kind: Kind::Debian { rustc, linker }, sysroot, cargo_home, version })
}

fn ask(folder: &Path, program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .with_context(|| program.display().to_string())?;
    if !output.status.success() {
        bail!("{} {}: {}", program.display(), arguments.join(" "), output.status);
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

impl Toolchain {
    /// Compiles `guest` and gives its core module.
    pub(super) fn build(&self, root: &Path, guest: &Guest) -> Result<Vec<u8>> {
        let target_folder =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("guests");
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--lib", "--profile", "guest", "--target", TARGET, "--package"])
            .arg(&guest.package)
            .arg("--manifest-path")
            .arg(guest.folder.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target_folder)
            .args(profile_arguments(root)?)
            .current_dir(root)
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(root).join("\u{1f}"));
        if let Kind::Debian { rustc, linker } = &self.kind {
            cargo
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC", rustc)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        let status = cargo.status().context("cargo")?;
        if !status.success() {
            bail!("cargo build: {status}");
        }
        let file = format!("{}.wasm", guest.package.replace('-', "_"));
        let path = target_folder.join(TARGET).join("guest").join(file);
        fs::read(&path).with_context(|| path.display().to_string())
    }

    fn flags(&self, root: &Path) -> Vec<String> {
        let mut flags: Vec<String> =
            self.remapped(root).into_iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")).collect();
        flags.push(format!("-Clink-arg=-zstack-size={STACK_BYTES}"));
        flags.push(format!("-Clink-arg=--initial-memory={INITIAL_MEMORY_BYTES}"));
        flags
    }

    /// Paths of this machine, and what stands for them in a component. The compiler takes the
    /// last that fits.
    fn remapped(&self, root: &Path) -> Vec<(String, &'static str)> {
        let mut paths = vec![
            (root.display().to_string(), "/sluice"),
            (self.sysroot.display().to_string(), "/rust"),
            (self.sysroot.join("lib/rustlib/src/rust").display().to_string(), "/rust/src"),
        ];
        let sources = self.sysroot.join("lib/rustlib/src/rust");
        if let Ok(real) = fs::canonicalize(&sources) {
            paths.push((real.display().to_string(), "/rust/src"));
        }
        // Each registry's packages lie in a folder whose name tells which registry it is.
        let registries = fs::read_dir(self.cargo_home.join("registry/src"));
        for registry in registries.into_iter().flatten().flatten() {
            paths.push((registry.path().display().to_string(), "/deps"));
        }
        paths
    }

    /// Paths that may not stand in a component.
    pub(super) fn machine_paths(&self, root: &Path) -> Vec<String> {
        let home = std::env::home_dir().map(|home| home.display().to_string());
        let mut paths: Vec<String> = self.remapped(root).into_iter().map(|(from, _)| from).collect();
        paths.push(self.cargo_home.display().to_string());
        paths.extend(home);
        paths
    }
}

/// The workspace's profile `guest` as arguments, for guests that are not its members.
fn profile_arguments(root: &Path) -> Result<Vec<String>> {
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let profile = manifest
        .get("profile")
        .and_then(|profiles| profiles.get("guest"))
        .and_then(toml::Value::as_table)
        .context("Cargo.toml has no profile `guest`")?;
    let arguments =
        profile.iter().flat_map(|(key, value)| ["--config".to_owned(), format!("profile.guest.{key}={value}")]);
    Ok(arguments.collect())
}
