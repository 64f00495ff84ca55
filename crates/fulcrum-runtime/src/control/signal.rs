//! Sends a signal to domains for a client.

use fulcrum_spawn::process::{signal_names, signal_number};

use crate::control::change::LifecycleExecutor;

/// A signal, and the domains that receive it.
pub(crate) struct SignalTargets {
    pub(crate) names: Vec<String>,
    /// Domains were named, not only matched by a glob: one without a process is then an error.
    pub(crate) by_name: bool,
    /// Such as `SIGHUP`.
    pub(crate) signal: String,
    /// To each process of the tree instead of the program alone.
    pub(crate) tree: bool,
}

impl LifecycleExecutor {
    /// Sends a signal, and describes who received it.
    ///
    /// # Errors
    /// The signal is unknown, or a named domain has no process.
    pub(crate) async fn send_signal(&self, request: &SignalTargets) -> Result<String, String> {
        let Some(number) = signal_number(&request.signal) else {
            let known: Vec<&str> = signal_names().collect();
            return Err(format!(
                "unknown signal `{}`; known are {}",
                request.signal,
                known.join(", ")
            ));
        };
        let option = if request.tree { " --tree" } else { "" };
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for name in &request.names {
            let Some(handle) = self.supervisor.domain(name) else {
                failed.push(format!("domain {name} has no entry point"));
                continue;
            };
            let snapshot = handle.snapshot();
            match handle.send_signal(number, request.tree).await {
                Ok(()) => {
                    let text =
                        format!("`fulcrum domains signal {name} {}{option}`", request.signal);
                    self.events.record(name, snapshot.generation, "asked", text);
                    let pid = snapshot.pid.unwrap_or_default();
                    done.push(format!("{name}: {} sent (pid {pid})", request.signal));
                }
                Err(rejected) => failed.push(format!("{name}: {}", rejected.0)),
            }
        }
        if !failed.is_empty() && (request.by_name || done.is_empty()) {
            return Err(failed.join("; "));
        }
        Ok(done.join("; "))
    }
}
