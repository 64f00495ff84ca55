//! One generation's process: its output, its exit, and the signals sent to it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fulcrum_config::{StopRecipient, StopSettings};
use fulcrum_logs::{
    Hub, Level, Pump, PumpCounters, Source, Stream, wait_for_text, with_code, without_code,
};
use fulcrum_rpc::Registry;
use fulcrum_spawn::StartError;
use fulcrum_spawn::lifecycle::{Fact, StopSignal};
use fulcrum_spawn::process::{Member, Process, ProcessHandle, ProcessOutput, signal_number};
use fulcrum_spawn::supervisor::{FactSender, ProcessGroup};
use rustix::process::Signal;
use tokio::io::AsyncRead;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::code::Code;
use crate::exit::diagnose::ExitDiagnoser;
use crate::log_lines::log_for_domain;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

/// How long an exit waits for the output pipes to be drained. They end at once, unless another
/// process holds them, which may never exit.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(200);

/// How long an exit waits for the end of the stream, so that the last responses are received. It
/// ends at once, unless another process holds the connection.
const STREAM_END_TIMEOUT: Duration = Duration::from_millis(200);

/// The share of the grace in which a domain responds to the calls that it has received before it is
/// signaled. The rest of its tree is signaled later than that.
const CALLS_SHARE: f64 = 0.4;

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
        hub: task.hub.clone(),
        facts: task.facts.clone(),
        desired,
        stop: stop.clone(),
        begun: AtomicBool::new(false),
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
    let mut pumps: Vec<PumpTask> = Vec::new();
    let state = states.get(&domain);
    let output = state.as_ref().map(|state| &state.output);
    let counters = |stream| output.map_or_else(PumpCounters::default, |all| all.of(stream));
    match process.take_any_output() {
        Some(ProcessOutput::Pipes(stdout, stderr)) => {
            for (reader, stream) in [(stdout, Stream::Stdout), (stderr, Stream::Stderr)] {
                let counters = counters(stream);
                let pump = Pump::new(reader, &hub, source.clone(), stream, &counters);
                pumps.push(spawn_pump(pump, drained.clone()));
            }
        }
        Some(ProcessOutput::Terminal(reader)) => {
            let stream = Stream::Stdout;
            let pump = Pump::new(reader, &hub, source.clone(), stream, &counters(stream));
            pumps.push(spawn_pump(pump, drained.clone()));
        }
        None => {}
    }
    diagnoser.track(process.pid());
    let report = process.exited().await;
    if let Some(state) = states.get(&domain) {
        state.mark_exited(facts.generation());
    }
    // In memory of its own, which exists after an exit: a process that runs has a small task.
    Box::pin(async {
        // The exit is reported after the last output, unless another process holds the pipe.
        let _ = timeout(DRAIN_TIMEOUT, async {
            for (_, finished) in &mut pumps {
                let _ = finished.await;
            }
        })
        .await;
        drained.cancel();
        registry
            .disconnect(&domain, facts.generation(), STREAM_END_TIMEOUT)
            .await;
        diagnoser
            .diagnose(process.pid(), facts.generation(), report)
            .await;
    })
    .await;
    facts.report(Fact::Exited(report));
    let log = |text: String| {
        let text = with_code(&text, Code::UnknownMembers);
        log_for_domain(&hub, &domain, facts.generation(), Level::Warn, text);
    };
    Box::pin(process.group_empty_or_unknown(|error| log(describe_unknown_members(error)))).await;
    facts.report(Fact::GroupEmpty);
    for (task, _) in pumps {
        let abort = task.abort_handle();
        if timeout(ORPHAN_PIPE_TIMEOUT, task).await.is_err() {
            abort.abort();
        }
    }
}

/// Why the domain is not started again yet.
fn describe_unknown_members(error: &io::Error) -> String {
    let text = format!("not started again until it is known which processes are left: {error}");
    without_code(&StartError::from_io(text, error).to_string())
}

