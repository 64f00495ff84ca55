//! Section K, watching: what counts as a change, and what a running domain is given up for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use fulcrum_e2e::{App, LIMIT, measurement, wait_until};

/// A domain that imports this file, which it finds by a link.
fn importer(specifier: &str) -> String {
    format!(
        "import {{ DomainBase }} from '@fulcrum/domain';\n\
         import {{ version }} from '{specifier}';\n\
         console.log(`runs ${{version}}`);\n\
         export default class Users extends DomainBase {{}}\n"
    )
}

fn version(number: u32) -> String {
    format!("export const version = 'v{number}';\n")
}

/// Replaces a path by a link at once, as `ln -sfn` and deployments do.
fn swap(link: &Path, target: &str) {
    let beside = link.with_file_name("next-link");
    symlink(target, &beside).expect("a link");
    fs::rename(beside, link).expect("swapped");
}

/// An app whose domain runs version 1, watched.
fn linked_app(kind: &str) -> App {
    let mut app = App::new();
    let entry = match kind {
        "..data of Kubernetes" | "a file" | "a file in its place" => importer("./price.mjs"),
        "a directory" => importer("./current/price.mjs"),
        "a domain" => importer("./lib/price.mjs"),
        other => panic!("{other}"),
    };
    if kind == "a domain" {
        for number in [1, 2] {
            let dir = format!("releases/r{number}");
            app = app
                .write(&format!("{dir}/domain.mjs"), &entry)
                .write(&format!("{dir}/lib/price.mjs"), &version(number));
        }
        symlink("../releases/r1", app.root().join("domains/users")).expect("a link");
        app.start_watching();
        return app;
    }
    app = app.write("domains/users/domain.mjs", &entry);
    for number in [1, 2] {
        let path = format!("domains/users/..v{number}/price.mjs");
        app = app.write(&path, &version(number));
    }
    let dir = app.root().join("domains/users");
    match kind {
        "..data of Kubernetes" => {
            symlink("..v1", dir.join("..data")).expect("a link");
            symlink("..data/price.mjs", dir.join("price.mjs")).expect("a link");
        }
        "a directory" => symlink("..v1", dir.join("current")).expect("a link"),
        _ => symlink("..v1/price.mjs", dir.join("price.mjs")).expect("a link"),
    }
    app.start_watching();
    app
}

#[test]
fn k19_a_swapped_link_is_a_change_of_what_was_loaded_through_it() {
    let kinds = [
        "..data of Kubernetes",
        "a file",
        "a directory",
        "a domain",
        "a file in its place",
    ];
    for kind in kinds {
        let app = linked_app(kind);
        let dir = app.root().join("domains/users");
        match kind {
            "..data of Kubernetes" => swap(&dir.join("..data"), "..v2"),
            "a file" => swap(&dir.join("price.mjs"), "..v2/price.mjs"),
            "a directory" => swap(&dir.join("current"), "..v2"),
            "a domain" => swap(&dir, "../releases/r2"),
            _ => {
                let beside = dir.join("next-file");
                fs::write(&beside, version(2)).expect("written");
                fs::rename(beside, dir.join("price.mjs")).expect("renamed");
            }
        }
        app.wait_for_event("users", "reloaded", 1);
        let logs = app.logs("users");
        let ran = logs
            .iter()
            .filter(|line| line.message.starts_with("runs v"));
        let ran: Vec<&str> = ran.map(|line| line.message.as_str()).collect();
        assert_eq!(ran.first(), Some(&"runs v1"), "{kind}: {ran:?}");
        assert_eq!(ran.last(), Some(&"runs v2"), "{kind}: {ran:?}");
        assert_eq!(app.status("users")["generation"], 2, "{kind}: {ran:?}");
        app.down();
    }
    measurement(
        "K19",
        &format!("{} kinds of links swapped, each one reload", kinds.len()),
    );
}

/// Asserts that the running generation is kept, with this reason, until the file is there.
fn assert_kept(app: &App, leader: u32, times: usize, expected: &str) {
    let reason = app.wait_for_event("users", "reload_rejected", times);
    assert!(reason.contains(expected), "{reason}");
    assert_eq!(app.leader("users").pid, leader, "it was restarted");
}

