//! Checks of components: told while they go on, and answered at their end.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::ACCEPT;
use serde::de::DeserializeOwned;

use sluice_api::check::{CheckAsk, CheckProgress, CheckReport};

use super::plugins::of;
use super::sse::{Frame, Frames};
use super::{Client, ClientError};

/// Time for a check: its component may have to be compiled before, behind others.
const TIMEOUT: Duration = Duration::from_mins(10);

/// A component that is to be tried.
#[derive(Debug)]
pub enum TriedPlugin {
    /// One of the registry, by its digest.
    Registered(String),
    /// One that is not, by its bytes.
    Given(Vec<u8>),
}

impl Client {
    /// Tries a component on a workspace's records, and says how far it is.
    pub async fn check_plugin(
        &self,
        workspace: &str,
        tried: TriedPlugin,
        ask: &CheckAsk,
        mut told: impl FnMut(CheckProgress),
    ) -> Result<CheckReport, ClientError> {
        let call = match tried {
            TriedPlugin::Registered(digest) => self.post(&["plugins", &digest, "check"]).json(ask),
            TriedPlugin::Given(bytes) => {
                let (content_type, body) = form(ask, &bytes)?;
                self.post(&["plugins", "check"]).body(&content_type, body)
            }
        };
        let call = of(call, workspace).header(ACCEPT, "text/event-stream").timeout(Some(TIMEOUT));
        let mut response = call.response().await?;
        let mut frames = Frames::default();
        loop {
            while let Some(frame) = frames.next() {
                match frame.event.as_deref() {
                    Some("progress") => told(self.understood(&frame)?),
                    Some("result") => return self.understood(&frame),
                    Some("problem") => return Err(ClientError::Problem(Box::new(self.understood(&frame)?))),
                    // A kind of frame that came later than this client.
                    _ => {}
                }
            }
            self.more(&mut response, &mut frames).await?;
        }
    }

    async fn more(&self, response: &mut Response, frames: &mut Frames) -> Result<(), ClientError> {
        let server = self.transport.server();
        match response.chunk().await {
            Ok(Some(bytes)) => {
                frames.push(&bytes).map_err(|error| ClientError::Unreadable { server, why: error.to_string() })
            }
            Ok(None) => Err(ClientError::Broken { server, why: "the check ended without a result".to_owned() }),
            Err(error) => Err(ClientError::Broken { server, why: super::transport::describe(&error) }),
        }
    }

    fn understood<T: DeserializeOwned>(&self, frame: &Frame) -> Result<T, ClientError> {
        serde_json::from_str(&frame.data)
            .map_err(|error| ClientError::Unreadable { server: self.transport.server(), why: error.to_string() })
    }
}

/// What a component is tried on, and the component, as a form: its content type and its body.
fn form(ask: &CheckAsk, component: &[u8]) -> Result<(String, Vec<u8>), ClientError> {
    let machine = |error: &dyn std::fmt::Display| ClientError::Machine(error.to_string());
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| machine(&error))?;
    let boundary = format!("sluice-{:032x}", u128::from_ne_bytes(random));
    let ask = serde_json::to_string(ask).map_err(|error| machine(&error))?;
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"ask\"\r\nContent-Type: application/json\r\n\r\n{ask}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"component\"; filename=\"component.wasm\"\r\n\
         Content-Type: application/wasm\r\n\r\n"
    );
    let mut body = head.into_bytes();
    body.extend_from_slice(component);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body))
}
