//! Becoming the one instance of an app: the lock, the control socket, and what an earlier instance
//! left behind.

use std::path::PathBuf;

use fulcrum_rpc::{ControlListener, InstanceLock, LockError, RuntimeDir, bind_control};
use fulcrum_spawn::process::{StartupMessage, clean_up_stale};

use crate::exit::CliError;
use crate::paths;

/// Proof that this process is the app's only instance. Dropping it gives the app free.
pub(crate) struct Claim {
    pub(crate) dir: RuntimeDir,
    /// What was cleaned up, to be logged once there is a log.
    pub(crate) stale: Vec<StartupMessage>,
    _lock: InstanceLock,
}

impl Claim {
    /// Takes the lock, ends what a killed instance left running, and opens the control socket.
    ///
    /// # Errors
    /// Another instance is running, or the runtime directory is not usable.
    pub(crate) fn new(app: &std::path::Path) -> Result<(Self, ControlListener), CliError> {
        let dir = paths::runtime_dir(app)?;
        let lock = take_lock(&dir, app)?;
        let stale = clean_up_stale(&record_path(&dir)).map_err(|alive| {
            CliError::failed(format!(
                "{alive}, but its lock {} is missing\n  hint: stop it with `kill {}`",
                dir.lock_path().display(),
                alive.pid
            ))
        })?;
        let control = bind_control(&lock, &dir).map_err(|error| {
            CliError::failed(format!("cannot open the control socket: {error}"))
        })?;
        let claim = Self {
            dir,
            stale,
            _lock: lock,
        };
        Ok((claim, control))
    }

    /// The path of the run record.
    pub(crate) fn record(&self) -> PathBuf {
        record_path(&self.dir)
    }
}

/// The path of the run record of the app's instance.
pub(crate) fn record_path(dir: &RuntimeDir) -> PathBuf {
    dir.dir().join("record")
}

fn take_lock(dir: &RuntimeDir, app: &std::path::Path) -> Result<InstanceLock, CliError> {
    dir.try_lock().map_err(|error| match error {
        LockError::Held { pid } => {
            let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
            CliError::failed(format!(
                "an instance for {} is already running{pid}\n  hint: stop it with `fulcrum down`",
                app.display()
            ))
        }
        LockError::Io(error) => CliError::failed(format!(
            "cannot take the lock {}: {error}",
            dir.lock_path().display()
        )),
    })
}
