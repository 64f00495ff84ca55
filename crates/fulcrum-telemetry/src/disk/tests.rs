//! The file and the thread that writes it, on a real disk and on one that is full.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use tempfile::TempDir;
use tokio::time::Instant;

use super::file::DiskFile;
use super::open::open_or_replace;
use super::queue::Entry;
use super::*;

const LIMIT: usize = 1024 * 1024;

fn entry(number: usize, length: usize) -> Entry {
    let mut body = number.to_le_bytes().to_vec();
    // Nothing that the disk could compress.
    body.resize_with(length, || fastrand::u8(..));
    Entry {
        signal: Signal::Traces,
        body: body.into(),
    }
}

/// Opens a file, and the numbers of the entries that are in it.
fn open(path: &Path) -> (DiskFile, Vec<usize>) {
    let mut found = Vec::new();
    let opened = open_or_replace(path, LIMIT, &mut |signal, body| {
        assert_eq!(signal, Signal::Traces);
        let number = body.first_chunk().expect("a number");
        found.push(usize::from_le_bytes(*number));
    });
    (opened.expect("opened"), found)
}

fn temp() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let path = temp.path().join("telemetry.redb");
    (temp, path)
}

fn write(file: &mut DiskFile, batch: &[Entry]) {
    let written = file.append(batch).expect("written");
    assert_eq!(written, batch.len() as u64);
}

