//! The run record: which processes were started, so that the cleanup guard or the next instance can
//! kill what a dead instance left.
//!
//! The file is only appended to, one line for each event, each written at once:
//!
//! ```text
//! fulcrum 1 RUN BOOT PID STARTED CGROUP     the run, the machine's boot, the instance; `-`: none
//! + PID STARTED GENERATION DOMAIN           a leader was started; generation 0: a process has
//!                                           left its group
//! - PID STARTED                             no process of that generation is left
//! ! TICKS                                   the guard noticed the exit of the instance
//! swept N                                   the guard has killed N processes
//! x                                         the instance has shut down in order
//! ```
//!
//! A pid alone means nothing, since pids are reused: a process is its pid and its start time, in
//! clock ticks since the boot that is named.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::OFlags;

use super::run_id::RunId;
use super::stat::Stat;
use crate::code::Code;

/// The first words of a record that this version can read.
const FORMAT: &str = "fulcrum 1 ";

/// The record of the current run. A line that cannot be written is logged and changes nothing else:
/// the processes can be found by other means too.
#[derive(Debug)]
pub(super) struct RunRecord {
    path: PathBuf,
    file: File,
    /// A start was recorded.
    has_entries: AtomicBool,
    /// The last line may be incomplete.
    has_partial_line: AtomicBool,
}

impl RunRecord {
    /// Creates the record of this process as an instance and replaces an older one. `cgroup` holds
    /// all processes of the run, if there is one.
    ///
    /// # Errors
    /// The file cannot be written, or there is no `/proc`.
    pub(super) fn create(path: &Path, run: &RunId, cgroup: Option<&Path>) -> io::Result<Self> {
        let me = Stat::read(std::process::id())
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "cannot read /proc"))?;
        let boot = boot()?;
        let cgroup = cgroup
            .and_then(Path::to_str)
            .filter(|path| !path.contains('\n'))
            .unwrap_or("-");
        let head = format!("{FORMAT}{run} {boot} {} {} {cgroup}\n", me.pid, me.started);
        let next = path.with_extension("new");
        ignore_missing(fs::remove_file(&next))?;
        let mut file = options().create_new(true).open(&next)?;
        file.write_all(head.as_bytes())?;
        // A process that has the old file open, such as its guard, continues with the old one.
        fs::rename(&next, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            has_entries: AtomicBool::new(false),
            has_partial_line: AtomicBool::new(false),
        })
    }

    /// The path of the file.
    #[must_use]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Records the start of a generation. `label` is `orders.3`: domain and generation.
    pub(super) fn record_start(&self, leader: u32, started: u64, label: &str) {
        self.has_entries.store(true, Ordering::Relaxed);
        let label: String = label.split_whitespace().collect();
        let (domain, generation) = label.split_once('.').unwrap_or((&label, "0"));
        // A suffix after the number, such as `install`, is for other purposes.
        let generation = generation.split('.').next().unwrap_or("0");
        self.write_line(&format!("+ {leader} {started} {generation} {domain}\n"));
    }

    /// Records a process of `label` that has left its group.
    pub(super) fn record_detached(&self, pid: u32, started: u64, label: &str) {
        let domain = label.split('.').next().unwrap_or_default();
        self.record_start(pid, started, domain);
    }

    /// Records that no process of the generation is left.
    pub(super) fn record_exit(&self, leader: u32, started: u64) {
        self.write_line(&format!("- {leader} {started}\n"));
    }

    /// Records the end of the run, and removes the file.
    pub(super) fn finish(&self) {
        // Once is enough: afterwards the path may belong to the next instance.
        self.has_entries.store(true, Ordering::Relaxed);
        self.write_line("x\n");
        let identity = |found: fs::Metadata| (found.dev(), found.ino());
        let own = self.file.metadata().map(identity);
        let on_disk = self.path.symlink_metadata().map(identity);
        if matches!((own, on_disk), (Ok(own), Ok(on_disk)) if own == on_disk) {
            let _ = fs::remove_file(&self.path);
        }
    }

    fn write_line(&self, text: &str) {
        // An incomplete line must not make the next one unreadable.
        let after_partial_line = self.has_partial_line.load(Ordering::Relaxed);
        let text_to_write = if after_partial_line {
            format!("\n{text}")
        } else {
            text.to_owned()
        };
        let written = (&self.file).write(text_to_write.as_bytes());
        let complete = matches!(&written, Ok(length) if *length == text_to_write.len());
        self.has_partial_line.store(!complete, Ordering::Relaxed);
        if !complete && !after_partial_line {
            let reason =
                written.map_or_else(|error| error.to_string(), |_| "the disk is full".to_owned());
            tracing::warn!(
                code = %Code::NoRunRecord,
                "cannot write the run record {}: {reason}",
                self.path.display()
            );
        }
    }
}

