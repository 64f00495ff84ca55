//! State of one domain that several tasks read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fulcrum_config::{Domain, Program};
use fulcrum_health::{ExitRecord, ProbeStatus, Sample};
use fulcrum_logs::{PumpCounters, Stream};
use fulcrum_spawn::CommandSpec;
use fulcrum_spawn::prepare::LoadedModules;
use fulcrum_telemetry::metrics::{DomainRecorder, Metrics};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::state::process::ProcessIdentity;
use crate::state::start_times::StartTimes;

/// State of one domain. Each field has one writer and any number of readers.
#[derive(Debug)]
pub(crate) struct DomainState {
    /// The process of the current generation. Written by the backend before and after the spawn.
    pub(crate) process: watch::Sender<Option<ProcessIdentity>>,
    /// When the last heartbeat came. Written by the registration task.
    pub(crate) last_heartbeat: watch::Sender<Option<Instant>>,
    /// The latest generation that has registered. Written by the registration task.
    pub(crate) registered_generation: watch::Sender<u64>,
    /// The program of the latest generation that has registered. Written with
    /// `registered_generation`.
    pub(crate) registered_program: watch::Sender<Option<Program>>,
    /// The event loop lag that the last heartbeat reported. Written with `last_heartbeat`.
    pub(crate) event_loop_lag: watch::Sender<Option<Duration>>,
    /// Why the last stream of the current process was refused. Written by the registration task.
    pub(crate) refusal: watch::Sender<Option<String>>,
    /// The process that is registered though Fulcrum did not start it: its id and command line.
    /// Written by the registration task.
    pub(crate) external: watch::Sender<Option<(u32, String)>>,
    /// How the last generation exited. Written by its process task before it reports the exit.
    pub(crate) last_exit: watch::Sender<Option<Arc<ExitRecord>>>,
    /// The place of the scheduled restart in the restart budget, such as `attempt 3 of 8 in 1m`.
    /// Written by the restart policy.
    pub(crate) restart_schedule: watch::Sender<Option<String>>,
    /// When a job with a schedule runs next. Written by the schedule task.
    pub(crate) next_run: watch::Sender<Option<SystemTime>>,
    /// The last results of its probes. Written by the probe task.
    pub(crate) probe_status: watch::Sender<ProbeStatus>,
    /// The last sample of its resource usage. Written by the sampler.
    pub(crate) usage: watch::Sender<Sample>,
    /// The files that the current or last generation loaded as code, as canonical paths; `None`
    /// if unknown. Written by the file watch task.
    pub(crate) loaded_modules: watch::Sender<Option<LoadedModules>>,
    /// The reload whose generation is not ready yet. Written by reloads, taken by the transition
    /// task, which logs how long the reload took.
    pub(crate) pending_reload: watch::Sender<Option<PendingReload>>,
    /// The address of the inspector that a generation has opened. Written by the task that follows its
    /// output.
    pub(crate) inspector_url: watch::Sender<Option<(u64, String)>>,
    /// The last install of its packages. Written by the backend.
    pub(crate) install: watch::Sender<Option<InstallPeriod>>,
    /// Its first start. Its moments are written by those who cause them: the backend, the registration
    /// task, the transition task.
    pub(crate) start_times: watch::Sender<StartTimes>,
    /// The JavaScript heap of the last heartbeat. Written with `last_heartbeat`.
    pub(crate) heap: watch::Sender<Option<HeapSize>>,
    /// The profiles that are being recorded. Written by those who record them.
    pub(crate) profiles: watch::Sender<u32>,
    /// CPU time of all its processes so far. Written by the sampler.
    pub(crate) cpu_time: watch::Sender<Duration>,
    /// Lines and bytes of its output so far. Written by the pumps.
    pub(crate) output: OutputCounters,
    /// What is counted for metrics, if anybody may read them.
    pub(crate) metrics: Option<Arc<DomainRecorder>>,
}

/// The size of a JavaScript heap, in bytes. Both are 0 if a client does not report them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeapSize {
    pub(crate) used: u64,
    pub(crate) total: u64,
}

