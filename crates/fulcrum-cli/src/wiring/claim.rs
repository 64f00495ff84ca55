//! Becoming the one instance of an app: the lock, the control socket, and what an earlier instance
//! left behind.

use std::path::PathBuf;

use fulcrum_rpc::control::Holder;
use fulcrum_rpc::{ControlListener, InstanceLock, LockError, RuntimeDir, bind_control};
use fulcrum_spawn::process::{StartupMessage, clean_up_stale};

use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::{paths, users};

/// Proof that this process is the app's only instance. Dropping it gives the app free.
pub(crate) struct Claim {
    pub(crate) dir: RuntimeDir,
    /// What was cleaned up, to be logged once there is a log.
    pub(crate) stale: Vec<StartupMessage>,
    lock: InstanceLock,
}

impl Claim {
    /// Takes the lock, ends what a killed instance left running, and opens the control socket.
    ///
    /// # Errors
    /// Another instance is running, or the runtime directory is not usable.
    pub(crate) fn new(app: &std::path::Path) -> Result<(Self, ControlListener), CliError> {
        let dir = paths::runtime_dir(app)?;
        let lock = take_lock(&dir, app)?;
        let stale = clean_up_stale(&record_path(&lock)).map_err(|alive| {
            CliError::new(
                ErrorCode::StaleInstance,
                format!(
                    "{alive}, but its lock in {} is missing\n  hint: stop it with `kill {}`",
                    lock.dir().display(),
                    alive.pid
                ),
            )
        })?;
        let control = bind_control(&lock, &dir).map_err(|error| {
            CliError::new(
                ErrorCode::RuntimeDirectory,
                format!("cannot open the control socket: {error}"),
            )
        })?;
        Ok((Self { dir, stale, lock }, control))
    }

    /// The path of the run record.
    pub(crate) fn record(&self) -> PathBuf {
        record_path(&self.lock)
    }
}

/// The path of the run record. Beside the lock, so that every start finds what a killed instance left,
/// whatever its environment.
pub(crate) fn record_path(lock: &InstanceLock) -> PathBuf {
    lock.dir().join("record")
}

fn take_lock(dir: &RuntimeDir, app: &std::path::Path) -> Result<InstanceLock, CliError> {
    dir.try_lock().map_err(|error| match error {
        LockError::Held { holder } => already_running(app, holder.as_ref()),
        LockError::Io(error) | LockError::Link(error) => CliError::new(
            ErrorCode::RuntimeDirectory,
            format!("cannot become the instance of the app: {error}"),
        ),
    })
}

fn already_running(app: &std::path::Path, holder: Option<&Holder>) -> CliError {
    let own = rustix::process::getuid().as_raw();
    let app = app.display();
    CliError::new(
        ErrorCode::AlreadyRunning,
        match holder {
            Some(Holder { pid, uid, .. }) if *uid != own => {
                let user = users::name(*uid);
                format!(
                    "an instance for {app} is already running (pid {pid}), started by {user}\n  \
                 hint: only {} can stop it",
                    users::name_or_root(*uid)
                )
            }
            holder => {
                let pid =
                    holder.map_or_else(String::new, |Holder { pid, .. }| format!(" (pid {pid})"));
                format!(
                    "an instance for {app} is already running{pid}\n  hint: stop it with `fulcrum down`"
                )
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_of_another_user_is_named() {
        let holder = Holder {
            pid: 12,
            uid: rustix::process::getuid().as_raw() + 40_000,
            socket: PathBuf::from("/run/x"),
        };
        let error = already_running(std::path::Path::new("/srv/shop"), Some(&holder));
        let user = users::name(holder.uid);
        assert!(error.message.contains("(pid 12)"), "{error}");
        assert!(error.message.contains(&user), "{error}");
        assert!(!error.message.contains("fulcrum down"), "{error}");
    }
}
