//! An instance with scripted responses, and the program run against it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::SystemTime;

use fulcrum_rpc::control::{
    CallRequest, CallResponse, ChangeRequest, Domain, EvalRequest, EvalResponse, Event,
    EventsRequest, Instance, LogRecord, LogSeam, LogsRequest, MetricsRequest, MetricsResponse,
    Outcome, ProfileRequest, ProfileResponse, Progress, ReloadProgress, ReloadRequest,
    ShutdownRequest, SignalRequest, StatusRequest, StatusResponse, TraceLine, TraceRecordsResponse,
    TraceRequest, TraceResponse, TraceSummary, TracesRequest, WaitRequest, log_record::Record,
    outcome::Kind, reload_progress,
};
use fulcrum_rpc::{
    ControlError, ControlHandler, MessageStream, RuntimeDir, bind_control, serve_control,
};
use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// The responses of the instance.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) domains: Vec<Domain>,
    /// For changes, waits and the shutdown. An empty one ends without an outcome.
    pub(crate) progress: Vec<Progress>,
    pub(crate) logs: Vec<LogRecord>,
    /// Lines after the ones in `logs`, for followers.
    pub(crate) later_logs: Vec<LogRecord>,
    pub(crate) events: Vec<Event>,
    pub(crate) call: CallResponse,
    pub(crate) traces: Vec<TraceSummary>,
    pub(crate) trace: TraceResponse,
    pub(crate) records: Vec<TraceLine>,
    pub(crate) metrics: MetricsResponse,
}

struct ScriptedInstance {
    script: Script,
    ended: CancellationToken,
}

/// An app with a `fulcrum.yml`, with or without an instance.
pub(crate) struct App {
    temp: TempDir,
}

impl App {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().expect("temporary directory");
        for name in ["run", "app"] {
            std::fs::create_dir(temp.path().join(name)).expect("created");
        }
        std::fs::write(temp.path().join("app/fulcrum.yml"), "runtime: {}\n").expect("written");
        Self { temp }
    }

    /// An app with an instance that responds by the script until it is shut down.
    pub(crate) fn running(script: Script) -> Self {
        let app = Self::new();
        let uid = rustix::process::getuid().as_raw();
        let run = app.temp.path().join("run");
        let dir = RuntimeDir::for_app(&app.root(), Some(&run), app.temp.path(), uid)
            .expect("a runtime directory");
        let lock = dir.try_lock().expect("free");
        let listener = bind_control(&lock, &dir).expect("bound");
        let ended = CancellationToken::new();
        let handler = ScriptedInstance {
            script,
            ended: ended.clone(),
        };
        tokio::spawn(async move {
            // The result does not matter to a client.
            let _ = serve_control(listener, handler, ended).await;
            drop(lock);
        });
        app
    }

    fn root(&self) -> PathBuf {
        self.temp.path().join("app")
    }

    /// A file of the app.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub(crate) fn fulcrum(&self, arguments: &str) -> Command {
        self.fulcrum_in(&self.root(), arguments)
    }

    pub(crate) fn fulcrum_in(&self, dir: &Path, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fulcrum"));
        command
            .args(arguments.split_whitespace())
            .current_dir(dir)
            .env("XDG_RUNTIME_DIR", self.temp.path().join("run"))
            .env_remove("FULCRUM_APP_PATH")
            .kill_on_drop(true);
        command
    }

    /// Runs the program until it exits.
    pub(crate) async fn run(&self, arguments: &str) -> CommandRun {
        let output = self.fulcrum(arguments).output().await;
        CommandRun::new(output.expect("the program ran"))
    }
}

/// The exit code and the output of a command.
#[derive(Debug)]
pub(crate) struct CommandRun {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl CommandRun {
    pub(crate) fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).expect(&self.out)
    }
}

/// A message of progress.
pub(crate) fn step(domain: &str, message: &str) -> Progress {
    Progress {
        domain: domain.into(),
        message: message.into(),
        outcome: None,
    }
}

/// The outcome, as the last message.
pub(crate) fn end(kind: Kind, message: &str) -> Progress {
    let outcome = Outcome {
        kind: kind.into(),
        message: message.into(),
    };
    Progress {
        outcome: Some(outcome),
        ..Progress::default()
    }
}

fn stream_of<T: Send + 'static>(items: Vec<T>) -> Result<MessageStream<T>, ControlError> {
    Ok(Box::pin(tokio_stream::iter(items.into_iter().map(Ok))))
}

