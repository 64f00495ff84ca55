//! An instance that ends with the command that started it.

use std::io;
use std::thread;

use fulcrum_logs::{Hub, Level};
use fulcrum_runtime::{ShutdownSignal, ShutdownStage};

/// Requests a shutdown at the end of standard input: the command that holds the other end has ended,
/// in whatever way.
///
/// # Errors
/// The system has no thread.
pub(super) fn watch(hub: &Hub, shutdown: &ShutdownSignal) -> io::Result<()> {
    let (hub, shutdown) = (hub.clone(), shutdown.clone());
    let reading = move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        if shutdown.stage() == ShutdownStage::Running {
            let text = "the command that started this instance has ended: stopping domains";
            hub.log(Level::Info, text);
            shutdown.request(ShutdownStage::Stopping);
        }
    };
    // Nobody waits for it: the end of the process ends it.
    thread::Builder::new()
        .name("tie".to_owned())
        .spawn(reading)?;
    Ok(())
}
