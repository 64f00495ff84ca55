//! Section I, row 1: fourteen kinds of cleanup, each complete at every stop and every restart.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fulcrum_e2e::{App, measurement};

/// Domains of these names clean up in that way: they record `begin` and `done`.
const KINDS: [&str; 14] = [
    "async-handler",
    "on-stop",
    "http-request",
    "stream",
    "before-exit",
    "async-disposable",
    "cluster",
    "helper-last",
    "worker-thread",
    "telemetry",
    "database-pool",
    "python",
    "shell-wrapper",
    "npm-run",
];

fn app(kinds: &[&str]) -> App {
    let (collector, database) = (collector(), database());
    let settings = format!(
        "runtime: {{standby: off, defaults: {{start_timeout: 60s, stop: {{grace: 10s}}, env: {{COLLECTOR: \"{collector}\", DATABASE: \"{database}\"}}}}}}\n"
    );
    let app = App::new().write("fulcrum.yml", &settings);
    kinds.iter().fold(app, |app, kind| app.cleanup_domain(kind))
}

/// Responds to each HTTP request after a moment. Ends with the test's process.
fn collector() -> SocketAddr {
    serve(|mut stream| {
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|length| length > 0) {
            thread::sleep(Duration::from_millis(300));
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    })
}

/// Closes each connection a moment after the first byte.
fn database() -> SocketAddr {
    serve(|mut stream| {
        let _ = stream.read(&mut [0]);
        thread::sleep(Duration::from_millis(200));
    })
}

fn serve(respond: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let respond = respond.clone();
            thread::spawn(move || respond(stream));
        }
    });
    address
}

/// What is at work while the domains are stopped.
struct Load {
    threads: Vec<JoinHandle<()>>,
    over: Arc<AtomicBool>,
    /// The responses that began and were cut off.
    lost: Arc<Mutex<Vec<String>>>,
}

impl Load {
    /// Begins what the kinds need, and returns when it has begun.
    fn begin(app: &App, kinds: &[&str], repetition: usize) -> Self {
        let mut load = Self {
            threads: Vec::new(),
            over: Arc::default(),
            lost: Arc::default(),
        };
        for kind in kinds {
            match *kind {
                "http-request" => {
                    load.request(app, kind, false);
                    app.wait_for_event_count(kind, "begin", repetition);
                }
                "cluster" => (0..2).for_each(|_| load.request(app, kind, true)),
                "stream" => drop(
                    app.run(&["domains", "call", kind, "begin_request"])
                        .exits(0),
                ),
                _ => {}
            }
        }
        load
    }

    /// Sends a request, or one after another until the server is closed.
    fn request(&mut self, app: &App, kind: &str, repeat: bool) {
        let (port, kind) = (port(app, kind), kind.to_owned());
        let (over, lost) = (Arc::clone(&self.over), Arc::clone(&self.lost));
        self.threads.push(thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
                    return;
                };
                let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n");
                let mut response = Vec::new();
                let end = stream.read_to_end(&mut response);
                let response = String::from_utf8_lossy(&response);
                if response.contains("begun") && !response.contains("complete") {
                    let text = format!("{kind}: {end:?} after {response:?}");
                    lost.lock().expect("no thread has panicked").push(text);
                }
                if !repeat {
                    return;
                }
            }
        }));
    }

    /// The responses that were cut off.
    fn end(self) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a client does not panic");
        }
        std::mem::take(&mut *self.lost.lock().expect("no thread has panicked"))
    }
}

fn port(app: &App, kind: &str) -> u16 {
    let file = app.scratch_dir().join(format!("activity-log.port.{kind}"));
    let text = fs::read_to_string(file).expect("the domain has written its port");
    text.parse().expect("a port")
}

/// The processes that have recorded anything.
fn pids(app: &App) -> Vec<u32> {
    let entries = app.activity_log().into_iter();
    entries.map(|entry| entry.pid).collect()
}

