//! A registered domain: its heartbeats, and calls to it.

use std::process::Stdio;

use anyhow::{Context, ensure};
use fulcrum_rpc::{
    DomainEvent, Listeners, RegistrationAuthorizer, RegistrationError, RegistrationGrant,
    RegistrationRequest, Registry, UnimplementedHandler, serve_domains,
};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::peer;

/// Accepts every registration.
struct AcceptAll;

impl RegistrationAuthorizer for AcceptAll {
    async fn authorize(
        &self,
        _: RegistrationRequest,
    ) -> Result<RegistrationGrant, RegistrationError> {
        Ok(RegistrationGrant {
            generation: 1,
            managed: true,
            pid: None,
            heartbeat_interval: None,
            stop: None,
        })
    }
}

/// Receives `count` heartbeats. The domain sends the next one once it is told that the last one has
/// arrived, so that each is a read of its own.
pub(super) async fn heartbeats(count: u32) -> anyhow::Result<()> {
    let mut server = Server::start(peer::HEARTBEATS, count)?;
    let mut input = server.peer.stdin.take().context("it has an input")?;
    for _ in 0..count {
        while !matches!(
            server.events.recv().await.context("the server ended")?,
            DomainEvent::Heartbeat { .. }
        ) {}
        input.write_all(b"\n").await?;
    }
    server.finish().await
}

/// Answers `count` calls, one after the other. Caller and domain are one process.
pub(super) async fn calls(count: u32) -> anyhow::Result<()> {
    Server::start(peer::CALLS, count)?.finish().await
}

/// A server, and the process that connects to it.
struct Server {
    peer: Child,
    events: mpsc::UnboundedReceiver<DomainEvent>,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), fulcrum_rpc::ServeError>>,
}

impl Server {
    fn start(peer: &str, count: u32) -> anyhow::Result<Self> {
        let (sender, events) = mpsc::unbounded_channel();
        let registry = Registry::new(AcceptAll, UnimplementedHandler, sender);
        let listeners = Listeners::bind("127.0.0.1:0", false)?;
        let address = format!("http://{}", listeners.address());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve_domains(listeners, registry, shutdown.clone()));
        let peer = Command::new(std::env::current_exe()?)
            .args([peer, &count.to_string(), &address])
            .stdin(Stdio::piped())
            .spawn()?;
        Ok(Self {
            peer,
            events,
            shutdown,
            task,
        })
    }

    async fn finish(mut self) -> anyhow::Result<()> {
        let status = self.peer.wait().await?;
        ensure!(status.success(), "the process that connects failed");
        self.shutdown.cancel();
        self.task.await??;
        Ok(())
    }
}
