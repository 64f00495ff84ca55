//! How many domains start at once.
//!
//! A start is mostly computing: looking for the program, stripping types, Node's own beginning. All
//! of a large app at once would make each slower than its start timeout; a few at a time come up in
//! the same time altogether, and the first of them at once.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use fulcrum_spawn::process::Process;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::state::domain::DomainState;

/// Starts at once for each core: while some wait for a disk or for us, others compute.
const PER_CORE: usize = 2;

/// How long a start keeps others waiting. One that takes longer waits for something itself, and be
/// it for another domain, whose turn must come then.
const MAX_HOLD: Duration = Duration::from_secs(1);

/// The turns there are.
#[derive(Debug, Clone)]
pub(crate) struct StartLimiter {
    turns: Arc<Semaphore>,
}

impl StartLimiter {
    /// Turns for this machine.
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self {
            turns: Arc::new(Semaphore::new(cores * PER_CORE)),
        }
    }

    /// Waits for a turn; who asks first is first.
    pub(crate) async fn acquire(&self) -> StartPermit {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        // Never closed; without turns nothing would be held back.
        StartPermit { _held: turn.ok() }
    }
}

/// The right to start now; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct StartPermit {
    _held: Option<OwnedSemaphorePermit>,
}

impl StartPermit {
    /// Keeps the turn until this life has registered or is ready by its probe, or its process has
    /// ended, but not for ever.
    pub(crate) fn release_when_started(
        self,
        desk: &DomainState,
        generation: u64,
        process: &Arc<Process>,
    ) {
        let (mut registered, process) =
            (desk.registered_generation.subscribe(), Arc::clone(process));
        let mut probes = desk.probe_status.subscribe();
        tokio::spawn(async move {
            let _turn = self;
            let over = async {
                tokio::select! {
                    _ = registered.wait_for(|latest| *latest >= generation) => {}
                    _ = probes.wait_for(|answers| answers.has_succeeded) => {}
                    _ = process.exited() => {}
                }
            };
            let _ = timeout(MAX_HOLD, over).await;
        });
    }
}
