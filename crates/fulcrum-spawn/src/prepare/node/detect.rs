//! Asking a Node what it is, once.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nodejs_semver::Version;
use serde::{Deserialize, Serialize};

use crate::StartError;
use crate::prepare::executable;
use crate::prepare::files::{FileStamp, write_cached};

/// How long a Node may take to say what it is. Usually it takes 30 ms; a version manager's shim
/// may look around first.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// `||` and not `??`: a Node that is too old has to be able to say so.
const QUERY_SCRIPT: &str =
    "JSON.stringify([process.version,process.execPath,process.features.typescript||false])";

/// What a Node says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NodeInfo {
    #[serde(with = "as_text")]
    pub(super) version: Version,
    /// The real executable, behind links and shims.
    pub(super) exec_path: PathBuf,
    /// It strips types without being asked.
    pub(super) strips_types: bool,
}

mod as_text {
    use nodejs_semver::Version;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(version: &Version, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(version)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Version, D::Error> {
        Version::parse(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CachedInfo {
    stamp: FileStamp,
    identity: NodeInfo,
}

/// What the Node at `path` is: from `<cache>/node.json` if the file is the one that was asked
/// before, else by running it once. `role` is how the path came to us, for messages.
///
/// A wrapper that runs another executable is asked every time: which one it picks may change
/// without any change to itself.
pub(super) fn detect(
    path: &Path,
    role: &str,
    cwd: &Path,
    home: Option<&Path>,
    cache: &Path,
) -> Result<NodeInfo, StartError> {
    executable::check(path, role)?;
    let memory = cache.join("node.json");
    let key = path.to_string_lossy().into_owned();
    let stamp = FileStamp::of(path).ok();
    let mut remembered = read_memory(&memory);
    if let (Some(stamp), Some(known)) = (&stamp, remembered.get(&key))
        && known.stamp == *stamp
    {
        return Ok(known.identity.clone());
    }
    let identity = run_query(path, role, cwd, home)?;
    let is_itself = fs::canonicalize(path).is_ok_and(|real| real == identity.exec_path);
    if let Some(stamp) = stamp
        && is_itself
    {
        remembered.insert(
            key,
            CachedInfo {
                stamp,
                identity: identity.clone(),
            },
        );
        // Without the memory the next start asks again; nothing else depends on it.
        if let Ok(text) = serde_json::to_vec(&remembered)
            && let Err(error) = write_cached(&memory, &text)
        {
            tracing::debug!(path = %memory.display(), %error, "the answer of node isn't kept");
        }
    }
    Ok(identity)
}

/// A memory that is missing, broken or of another form is an empty one.
fn read_memory(path: &Path) -> BTreeMap<String, CachedInfo> {
    fs::read(path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

fn run_query(
    path: &Path,
    role: &str,
    cwd: &Path,
    home: Option<&Path>,
) -> Result<NodeInfo, StartError> {
    let shown = path.display();
    let failed = |what: String| {
        StartError::permanent(format!("{role}: {shown} {what}"))
            .hint("check that it is Node by running it with --version")
    };
    let answer = match run(path, cwd, home) {
        Ok(answer) => answer,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            return Err(failed(format!(
                "didn't say its version within {} s",
                QUERY_TIMEOUT.as_secs()
            )));
        }
        // A full process table or memory passes; all else about a checked file does not.
        Err(error)
            if error.kind() == io::ErrorKind::WouldBlock
                || error.kind() == io::ErrorKind::OutOfMemory =>
        {
            return Err(StartError::transient(format!(
                "{role}: {shown} can't be started: {error}"
            )));
        }
        Err(error) => return Err(failed(format!("can't be started: {error}"))),
    };
    parse(&answer).ok_or_else(|| {
        let said: String = answer.trim().chars().take(80).collect();
        failed(if said.is_empty() {
            "is not Node: it didn't answer when asked for its version".to_owned()
        } else {
            format!("is not Node: asked for its version it answered {said:?}")
        })
    })
}

fn parse(answer: &str) -> Option<NodeInfo> {
    // A shim may print something of its own first.
    let line = answer.lines().rev().find(|line| line.starts_with('['))?;
    let (version, exec_path, typescript): (String, PathBuf, serde_json::Value) =
        serde_json::from_str(line).ok()?;
    Some(NodeInfo {
        version: Version::parse(version.trim_start_matches('v')).ok()?,
        exec_path,
        strips_types: typescript.as_str().is_some_and(|mode| !mode.is_empty()),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "this process is no domain: it is bounded, awaited here, and in a group of its own"
)]
/// Runs `path -p QUESTION` with a minimal environment and gives back what it printed.
fn run(path: &Path, cwd: &Path, home: Option<&Path>) -> io::Result<String> {
    let mut command = Command::new(path);
    command
        .args(["-p", QUERY_SCRIPT])
        .env_clear()
        .current_dir(cwd);
    // Shims are scripts that need tools and find their settings from HOME.
    let own_dir = path.parent().unwrap_or(Path::new("/"));
    let standard = [
        own_dir,
        Path::new("/usr/local/bin"),
        Path::new("/usr/bin"),
        Path::new("/bin"),
    ];
    if let Ok(path) = std::env::join_paths(standard) {
        command.env("PATH", path);
    }
    if let Some(home) = home {
        command.env("HOME", home);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = spawn(&mut command)?;
    let mut stdout = child.stdout.take().expect("stdout was asked for as a pipe");
    let (sender, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // The question's answer is short; more than this is not an answer.
        let read = stdout.by_ref().take(64 * 1024).read_to_end(&mut text);
        // Nobody listens any more if the limit has passed.
        let _ = sender.send(read.map(|_| String::from_utf8_lossy(&text).into_owned()));
    });
    let answer = answer.recv_timeout(QUERY_TIMEOUT);
    // Whatever is left of it: a Node that has answered is at its end, anything else has to go.
    if answer.is_err()
        && let Some(group) = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
    {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let status = child.wait()?;
    let answer = answer.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    if answer.trim().is_empty()
        && let Some(signal) = status.signal()
    {
        return Err(io::Error::other(format!(
            "it was killed by signal {signal}"
        )));
    }
    Ok(answer)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the kernel announces the end of ETXTBSY to nobody"
)]
/// An executable that is being replaced just now is busy for an instant (`ETXTBSY`).
fn spawn(command: &mut Command) -> io::Result<std::process::Child> {
    let mut tries = 0;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < 50 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whatever_a_shim_printed_before_it() {
        let identity = parse("using node\n[\"v22.18.0\",\"/n/node\",\"strip\"]\n").unwrap();
        assert_eq!(identity.version, Version::from((22_u64, 18_u64, 0_u64)));
        assert!(identity.strips_types);
        assert!(
            !parse("[\"v20.20.2\",\"/n/node\",false]")
                .unwrap()
                .strips_types
        );
        assert_eq!(parse("Python 3.11"), None);
        assert_eq!(parse("[]"), None);
    }
}
