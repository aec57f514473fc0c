//! A run's directory: what the process finds there.
//!
//! `artifacts/` is where it leaves things ([`super::collect`] takes them from there),
//! `inputs/<work item>/` holds what the items it depends on left, `run.json` is what it also gets
//! on its standard input, `work/` is its own. Names come from whoever coordinates and are believed
//! only where they are plain: nothing is written outside the directory.

use std::path::{Component, Path, PathBuf};

use super::port::{Coordinator, Held};

/// A run's directory.
pub(super) struct Scratch {
    pub(super) root: PathBuf,
    pub(super) run_json: Vec<u8>,
}

impl Scratch {
    /// Makes the directory, empty but for the inputs.
    pub(super) async fn create<C: Coordinator>(
        coordinator: &C,
        held: &Held<C>,
        scratch_root: &Path,
    ) -> Result<Self, String> {
        let root = scratch_root.join(plain(&held.run.id)?);
        let run_json = serde_json::to_vec_pretty(&held.run).map_err(|error| error.to_string())?;
        let _ = std::fs::remove_dir_all(&root);
        for directory in ["artifacts", "inputs", "work"] {
            std::fs::create_dir_all(root.join(directory)).map_err(|error| error.to_string())?;
        }
        std::fs::write(root.join("run.json"), &run_json).map_err(|error| error.to_string())?;
        let scratch = Self { root, run_json };
        scratch.write_inputs(coordinator, held).await?;
        Ok(scratch)
    }

    async fn write_inputs<C: Coordinator>(&self, coordinator: &C, held: &Held<C>) -> Result<(), String> {
        for dependency in held.run.inputs.iter().flat_map(|inputs| &inputs.dependencies) {
            let directory = self.root.join("inputs").join(plain(&dependency.work_item_id)?);
            std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
            for artifact in &dependency.artifacts {
                let content = coordinator.input(held, artifact).await.map_err(|error| error.to_string())?;
                let path = directory.join(plain(&artifact.name)?);
                std::fs::write(path, content).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

/// A name that is one step down and nothing else.
fn plain(name: &str) -> Result<&str, String> {
    let mut components = Path::new(name).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(name),
        _ => Err(format!("`{name}` is no plain name")),
    }
}

/// Removes a run's directory; one that cannot be removed is only untidy.
pub(super) fn remove(scratch_root: &Path, run_id: &str) {
    let Ok(name) = plain(run_id) else { return };
    if let Err(error) = std::fs::remove_dir_all(scratch_root.join(name)) {
        tracing::debug!(%run_id, %error, "a run's directory was not removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_step_down_is_a_plain_name() {
        for name in ["a", "a.b", "wi_1", "..x"] {
            assert_eq!(plain(name), Ok(name));
        }
        for name in ["", ".", "..", "a/b", "/a", "a/", "./a", "../a"] {
            assert!(plain(name).is_err(), "{name}");
        }
    }
}
