//! Many changes at once, and changes that are ignored.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::BURST_END;
use fulcrum_e2e::{App, LIMIT, Pace, Process, SeededRandom, Signal, measurement, wait_until};

/// Saves faster than the domain can be restarted: the last content runs.
#[test]
fn g10_of_many_saves_the_last_one_runs() {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    app.start_watching();
    let code = app.root().join("domains/users/code");
    let started = Instant::now();
    let mut pace = Pace::start();
    let (mut saves, mut pauses) = (0, 0);
    while started.elapsed() < Duration::from_secs(4) {
        saves += 1;
        fs::write(&code, format!("save {saves}")).expect("writable");
        thread::sleep(Duration::from_millis(50));
        pauses += usize::from(pace.step() >= BURST_END);
    }
    app.wait_for_start("users", &format!("save {saves}"));
    let starts = app.starts("users").len() - 1;
    // The first one, one every half second, and two for each pause of this test that ends a burst.
    let most = 10 + 2 * pauses;
    assert!(
        starts <= most,
        "{starts} restarts for {saves} saves, {pauses} pauses"
    );
    app.wait_for("users", "runs", |users| users["phase"] == "running");
    measurement(
        "G10",
        &format!("{saves} saves in 4 s, {starts} restarts, the last content runs"),
    );
    app.down();
}

/// The same with Node, which takes longer to start than the next save: that is not a reload loop.
#[test]
fn g10_of_many_saves_of_a_node_domain_the_last_one_runs() {
    let code = |save: usize| {
        format!(
            "import {{ DomainBase }} from '@fulcrum/domain';\nconsole.log('runs save {save}');\nexport default class D extends DomainBase {{}}\n"
        )
    };
    let app = App::new().write("domains/users/domain.mjs", &code(0));
    app.start_watching();
    let started = Instant::now();
    let mut saves = 0;
    while started.elapsed() < Duration::from_secs(4) {
        saves += 1;
        app.write_file("domains/users/domain.mjs", &code(saves));
        thread::sleep(Duration::from_millis(50));
    }
    let last = format!("runs save {saves}");
    wait_until("the last save runs", LIMIT, || {
        let lines = app.logs("users");
        let newest = lines.iter().rfind(|line| line.stream == "stdout")?;
        (newest.message == last).then_some(())
    });
    app.wait_for("users", "is ready", |users| users["ready"] == true);
    assert_eq!(
        app.event_reasons("users", "watch_loop"),
        Vec::<String>::new()
    );
    let generation = app.status("users")["generation"].to_string();
    measurement(
        "G10",
        &format!(
            "{saves} saves of a Node domain in 4 s: generation {generation}, the last content runs"
        ),
    );
    app.down();
}

fn save_bursts(count: usize) {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    app.start_watching();
    let dir = app.root().join("domains/users");
    for burst in 0..count {
        for save in 0..=burst % 5 {
            fs::write(dir.join("code"), format!("burst {burst} save {save}")).expect("writable");
            fs::write(dir.join("lib"), format!("{burst} {save}")).expect("writable");
            if burst % 3 == 0 {
                thread::sleep(Duration::from_millis(save as u64 * 10));
            }
        }
        app.wait_for_start("users", &format!("burst {burst} save {}", burst % 5));
    }
    let starts = app.starts("users").len() - 1;
    measurement(
        "G10",
        &format!("{count} bursts, 0 lost final states, {starts} restarts"),
    );
    app.down();
}

#[test]
fn g10_no_burst_loses_its_final_state() {
    save_bursts(20);
}

#[test]
#[ignore = "long: 500 bursts"]
fn g10_five_hundred_bursts_lose_no_final_state() {
    save_bursts(500);
}

fn switch_branches(files: usize) {
    let app = App::new()
        .with_short_timeouts()
        .shell_domain("users", "")
        .shell_domain("orders", "");
    let dir = app.root().join("domains/users");
    let git = |args: &[&str]| {
        let all = [
            &[
                "-c",
                "user.name=e2e",
                "-c",
                "user.email=e2e@localhost",
                "-C",
                dir.to_str().expect("UTF-8"),
            ],
            args,
        ]
        .concat();
        app.program("git", &all).output().exits(0);
    };
    let version = |name: &str| {
        for number in 0..files {
            let text = format!("{name} {number}\n");
            let dir = dir.join(format!("src/{}", number % 50));
            fs::create_dir_all(&dir).expect("a directory");
            fs::write(dir.join(format!("{number}.js")), text).expect("writable");
        }
        fs::write(dir.join("code"), name).expect("writable");
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", name]);
    };
    git(&["init", "-q", "-b", "one"]);
    version("one");
    git(&["checkout", "-q", "-b", "two"]);
    version("two");
    app.start_watching();
    let mut restarts = Vec::new();
    for branch in ["one", "two"] {
        let before = app.starts("users").len();
        git(&["checkout", "-q", branch]);
        app.wait_for_start("users", branch);
        // Long after the checkout, so that all its changes have arrived.
        thread::sleep(Duration::from_millis(1500));
        restarts.push(app.starts("users").len() - before);
    }
    assert!(
        restarts.iter().all(|count| (1..=2).contains(count)),
        "{restarts:?}"
    );
    assert_eq!(app.starts("orders").len(), 1, "nothing of it has changed");
    measurement(
        "G5",
        &format!("checkouts of {files} files: {restarts:?} restarts"),
    );
    app.down();
}

