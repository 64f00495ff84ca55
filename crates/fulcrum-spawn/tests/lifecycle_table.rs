//! The transition table of `docs/lifecycle.md`, compared with the machine row by row.
#![expect(
    clippy::disallowed_methods,
    reason = "an instant comes from the clock only; no assertion depends on its value"
)]

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use fulcrum_spawn::StartError;
use fulcrum_spawn::lifecycle::{
    Command, CommandRejected, Effect, ExitReport, Fact, GenerationEnd, Goal, Input, Machine, Phase,
    RestartPolicy, Timer, Timing, Verdict,
};

const TIMING: Timing = Timing {
    start_timeout: Duration::from_secs(30),
    time_limit: Some(Duration::from_secs(60)),
    stop_grace: Duration::from_secs(5),
    kill_wait: Duration::from_secs(2),
};
const REASON: &str = "the reason of the input";
const CRASH: ExitReport = ExitReport {
    code: Some(1),
    signal: None,
};

const INPUTS: [&str; 28] = [
    "command Start",
    "command Restart",
    "command Stop",
    "command Kill",
    "Reload",
    "fact DependenciesReady",
    "fact DependencyFailed",
    "fact DependencyRecovered",
    "fact Prepared",
    "fact PrepareFailed",
    "fact SpawnFailed",
    "fact Started",
    "fact Ready",
    "fact NotReady",
    "fact Unhealthy",
    "fact Hung",
    "fact Rejected",
    "fact GroupRestart",
    "fact StopTargetExited",
    "fact Exited",
    "fact GroupEmpty",
    "timer StartTimeout",
    "timer Stable",
    "timer TimeLimit",
    "timer StopRest",
    "timer StopGrace",
    "timer KillWait",
    "timer Backoff",
];

/// The inputs that bring a new machine to the phase running.
const START: [&str; 4] = [
    "command Start",
    "fact DependenciesReady",
    "fact Prepared",
    "fact Ready",
];

/// Returns one verdict and records the calls.
struct FixedPolicy {
    verdict: Verdict,
    calls: Vec<&'static str>,
}

impl RestartPolicy for FixedPolicy {
    fn decide(&mut self, _: &GenerationEnd, _: Instant) -> Verdict {
        self.calls.push("decide");
        self.verdict.clone()
    }
    fn on_stable(&mut self) {
        self.calls.push("stable");
    }
    fn reset(&mut self) {
        self.calls.push("reset");
    }
    fn stable_after(&self) -> Duration {
        Duration::from_secs(10)
    }
}

struct Harness {
    machine: Machine,
    policy: FixedPolicy,
}

impl Harness {
    /// A machine after these inputs.
    fn after(path: &[&str], verdict: Verdict) -> Self {
        let mut harness = Self {
            machine: Machine::new(TIMING),
            policy: FixedPolicy {
                verdict,
                calls: Vec::new(),
            },
        };
        for input in path {
            harness.step(input).expect("the path is taken");
        }
        harness.policy.calls.clear();
        harness
    }

    fn step(&mut self, name: &str) -> Result<Vec<Effect>, CommandRejected> {
        let input = self.input(name);
        self.machine.step(input, &mut self.policy, Instant::now())
    }

    fn input(&self, name: &str) -> Input {
        let (kind, name) = name.split_once(' ').unwrap_or((name, ""));
        match kind {
            "command" => Input::Command(command(name)),
            "Reload" => Input::Reload(REASON.to_owned()),
            "timer" => Input::Timer(timer(name)),
            "fact" => {
                let fact = fact(name);
                let is_ahead = matches!(
                    fact,
                    Fact::DependenciesReady
                        | Fact::DependencyFailed(_)
                        | Fact::DependencyRecovered
                        | Fact::Prepared
                        | Fact::PrepareFailed(_)
                );
                Input::Fact {
                    generation: self.machine.generation() + u64::from(is_ahead),
                    fact,
                }
            }
            _ => panic!("no input is called {kind:?}"),
        }
    }
}

fn command(name: &str) -> Command {
    match name {
        "Start" => Command::Start,
        "Restart" => Command::Restart,
        "Stop" => Command::Stop,
        "Kill" => Command::Kill,
        _ => panic!("no command is called {name:?}"),
    }
}

fn timer(name: &str) -> Timer {
    let found = Timer::ALL
        .into_iter()
        .find(|timer| format!("{timer:?}") == name);
    found.unwrap_or_else(|| panic!("no timer is called {name:?}"))
}

fn fact(name: &str) -> Fact {
    let reason = || REASON.to_owned();
    let error = || StartError::permanent(REASON);
    match name {
        "DependenciesReady" => Fact::DependenciesReady,
        "DependencyFailed" => Fact::DependencyFailed(reason()),
        "DependencyRecovered" => Fact::DependencyRecovered,
        "Prepared" => Fact::Prepared,
        "PrepareFailed" => Fact::PrepareFailed(error()),
        "SpawnFailed" => Fact::SpawnFailed(error()),
        "Started" => Fact::Started,
        "Ready" => Fact::Ready,
        "NotReady" => Fact::NotReady(reason()),
        "Unhealthy" => Fact::Unhealthy(reason()),
        "Hung" => Fact::Hung(reason()),
        "Rejected" => Fact::Rejected(error()),
        "GroupRestart" => Fact::GroupRestart(reason()),
        "StopTargetExited" => Fact::StopTargetExited,
        "Exited" => Fact::Exited(CRASH),
        "GroupEmpty" => Fact::GroupEmpty,
        _ => panic!("no fact is called {name:?}"),
    }
}

