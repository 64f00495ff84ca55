//! The control API over its socket.

use std::time::Duration;

use fulcrum_rpc::control::control_server::{Control, ControlServer};
use fulcrum_rpc::control::*;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tokio_util::sync::CancellationToken;

use crate::harness::soon;

/// An instance with an endless log and one domain.
struct TestInstance {
    /// Receives a message when a log stream is dropped.
    log_ended: mpsc::UnboundedSender<()>,
}

struct NotifyOnDrop(mpsc::UnboundedSender<()>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

fn progress(messages: Vec<Progress>) -> MessageStream<Progress> {
    Box::pin(tokio_stream::iter(messages.into_iter().map(Ok)))
}

impl ControlHandler for TestInstance {
    async fn instance(&self) -> Instance {
        Instance {
            pid: 7,
            version: "9.9.9".into(),
            ..Instance::default()
        }
    }

    async fn status(&self, request: StatusRequest) -> Result<StatusResponse, ControlError> {
        let domains = request.domains.into_iter();
        let domains = domains
            .map(|name| Domain {
                name,
                ..Domain::default()
            })
            .collect();
        Ok(StatusResponse {
            instance: Some(self.instance().await),
            domains,
        })
    }

    async fn change(
        &self,
        request: ChangeRequest,
    ) -> Result<MessageStream<Progress>, ControlError> {
        match request.domains.first() {
            Some(name) if name != "users" => {
                Err(ControlError::NotFound(format!("no domain {name:?}")))
            }
            _ => Err(ControlError::Failed("pid 9 is still alive".into())),
        }
    }

    async fn wait(&self, _: WaitRequest) -> Result<MessageStream<Progress>, ControlError> {
        Err(ControlError::Invalid("no condition".into()))
    }

    async fn logs(&self, _: LogsRequest) -> Result<MessageStream<LogRecord>, ControlError> {
        let (sender, receiver) = mpsc::channel(4);
        let ended = NotifyOnDrop(self.log_ended.clone());
        tokio::spawn(async move {
            let _ended = ended;
            let record = LogRecord {
                record: Some(log_record::Record::Missed(1)),
            };
            while sender.send(Ok(record.clone())).await.is_ok() {}
        });
        Ok(Box::pin(ReceiverStream::new(receiver)))
    }

    async fn events(&self, _: EventsRequest) -> Result<MessageStream<Event>, ControlError> {
        panic!("requested by the test")
    }

    async fn call(&self, request: CallRequest) -> Result<CallResponse, ControlError> {
        Ok(CallResponse {
            payload: request.payload,
            success: true,
            ..CallResponse::default()
        })
    }

    async fn call_stream(
        &self,
        request: CallRequest,
    ) -> Result<MessageStream<CallResponse>, ControlError> {
        let response = self.call(request).await?;
        Ok(Box::pin(tokio_stream::iter([Ok(response)])))
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
        let plan = ReloadPlan {
            domains: vec![PlannedDomain {
                domain: "users".into(),
                ..PlannedDomain::default()
            }],
            ..ReloadPlan::default()
        };
        let step = Some(reload_progress::Step::Plan(plan));
        Ok(Box::pin(tokio_stream::iter([Ok(ReloadProgress { step })])))
    }

    async fn signal(&self, _: SignalRequest) -> Result<MessageStream<Progress>, ControlError> {
        Err(ControlError::Invalid("no signals here".to_owned()))
    }

    async fn traces(&self, _: TracesRequest) -> Result<MessageStream<TraceSummary>, ControlError> {
        Err(ControlError::Failed("no traces here".to_owned()))
    }

    async fn trace(&self, _: TraceRequest) -> Result<TraceResponse, ControlError> {
        Err(ControlError::Failed("no traces here".to_owned()))
    }

    async fn trace_records(&self, _: TraceRequest) -> Result<TraceRecordsResponse, ControlError> {
        unreachable!()
    }
    async fn profile(&self, _: ProfileRequest) -> Result<ProfileResponse, ControlError> {
        Err(ControlError::Failed("no profiles here".to_owned()))
    }

    async fn metrics(&self, _: MetricsRequest) -> Result<MetricsResponse, ControlError> {
        Err(ControlError::Failed("no metrics here".to_owned()))
    }

    async fn shutdown(&self, _: ShutdownRequest) -> Result<MessageStream<Progress>, ControlError> {
        let done = Outcome {
            kind: outcome::Kind::Done.into(),
            message: "stopped".into(),
        };
        let steps = ["stopping", "stopping users"].map(|message| Progress {
            message: message.into(),
            ..Progress::default()
        });
        let last = Progress {
            outcome: Some(done),
            ..Progress::default()
        };
        Ok(progress(steps.into_iter().chain([last]).collect()))
    }
}

struct Running {
    temp: tempfile::TempDir,
    dir: RuntimeDir,
    lock: InstanceLock,
    log_ended: mpsc::UnboundedReceiver<()>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), ControlServeError>>,
}

