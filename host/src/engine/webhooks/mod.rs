//! Outgoing webhooks: the one side effect that the host carries out itself.
//!
//! Operators name addresses ([`endpoints`]); a run asks to post to a name, never to an address, and what it was
//! allowed becomes a row in the unit that uses the permission up ([`posting`], called by [`super::actions`]); the
//! scheduler has rows that are due carried out ([`deliver`]) through [`super::ports::Postman`], which knows the
//! network. Nothing here opens a socket.

mod deliver;
mod endpoints;
mod posting;

pub use endpoints::WebhookChange;
pub(super) use posting::Posting;