impl Drop for RunRecord {
    fn drop(&mut self) {
        if !self.has_entries.load(Ordering::Relaxed) {
            self.finish();
        }
    }
}

/// A process of an earlier run whose exit was not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecordedProcess {
    /// The leader, which led a process group with the same number.
    pub leader: u32,
    /// The start time of the leader, in clock ticks since boot.
    pub started: u64,
    /// The domain's name.
    pub domain: String,
    /// The generation; 0 for a process that had left its group.
    pub generation: u64,
}

/// The content of a run record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PreviousRun {
    /// The run.
    pub run: RunId,
    /// The id of the boot that pids and start times belong to.
    pub boot: String,
    /// The pid of the instance.
    pub instance: u32,
    /// The start time of the instance.
    pub instance_started: u64,
    /// The run's cgroup.
    pub cgroup: Option<PathBuf>,
    /// Generations that had not ended, by their leaders.
    pub processes: BTreeMap<u32, RecordedProcess>,
    /// When the guard noticed the exit of the instance, in clock ticks since boot.
    pub instance_died_at: Option<u64>,
    /// How many processes the guard killed afterwards.
    pub cleaned_up: Option<u64>,
    /// The instance has shut down in order.
    pub finished: bool,
}

impl PreviousRun {
    /// Reads the record at a path; `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read, or is not a record that this version understands.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match options().open(path) {
            Ok(file) => Self::from_file(file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn from_file(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        Self::parse(file)
    }

    /// Whether the instance is running, or still exiting.
    #[must_use]
    pub(super) fn instance_is_alive(&self) -> bool {
        let same_boot = boot().is_ok_and(|boot| boot == self.boot);
        same_boot && is_alive(self.instance, self.instance_started)
    }

    fn parse(text: impl Read) -> io::Result<Self> {
        let mut text = BufReader::new(text);
        let head = whole_line(&mut text)?.unwrap_or_default();
        let mut previous = head
            .strip_prefix(FORMAT)
            .and_then(Self::create)
            .ok_or_else(|| {
                let what = "not a run record of this version of fulcrum";
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?;
        while let Some(write_line) = whole_line(&mut text)? {
            // A line that cannot be parsed was cut short by a full disk.
            let _ = previous.apply_line(&write_line);
        }
        Ok(previous)
    }

    fn create(head: &str) -> Option<Self> {
        let mut fields = head.splitn(5, ' ');
        Some(Self {
            run: RunId::parse(fields.next()?)?,
            boot: fields.next()?.to_owned(),
            instance: fields.next()?.parse().ok()?,
            instance_started: fields.next()?.parse().ok()?,
            cgroup: Some(fields.next()?)
                .filter(|path| *path != "-")
                .map(PathBuf::from),
            processes: BTreeMap::new(),
            instance_died_at: None,
            cleaned_up: None,
            finished: false,
        })
    }

    fn apply_line(&mut self, write_line: &str) -> Option<()> {
        let fields: Vec<&str> = write_line.split(' ').collect();
        match fields.as_slice() {
            ["+", leader, started, generation, domain] => {
                let process = RecordedProcess {
                    leader: leader.parse().ok()?,
                    started: started.parse().ok()?,
                    domain: (*domain).to_owned(),
                    generation: generation.parse().ok()?,
                };
                self.processes.insert(process.leader, process);
            }
            ["-", leader, started] => {
                let (leader, started) = (leader.parse().ok()?, started.parse().ok()?);
                // A later generation may have got the pid already.
                self.processes
                    .retain(|pid, process| (*pid, process.started) != (leader, started));
            }
            ["!", ticks] => self.instance_died_at = Some(ticks.parse().ok()?),
            ["swept", count] => self.cleaned_up = Some(count.parse().ok()?),
            ["x"] => self.finished = true,
            _ => {}
        }
        Some(())
    }
}

/// Whether this very process is running and not a zombie.
pub(super) fn is_alive(pid: u32, started: u64) -> bool {
    Stat::read(pid).is_some_and(|stat| stat.started == started && !stat.is_zombie())
}

/// The id of the current boot of this machine.
pub(super) fn boot() -> io::Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

/// A complete line. A line without its end was being written and is not trusted.
fn whole_line(text: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut write_line = Vec::new();
    text.read_until(b'\n', &mut write_line)?;
    if write_line.pop() != Some(b'\n') {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&write_line).into_owned()))
}

/// How a record is opened: private, append-only, never through a symbolic link.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .append(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

fn ignore_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const HEAD: &str =
        "fulcrum 1 00112233445566778899aabbccddeeff boot-1 4711 900 /sys/fs/cgroup/a b\n";