#[test]
fn k20_code_that_cannot_start_leaves_the_running_generation_alone() {
    let app = App::new()
        .write("domains/users/domain.mjs", &importer("./price.mjs"))
        .write("domains/users/price.mjs", &version(1));
    app.start_watching();
    let leader = app.leader("users").pid;
    // An import of a file that is saved later.
    let price = format!("import './tax.mjs';\n{}", version(2));
    app.write_file("domains/users/price.mjs", &price);
    assert_kept(
        &app,
        leader,
        1,
        "domains/users/price.mjs:1:8: imports \"./tax.mjs\", which does not exist",
    );
    app.write_file("domains/users/tax.mjs", "export {};\n");
    app.wait_for_event("users", "reloaded", 1);
    // A file that is removed while it is still imported.
    let leader = app.leader("users").pid;
    fs::remove_file(app.root().join("domains/users/tax.mjs")).expect("removed");
    assert_kept(&app, leader, 2, "imports \"./tax.mjs\"");
    app.write_file("domains/users/tax.mjs", "export {}; // again\n");
    app.wait_for_event("users", "reloaded", 2);
    assert_ne!(app.leader("users").pid, leader);
    // A package before it is installed.
    let leader = app.leader("users").pid;
    app.write_file(
        "domains/users/price.mjs",
        &format!("import 'left-pad';\n{}", version(3)),
    );
    assert_kept(
        &app,
        leader,
        3,
        "imports \"left-pad\", which is not installed",
    );
    app.write_file("node_modules/left-pad/package.json", "{}");
    app.write_file("node_modules/left-pad/index.js", "");
    app.write_file(
        "domains/users/price.mjs",
        &format!("import 'left-pad';\n{}", version(4)),
    );
    app.wait_for_event("users", "reloaded", 3);
    // A name that is renamed in one file first.
    let leader = app.leader("users").pid;
    app.write_file("domains/users/price.mjs", "export const release = 'v5';\n");
    assert_kept(&app, leader, 4, "\"./price.mjs\" does not export `version`");
    app.write_file("domains/users/price.mjs", &version(6));
    app.wait_for_event("users", "reloaded", 4);
    app.down();
}

#[test]
fn k20_an_output_directory_that_is_wiped_and_rebuilt_leaves_the_running_generation_alone() {
    let app = App::new()
        .write(
            "domains/users/fulcrum.yml",
            "process: {entry: dist/domain.mjs}\n",
        )
        .write("domains/users/dist/domain.mjs", &importer("./price.mjs"))
        .write("domains/users/dist/price.mjs", &version(1));
    app.start_watching();
    let leader = app.leader("users").pid;
    let dist = app.root().join("domains/users/dist");
    fs::remove_dir_all(&dist).expect("removed");
    app.wait_for_event("fulcrum", "config_invalid", 1);
    fs::create_dir(&dist).expect("created");
    app.write_file("domains/users/dist/domain.mjs", &importer("./price.mjs"));
    assert_kept(&app, leader, 1, "imports \"./price.mjs\"");
    app.write_file("domains/users/dist/price.mjs", &version(2));
    app.wait_for_event("users", "reloaded", 1);
    assert_eq!(app.status("users")["generation"], 2);
    app.down();
}

/// Files outside of the watched directories, which only a thread or another process has loaded.
#[test]
fn k22_files_of_threads_and_forked_processes_reload_their_domain() {
    let app = App::new()
        .with_short_timeouts()
        .write(
            "domains/users/fulcrum.yml",
            "process: {watch: {paths: []}}\n",
        )
        .write(
            "domains/users/domain.mjs",
            "import { DomainBase } from '@fulcrum/domain';\n\
             import { Worker } from 'node:worker_threads';\n\
             import { fork } from 'node:child_process';\n\
             const file = (name) => new URL(`../../lib/${name}`, import.meta.url).pathname;\n\
             new Worker(file('worker.cjs'), { execArgv: [] });\n\
             new Worker(file('module.mjs'), { env: {} });\n\
             fork(file('forked.cjs'), { env: { PATH: process.env.PATH } });\n\
             export default class Users extends DomainBase {}\n",
        )
        .write("lib/module.mjs", "import './module-part.mjs';\n")
        .write(
            "lib/nested.cjs",
            "require('./nested-part.cjs'); setInterval(() => {}, 1000);\n",
        )
        .write(
            "lib/forked.cjs",
            "require('./forked-part.cjs');\n\
             new (require('worker_threads').Worker)(`${__dirname}/nested.cjs`);\n",
        )
        .write(
            "lib/worker.cjs",
            "require('./worker-part.cjs'); setInterval(() => {}, 1000);\n",
        );
    let parts = [
        "worker-part.cjs",
        "module-part.mjs",
        "forked-part.cjs",
        "nested-part.cjs",
    ];
    for part in parts {
        app.write_file(&format!("lib/{part}"), &part_text(part, 1));
    }
    app.start_watching();
    let reports = app.root().with_file_name("run");
    for (times, part) in (1..).zip(parts) {
        // The last report may be that of the generation before.
        wait_until(&format!("{part} is loaded again"), LIMIT, || {
            let logs = app.logs("users");
            let loaded = logs.iter().filter(|line| line.message.contains(part));
            let loaded = loaded.filter(|line| line.message.starts_with("loaded "));
            (loaded.count() >= times).then_some(())
        });
        let loaded = format!("/lib/{part}\n");
        wait_until(&format!("{part} is reported"), LIMIT, || {
            let report = find_report(&reports)?;
            report.contains(&loaded).then_some(())
        });
        app.write_file(&format!("lib/{part}"), &part_text(part, 2));
        let reason = app.wait_for_event("users", "reloaded", times);
        assert!(reason.contains(part), "{reason}");
    }
    app.down();
    measurement(
        "K22",
        &format!(
            "{} files of threads and forked processes, each a reload",
            parts.len()
        ),
    );
}

