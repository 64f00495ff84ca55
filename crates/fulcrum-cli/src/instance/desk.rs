//! What several tasks need to know about one domain.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use fulcrum_health::Sample;
use fulcrum_spawn::CommandSpec;
use tokio::sync::watch;
use tokio::time::Instant;

/// One domain's desk: each field has one writer and any number of readers.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The current life's papers; written by the backend before and after the spawn.
    pub(crate) badge: watch::Sender<Option<Badge>>,
    /// When it last gave a sign of life; written by the task that hears them.
    pub(crate) last_beat: watch::Sender<Option<Instant>>,
    /// What it used when last looked at; written by the sampler.
    pub(crate) sample: watch::Sender<Sample>,
}

/// Every domain's desk, by name. The set never changes.
pub(crate) type Desks = Arc<BTreeMap<String, Desk>>;

/// What identifies one life of a domain.
#[derive(Debug, Clone)]
pub(crate) struct Badge {
    /// Which life.
    pub(crate) generation: u64,
    /// What its process presents when it registers.
    pub(crate) token: String,
    /// Its leader, from the spawn on.
    pub(crate) pid: Option<u32>,
    /// What was started.
    pub(crate) spec: Arc<CommandSpec>,
}

/// Empty desks for these domains.
pub(crate) fn desks<'a>(names: impl Iterator<Item = &'a str>) -> Desks {
    let desk = || Desk {
        badge: watch::Sender::new(None),
        last_beat: watch::Sender::new(None),
        sample: watch::Sender::new(Sample::default()),
    };
    Arc::new(names.map(|name| (name.to_owned(), desk())).collect())
}

/// 128 bits that nobody can guess, in hexadecimal.
pub(crate) fn token() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