impl ScriptedInstance {
    fn check(&self, names: &[String]) -> Result<(), ControlError> {
        let known = |name: &String| {
            self.script
                .domains
                .iter()
                .any(|domain| domain.name == *name)
        };
        match names.iter().find(|name| !known(name)) {
            Some(name) => Err(ControlError::NotFound(format!("unknown domain {name}"))),
            None => Ok(()),
        }
    }
}

impl ControlHandler for ScriptedInstance {
    async fn instance(&self) -> Instance {
        Instance {
            // No process has this pid, so no client waits for its exit.
            pid: 0,
            version: "1.2.3".into(),
            app: "/srv/shop".into(),
            grpc: "127.0.0.1:50051".into(),
            http: String::new(),
            otlp: String::new(),
            socket: "/run/control.sock".into(),
            started_at: Some(SystemTime::UNIX_EPOCH.into()),
            mode: "serve".into(),
        }
    }

    async fn status(&self, request: StatusRequest) -> Result<StatusResponse, ControlError> {
        self.check(&request.domains)?;
        let matches =
            |domain: &&Domain| request.domains.is_empty() || request.domains.contains(&domain.name);
        Ok(StatusResponse {
            instance: Some(self.instance().await),
            domains: self
                .script
                .domains
                .iter()
                .filter(matches)
                .cloned()
                .collect(),
        })
    }

    async fn change(&self, _: ChangeRequest) -> Result<MessageStream<Progress>, ControlError> {
        stream_of(self.script.progress.clone())
    }

    async fn wait(&self, _: WaitRequest) -> Result<MessageStream<Progress>, ControlError> {
        stream_of(self.script.progress.clone())
    }

    async fn logs(&self, request: LogsRequest) -> Result<MessageStream<LogRecord>, ControlError> {
        self.check(&request.domains)?;
        let seam = LogRecord {
            record: Some(Record::Seam(LogSeam {
                // Greater than all numbers of the script, so that no line is repeated.
                last_seq: 1_000,
                domains: vec!["users".to_owned()],
                ..LogSeam::default()
            })),
        };
        let mut records = self.script.logs.clone();
        records.push(seam);
        if request.follow {
            records.extend(self.script.later_logs.clone());
            let records = tokio_stream::iter(records.into_iter().map(Ok));
            let pending = tokio_stream::pending();
            return Ok(Box::pin(tokio_stream::StreamExt::chain(records, pending)));
        }
        stream_of(records)
    }

    async fn events(&self, _: EventsRequest) -> Result<MessageStream<Event>, ControlError> {
        stream_of(self.script.events.clone())
    }

    async fn call(&self, request: CallRequest) -> Result<CallResponse, ControlError> {
        self.check(&[request.domain])?;
        Ok(self.script.call.clone())
    }

    async fn call_stream(
        &self,
        request: CallRequest,
    ) -> Result<MessageStream<CallResponse>, ControlError> {
        self.check(&[request.domain])?;
        stream_of(vec![self.script.call.clone(); 3])
    }

    async fn eval(&self, request: EvalRequest) -> Result<EvalResponse, ControlError> {
        Ok(EvalResponse {
            success: true,
            text: request.expression,
            json: String::new(),
        })
    }

    async fn reload(
        &self,
        _: ReloadRequest,
    ) -> Result<MessageStream<ReloadProgress>, ControlError> {
        let message = |progress| ReloadProgress {
            step: Some(reload_progress::Step::Progress(progress)),
        };
        stream_of(self.script.progress.iter().cloned().map(message).collect())
    }

    async fn signal(&self, _: SignalRequest) -> Result<MessageStream<Progress>, ControlError> {
        Err(ControlError::Invalid("no signals here".to_owned()))
    }

    async fn traces(&self, _: TracesRequest) -> Result<MessageStream<TraceSummary>, ControlError> {
        stream_of(self.script.traces.clone())
    }

    async fn trace(&self, _: TraceRequest) -> Result<TraceResponse, ControlError> {
        Ok(self.script.trace.clone())
    }

    async fn trace_records(&self, _: TraceRequest) -> Result<TraceRecordsResponse, ControlError> {
        Ok(TraceRecordsResponse {
            records: self.script.records.clone(),
        })
    }

    async fn profile(&self, _: ProfileRequest) -> Result<ProfileResponse, ControlError> {
        Err(ControlError::Failed("not in the script".to_owned()))
    }

    async fn metrics(&self, _: MetricsRequest) -> Result<MetricsResponse, ControlError> {
        Ok(self.script.metrics.clone())
    }

    async fn shutdown(&self, _: ShutdownRequest) -> Result<MessageStream<Progress>, ControlError> {
        let progress = self.script.progress.clone();
        let ended = self.ended.clone();
        tokio::spawn(async move { ended.cancel() });
        stream_of(progress)
    }
}