#[test]
fn what_was_written_is_there_in_its_order_when_it_is_opened_again() {
    let (_temp, path) = temp();
    let (mut file, found) = open(&path);
    assert_eq!(found, [] as [usize; 0]);
    write(&mut file, &[entry(1, 100), entry(2, 5_000)]);
    write(&mut file, &[entry(3, 100)]);
    drop(file);
    let (mut file, found) = open(&path);
    assert_eq!(found, [1, 2, 3]);
    write(&mut file, &[entry(4, 100)]);
    drop(file);
    assert_eq!(open(&path).1, [1, 2, 3, 4]);
    let mode = fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_oldest_make_room_and_the_file_stays_bounded() {
    let (_temp, path) = temp();
    let (mut file, _) = open(&path);
    let mut largest = 0;
    for batch in 0..60 {
        let batch: Vec<Entry> = (0..50).map(|one| entry(batch * 50 + one, 3_000)).collect();
        write(&mut file, &batch);
        largest = largest.max(fs::metadata(&path).expect("a file").len());
    }
    drop(file);
    // Nine times the limit was written.
    assert!(largest < 8 * 1024 * 1024, "{largest}");
    let (_, found) = open(&path);
    assert_eq!(found, (3_000 - found.len()..3_000).collect::<Vec<usize>>());
    assert!((100..=220).contains(&found.len()), "{}", found.len());
}

#[test]
fn a_file_that_cannot_be_used_is_put_aside_and_a_new_one_begins() {
    let (temp, path) = temp();
    let aside = temp.path().join("telemetry.redb.damaged");
    let elsewhere = temp.path().join("elsewhere");
    fs::write(&elsewhere, "somebody's").expect("written");
    let intact = {
        let (mut file, _) = open(&path);
        let batch: Vec<Entry> = (0..100).map(|one| entry(one, 3_000)).collect();
        write(&mut file, &batch);
        drop(file);
        fs::read(&path).expect("read")
    };
    let damage = |position: usize, bytes: &[u8]| {
        let mut damaged = intact.clone();
        damaged[position..position + bytes.len()].copy_from_slice(bytes);
        fs::write(&path, damaged).expect("written");
    };
    let cases: [(&str, &dyn Fn()); 6] = [
        ("a text", &|| {
            fs::write(&path, "not a database").expect("written")
        }),
        ("its begin is overwritten", &|| damage(0, &[0; 64])),
        ("its middle is overwritten", &|| {
            damage(intact.len() / 4, &[0xaa; 200_000])
        }),
        ("its end is missing", &|| {
            fs::write(&path, &intact[..intact.len() / 2]).expect("written")
        }),
        ("a link", &|| {
            fs::remove_file(&path).expect("removed");
            symlink(&elsewhere, &path).expect("a link");
        }),
        ("a database of another program", &|| {
            fs::remove_file(&path).expect("removed");
            let other = redb::Database::create(&path).expect("created");
            let transaction = other.begin_write().expect("begun");
            let table = redb::TableDefinition::<u64, u64>::new("theirs");
            let opened = transaction.open_table(table).map(|_| ());
            opened.expect("a table");
            transaction.commit().expect("written");
        }),
    ];
    for (what, damage) in cases {
        damage();
        let (mut file, found) = open(&path);
        assert_eq!(found, [] as [usize; 0], "{what}");
        assert!(aside.symlink_metadata().is_ok(), "{what}");
        write(&mut file, &[entry(7, 100)]);
        drop(file);
        assert_eq!(open(&path).1, [7], "{what}");
        fs::remove_file(&aside).expect("it was put aside");
    }
    let untouched = fs::read_to_string(&elsewhere).expect("read");
    assert_eq!(untouched, "somebody's");
}

#[test]
fn a_file_that_another_writes_is_left_alone() {
    let (temp, path) = temp();
    let (mut first, _) = open(&path);
    write(&mut first, &[entry(1, 100)]);
    let second = open_or_replace(&path, LIMIT, &mut |_, _| {});
    let error = second.expect_err("one writer");
    assert!(error.contains("another process"), "{error}");
    write(&mut first, &[entry(2, 100)]);
    drop(first);
    assert_eq!(open(&path).1, [1, 2]);
    assert!(!temp.path().join("telemetry.redb.damaged").exists());
}

/// A disk in memory that may be full.
#[derive(Clone, Debug)]
struct SmallDisk {
    disk: Arc<InMemoryBackend>,
    is_full: Arc<AtomicBool>,
}

impl SmallDisk {
    fn check(&self) -> io::Result<()> {
        match self.is_full.load(Ordering::Relaxed) {
            true => Err(ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl StorageBackend for SmallDisk {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        self.disk.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.disk.write(offset, data)
    }
}

#[test]
fn a_full_disk_drops_and_is_tried_again() {
    let disk = SmallDisk {
        disk: Arc::default(),
        is_full: Arc::default(),
    };
    let open = {
        let disk = disk.clone();
        move |found: &mut Vec<usize>| {
            let restore = &mut |_, body: &[u8]| found.push(usize::from(body[0]));
            let opened = DiskFile::open(disk.clone(), Box::new(|| 0), LIMIT, restore);
            opened.map_err(|error| format!("{error:?}"))
        }
    };
    let reopen = open.clone();
    let reopen = Box::new(move || reopen(&mut Vec::new()));
    let mut writer = Writer::new(Path::new("x"), open(&mut Vec::new()), reopen);
    let start = Instant::now();
    let mut write = |number: usize, second| {
        let at = start + Duration::from_secs(second);
        writer.write(&[entry(number, 3_000), entry(number, 3_000)], at)
    };
    assert_eq!(write(1, 0), 2);
    disk.is_full.store(true, Ordering::Relaxed);
    assert_eq!((write(2, 1), write(3, 12), write(4, 13)), (0, 0, 0));
    disk.is_full.store(false, Ordering::Relaxed);
    assert_eq!((write(5, 14), write(6, 23)), (0, 2));
    drop(writer);
    let mut found = Vec::new();
    open(&mut found).expect("opened");
    assert_eq!(found, [1, 1, 6, 6]);
}

#[tokio::test]
async fn what_waits_is_written_at_the_end() {
    let (_temp, path) = temp();
    let disk = Disk::start(path.clone(), LIMIT, &mut |_, _| {});
    for number in 0..20 {
        disk.push(Signal::Traces, entry(number, 100).body);
    }
    disk.close(Duration::from_secs(10)).await;
    assert_eq!(disk.lost(), 0);
    disk.push(Signal::Traces, entry(20, 100).body);
    assert_eq!(disk.lost(), 1);
    assert_eq!(open(&path).1, (0..20).collect::<Vec<usize>>());
}
