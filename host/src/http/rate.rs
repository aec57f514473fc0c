//! How many requests a principal may send.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::host::HttpOptions;
use crate::domain::principal::{Principal, Role};

/// Principals after which those that have been quiet are forgotten.
const KEYS_MAX: usize = 10_000;

/// The limiter of a host; without a limit it lets everybody pass.
pub(super) struct Rates {
    limiter: Option<DefaultKeyedRateLimiter<String>>,
    clock: DefaultClock,
    limits_operators: bool,
}

impl Rates {
    pub(super) fn new(options: &HttpOptions) -> Self {
        let limiter = NonZeroU32::new(options.rate_per_second).map(|rate| {
            let burst = NonZeroU32::new(options.rate_burst).unwrap_or(rate);
            RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst))
        });
        Self { limiter, clock: DefaultClock::default(), limits_operators: options.rate_limits_operators }
    }

    /// How long the principal has to wait; `None` when it need not.
    pub(super) fn wait_of(&self, principal: &Principal) -> Option<Duration> {
        let limiter = self.limiter.as_ref()?;
        if principal.role() == Some(Role::Operator) && !self.limits_operators {
            return None;
        }
        if limiter.len() > KEYS_MAX {
            limiter.retain_recent();
        }
        let key = format!("{}/{}", principal.workspace_id, principal.name);
        limiter.check_key(&key).err().map(|refused| refused.wait_time_from(self.clock.now()))
    }
}