    fn parse(text: &str) -> PreviousRun {
        PreviousRun::parse(text.as_bytes()).expect("a record")
    }

    #[test]
    fn processes_without_a_recorded_exit_are_listed() {
        let previous = parse(&format!(
            "{HEAD}+ 10 901 1 orders\n+ 12 905 3 users\n- 10 901\n- 12 1\n! 950\nswept 2\n"
        ));
        let users = RecordedProcess {
            leader: 12,
            started: 905,
            domain: "users".to_owned(),
            generation: 3,
        };
        assert_eq!(
            previous.processes.into_values().collect::<Vec<_>>(),
            [users]
        );
        assert_eq!(previous.cgroup, Some("/sys/fs/cgroup/a b".into()));
        assert_eq!((previous.instance, previous.instance_started), (4711, 900));
        assert_eq!(
            (
                previous.instance_died_at,
                previous.cleaned_up,
                previous.finished
            ),
            (Some(950), Some(2), false)
        );
        assert!(parse(&format!("{HEAD}x\n")).finished);
    }

    #[test]
    fn incomplete_lines_are_ignored() {
        let previous = parse(&format!("{HEAD}+ 10 90\n+ 12 905 3 users\n\n- \n+ 14 9"));
        assert_eq!(previous.processes.into_keys().collect::<Vec<_>>(), [12]);
        for head in ["", "fulcrum 1", "fulcrum 2 x\n", &HEAD[..40], "\0\0\0\n"] {
            assert!(PreviousRun::parse(head.as_bytes()).is_err(), "{head}");
        }
    }

    #[test]
    fn a_truncated_record_is_valid_or_rejected() {
        let text = format!("{HEAD}+ 10 901 1 orders\n+ 12 905 3 users\n- 10 901\nx\n");
        for end in 0..text.len() {
            let previous = PreviousRun::parse(&text.as_bytes()[..end]);
            assert_eq!(previous.is_ok(), end >= HEAD.len(), "{end}");
            assert!(previous.is_ok_and(|previous| !previous.finished) || end < HEAD.len());
        }
    }

    #[test]
    fn a_record_is_private_and_lists_starts_and_exits() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("record");
        assert_eq!(PreviousRun::read(&path).expect("none"), None);
        let run = RunId::new().expect("random");
        let record = RunRecord::create(&path, &run, None).expect("begun");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let me = std::process::id();
        record.record_start(me, 77, "users.2.install");
        let previous = PreviousRun::read(&path).expect("readable").expect("there");
        assert!(previous.instance_is_alive());
        assert_eq!(previous.run, run);
        let process = &previous.processes[&me];
        assert_eq!(
            (&*process.domain, process.generation, process.started),
            ("users", 2, 77)
        );
        record.record_exit(me, 77);
        let previous = PreviousRun::read(&path).expect("readable").expect("there");
        assert!(previous.processes.is_empty() && !previous.finished);
        let file = options().open(&path).expect("open");
        record.finish();
        assert!(!path.exists());
        assert!(
            PreviousRun::from_file(file).expect("readable").finished,
            "for its guard"
        );
    }

    #[test]
    fn a_record_without_starts_is_removed_and_one_with_starts_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("record");
        let run = RunId::new().expect("random");
        drop(RunRecord::create(&path, &run, None).expect("begun"));
        assert!(!path.exists());
        let record = RunRecord::create(&path, &run, None).expect("begun");
        record.record_start(std::process::id(), 1, "users.1");
        drop(record);
        assert!(path.exists());
    }

    #[test]
    fn a_symbolic_link_is_neither_read_nor_written_through() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("record");
        let precious = dir.path().join("precious");
        fs::write(&precious, HEAD).expect("written");
        symlink(&precious, &path).expect("linked");
        assert!(PreviousRun::read(&path).is_err());
        let run = RunId::new().expect("random");
        let record = RunRecord::create(&path, &run, None).expect("begun");
        record.record_start(std::process::id(), 1, "users.1");
        assert_eq!(fs::read_to_string(&precious).expect("there"), HEAD);
    }
}
