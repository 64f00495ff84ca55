//! Domains that are shell scripts: they record the content of a file at each start.

use std::fs;

use crate::app::App;
use crate::wait::{LIMIT, wait_until};

/// Records the content of `code`, prints that it is up, and waits to be stopped.
const SCRIPT: &str = r#"printf '%s\n' "$(cat code)" >> "../../../out/$FULCRUM_DOMAIN_NAME.starts"; echo up; exec sleep 100000"#;

/// The settings of such a domain.
const SETTINGS: &str = "command: [/bin/sh, run.sh], ready: {log: up}";

impl App {
    /// Adds a domain that starts within milliseconds and records the content of its file `code`,
    /// with more settings of `process`, such as `, watch: {ignore: [x]}`.
    #[must_use]
    pub fn shell_domain(self, name: &str, settings: &str) -> Self {
        self.write_shell_domain(name, settings, "zero");
        self
    }

    /// Adds such a domain while the app is in use, or changes it. Files with the same content are not
    /// saved again: a process that was started during a save is restarted after it.
    pub fn write_shell_domain(&self, name: &str, settings: &str, code: &str) {
        let settings = format!("process: {{{SETTINGS}{settings}}}\n");
        for (file, text) in [
            ("run.sh", SCRIPT),
            ("code", code),
            ("fulcrum.yml", &settings),
        ] {
            let path = format!("domains/{name}/{file}");
            if !fs::read_to_string(self.root().join(&path)).is_ok_and(|known| known == text) {
                self.write_file(&path, text);
            }
        }
    }

    /// The content of `code` at each start of such a domain.
    pub fn starts(&self, name: &str) -> Vec<String> {
        let starts = fs::read_to_string(self.scratch_dir().join(format!("{name}.starts")));
        starts
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Waits until such a domain was started with this content.
    #[track_caller]
    pub fn wait_for_start(&self, name: &str, content: &str) {
        wait_until(&format!("{name} is started with {content}"), LIMIT, || {
            (self.starts(name).last()? == content).then_some(())
        });
    }
}
