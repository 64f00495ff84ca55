//! Section T: the terminal: T6, progress; T7, keys in `dev`; T8, the full-screen view.

use std::time::{Duration, Instant};

use fulcrum_e2e::{App, LIMIT, Signal, Tmux, binary, is_optimized, measurement, wait_until};

fn top() -> String {
    format!("{} top", binary().display())
}

fn app() -> App {
    App::new()
        .domain("orders", "steady")
        .domain("users", "steady")
}

/// Whether the settings of the terminal are those of a shell, and nothing is left switched on.
#[track_caller]
fn assert_restored(tmux: &Tmux<'_>, end: &str) {
    tmux.run_command("stty -a");
    let screen = tmux.wait_for_text("END 0");
    for setting in [" icanon", " echo ", "susp = ^Z", " ixon"] {
        assert!(screen.contains(setting), "{end}: no{setting} in\n{screen}");
    }
    let flags = tmux.value("#{alternate_on} #{mouse_any_flag} #{cursor_flag}");
    assert_eq!(flags, "0 0 1", "{end}");
}

/// No domain and no instance is alive. The terminal is.
#[track_caller]
fn assert_no_domains(app: &App) {
    wait_until("no domain is alive", LIMIT, || {
        let mut processes = app.processes().into_iter();
        (!processes.any(|process| process.command.contains("domain.js"))).then_some(())
    });
}

#[test]
fn t08_top_is_driven_by_keys() {
    let app = app();
    app.start();
    let Some(tmux) = app.tmux("T8", 80, 24) else {
        return app.down();
    };
    tmux.run_command(&top());
    tmux.wait_for("the first domain is selected", |screen| {
        screen.contains("2/2 ready") && screen.contains("▌ orders")
    });
    // Select: the logs are those of the domain.
    tmux.keys(&["Down"]);
    tmux.wait_for("users and its logs", |screen| {
        screen.contains("▌ users") && screen.contains("hello from users")
    });
    // Filter.
    tmux.keys(&["f"]);
    tmux.text("ord");
    tmux.wait_for("orders alone", |screen| {
        screen.contains("▌ orders") && !screen.contains("  users  ")
    });
    tmux.keys(&["Enter", "Escape"]);
    tmux.wait_for("both", |screen| screen.contains("  users  "));
    // Search.
    tmux.keys(&["/"]);
    tmux.text("hello");
    tmux.keys(&["Enter"]);
    tmux.wait_for_text("orders · /hello");
    // Restart, after a question.
    let before = app.leader("orders").pid;
    tmux.keys(&["r"]);
    tmux.wait_for_text("Restart orders?");
    tmux.keys(&["y"]);
    tmux.wait_for_text("orders is ready");
    assert_ne!(app.leader("orders").pid, before);
    // Resize.
    tmux.resize(160, 40);
    let screen = tmux.wait_for_text("REASON");
    assert!(screen.contains("  users  "), "{screen}");
    tmux.resize(80, 24);
    // Events, tree, details.
    for (key, text) in [
        ("2", "asked"),
        ("3", "orders  running, ready"),
        ("4", "Last exit"),
    ] {
        tmux.keys(&[key]);
        tmux.wait_for_text(text);
    }
    // The end of a long pane, on all of the screen.
    tmux.keys(&["z", "G"]);
    tmux.wait_for_text("TEST_GATE=");
    // And up from there.
    tmux.keys(&["PageUp", "PageUp", "PageUp", "PageUp"]);
    tmux.wait_for("the start", |screen| !screen.contains("TEST_GATE="));
    tmux.keys(&["q"]);
    tmux.wait_for_text("END 0");
    assert_restored(&tmux, "q");
    drop(tmux);
    app.down();
}

#[test]
fn t08_top_outlives_its_instance_and_finds_the_next_one() {
    let app = app();
    app.start();
    let Some(tmux) = app.tmux("T8", 100, 30) else {
        return app.down();
    };
    tmux.run_command(&top());
    tmux.wait_for_text("2/2 ready");
    app.instance().signal(Signal::KILL);
    tmux.wait_for_text("no instance for");
    app.start();
    let pid = format!("pid {}", app.instance().pid);
    tmux.wait_for("the new instance", |screen| {
        screen.contains("2/2 ready") && screen.contains(&pid)
    });
    tmux.wait_for_text("connected to a new instance");
    tmux.keys(&["Down", "x", "y"]);
    app.wait_for("users", "it is stopped", |users| {
        users["phase"] == "stopped"
    });
    tmux.keys(&["q"]);
    tmux.wait_for_text("END 0");
    drop(tmux);
    app.down();
}