fn runtime_dir(temp: &tempfile::TempDir) -> RuntimeDir {
    let uid = rustix::process::getuid().as_raw();
    RuntimeDir::for_app(temp.path(), None, temp.path(), uid).expect("found")
}

fn start() -> Running {
    let temp = tempfile::tempdir().expect("temporary directory");
    let dir = runtime_dir(&temp);
    let lock = dir.try_lock().expect("free");
    let listener = bind_control(&lock, &dir).expect("bound");
    let (sender, log_ended) = mpsc::unbounded_channel();
    let shutdown = CancellationToken::new();
    let handler = TestInstance { log_ended: sender };
    let task = tokio::spawn(serve_control(listener, handler, shutdown.clone()));
    Running {
        temp,
        dir,
        lock,
        log_ended,
        shutdown,
        task,
    }
}

impl Running {
    async fn connect(&self) -> ControlClient {
        soon("connecting", ControlClient::connect(&self.dir))
            .await
            .expect("connected")
    }

    async fn stop(self) {
        self.shutdown.cancel();
        soon("the end", self.task)
            .await
            .expect("no panic")
            .expect("served");
        assert!(!self.dir.socket().exists());
        drop((self.lock, self.temp));
    }
}

#[tokio::test]
async fn a_client_receives_responses_and_errors() {
    let running = start();
    let client = running.connect().await;
    assert_eq!(
        (client.instance().pid, client.instance().version.as_str()),
        (7, "9.9.9")
    );
    let request = StatusRequest {
        domains: vec!["users".into()],
        ..StatusRequest::default()
    };
    let status = client.status(request).await.expect("a status");
    assert_eq!(status.domains[0].name, "users");
    let payload = "x".repeat(5 * 1024 * 1024);
    let response = client
        .call(CallRequest {
            payload,
            ..CallRequest::default()
        })
        .await;
    assert_eq!(
        response
            .expect("larger than a domain's message")
            .payload
            .len(),
        5 * 1024 * 1024
    );

    let change = |name: &str| ChangeRequest {
        domains: vec![name.into()],
        ..ChangeRequest::default()
    };
    let error = client.change(change("strange")).await.expect_err("unknown");
    assert_eq!(
        error,
        ControlError::NotFound("no domain \"strange\"".into())
    );
    let error = client.change(change("users")).await.expect_err("failed");
    assert_eq!(error, ControlError::Failed("pid 9 is still alive".into()));
    let error = client
        .wait(WaitRequest::default())
        .await
        .expect_err("invalid");
    assert_eq!(error, ControlError::Invalid("no condition".into()));
    running.stop().await;
}

#[tokio::test]
async fn the_client_receives_the_steps_of_a_reload() {
    let running = start();
    let client = running.connect().await;
    let mut steps = client
        .reload(ReloadRequest::default())
        .await
        .expect("steps");
    let step = soon("a step", steps.next()).await;
    let step = step.expect("open").expect("a step");
    let Some(reload_progress::Step::Plan(plan)) = step.step else {
        panic!("no plan: {step:?}")
    };
    assert_eq!(plan.domains[0].domain, "users");
    running.stop().await;
}

