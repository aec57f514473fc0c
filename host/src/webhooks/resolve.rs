//! Names into addresses, each of them looked at before anybody connects to it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::filter::Filter;

/// Asks for the addresses of a name.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// As everything on this machine does.
pub(super) fn by_system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// Why a name leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreachable {
    /// It is inside.
    #[error("its name has an address that is {0}; webhooks do not reach inside (`webhook_allow_private`)")]
    Refused(&'static str),
    /// Nobody knows it, for now.
    #[error("its name has no address")]
    Unknown,
}

/// A resolver that answers addresses that may be reached, or none: one that may not makes the name suspect. The
/// connection is made to what it answers.
pub(super) struct Resolver {
    filter: Arc<Filter>,
    lookup: Lookup,
}

impl Resolver {
    pub(super) fn new(filter: Filter, lookup: Lookup) -> Self {
        Self { filter: Arc::new(filter), lookup }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, filter) = ((self.lookup)(name.as_str().to_owned()), Arc::clone(&self.filter));
        Box::pin(async move {
            let found = found.await.unwrap_or_default();
            if found.is_empty() {
                return Err(Unreachable::Unknown.into());
            }
            for address in &found {
                filter.check(*address).map_err(Unreachable::Refused)?;
            }
            // Port 0 stands for the address's own.
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
