//! One generation's process: its output, its exit, and the signals sent to it.

use std::sync::Arc;
use std::time::Duration;

use fulcrum_config::StopSettings;
use fulcrum_logs::{Hub, Pump, PumpCounters, Source, Stream};
use fulcrum_rpc::Registry;
use fulcrum_spawn::lifecycle::{Fact, StopSignal};
use fulcrum_spawn::process::{Process, signal_number};
use fulcrum_spawn::supervisor::{FactSender, ProcessGroup};
use tokio::io::AsyncRead;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::exit::diagnose::ExitDiagnoser;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

/// How long an exit waits for the output pipes to be drained. They end at once, unless another
/// process holds them, which may never exit.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(200);

/// How long a pipe is still read after its process group is empty. A process that still holds it
/// has left the group, so its output belongs to no generation.
const ORPHAN_PIPE_TIMEOUT: Duration = Duration::from_secs(2);

/// A process that was just spawned.
pub(crate) struct ProcessTask {
    pub(crate) domain: Arc<str>,
    pub(crate) process: Arc<Process>,
    pub(crate) hub: Hub,
    pub(crate) registry: Registry,
    pub(crate) states: SharedDomainStates,
    pub(crate) diagnoser: ExitDiagnoser,
    pub(crate) facts: FactSender,
}

/// Follows a process until it has exited, and returns the handle that signals it. The stop signal
/// is that of the configuration in force, or `stop` for a domain that was removed from it.
pub(crate) fn start(
    task: ProcessTask,
    stop: &StopSettings,
    desired: DesiredStateReceiver,
) -> Arc<dyn ProcessGroup> {
    let group = SignalTarget {
        domain: Arc::clone(&task.domain),
        generation: task.facts.generation(),
        process: Arc::clone(&task.process),
        registry: task.registry.clone(),
        desired,
        stop: stop.clone(),
    };
    tokio::spawn(run(task));
    Arc::new(group)
}

async fn run(task: ProcessTask) {
    let ProcessTask {
        domain,
        process,
        hub,
        registry,
        states,
        diagnoser,
        facts,
    } = task;
    let source = Source {
        domain: Arc::clone(&domain),
        generation: facts.generation(),
        pid: process.pid(),
    };
    let drained = CancellationToken::new();
    let mut pumps = Vec::new();
    if let Some((stdout, stderr)) = process.take_output() {
        for (reader, stream) in [(stdout, Stream::Stdout), (stderr, Stream::Stderr)] {
            let pump = Pump::new(
                reader,
                &hub,
                source.clone(),
                stream,
                &PumpCounters::default(),
            );
            pumps.push(spawn_pump(pump, drained.clone()));
        }
    }
    diagnoser.track(process.pid());
    let report = process.exited().await;
    if let Some(state) = states.get(&domain) {
        state.mark_exited(facts.generation());
    }
    // The exit is reported after the last output, unless another process holds the pipe.
    let _ = timeout(DRAIN_TIMEOUT, async {
        for (_, finished) in &mut pumps {
            let _ = finished.await;
        }
    })
    .await;
    drained.cancel();
    registry.disconnect(&domain, facts.generation());
    diagnoser
        .diagnose(process.pid(), facts.generation(), report)
        .await;
    facts.report(Fact::Exited(report));
    process.group_empty().await;
    facts.report(Fact::GroupEmpty);
    for (task, _) in pumps {
        let abort = task.abort_handle();
        if timeout(ORPHAN_PIPE_TIMEOUT, task).await.is_err() {
            abort.abort();
        }
    }
}

/// Runs a pump in a task of its own. The receiver is notified when the pipe has ended. Once
/// `drained` is cancelled the unfinished line is published; later output is still read.
fn spawn_pump<R: AsyncRead + Unpin + Send + 'static>(
    mut pump: Pump<R>,
    drained: CancellationToken,
) -> (JoinHandle<()>, oneshot::Receiver<()>) {
    let (notify, finished) = oneshot::channel();
    let task = tokio::spawn(async move {
        let is_cut = tokio::select! {
            _ = pump.run() => false,
            () = drained.cancelled() => true,
        };
        pump.finish();
        let _ = notify.send(());
        if is_cut {
            let _ = pump.run().await;
            pump.finish();
        }
    });
    (task, finished)
}

/// Signals the process group of one generation.
struct SignalTarget {
    domain: Arc<str>,
    generation: u64,
    process: Arc<Process>,
    registry: Registry,
    desired: DesiredStateReceiver,
    stop: StopSettings,
}

impl ProcessGroup for SignalTarget {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn signal(&self, signal: StopSignal) {
        let config = self.desired.domain(&self.domain);
        let stop = config
            .as_ref()
            .map_or(&self.stop, |domain| &domain.process.stop);
        let name = match signal {
            StopSignal::Terminate => {
                // Domains with the drain capability finish their requests; the signal follows for all.
                self.registry
                    .send_drain(&self.domain, self.generation, stop.grace);
                stop.signal.as_str()
            }
            StopSignal::Kill => "SIGKILL",
        };
        if let Some(signal) = signal_number(name) {
            self.process.signal(signal);
        }
    }
}
