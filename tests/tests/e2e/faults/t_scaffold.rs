//! Section T, the first minute: new apps, domains and handlers.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, TerminalStep, binary, is_optimized, measurement, not_applicable};

/// A directory with `fulcrum`, for `PATH`.
fn program_dir(app: &App) -> PathBuf {
    let dir = app.scratch_dir().join("bin");
    fs::create_dir_all(&dir).expect("a directory");
    symlink(binary(), dir.join("fulcrum")).expect("a link");
    dir
}

/// The value of `PATH` with `fulcrum` in it.
fn path_with(dir: &Path) -> String {
    let path = std::env::var("PATH").expect("PATH is set");
    format!("{}:{path}", dir.display())
}

/// Whether a network of its own can be made here.
fn can_cut_network(app: &App) -> bool {
    let check = ["-c", "unshare -n ip link set lo up"];
    app.program("sh", &check).output().code == Some(0)
}

#[test]
fn t01_an_empty_directory_becomes_a_running_app_without_network() {
    let app = App::new();
    if !can_cut_network(&app) {
        not_applicable("T1", "no network of its own can be made (unshare -n)");
        return;
    }
    let path = path_with(&program_dir(&app));
    for (language, template, call) in [
        (
            "ts",
            "minimal",
            "users user_hello_request '{\"name\":\"Ann\"}'",
        ),
        (
            "js",
            "minimal",
            "users user_hello_request '{\"name\":\"Ann\"}'",
        ),
        (
            "ts",
            "shop",
            "orders order_create_request '{\"sku\":\"tea-green\",\"quantity\":3}'",
        ),
    ] {
        let name = format!("{language}-{template}");
        let script = format!(
            "ip link set lo up && fulcrum init {name} --lang {language} --template {template} \
             && cd {name} && fulcrum dev -D --wait && fulcrum domains call {call}"
        );
        let started = Instant::now();
        let output = app
            .program("unshare", &["-n", "sh", "-c", &script])
            .env("PATH", &path)
            .current_dir(&app.scratch_dir())
            .output()
            .exits(0);
        let took = started.elapsed();
        let expected = match template {
            "shop" => "\"totalCents\":2070",
            _ => "Hello, Ann!",
        };
        let output = output.stdout_contains(&[expected]);
        assert!(output.stderr.contains("├── .gitignore"), "{output}");
        if is_optimized() {
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
        measurement(
            "T1",
            &format!("{name}: {} ms from nothing to an answer", took.as_millis()),
        );
        let root = app.scratch_dir().join(&name);
        let down = ["down", "--app", root.to_str().expect("UTF-8")];
        app.run(&down).exits(0);
        // Its tests, which need no instance and no network.
        app.program("unshare", &["-n", "npm", "test"])
            .env("PATH", &path)
            .current_dir(&root)
            .output()
            .exits(0)
            .stdout_contains(&["# fail 0"]);
    }
    app.assert_no_processes();
}

#[test]
fn t01_nothing_that_exists_is_changed() {
    let app = App::new();
    let root = app.scratch_dir().join("shop");
    fs::create_dir_all(root.join("domains/users")).expect("a directory");
    fs::write(root.join("package.json"), "mine").expect("written");
    fs::write(root.join("domains/users/domain.ts"), "mine").expect("written");
    let init = |args: &[&str]| app.fulcrum(args).current_dir(&app.scratch_dir()).output();
    init(&["init", "shop", "--lang", "ts"])
        .exits(0)
        .stderr_contains(&["package.json (exists, not changed)", "domain.ts (exists"]);
    for file in ["package.json", "domains/users/domain.ts"] {
        assert_eq!(fs::read_to_string(root.join(file)).expect(file), "mine");
    }
    assert!(root.join("fulcrum.yml").is_file());
    init(&["init", "shop"])
        .exits(1)
        .stderr_contains(&["is an app already", "fulcrum generate domain"]);
    for (args, text) in [
        (&["init", "x", "--domains", "a b"][..], "such as `a-b`"),
        (&["init", "x", "--domains", "all"], "reserved"),
        (&["init", "x", "--domains", "a,A"], "differ only in case"),
        (
            &["init", "x", "--template", "shop", "--domains", "a"],
            "of its own",
        ),
    ] {
        init(args).exits(2).stderr_contains(&[text]);
        assert!(!app.scratch_dir().join("x").exists(), "{args:?}");
    }
}

#[test]
fn t01_questions_are_asked_on_a_terminal_without_flags() {
    let app = App::new();
    let fulcrum = binary().to_str().expect("UTF-8");
    let target = app.scratch_dir().join("asked");
    let target = target.to_str().expect("UTF-8");
    let session = app.terminal_session(
        &[fulcrum, "init", target],
        &[
            TerminalStep::Expect("Language: ts or js [ts]: "),
            TerminalStep::Send("js\r"),
            TerminalStep::Expect("Domains [users]: "),
            TerminalStep::Send("my domain!\r"),
            TerminalStep::Expect("not a valid domain name"),
            TerminalStep::Expect("Domains [users]: "),
            TerminalStep::Send("users,orders\r"),
            TerminalStep::Expect("Next:"),
            TerminalStep::Exit,
        ],
    );
    assert_eq!(session.code, Some(0), "{session:?}");
    for domain in ["users", "orders"] {
        let code = Path::new(target).join(format!("domains/{domain}/domain.js"));
        assert!(code.is_file(), "{}", code.display());
    }
    // The end of the input at a question leaves nothing behind.
    let other = format!("{target}-not");
    let session = app.terminal_session(
        &[fulcrum, "init", &other],
        &[
            TerminalStep::Expect("[ts]: "),
            TerminalStep::Send("\x04"),
            TerminalStep::Exit,
        ],
    );
    assert_eq!(session.code, Some(130), "{session:?}");
    assert!(!Path::new(&other).exists());
    // With a flag nothing is asked.
    let session = app.terminal_session(
        &[fulcrum, "init", &other, "--lang", "js"],
        &[TerminalStep::Expect("Next:"), TerminalStep::Exit],
    );
    assert!(!session.output.contains("Domains ["), "{session:?}");
}

#[test]
fn t01_generated_domains_and_handlers_run() {
    let app = App::new();
    let run = |args: &[&str]| {
        app.fulcrum(args)
            .current_dir(&app.scratch_dir().join("shop"))
            .output()
    };
    app.fulcrum(&["init", "shop", "--lang", "ts"])
        .current_dir(&app.scratch_dir())
        .output()
        .exits(0);
    run(&["generate", "domain", "orders", "--depends-on", "usrs"])
        .exits(4)
        .stderr_contains(&["did you mean `users`"]);
    run(&["generate", "domain", "order-lines", "--depends-on", "users"])
        .exits(0)
        .stderr_contains(&["order-lines", "domain.ts", "order_line_hello_request"]);
    run(&["generate", "domain", "Users"])
        .exits(1)
        .stderr_contains(&["exists already"]);
    for (type_, method) in [
        ("create", "userCreateHandler"),
        ("userRemove", "userRemoveHandler"),
    ] {
        run(&["generate", "handler", "users", type_])
            .exits(0)
            .stderr_contains(&[method]);
    }
    run(&["generate", "handler", "users", "user_create_request"])
        .exits(1)
        .stderr_contains(&["handles user_create_request already: userCreateHandler"]);
    run(&["generate", "handler", "nobody", "create"]).exits(4);
    run(&["dev", "-D", "--wait"]).exits(0);
    for (domain, type_) in [
        ("users", "user_create_request"),
        ("users", "user_remove_request"),
        ("order-lines", "order_line_hello_request"),
    ] {
        run(&["domains", "call", domain, type_, "{}"]).exits(0);
    }
    run(&["down"]).exits(0);
    app.assert_no_processes();
}

#[test]
fn t01_a_file_that_cannot_take_a_handler_is_not_changed() {
    let app = App::new();
    for (text, why) in [
        (
            "export const a = {};\n",
            "no class to insert a handler into",
        ),
        ("export default class A extends B {\n", "correct it first"),
    ] {
        app.write_file("domains/users/domain.js", text);
        app.run(&["generate", "handler", "users", "create"])
            .exits(1)
            .stderr_contains(&[why]);
        let path = app.root().join("domains/users/domain.js");
        assert_eq!(fs::read_to_string(path).expect("it exists"), text);
    }
}

#[test]
fn t01_node_runs_typescript_as_domains_do_and_stays_one_process() {
    let app = App::new().write("package.json", r#"{"type":"module"}"#).write(
        "script.ts",
        "import { DomainBase } from '@fulcrum/domain';\n\
         enum Color { Red = 7 }\n\
         console.log(JSON.stringify([Color.Red, typeof DomainBase, process.argv.slice(2), process.pid]));\n\
         process.exit(3);\n",
    );
    let mut node = app.spawn(&["node", "script.ts", "--quiet", "a b"]);
    let pid = node.pid();
    let output = node.wait_exit().exits(3);
    let printed = output.json();
    assert_eq!(printed[0], 7);
    assert_eq!(printed[1], "function");
    assert_eq!(printed[2], serde_json::json!(["--quiet", "a b"]));
    assert_eq!(printed[3], pid, "no process in between");
}
