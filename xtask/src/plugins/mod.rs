//! `plugins`: builds the guests of the repository as components and says whether the prebuilt ones
//! are current.
//!
//! Owns the order of steps: find the guests, build the core module, make it a component, append
//! the manifest, validate, write, record. Because the components are committed, nobody needs a
//! wasm toolchain to run or test the host; [`check`] needs no compiler either.
//! Read next: `guest`, `toolchain`, `component`, `digest`, `record`.

mod component;
mod digest;
mod guest;
mod record;
mod toolchain;

use anyhow::{Context, Result, bail};
use guest::Guest;
use record::Record;
use std::path::Path;

/// Builds the guests named, or all, and writes each with its record. A component whose bytes do
/// not change is not written again.
///
/// # Errors
///
/// No toolchain for wasm is found (the error says what to install), a guest does not compile, or
/// a component asks for an import that its world does not offer.
pub fn build(root: &Path, names: &[&str]) -> Result<()> {
    let mut guests = guest::find(root)?;
    if let Some(unknown) = names.iter().find(|name| guests.iter().all(|g| g.name() != **name)) {
        bail!("no guest is called {unknown}");
    }
    let whole = names.is_empty();
    if !whole {
        guests.retain(|guest| names.contains(&guest.name()));
    }
    let toolchain = toolchain::find(root)?;
    println!("toolchain: {toolchain}");
    for guest in &guests {
        build_one(root, &toolchain, guest)?;
    }
    if whole {
        record::prune(root, &guests)?;
    }
    Ok(())
}

fn build_one(root: &Path, toolchain: &toolchain::Toolchain, guest: &Guest) -> Result<()> {
    let name = guest.name();
    let module = toolchain.build(root, guest).with_context(|| format!("building {name}"))?;
    let component =
        component::encode(&module, &guest.manifest_text).with_context(|| format!("making a component of {name}"))?;
    component::validate(&component, &guest.manifest).with_context(|| format!("validating {name}"))?;
    refuse_machine_paths(&component, &toolchain.machine_paths(root)).with_context(|| format!("validating {name}"))?;
    let entry = Record { digest: digest::of_bytes(&component), sources: digest::of_sources(root, guest)? };
    record::write(guest, &component, &entry)?;
    println!("{name}: {} KiB, sha256:{}", component.len().div_ceil(1024), entry.digest);
    Ok(())
}

/// Whether every prebuilt component is there, unaltered, and built from the present sources.
/// Needs no compiler.
///
/// # Errors
///
/// Names every guest at fault, why, and what to run.
pub fn check(root: &Path) -> Result<()> {
    let mut faults = Vec::new();
    for guest in guest::find(root)? {
        if let Some(fault) = fault_of(root, &guest)? {
            faults.push(format!("{}: {fault}", guest.name()));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("prebuilt components are not current:\n  {}\nrun: cargo run -p xtask -- plugins", faults.join("\n  "));
}

fn fault_of(root: &Path, guest: &Guest) -> Result<Option<&'static str>> {
    let Some(recorded) = record::read(guest)? else {
        return Ok(Some("has never been built"));
    };
    let Ok(component) = std::fs::read(guest.prebuilt()) else {
        return Ok(Some("its component is missing"));
    };
    if digest::of_bytes(&component) != recorded.digest {
        return Ok(Some("its component is not the one recorded"));
    }
    if digest::of_sources(root, guest)? != recorded.sources {
        return Ok(Some("its sources have changed since it was built"));
    }
    Ok(None)
}

/// A path of the building machine in a component would tell of that machine, and would make the
/// bytes differ from everybody else's.
fn refuse_machine_paths(component: &[u8], paths: &[String]) -> Result<()> {
    for path in paths.iter().filter(|path| path.len() > 1) {
        if component.windows(path.len()).any(|window| window == path.as_bytes()) {
            bail!("the component contains the machine's path {path}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prebuilt_components_belong_to_the_present_sources() {
        if let Err(error) = check(&crate::root()) {
            panic!("{error:#}");
        }
    }

    #[test]
    fn a_machine_path_is_refused() {
        let paths = ["/home/someone".to_owned(), "/".to_owned()];
        assert!(refuse_machine_paths(b"..src/lib.rs..", &paths).is_ok());
        assert!(refuse_machine_paths(b"../home/someone/src/lib.rs..", &paths).is_err());
    }
}