#[tokio::test]
async fn a_stream_ends_when_its_client_disconnects() {
    let mut running = start();
    let client = running.connect().await;
    let mut logs = client.logs(LogsRequest::default()).await.expect("logs");
    for _ in 0..3 {
        soon("a record", logs.next())
            .await
            .expect("open")
            .expect("a record");
    }
    drop((logs, client));
    soon("the stream's end", running.log_ended.recv())
        .await
        .expect("dropped");
    running.stop().await;
}

#[tokio::test]
async fn a_shutdown_sends_its_outcome_and_cuts_other_streams() {
    let running = start();
    let client = running.connect().await;
    let mut logs = client.logs(LogsRequest::default()).await.expect("logs");
    let mut steps = client
        .shutdown(ShutdownRequest::default())
        .await
        .expect("progress");
    let start = Instant::now();
    running.shutdown.cancel();
    let mut last = None;
    while let Some(step) = soon("a step", steps.next()).await {
        last = step.expect("a step").outcome;
    }
    assert_eq!(last.expect("the outcome").message, "stopped");
    running.stop().await;
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    let error = loop {
        match soon("the end", logs.next()).await.expect("no clean end") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ControlError::Disconnected(_)), "{error:?}");
    let error = client
        .status(StatusRequest::default())
        .await
        .expect_err("gone");
    assert!(matches!(error, ControlError::Disconnected(_)), "{error:?}");
}

#[tokio::test]
async fn a_handler_that_panics_fails_one_request() {
    let running = start();
    let client = running.connect().await;
    client
        .events(EventsRequest::default())
        .await
        .expect_err("the panic");
    let again = running.connect().await;
    again
        .status(StatusRequest::default())
        .await
        .expect("still served");
    running.stop().await;
}

#[tokio::test]
async fn without_an_instance_a_client_fails_at_once_whatever_files_exist() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let dir = runtime_dir(&temp);
    let not_running = async || {
        let start = Instant::now();
        let error = ControlClient::connect(&dir).await.expect_err("no instance");
        assert!(matches!(error, ConnectError::NotRunning), "{error:?}");
        assert!(
            start.elapsed() < Duration::from_millis(200),
            "{:?}",
            start.elapsed()
        );
    };
    not_running().await;
    // As after a SIGKILL: a lock file with a pid, a socket without a listener.
    fulcrum_rpc::create_state_dir(temp.path()).expect("created");
    std::fs::write(dir.lock_path(), "1\n0\n/tmp/x\n").expect("written");
    dir.prepare().expect("created");
    drop(std::os::unix::net::UnixListener::bind(dir.socket()).expect("bound"));
    not_running().await;
    let lock = dir.try_lock().expect("free");
    let listener = bind_control(&lock, &dir).expect("bound over the stale one");
    drop((listener, lock));
    not_running().await;
}

#[tokio::test]
async fn a_client_waits_for_an_instance_that_is_starting() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let dir = runtime_dir(&temp);
    let lock = dir.try_lock().expect("free");
    let connecting = tokio::spawn({
        let dir = dir.clone();
        async move { ControlClient::connect(&dir).await }
    });
    // At least one attempt fails before the socket exists.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!connecting.is_finished());
    let listener = bind_control(&lock, &dir).expect("bound");
    let handler = TestInstance {
        log_ended: mpsc::unbounded_channel().0,
    };
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(serve_control(listener, handler, shutdown.clone()));
    soon("the connection", connecting)
        .await
        .expect("no panic")
        .expect("connected");
    shutdown.cancel();
    soon("the end", serving)
        .await
        .expect("no panic")
        .expect("served");
}

/// An instance with another protocol number.
struct OtherProtocol;

type Never<T> =
    std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<T, tonic::Status>> + Send>>;
type Reply<T> = Result<tonic::Response<T>, tonic::Status>;

