//! Components as files that registries of container images understand: an OCI image layout (image specification 1.1), each
//! component an artifact of its own as the Wasm working group of the CNCF describes them. Tools that copy images
//! bring such a directory to a registry and back.
//!
//! What is read is checked by digest and size before anybody sees it. Signatures travel as annotations of the
//! component's descriptor; who trusts them is not said here.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::KitError;
use super::component;
use crate::domain::artifact::Digest;
use crate::plugins::{COMPONENT_BYTES_MAX, Inspection};

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
const LAYER_TYPE: &str = "application/wasm";
const TAG_ANNOTATION: &str = "org.opencontainers.image.ref.name";
/// Before a public key, in the name of the annotation that holds its signature.
const SIGNATURE_ANNOTATION: &str = "sluice.signature.";
/// Most bytes of a document of the layout.
const DOCUMENT_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A directory of components, or one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The directory.
    pub folder: PathBuf,
    /// Which of those that lie there.
    pub tag: Option<String>,
}

/// A component out of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Its bytes.
    pub component: Vec<u8>,
    /// `KEY:SIGNATURE` each.
    pub signatures: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: String,
    artifact_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    manifests: Vec<Descriptor>,
}

impl Place {
    /// Reads `DIR` or `DIR:TAG`.
    pub fn parse(text: &str) -> Self {
        match text.rsplit_once(':') {
            Some((folder, tag)) if !Path::new(text).is_dir() && !tag.contains('/') => {
                Self { folder: PathBuf::from(folder), tag: Some(tag.to_owned()) }
            }
            _ => Self { folder: PathBuf::from(text), tag: None },
        }
    }

    /// Whether there is a layout.
    pub fn is_layout(&self) -> bool {
        self.folder.join("oci-layout").is_file()
    }

    /// Puts a component there, under its version unless the place names a tag; gives the tag. Signatures join those that
    /// the same component has there already.
    ///
    /// # Errors
    /// [`KitError::Content`] when the tag is no tag, or another component has it; [`KitError::File`].
    pub fn put(&self, component: &[u8], about: &Inspection, signatures: &[String]) -> Result<String, KitError> {
        // A tag has no `+`, and the part behind it is no part of what a version stands for.
        let tag = self.tag.clone().unwrap_or_else(|| about.manifest.version.replace('+', "_"));
        self.check_tag(&tag)?;
        let mut index = if self.is_layout() { self.index()? } else { Index::default() };
        let mut signed: BTreeMap<String, String> = BTreeMap::new();
        if let Some(there) = index.manifests.iter().find(|found| found.tag() == Some(&*tag)) {
            let layer = self.layer_of(there)?;
            if layer.digest != sha256(&about.digest) {
                let reason = format!("`{tag}` is another component ({}); a version never changes", layer.digest);
                return Err(KitError::content(&self.folder, reason));
            }
            signed = layer.annotations.into_iter().filter(|(name, _)| name.starts_with(SIGNATURE_ANNOTATION)).collect();
        }
        for signature in signatures {
            let (key, signature) = signature.split_once(':').unwrap_or((signature, ""));
            signed.insert(format!("{SIGNATURE_ANNOTATION}{key}"), signature.to_owned());
        }
        let manifest = self.manifest(component, about, signed)?;
        let mut written = self.blob(&document(&manifest), MANIFEST_TYPE)?;
        written.artifact_type = Some(CONFIG_TYPE.to_owned());
        written.annotations.insert(TAG_ANNOTATION.to_owned(), tag.clone());
        index.manifests.retain(|found| found.tag() != Some(&*tag));
        index.manifests.push(written);
        // The index last, so that it never names what is not there.
        component::write(&self.folder.join("oci-layout"), &document(&json!({"imageLayoutVersion": "1.0.0"})))?;
        component::write(&self.folder.join("index.json"), &document(&index))?;
        Ok(tag)
    }

    /// Takes a component out: the only one, or the one of the tag.
    ///
    /// # Errors
    /// [`KitError::Content`] when there is none, or several and no tag, or a digest is not that of what lies there;
    /// [`KitError::File`].
    pub fn get(&self) -> Result<Packed, KitError> {
        let index = self.index()?;
        let tags: Vec<&str> = index.manifests.iter().filter_map(Descriptor::tag).collect();
        let wrong = |reason: String| KitError::content(&self.folder, reason);
        let found = match &self.tag {
            Some(tag) => index.manifests.iter().find(|found| found.tag() == Some(tag)),
            None if index.manifests.len() == 1 => index.manifests.first(),
            None => return Err(wrong(format!("holds {}; name one: DIR:TAG", said(&tags)))),
        };
        let Some(found) = found else {
            let tag = self.tag.as_deref().unwrap_or_default();
            return Err(wrong(format!("has no `{tag}`; it holds {}", said(&tags))));
        };
        let layer = self.layer_of(found)?;
        let component = self.read_blob(&layer, COMPONENT_BYTES_MAX as u64)?;
        let signature = |(name, value): (&String, &String)| {
            name.strip_prefix(SIGNATURE_ANNOTATION).map(|key| format!("{key}:{value}"))
        };
        Ok(Packed { component, signatures: layer.annotations.iter().filter_map(signature).collect() })
    }

