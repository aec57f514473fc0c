//! What may be named, what is reached, and what is said of what went wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::domain::webhook::Secret;

fn courier(options: WebhookOptions) -> Courier {
    Courier::new(options).unwrap()
}
