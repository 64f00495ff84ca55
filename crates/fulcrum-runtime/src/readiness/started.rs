//! Readiness of programs that need not register: they are ready once they run.

use std::future;
use std::time::Duration;

use fulcrum_config::Program;
use fulcrum_spawn::lifecycle::Fact;
use tokio::time::sleep;

use crate::readiness::target::ProbeTarget;
use crate::state::domain::DomainState;

/// A program that has neither exited nor registered by then is ready. Long enough for programs that
/// fail at once, and for most of those that register.
pub(crate) const SETTLE_TIME: Duration = Duration::from_millis(500);

/// Whether the program of the current generation is known to register, since an earlier generation
/// of it has: then its registration is awaited.
pub(crate) fn is_known_to_register(state: &DomainState) -> bool {
    let process = state.process.borrow();
    let program = process.as_ref().map(|process| &process.config.program);
    program.is_some() && state.registered_program.borrow().as_ref() == program
}

/// Records that the program of the current generation registers.
pub(crate) fn record_registration(state: &DomainState) {
    let process = state.process.borrow();
    let program: Option<Program> = process.as_ref().map(|one| one.config.program.clone());
    state.registered_program.send_replace(program);
}

/// Reports the generation as ready once it has run for a moment, unless it registers: then its
/// stream decides.
pub(crate) async fn wait_until_started(start_timeout: Duration, target: &ProbeTarget) {
    let Some(state) = target.states.get(&target.domain) else {
        return;
    };
    if is_known_to_register(&state) {
        return future::pending().await;
    }
    sleep(SETTLE_TIME.min(start_timeout / 2)).await;
    if *state.registered_generation.borrow() < target.facts.generation() {
        target.facts.report(Fact::Ready);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fulcrum_spawn::CommandSpec;

    use super::*;
    use crate::state::domain::DomainStates;
    use crate::test_support::app;

    #[test]
    fn a_program_is_known_to_register_until_it_is_another_one() {
        let settings = "process: {command: [./stub]}";
        let (_dir, app) = app(&[("domains/users/fulcrum.yml", settings)]);
        let mut domain = app.domains.into_iter().next().expect("one domain");
        let states = DomainStates::default();
        states.add(["users"].into_iter());
        let state = states.get("users").expect("added");
        assert!(!is_known_to_register(&state));
        let spec = Arc::new(CommandSpec {
            terminal: None,
            program: "./stub".into(),
            args: Vec::new(),
            cwd: "/".into(),
            env: std::collections::BTreeMap::new(),
            runner: "command".to_owned(),
        });
        let start = |generation, domain: &fulcrum_config::Domain| {
            let config = Arc::new(domain.clone());
            state.set_process(generation, "token".to_owned(), &spec, &config, None);
        };
        start(1, &domain);
        assert!(!is_known_to_register(&state));
        record_registration(&state);
        start(2, &domain);
        assert!(is_known_to_register(&state));
        domain.program = Program::Command(vec!["sleep".to_owned(), "9".to_owned()]);
        start(3, &domain);
        assert!(!is_known_to_register(&state));
    }
}
