//! Checks of the cache and the log store.

use crate::check::{Check, Repair};
use crate::facts::SizeFacts;
use crate::words::format_bytes;

/// The cache is within its limit, and in its usual place.
#[must_use]
pub fn cache(found: &SizeFacts) -> Check {
    const ID: &str = "cache";
    let what = describe(found);
    if let Some(warning) = &found.warning {
        return Check::warn(
            ID,
            warning.clone(),
            "compiled code in a temporary directory is lost at the next boot, and starts are slower",
        )
        .cure("correct the permissions of ~/.cache, or set XDG_CACHE_HOME");
    }
    match found.bytes > found.limit && found.limit > 0 {
        true => Check::warn(ID, what, "old compiled code takes space that nothing uses")
            .cure("`fulcrum doctor --fix`, or a larger `runtime.cache_size`")
            .repair(Repair::Cache),
        false => Check::ok(ID, what),
    }
}

/// The log store is within its limit.
#[must_use]
pub fn logs(found: &SizeFacts) -> Check {
    const ID: &str = "logs";
    let what = describe(found);
    // The segment that is being written counts only when it is full.
    match found.bytes > found.limit.saturating_add(found.limit / 4) {
        true => Check::warn(
            ID,
            what,
            "old segments are deleted while an instance runs; without one, they stay",
        )
        .cure("start the app once, or delete `.fulcrum/logs` while no instance runs"),
        false => Check::ok(ID, what),
    }
}

/// No segment is damaged.
#[must_use]
pub fn log_segments(damaged: &[String]) -> Check {
    const ID: &str = "log-segments";
    match damaged {
        [] => Check::ok(ID, "all can be read"),
        [first, more @ ..] => Check::warn(
            ID,
            first.clone(),
            "lines in a damaged file are lost; the disk was full, failed, or the machine lost power",
        )
        .details(more.iter().cloned())
        .cure("nothing has to be done: the rest is readable; delete the file to end this warning, and check the disk"),
    }
}

fn describe(found: &SizeFacts) -> String {
    // Without a valid configuration, the limit is unknown.
    let limit = match found.limit {
        0 => String::new(),
        limit => format!(" of at most {}", format_bytes(limit)),
    };
    let dir = found.dir.display();
    format!("{}{limit} in {dir}", format_bytes(found.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status::{Ok, Warn};

    fn size(bytes: u64) -> SizeFacts {
        SizeFacts {
            dir: "/c".into(),
            bytes,
            limit: 1_000,
            warning: None,
        }
    }

    #[test]
    fn what_is_larger_than_its_limit_is_found() {
        assert_eq!(cache(&size(1_000)).status, Ok);
        assert_eq!(cache(&size(1_001)).status, Warn);
        assert!(cache(&size(1_001)).fixable);
        assert_eq!(logs(&size(1_200)).status, Ok);
        assert_eq!(logs(&size(1_300)).status, Warn);
    }

    #[test]
    fn a_damaged_segment_is_named() {
        assert_eq!(log_segments(&[]).status, Ok);
        let check = log_segments(&["users/1.log: torn".into()]);
        assert_eq!(
            (check.status, check.what.as_str()),
            (Warn, "users/1.log: torn")
        );
    }
}