#[test]
fn t08_the_terminal_is_restored_and_domains_run_on_after_every_end_of_top() {
    let app = app();
    app.start();
    let Some(tmux) = app.tmux("T8", 80, 24) else {
        return app.down();
    };
    let before = app.leader("users").pid;
    let find = || {
        let mut processes = app.processes().into_iter();
        processes.find(|process| process.command.ends_with(" top"))
    };
    for (end, code) in [
        ("C-c", "END 0"),
        ("SIGTERM", "END 130"),
        ("SIGHUP", "END 130"),
        ("SIGQUIT", "END 130"),
    ] {
        tmux.run_command(&top());
        tmux.wait_for_text("2/2 ready");
        let top = find().expect("it runs");
        match end {
            "SIGTERM" => top.signal(Signal::TERM),
            "SIGHUP" => top.signal(Signal::HUP),
            "SIGQUIT" => tmux.keys(&["C-\\"]),
            key => tmux.keys(&[key]),
        }
        tmux.wait_for_text(code);
        assert_restored(&tmux, end);
    }
    // Stopped and continued by the shell.
    tmux.run_command(&top());
    tmux.wait_for_text("2/2 ready");
    tmux.keys(&["C-z"]);
    tmux.wait_for_text("Stopped");
    assert_restored(&tmux, "Ctrl-Z");
    tmux.text("fg");
    tmux.keys(&["Enter"]);
    tmux.wait_for_text("2/2 ready");
    // Killed: what the terminal looks like is up to the shell; the domains do not care.
    find().expect("it runs").signal(Signal::KILL);
    tmux.wait_for("it is gone", |_| find().is_none());
    assert_eq!(app.leader("users").pid, before);
    drop(tmux);
    app.down();
}

#[test]
fn t08_one_frame_is_printed_without_a_terminal() {
    let app = app();
    app.run(&["top", "--once"]).exits(3);
    app.start();
    let output = app.run(&["top", "--once"]).exits(0);
    output
        .clone()
        .stdout_contains(&["orders", "users", "2/2 ready", "hello from users"]);
    assert!(!output.stdout.contains('\x1b'), "{output}");
    app.run(&["top"])
        .exits(1)
        .stderr_contains(&["no terminal", "--once"]);
    app.down();
}

fn dev() -> String {
    format!("{} dev", binary().display())
}

#[test]
fn t06_progress_is_for_terminals_only() {
    let app = app();
    let Some(tmux) = app.tmux("T6", 100, 30) else {
        return;
    };
    tmux.run_command(&dev());
    // The header, and the table once all are ready.
    tmux.wait_for("header and table", |screen| {
        screen.contains("domains register at 127.0.0.1:")
            && screen.contains("q quit")
            && screen.contains("READY IN")
    });
    let title = |wanted: &str| {
        tmux.wait_for("the title", |_| tmux.value("#{pane_title}") == wanted);
    };
    title("app: 2/2 ready");
    app.run(&["domains", "stop", "users"]).exits(0);
    title("app: 1/1 ready");
    tmux.keys(&["C-c"]);
    tmux.wait_for_text("END 0");
    // A command that waits tells what for, and leaves nothing behind.
    let app = App::new().domain("slow", "ignores-sigterm").write(
        "domains/slow/fulcrum.yml",
        "process:\n  stop:\n    grace: 3s\n",
    );
    let Some(tmux) = app.tmux("T6", 100, 30) else {
        return;
    };
    app.start();
    tmux.run_command(&format!("{} down", binary().display()));
    tmux.wait_for("a turning sign", |screen| {
        screen.contains("waiting until all domains have stopped")
            && screen.chars().any(|char| "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏".contains(char))
    });
    let screen = tmux.wait_for_text("END 0");
    assert!(
        !screen.chars().any(|char| "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏".contains(char)),
        "{screen}"
    );
    // Without a terminal there is none of this.
    app.start();
    let output = app.run(&["down"]).exits(0);
    assert!(
        !output.stderr.contains('\x1b') && !output.stderr.contains('⠋'),
        "{output}"
    );
}

#[test]
fn t07_single_keys_steer_dev() {
    let app = app();
    let Some(tmux) = app.tmux("T7", 100, 30) else {
        return;
    };
    tmux.run_command(&dev());
    tmux.wait_for_text("READY IN");
    // A filter shows what it hides, and Esc ends it.
    tmux.keys(&["/"]);
    tmux.text("hello");
    tmux.keys(&["Enter"]);
    tmux.wait_for_text("only /hello: Esc shows all");
    tmux.keys(&["Escape"]);
    tmux.wait_for("no filter", |screen| !screen.contains("Esc shows all\n"));
    tmux.keys(&["p"]);
    tmux.wait_for_text("paused: p goes on");
    tmux.keys(&["p"]);
    // Restart one by the begin of its name.
    tmux.keys(&["r"]);
    tmux.wait_for_text("restart (name, or all)");
    tmux.text("us");
    tmux.keys(&["Enter"]);
    app.wait_for("users", "runs again", |users| {
        users["generation"] == 2 && users["ready"] == true
    });
    assert_eq!(app.status("orders")["generation"], 1);
    tmux.keys(&["?"]);
    tmux.wait_for_text("full-screen view");
    // There and back.
    tmux.keys(&["t"]);
    tmux.wait_for("the full-screen view", |screen| {
        screen.contains("2/2 ready")
    });
    assert_eq!(tmux.value("#{alternate_on}"), "1");
    tmux.keys(&["q"]);
    tmux.wait_for("lines", |_| tmux.value("#{alternate_on}") == "0");
    tmux.wait_for_text("full-screen view");
    tmux.keys(&["q"]);
    tmux.wait_for_text("END 0");
    assert_restored(&tmux, "q");
    assert_no_domains(&app);
}