fn part_text(part: &str, version: u32) -> String {
    format!("console.log('loaded {part} {version}');\n")
}

/// The report of the domain `users` in the runtime directory.
fn find_report(dir: &Path) -> Option<String> {
    for entry in fs::read_dir(dir).ok()?.flatten() {
        let path = entry.path();
        if path.ends_with("modules/users") {
            return fs::read_to_string(path).ok();
        }
        if path.is_dir()
            && let Some(found) = find_report(&path)
        {
            return Some(found);
        }
    }
    None
}

/// The domain `users`, which loads and writes `store.json` in this way, this long after it is ready.
fn writer(write: &str, delay: u32) -> String {
    format!(
        "const {{ DomainBase }} = require('@fulcrum/domain');\n\
         const fs = require('node:fs');\n\
         const {{ n }} = require('./store.json');\n\
         const file = `${{__dirname}}/store.json`;\n\
         const text = () => JSON.stringify({{ n: n + 1, at: Date.now() }});\n\
         module.exports = class Users extends DomainBase {{}};\n\
         setTimeout(async () => {{ {write} }}, {delay});\n"
    )
}

#[test]
fn k21_a_domain_that_writes_what_it_has_loaded_is_found_whatever_the_moment() {
    let mut found = Vec::new();
    for (write, delay) in [
        ("fs.writeFileSync(file, text())", 700),
        ("fs.writeFileSync(file, text())", 3_000),
        (
            "await fs.promises.writeFile(`${file}.new`, text()); await fs.promises.rename(`${file}.new`, file)",
            1_500,
        ),
        (
            "setInterval(() => fs.createWriteStream(file).end(text()), 300)",
            1_000,
        ),
    ] {
        let app = App::new()
            .with_short_timeouts()
            .write("domains/users/domain.cjs", &writer(write, delay))
            .write("domains/users/store.json", "{\"n\": 0}\n");
        app.start_watching();
        let reason = app.wait_for_event("users", "watch_loop", 1);
        assert!(reason.contains("store.json"), "{reason}");
        let generation = app.status("users")["generation"].as_u64();
        assert!(generation <= Some(5), "{write}: {generation:?}");
        // Other files still reload it, and it is not found again.
        let entry = app.root().join("domains/users/domain.cjs");
        let text = fs::read_to_string(&entry).expect("readable");
        let reloads = app.event_reasons("users", "reloaded").len();
        fs::write(&entry, format!("{text}// edited\n")).expect("writable");
        let reason = app.wait_for_event("users", "reloaded", reloads + 1);
        assert!(reason.contains("domain.cjs"), "{reason}");
        assert_eq!(app.event_reasons("users", "watch_loop").len(), 1);
        found.push(format!(
            "{delay} ms: generation {}",
            generation.unwrap_or(0)
        ));
        app.down();
    }
    measurement("K21", &found.join(", "));
}

/// The domains `users` (Node), `jobs` (Python) and `orders` (Node, without a report of what it
/// writes, as under Bun and Deno), each of which writes its `store.json` so long after its start.
fn writers(delay_ms: u32) -> App {
    let app = App::new()
        .with_short_timeouts()
        .write(
            "domains/users/domain.cjs",
            &writer("fs.writeFileSync(file, text())", delay_ms),
        )
        .write("domains/users/store.json", "{\"n\": 0}\n")
        .write(
            "domains/jobs/main.py",
            &format!(
                "import json, time\n\
                 n = json.load(open('store.json'))['n']\n\
                 print('up', flush=True)\n\
                 time.sleep({delay_ms} / 1000)\n\
                 json.dump({{'n': n + 1}}, open('store.json', 'w'))\n\
                 time.sleep(3600)\n"
            ),
        )
        .write(
            "domains/jobs/fulcrum.yml",
            "process: {command: [python3, main.py], ready: {log: up}}\n",
        )
        .write("domains/jobs/store.json", "{\"n\": 0}\n")
        .write(
            "domains/orders/main.cjs",
            &format!(
                "const fs = require('node:fs');\n\
                 const {{ n }} = require('./store.json');\n\
                 console.log('up');\n\
                 setTimeout(() => fs.writeFileSync('store.json', JSON.stringify({{ n: n + 1 }})), {delay_ms});\n\
                 setInterval(() => {{}}, 1000);\n"
            ),
        )
        .write(
            "domains/orders/fulcrum.yml",
            "process: {command: [node, main.cjs], ready: {log: up}}\n",
        )
        .write("domains/orders/store.json", "{\"n\": 0}\n");
    app.start_watching();
    app
}

