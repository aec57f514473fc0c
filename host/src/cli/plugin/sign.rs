//! `sluice plugin keygen` and `sign`: keys and signatures, without any host.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::read;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::domain::artifact::Digest;
use crate::signing::SigningKey;

/// Make a key to sign components with
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KeygenArgs {
    /// Where the private key goes; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Sign a component: prints KEY:SIGNATURE
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SignArgs {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// The file with the private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// The key that lies in a file.
pub(super) fn key_in(file: &Path) -> Result<SigningKey, Failure> {
    let text = String::from_utf8(read(file)?).unwrap_or_default();
    let wrong =
        || Failure::bad_input(format!("{}: holds no key; make one with `sluice plugin keygen`", file.display()));
    SigningKey::parse(&text).ok_or_else(wrong)
}

pub(super) fn keygen(args: &KeygenArgs) -> Result<ExitCode, Failure> {
    let key = SigningKey::generate().map_err(|error| Failure::failed(format!("no randomness: {error}")))?;
    let cannot = |error: std::io::Error| Failure::failed(format!("{}: cannot be written: {error}", args.out.display()));
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&args.out);
    let mut file = opened.map_err(cannot)?;
    file.write_all(format!("{}\n", key.text()).as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)?;
    if args.json {
        output::json(&json!({"key": key.public(), "file": args.out.display().to_string()}))?;
    } else {
        output::print(&key.public())?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) fn sign(args: &SignArgs) -> Result<ExitCode, Failure> {
    let key = key_in(&args.key)?;
    let digest = Digest::of(&read(&args.file)?);
    let (public, signature) = (key.public(), key.sign(&digest));
    if args.json {
        output::json(&json!({"digest": digest.as_str(), "key": public, "signature": signature}))?;
    } else {
        output::print(&format!("{public}:{signature}"))?;
    }
    Ok(Exit::Succeeded.into())
}
