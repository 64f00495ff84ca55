//! Checks of the app's files.

use std::collections::BTreeSet;

use crate::check::{Check, Repair};
use crate::facts::{AppFacts, SdkCopy};
use crate::words::{count, list};

/// The configuration is valid.
#[must_use]
pub fn configuration(app: &AppFacts) -> Check {
    const ID: &str = "configuration";
    let found = app.errors.iter().chain(&app.warnings).cloned();
    let cure = "correct the lines above; `fulcrum explain CODE` explains each code";
    match (app.errors.len(), app.warnings.len()) {
        (0, 0) => Check::ok(ID, format!("valid, {}", count(app.domains.len(), "domain"))),
        (0, warnings) => Check::warn(
            ID,
            count(warnings, "warning"),
            "a setting probably does not do what was meant",
        )
        .details(found)
        .cure(cure),
        (errors, _) => Check::fail(
            ID,
            count(errors, "error"),
            "an app starts with a valid configuration only",
        )
        .details(found)
        .cure(cure),
    }
}

/// One version of the SDK, and that of this Fulcrum.
#[must_use]
pub fn sdk(copies: &[SdkCopy]) -> Check {
    const ID: &str = "sdk";
    let versions: BTreeSet<&str> = copies.iter().map(|copy| copy.version.as_str()).collect();
    let describe = |copy: &SdkCopy| {
        let managed = if copy.is_managed {
            " (kept current by fulcrum)"
        } else {
            ""
        };
        format!("{} in {}{managed}", copy.version, copy.dir.display())
    };
    let details: Vec<String> = copies.iter().map(describe).collect();
    if versions.len() > 1 {
        return Check::warn(
            ID,
            format!(
                "several versions of @fulcrum/domain: {}",
                list(versions.iter().copied())
            ),
            "a domain loads the nearest copy, so domains of one app behave differently, and objects \
             of one copy are not those of another",
        )
        .details(details)
        .cure("remove @fulcrum/domain from package.json (fulcrum provides it), then `npm install`");
    }
    match copies
        .iter()
        .find(|copy| !copy.is_managed && !copy.is_current)
    {
        Some(copy) => Check::warn(
            ID,
            format!(
                "@fulcrum/domain {} is not the version of this fulcrum",
                copy.version
            ),
            "the protocol of another version may lack what this one offers",
        )
        .details(details)
        .cure("remove @fulcrum/domain from package.json (fulcrum provides it), then `npm install`"),
        None if copies.iter().any(|copy| !copy.is_current) => Check::warn(
            ID,
            "the copy that fulcrum keeps in the app is of another version",
            "editors and `tsc` show the types of that version; the next start renews it",
        )
        .details(details)
        .cure("`fulcrum doctor --fix`")
        .repair(Repair::Sdk),
        None if copies.is_empty() => Check::ok(ID, "provided by fulcrum at the first start"),
        None => Check::ok(
            ID,
            format!("@fulcrum/domain {}", list(versions.iter().copied())),
        ),
    }
}

/// Files and directories can be used as they must be.
#[must_use]
pub fn permissions(denied: &[String]) -> Check {
    const ID: &str = "permissions";
    match denied {
        [] => Check::ok(ID, "the app can be read and written"),
        [first, more @ ..] => Check::fail(
            ID,
            first.clone(),
            "fulcrum keeps its lock, logs and the SDK in the app, and Node reads its code",
        )
        .details(more.iter().cloned())
        .cure("`sudo chown -R $(id -u) .` in the app gives its files back to you"),
    }
}

/// Changes of files are reported.
#[must_use]
pub fn file_system(app: &AppFacts) -> Check {
    const ID: &str = "file-system";
    match &app.polling_hint {
        Some(hint) if !app.polls => {
            let mut lines = hint.lines();
            Check::warn(
                ID,
                lines.next().unwrap_or_default(),
                "files that are saved elsewhere, as by an editor on the host, cause no reload",
            )
            .cure("`fulcrum dev --poll`, or `runtime: {watch: {poll: 500ms}}` in fulcrum.yml")
        }
        Some(_) => Check::ok(ID, format!("{}, polled for changes", app.file_system)),
        None => Check::ok(ID, app.file_system.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;

    fn copy(dir: &str, version: &str, is_current: bool) -> SdkCopy {
        SdkCopy {
            dir: dir.into(),
            version: version.to_owned(),
            is_managed: false,
            is_current,
        }
    }

    #[test]
    fn two_versions_of_the_sdk_and_an_old_one_are_found() {
        let two = [copy("a", "0.1.0", true), copy("b", "0.0.9", false)];
        assert_eq!(sdk(&two).status, Status::Warn);
        assert_eq!(sdk(&two).details.len(), 2);
        assert_eq!(sdk(&two[1..]).status, Status::Warn);
        assert_eq!(sdk(&two[..1]).status, Status::Ok);
        assert_eq!(sdk(&[]).status, Status::Ok);
    }

    #[test]
    fn errors_fail_and_warnings_warn() {
        let mut app = AppFacts::default();
        assert_eq!(configuration(&app).status, Status::Ok);
        app.warnings.push("w".into());
        assert_eq!(configuration(&app).status, Status::Warn);
        app.errors.push("e".into());
        let check = configuration(&app);
        assert_eq!((check.status, check.ok), (Status::Fail, false));
        assert_eq!(check.details, ["e", "w"]);
    }

    #[test]
    fn a_remote_file_system_needs_polling() {
        let mut app = AppFacts {
            file_system: "NFS".into(),
            polling_hint: Some("/srv is on NFS\n  hint: poll".into()),
            ..AppFacts::default()
        };
        assert_eq!(file_system(&app).status, Status::Warn);
        assert_eq!(file_system(&app).what, "/srv is on NFS");
        app.polls = true;
        assert_eq!(file_system(&app).status, Status::Ok);
    }
}
