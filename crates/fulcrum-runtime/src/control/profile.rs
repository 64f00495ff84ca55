//! Records profiles of Node domains, through their inspector.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use fulcrum_rpc::ControlError;
use fulcrum_rpc::control::{ProfileRequest, ProfileResponse};
use fulcrum_spawn::inspect::{Inspector, ProfileFile};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::clock;
use crate::control::inspector::InspectorAccess;
use crate::format::format_duration;
use crate::state::domain::DomainState;

/// The longest CPU profile.
const MAX_CPU_TIME: Duration = Duration::from_secs(600);

/// How long the inspector may take besides the time that is sampled.
const EXTRA_TIME: Duration = Duration::from_secs(30);

/// How long a snapshot of the heap may take.
const HEAP_TIMEOUT: Duration = Duration::from_secs(300);

/// Parts of a snapshot that wait for the disk.
const QUEUED_PARTS: usize = 64;

/// Records profiles for the control API.
#[derive(Clone)]
pub(crate) struct ProfileService {
    pub(crate) inspectors: InspectorAccess,
}

/// What is recorded.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Cpu(Duration),
    Heap,
}

impl Kind {
    fn extension(self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpuprofile",
            Self::Heap => "heapsnapshot",
        }
    }

    fn limit(self) -> Duration {
        match self {
            Self::Cpu(time) => time + EXTRA_TIME,
            Self::Heap => HEAP_TIMEOUT,
        }
    }
}

impl ProfileService {
    pub(crate) async fn profile(
        &self,
        request: ProfileRequest,
    ) -> Result<ProfileResponse, ControlError> {
        let kind = match request.cpu_ms {
            0 => Kind::Heap,
            ms => Kind::Cpu(Duration::from_millis(ms)),
        };
        if let Kind::Cpu(time) = kind
            && time > MAX_CPU_TIME
        {
            return Err(ControlError::Invalid(format!(
                "a CPU profile takes at most {}",
                format_duration(MAX_CPU_TIME)
            )));
        }
        let name = self.inspectors.single(&request.domain)?;
        let (state, process) = self.inspectors.running(&name)?;
        let root = self.inspectors.desired.current().app.root.clone();
        let (domain, generation) = (name.clone(), process.generation);
        // Writes to disk, which may block.
        let creating = tokio::task::spawn_blocking(move || {
            ProfileFile::create(&root, &domain, generation, kind.extension(), clock::now())
        });
        let file = creating.await.map_err(|error| failed(&name, &error))?;
        let file = file.map_err(|error| failed(&name, &error))?;
        let path = file.path().to_owned();
        // A program that stands still for a snapshot is not hung.
        let _profiled = Profiled::new(&state);
        let mut inspector = self.inspectors.open(&name, &state).await?;
        let recording = record(&mut inspector.inspector, kind, file);
        let recorded = timeout(kind.limit(), recording).await;
        inspector.close().await;
        let bytes = match recorded {
            Ok(recorded) => recorded.map_err(|error| failed(&name, &error))?,
            Err(_) => {
                let limit = format_duration(kind.limit());
                return Err(failed(&name, &format!("no profile within {limit}")));
            }
        };
        Ok(response(path, bytes, process.pid))
    }
}

fn response(path: PathBuf, bytes: u64, pid: Option<u32>) -> ProfileResponse {
    ProfileResponse {
        path: path.display().to_string(),
        bytes,
        pid: pid.unwrap_or_default(),
    }
}

fn failed(name: &str, reason: &dyn std::fmt::Display) -> ControlError {
    ControlError::Failed(format!("{name}: cannot record a profile: {reason}"))
}

/// Marks a domain as profiled while it exists.
struct Profiled<'a>(&'a DomainState);

impl<'a> Profiled<'a> {
    fn new(state: &'a DomainState) -> Self {
        state.profiles.send_modify(|running| *running += 1);
        Self(state)
    }
}

impl Drop for Profiled<'_> {
    fn drop(&mut self) {
        self.0.profiles.send_modify(|running| *running -= 1);
    }
}

/// Records into a file. Returns its size.
async fn record(
    inspector: &mut Inspector,
    kind: Kind,
    file: ProfileFile,
) -> Result<u64, std::io::Error> {
    let (sender, parts) = mpsc::channel::<String>(QUEUED_PARTS);
    // Writes to disk, which may block.
    let writing = tokio::task::spawn_blocking(move || write_parts(file, parts));
    let recorded = match kind {
        Kind::Cpu(time) => match inspector.cpu_profile(time).await {
            Some(profile) => sender.send(profile).await.is_ok(),
            None => false,
        },
        Kind::Heap => inspector.heap_snapshot(&sender).await.is_some(),
    };
    if recorded {
        // The end of the profile; without it, the part of one is removed.
        let _ = sender.send(String::new()).await;
    }
    drop(sender);
    writing.await.map_err(std::io::Error::other)?
}

/// Writes parts until an empty one, which is the end.
fn write_parts(
    file: ProfileFile,
    mut parts: mpsc::Receiver<String>,
) -> Result<u64, std::io::Error> {
    let mut writer = std::io::BufWriter::with_capacity(1 << 20, file);
    while let Some(part) = parts.blocking_recv() {
        if part.is_empty() {
            writer.flush()?;
            let file = writer.into_inner().map_err(|error| error.into_error())?;
            return file.keep();
        }
        writer.write_all(part.as_bytes())?;
    }
    Err(std::io::Error::other(
        "Node has closed its inspector, or the process has exited",
    ))
}
