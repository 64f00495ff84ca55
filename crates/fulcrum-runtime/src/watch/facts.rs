//! What the watch task asks of the app, of a change and of the disk.

use std::path::{Path, PathBuf};

use fulcrum_config::{App, Domain, Program};
use fulcrum_watch::Change;

use crate::watch::classify::ReloadTarget;
use crate::watch::spec::MODULE_REPORTS_KEY;

/// Whether another domain depends on that of the target.
pub(super) fn has_dependents(app: &App, target: &ReloadTarget) -> bool {
    let ReloadTarget::Code(name) = target else {
        return false;
    };
    let depends = |other: &Domain| {
        app.dependencies(&other.name)
            .into_iter()
            .any(|(on, _)| on == name)
    };
    app.domains.iter().any(depends)
}

/// Whether there is a program to start.
pub(super) fn program_exists(domain: &Domain) -> bool {
    match &domain.program {
        Program::Node { entry } => entry.exists(),
        Program::Command(_) => domain.dir.exists(),
        Program::NoProcess => false,
    }
}

/// The canonical path of a file, or, if that is deleted, the canonical path of its directory with
/// its name.
pub(super) fn canonical_or_parent(path: &Path) -> PathBuf {
    let in_directory = || {
        let directory = path.parent()?.canonicalize().ok()?;
        Some(directory.join(path.file_name()?))
    };
    let canonical = path.canonicalize().ok().or_else(in_directory);
    canonical.unwrap_or_else(|| path.to_owned())
}

/// Whether the file is the report of a domain about the files that it has loaded.
pub(super) fn is_module_report(change: &Change) -> bool {
    change
        .keys
        .iter()
        .any(|key| key.as_ref() == MODULE_REPORTS_KEY)
}
