//! An instance that answers by script, and the program run against it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::SystemTime;

use fulcrum_rpc::control::{
    CallRequest, CallResponse, ChangeRequest, Domain, Event, EventsRequest, Instance, LogRecord,
    LogSeam, LogsRequest, Outcome, Progress, ReloadProgress, ReloadRequest, ShutdownRequest,
    StatusRequest, StatusResponse, WaitRequest, log_record::Record, outcome::Kind, reload_progress,
};
use fulcrum_rpc::{
    ControlError, ControlHandler, MessageStream, RuntimeDir, bind_control, serve_control,
};
use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// What the instance answers.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) domains: Vec<Domain>,
    /// Of changes, waits and the shutdown; an empty one breaks off before its outcome.
    pub(crate) progress: Vec<Progress>,
    pub(crate) logs: Vec<LogRecord>,
    /// For those who follow.
    pub(crate) said_later: Vec<LogRecord>,
    pub(crate) events: Vec<Event>,
    pub(crate) call: CallResponse,
}

struct Actor {
    script: Script,
    ended: CancellationToken,
}

/// An app with a `fulcrum.yml`, and perhaps an instance.
pub(crate) struct App {
    folder: TempDir,
}

impl App {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in ["run", "app"] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        }
        std::fs::write(folder.path().join("app/fulcrum.yml"), "runtime: {}\n").expect("written");
        Self { folder }
    }

    /// An app whose instance answers by the script until it is told to shut down.
    pub(crate) fn running(script: Script) -> Self {
        let app = Self::new();
        let uid = rustix::process::getuid().as_raw();
        let run = app.folder.path().join("run");
        let dir = RuntimeDir::for_app(&app.root(), Some(&run), app.folder.path(), uid)
            .expect("a runtime folder");
        let lock = dir.try_lock().expect("free");
        let listener = bind_control(&lock, &dir).expect("bound");
        let ended = CancellationToken::new();
        let actor = Actor {
            script,
            ended: ended.clone(),
        };
        tokio::spawn(async move {
            // How it ended doesn't matter to a client.
            let _ = serve_control(listener, actor, ended).await;
            drop(lock);
        });
        app
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    /// A file of the app.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub(crate) fn fulcrum(&self, arguments: &str) -> Command {
        self.fulcrum_in(&self.root(), arguments)
    }

    pub(crate) fn fulcrum_in(&self, folder: &Path, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fulcrum"));
        command
            .args(arguments.split_whitespace())
            .current_dir(folder)
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .env_remove("FULCRUM_APP_PATH")
            .kill_on_drop(true);
        command
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, arguments: &str) -> Run {
        let output = self.fulcrum(arguments).output().await;
        Run::of(output.expect("the program ran"))
    }
}

/// How a run ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
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

/// A step on the way.
pub(crate) fn step(domain: &str, message: &str) -> Progress {
    Progress {
        domain: domain.into(),
        message: message.into(),
        outcome: None,
    }
}

/// The end of a way.
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

fn streamed<T: Send + 'static>(items: Vec<T>) -> Result<MessageStream<T>, ControlError> {
    Ok(Box::pin(tokio_stream::iter(items.into_iter().map(Ok))))
}

impl Actor {
    fn check(&self, names: &[String]) -> Result<(), ControlError> {
        let known = |name: &String| {
            self.script
                .domains
                .iter()
                .any(|domain| domain.name == *name)
        };
        match names.iter().find(|name| !known(name)) {
            Some(name) => Err(ControlError::NotFound(format!("there is no domain {name}"))),
            None => Ok(()),
        }
    }
}

impl ControlHandler for Actor {
    async fn instance(&self) -> Instance {
        Instance {
            // No process has it, so nobody can wait for its end.
            pid: 0,
            version: "1.2.3".into(),
            app: "/srv/shop".into(),
            grpc: "127.0.0.1:50051".into(),
            socket: "/run/control.sock".into(),
            started_at: Some(SystemTime::UNIX_EPOCH.into()),
            mode: "serve".into(),
        }
    }

    async fn status(&self, request: StatusRequest) -> Result<StatusResponse, ControlError> {
        self.check(&request.domains)?;
        let wanted =
            |domain: &&Domain| request.domains.is_empty() || request.domains.contains(&domain.name);
        Ok(StatusResponse {
            instance: Some(self.instance().await),
            domains: self.script.domains.iter().filter(wanted).cloned().collect(),
        })
    }

    async fn change(&self, _: ChangeRequest) -> Result<MessageStream<Progress>, ControlError> {
        streamed(self.script.progress.clone())
    }

    async fn wait(&self, _: WaitRequest) -> Result<MessageStream<Progress>, ControlError> {
        streamed(self.script.progress.clone())
    }

    async fn logs(&self, request: LogsRequest) -> Result<MessageStream<LogRecord>, ControlError> {
        self.check(&request.domains)?;
        let seam = LogRecord {
            record: Some(Record::Seam(LogSeam {
                // So that who asks again for what comes then isn't told the same again.
                last_seq: 1_000,
                domains: vec!["users".to_owned()],
                ..LogSeam::default()
            })),
        };
        let mut records = self.script.logs.clone();
        records.push(seam);
        if request.follow {
            records.extend(self.script.said_later.clone());
            let kept = tokio_stream::iter(records.into_iter().map(Ok));
            let quiet = tokio_stream::pending();
            return Ok(Box::pin(tokio_stream::StreamExt::chain(kept, quiet)));
        }
        streamed(records)
    }

    async fn events(&self, _: EventsRequest) -> Result<MessageStream<Event>, ControlError> {
        streamed(self.script.events.clone())
    }

    async fn call(&self, request: CallRequest) -> Result<CallResponse, ControlError> {
        self.check(&[request.domain])?;
        Ok(self.script.call.clone())
    }

    async fn reload(
        &self,
        _: ReloadRequest,
    ) -> Result<MessageStream<ReloadProgress>, ControlError> {
        let told = |progress| ReloadProgress {
            step: Some(reload_progress::Step::Progress(progress)),
        };
        streamed(self.script.progress.iter().cloned().map(told).collect())
    }

    async fn shutdown(&self, _: ShutdownRequest) -> Result<MessageStream<Progress>, ControlError> {
        let progress = self.script.progress.clone();
        let ended = self.ended.clone();
        tokio::spawn(async move { ended.cancel() });
        streamed(progress)
    }
}
