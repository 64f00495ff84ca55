//! Which files a domain has loaded, so that a change of one restarts the domains that import it.

use std::path::Path;
use std::sync::Arc;

use fulcrum_spawn::prepare::read_report;

use crate::state::domain::DomainState;

/// Reads a domain's report file into its state. May block, for the time that reading a small file
/// takes.
///
/// The report of a new generation replaces that of the last one. Until there is one, the last one
/// holds, so that code which fails before it is reported is still watched.
pub(crate) fn refresh(state: &DomainState, file: &Path) {
    let reported = read_report(file);
    state.loaded_modules.send_if_modified(|known| {
        let changed = !reported.is_empty() && known.as_deref() != Some(&reported);
        if changed {
            *known = Some(Arc::new(reported));
        }
        changed
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    use fulcrum_spawn::prepare::{create_report_dir, remove_report_dir, report_file};

    use super::*;
    use crate::state::domain::DomainStates;

    fn set(paths: &[&str]) -> BTreeSet<PathBuf> {
        paths.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn a_report_holds_until_the_next_generation_reports() {
        let runtime = tempfile::tempdir().expect("a directory");
        let dir = create_report_dir(runtime.path()).expect("created");
        let file = report_file(&dir, "users");
        let states = DomainStates::default();
        states.add(["users"].into_iter());
        let state = &*states.get("users").expect("added");
        let known = || {
            refresh(state, &file);
            state.loaded_modules.borrow().as_deref().cloned()
        };
        assert_eq!(known(), None);
        fs::write(&file, "/app/a.js\n/app/lib/b.js\n/app/lib/unfin").expect("written");
        assert_eq!(known(), Some(set(&["/app/a.js", "/app/lib/b.js"])));
        // A new generation has reported nothing yet.
        fs::write(&file, "").expect("emptied");
        assert_eq!(known().map(|set| set.len()), Some(2));
        fs::write(&file, "/app/a.js\n").expect("written");
        assert_eq!(known(), Some(set(&["/app/a.js"])));
        remove_report_dir(&dir);
        assert_eq!(known(), Some(set(&["/app/a.js"])));
    }
}