/// The task of a pump, and the end of its pipe.
type PumpTask = (JoinHandle<()>, oneshot::Receiver<()>);

/// Runs a pump in a task of its own. The receiver is notified when the pipe has ended. Once
/// `drained` is cancelled the unfinished line is published; later output is still read.
fn spawn_pump<R: AsyncRead + Unpin + Send + 'static>(
    mut pump: Pump<R>,
    drained: CancellationToken,
) -> PumpTask {
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

/// What Node writes when it has exited but for an attached debugger. It has restored the default
/// action of all signals before.
const NODE_AWAITS_DEBUGGER: &str = "Waiting for the debugger to disconnect...";

/// Signals the process tree of one generation.
struct SignalTarget {
    domain: Arc<str>,
    generation: u64,
    process: Arc<Process>,
    registry: Registry,
    hub: Hub,
    facts: FactSender,
    desired: DesiredStateReceiver,
    stop: StopSettings,
    /// The stop has begun.
    begun: AtomicBool,
}

impl ProcessGroup for SignalTarget {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn send(&self, signal: Signal, to_all: bool) {
        if to_all {
            self.process.signal(signal);
        } else {
            self.process.signal_program(signal);
        }
    }

    fn signal(&self, signal: StopSignal) {
        let config = self.desired.domain(&self.domain);
        let stop = config
            .as_ref()
            .map_or(&self.stop, |domain| &domain.process.stop);
        let number = signal_number(&stop.signal).unwrap_or(Signal::TERM);
        if signal == StopSignal::Kill || number == Signal::KILL {
            self.process.signal(Signal::KILL);
            return;
        }
        if !self.begun.swap(true, Ordering::Relaxed) {
            // Domains with the drain capability finish their requests; the signal follows for all.
            self.registry
                .send_drain(&self.domain, self.generation, stop.grace);
            tokio::spawn(self.end_debugged(number));
        }
        match (signal, stop.to) {
            (StopSignal::Terminate, recipient) => self.terminate(number, recipient, stop.grace),
            _ => self.process.terminate_rest(number),
        }
    }
}

impl SignalTarget {
    /// Sends the stop signal, once the domain has responded to the calls that it has received: the
    /// signal may end it at once.
    fn terminate(&self, signal: Signal, recipient: StopRecipient, grace: Duration) {
        let (process, facts) = (Arc::clone(&self.process), self.facts.clone());
        let send = move || match recipient {
            StopRecipient::Leader => {
                if let Some(target) = process.terminate_leader(signal) {
                    tokio::spawn(report_exit(target, facts));
                }
            }
            StopRecipient::Tree => process.terminate_rest(signal),
        };
        if self.registry.is_idle(&self.domain, self.generation) {
            return send();
        }
        let (registry, domain) = (self.registry.clone(), Arc::clone(&self.domain));
        let (process, generation) = (Arc::clone(&self.process), self.generation);
        tokio::spawn(async move {
            let idle = registry.wait_until_idle(&domain, generation);
            tokio::select! {
                _ = timeout(grace.mul_f64(CALLS_SHARE), idle) => send(),
                _ = process.exited() => {}
            }
        });
    }

    /// Ends a leader that has exited but for a debugger, which would use the whole grace.
    fn end_debugged(&self, signal: Signal) -> impl Future<Output = ()> + Send + 'static {
        let (hub, domain, generation) = (self.hub.clone(), self.domain.clone(), self.generation);
        let process = Arc::clone(&self.process);
        async move {
            let waits = wait_for_text(&hub, &domain, generation, NODE_AWAITS_DEBUGGER, 1);
            tokio::select! {
                () = waits => process.signal_leader(signal),
                _ = process.exited() => {}
            }
        }
    }
}

/// Reports the exit of the process that got the stop signal in place of the leader.
async fn report_exit(target: Member, facts: FactSender) {
    // None if it has exited already.
    if let Some(handle) = ProcessHandle::open(target.pid) {
        handle.exited().await;
    }
    facts.report(Fact::StopTargetExited);
}
