//! A command as a probe: it succeeds with exit code 0.

use std::ffi::OsStr;

use fulcrum_health::truncate_line;
use fulcrum_spawn::prepare::plan_command;
use fulcrum_spawn::process::run_and_capture;

use crate::readiness::target::ProbeTarget;
use crate::state::process::TOKEN_VAR;

/// Runs a command in the directory and with the environment of a generation. When the future is
/// done or dropped, all processes that the command has started are killed.
pub(crate) async fn run(argv: &[String], target: &ProbeTarget) -> Result<(), String> {
    let name = argv.first().map_or("", String::as_str);
    let failed = |reason: String| format!("exec {name}: {reason}");
    let mut env = target.spec.env.clone();
    // With the token of the generation its processes would be attributed to that.
    let token = target.run.token();
    let token = token.map_err(|error| failed(error.to_string()))?;
    env.insert(TOKEN_VAR.into(), token.into());
    let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let (spec, _) = plan_command(argv, &target.spec.cwd, env, &path)
        .map_err(|error| failed(error.to_string()))?;
    let label = format!("{}.{}.probe", target.domain, target.facts.generation());
    let captured = run_and_capture(&target.spawner, spec, label)
        .await
        .map_err(|error| failed(error.to_string()))?;
    if captured.exit.code == Some(0) {
        return Ok(());
    }
    let output = captured.last_line();
    let output = output.map_or_else(String::new, |line| format!(": {}", truncate_line(&line)));
    Err(failed(format!("{}{output}", captured.exit)))
}