/// One row of the table.
#[derive(Debug)]
struct Row {
    phase: String,
    input: String,
    condition: Vec<String>,
    next: String,
    goal: String,
    cause: String,
    effects: String,
    timer: String,
    policy: String,
    used: Cell<bool>,
}

impl Row {
    fn parse(line: &str) -> Self {
        let inner = line
            .trim()
            .strip_prefix('|')
            .and_then(|row| row.strip_suffix('|'));
        let cells = inner
            .expect("a row")
            .split('|')
            .map(|cell| cell.trim().to_owned());
        let cells: Vec<String> = cells.collect();
        let [
            phase,
            input,
            condition,
            next,
            goal,
            cause,
            effects,
            timer,
            policy,
        ] = <[String; 9]>::try_from(cells).expect("nine columns");
        Self {
            phase,
            input,
            condition: condition
                .split(", ")
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
            next,
            goal,
            cause,
            effects,
            timer,
            policy,
            used: Cell::new(false),
        }
    }
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lifecycle.md");
    let text = std::fs::read_to_string(&path).expect("docs/lifecycle.md");
    let (_, rest) = text
        .split_once("<!-- transitions: begin -->")
        .expect("the begin mark");
    let (table, _) = rest
        .split_once("<!-- transitions: end -->")
        .expect("the end mark");
    let rows = table.lines().filter(|line| line.starts_with('|'));
    // The heading and the line below it.
    rows.skip(2).map(Row::parse).collect()
}

/// A reachable state: its phase, the conditions that hold in it, the inputs that lead to it.
struct State {
    phase: &'static str,
    holds: Vec<&'static str>,
    path: Vec<&'static str>,
}

fn states() -> Vec<State> {
    let running = |more: &[&'static str]| [&START[..], more].concat();
    let state = |phase, goal, path| State {
        phase,
        holds: vec![goal],
        path,
    };
    let mut states = vec![
        state("stopped", "goal down", vec![]),
        state(
            "stopped",
            "goal down",
            running(&["command Stop", "fact GroupEmpty"]),
        ),
        state(
            "stopped",
            "goal up",
            running(&["fact Exited", "fact GroupEmpty"]),
        ),
        state("waiting", "goal up", START[..1].to_vec()),
        state("preparing", "goal up", START[..2].to_vec()),
        state("starting", "goal up", START[..3].to_vec()),
        state("running", "goal up", running(&[])),
        state("running", "goal up", running(&["fact NotReady"])),
        state(
            "running",
            "goal up",
            [&START[..3], &["fact Started"]].concat(),
        ),
        state(
            "backoff",
            "goal up",
            running(&["fact Exited", "fact GroupEmpty"]),
        ),
        state(
            "completed",
            "goal up",
            running(&["fact Exited", "fact GroupEmpty"]),
        ),
        State {
            phase: "failed",
            holds: vec!["goal up", "for itself"],
            path: running(&["fact Exited", "fact GroupEmpty"]),
        },
        State {
            phase: "failed",
            holds: vec!["goal up", "for a dependency"],
            path: vec!["command Start", "fact DependencyFailed"],
        },
        State {
            phase: "failed",
            holds: vec!["goal down", "for itself"],
            path: running(&[
                "command Stop",
                "timer StopGrace",
                "timer KillWait",
                "fact GroupEmpty",
            ]),
        },
        state(
            "stuck",
            "goal down",
            running(&["command Stop", "timer StopGrace", "timer KillWait"]),
        ),
    ];
    states.extend(stopping_states());
    states
}

/// Every combination of cause, goal and signal, from starting and from running.
fn stopping_states() -> Vec<State> {
    let causes = [
        ("cause request", "command Restart"),
        ("cause request", "fact GroupRestart"),
        ("cause reload", "Reload"),
        ("cause failure", "fact Exited"),
        ("cause failure", "fact Rejected"),
    ];
    let mut states = vec![State {
        phase: "stopping",
        holds: vec!["cause request", "SIGKILL sent", "goal down"],
        path: [&START[..], &["command Kill"]].concat(),
    }];
    for from in [&START[..3], &START[..]] {
        for (cause, input) in causes {
            for (signaled, by) in [
                ("leader signaled", None),
                ("tree signaled", Some("timer StopRest")),
                ("SIGKILL sent", Some("timer StopGrace")),
            ] {
                // Without a leader, the rest is signaled at once.
                let signaled = match (signaled, input) {
                    ("leader signaled", "fact Exited") => "tree signaled",
                    _ => signaled,
                };
                for (goal, stop) in [("goal down", true), ("goal up", false)] {
                    let mut path = [from, &[input]].concat();
                    path.extend(by);
                    path.extend(stop.then_some("command Stop"));
                    states.push(State {
                        phase: "stopping",
                        holds: vec![cause, signaled, goal],
                        path,
                    });
                }
            }
        }
    }
    states
}

/// The verdict that leads to a phase.
fn verdict_of_path(phase: &str) -> Verdict {
    match phase {
        "backoff" => Verdict::Restart(Duration::from_millis(500)),
        "failed" => Verdict::GiveUp(REASON.to_owned()),
        "completed" => Verdict::Complete,
        _ => Verdict::Stay,
    }
}

fn display(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Disarm(_) => None,
        Effect::Arm(timer, _) => Some(format!("Arm({timer:?})")),
        Effect::Signal(signal) => Some(format!("Signal({signal:?})")),
        Effect::Spawn { .. } => Some("Spawn".to_owned()),
        Effect::AwaitDependencies | Effect::Prepare | Effect::CancelStart => {
            Some(format!("{effect:?}"))
        }
    }
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().collect::<Vec<_>>().join(", ")
}