/// Running totals of a domain's output, by stream.
#[derive(Debug, Default)]
pub(crate) struct OutputCounters {
    pub(crate) stdout: PumpCounters,
    pub(crate) stderr: PumpCounters,
}

impl OutputCounters {
    /// A handle to the totals of one stream.
    pub(crate) fn of(&self, stream: Stream) -> PumpCounters {
        match stream {
            Stream::Stderr => self.stderr.clone(),
            Stream::Stdout | Stream::Fulcrum => self.stdout.clone(),
        }
    }
}

/// An install of packages for a domain, its own or one that it waits for. What is written meanwhile is no reason for a reload: no
/// process has loaded it yet, and it is most likely the package manager that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstallPeriod {
    /// What is done: `installing packages in domains/users with npm`.
    pub(crate) what: String,
    /// What the package manager said last that it is doing.
    pub(crate) activity: Option<String>,
    pub(crate) started: Instant,
    /// `None` while it runs.
    pub(crate) ended: Option<Instant>,
}

impl InstallPeriod {
    /// Whether it explains a change: one that is noticed while it runs, or of a file that was last
    /// written then.
    pub(crate) fn explains(&self, written: impl FnOnce() -> Option<Instant>) -> bool {
        let Some(ended) = self.ended else {
            return true;
        };
        written().is_some_and(|written| self.started <= written && written <= ended)
    }
}

/// A reload in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingReload {
    /// When the first change was noticed.
    pub(crate) since: Instant,
    /// The changed files, such as `src/price.ts`.
    pub(crate) what: String,
}

/// The states of all domains, shared between tasks.
pub(crate) type SharedDomainStates = Arc<DomainStates>;

/// The states of all domains, by name. The set is written by the start and by reloads.
#[derive(Debug, Default)]
pub(crate) struct DomainStates {
    all: watch::Sender<Arc<BTreeMap<String, Arc<DomainState>>>>,
    metrics: Option<Metrics>,
}

impl DomainStates {
    /// No states. Those that are added count for these metrics.
    pub(crate) fn with_metrics(metrics: Option<Metrics>) -> Self {
        Self {
            all: watch::Sender::default(),
            metrics,
        }
    }

    /// The state of a domain.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<DomainState>> {
        self.all.borrow().get(name).cloned()
    }

    /// The states of all domains at this moment.
    pub(crate) fn all(&self) -> Arc<BTreeMap<String, Arc<DomainState>>> {
        Arc::clone(&self.all.borrow())
    }

    /// Adds empty states for domains that have none.
    pub(crate) fn add<'a>(&self, names: impl Iterator<Item = &'a str>) {
        self.all.send_modify(|states| {
            let states = Arc::make_mut(states);
            for name in names {
                states.entry(name.to_owned()).or_insert_with(|| {
                    let metrics = self.metrics.as_ref();
                    Arc::new(DomainState {
                        metrics: metrics.map(|metrics| metrics.add_domain(name)),
                        ..DomainState::default()
                    })
                });
            }
        });
    }

    /// Removes the state of a domain. Tasks that hold it may still write it.
    pub(crate) fn remove(&self, name: &str) {
        self.all
            .send_modify(|states| drop(Arc::make_mut(states).remove(name)));
        if let Some(metrics) = &self.metrics {
            metrics.remove_domain(name);
        }
    }
}

impl Default for DomainState {
    fn default() -> Self {
        Self {
            process: watch::Sender::new(None),
            last_heartbeat: watch::Sender::new(None),
            registered_generation: watch::Sender::new(0),
            registered_program: watch::Sender::new(None),
            event_loop_lag: watch::Sender::new(None),
            refusal: watch::Sender::new(None),
            external: watch::Sender::new(None),
            last_exit: watch::Sender::new(None),
            restart_schedule: watch::Sender::new(None),
            next_run: watch::Sender::new(None),
            probe_status: watch::Sender::new(ProbeStatus::default()),
            usage: watch::Sender::new(Sample::default()),
            loaded_modules: watch::Sender::new(None),
            pending_reload: watch::Sender::new(None),
            inspector_url: watch::Sender::new(None),
            install: watch::Sender::new(None),
            start_times: watch::Sender::new(StartTimes::default()),
            heap: watch::Sender::new(None),
            profiles: watch::Sender::new(0),
            cpu_time: watch::Sender::new(Duration::ZERO),
            output: OutputCounters::default(),
            metrics: None,
        }
    }
}

