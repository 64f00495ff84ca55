//! The keys of an instance in the foreground of a terminal.

use fulcrum_logs::{Hub, Level};
use fulcrum_rpc::RuntimeDir;
use fulcrum_runtime::{ShutdownSignal, ShutdownStage};
use fulcrum_tui::dev::{
    DevCompanion, DevInfo, DevOptions, DevRequest, Notify, ScreenHandle, header,
};
use fulcrum_tui::term::{self, ColorDepth};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::options::Options;

/// The exit code of a process that SIGQUIT ends, as shells tell it.
const QUIT_CODE: i32 = 128 + 3;

/// What keys need besides the instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyOptions {
    /// The full-screen view is shown first.
    pub(crate) full_screen: bool,
    /// How failures are told.
    pub(crate) notify: Notify,
    /// Whether the window's title is set.
    pub(crate) title: bool,
}

/// Prints the header, on a terminal that has keys.
pub(super) fn print_header(
    options: &Options,
    grpc: &str,
    screen: Option<&ScreenHandle>,
) -> DevInfo {
    let info = DevInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        app: options.app.root.display().to_string(),
        grpc: grpc.to_owned(),
        dashboard: None,
    };
    if let Some(screen) = screen {
        screen.print(header(&info, true, options.style.color));
    }
    info
}

/// Starts to read keys. Without handlers of signals there are none.
pub(super) fn start(
    keys: KeyOptions,
    color: bool,
    screen: &ScreenHandle,
    info: DevInfo,
    dir: &RuntimeDir,
    shutdown: &ShutdownSignal,
    hub: &Hub,
) -> Option<DevCompanion> {
    let options = DevOptions {
        dir: dir.clone(),
        screen: screen.clone(),
        info,
        color,
        depth: ColorDepth::detect(color, |name| std::env::var(name).ok()),
        notify: keys.notify,
        title: keys.title && color,
        full_screen: keys.full_screen,
    };
    let (sender, requests) = unbounded_channel();
    match DevCompanion::start(options, sender) {
        Ok(companion) => {
            tokio::spawn(serve(requests, shutdown.clone(), hub.clone()));
            Some(companion)
        }
        Err(error) => {
            hub.log(Level::Warn, format!("keys do not work: {error}"));
            None
        }
    }
}

async fn serve(mut requests: UnboundedReceiver<DevRequest>, shutdown: ShutdownSignal, hub: Hub) {
    while let Some(request) = requests.recv().await {
        match request {
            DevRequest::Quit => {
                hub.log(
                    Level::Info,
                    "q: stopping domains (press Ctrl-C to kill)".to_owned(),
                );
                shutdown.request(ShutdownStage::Stopping);
            }
            DevRequest::Abort => abort(),
        }
    }
}

/// Ends as SIGQUIT does. The cleanup guard kills the domains.
#[expect(
    clippy::disallowed_methods,
    reason = "SIGQUIT is for a program that does not end otherwise"
)]
fn abort() {
    term::restore();
    std::process::exit(QUIT_CODE);
}