/// Makes one step and compares it with the row that applies, or with no change.
fn check(state: &State, input: &str, verdict: (&str, Verdict), rows: &[Row]) {
    let mut harness = Harness::after(&state.path, verdict_of_path(state.phase));
    harness.policy.verdict = verdict.1;
    let context = format!(
        "{input} in {} {:?} after {:?}",
        state.phase, state.holds, state.path
    );
    assert_eq!(harness.machine.phase().as_str(), state.phase, "{context}");
    let holds = |part: &String| state.holds.contains(&part.as_str()) || *part == verdict.0;
    let found: Vec<&Row> = rows
        .iter()
        .filter(|row| row.phase == state.phase && row.input == input)
        .filter(|row| row.condition.iter().all(holds))
        .collect();
    let goal = harness.machine.goal();
    let armed = harness.machine.armed().to_vec();
    let outcome = harness.step(input);
    match found[..] {
        [] => {
            assert_eq!(outcome.expect(&context), [], "{context}");
            let after = (harness.machine.phase().as_str(), harness.machine.goal());
            assert_eq!(after, (state.phase, goal), "{context}");
            assert_eq!(harness.machine.armed(), armed, "{context}");
        }
        [row] => {
            row.used.set(true);
            if row.next == "error" {
                outcome.expect_err(&context);
            } else {
                let effects = list(outcome.expect(&context).iter().filter_map(display));
                assert_row(row, &effects, goal, &harness, &context);
                assert_cause(row, state, harness, &context);
            }
        }
        _ => panic!("{context}: {} rows apply", found.len()),
    }
}

fn assert_row(row: &Row, effects: &str, goal: Goal, harness: &Harness, context: &str) {
    let machine = &harness.machine;
    let expected = if row.goal.is_empty() {
        goal.as_str()
    } else {
        &row.goal
    };
    assert_eq!(machine.phase().as_str(), row.next, "next: {context}");
    assert_eq!(machine.goal().as_str(), expected, "goal: {context}");
    assert_eq!(effects, row.effects, "effects: {context}");
    let armed = list(machine.armed().iter().map(|timer| format!("{timer:?}")));
    assert_eq!(armed, row.timer, "timer: {context}");
    assert_eq!(
        harness.policy.calls.join(", "),
        row.policy,
        "policy: {context}"
    );
}

/// The cause is private: it shows in what follows an empty tree.
fn assert_cause(row: &Row, state: &State, mut harness: Harness, context: &str) {
    if harness.machine.phase() != Phase::Stopping || harness.machine.goal() == Goal::Down {
        return;
    }
    let before = state
        .holds
        .iter()
        .find_map(|part| part.strip_prefix("cause "));
    let cause = if row.cause.is_empty() {
        before.expect(context)
    } else {
        &row.cause
    };
    harness.policy.calls.clear();
    harness
        .step("fact GroupEmpty")
        .expect("a fact is never rejected");
    let decides = harness.policy.calls.contains(&"decide");
    assert_eq!(decides, cause == "failure", "cause: {context}");
    let keeps_reason = harness.machine.reason() == REASON;
    assert_eq!(
        keeps_reason && !decides,
        cause == "reload",
        "cause: {context}"
    );
}

#[test]
fn the_transition_table_of_the_documentation_is_that_of_the_machine() {
    let rows = rows();
    for state in states() {
        for input in INPUTS {
            for verdict in [
                (
                    "verdict Restart",
                    Verdict::Restart(Duration::from_millis(500)),
                ),
                ("verdict GiveUp", Verdict::GiveUp(REASON.to_owned())),
                ("verdict Complete", Verdict::Complete),
                ("verdict Stay", Verdict::Stay),
            ] {
                check(&state, input, verdict, &rows);
            }
        }
    }
    let unused: Vec<&Row> = rows.iter().filter(|row| !row.used.get()).collect();
    assert!(unused.is_empty(), "rows that never apply: {unused:#?}");
}