impl DomainState {
    /// Sets the process of a generation that is about to be spawned, or was spawned as a standby.
    pub(crate) fn set_process(
        &self,
        generation: u64,
        token: String,
        spec: &Arc<CommandSpec>,
        config: &Arc<Domain>,
        pid: Option<u32>,
    ) {
        self.process.send_replace(Some(ProcessIdentity {
            generation,
            token,
            pid,
            spec: Arc::clone(spec),
            config: Arc::clone(config),
            exited: false,
        }));
        self.last_heartbeat.send_replace(None);
        self.event_loop_lag.send_replace(None);
        self.heap.send_replace(None);
        self.refusal.send_replace(None);
    }

    /// The process of the current generation, unless it has exited.
    pub(crate) fn running(&self) -> Option<ProcessIdentity> {
        let process = self.process.borrow().clone();
        process.filter(|process| !process.exited)
    }

    /// The address of the inspector of the running process, if it has opened one.
    pub(crate) fn inspector_url(&self) -> Option<String> {
        let generation = self.running()?.generation;
        let url = self.inspector_url.borrow().clone();
        let url = url.filter(|(of, _)| *of == generation);
        url.map(|(_, url)| url)
    }

    /// How the given generation exited, once it has.
    pub(crate) fn exit_record(&self, generation: u64) -> Option<Arc<ExitRecord>> {
        let last = self.last_exit.borrow().clone();
        last.filter(|last| last.generation == generation)
    }

    /// Records that the leader of a generation has exited. Its identity stays readable, but its
    /// token is no longer valid.
    pub(crate) fn mark_exited(&self, generation: u64) {
        self.process.send_if_modified(|process| {
            let current = process
                .as_mut()
                .filter(|process| process.generation == generation && !process.exited);
            current.map(|process| process.exited = true).is_some()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::app;

    #[test]
    fn an_install_explains_what_is_written_until_it_ends() {
        let at = |ms| Instant::now() + Duration::from_millis(ms);
        let (started, during, ended, after) = (at(1000), at(2000), at(3000), at(4000));
        let running = InstallPeriod {
            what: "installing packages in . with npm".to_owned(),
            activity: None,
            started,
            ended: None,
        };
        assert!(running.explains(|| None));
        let over = InstallPeriod {
            ended: Some(ended),
            ..running.clone()
        };
        assert!(over.explains(|| Some(during)));
        assert!(!over.explains(|| Some(after)) && !over.explains(|| None));
    }

    #[test]
    fn an_identity_is_valid_for_one_generation_only() {
        let (_dir, app) = app(&[("domains/users/domain.js", "")]);
        let domain = app.domains.into_iter().next().expect("one domain");
        let states = DomainStates::default();
        states.add(["users"].into_iter());
        let state = states.get("users").expect("it was added");
        assert!(state.running().is_none());
        let spec = CommandSpec {
            terminal: None,
            program: "/usr/bin/node".into(),
            args: Vec::new(),
            cwd: "/srv/app".into(),
            env: BTreeMap::new(),
            runner: "node".to_owned(),
        };
        let identity = ProcessIdentity {
            generation: 2,
            token: "secret".to_owned(),
            pid: Some(7),
            spec: Arc::new(spec),
            config: Arc::new(domain),
            exited: false,
        };
        state.process.send_replace(Some(identity));
        // A late exit of an older generation does not concern the current one.
        state.mark_exited(1);
        assert_eq!(state.running().map(|process| process.generation), Some(2));
        state.mark_exited(2);
        assert!(state.running().is_none());
        assert!(
            state.process.borrow().is_some(),
            "the executed command stays readable"
        );
    }
}