#[tonic::async_trait]
impl Control for OtherProtocol {
    type ChangeStream = Never<Progress>;
    type WaitStream = Never<Progress>;
    type LogsStream = Never<LogRecord>;
    type EventsStream = Never<Event>;
    type CallStreamStream = Never<CallResponse>;
    type ReloadStream = Never<ReloadProgress>;
    type ShutdownStream = Never<Progress>;
    type SignalStream = Never<Progress>;
    type TracesStream = Never<TraceSummary>;

    async fn hello(&self, request: tonic::Request<HelloRequest>) -> Reply<HelloResponse> {
        assert_eq!(request.into_inner().protocol, PROTOCOL);
        let instance = Instance {
            version: "7.0.0".into(),
            ..Instance::default()
        };
        Ok(tonic::Response::new(HelloResponse {
            protocol: 7,
            instance: Some(instance),
        }))
    }
    async fn status(&self, _: tonic::Request<StatusRequest>) -> Reply<StatusResponse> {
        panic!("request in spite of the mismatch")
    }
    async fn change(&self, _: tonic::Request<ChangeRequest>) -> Reply<Never<Progress>> {
        unreachable!()
    }
    async fn wait(&self, _: tonic::Request<WaitRequest>) -> Reply<Never<Progress>> {
        unreachable!()
    }
    async fn logs(&self, _: tonic::Request<LogsRequest>) -> Reply<Never<LogRecord>> {
        unreachable!()
    }
    async fn events(&self, _: tonic::Request<EventsRequest>) -> Reply<Never<Event>> {
        unreachable!()
    }
    async fn call(&self, _: tonic::Request<CallRequest>) -> Reply<CallResponse> {
        unreachable!()
    }
    async fn call_stream(&self, _: tonic::Request<CallRequest>) -> Reply<Never<CallResponse>> {
        unreachable!()
    }
    async fn eval(&self, _: tonic::Request<EvalRequest>) -> Reply<EvalResponse> {
        unreachable!()
    }
    async fn reload(&self, _: tonic::Request<ReloadRequest>) -> Reply<Never<ReloadProgress>> {
        unreachable!()
    }
    async fn signal(&self, _: tonic::Request<SignalRequest>) -> Reply<Never<Progress>> {
        unreachable!("not called")
    }

    async fn traces(&self, _: tonic::Request<TracesRequest>) -> Reply<Never<TraceSummary>> {
        unreachable!()
    }
    async fn trace(&self, _: tonic::Request<TraceRequest>) -> Reply<TraceResponse> {
        unreachable!()
    }
    async fn trace_records(&self, _: tonic::Request<TraceRequest>) -> Reply<TraceRecordsResponse> {
        unreachable!()
    }
    async fn profile(&self, _: tonic::Request<ProfileRequest>) -> Reply<ProfileResponse> {
        unreachable!()
    }
    async fn metrics(&self, _: tonic::Request<MetricsRequest>) -> Reply<MetricsResponse> {
        unreachable!()
    }
    async fn shutdown(&self, _: tonic::Request<ShutdownRequest>) -> Reply<Never<Progress>> {
        unreachable!()
    }
}

#[tokio::test]
async fn another_protocol_number_is_an_error_that_names_both() {
    let temp = tempfile::tempdir().expect("temporary directory");
    let dir = runtime_dir(&temp);
    let _lock = dir.try_lock().expect("free");
    let listener = tokio::net::UnixListener::bind(dir.socket()).expect("bound");
    let server = tonic::transport::Server::builder()
        .add_service(ControlServer::new(OtherProtocol))
        .serve_with_incoming(UnixListenerStream::new(listener));
    let serving = tokio::spawn(server);
    let error = soon("the response", ControlClient::connect(&dir))
        .await
        .expect_err("a mismatch");
    let ConnectError::VersionMismatch {
        ours,
        theirs,
        their_version,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (*ours, *theirs, their_version.as_str()),
        (PROTOCOL, 7, "7.0.0")
    );
    assert!(error.to_string().contains("7.0.0"));
    serving.abort();
}
