//! How a plugin's core module is compiled: which compiler, and with which flags.
//!
//! The compiler is rustup's with its wasm target; where there is none, the one of Debian's `rustc-web`, which builds the
//! standard library from its sources. The repository's own components are built the same way by `xtask`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Profile;
use crate::kit::KitError;

const TARGET: &str = "wasm32-unknown-unknown";

/// The stack of a component. Its overflow traps, because it lies below the data.
const STACK_BYTES: u32 = 512 * 1024;

/// Memory a component has from the start: stack, data and room for most calls. Growing costs the host more than having.
const INITIAL_MEMORY_BYTES: u32 = 2 * 1024 * 1024;

/// A way to compile plugins.
#[derive(Debug, Clone)]
pub(super) struct Toolchain {
    /// Where the compiler's own files lie.
    sysroot: PathBuf,
    /// The distribution's compiler and the linker it lacks; none for rustup's.
    debian: Option<(PathBuf, PathBuf)>,
}

impl Toolchain {
    /// The way to compile plugins on this machine, for a plugin in `folder`: rustup may choose a toolchain by directory.
    ///
    /// # Errors
    /// [`KitError::NoCompiler`], which says what to install.
    pub(super) fn find(folder: &Path) -> Result<Self, KitError> {
        let own = ask(folder, Path::new("rustc"), &["--print", "sysroot"]).map(PathBuf::from);
        if let Some(sysroot) = own.as_ref().filter(|root| root.join("lib/rustlib").join(TARGET).join("lib").is_dir()) {
            return Ok(Self { sysroot: sysroot.clone(), debian: None });
        }
        Self::debian(folder, own.as_deref()).ok_or(KitError::NoCompiler)
    }

    /// The distribution's compiler, with the linker of rustup's toolchain.
    fn debian(folder: &Path, own: Option<&Path>) -> Option<Self> {
        let rustc = PathBuf::from("/usr/bin/rustc");
        let sysroot = PathBuf::from(ask(folder, &rustc, &["--print", "sysroot"])?);
        let host = ask(folder, &rustc, &["--print", "host-tuple"])?;
        let linker = own.unwrap_or(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
        let has_all = sysroot.join("lib/rustlib/src/rust/library/std").is_dir() && linker.is_file();
        has_all.then_some(Self { sysroot, debian: Some((rustc, linker)) })
    }

    /// Compiles the plugin in `folder` and gives its core module. What the compiler has to say goes to standard error.
    ///
    /// # Errors
    /// [`KitError::Compile`]; [`KitError::Tool`] without cargo; [`KitError::File`] when cargo left no module.
    pub(super) fn compile(&self, folder: &Path, profile: Profile, offline: bool) -> Result<Vec<u8>, KitError> {
        let manifest = folder.join("Cargo.toml");
        let library = library_of(&manifest)?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder.join("target"), PathBuf::from);
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--lib", "--target", TARGET, "--profile", profile.name(), "--manifest-path"]);
        cargo.arg(&manifest).arg("--target-dir").arg(&target).current_dir(folder);
        if profile == Profile::Watch {
            // Also of a plugin that has no such profile of its own.
            cargo.args(["--config", "profile.watch.inherits=\"release\""]);
        }
        if offline {
            cargo.arg("--offline");
        }
        cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", self.flags());
        if let Some((rustc, linker)) = &self.debian {
            cargo.arg("-Zbuild-std=std,panic_abort").env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        let status = cargo.stdin(Stdio::null()).stdout(Stdio::null()).status();
        let status = status.map_err(|source| KitError::Tool { program: "cargo".to_owned(), source })?;
        if !status.success() {
            return Err(KitError::Compile { status });
        }
        let path = target.join(TARGET).join(profile.name()).join(format!("{library}.wasm"));
        fs::read(&path).map_err(KitError::reading(&path))
    }

    /// Flags that make the bytes the same on every machine: no path of this one, one size of stack and memory.
    fn flags(&self) -> OsString {
        let mut flags: Vec<String> = self
            .remapped()
            .into_iter()
            .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
            .collect();
        flags.push(format!("-Clink-arg=-zstack-size={STACK_BYTES}"));
        flags.push(format!("-Clink-arg=--initial-memory={INITIAL_MEMORY_BYTES}"));
        flags.join("\u{1f}").into()
    }

    /// Paths of this machine, and what stands for them. The compiler takes the last that fits. A plugin's own files are
    /// named by their place in it.
    fn remapped(&self) -> Vec<(PathBuf, &'static str)> {
        let library = self.sysroot.join("lib/rustlib/src/rust");
        let real = fs::canonicalize(&library).ok().map(|real| (real, "/rust/src"));
        let mut paths = vec![(self.sysroot.clone(), "/rust"), (library, "/rust/src")];
        paths.extend(real);
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
        // Each registry's packages lie in a directory whose name tells which registry it is.
        let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
        paths.extend(registries.into_iter().flatten().flatten().map(|registry| (registry.path(), "/deps")));
        paths
    }
}

/// What a tool answers in one line; nothing when it is not there or does not know.
fn ask(folder: &Path, program: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(folder).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// What cargo calls the library of a package.
fn library_of(path: &Path) -> Result<String, KitError> {
    let text = fs::read_to_string(path).map_err(KitError::reading(path))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| KitError::content(path, error.message()))?;
    let name = |section: &str| table.get(section)?.get("name")?.as_str();
    let found = name("lib").or_else(|| name("package"));
    found.map(|name| name.replace('-', "_")).ok_or_else(|| KitError::content(path, "names no package"))
}