#[test]
fn g05_a_checkout_is_two_restarts_at_most() {
    switch_branches(400);
}

#[test]
#[ignore = "long: 5,000 files"]
fn g05_a_large_checkout_is_two_restarts_at_most() {
    switch_branches(5000);
}

fn write_ignored_files(writes: usize) {
    let app = App::new().with_short_timeouts().shell_domain("users", "");
    let dir = app.root().join("domains/users");
    app.write_file(".gitignore", "built/\n");
    let dirs = [
        "node_modules/x",
        ".git",
        "dist",
        "built",
        ".fulcrum",
        "logs",
    ]
    .map(|ignored| dir.join(ignored));
    for ignored in &dirs {
        fs::create_dir_all(ignored).expect("a directory");
    }
    app.start_watching();
    for number in 0..writes {
        for (at, ignored) in dirs.iter().enumerate() {
            let end = if at == 5 { "log" } else { "js" };
            fs::write(
                ignored.join(format!("{}.{end}", number % 97)),
                number.to_string(),
            )
            .expect("writable");
        }
        fs::write(dir.join("out.log"), number.to_string()).expect("writable");
        fs::write(app.root().join(".fulcrum/own"), number.to_string()).expect("writable");
    }
    fs::write(dir.join("code"), "one").expect("writable");
    app.wait_for_start("users", "one");
    assert_eq!(app.starts("users"), ["zero", "one"]);
    assert_eq!(app.event_reasons("users", "changed"), ["code changed"]);
    assert_eq!(
        app.event_reasons("users", "asset_changed"),
        Vec::<String>::new()
    );
    measurement("G6", &format!("{} ignored writes, 0 restarts", writes * 8));
    app.down();
}

#[test]
fn g06_packages_logs_and_repositories_restart_no_domain() {
    write_ignored_files(250);
}

#[test]
#[ignore = "long: 50,000 writes"]
fn g06_fifty_thousand_ignored_writes_restart_no_domain() {
    write_ignored_files(6250);
}

/// Saves, restarts, reloads and crashes at once: generations never overlap, their numbers only
/// rise, and the last save runs.
#[test]
fn g12_saves_restarts_and_crashes_make_no_second_process() {
    let app = App::new()
        .with_short_timeouts()
        .stub_domain("users", &["@flags"]);
    app.write_file("domains/users/flags", "--heartbeat-status ok");
    app.start_watching();
    let mut random = SeededRandom::new(12);
    let mut commands = Vec::new();
    for round in 0..40 {
        app.write_file(
            "domains/users/flags",
            &format!("--heartbeat-status r{round}"),
        );
        match random.below(4) {
            0 => commands.push(app.spawn(&["domains", "restart", "users"])),
            1 => commands.push(app.spawn(&["reload"])),
            2 => {
                let pid = app.status("users")["pid"]
                    .as_u64()
                    .and_then(|pid| u32::try_from(pid).ok());
                if let Some(leader) = pid.and_then(Process::find) {
                    leader.signal(Signal::KILL);
                }
            }
            _ => thread::sleep(Duration::from_millis(random.below(200))),
        }
    }
    for command in &mut commands {
        let output = command.wait_exit();
        assert!(matches!(output.code, Some(0 | 1 | 10)), "{output}");
    }
    let before = app.status("users")["generation"].as_u64();
    app.write_file("domains/users/flags", "--heartbeat-status last");
    let users = app.wait_for("users", "runs what was saved last", |users| {
        users["ready"] == true && users["generation"].as_u64() > before
    });
    assert_eq!(
        app.event_count("users", "overlap"),
        0,
        "{:?}",
        app.activity_log()
    );
    let events = app.events();
    let spawned = events.iter().filter(|event| event["type"] == "spawned");
    let generations: Vec<u64> = spawned
        .filter_map(|event| event["generation"].as_u64())
        .collect();
    assert!(
        generations.windows(2).all(|pair| pair[0] < pair[1]),
        "{generations:?}"
    );
    measurement(
        "G12",
        &format!(
            "40 saves, {} commands and crashes among them: generation {}, 0 overlaps",
            commands.len(),
            users["generation"]
        ),
    );
    app.down();
}
