//! The state of a process that does not react, as one sentence.

use std::time::Duration;

use crate::process::{ProcessSnapshot, kernel_stack, wait_channel};

/// How many kernel functions are named, the innermost first.
const MAX_KERNEL_FRAMES: usize = 4;

/// Describes what a process is doing: its state, where it waits in the kernel, and its CPU time.
///
/// `cpu_time` is the CPU time that it used in the last `period`; `format` displays both. Reads
/// `/proc`, which may block.
#[must_use]
pub fn describe_process(
    process: &ProcessSnapshot,
    cpu_time: Duration,
    period: Duration,
    format: impl Fn(Duration) -> String,
) -> String {
    let pid = process.pid;
    let usage = format!("{} CPU in the last {}", format(cpu_time), format(period));
    match process.state {
        'T' => format!("process {pid} was stopped by a signal (state T)"),
        'D' => format!(
            "process {pid} is in uninterruptible sleep{}: {usage}",
            kernel_location(pid)
        ),
        // On a CPU most of the time, whatever its state is at this moment.
        _ if cpu_time * 2 >= period => format!("process {pid} is busy: {usage}"),
        'R' => format!("process {pid} is runnable: {usage}"),
        _ => format!("process {pid} is asleep{}: {usage}", kernel_location(pid)),
    }
}

/// ` in …`: the kernel stack where it may be read, else the wait channel, else nothing.
fn kernel_location(pid: u32) -> String {
    let frames: Vec<_> = kernel_stack(pid)
        .into_iter()
        .take(MAX_KERNEL_FRAMES)
        .collect();
    if !frames.is_empty() {
        return format!(" in {}", frames.join(" < "));
    }
    wait_channel(pid).map_or_else(String::new, |channel| format!(" in {channel}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_and_state_decide_the_description() {
        let describe = |state, cpu_time| {
            let process = ProcessSnapshot {
                pid: u32::MAX,
                started: 0,
                state,
                tracer: None,
                cpu_time: Duration::ZERO,
                run_delay: Duration::ZERO,
            };
            describe_process(
                &process,
                Duration::from_millis(cpu_time),
                Duration::from_millis(1_200),
                |duration| format!("{} ms", duration.as_millis()),
            )
        };
        assert!(describe('R', 1_100).ends_with("is busy: 1100 ms CPU in the last 1200 ms"));
        assert!(describe('R', 100).ends_with("is runnable: 100 ms CPU in the last 1200 ms"));
        assert!(describe('S', 0).ends_with("is asleep: 0 ms CPU in the last 1200 ms"));
        assert!(describe('T', 0).contains("stopped by a signal"));
        assert!(describe('D', 0).contains("in uninterruptible sleep"));
    }
}
