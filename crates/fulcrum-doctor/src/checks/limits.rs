//! Checks of limits.

use crate::check::Check;
use crate::facts::{CgroupFacts, LimitFacts};

/// An app of a thousand directories is small; editors need some, too.
const FEW_WATCHES: u64 = 8_192;

/// Each instance, editor and bundler needs one or two.
const FEW_INSTANCES: u64 = 64;

/// Pipes, sockets and log files of a few dozen domains.
const FEW_FILES: u64 = 1_024;

/// Not enough for an instance and its first domain.
const TOO_FEW_FILES: u64 = 128;

/// Threads of one Node: about a dozen.
const FEW_PROCESSES: u64 = 200;

/// Not enough for an instance and its first domain.
const TOO_FEW_PROCESSES: u64 = 40;

/// Directories can be watched.
#[must_use]
pub fn inotify_watches(limits: &LimitFacts, directories: u64) -> Check {
    const ID: &str = "inotify-watches";
    const WHY: &str = "beyond the limit, changes of files are found by polling, which is slower";
    let Some(limit) = limits.inotify_watches else {
        return Check::ok(ID, "this system has no limit");
    };
    let free = limit.saturating_sub(limits.used_watches);
    let what = format!("{free} of {limit} are free, this app needs {directories}");
    let cure = "`echo fs.inotify.max_user_watches=524288 | sudo tee /etc/sysctl.d/60-inotify.conf && \
                sudo sysctl --system`";
    if free < directories {
        Check::fail(ID, what, WHY).cure(cure)
    } else if free < FEW_WATCHES.max(directories.saturating_mul(2)) {
        Check::warn(ID, what, WHY).cure(cure)
    } else {
        Check::ok(ID, what)
    }
}

/// Watchers can be created.
#[must_use]
pub fn inotify_instances(limits: &LimitFacts) -> Check {
    const ID: &str = "inotify-instances";
    const WHY: &str = "without a free one, nothing is watched and nothing is reloaded";
    let Some(limit) = limits.inotify_instances else {
        return Check::ok(ID, "this system has no limit");
    };
    let free = limit.saturating_sub(limits.used_instances);
    let what = format!("{free} of {limit} are free");
    let cure = "`echo fs.inotify.max_user_instances=512 | sudo tee /etc/sysctl.d/60-inotify.conf && \
                sudo sysctl --system`";
    if free == 0 {
        Check::fail(ID, what, WHY).cure(cure)
    } else if limit < FEW_INSTANCES || free < 4 {
        Check::warn(ID, what, WHY).cure(cure)
    } else {
        Check::ok(ID, what)
    }
}

/// Files can be opened.
#[must_use]
pub fn open_files(limits: &LimitFacts) -> Check {
    const ID: &str = "open-files";
    const WHY: &str = "each domain takes about ten files of the instance, and each caller one; \
                       beyond the limit starts and calls fail";
    let Some(limit) = limits.open_files else {
        return Check::ok(ID, "not limited");
    };
    let what = format!("{limit} for each process");
    let cure = "`ulimit -Hn 65536 -Sn 65536` in the shell that starts fulcrum, `LimitNOFILE=65536` in \
                a systemd unit, or `--ulimit nofile=65536` for a container";
    match limit {
        0..TOO_FEW_FILES => Check::fail(ID, what, WHY).cure(cure),
        TOO_FEW_FILES..FEW_FILES => Check::warn(ID, what, WHY).cure(cure),
        _ => Check::ok(ID, what),
    }
}

/// Processes and threads can be created.
#[must_use]
pub fn processes(limits: &LimitFacts) -> Check {
    const ID: &str = "processes";
    const WHY: &str = "a Node has about a dozen threads; beyond the limit domains do not start";
    let of_group = limits
        .cgroup_processes
        .map(|(limit, used)| limit.saturating_sub(used));
    let what = match (of_group, limits.processes) {
        (Some(free), _) => format!("{free} more in this control group"),
        (None, Some(limit)) => format!("{limit} for this user"),
        (None, None) => "not limited".to_owned(),
    };
    let cure = "`ulimit -u 8192`, `TasksMax=infinity` in a systemd unit, or `--pids-limit -1` for a \
                container";
    let least = [of_group, limits.processes].into_iter().flatten().min();
    match least {
        Some(0..TOO_FEW_PROCESSES) => Check::fail(ID, what, WHY).cure(cure),
        Some(TOO_FEW_PROCESSES..FEW_PROCESSES) => Check::warn(ID, what, WHY).cure(cure),
        _ => Check::ok(ID, what),
    }
}

/// The kernel can limit domains. It matters where limits are set.
#[must_use]
pub fn cgroup(found: &CgroupFacts, has_limits: bool) -> Check {
    const ID: &str = "cgroup";
    let reasons = [&found.no_group, &found.no_memory_limit, &found.no_cpu_limit];
    let mut reasons = reasons.into_iter().flatten();
    let Some(reason) = reasons.next() else {
        return Check::ok(ID, "delegated, with memory and cpu");
    };
    match has_limits {
        true => Check::warn(
            ID,
            reason.clone(),
            "process.limits are looked after once a second instead of being enforced by the kernel",
        )
        .details(reasons.cloned())
        .cure("start fulcrum in a scope of its own: `systemd-run --user --scope -p Delegate=yes fulcrum dev`"),
        false => Check::ok(ID, format!("not delegated ({reason}); no domain has limits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status::{self, Fail, Ok, Warn};

    #[test]
    fn watches_are_compared_with_what_the_app_needs() {
        let status = |limit, used, needed| {
            let limits = LimitFacts {
                inotify_watches: Some(limit),
                used_watches: used,
                ..LimitFacts::default()
            };
            inotify_watches(&limits, needed).status
        };
        assert_eq!(status(524_288, 100, 2_000), Ok);
        assert_eq!(status(8_192, 100, 10), Warn);
        assert_eq!(status(30_000, 0, 20_000), Warn);
        assert_eq!(status(30_000, 29_000, 2_000), Fail);
        assert_eq!(inotify_watches(&LimitFacts::default(), 10).status, Ok);
    }

    #[test]
    fn low_limits_are_found() {
        let check = |limits: LimitFacts| -> [Status; 3] {
            [
                inotify_instances(&limits).status,
                open_files(&limits).status,
                processes(&limits).status,
            ]
        };
        assert_eq!(check(LimitFacts::default()), [Ok, Ok, Ok]);
        let low = LimitFacts {
            inotify_instances: Some(32),
            open_files: Some(512),
            processes: Some(100),
            ..LimitFacts::default()
        };
        assert_eq!(check(low.clone()), [Warn, Warn, Warn]);
        let none = LimitFacts {
            used_instances: 32,
            open_files: Some(64),
            cgroup_processes: Some((100, 95)),
            ..low
        };
        assert_eq!(check(none), [Fail, Fail, Fail]);
    }

    #[test]
    fn a_missing_delegation_matters_where_limits_are_set() {
        let found = CgroupFacts {
            no_group: Some("/sys/fs/cgroup is not writable".into()),
            ..CgroupFacts::default()
        };
        assert_eq!(cgroup(&found, false).status, Ok);
        assert_eq!(cgroup(&found, true).status, Warn);
        assert_eq!(cgroup(&CgroupFacts::default(), true).status, Ok);
    }
}