#[test]
fn t07_the_terminal_is_restored_after_every_end_of_dev() {
    let app = app();
    let Some(tmux) = app.tmux("T7", 100, 30) else {
        return;
    };
    for (end, code) in [("C-c", 0), ("SIGTERM", 0), ("SIGHUP", 0), ("C-\\", 131)] {
        tmux.run_command(&dev());
        tmux.wait_for_text("READY IN");
        match end {
            "SIGTERM" => app.instance().signal(Signal::TERM),
            "SIGHUP" => app.instance().signal(Signal::HUP),
            key => tmux.keys(&[key]),
        }
        tmux.wait_for_text(&format!("END {code}"));
        assert_restored(&tmux, end);
    }
    // Stopped, in the background without keys, and back with keys.
    tmux.run_command(&dev());
    tmux.wait_for_text("READY IN");
    tmux.keys(&["C-z"]);
    tmux.wait_for_text("Stopped");
    assert_restored(&tmux, "Ctrl-Z");
    tmux.text("bg; echo q | cat; jobs");
    tmux.keys(&["Enter"]);
    tmux.wait_for_text("Running");
    tmux.text("fg");
    tmux.keys(&["Enter"]);
    // It looks once a second.
    tmux.wait_for("keys work again", |screen| {
        tmux.keys(&["?"]);
        screen.contains("full-screen view")
    });
    tmux.keys(&["C-c"]);
    tmux.wait_for("it has ended", |_| {
        app.run(&["domains", "list"]).code == Some(3)
    });
    assert_restored(&tmux, "fg and Ctrl-C");
    assert_no_domains(&app);
}

#[test]
fn t07_no_key_is_read_without_a_terminal_for_both() {
    let app = app();
    let Some(tmux) = app.tmux("T7", 100, 30) else {
        return;
    };
    tmux.run_command(&format!("{} | cat", dev()));
    let screen = tmux.wait_for_text("2 domains ready in");
    assert!(!screen.contains("domains register at"), "{screen}");
    // The terminal still belongs to the shell: it echoes, and q means nothing.
    tmux.text("qqq");
    tmux.wait_for_text("qqq");
    assert_eq!(app.status("users")["phase"], "running");
    // Ctrl-C ends the list of commands, too.
    tmux.keys(&["C-u", "C-c"]);
    tmux.wait_for("a prompt", |screen| screen.trim_end().ends_with('$'));
    wait_until("the instance is gone", LIMIT, || {
        (app.run(&["domains", "list"]).code == Some(3)).then_some(())
    });
    app.write_file("fulcrum.yml", "runtime:\n  terminal:\n    keys: false\n");
    tmux.run_command(&dev());
    let screen = tmux.wait_for_text("2 domains ready in");
    assert!(!screen.contains("q quit"), "{screen}");
    tmux.keys(&["q", "C-c"]);
    tmux.wait_for_text("END 0");
    assert_no_domains(&app);
}

/// Prints 200 lines a second.
const CHATTY: &str = "import time
n = 0
while True:
    for _ in range(20):
        n += 1
        print(f'request {n} GET /products/{n % 97} 200 in {n % 40} ms', flush=False)
    print(end='', flush=True)
    time.sleep(0.1)
";

/// Under 2 % of a core with 50 domains and 10,000 lines a second, those of all domains on the screen.
#[test]
#[ignore = "long"]
fn t08_top_costs_little_with_fifty_domains_and_ten_thousand_lines_a_second() {
    let mut app = App::new().write("chatty.py", CHATTY);
    for number in 0..50 {
        let path = format!("domains/chatty-{number}/fulcrum.yml");
        app = app.write(
            &path,
            "process: {command: [python3, chatty.py], cwd: ../..}\n",
        );
    }
    app.start();
    let Some(tmux) = app.tmux("T8", 160, 48) else {
        return app.down();
    };
    tmux.run_command(&top());
    tmux.wait_for_text("50/50 ready");
    let find = || {
        app.processes()
            .into_iter()
            .find(|process| process.command.ends_with(" top"))
    };
    let top = find().expect("it runs");
    for (view, keys) in [("one domain", &["Down"][..]), ("all domains", &["a"])] {
        tmux.keys(keys);
        // The first thousand lines were read.
        std::thread::sleep(Duration::from_secs(3));
        let before = top.usage().expect("it runs").cpu;
        let started = Instant::now();
        std::thread::sleep(Duration::from_secs(20));
        let used = top.usage().expect("it runs").cpu - before;
        let percent = 100.0 * used.as_secs_f64() / started.elapsed().as_secs_f64();
        measurement("T8", &format!("lines of {view}: {percent:.1} % of a core"));
        assert!(
            percent < 2.0 || !is_optimized(),
            "{view}: {percent:.1} % of a core"
        );
    }
    tmux.keys(&["q"]);
    tmux.wait_for_text("END 0");
    drop(tmux);
    app.down();
}
