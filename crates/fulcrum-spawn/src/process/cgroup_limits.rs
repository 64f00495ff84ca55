//! Limits that the kernel enforces, where a cgroup has the controllers for them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::tracker::ProcessTracker;

/// The period of `cpu.max` in microseconds; the kernel's default.
const PERIOD_MICROS: u64 = 100_000;

/// The smallest quota that the kernel accepts, in microseconds.
const MIN_QUOTA_MICROS: u64 = 1_000;

/// A controller of cgroup v2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    /// Bytes of memory, of all processes together.
    Memory,
    /// CPU time.
    Cpu,
}

impl Controller {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Memory => "memory.max",
            Self::Cpu => "cpu.max",
        }
    }
}

impl ProcessTracker {
    /// Whether processes can be limited by this controller.
    ///
    /// # Errors
    /// Why not, as text.
    pub fn can_limit(&self, controller: Controller) -> Result<(), String> {
        let Some(run) = self.cgroup() else {
            return Err("domains have no cgroup of their own here".to_owned());
        };
        hands_down(run, controller)
    }
}

/// Whether a run's cgroup, which need not exist yet, has a controller: its parent must enable it.
///
/// # Errors
/// Why not, as text.
pub fn hands_down(run: &Path, controller: Controller) -> Result<(), String> {
    let parent = run.parent().unwrap_or(run);
    let handed_down = parent.join("cgroup.subtree_control");
    let controllers = fs::read_to_string(handed_down).unwrap_or_default();
    let name = controller.name();
    if controllers.split_ascii_whitespace().any(|one| one == name) {
        return Ok(());
    }
    Err(format!(
        "the cgroup {} does not enable the {name} controller for its children",
        parent.display()
    ))
}

/// Limits the memory of the processes in this cgroup; the kernel kills one that would exceed it.
///
/// # Errors
/// The controller is not available there, or the kernel rejects the number.
pub fn set_memory_limit(dir: &Path, bytes: u64) -> io::Result<()> {
    set(dir, Controller::Memory, &bytes.to_string())
}

/// Limits the processes in this cgroup to so many CPUs; `0.5` is half of one.
///
/// # Errors
/// The controller is not available there, or the kernel rejects the number.
pub fn set_cpu_limit(dir: &Path, cpus: f64) -> io::Result<()> {
    set(dir, Controller::Cpu, &quota(cpus))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and what is not positive becomes the minimum"
)]
fn quota(cpus: f64) -> String {
    let share = (cpus * PERIOD_MICROS as f64).round() as u64;
    format!("{} {PERIOD_MICROS}", share.max(MIN_QUOTA_MICROS))
}

fn set(dir: &Path, controller: Controller, value: &str) -> io::Result<()> {
    let file = dir.join(controller.file());
    if !file.exists() {
        // The run's cgroup contains no process itself, so it may enable controllers for its
        // children.
        let run = dir.parent().unwrap_or(dir);
        let enable = format!("+{}", controller.name());
        write(&run.join("cgroup.subtree_control"), &enable)?;
    }
    write(&file, value)
}

/// In one write, and never by creating a file.
fn write(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_written_only_to_an_existing_file() {
        let run = tempfile::tempdir().expect("a directory");
        let generation = run.path().join("users.1");
        fs::create_dir(&generation).expect("a directory");
        assert!(set_memory_limit(&generation, 1).is_err());
        assert!(!generation.join("memory.max").exists());

        fs::write(generation.join("memory.max"), "max").expect("a file");
        set_memory_limit(&generation, 104_857_600).expect("the file exists");
        let written = fs::read_to_string(generation.join("memory.max")).expect("a file");
        assert_eq!(written, "104857600");
    }

    #[test]
    fn a_missing_controller_is_enabled() {
        let run = tempfile::tempdir().expect("a directory");
        let generation = run.path().join("users.1");
        fs::create_dir(&generation).expect("a directory");
        let control = run.path().join("cgroup.subtree_control");
        fs::write(&control, "").expect("a file");
        // A plain directory does not behave as the kernel does, so the limit itself fails.
        assert!(set_cpu_limit(&generation, 0.5).is_err());
        assert_eq!(fs::read_to_string(control).expect("a file"), "+cpu");
    }

    #[test]
    fn cpu_shares_become_microseconds() {
        assert_eq!(quota(0.5), "50000 100000");
        assert_eq!(quota(2.0), "200000 100000");
        assert_eq!(quota(0.000_01), "1000 100000");
        assert_eq!(quota(f64::NAN), "1000 100000");
    }
}
