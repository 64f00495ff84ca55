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

/// Whether the script of a command exports a class of the SDK, and starts nothing.
fn only_exports_class(config: &Domain, argv: &[String]) -> bool {
    let Some(script) = command_script(argv) else {
        return false;
    };
    let text = std::fs::read_to_string(config.process.cwd.join(script));
    text.is_ok_and(|text| is_class_only(&text))
}

fn is_class_only(text: &str) -> bool {
    let contains = |texts: &[&str]| texts.iter().any(|part| text.contains(part));
    contains(&["@fulcrum/domain", "DomainBase"])
        && contains(&["export ", "exports.", "exports ="])
        && text.contains("extends ")
        && !text.contains(".start(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_is_exported_in_any_way_and_not_started_is_recognized() {
        for class_only in [
            "import { DomainBase } from '@fulcrum/domain';\nexport default class A extends DomainBase {}",
            "import { DomainBase } from '@fulcrum/domain';\nexport class A extends DomainBase {}",
            "class A extends DomainBase {}\nexport { A };",
            "module.exports = class A extends require('@fulcrum/domain').DomainBase {}",
            "exports.A = class A extends DomainBase {}",
        ] {
            assert!(is_class_only(class_only), "{class_only}");
        }
        for other in [
            "import { DomainBase } from '@fulcrum/domain';\nexport class A extends DomainBase {}\nnew A().start()",
            "export class A extends B {}",
            "import { DomainBase } from '@fulcrum/domain'; console.log(DomainBase)",
        ] {
            assert!(!is_class_only(other), "{other}");
        }
    }
}