    fn check_tag(&self, tag: &str) -> Result<(), KitError> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let begins = tag.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if begins && tag.len() <= 128 && tag.bytes().all(inner) {
            return Ok(());
        }
        let reason = format!("`{tag}` is no tag: 1 to 128 of a-z, A-Z, 0-9, `_`, `.` and `-`, the first no `.` or `-`");
        Err(KitError::content(&self.folder, reason))
    }

    fn manifest(
        &self,
        component: &[u8],
        about: &Inspection,
        signed: BTreeMap<String, String>,
    ) -> Result<Manifest, KitError> {
        let of = &about.manifest;
        let config = json!({
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [sha256(&about.digest)],
            "component": {"exports": about.exports, "imports": about.imports},
        });
        let mut layer = self.blob(component, LAYER_TYPE)?;
        layer.annotations = signed;
        layer.annotations.insert("org.opencontainers.image.title".to_owned(), format!("{}.wasm", of.name));
        let about = [("title", &of.name), ("version", &of.version), ("description", &of.description)];
        let annotation = |(name, value): (&str, &String)| (format!("org.opencontainers.image.{name}"), value.clone());
        Ok(Manifest {
            schema_version: 2,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: Some(CONFIG_TYPE.to_owned()),
            config: self.blob(&document(&config), CONFIG_TYPE)?,
            layers: vec![layer],
            annotations: about.into_iter().map(annotation).collect(),
        })
    }

    /// The descriptor of the component that a manifest is of.
    fn layer_of(&self, manifest: &Descriptor) -> Result<Descriptor, KitError> {
        let text = self.read_blob(manifest, DOCUMENT_MAX_BYTES)?;
        let wrong = |reason: String| KitError::content(&self.folder, reason);
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| wrong(format!("{} is no image manifest: {error}", manifest.digest)))?;
        let mut layers = manifest.layers.into_iter().filter(|layer| layer.media_type == LAYER_TYPE);
        match (layers.next(), layers.next()) {
            (Some(layer), None) => Ok(layer),
            (None, _) => Err(wrong(format!("holds no component: no layer is `{LAYER_TYPE}`"))),
            (Some(_), Some(_)) => Err(wrong("holds several components under one tag".to_owned())),
        }
    }

    fn index(&self) -> Result<Index, KitError> {
        let path = self.folder.join("index.json");
        let text = read_at_most(&path, DOCUMENT_MAX_BYTES)?;
        serde_json::from_slice(&text).map_err(|error| KitError::content(&path, format!("is no image index: {error}")))
    }

    /// Where a blob lies; `None` for what is no SHA-256.
    fn path_of(&self, digest: &str) -> Option<PathBuf> {
        let digest = Digest::parse(digest.strip_prefix("sha256:")?)?;
        Some(self.folder.join("blobs/sha256").join(digest.as_str()))
    }

    fn blob(&self, content: &[u8], media_type: &str) -> Result<Descriptor, KitError> {
        let folder = self.folder.join("blobs/sha256");
        fs::create_dir_all(&folder).map_err(KitError::writing(&folder))?;
        let digest = Digest::of(content);
        component::write(&folder.join(digest.as_str()), content)?;
        Ok(Descriptor {
            media_type: media_type.to_owned(),
            digest: sha256(&digest),
            size: content.len() as u64,
            artifact_type: None,
            annotations: BTreeMap::new(),
        })
    }

    fn read_blob(&self, of: &Descriptor, most: u64) -> Result<Vec<u8>, KitError> {
        let Some(path) = self.path_of(&of.digest) else {
            return Err(KitError::content(&self.folder, format!("`{}` is no digest that is known here", of.digest)));
        };
        let content = read_at_most(&path, most)?;
        if content.len() as u64 != of.size || sha256(&Digest::of(&content)) != of.digest {
            return Err(KitError::content(&path, "is not what its name says: it was changed, or cut off"));
        }
        Ok(content)
    }
}

impl Descriptor {
    fn tag(&self) -> Option<&str> {
        self.annotations.get(TAG_ANNOTATION).map(String::as_str)
    }
}

impl Default for Index {
    fn default() -> Self {
        Self { schema_version: 2, media_type: Some(INDEX_TYPE.to_owned()), manifests: Vec::new() }
    }
}

fn said(tags: &[&str]) -> String {
    if tags.is_empty() { "nothing that has a tag".to_owned() } else { tags.join(", ") }
}

fn sha256(digest: &Digest) -> String {
    format!("sha256:{digest}")
}

fn document(of: &impl Serialize) -> Vec<u8> {
    // Maps of texts and numbers can always be written.
    serde_json::to_vec(of).unwrap_or_default()
}

fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, KitError> {
    let mut content = Vec::new();
    let file = fs::File::open(path).map_err(KitError::reading(path))?;
    file.take(most + 1).read_to_end(&mut content).map_err(KitError::reading(path))?;
    if content.len() as u64 > most {
        return Err(KitError::content(path, format!("has more than {most} bytes")));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_directory_and_a_tag() {
        let place = |folder: &str, tag: Option<&str>| Place { folder: folder.into(), tag: tag.map(str::to_owned) };
        assert_eq!(Place::parse("out/gate"), place("out/gate", None));
        assert_eq!(Place::parse("out/gate:1.0.0"), place("out/gate", Some("1.0.0")));
        assert_eq!(Place::parse("a:b/gate"), place("a:b/gate", None));
    }
}
