//! Programs that say when their main function runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::command::CommandRunner;
use crate::wait::until;

/// A static C program of some KiB.
const TINY: &str = include_str!("tiny.c");

/// Starts programs without a manager.
const BARE: &str = include_str!("bare.c");

/// The same in Node.
const NODE: &str = "const now = process.hrtime.bigint();
require('node:fs').appendFileSync(process.argv[2], `${process.pid} ${now}\\n`);
setInterval(() => {}, 1 << 30);
";

/// The kinds of programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A static C program.
    Tiny,
    /// A script for Node.
    Node,
}

/// The programs, built once, and the file in which they write.
pub(super) struct Marks {
    directory: tempfile::TempDir,
    node: PathBuf,
}

impl Marks {
    /// # Errors
    /// No C compiler.
    pub(super) fn new(node: PathBuf) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("fulcrum-bench-")
            .tempdir()?;
        let at = directory.path();
        fs::write(at.join("mark.cjs"), NODE)?;
        for (name, text) in [("tiny", TINY), ("bare", BARE)] {
            let source = format!("{name}.c");
            fs::write(at.join(&source), text)?;
            CommandRunner::new("cc", at)
                .args(["-O2", "-static", "-o", name, &source])
                .run_checked()
                .context("the smallest programs need a C compiler with a static C library")?;
        }
        Ok(Self { directory, node })
    }

    /// Where the managers that run have their directories, until all is measured.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The reference for managers, which starts programs and nothing more.
    pub(super) fn bare(&self) -> PathBuf {
        self.directory.path().join("bare")
    }

    /// The words of a program of this kind, which writes into the file of this name.
    pub(super) fn argv(&self, kind: Kind, file: &str) -> Vec<String> {
        let at = self.directory.path();
        let path = |path: PathBuf| path.display().to_string();
        let mut argv = match kind {
            Kind::Tiny => vec![path(at.join("tiny"))],
            Kind::Node => vec![path(self.node.clone()), path(at.join("mark.cjs"))],
        };
        argv.push(path(at.join(file)));
        argv
    }

    /// Pids and times of the programs that have written into the file, in nanoseconds.
    pub(super) fn read(&self, file: &str) -> Vec<(u32, u64)> {
        let text = fs::read_to_string(self.directory.path().join(file)).unwrap_or_default();
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let lines = complete.lines();
        lines
            .filter_map(|line| {
                let (pid, time) = line.split_once(' ')?;
                Some((pid.parse().ok()?, time.parse().ok()?))
            })
            .collect()
    }

    /// Waits until so many have written, and returns the last time, in nanoseconds.
    ///
    /// # Errors
    /// Fewer after a minute and a half.
    pub(super) fn wait(&self, file: &str, count: usize) -> anyhow::Result<u64> {
        let path = self.directory.path().join(file);
        // Reading a file of thousands of lines again and again would be work of its own.
        let least = count as u64 * 12;
        let what = format!("{count} programs run");
        let marks = until(&what, Duration::from_secs(90), || {
            if fs::metadata(&path).map_or(0, |data| data.len()) < least {
                return Ok(None);
            }
            let marks = self.read(file);
            Ok((marks.len() >= count).then_some(marks))
        })?;
        let last = marks.iter().map(|(_, time)| *time).max();
        last.context("there are none")
    }

    /// Forgets what was written.
    pub(super) fn clear(&self, file: &str) {
        // It need not exist.
        let _ = fs::remove_file(self.directory.path().join(file));
    }
}

/// The monotonic clock, in nanoseconds, as the programs read it.
pub(super) fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default()
}

/// Milliseconds from `start` until none of the processes exists.
///
/// # Errors
/// One is left after half a minute.
pub(super) fn wait_until_gone(pids: &[u32], start: Instant) -> anyhow::Result<f64> {
    let mut left = pids.to_vec();
    let limit = Duration::from_secs(30);
    loop {
        left.retain(|pid| is_alive(*pid));
        if left.is_empty() {
            return Ok(start.elapsed().as_secs_f64() * 1e3);
        }
        ensure!(start.elapsed() < limit, "{} processes are left", left.len());
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Whether a process runs; a zombie does not.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    let state = stat.as_deref().ok().and_then(|stat| stat.rsplit_once(") "));
    state.is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
