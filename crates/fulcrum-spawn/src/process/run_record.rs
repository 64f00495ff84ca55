//! The record of a run: who was started, so that somebody else can end what a dead instance left.
//!
//! A file that is only appended to, a line for each event, each written at once:
//!
//! ```text
//! fulcrum 1 RUN BOOT PID STARTED CGROUP     the run, the machine's boot, the instance; `-`: none
//! + PID STARTED GENERATION DOMAIN           a life's leader was started; generation 0: somebody
//!                                           of a life has left its group
//! - PID STARTED                             nobody of that life is left
//! ! TICKS                                   the guard saw the instance's end
//! swept N                                   the guard has ended N processes
//! x                                         the end was a good one
//! ```
//!
//! Numbers alone mean nothing, since they are given anew: a process is its number and the time of
//! its start, in clock ticks since the boot that is named.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::OFlags;

use super::run_id::RunId;
use super::stat::Stat;

/// The first words of a record that this version can read.
const FORMAT: &str = "fulcrum 1 ";

/// The record of the run that goes on. A line that can't be written is warned of, and changes nothing
/// else: the processes are found by other means too.
#[derive(Debug)]
pub struct RunRecord {
    path: PathBuf,
    file: File,
    /// A life was entered.
    has_entries: AtomicBool,
    /// The last line may be incomplete.
    has_partial_line: AtomicBool,
}

