//! Changed files that are not code: they restart nothing, and are published.

use std::collections::BTreeSet;
use std::path::PathBuf;

use fulcrum_rpc::Registry;
use fulcrum_spawn::supervisor::Supervisor;

use crate::events::log::EventLog;
use crate::format::{display_file, display_files};
use crate::state::desired::DesiredStateReceiver;

/// Up to this many files have an event each; more share one.
const MAX_EVENTS: usize = 100;

/// Publishes changed assets.
pub(crate) struct AssetPublisher {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) supervisor: Supervisor,
    pub(crate) registry: Registry,
    pub(crate) events: EventLog,
}

impl AssetPublisher {
    /// Publishes changed assets of a domain: as events, and to the domain itself if it has the
    /// capability.
    pub(crate) fn publish(&self, name: &str, files: &BTreeSet<PathBuf>) {
        let desired = self.desired.current();
        let Some(domain) = desired.app.domain(name) else {
            return;
        };
        let bases = [domain.dir.as_path(), &desired.app.root];
        let handle = self.supervisor.domain(name);
        let generation = handle.map_or(0, |handle| handle.snapshot().generation);
        let record = |file: String| {
            let text = format!("{file} changed");
            self.events.record(name, generation, "asset_changed", text);
        };
        if files.len() > MAX_EVENTS {
            record(display_files(files, &bases));
        } else {
            files
                .iter()
                .for_each(|file| record(display_file(file, &bases)));
        }
        for file in files {
            // A domain that does not read its stream is reported elsewhere.
            let path = file.to_string_lossy();
            self.registry.send_asset_changed(name, generation, &path);
        }
    }
}
