//! Replaces this process by another program.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::CommandSpec;

/// Runs a program in the place of this process: with its pid, its open files, and its parent, which gets
/// the program's exit status. Returns only if that fails.
#[expect(
    clippy::disallowed_methods,
    reason = "no process is started: this one becomes another program"
)]
pub fn replace_process(spec: &CommandSpec) -> io::Error {
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).current_dir(&spec.cwd);
    command.env_clear().envs(&spec.env);
    command.exec()
}
