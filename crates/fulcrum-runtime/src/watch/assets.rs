//! Files that aren't code: nothing is restarted for them, and who wants to know is told.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::context::RuntimeContext;
use crate::watch::display;

/// As many are told one by one; of more only that there are.
const MAX_EVENTS: usize = 100;

/// Tells of changed assets of a domain: everybody by an event, the domain itself where it has the
/// capability.
pub(crate) fn publish(house: &RuntimeContext, name: &str, files: &BTreeSet<PathBuf>) {
    let Some(domain) = house.domain(name) else {
        return;
    };
    let bases = [domain.dir.as_path(), &house.agenda().app.root];
    let handle = house.supervisor.domain(name);
    let generation = handle.map_or(0, |handle| handle.snapshot().generation);
    let note = |text: String| {
        house
            .journal
            .record(name, generation, "asset_changed", text)
    };
    if files.len() > MAX_EVENTS {
        note(format!("{} changed", display::display_files(files, &bases)));
    } else {
        for file in files {
            note(format!("{} changed", display::display_file(file, &bases)));
        }
    }
    for file in files {
        // Who doesn't read what it is sent has more than this to worry about.
        let path = file.to_string_lossy();
        house.registry.send_asset_changed(name, generation, &path);
    }
}
