//! Limits that the kernel itself holds a life to, where its cgroup has the controllers for it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::tracker::ProcessTracker;

/// What cpu.max is counted in, in microseconds; the kernel's own default.
const PERIOD: u64 = 100_000;

/// The least that the kernel takes for a share, in microseconds.
const LEAST: u64 = 1_000;

/// A controller of cgroup v2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    /// Bytes of memory, of all processes together.
    Memory,
    /// Time on processors.
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
    /// Whether lives can be held to limits by this controller.
    ///
    /// # Errors
    /// For people: why not.
    pub fn can_limit(&self, controller: Controller) -> Result<(), String> {
        let Some(run) = self.cgroup() else {
            return Err("domains have no cgroup of their own here".to_owned());
        };
        // The run's own folder may not have been made yet; it gets what its parent hands down.
        let parent = run.parent().unwrap_or(run);
        let handed_down = parent.join("cgroup.subtree_control");
        let controllers = fs::read_to_string(handed_down).unwrap_or_default();
        let name = controller.name();
        if controllers.split_ascii_whitespace().any(|one| one == name) {
            return Ok(());
        }
        Err(format!(
            "the cgroup {} hands no {name} controller down",
            parent.display()
        ))
    }
}

/// Lets the kernel end processes of the life in this folder rather than let it have more memory.
///
/// # Errors
/// The controller can't be had there, or the kernel refuses the number.
pub fn set_memory_limit(folder: &Path, bytes: u64) -> io::Result<()> {
    set(folder, Controller::Memory, &bytes.to_string())
}

/// Gives the life in this folder so many processors at most; `0.5` is half of one.
///
/// # Errors
/// The controller can't be had there, or the kernel refuses the number.
pub fn set_cpu_limit(folder: &Path, processors: f64) -> io::Result<()> {
    set(folder, Controller::Cpu, &quota(processors))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and what isn't positive becomes the least"
)]
fn quota(processors: f64) -> String {
    let share = (processors * PERIOD as f64).round() as u64;
    format!("{} {PERIOD}", share.max(LEAST))
}

fn set(folder: &Path, controller: Controller, value: &str) -> io::Result<()> {
    let file = folder.join(controller.file());
    if !file.exists() {
        // The run's folder holds no process itself, so it may hand controllers down.
        let run = folder.parent().unwrap_or(folder);
        let enable = format!("+{}", controller.name());
        write(&run.join("cgroup.subtree_control"), &enable)?;
    }
    write(&file, value)
}

/// In one write, and never by making a file.
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
    fn a_limit_is_written_where_the_kernel_has_a_place_for_it_and_nowhere_else() {
        let run = tempfile::tempdir().expect("a folder");
        let life = run.path().join("users.1");
        fs::create_dir(&life).expect("a folder");
        assert!(set_memory_limit(&life, 1).is_err());
        assert!(!life.join("memory.max").exists());

        fs::write(life.join("memory.max"), "max").expect("a file");
        set_memory_limit(&life, 104_857_600).expect("there is a place");
        let written = fs::read_to_string(life.join("memory.max")).expect("a file");
        assert_eq!(written, "104857600");
    }

    #[test]
    fn a_missing_controller_is_asked_for() {
        let run = tempfile::tempdir().expect("a folder");
        let life = run.path().join("users.1");
        fs::create_dir(&life).expect("a folder");
        let control = run.path().join("cgroup.subtree_control");
        fs::write(&control, "").expect("a file");
        // A plain folder doesn't answer as the kernel does, so the limit itself fails.
        assert!(set_cpu_limit(&life, 0.5).is_err());
        assert_eq!(fs::read_to_string(control).expect("a file"), "+cpu");
    }

    #[test]
    fn shares_of_processors_become_microseconds() {
        assert_eq!(quota(0.5), "50000 100000");
        assert_eq!(quota(2.0), "200000 100000");
        assert_eq!(quota(0.000_01), "1000 100000");
        assert_eq!(quota(f64::NAN), "1000 100000");
    }
}
