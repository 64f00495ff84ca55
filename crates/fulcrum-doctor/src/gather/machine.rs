//! Facts about the machine, its disks and its clock.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::system::uname;

use super::request::Request;
use crate::facts::{ClockFacts, DiskFacts, MachineFacts};

pub(super) fn machine() -> MachineFacts {
    let kernel = uname();
    let release = kernel.release().to_string_lossy().into_owned();
    let is_wsl = release.to_ascii_lowercase().contains("microsoft");
    MachineFacts {
        system: system().unwrap_or_else(|| kernel.sysname().to_string_lossy().into_owned()),
        kernel: release,
        architecture: std::env::consts::ARCH.to_owned(),
        cpus: available_parallelism().map_or(1, usize::from),
        memory: memory().unwrap_or_default(),
        container: container(),
        is_wsl,
        // A shell that runs this command is not the first one, and would start an instance by `exec`.
        is_first_process: std::process::id() == 1,
    }
}

/// `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"`
fn system() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

/// `MemTotal:       16333764 kB`
fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn container() -> Option<String> {
    if Path::new("/run/.containerenv").exists() {
        return Some("podman".to_owned());
    }
    if Path::new("/.dockerenv").exists() {
        return Some("docker".to_owned());
    }
    let cgroup = fs::read_to_string("/proc/1/cgroup").unwrap_or_default();
    ["kubepods", "docker", "lxc", "containerd"]
        .iter()
        .find(|name| cgroup.contains(*name))
        .map(|name| (*name).to_owned())
}

/// Each file system once, by the first purpose that it serves.
pub(super) fn disks(request: &Request<'_>) -> Vec<DiskFacts> {
    let temporary = std::env::temp_dir();
    let places = [
        ("the app", request.root.map(Path::to_path_buf)),
        ("the cache", existing(&request.prepare.cache)),
        ("temporary files", Some(temporary)),
    ];
    let mut seen = Vec::new();
    let mut disks = Vec::new();
    for (purpose, dir) in places {
        let Some(dir) = dir else { continue };
        let Ok(found) = statvfs(&dir) else { continue };
        if seen.contains(&found.f_fsid) && found.f_fsid != 0 {
            continue;
        }
        seen.push(found.f_fsid);
        disks.push(DiskFacts {
            purpose,
            available: found.f_bavail.saturating_mul(found.f_frsize),
            // Some file systems, such as btrfs, have no such number.
            files: (found.f_files > 0).then_some(found.f_favail),
            is_read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
            dir,
        });
    }
    disks
}

/// The directory, or the nearest one upward that exists.
fn existing(dir: &Path) -> Option<PathBuf> {
    dir.ancestors()
        .find(|dir| dir.is_dir())
        .map(Path::to_path_buf)
}

pub(super) fn clock(request: &Request<'_>) -> ClockFacts {
    let modified = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    let mut files = Vec::new();
    if let Some(root) = request.root {
        files.push(root.join("fulcrum.yml"));
    }
    for domain in request.app.iter().flat_map(|app| &app.domains) {
        files.push(domain.dir.join("fulcrum.yml"));
        if let fulcrum_config::Program::Node { entry } = &domain.program {
            files.push(entry.clone());
        }
    }
    let times = files.into_iter().filter_map(|path| {
        let time = modified(&path)?;
        Some((path, time))
    });
    ClockFacts {
        now: request.now,
        program: modified(request.program),
        newest: times.max_by_key(|(_, time)| *time),
    }
}
