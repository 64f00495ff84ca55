//! Jobs on all cores.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Calls `work` for each job on as many threads as there are cores; results are in the jobs' order.
///
/// # Errors
/// The first error of `work`.
pub(super) fn in_parallel<J: Sync, R: Send>(
    jobs: &[J],
    work: impl Fn(&J) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let worker = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { break };
            let result = work(job);
            // A panic of another worker leaves the results valid.
            let mut results = results.lock().unwrap_or_else(|lock| lock.into_inner());
            results.push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(worker);
        }
    });
    let results = results.into_inner();
    let mut results = results.unwrap_or_else(|lock| lock.into_inner());
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_jobs() {
        let jobs: Vec<u32> = (0..100).collect();
        let doubled = in_parallel(&jobs, |job| Ok(job * 2)).unwrap();
        assert!(
            doubled
                .iter()
                .eq(jobs.iter().map(|job| job * 2).collect::<Vec<_>>().iter())
        );
        let failing = in_parallel(&jobs, |job| job.checked_sub(50).context("no"));
        assert!(failing.is_err());
    }
}
