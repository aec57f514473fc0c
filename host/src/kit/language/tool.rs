//! A tool of another ecosystem that makes components: where it is looked for, and how it is run.
//!
//! A plugin has its own, in the version that its project file names; one in `PATH` does where it has none. Never installs
//! anything.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Profile;
use crate::kit::KitError;
use crate::kit::source::PluginSource;

/// Where the component of a tool is written, in a plugin's directory.
const OUTPUT: &str = "target";

/// A tool that makes components.
#[derive(Debug)]
pub(super) struct Tool {
    /// The name of its program.
    pub(super) program: &'static str,
    /// Where the program lies in a project it was installed for; a plugin may be a part of one.
    pub(super) place: &'static str,
    /// What installs it.
    pub(super) preparation: &'static str,
}

impl Tool {
    /// The program for the plugin in `folder`.
    fn find(&self, folder: &Path, path: Option<&OsStr>) -> Result<PathBuf, KitError> {
        let own = folder.ancestors().map(|project| project.join(self.place));
        let installed = path.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
        let mut programs = own.chain(installed).map(|place| place.join(self.program));
        programs.find(|program| program.is_file()).ok_or_else(|| KitError::NoTool {
            program: self.program,
            folder: folder.to_owned(),
            preparation: self.preparation,
        })
    }
}

/// Whether a component may be made of what lies at `place`: modules have no place of their own, so anything but what is built,
/// what judges it, and what a person reads.
pub(super) fn is_source(place: &Path) -> bool {
    let is_other = |ending: &OsStr| ["wasm", "part", "md"].iter().any(|other| ending == *other);
    !place.starts_with(OUTPUT) && !place.starts_with("tests") && !place.extension().is_some_and(is_other)
}

/// Runs a tool in a plugin's directory and gives the component that it makes. `arguments` gets the place for it, below that
/// directory.
///
/// # Errors
/// [`KitError::NoTool`]; [`KitError::Tool`]; [`KitError::Compile`]; [`KitError::File`] when the tool left nothing.
pub(super) fn component(
    tool: &Tool,
    plugin: &PluginSource,
    profile: Profile,
    arguments: impl FnOnce(&mut Command, &Path),
) -> Result<Vec<u8>, KitError> {
    let program = tool.find(&plugin.folder, std::env::var_os("PATH").as_deref())?;
    let output = plugin.folder.join(OUTPUT);
    fs::create_dir_all(&output).map_err(KitError::writing(&output))?;
    // Apart by profile: somebody may build while another watches.
    let name = Path::new(OUTPUT).join(format!("{}.wasm", profile.name()));
    let path = plugin.folder.join(&name);
    match fs::remove_file(&path) {
        // What an earlier run left must not be taken for what this one made.
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(KitError::writing(&path)(error)),
        _ => {}
    }
    let mut command = Command::new(&program);
    command.current_dir(&plugin.folder);
    arguments(&mut command, &name);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.map_err(|source| KitError::Tool { program: program.display().to_string(), source })?;
    if !status.success() {
        return Err(KitError::Compile { status });
    }
    fs::read(&path).map_err(KitError::reading(&path))
}