/// Edits the programs of `jobs` and `orders`, and returns the generations that follow.
fn edit_programs(app: &App) -> [u64; 2] {
    [("jobs", "main.py"), ("orders", "main.cjs")].map(|(name, file)| {
        let path = app.root().join(format!("domains/{name}/{file}"));
        let text = fs::read_to_string(&path).expect("readable");
        let reloads = app.event_reasons(name, "reloaded").len();
        fs::write(&path, format!("{text}\n")).expect("writable");
        app.wait_for_event(name, "reloaded", reloads + 1);
        app.status(name)["generation"].as_u64().expect("a number")
    })
}

/// Asserts that each of the writers is found, and then left alone for longer than its delay.
fn assert_all_are_found(app: &App, delay_ms: u32) -> String {
    let delay = Duration::from_millis(delay_ms.into());
    let mut found = Vec::new();
    for name in ["users", "jobs", "orders"] {
        wait_until(
            &format!("the loop of {name} is found"),
            LIMIT + 7 * delay,
            || {
                let reasons = app.event_reasons(name, "watch_loop");
                reasons.first().map(|reason| {
                    assert!(reason.contains("store.json"), "{name}: {reason}");
                })
            },
        );
        let generation = app.status(name)["generation"].as_u64();
        assert!(generation <= Some(6), "{name}: {generation:?}");
        found.push(format!("{name} in generation {}", generation.unwrap_or(0)));
    }
    let stores = || {
        ["jobs", "orders"].map(|name| {
            let path = app.root().join(format!("domains/{name}/store.json"));
            fs::read_to_string(path).expect("readable")
        })
    };
    // Saves of other files reload them still, and what they write after that does not.
    let before = edit_programs(app);
    let stored = stores();
    wait_until("they have written again", LIMIT + 2 * delay, || {
        let now = stores();
        let mut pairs = now.iter().zip(&stored);
        pairs.all(|(now, before)| now != before).then_some(())
    });
    let after = edit_programs(app);
    assert_eq!(after, before.map(|generation| generation + 1));
    app.down();
    found.join(", ")
}

#[test]
fn k21_a_program_that_reports_no_writes_is_found_by_the_moment_of_its_writes() {
    let delay_ms = 1_500;
    let app = writers(delay_ms);
    let found = assert_all_are_found(&app, delay_ms);
    measurement("K21", &format!("after {delay_ms} ms: {found}"));
}

#[test]
#[ignore = "long: 20 s a generation"]
fn k21_a_write_twenty_seconds_after_ready_is_found_as_a_loop() {
    let delay_ms = 20_000;
    let app = writers(delay_ms);
    let found = assert_all_are_found(&app, delay_ms);
    measurement("K21", &format!("after {delay_ms} ms: {found}"));
}

#[test]
fn k21_a_database_beside_code_is_no_event_per_write() {
    let app = App::new().with_short_timeouts().write(
        "domains/users/domain.mjs",
        "import { DomainBase } from '@fulcrum/domain';\n\
         import { appendFileSync } from 'node:fs';\n\
         export default class Users extends DomainBase {}\n\
         let writes = 0;\n\
         setInterval(() => {\n\
           for (const end of ['', '-wal', '-journal']) appendFileSync(new URL(`./shop.db${end}`, import.meta.url), 'x');\n\
           if (++writes === 20) console.log('wrote enough');\n\
         }, 50);\n",
    );
    app.start_watching();
    wait_until("it has written", LIMIT, || {
        let logs = app.logs("users");
        logs.iter()
            .any(|line| line.message == "wrote enough")
            .then_some(())
    });
    let kinds: Vec<String> = app
        .events()
        .iter()
        .filter(|event| {
            event["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("shop"))
        })
        .map(ToString::to_string)
        .collect();
    assert!(kinds.is_empty(), "{kinds:#?}");
    assert_eq!(app.status("users")["generation"], 1);
    app.down();
}
