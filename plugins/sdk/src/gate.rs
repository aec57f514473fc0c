//! What a gate is written with: the nouns of `wit/gate-0.1`, the trait a gate implements, and a
//! reader over an artifact.
//!
//! Never judges. Read next: `wit/gate-0.1/types.wit` for what each member means.

use std::io::{self, Read};

#[doc(hidden)]
#[expect(clippy::pedantic, reason = "generated from `wit/`, which holds the documentation")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/plugin-0.1", "../../wit/gate-0.1"],
        world: "sluice:gate/gate",
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_gate_world",
        default_bindings_module: "sluice_plugin::gate::bindings",
    });
}

pub use bindings::sluice::gate::types::{Artifact, Finding, GateInput, Outcome, Severity, Verdict};

/// The most bytes one read of an artifact gives.
pub const READ_MAX_BYTES: u32 = 1024 * 1024;

/// How many bytes [`ArtifactReader::new`] asks for at a time: enough that the call across the
/// sandbox's border is cheap, little enough that a gate's memory stays small.
pub const CHUNK_BYTES: u32 = 64 * 1024;

/// A gate's logic.
pub trait Gate {
    /// Judges `input`, reading artifacts from `artifacts`.
    ///
    /// # Errors
    ///
    /// A sentence for the operator. It counts as outcome `error`, which never lets work pass; a
    /// report that cannot be read is no error but a verdict `fail` with a finding.
    fn evaluate(input: &GateInput, artifacts: &dyn ArtifactSource) -> Result<Verdict, String>;

    /// Judges settings (one JSON object, valid under the manifest's schema) when they are bound.
    ///
    /// # Errors
    ///
    /// A sentence for the operator, naming the member at fault.
    fn check_settings(_settings: &str) -> Result<(), String> {
        Ok(())
    }
}

/// Where a gate reads artifacts from: the host, or a double in tests.
pub trait ArtifactSource {
    /// Up to `length` bytes of artifact `id` from byte `offset` on, at most [`READ_MAX_BYTES`];
    /// fewer than asked only at the artifact's end, empty past it.
    ///
    /// # Errors
    ///
    /// The id is not among the artifacts of this call, or storage failed.
    fn read(&self, id: &str, offset: u64, length: u32) -> Result<Vec<u8>, String>;
}

/// One artifact as a stream, read in chunks so that its size does not matter.
///
/// It does its own buffering; wrap it in a [`io::BufReader`] only where `BufRead` is needed.
pub struct ArtifactReader<'a> {
    source: &'a dyn ArtifactSource,
    id: &'a str,
    offset: u64,
    chunk: Vec<u8>,
    taken: usize,
    chunk_bytes: u32,
}

impl<'a> ArtifactReader<'a> {
    /// A reader at the start of artifact `id` that asks for [`CHUNK_BYTES`] at a time.
    pub fn new(source: &'a dyn ArtifactSource, id: &'a str) -> Self {
        Self::with_chunk(source, id, CHUNK_BYTES)
    }

    /// A reader that asks for `chunk_bytes` at a time, which is held between 1 and
    /// [`READ_MAX_BYTES`].
    pub fn with_chunk(source: &'a dyn ArtifactSource, id: &'a str, chunk_bytes: u32) -> Self {
        let chunk_bytes = chunk_bytes.clamp(1, READ_MAX_BYTES);
        ArtifactReader { source, id, offset: 0, chunk: Vec::new(), taken: 0, chunk_bytes }
    }
}

impl Read for ArtifactReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() {
            // The old chunk goes first, so that the new one can take its place.
            self.chunk = Vec::new();
            self.taken = 0;
            self.chunk = self.source.read(self.id, self.offset, self.chunk_bytes).map_err(io::Error::other)?;
            self.offset += self.chunk.len() as u64;
        }
        let rest = &self.chunk[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

impl Verdict {
    /// A verdict without findings and numbers.
    pub fn new(outcome: Outcome, summary: impl Into<String>) -> Self {
        Verdict { outcome, summary: summary.into(), findings: Vec::new(), data: "{}".to_owned() }
    }
}

impl Finding {
    /// A finding without a place.
    pub fn new(rule: impl Into<String>, severity: Severity, message: impl Into<String>) -> Self {
        Finding { rule: rule.into(), severity, message: message.into(), path: None, line: None, data: "{}".to_owned() }
    }

    /// The same finding at a file and, when it is known, a line of it (from 1).
    #[must_use]
    pub fn at(mut self, path: impl Into<String>, line: Option<u32>) -> Self {
        self.path = Some(path.into());
        self.line = line;
        self
    }
}

/// The artifacts as the host serves them.
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub struct HostArtifacts;

#[cfg(target_arch = "wasm32")]
impl ArtifactSource for HostArtifacts {
    fn read(&self, id: &str, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        bindings::sluice::gate::artifacts::read(id, offset, length)
    }
}

/// Makes the crate a gate component whose logic is the type given, an implementation of
/// [`Gate`](crate::gate::Gate). Once per crate; does nothing in a native build.
#[macro_export]
macro_rules! export_gate {
    ($logic:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;
            impl $crate::gate::bindings::exports::sluice::gate::evaluator::Guest for Component {
                fn evaluate(
                    input: $crate::gate::GateInput,
                ) -> ::core::result::Result<$crate::gate::Verdict, ::std::string::String> {
                    $crate::log::report_panics();
                    <$logic as $crate::gate::Gate>::evaluate(&input, &$crate::gate::HostArtifacts)
                }
            }
            impl $crate::base::exports::sluice::plugin::settings_check::Guest for Component {
                fn check(settings: ::std::string::String) -> ::core::result::Result<(), ::std::string::String> {
                    $crate::log::report_panics();
                    <$logic as $crate::gate::Gate>::check_settings(&settings)
                }
            }
            $crate::gate::bindings::export_gate_world!(
                Component with_types_in $crate::gate::bindings
            );
    $crate::base::export_base_world!(Component with_types_in $crate::base);
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MemoryArtifacts;

    #[test]
    fn a_reader_gives_every_byte_whatever_the_chunk() {
        let content: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut artifacts = MemoryArtifacts::new();
        let artifact = artifacts.add("text", "numbers.bin", "application/octet-stream", &content);
        for chunk_bytes in [1, 7, 4096, 40_000, 1 << 20, u32::MAX] {
            let mut read = Vec::new();
            let mut reader = ArtifactReader::with_chunk(&artifacts, &artifact.id, chunk_bytes);
            reader.read_to_end(&mut read).unwrap();
            assert_eq!(read, content, "chunks of {chunk_bytes}");
        }
    }

    #[test]
    fn a_reader_passes_the_sources_error_on() {
        let artifacts = MemoryArtifacts::new();
        let error = ArtifactReader::new(&artifacts, "art_none").read(&mut [0; 8]).unwrap_err();
        assert!(error.to_string().contains("art_none"), "{error}");
    }
}
