//! Candidates of the app: from the running instance, or else from the configuration.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::CompletionCandidate;
use fulcrum_config::{Mode, Program};
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::{Domain, StatusRequest};
use tokio::runtime::Builder;

use crate::{load, paths};

/// A shell waits for the candidates, so an instance that does not respond has none.
const LIMIT: Duration = Duration::from_millis(400);

/// The most generations that are offered.
const MAX_GENERATIONS: u64 = 20;

/// The names of the app's domains.
pub(super) fn domains() -> Vec<CompletionCandidate> {
    let words = Words::of_process();
    if let Some(domains) = instance_domains(&words, Vec::new()) {
        return domains
            .iter()
            .map(|domain| {
                let help = format!("{}: {}", domain.phase, domain.reason);
                CompletionCandidate::new(&domain.name).help(Some(help.into()))
            })
            .collect();
    }
    configured_domains(&words)
}

/// The names of the app's domains, and `all`.
pub(super) fn domains_or_all() -> Vec<CompletionCandidate> {
    let mut candidates = domains();
    candidates.push(CompletionCandidate::new("all").help(Some("every domain".into())));
    candidates
}

/// The types of the messages that the domain before this word handles.
pub(super) fn message_types() -> Vec<CompletionCandidate> {
    let words = Words::of_process();
    let domain = words.positional_after("call");
    let domains = domain.and_then(|domain| instance_domains(&words, vec![domain]));
    let types = domains
        .into_iter()
        .flatten()
        .flat_map(|domain| domain.message_types);
    types.map(CompletionCandidate::new).collect()
}

/// The generations of the domain that is named, the latest first.
pub(super) fn generations() -> Vec<CompletionCandidate> {
    let words = Words::of_process();
    let domain = words.positional_after("logs");
    let domains = instance_domains(&words, domain.into_iter().collect()).unwrap_or_default();
    let latest = domains.iter().map(|domain| domain.generation).max();
    let latest = latest.unwrap_or(0);
    let first = latest.saturating_sub(MAX_GENERATIONS) + 1;
    let numbers = (first..=latest).rev();
    numbers
        .map(|number| CompletionCandidate::new(number.to_string()))
        .collect()
}

/// The words of the command line that is being completed.
struct Words(Vec<String>);

impl Words {
    /// Those behind `--` in the arguments of this process.
    fn of_process() -> Self {
        let all = std::env::args_os().skip_while(|word| word != "--").skip(1);
        Self::new(all)
    }

    fn new(words: impl Iterator<Item = OsString>) -> Self {
        let text = |word: OsString| word.to_string_lossy().into_owned();
        Self(words.map(text).collect())
    }

    /// The value of `--app`.
    fn app(&self) -> Option<PathBuf> {
        let mut words = self.0.iter();
        while let Some(word) = words.next() {
            if word == "--app" {
                return words.next().map(PathBuf::from);
            }
            if let Some(app) = word.strip_prefix("--app=") {
                return Some(PathBuf::from(app));
            }
        }
        None
    }

    /// The first word behind a command that is no option.
    fn positional_after(&self, command: &str) -> Option<String> {
        let mut words = self.0.iter().skip_while(|word| *word != command).skip(1);
        let found = words.find(|word| !word.starts_with('-') && !word.is_empty());
        found.cloned()
    }
}

/// Domains of the running instance, with details; `None` without one that responds in time.
fn instance_domains(words: &Words, names: Vec<String>) -> Option<Vec<Domain>> {
    let root = load::app_root(words.app().as_deref()).ok()?;
    let dir = paths::runtime_dir(&root).ok()?;
    let request = StatusRequest {
        domains: names,
        details: true,
        ..StatusRequest::default()
    };
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let status = async {
            let client = ControlClient::connect(&dir).await.ok()?;
            client.status(request).await.ok()
        };
        let status = tokio::time::timeout(LIMIT, status).await.ok()??;
        Some(status.domains)
    })
}

/// The domains of the configuration that have a process.
fn configured_domains(words: &Words) -> Vec<CompletionCandidate> {
    let loaded = load::read(words.app().as_deref(), Mode::Dev);
    let app = loaded.ok().and_then(|loaded| loaded.app);
    let domains = app.map(|app| app.domains).unwrap_or_default();
    domains
        .iter()
        .filter(|domain| !matches!(domain.program, Program::NoProcess))
        .map(|domain| CompletionCandidate::new(&domain.name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Words {
        Words::new(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_app_and_the_domain_are_found_among_the_words() {
        let line = words("fulcrum --app ../shop domains call --no-wait users ");
        assert_eq!(line.app(), Some(PathBuf::from("../shop")));
        assert_eq!(line.positional_after("call").as_deref(), Some("users"));
        let line = words("fulcrum logs --app=x --generation ");
        assert_eq!(line.app(), Some(PathBuf::from("x")));
        assert_eq!(line.positional_after("logs"), None);
    }
}
