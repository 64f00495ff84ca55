//! Who sees that new code answers.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::workspace;

const LIMIT: Duration = Duration::from_secs(60);

/// A process that calls the domain, or is called by it.
pub(super) struct Witness {
    child: Child,
    /// Where a domain registers, or is called.
    pub(super) address: String,
    seen: Receiver<Answer>,
}

/// A domain's first answer in a new form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) version: u32,
    pub(super) pid: u32,
    /// Milliseconds since 1970.
    pub(super) at: f64,
}

impl Witness {
    /// A registrar, or a caller of a domain at Fulcrum's port.
    pub(super) fn start(node: &Path, whom: Option<(&str, &str)>) -> anyhow::Result<Self> {
        let root = workspace::root();
        let mut command = Command::new(node);
        command
            .arg(root.join("xtask/src/bench/reload/witness.mjs"))
            .arg(root.join("sdk/node/test"));
        if let Some((address, domain)) = whom {
            command.args([address, domain]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let address = lines.next().context("the witness did not start")??;
        ensure!(
            address.contains(':'),
            "the witness did not start: {address:?}"
        );
        let (sender, seen) = channel();
        std::thread::spawn(move || read(lines).try_for_each(|answer| sender.send(answer)));
        Ok(Self {
            child,
            address,
            seen,
        })
    }

    /// Waits for the first answer that is as it should be.
    pub(super) fn sees(&self, what: &str, is: impl Fn(&Answer) -> bool) -> anyhow::Result<Answer> {
        loop {
            let answer = self.seen.recv_timeout(LIMIT);
            let answer = answer.with_context(|| format!("{what} was not seen"))?;
            if is(&answer) {
                return Ok(answer);
            }
        }
    }
}

fn read(lines: Lines<BufReader<ChildStdout>>) -> impl Iterator<Item = Answer> {
    lines.map_while(Result::ok).filter_map(|line| {
        let mut words = line.split(' ');
        Some(Answer {
            version: words.next()?.parse().ok()?,
            pid: words.next()?.parse().ok()?,
            at: words.next()?.parse().ok()?,
        })
    })
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
