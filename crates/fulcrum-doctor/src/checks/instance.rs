//! Checks of the app's instance, and of what an earlier one left.

use crate::check::{Check, Repair};
use crate::facts::InstanceFacts;
use crate::words::count;

/// The running instance can be asked.
#[must_use]
pub fn instance(found: &InstanceFacts) -> Check {
    const ID: &str = "instance";
    match (found.pid, &found.connect_error) {
        (None, _) => Check::ok(ID, "none is running"),
        (Some(pid), None) => Check::ok(ID, format!("running (pid {pid})")),
        (Some(pid), Some(error)) => Check::fail(
            ID,
            format!("pid {pid} cannot be asked: {error}"),
            "no command reaches its domains",
        )
        .cure("`fulcrum down`, or `fulcrum down --force` if it does not respond; then start again"),
    }
}

/// No killed instance left processes.
#[must_use]
pub fn stale_processes(found: &InstanceFacts) -> Check {
    const ID: &str = "stale-processes";
    const WHY: &str = "processes of an instance that was killed hold ports and write to the same \
                       files as those of the next one";
    let cure = "`fulcrum doctor --fix`; the next start does the same";
    if !found.stale.is_empty() {
        let lines = found.stale.iter();
        return Check::fail(ID, count(found.stale.len(), "process"), WHY)
            .details(lines.map(|one| format!("pid {}: {}", one.pid, one.command)))
            .cure(cure)
            .repair(Repair::StaleProcesses);
    }
    match found.has_stale_record {
        true => Check::warn(ID, "an instance ended without cleaning up", WHY)
            .cure(cure)
            .repair(Repair::StaleProcesses),
        false => Check::ok(ID, "none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;
    use crate::facts::Holder;

    #[test]
    fn what_a_killed_instance_left_is_found() {
        let mut found = InstanceFacts::default();
        assert_eq!(stale_processes(&found).status, Status::Ok);
        found.has_stale_record = true;
        assert_eq!(stale_processes(&found).status, Status::Warn);
        found.stale.push(Holder {
            pid: 7,
            command: "node x".into(),
            is_own: false,
        });
        assert_eq!(stale_processes(&found).status, Status::Fail);
        assert!(stale_processes(&found).fixable);
    }

    #[test]
    fn an_instance_that_cannot_be_asked_fails() {
        let mut found = InstanceFacts {
            pid: Some(7),
            ..InstanceFacts::default()
        };
        assert_eq!(instance(&found).status, Status::Ok);
        found.connect_error = Some("other version".into());
        assert_eq!(instance(&found).status, Status::Fail);
    }
}
