//! A program as a probe: exit 0 is a yes.

use std::ffi::OsStr;

use fulcrum_spawn::prepare::plan_command;
use fulcrum_spawn::process::run_and_capture;

use crate::exit::diagnose::truncate_line;
use crate::process::untracked::TOKEN_VAR;
use crate::readiness::probes::ProbeTarget;

/// Runs it once, in the domain's folder and with its environment. When this is dropped, or done,
/// everybody whom it has started is ended.
pub(crate) async fn run(argv: &[String], life: &ProbeTarget) -> Result<(), String> {
    let name = argv.first().map_or("", String::as_str);
    let broken = |why: String| format!("exec {name}: {why}");
    let mut env = life.spec.env.clone();
    // Marked as a life of its own: with the domain's mark it would be taken for a part of it.
    let token = life
        .run
        .token()
        .map_err(|error| broken(error.to_string()))?;
    env.insert(TOKEN_VAR.into(), token.into());
    let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let (spec, _) = plan_command(argv, &life.spec.cwd, env, &path)
        .map_err(|failure| broken(failure.to_string()))?;
    let label = format!("{}.{}.probe", life.domain, life.news.generation());
    let captured = run_and_capture(&life.spawner, spec, label)
        .await
        .map_err(|failure| broken(failure.to_string()))?;
    if captured.exit.code == Some(0) {
        return Ok(());
    }
    let last = captured.last_line();
    let last = last.map_or_else(String::new, |line| format!(": {}", truncate_line(&line)));
    Err(broken(format!("{}{last}", captured.exit)))
}
