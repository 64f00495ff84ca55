//! One life: its output, its end, and the signals it gets.

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
use crate::state::desired::{DesiredStateReceiver, current_config};
use crate::state::domain::SharedDomainStates;

/// How long an exit waits for the pipes to be drained. Where nobody else holds them it takes a
/// moment; a grandchild that holds them may keep them for ever.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(200);

/// How long a pipe is read on after nobody of the group is left: who still holds it has left the
/// group, and what it says belongs to nobody.
const ORPHAN_PIPE_TIMEOUT: Duration = Duration::from_secs(2);

/// A process that has just been started.
pub(crate) struct ProcessTask {
    pub(crate) domain: Arc<str>,
    pub(crate) process: Arc<Process>,
    pub(crate) hub: Hub,
    pub(crate) registry: Registry,
    pub(crate) desks: SharedDomainStates,
    pub(crate) coroner: ExitDiagnoser,
    pub(crate) news: FactSender,
}

/// Watches a life to its end, and gives the handle by which it is signalled: as the agenda says
/// by then, or, for a domain that isn't on it any more, as `stop` does.
pub(crate) fn start(
    life: ProcessTask,
    stop: &StopSettings,
    agendas: DesiredStateReceiver,
) -> Arc<dyn ProcessGroup> {
    let group = SignalTarget {
        domain: Arc::clone(&life.domain),
        generation: life.news.generation(),
        process: Arc::clone(&life.process),
        registry: life.registry.clone(),
        agendas,
        stop: stop.clone(),
    };
    tokio::spawn(run(life));
    Arc::new(group)
}

async fn run(life: ProcessTask) {
    let ProcessTask {
        domain,
        process,
        hub,
        registry,
        desks,
        coroner,
        news,
    } = life;
    let source = Source {
        domain: Arc::clone(&domain),
        generation: news.generation(),
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
    coroner.track(process.pid());
    let report = process.exited().await;
    if let Some(desk) = desks.get(&domain) {
        desk.mark_exited(news.generation());
    }
    // The exit is told after the last words, unless somebody else holds the pipe.
    let _ = timeout(DRAIN_TIMEOUT, async {
        for (_, finished) in &mut pumps {
            let _ = finished.await;
        }
    })
    .await;
    drained.cancel();
    registry.disconnect(&domain, news.generation());
    coroner
        .diagnose(process.pid(), news.generation(), report)
        .await;
    news.report(Fact::Exited(report));
    process.group_empty().await;
    news.report(Fact::GroupEmpty);
    for (task, _) in pumps {
        let abort = task.abort_handle();
        if timeout(ORPHAN_PIPE_TIMEOUT, task).await.is_err() {
            abort.abort();
        }
    }
}

/// Pumps in a task of its own; the receiver hears when the pipe has ended. Once `drained` is
/// cancelled the unfinished line is published, and what still comes is read on.
fn spawn_pump<R: AsyncRead + Unpin + Send + 'static>(
    mut pump: Pump<R>,
    drained: CancellationToken,
) -> (JoinHandle<()>, oneshot::Receiver<()>) {
    let (ended, finished) = oneshot::channel();
    let task = tokio::spawn(async move {
        let cut = tokio::select! {
            _ = pump.run() => false,
            () = drained.cancelled() => true,
        };
        pump.finish();
        let _ = ended.send(());
        if cut {
            let _ = pump.run().await;
            pump.finish();
        }
    });
    (task, finished)
}

struct SignalTarget {
    domain: Arc<str>,
    generation: u64,
    process: Arc<Process>,
    registry: Registry,
    agendas: DesiredStateReceiver,
    stop: StopSettings,
}

impl ProcessGroup for SignalTarget {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn signal(&self, signal: StopSignal) {
        let configured = current_config(&self.agendas, &self.domain);
        let stop = configured
            .as_ref()
            .map_or(&self.stop, |domain| &domain.process.stop);
        let name = match signal {
            StopSignal::Terminate => {
                // Clients that know it finish what they have; the signal says the same to all.
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