/// Restarts and stops domains of these kinds, each `repetitions` times. Reports every cleanup that
/// was cut off.
#[track_caller]
fn assert_complete(kinds: &[&str], repetitions: usize) {
    let app = app(kinds);
    app.start();
    let mut failures = Vec::new();
    let mut slowest = Duration::ZERO;
    let verbs = ["restart", "stop"].into_iter();
    let verbs = verbs.flat_map(|verb| std::iter::repeat_n(verb, repetitions));
    for (number, verb) in verbs.enumerate() {
        let load = Load::begin(&app, kinds, number + 1);
        let begun_at = Instant::now();
        app.run(&["domains", verb, "all"]).exits(0);
        if verb == "stop" {
            slowest = slowest.max(begun_at.elapsed());
        }
        let lost = load.end();
        let lost = lost.into_iter();
        failures.extend(lost.map(|text| format!("{verb} {number}: cut off: {text}")));
        for kind in kinds {
            let count = |event| app.event_count(kind, event);
            let (begun, done) = (count("begin"), count("done"));
            if begun < number + 1 || done < begun {
                let exit = app.status(kind)["last_exit"].to_string();
                let took = begun_at.elapsed().as_millis();
                failures.push(format!(
                    "{verb} {number}: {kind}: {done} of {begun} are complete; the {verb} took \
                     {took} ms; {exit}"
                ));
            }
        }
        let file = app.scratch_dir().join("activity-log.stream");
        if kinds.contains(&"stream") && !fs::read(file).is_ok_and(|text| text.ends_with(b"end")) {
            failures.push(format!("{verb} {number}: the file is not complete"));
        }
        if verb == "stop" {
            let left = app.processes().into_iter();
            let left = left.filter(|process| pids(&app).contains(&process.pid));
            let left: Vec<String> = left.map(|process| process.to_string()).collect();
            if !left.is_empty() {
                failures.push(format!("stop {number}: left over: {left:?}"));
            }
            app.run(&["domains", "start", "all"]).exits(0);
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    let text = format!(
        "{} kinds of cleanup complete in {repetitions} of {repetitions} restarts and \
         {repetitions} of {repetitions} stops; the slowest stop of all took {} ms",
        kinds.len(),
        slowest.as_millis()
    );
    measurement("I1", &text);
    app.down();
}

#[test]
fn i01_fourteen_kinds_of_cleanup_are_complete_at_a_restart_and_a_stop() {
    assert_complete(&KINDS, 1);
}

#[test]
#[ignore = "long: 50 restarts and 50 stops of 14 domains"]
fn i01_long_fourteen_kinds_of_cleanup_are_complete_in_fifty_restarts_and_fifty_stops() {
    assert_complete(&KINDS, 50);
}

/// A CommonJS domain that listens to the signal, TypeScript with `onStop`, an ES module with
/// `beforeExit`.
const MODULE_KINDS: [&str; 3] = ["async-handler", "on-stop", "before-exit"];

#[track_caller]
fn wait_for_cleanups(app: &App, kinds: &[&str], times: usize, cause: &str) {
    for kind in kinds {
        app.wait_for_event_count(kind, "done", times);
        assert_eq!(app.event_count(kind, "begin"), times, "{cause}: {kind}");
        app.wait_for(kind, "is ready again", |domain| domain["ready"] == true);
    }
}

#[test]
fn i01_a_cleanup_is_complete_whatever_caused_the_stop() {
    let app = app(&MODULE_KINDS);
    app.start_watching();
    app.write_file(
        "fulcrum.yml",
        "runtime: {defaults: {env: {CHANGED: \"1\"}}}\n",
    );
    wait_for_cleanups(&app, &MODULE_KINDS, 1, "changed settings");
    // Twice, so that the second one hands over to a standby process.
    for times in 2..4 {
        for entry in [
            "async-handler/domain.cjs",
            "on-stop/domain.ts",
            "before-exit/domain.mjs",
        ] {
            let file = app.root().join("domains").join(entry);
            let text = fs::read_to_string(&file).expect("readable");
            fs::write(&file, format!("{text}// {times}\n")).expect("writable");
        }
        wait_for_cleanups(&app, &MODULE_KINDS, times, "changed code");
    }
    app.down();
    for kind in MODULE_KINDS {
        assert_eq!(app.event_count(kind, "done"), 4, "down: {kind}");
    }
}

#[test]
fn i01_a_cleanup_is_complete_with_another_stop_signal_and_over_the_memory_limit() {
    let kinds = ["on-stop", "before-exit", "http-request"];
    let app = app(&kinds).write(
        "fulcrum.yml",
        "runtime: {defaults: {stop: {signal: SIGUSR2}, limits: {memory: 1MiB}}}\n",
    );
    app.run(&["dev", "--detach", "--wait"]).exits(0);
    for kind in ["on-stop", "before-exit"] {
        app.wait_for_event_count(kind, "done", 1);
        let reason = app.wait_for_event(kind, "unhealthy", 1);
        assert!(reason.contains("memory"), "{reason}");
    }
    let load = Load::begin(&app, &["http-request"], 1);
    app.run(&["domains", "stop", "http-request"]).exits(0);
    assert_eq!(load.end(), Vec::<String>::new());
    app.down();
}
