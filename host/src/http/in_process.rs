//! The API without a network: requests of this very process, for commands that work on a data
//! directory nobody serves. They come without a token, as a principal their caller vouches for.

use axum::Router;
use axum::body::{Body, Bytes};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tower::ServiceExt as _;

use super::host::Shared;
use crate::domain::id::WorkspaceId;
use crate::domain::principal::{Credential, Principal};

/// A body that comes as it is made.
pub type AnswerBody = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// Somebody who needs no credential, because this process vouches for them. Only this module makes
/// one; nothing that comes over the network can carry it.
#[derive(Debug, Clone)]
pub(super) struct Vouched(pub(super) Principal);

/// A host's API, called from within its process.
#[derive(Clone)]
pub struct InProcess {
    router: Router,
    principal: Principal,
}

impl InProcess {
    /// The API of `host`, for the person who started this process: an operator of `workspace`.
    pub fn new(host: Shared, workspace: WorkspaceId) -> Self {
        let principal =
            Principal { workspace_id: workspace, name: "user.local".to_owned(), credential: Credential::Owner };
        Self { router: super::router(host), principal }
    }

    /// Carries one request out.
    pub async fn call(&self, request: hyper::Request<Bytes>) -> hyper::Response<AnswerBody> {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(Vouched(self.principal.clone()));
        let Ok(response) = self.router.clone().oneshot(request).await;
        response.map(|body| body.into_data_stream().map(|piece| piece.map_err(std::io::Error::other)).boxed())
    }
}
