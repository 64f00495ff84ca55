//! The keys of an instance in the foreground of a terminal.

use fulcrum_logs::{Hub, Level};
use fulcrum_rpc::RuntimeDir;
use fulcrum_runtime::{ShutdownSignal, ShutdownStage};
use fulcrum_tui::dev::{DevCompanion, DevInfo, DevOptions, DevRequest, ScreenHandle, header};
use fulcrum_tui::term::{self, ColorDepth};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::wiring::options::{KeyOptions, Options};

/// The exit code of a process that SIGQUIT ends, as shells tell it.
const QUIT_CODE: i32 = 128 + 3;

/// Keys that are not read yet.
pub(crate) struct PreparedKeys {
    options: KeyOptions,
    color: bool,
    screen: ScreenHandle,
    info: DevInfo,
}

/// Prints the header, on a terminal that has keys.
pub(crate) fn prepare(
    options: &Options,
    (grpc, http): (String, Option<String>),
    screen: Option<&ScreenHandle>,
) -> Option<PreparedKeys> {
    let keys = PreparedKeys {
        options: options.keys?,
        color: options.style.color,
        screen: screen?.clone(),
        info: DevInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            app: options.app.root.display().to_string(),
            grpc,
            http,
        },
    };
    keys.screen.print(header(&keys.info, true, keys.color));
    Some(keys)
}

impl PreparedKeys {
    /// Starts to read keys. Without handlers of signals there are none.
    pub(crate) fn start(
        self,
        dir: &RuntimeDir,
        shutdown: &ShutdownSignal,
        hub: &Hub,
    ) -> Option<DevCompanion> {
        let options = DevOptions {
            dir: dir.clone(),
            screen: self.screen,
            info: self.info,
            color: self.color,
            depth: ColorDepth::detect(self.color, |name| std::env::var(name).ok()),
            notify: self.options.notify,
            title: self.options.title && self.color,
            full_screen: self.options.full_screen,
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
}

/// Reads no keys any more, and restores the terminal.
pub(crate) async fn stop(keys: Option<DevCompanion>) {
    if let Some(keys) = keys {
        keys.stop().await;
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
