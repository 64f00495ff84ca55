//! Descriptions of exits, for status, events and log lines.

use fulcrum_config::{Domain, Program};
use fulcrum_health::{ProgramKind, describe_exit as describe_status};
use fulcrum_spawn::lifecycle::{Goal, Phase, TransitionCause};
use fulcrum_spawn::prepare::command_script;
use fulcrum_spawn::supervisor::{LastExit, Snapshot};

use crate::state::domain::DomainStates;

/// Why a generation exited; if Fulcrum stopped it, also how its process exited.
pub(crate) fn describe_exit(states: &DomainStates, domain: &str, exit: &LastExit) -> String {
    match describe_forced_exit(states, domain, exit) {
        Some(description) => format!("{}; {description}", exit.reason),
        None => exit.reason.clone(),
    }
}

/// How the process of a generation exited that Fulcrum stopped. `None` if it exited by itself:
/// then its reason is complete.
pub(crate) fn describe_forced_exit(
    states: &DomainStates,
    domain: &str,
    exit: &LastExit,
) -> Option<String> {
    if exit.cause == TransitionCause::Exited {
        return None;
    }
    let record = states.get(domain)?.exit_record(exit.generation);
    Some(record.map_or_else(
        || describe_status(exit.report.code, exit.report.signal, ProgramKind::Other),
        |record| record.describe_forced(exit.killed),
    ))
}

/// What to do about a Node entry point that exited with code 0 and never registered.
pub(crate) fn hint(config: Option<&Domain>, snapshot: &Snapshot) -> Option<&'static str> {
    let exited_cleanly = snapshot
        .last_exit
        .as_ref()
        .is_some_and(|exit| exit.report.code == Some(0));
    let never_ready = snapshot.phase == Phase::Stopped
        && snapshot.goal == Goal::Up
        && snapshot.ready_after.is_none();
    let config = config?;
    match &config.program {
        Program::Node { .. } => {}
        Program::Command(argv) => {
            // A plain program is ready when it is started, so that it may have been ready.
            let has_ended = snapshot.phase == Phase::Stopped && snapshot.goal == Goal::Up;
            let exports_only = exited_cleanly && has_ended && only_exports_class(config, argv);
            return exports_only.then_some(
                "its entry point only exports a class, and process.command runs it as it is: call \
                 start() (`new NAME().start()`), or use process.entry in place of process.command",
            );
        }
        Program::NoProcess => return None,
    }
    let preloads = config.process.node_args.iter().any(|argument| {
        ["--import", "--require", "-r"]
            .iter()
            .any(|option| argument.starts_with(option))
    });
    (exited_cleanly && never_ready).then_some(match preloads {
        true => {
            "its entry point finished without starting a domain, or a module of --import awaits a \
             promise that never settles, with which Node 24 exits before the entry point runs"
        }
        false => {
            "its entry point finished without starting a domain: export default a class with a \
             start() method, or call start()"
        }
    })
}

/// Whether the script of a command exports a class of the SDK as default, and starts nothing.
fn only_exports_class(config: &Domain, argv: &[String]) -> bool {
    let Some(script) = command_script(argv) else {
        return false;
    };
    std::fs::read_to_string(config.process.cwd.join(script)).is_ok_and(|text| {
        let uses_sdk = text.contains("@fulcrum/domain") || text.contains("DomainBase");
        uses_sdk && text.contains("export default") && !text.contains(".start(")
    })
}
