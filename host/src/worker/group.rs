//! A process with everything it starts: signaled together, ended together.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// The group of a process that was started as the first of its own. It dies with this value, whatever
/// its members are doing.
pub struct Group(Option<Pid>);

impl Group {
    /// The group that `child` leads.
    pub fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    /// Sends everybody in the group a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // It fails only when nobody is left in the group.
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Asks the group to end, and kills it when `child` has not ended after `grace`.
    ///
    /// # Errors
    /// When the child cannot be waited for.
    pub async fn end(&self, child: &mut Child, grace: Duration) -> std::io::Result<std::process::ExitStatus> {
        self.signal(Signal::TERM);
        if let Ok(status) = tokio::time::timeout(grace, child.wait()).await {
            return status;
        }
        self.signal(Signal::KILL);
        child.wait().await
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
