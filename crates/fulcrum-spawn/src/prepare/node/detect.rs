//! Runs a Node binary once to find out its version and features, and caches the result.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nodejs_semver::Version;
use serde::{Deserialize, Serialize};

use super::other_runtime::OtherRuntime;
use crate::StartError;
use crate::prepare::executable::check_executable;
use crate::prepare::files::{FileStamp, write_cached};
use crate::prepare::query::capture_stdout;

/// How long the query may take. Node takes about 30 ms; a version manager's shim may search first,
/// and right after a boot or an image's first pull the executable (100 MB) comes from a slow disk:
/// over 5 s have been seen.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Prints version and executable path. A Node that is too old can run it.
const QUERY_SCRIPT: &str = "JSON.stringify([process.version,process.execPath,process.versions.bun??null,\
                            process.versions.deno??null])";

/// The result of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NodeInfo {
    #[serde(with = "as_text")]
    pub(super) version: Version,
    /// The real executable, behind links and shims.
    pub(super) exec_path: PathBuf,
    /// Another program that takes Node's place, with its own version.
    #[serde(default)]
    pub(super) other: Option<(OtherRuntime, String)>,
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
    #[serde(rename = "identity")]
    info: NodeInfo,
}

/// Queries the Node at `path`: from `<cache>/node.json` if the file is unchanged since it was
/// queried, else by running it once. `role` says in messages where the path is from.
///
/// A wrapper that runs another executable is queried every time, since it may run another one
/// without being changed itself.
///
/// # Errors
/// A permanent failure if it is not executable or not Node; a transient one if the system has no
/// memory or process left, or the answer takes over 30 s.
pub(super) fn detect(
    path: &Path,
    role: &str,
    cwd: &Path,
    home: Option<&Path>,
    cache: &Path,
) -> Result<NodeInfo, StartError> {
    check_executable(path, role)?;
    let cache_file = cache.join("node.json");
    let key = path.to_string_lossy().into_owned();
    let stamp = FileStamp::read(path).ok();
    let mut cached = read_cache(&cache_file);
    if let (Some(stamp), Some(known)) = (&stamp, cached.get(&key))
        && known.stamp == *stamp
    {
        return Ok(known.info.clone());
    }
    let info = run_query(path, role, cwd, home, QUERY_TIMEOUT)?;
    let is_executable_itself = fs::canonicalize(path).is_ok_and(|real| real == info.exec_path);
    if let Some(stamp) = stamp
        && is_executable_itself
    {
        cached.insert(
            key,
            CachedInfo {
                stamp,
                info: info.clone(),
            },
        );
        // Without the cache the next start queries again.
        if let Ok(text) = serde_json::to_vec(&cached)
            && let Err(error) = write_cached(&cache_file, &text)
        {
            tracing::debug!(path = %cache_file.display(), %error, "cannot cache the version of node");
        }
    }
    Ok(info)
}

/// The cached results; empty where the file is missing, damaged or of another form.
fn read_cache(path: &Path) -> BTreeMap<String, CachedInfo> {
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
    timeout: Duration,
) -> Result<NodeInfo, StartError> {
    let shown = path.display();
    let failed = |what: String| {
        StartError::permanent(format!("{role}: {shown} {what}"))
            .hint("check that it is Node by running it with --version")
    };
    let output = match run(path, cwd, home, timeout) {
        Ok(output) => output,
        // A slow disk or a shim that downloads: it may answer the next time.
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            return Err(StartError::transient(format!(
                "{role}: {shown} did not print its version within {timeout:?}"
            ))
            .hint("check that it is Node by running it with --version"));
        }
        // A full process table or memory is transient; other errors of a checked file are not.
        Err(error)
            if error.kind() == io::ErrorKind::WouldBlock
                || error.kind() == io::ErrorKind::OutOfMemory =>
        {
            return Err(StartError::transient(format!(
                "{role}: cannot start {shown}: {error}"
            )));
        }
        Err(error) => return Err(failed(format!("cannot be started: {error}"))),
    };
    parse(&output).ok_or_else(|| {
        let output: String = output.trim().chars().take(80).collect();
        failed(if output.is_empty() {
            "is not Node: it printed no version".to_owned()
        } else {
            format!("is not Node: it printed {output:?} instead of a version")
        })
    })
}

fn parse(output: &str) -> Option<NodeInfo> {
    // A shim may print lines of its own first.
    let line = output.lines().rev().find(|line| line.starts_with('['))?;
    let fields: Vec<Option<String>> = serde_json::from_str(line).ok()?;
    let field = |index: usize| fields.get(index).cloned().flatten();
    let (version, exec_path) = (field(0)?, PathBuf::from(field(1)?));
    let bun = field(2).map(|version| (OtherRuntime::Bun, version));
    let deno = field(3).map(|version| (OtherRuntime::Deno, version));
    Some(NodeInfo {
        other: bun.or(deno),
        version: Version::parse(version.trim_start_matches('v')).ok()?,
        exec_path,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "not a domain's process: it is limited in time, awaited here, and in its own group"
)]
/// Runs `path -p SCRIPT` with a minimal environment; returns its standard output.
fn run(path: &Path, cwd: &Path, home: Option<&Path>, timeout: Duration) -> io::Result<String> {
    let mut command = Command::new(path);
    let is_deno = path.file_stem().is_some_and(|name| name == "deno");
    command
        .args(is_deno.then_some("eval"))
        .args(["-p", QUERY_SCRIPT])
        .env_clear()
        .current_dir(cwd);
    // Shims are scripts that need programs from PATH and find their settings by HOME.
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
    capture_stdout(command, timeout)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_result_is_read_after_other_lines_of_a_shim() {
        let info = parse("using node\n[\"v22.18.0\",\"/n/node\"]\n").unwrap();
        assert_eq!(info.version, Version::from((22_u64, 18_u64, 0_u64)));
        assert_eq!(parse("Python 3.11"), None);
        assert_eq!(parse("[]"), None);
    }

    #[test]
    fn a_program_that_answers_too_late_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("node");
        fs::write(&program, "#!/bin/sh\nexec sleep 60\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let error = run_query(
            &program,
            "node in PATH",
            dir.path(),
            None,
            Duration::from_millis(50),
        )
        .unwrap_err();
        assert!(!error.permanent, "{error}");
        assert!(
            error
                .to_string()
                .contains("did not print its version within 50ms"),
            "{error}"
        );
    }
}
