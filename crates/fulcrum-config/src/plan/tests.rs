//! Reload plans for random changes of an app.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::change::{Action, Difference, ReloadPlan, RunningState};
use crate::app::{App, Domain, Program};
use crate::mode::Mode;
use crate::options::LoadOptions;
use crate::process::EnvFile;
use crate::process::{
    DependencyCondition, JsRuntime, PortSetting, ProbeCheck, RestartMode, StopRecipient,
};

/// An app with these domains, each with a command and default settings.
fn app(names: &[&str]) -> App {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("fulcrum.yml"), "").expect("writable");
    for name in names {
        let dir = dir.path().join("domains").join(name);
        std::fs::create_dir_all(&dir).expect("writable");
        std::fs::write(dir.join("fulcrum.yml"), "process: {command: [run]}\n").expect("writable");
    }
    let options = LoadOptions {
        app: None,
        cwd: dir.path().to_owned(),
        env: BTreeMap::new(),
        flags: Vec::new(),
        mode: Mode::Dev,
        auto_ports: None,
    };
    crate::load(&options).app.expect("a valid app")
}

/// The effect of a change of a domain.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Effect {
    Process,
    Nothing,
}

type Change = (Effect, &'static str, fn(&mut Domain));

/// One change of each setting, and its key.
const CHANGES: &[Change] = &[
    // A key of `reload -o json`, so it keeps its name.
    (Effect::Process, "folder", |d| d.dir = "/elsewhere".into()),
    (Effect::Process, "command", |d| {
        d.program = Program::Command(vec!["walk".into()]);
    }),
    (Effect::Process, "entry", |d| {
        let entry = PathBuf::from("/srv/domain.js");
        d.program = Program::Node { entry };
    }),
    (Effect::Process, "runtime", |d| {
        d.process.runtime = JsRuntime::Bun;
    }),
    (Effect::Process, "node", |d| {
        d.process.node = Some("node20".into())
    }),
    (Effect::Process, "node_args", |d| {
        d.process.node_args = vec!["--expose-gc".into()];
    }),
    (Effect::Process, "args", |d| {
        d.process.args = vec!["-v".into()]
    }),
    (Effect::Process, "cwd", |d| d.process.cwd = "/tmp".into()),
    (Effect::Process, "env.FOO", |d| {
        d.process.env.insert("FOO".into(), "one".into());
    }),
    (Effect::Process, "env.BAR", |d| {
        d.process.file_env.insert("BAR".into(), "two".into());
    }),
    (Effect::Process, "port", |d| {
        d.process.port = Some(PortSetting::Fixed(3000))
    }),
    (Effect::Process, "install", |d| {
        d.process.install = !d.process.install
    }),
    (Effect::Process, "user", |d| {
        d.process.user = Some("nobody".into())
    }),
    (Effect::Process, "limits.memory", |d| {
        d.process.limits.memory = Some(1 << 20)
    }),
    (Effect::Process, "limits.cpu", |d| {
        d.process.limits.cpu = Some(0.5)
    }),
    (Effect::Nothing, "env_file", |d| {
        d.process.env_files = vec![EnvFile {
            path: "/x.env".into(),
            required: true,
        }]
    }),
    (Effect::Nothing, "depends_on.db", |d| {
        d.process
            .depends_on
            .insert("db".into(), DependencyCondition::Started);
    }),
    (Effect::Nothing, "restart.policy", |d| {
        d.process.restart.policy = RestartMode::Never;
    }),
    (Effect::Nothing, "restart.budget", |d| {
        d.process.restart.budget += 1
    }),
    (Effect::Nothing, "restart.backoff.max", |d| {
        d.process.restart.backoff.max += Duration::from_secs(1);
    }),
    (Effect::Nothing, "start_timeout", |d| {
        d.process.start_timeout += Duration::from_secs(1);
    }),
    (Effect::Nothing, "ready", |d| {
        d.process.ready.check = ProbeCheck::Log("listening".into());
    }),
    (Effect::Nothing, "alive", |d| {
        d.process.alive.check = ProbeCheck::Exec(vec!["true".into()]);
    }),
    (Effect::Nothing, "heartbeat.misses", |d| {
        d.process.heartbeat.misses += 1
    }),
    (Effect::Nothing, "stop.grace", |d| {
        d.process.stop.grace += Duration::from_secs(1)
    }),
    (Effect::Nothing, "stop.signal", |d| {
        d.process.stop.signal = "SIGINT".into()
    }),
    (Effect::Nothing, "stop.to", |d| {
        d.process.stop.to = StopRecipient::Tree
    }),
    (Effect::Nothing, "replicas", |d| d.process.replicas += 1),
    (Effect::Process, "tty", |d| d.process.tty = !d.process.tty),
    (Effect::Nothing, "autostart", |d| {
        d.process.autostart = !d.process.autostart
    }),
    (Effect::Nothing, "watch.paths", |d| {
        d.process.watch.paths = vec!["lib".into()]
    }),
];

#[test]
fn every_setting_has_its_effect_and_its_key() {
    let old = app(&["users"]);
    for (expected, key, change) in CHANGES {
        let mut new = old.clone();
        change(&mut new.domains[0]);
        let plan = ReloadPlan::new(&RunningState::new(&old), &new);
        let (found, differences) = match plan.action("users").expect("an entry") {
            Action::Restart(differences) => (Effect::Process, differences),
            Action::UpdateInPlace(differences) => (Effect::Nothing, differences),
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(found, *expected, "{key}");
        assert!(
            differences.iter().any(|one| one.key == *key),
            "{differences:?}"
        );
    }
}

#[test]
fn a_changed_variable_has_its_old_and_new_value() {
    let mut old = app(&["users"]);
    let process = |app: &mut App, value: &str| {
        app.domains[0]
            .process
            .env
            .insert("FOO".into(), value.into());
    };
    let mut new = old.clone();
    process(&mut old, "one");
    process(&mut new, "two");
    let plan = ReloadPlan::new(&RunningState::new(&old), &new);
    let difference = Difference {
        key: "env.FOO".into(),
        old: Some(json!("one")),
        new: Some(json!("two")),
    };
    assert_eq!(
        plan.action("users"),
        Some(&Action::Restart(vec![difference]))
    );
}

/// `process.env` overrides a file, so a change in the file is no difference.
#[test]
fn an_overridden_variable_is_no_difference() {
    let mut old = app(&["users"]);
    old.domains[0]
        .process
        .env
        .insert("FOO".into(), "one".into());
    let mut new = old.clone();
    new.domains[0]
        .process
        .file_env
        .insert("FOO".into(), "two".into());
    assert!(ReloadPlan::new(&RunningState::new(&old), &new).is_empty());
}

#[test]
fn a_process_is_compared_by_the_settings_it_was_started_with() {
    let old = app(&["users"]);
    let mut new = old.clone();
    new.domains[0].process.args = vec!["-v".into()];
    let mut running = RunningState::new(&old);
    running.processes.insert("users", &new.domains[0]);
    // The process was started after its file had changed.
    assert!(ReloadPlan::new(&running, &new).is_empty());
    assert!(
        !ReloadPlan::new(&running, &old).is_empty(),
        "the file was changed back"
    );
}

#[test]
fn a_stopped_domain_is_not_restarted() {
    let old = app(&["users"]);
    let mut new = app(&["pay", "users"]);
    new.domains[1].process.args = vec!["-v".into()];
    let mut running = RunningState::new(&old);
    running.stopped = ["users", "pay"].into();
    let plan = ReloadPlan::new(&running, &new);
    assert_eq!(plan.action("pay"), Some(&Action::UpdateInPlace(Vec::new())));
    assert!(
        matches!(plan.action("users"), Some(Action::UpdateInPlace(_))),
        "{plan:?}"
    );
}

#[test]
fn a_domain_without_a_process_counts_as_removed() {
    let old = app(&["users"]);
    let mut new = old.clone();
    new.domains[0].program = Program::NoProcess;
    let plan = |old, new| ReloadPlan::new(&RunningState::new(old), new);
    assert_eq!(plan(&old, &new).action("users"), Some(&Action::Stop));
    assert_eq!(plan(&new, &old).action("users"), Some(&Action::Start));
    assert_eq!(plan(&new, &new).action("users"), None);
}

#[test]
fn settings_of_the_instance_require_a_restart() {
    let old = app(&["users"]);
    let mut new = old.clone();
    new.runtime.grpc.listen.port = 50_099;
    new.runtime.watch.enabled = Some(true);
    new.runtime.domains.push("services/*".into());
    let plan = ReloadPlan::new(&RunningState::new(&old), &new);
    let keys =
        |found: &[Difference]| -> Vec<String> { found.iter().map(|one| one.key.clone()).collect() };
    assert_eq!(
        keys(&plan.requires_restart),
        ["runtime.grpc.listen", "runtime.watch.enabled"]
    );
    assert_eq!(keys(&plan.app), ["runtime.domains"]);
    assert_eq!(plan.action("users"), Some(&Action::Unchanged));
    // It is reported as long as it differs, not only when it changes.
    let mut followed = new.clone();
    followed.retain_immutable(&old);
    let again = ReloadPlan::new(&RunningState::new(&followed), &new);
    assert_eq!(again.requires_restart, plan.requires_restart);
    assert!(again.app.is_empty());
}

#[test]
fn a_changed_log_level_restarts_every_domain() {
    let old = app(&["orders", "users"]);
    let mut new = old.clone();
    new.runtime.logs.level = "debug".into();
    let plan = ReloadPlan::new(&RunningState::new(&old), &new);
    for name in ["orders", "users"] {
        assert!(
            matches!(plan.action(name), Some(Action::Restart(_))),
            "{plan:?}"
        );
    }
}

#[test]
fn a_changed_port_restarts_the_domain_and_its_dependents() {
    let mut old = app(&["other", "orders", "users"]);
    let index = |app: &App, name: &str| {
        let mut domains = app.domains.iter();
        domains
            .position(|domain| domain.name == name)
            .expect("it exists")
    };
    let (orders, users) = (index(&old, "orders"), index(&old, "users"));
    old.domains[orders]
        .process
        .depends_on
        .insert("users".into(), DependencyCondition::Ready);
    let mut new = old.clone();
    old.domains[users].process.port = Some(PortSetting::Fixed(3000));
    new.domains[users].process.port = Some(PortSetting::Fixed(3001));
    let plan = ReloadPlan::new(&RunningState::new(&old), &new);
    let difference = |key: &str| Difference {
        key: key.into(),
        old: Some(json!(3000)),
        new: Some(json!(3001)),
    };
    assert_eq!(
        plan.action("users"),
        Some(&Action::Restart(vec![difference("port")]))
    );
    let of_dependency = difference("depends_on.users.port");
    assert_eq!(
        plan.action("orders"),
        Some(&Action::Restart(vec![of_dependency]))
    );
    assert_eq!(plan.action("other"), Some(&Action::Unchanged));

    // A dependency that is new has been in the environment before.
    let mut independent = old.clone();
    independent.domains[orders].process.depends_on.clear();
    let plan = ReloadPlan::new(&RunningState::new(&independent), &old);
    assert!(
        matches!(plan.action("orders"), Some(Action::UpdateInPlace(_))),
        "{plan:?}"
    );
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Which of the five domains exist, and which changes were made to each.
type AppShape = Vec<(bool, Vec<usize>)>;

fn shape() -> impl Strategy<Value = AppShape> {
    let domain = (any::<bool>(), prop::collection::vec(0..CHANGES.len(), 0..3));
    prop::collection::vec(domain, NAMES.len())
}

fn app_of_shape(full_app: &App, shape: &AppShape) -> App {
    let mut app = full_app.clone();
    let domains = std::mem::take(&mut app.domains);
    for (mut domain, (forward, changes)) in domains.into_iter().zip(shape) {
        changes.iter().for_each(|at| CHANGES[*at].2(&mut domain));
        app.domains.extend(forward.then_some(domain));
    }
    app
}

/// The domains after the plan is applied to the old app.
fn apply_plan(plan: &ReloadPlan, old: &App, new: &App) -> Vec<Domain> {
    let of = |app: &App, name: &str| app.domain(name).cloned().expect("it is there");
    plan.domains
        .iter()
        .filter_map(|entry| match entry.action {
            Action::Unchanged => Some(of(old, &entry.domain)),
            Action::UpdateInPlace(_) | Action::Restart(_) | Action::Start => {
                Some(of(new, &entry.domain))
            }
            Action::Stop => None,
        })
        .collect()
}

proptest! {
    #[test]
    fn equal_configurations_have_an_empty_plan(shape in shape()) {
        let app = app_of_shape(&app(&NAMES), &shape);
        let plan = ReloadPlan::new(&RunningState::new(&app), &app);
        prop_assert!(plan.is_empty(), "{plan:?}");
        prop_assert_eq!(plan.domains.len(), app.domains.len());
    }

    #[test]
    fn a_plan_leads_to_the_target_and_its_reverse_back(old in shape(), new in shape()) {
        let full_app = app(&NAMES);
        let (old, new) = (app_of_shape(&full_app, &old), app_of_shape(&full_app, &new));
        let forward = ReloadPlan::new(&RunningState::new(&old), &new);
        prop_assert_eq!(apply_plan(&forward, &old, &new), new.domains.clone());
        // Each domain is listed once, in order.
        let names: Vec<_> = forward.domains.iter().map(|entry| entry.domain.clone()).collect();
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        prop_assert_eq!(&names, &sorted);
        // The reverse plan inverts each difference.
        let back = ReloadPlan::new(&RunningState::new(&new), &old);
        for (entry, other) in forward.domains.iter().zip(&back.domains) {
            let expected = match &entry.action {
                Action::Unchanged => Action::Unchanged,
                Action::Start => Action::Stop,
                Action::Stop => Action::Start,
                Action::UpdateInPlace(differences) => Action::UpdateInPlace(inverted(differences)),
                Action::Restart(differences) => Action::Restart(inverted(differences)),
            };
            prop_assert_eq!(&other.action, &expected);
        }
    }
}

fn inverted(differences: &[Difference]) -> Vec<Difference> {
    let invert = |one: &Difference| Difference {
        key: one.key.clone(),
        old: one.new.clone(),
        new: one.old.clone(),
    };
    differences.iter().map(invert).collect()
}
