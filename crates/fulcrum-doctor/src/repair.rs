//! The cures that are safe without a question.

use std::fs;

use fulcrum_rpc::LockError;
use fulcrum_spawn::prepare::{SdkLocation, sweep_cache};
use fulcrum_spawn::process::{StartupMessage, clean_up_stale};

use crate::check::{Check, Repair};
use crate::gather::Request;
use crate::words::format_bytes;

/// Carries out the safe cures of these checks, and notes in each what was done. Blocks.
pub fn repair(checks: &mut [Check], request: &Request<'_>) {
    for check in checks {
        if let Some(repair) = check.repair {
            check.fixed = Some(match carry_out(repair, request) {
                Ok(done) => done,
                Err(reason) => format!("not done: {reason}"),
            });
        }
    }
}

fn carry_out(repair: Repair, request: &Request<'_>) -> Result<String, String> {
    match repair {
        Repair::StaleProcesses => end_stale_processes(request),
        Repair::Cache => {
            let limit = request.app.map_or(0, |app| app.runtime.cache_size);
            let report = sweep_cache(&request.prepare.cache, limit);
            Ok(format!(
                "deleted {} files, {}",
                report.deleted,
                format_bytes(report.freed)
            ))
        }
        Repair::Sdk => {
            let root = request.root.ok_or("there is no app here")?;
            let prepare = request.prepare;
            match prepare.sdk.provide(root, &prepare.cache) {
                SdkLocation::InNodeModules => Ok("renewed".to_owned()),
                SdkLocation::Fallback(_, error) => Err(error.to_string()),
            }
        }
    }
}

/// Under the lock, so that no instance starts meanwhile.
fn end_stale_processes(request: &Request<'_>) -> Result<String, String> {
    let dir = request.runtime_dir.ok_or("there is no app here")?;
    let lock = dir
        .try_lock()
        .map_err(|error: LockError| error.to_string())?;
    let record = lock.dir().join("record");
    let messages = clean_up_stale(&record).map_err(|alive| alive.to_string())?;
    if !messages.iter().any(StartupMessage::is_error) {
        // Nothing is left that it would lead to. If it cannot be removed, the next start replaces it.
        let _ = fs::remove_file(&record);
    }
    let texts: Vec<String> = messages.iter().map(ToString::to_string).collect();
    match texts.is_empty() {
        true => Ok("nothing was left".to_owned()),
        false => Ok(texts.join("; ")),
    }
}
