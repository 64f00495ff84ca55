//! Checks of the machine: disks, clocks, containers.

use std::time::Duration;

use crate::check::Check;
use crate::facts::{ClockFacts, DiskFacts, MachineFacts};
use crate::words::{format_bytes, list};

/// Less than this fails soon.
const TOO_LITTLE: u64 = 64 << 20;

/// Less than this is used up by one install.
const LITTLE: u64 = 512 << 20;

/// Files that a few domains need.
const FEW_FILES: u64 = 1_000;

/// How far two clocks may be apart.
const TOLERANCE: Duration = Duration::from_secs(60);

/// There is space where fulcrum writes.
#[must_use]
pub fn disk(disks: &[DiskFacts]) -> Check {
    const ID: &str = "disk";
    const WHY: &str = "logs, compiled code and packages are written there; on a full disk lines are \
                       lost and domains fail";
    let describe = |disk: &DiskFacts| {
        let state = match disk.files {
            _ if disk.is_read_only => "read-only".to_owned(),
            Some(files) if files < FEW_FILES => format!("{files} more files"),
            _ => format!("{} free", format_bytes(disk.available)),
        };
        format!("{} ({}): {state}", disk.purpose, disk.dir.display())
    };
    let lacks = |disk: &DiskFacts, bytes| {
        disk.is_read_only || disk.available < bytes || disk.files.is_some_and(|n| n < FEW_FILES)
    };
    let cure =
        "free some space (`df -h`, `df -i`, `du -xsh *`), or set XDG_CACHE_HOME to a larger disk";
    if let Some(full) = disks.iter().find(|disk| lacks(disk, TOO_LITTLE)) {
        return Check::fail(ID, describe(full), WHY).cure(cure);
    }
    if let Some(nearly) = disks.iter().find(|disk| lacks(disk, LITTLE)) {
        return Check::warn(ID, describe(nearly), WHY).cure(cure);
    }
    let least = disks.iter().map(|disk| disk.available).min();
    let least = format_bytes(least.unwrap_or_default());
    Check::ok(ID, format!("at least {least} free")).details(disks.iter().map(describe))
}

/// The clock is right, as far as one can see.
#[must_use]
pub fn clock(clock: &ClockFacts) -> Check {
    const ID: &str = "clock";
    const WHY: &str = "times of files decide what is compiled and reloaded, and times of lines how \
                       logs are ordered; certificates and tokens fail with a wrong clock";
    let cure = "`timedatectl set-ntp true`; after a suspended virtual machine, `sudo hwclock -s`";
    let ahead = |time: std::time::SystemTime| {
        let ahead = time.duration_since(clock.now).ok()?;
        (ahead > TOLERANCE).then_some(ahead)
    };
    if let Some(program) = clock.program
        && ahead(program).is_some_and(|ahead| ahead > Duration::from_hours(24))
    {
        return Check::fail(
            ID,
            "the clock is behind the day on which this program was installed",
            WHY,
        )
        .cure(cure);
    }
    if let Some((path, time)) = &clock.newest
        && let Some(ahead) = ahead(*time)
    {
        let what = format!("{} is {} s in the future", path.display(), ahead.as_secs());
        return Check::warn(ID, what, WHY).cure(
            "set the clock (`timedatectl set-ntp true`), or `touch` the file if the clock is right",
        );
    }
    Check::ok(ID, "agrees with the files")
}

/// Where it runs.
#[must_use]
pub fn container(machine: &MachineFacts) -> Check {
    const ID: &str = "container";
    let mut places = Vec::new();
    if machine.is_wsl {
        places.push("WSL".to_owned());
    }
    places.extend(machine.container.clone());
    if machine.is_first_process {
        return Check::warn(
            ID,
            "fulcrum would be the first process of the container",
            "the first process adopts and must reap the processes of others, and gets no default \
             action for signals",
        )
        .cure("`docker run --init …`, or `init: true` in compose.yaml");
    }
    match places.is_empty() {
        true => Check::ok(ID, "none"),
        false => Check::ok(ID, list(places.iter().map(String::as_str))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::check::Status::{Fail, Ok, Warn};

    fn disk_with(available: u64, files: Option<u64>, is_read_only: bool) -> DiskFacts {
        DiskFacts {
            purpose: "the app",
            dir: "/srv".into(),
            available,
            files,
            is_read_only,
        }
    }

    #[test]
    fn a_full_disk_is_found_by_bytes_by_files_and_when_it_is_read_only() {
        const GIB: u64 = 1 << 30;
        for (found, status) in [
            (disk_with(GIB, Some(1 << 20), false), Ok),
            (disk_with(GIB, None, false), Ok),
            (disk_with(GIB / 4, None, false), Warn),
            (disk_with(1 << 20, None, false), Fail),
            (disk_with(GIB, Some(3), false), Fail),
            (disk_with(GIB, None, true), Fail),
        ] {
            assert_eq!(
                disk(std::slice::from_ref(&found)).status,
                status,
                "{found:?}"
            );
        }
    }

    #[test]
    fn times_in_the_future_are_found() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 50);
        let later = |hours| now + Duration::from_hours(hours);
        let mut found = ClockFacts {
            now,
            ..ClockFacts::default()
        };
        assert_eq!(clock(&found).status, Ok);
        found.newest = Some(("a.js".into(), later(1)));
        assert_eq!(clock(&found).status, Warn);
        found.program = Some(later(48));
        assert_eq!(clock(&found).status, Fail);
    }

    #[test]
    fn the_first_process_of_a_container_is_warned_about() {
        let mut machine = MachineFacts {
            container: Some("docker".into()),
            ..MachineFacts::default()
        };
        assert_eq!(container(&machine).status, Ok);
        machine.is_first_process = true;
        assert_eq!(container(&machine).status, Warn);
    }
}