impl RunRecord {
    /// Begins the record of this process as an instance, in the place of an older one. `cgroup`
    /// holds all processes of the run, if there is one.
    ///
    /// # Errors
    /// The file can't be written, or there is no `/proc`.
    pub fn begin(path: &Path, run: &RunId, cgroup: Option<&Path>) -> io::Result<Self> {
        let me = Stat::read(std::process::id())
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "/proc can't be read"))?;
        let boot = boot()?;
        let cgroup = cgroup
            .and_then(Path::to_str)
            .filter(|path| !path.contains('\n'))
            .unwrap_or("-");
        let head = format!("{FORMAT}{run} {boot} {} {} {cgroup}\n", me.pid, me.started);
        let next = path.with_extension("new");
        absent(fs::remove_file(&next))?;
        let mut file = options().create_new(true).open(&next)?;
        file.write_all(head.as_bytes())?;
        // Whoever still has the old one open, such as its guard, goes on with the old one.
        fs::rename(&next, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            has_entries: AtomicBool::new(false),
            has_partial_line: AtomicBool::new(false),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A life has begun. `label` is `orders.3`: the domain and which life of it.
    pub(super) fn record_start(&self, leader: u32, started: u64, label: &str) {
        self.has_entries.store(true, Ordering::Relaxed);
        let label: String = label.split_whitespace().collect();
        let (domain, generation) = label.split_once('.').unwrap_or((&label, "0"));
        // What comes after the number is for others, such as `install`.
        let generation = generation.split('.').next().unwrap_or("0");
        self.line(&format!("+ {leader} {started} {generation} {domain}\n"));
    }

    /// A process of the life `label` is none of its group any more.
    pub(super) fn record_detached(&self, pid: u32, started: u64, label: &str) {
        let domain = label.split('.').next().unwrap_or_default();
        self.record_start(pid, started, domain);
    }

    /// Nobody of that life is left.
    pub(super) fn record_exit(&self, leader: u32, started: u64) {
        self.line(&format!("- {leader} {started}\n"));
    }

    /// The run has ended, and nothing of it is left.
    pub fn finish(&self) {
        // Once is enough: afterwards the place may be the next instance's.
        self.has_entries.store(true, Ordering::Relaxed);
        self.line("x\n");
        let identity = |found: fs::Metadata| (found.dev(), found.ino());
        let ours = self.file.metadata().map(identity);
        let there = self.path.symlink_metadata().map(identity);
        if matches!((ours, there), (Ok(ours), Ok(there)) if ours == there) {
            let _ = fs::remove_file(&self.path);
        }
    }

    fn line(&self, text: &str) {
        // What was cut short must not spoil what comes after it.
        let torn = self.has_partial_line.load(Ordering::Relaxed);
        let whole = if torn {
            format!("\n{text}")
        } else {
            text.to_owned()
        };
        let written = (&self.file).write(whole.as_bytes());
        let complete = matches!(&written, Ok(length) if *length == whole.len());
        self.has_partial_line.store(!complete, Ordering::Relaxed);
        if !complete && !torn {
            let why = written.map_or_else(|error| error.to_string(), |_| "it is full".to_owned());
            tracing::warn!(
                "the record of what runs, {}, can't be written: {why}",
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

/// One life of an earlier run, whose end nobody has written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedProcess {
    /// Its leader, which led a process group of the same number.
    pub leader: u32,
    /// When that was started, in clock ticks since boot.
    pub started: u64,
    /// Whose life.
    pub domain: String,
    /// Which one; 0 for a process that had got away from its life.
    pub generation: u64,
}

/// A record, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousRun {
    /// The run.
    pub run: RunId,
    /// The boot that the numbers are of.
    pub boot: String,
    /// The instance's number.
    pub instance: u32,
    /// When it was started.
    pub instance_started: u64,
    /// The run's cgroup.
    pub cgroup: Option<PathBuf>,
    /// Lives that had not ended, by their leaders.
    pub processes: BTreeMap<u32, RecordedProcess>,
    /// When the guard saw the instance's end, in clock ticks since boot.
    pub instance_died_at: Option<u64>,
    /// How many processes the guard ended afterwards.
    pub cleaned_up: Option<u64>,
    /// The instance has ended in order.
    pub finished: bool,
}

impl PreviousRun {
    /// Reads the record at a place; none where there is none.
    ///
    /// # Errors
    /// It can't be read, or is no record that this version understands.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match options().open(path) {
            Ok(file) => Self::of(file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn of(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        Self::parse(file)
    }

    /// Whether the instance is still there, or still on its way out.
    #[must_use]
    pub fn instance_is_alive(&self) -> bool {
        let same_boot = boot().is_ok_and(|boot| boot == self.boot);
        same_boot && is_alive(self.instance, self.instance_started)
    }

    fn parse(text: impl Read) -> io::Result<Self> {
        let mut text = BufReader::new(text);
        let head = whole_line(&mut text)?.unwrap_or_default();
        let mut past = head
            .strip_prefix(FORMAT)
            .and_then(Self::begin)
            .ok_or_else(|| {
                let what = "it isn't a record of this version of fulcrum";
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?;
        while let Some(line) = whole_line(&mut text)? {
            // One that makes no sense was cut short by a full disk.
            let _ = past.take(&line);
        }
        Ok(past)
    }

    fn begin(head: &str) -> Option<Self> {
        let mut words = head.splitn(5, ' ');
        Some(Self {
            run: RunId::parse(words.next()?)?,
            boot: words.next()?.to_owned(),
            instance: words.next()?.parse().ok()?,
            instance_started: words.next()?.parse().ok()?,
            cgroup: Some(words.next()?)
                .filter(|path| *path != "-")
                .map(PathBuf::from),
            processes: BTreeMap::new(),
            instance_died_at: None,
            cleaned_up: None,
            finished: false,
        })
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["+", leader, started, generation, domain] => {
                let life = RecordedProcess {
                    leader: leader.parse().ok()?,
                    started: started.parse().ok()?,
                    domain: (*domain).to_owned(),
                    generation: generation.parse().ok()?,
                };
                self.processes.insert(life.leader, life);
            }
            ["-", leader, started] => {
                let (leader, started) = (leader.parse().ok()?, started.parse().ok()?);
                // A later life may have got the number already.
                self.processes
                    .retain(|pid, life| (*pid, life.started) != (leader, started));
            }
            ["!", ticks] => self.instance_died_at = Some(ticks.parse().ok()?),
            ["swept", count] => self.cleaned_up = Some(count.parse().ok()?),
            ["x"] => self.finished = true,
            _ => {}
        }
        Some(())
    }
}

/// Whether this very process is there, and not only to be reaped.
pub(super) fn is_alive(pid: u32, started: u64) -> bool {
    Stat::read(pid).is_some_and(|stat| stat.started == started && !stat.is_zombie())
}

/// What tells one boot of the machine from all others.
pub(super) fn boot() -> io::Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

/// A line with its end; one without was being written, or can't be trusted.
fn whole_line(text: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    text.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// How a record is opened: for us alone, each write at its end, and never through a link.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .append(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
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
    fn what_was_not_ended_is_left() {
        let past = parse(&format!(
            "{HEAD}+ 10 901 1 orders\n+ 12 905 3 users\n- 10 901\n- 12 1\n! 950\nswept 2\n"
        ));
        let users = RecordedProcess {
            leader: 12,
            started: 905,
            domain: "users".to_owned(),
            generation: 3,
        };
        assert_eq!(past.processes.into_values().collect::<Vec<_>>(), [users]);
        assert_eq!(past.cgroup, Some("/sys/fs/cgroup/a b".into()));
        assert_eq!((past.instance, past.instance_started), (4711, 900));
        assert_eq!(
            (past.instance_died_at, past.cleaned_up, past.finished),
            (Some(950), Some(2), false)
        );
        assert!(parse(&format!("{HEAD}x\n")).finished);
    }

    #[test]
    fn lines_that_were_cut_short_spoil_nothing() {
        let past = parse(&format!("{HEAD}+ 10 90\n+ 12 905 3 users\n\n- \n+ 14 9"));
        assert_eq!(past.processes.into_keys().collect::<Vec<_>>(), [12]);
        for head in ["", "fulcrum 1", "fulcrum 2 x\n", &HEAD[..40], "\0\0\0\n"] {
            assert!(PreviousRun::parse(head.as_bytes()).is_err(), "{head}");
        }
    }

    #[test]
    fn any_cut_of_a_record_is_one_or_is_refused() {
        let text = format!("{HEAD}+ 10 901 1 orders\n+ 12 905 3 users\n- 10 901\nx\n");
        for end in 0..text.len() {
            let past = PreviousRun::parse(&text.as_bytes()[..end]);
            assert_eq!(past.is_ok(), end >= HEAD.len(), "{end}");
            assert!(past.is_ok_and(|past| !past.finished) || end < HEAD.len());
        }
    }

    #[test]
    fn a_record_is_private_and_says_what_happened() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("record");
        assert_eq!(PreviousRun::read(&path).expect("none"), None);
        let run = RunId::new().expect("random");
        let record = RunRecord::begin(&path, &run, None).expect("begun");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let me = std::process::id();
        record.record_start(me, 77, "users.2.install");
        let past = PreviousRun::read(&path).expect("readable").expect("there");
        assert!(past.instance_is_alive());
        assert_eq!(past.run, run);
        let life = &past.processes[&me];
        assert_eq!(
            (&*life.domain, life.generation, life.started),
            ("users", 2, 77)
        );
        record.record_exit(me, 77);
        let past = PreviousRun::read(&path).expect("readable").expect("there");
        assert!(past.processes.is_empty() && !past.finished);
        let file = options().open(&path).expect("open");
        record.finish();
        assert!(!path.exists());
        assert!(
            PreviousRun::of(file).expect("readable").finished,
            "for its guard"
        );
    }

    #[test]
    fn a_run_that_started_nothing_leaves_none_and_one_that_did_leaves_its() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("record");
        let run = RunId::new().expect("random");
        drop(RunRecord::begin(&path, &run, None).expect("begun"));
        assert!(!path.exists());
        let record = RunRecord::begin(&path, &run, None).expect("begun");
        record.record_start(std::process::id(), 1, "users.1");
        drop(record);
        assert!(path.exists());
    }

    #[test]
    fn a_link_in_its_place_is_neither_read_nor_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("record");
        let precious = folder.path().join("precious");
        fs::write(&precious, HEAD).expect("written");
        symlink(&precious, &path).expect("linked");
        assert!(PreviousRun::read(&path).is_err());
        let run = RunId::new().expect("random");
        let record = RunRecord::begin(&path, &run, None).expect("begun");
        record.record_start(std::process::id(), 1, "users.1");
        assert_eq!(fs::read_to_string(&precious).expect("there"), HEAD);
    }
}
