//! Reads a component without compiling it: what it is, what it says of itself, what it wants and
//! what it offers. Judges only that it is a component; the rest is `world`.

use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use super::LoadError;
use super::manifest::{self, Manifest, ManifestError};
use crate::domain::artifact::Digest;

/// Largest component, in bytes (64 MiB).
pub const COMPONENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a component's code may use: what every engine has, and nothing that `runtime`
/// leaves out (threads, 64-bit memories, garbage collection, exceptions, asynchronous components).
const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::RELAXED_SIMD)
    .difference(WasmFeatures::GC_TYPES);

/// What can be read off a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: usize,
    /// Names it imports, in its own order.
    pub imports: Vec<String>,
    /// Names it exports, in its own order.
    pub exports: Vec<String>,
    /// Core modules within it, nested components included.
    pub core_modules: usize,
    /// Names and lengths of its own custom sections.
    pub custom_sections: Vec<(String, usize)>,
}

/// Reads `bytes`.
///
/// # Errors
/// It is no component, damaged, too large, or has no usable manifest.
pub(super) fn inspect(bytes: &[u8]) -> Result<Inspection, LoadError> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(LoadError::TooLarge { bytes: bytes.len() });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::NotWasm);
    }
    let mut walk = Walk::default();
    for payload in Parser::new(0).parse_all(bytes) {
        walk.visit(payload.map_err(LoadError::damaged)?)?;
    }
    Ok(Inspection {
        manifest: walk.manifest()?,
        digest: Digest::of(bytes),
        size: bytes.len(),
        imports: walk.imports,
        exports: walk.exports,
        core_modules: walk.core_modules,
        custom_sections: walk.custom_sections,
    })
}

/// Checks the whole of a component that [`inspect`] has read, code included.
///
/// # Errors
/// Its bytes are not valid, or use features that this host does not have.
pub(super) fn validate(bytes: &[u8]) -> Result<(), LoadError> {
    Validator::new_with_features(FEATURES).validate_all(bytes).map(|_| ()).map_err(LoadError::damaged)
}

/// What was seen so far; `depth` counts the components and modules around the present place.
#[derive(Default)]
struct Walk<'a> {
    depth: usize,
    imports: Vec<String>,
    exports: Vec<String>,
    core_modules: usize,
    custom_sections: Vec<(String, usize)>,
    manifests: Vec<&'a [u8]>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, payload: Payload<'a>) -> Result<(), LoadError> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if self.depth == 0 => {
                return Err(LoadError::CoreModule);
            }
            Payload::Version { .. } => self.depth += 1,
            Payload::End(_) => self.depth -= 1,
            Payload::ModuleSection { .. } => self.core_modules += 1,
            Payload::ComponentImportSection(section) if self.depth == 1 => {
                for import in section {
                    self.imports.push(import.map_err(LoadError::damaged)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if self.depth == 1 => {
                for export in section {
                    self.exports.push(export.map_err(LoadError::damaged)?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if self.depth == 1 => {
                self.custom_sections.push((section.name().to_owned(), section.data().len()));
                if section.name() == manifest::SECTION {
                    self.manifests.push(section.data());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn manifest(&self) -> Result<Manifest, ManifestError> {
        match self.manifests.as_slice() {
            [] => Err(ManifestError::Missing),
            [one] => manifest::parse(one),
            several => Err(ManifestError::Several { count: several.len() }),
        }
    }
}
