//! Observes when new code responds.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::workspace;

const LIMIT: Duration = Duration::from_secs(60);

/// A process that calls the domain, or at which the domain registers.
pub(super) struct Observer {
    child: Child,
    /// The address at which a domain registers, or is called.
    pub(super) address: String,
    seen: Receiver<ObservedVersion>,
}

/// A domain's first response from another process or another version.
#[derive(Debug, Clone, Copy)]
pub(super) struct ObservedVersion {
    pub(super) version: u32,
    pub(super) pid: u32,
    /// Milliseconds since 1970.
    pub(super) at: f64,
}

impl Observer {
    /// A registration server, or a caller of a domain at Fulcrum's port.
    pub(super) fn start(node: &Path, domain: Option<(&str, &str)>) -> anyhow::Result<Self> {
        let root = workspace::root();
        let mut command = Command::new(node);
        command
            .arg(root.join("xtask/src/bench/reload/observer.mjs"))
            .arg(root.join("sdk/node/test"));
        if let Some((address, domain)) = domain {
            command.args([address, domain]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let address = lines.next().context("the observer did not start")??;
        ensure!(
            address.contains(':'),
            "the observer did not start: {address:?}"
        );
        let (sender, seen) = channel();
        std::thread::spawn(move || read(lines).try_for_each(|answer| sender.send(answer)));
        Ok(Self {
            child,
            address,
            seen,
        })
    }

    /// Waits for the first response that fulfills the condition.
    pub(super) fn wait_for(
        &self,
        what: &str,
        is: impl Fn(&ObservedVersion) -> bool,
    ) -> anyhow::Result<ObservedVersion> {
        loop {
            let answer = self.seen.recv_timeout(LIMIT);
            let answer = answer.with_context(|| format!("{what} did not respond"))?;
            if is(&answer) {
                return Ok(answer);
            }
        }
    }
}

fn read(lines: Lines<BufReader<ChildStdout>>) -> impl Iterator<Item = ObservedVersion> {
    lines.map_while(Result::ok).filter_map(|line| {
        let mut fields = line.split(' ');
        Some(ObservedVersion {
            version: fields.next()?.parse().ok()?,
            pid: fields.next()?.parse().ok()?,
            at: fields.next()?.parse().ok()?,
        })
    })
}

impl Drop for Observer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
