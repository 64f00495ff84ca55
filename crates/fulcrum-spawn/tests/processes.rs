//! Properties that only real processes in real time show.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fulcrum_spawn::process::{
    Process, ProcessOutput, ProcessTracker, Spawner, members, signal_number,
};
use fulcrum_spawn::{CommandSpec, ExitReport, StartError, TerminalSize};
use tokio::io::AsyncReadExt;
use tokio::runtime::Runtime;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(10);

fn shell(script: &str) -> CommandSpec {
    command("/bin/sh", &["-c", script])
}

fn command(program: &str, args: &[&str]) -> CommandSpec {
    CommandSpec {
        terminal: None,
        program: program.into(),
        args: args.iter().map(OsString::from).collect(),
        cwd: "/".into(),
        env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        runner: "test".into(),
    }
}

/// One spawner for all tests of this program, since it treats every other child as an orphan. Its
/// runtime outlives the tests.
fn spawner() -> &'static Spawner {
    static SPAWNER: LazyLock<(Runtime, Spawner)> = LazyLock::new(|| {
        let runtime = Runtime::new().expect("a runtime");
        // By groups and orphans only: the name is not valid for a cgroup.
        let tracker = ProcessTracker::open("no/cgroup", "TOKEN");
        let spawner = runtime.block_on(async { Spawner::start(tracker) });
        (runtime, spawner.expect("a thread"))
    });
    &SPAWNER.1
}

async fn spawn(spec: CommandSpec) -> Result<Process, StartError> {
    static GENERATIONS: AtomicU32 = AtomicU32::new(1);
    let generation = GENERATIONS.fetch_add(1, Ordering::Relaxed);
    // The first use blocks, which a test's own runtime does not allow.
    let spawner = tokio::task::spawn_blocking(spawner).await.expect("started");
    spawner.spawn(spec, format!("test.{generation}")).await
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future)
        .await
        .unwrap_or_else(|_| panic!("{what} took over {LIMIT:?}"))
}

/// Reads until a text, so that the test knows how far the script is.
async fn wait_for_output(process: &Process, expected: &str) {
    let (mut stdout, _stderr) = process.take_output().expect("not taken yet");
    let mut text = String::new();
    while !text.contains(expected) {
        let mut chunk = [0; 256];
        let count = within("output", stdout.read(&mut chunk))
            .await
            .expect("readable");
        assert!(count > 0, "ended after {text:?}");
        text.push_str(&String::from_utf8_lossy(&chunk[..count]));
    }
}

#[tokio::test]
async fn exit_codes_and_signals_are_distinguished() {
    for (script, report) in [
        (
            "exit 0",
            ExitReport {
                code: Some(0),
                signal: None,
            },
        ),
        (
            "exit 137",
            ExitReport {
                code: Some(137),
                signal: None,
            },
        ),
        (
            "kill -KILL $$",
            ExitReport {
                code: None,
                signal: Some(9),
            },
        ),
        (
            "kill -SEGV $$",
            ExitReport {
                code: None,
                signal: Some(11),
            },
        ),
    ] {
        let process = spawn(shell(script)).await.expect("starts");
        assert_eq!(
            within("the exit", process.exited()).await,
            report,
            "{script}"
        );
        within("the empty group", process.group_empty()).await;
    }
}

#[tokio::test]
async fn the_group_outlives_its_leader_and_a_signal_still_reaches_it() {
    let process = spawn(shell(
        "(trap '' TERM; echo trapped; while :; do sleep 100; done) & exit 3",
    ))
    .await
    .expect("starts");
    wait_for_output(&process, "trapped").await;
    assert_eq!(within("the exit", process.exited()).await.code, Some(3));
    assert!(
        !members(process.pid()).is_empty(),
        "the grandchild is running"
    );
    process.signal(signal_number("SIGTERM").expect("known"));
    let early = timeout(Duration::from_millis(300), process.group_empty()).await;
    assert!(early.is_err(), "it ignores SIGTERM");
    process.signal(signal_number("SIGKILL").expect("known"));
    within("the empty group", process.group_empty()).await;
    assert!(members(process.pid()).is_empty());
}

#[tokio::test]
async fn a_stopped_process_can_be_terminated() {
    let process = spawn(shell("echo up; sleep 100")).await.expect("starts");
    wait_for_output(&process, "up").await;
    process.signal(signal_number("SIGTERM").expect("known"));
    assert_eq!(within("the exit", process.exited()).await.signal, Some(15));
    within("the empty group", process.group_empty()).await;
}

#[tokio::test]
async fn a_dropped_process_takes_its_group_with_it() {
    let process = spawn(shell("sleep 100 & echo up; sleep 100"))
        .await
        .expect("starts");
    wait_for_output(&process, "up").await;
    let group = process.pid();
    assert!(!members(group).is_empty());
    drop(process);
    within("the empty group", async {
        while !members(group).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_environment_is_exactly_what_was_given_and_only_three_files_are_open() {
    let mut spec = shell(
        "env | sort | grep -v '^\\(PWD\\|_\\|SHLVL\\|OLDPWD\\)='; echo fds:$(exec ls /proc/self/fd | tr '\\n' ' ')",
    );
    spec.env.insert("ONLY".into(), "this".into());
    let process = spawn(spec).await.expect("starts");
    let (mut stdout, _stderr) = process.take_output().expect("not taken yet");
    let mut text = String::new();
    within("the output", stdout.read_to_string(&mut text))
        .await
        .expect("readable");
    // ls itself opens the directory it lists, as descriptor 3.
    assert_eq!(text, "ONLY=this\nPATH=/usr/bin:/bin\nfds:0 1 2 3\n");
    within("the exit", process.exited()).await;
    within("the empty group", process.group_empty()).await;
}

/// The whole output of a process that ends.
async fn output(spec: CommandSpec) -> String {
    let process = spawn(spec).await.expect("starts");
    let (mut stdout, _stderr) = process.take_output().expect("not taken yet");
    let mut text = String::new();
    within("the output", stdout.read_to_string(&mut text))
        .await
        .expect("readable");
    within("the exit", process.exited()).await;
    within("the empty group", process.group_empty()).await;
    text
}

#[tokio::test]
async fn no_signal_is_blocked_or_ignored_or_handled_at_first() {
    // This program ignores SIGPIPE, and handles SIGCHLD for the spawner.
    let status = output(command("/bin/cat", &["/proc/self/status"])).await;
    let masks: Vec<&str> = status
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| ["SigBlk", "SigIgn", "SigCgt"].contains(name))
        .map(|(_, mask)| mask.trim())
        .collect();
    assert_eq!(masks, ["0000000000000000"; 3], "{status}");
}

#[tokio::test]
async fn many_large_arguments_reach_the_program() {
    let argument = "x".repeat(100);
    let script = "echo $# ${#1} ${#VALUE}";
    let mut arguments = vec!["-c", script, "sh"];
    arguments.extend(std::iter::repeat_n(argument.as_str(), 5_000));
    let mut spec = command("/bin/sh", &arguments);
    spec.env.insert("VALUE".into(), "v".repeat(100_000).into());
    assert_eq!(output(spec).await, "5000 100 100000\n");
}

#[tokio::test]
async fn an_executable_text_is_run_by_a_shell() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = dir.path().join("run");
    std::fs::write(&script, "echo run by $0 with $1\n").expect("written");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("chmod");
    let path = script.to_str().expect("utf-8");
    assert_eq!(
        output(command(path, &["one"])).await,
        format!("run by {path} with one\n")
    );
}

#[tokio::test]
async fn many_start_at_once_while_signals_arrive() {
    let signals = tokio::spawn(async {
        loop {
            rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::CHILD,
            )
            .expect("sent");
            tokio::task::yield_now().await;
        }
    });
    let starts = (0..100).map(|index| tokio::spawn(output(shell(&format!("echo {index}")))));
    for (index, started) in starts.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(started.await.expect("no panic"), format!("{index}\n"));
    }
    signals.abort();
}

#[tokio::test]
async fn spawn_failures_are_distinguished() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = dir.path().join("run");
    std::fs::write(&script, "#!/no/such/interpreter\n").expect("written");
    let path = script.to_str().expect("utf-8");

    let failure = spawn(command(path, &[])).await.expect_err("not executable");
    assert!(
        failure.permanent && failure.message.contains("is not executable"),
        "{failure}"
    );

    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("chmod");
    let failure = spawn(command(path, &[])).await.expect_err("no interpreter");
    assert!(
        failure.permanent && failure.message.contains("interpreter"),
        "{failure}"
    );

    let failure = spawn(command("/no/such/program", &[]))
        .await
        .expect_err("missing");
    assert!(
        failure.permanent && failure.message.contains("does not exist"),
        "{failure}"
    );

    let mut spec = shell("exit 0");
    spec.cwd = "/no/such/directory".into();
    let failure = spawn(spec).await.expect_err("no directory");
    assert!(failure.message.contains("working directory"), "{failure}");
}

/// The output of a process with a pseudo-terminal, until no process has it open any more.
async fn terminal_output(process: &Process) -> Vec<u8> {
    let Some(ProcessOutput::Terminal(mut reader)) = process.take_any_output() else {
        panic!("a terminal");
    };
    let mut output = Vec::new();
    within("the end of the output", reader.read_to_end(&mut output))
        .await
        .expect("readable");
    output
}

fn in_terminal(script: &str) -> CommandSpec {
    CommandSpec {
        terminal: Some(TerminalSize {
            columns: 90,
            rows: 30,
        }),
        ..shell(script)
    }
}

#[tokio::test]
async fn a_pseudo_terminal_is_one_stream_with_a_size_and_the_bytes_as_written() {
    let script = "if [ -t 0 ] || [ ! -t 1 ] || [ ! -t 2 ]; then exit 7; fi; \
                  printf 'out\\n'; printf 'err\\r\\n' >&2; stty size <&1; printf end";
    let process = spawn(in_terminal(script)).await.expect("starts");
    let output = terminal_output(&process).await;
    assert_eq!(String::from_utf8_lossy(&output), "out\nerr\r\n30 90\nend");
    within("the group's end", process.group_empty()).await;
}

#[tokio::test]
async fn a_flood_through_a_pseudo_terminal_is_complete() {
    let process = spawn(in_terminal("seq 1 300000")).await.expect("starts");
    let output = terminal_output(&process).await;
    assert_eq!(
        output.iter().filter(|byte| **byte == b'\n').count(),
        300_000
    );
    assert!(output.ends_with(b"\n300000\n"));
    within("the group's end", process.group_empty()).await;
}

#[tokio::test]
async fn a_pseudo_terminal_ends_with_the_last_process_of_the_tree() {
    let process = spawn(in_terminal("(sleep 0.3; echo late) & echo first"))
        .await
        .expect("starts");
    within("the exit", process.exited()).await;
    assert_eq!(terminal_output(&process).await, b"first\nlate\n");
    within("the group's end", process.group_empty()).await;
}

/// It is no session of its own, and its terminal controls nothing: a background process may set
/// modes without being stopped, and Ctrl-C as a byte is no signal.
#[tokio::test]
async fn a_pseudo_terminal_is_not_the_controlling_terminal() {
    let script = "stty -echo <&1; \
                  cut -d' ' -f5-7 /proc/$$/stat; kill -TERM $$; echo survived";
    let process = spawn(in_terminal(script)).await.expect("starts");
    let output = terminal_output(&process).await;
    let text = String::from_utf8_lossy(&output);
    let own = std::fs::read_to_string("/proc/self/stat").expect("readable");
    let own: Vec<&str> = own[own.rfind(')').expect("a name")..]
        .split(' ')
        .skip(4)
        .take(2)
        .collect();
    // Its group is its own; session and terminal are those of this program.
    let expected = format!("{} {} {}\n", process.pid(), own[0], own[1]);
    assert_eq!(text, expected);
    let exit = within("the exit", process.exited()).await;
    assert_eq!(exit.signal, Some(15));
    within("the group's end", process.group_empty()).await;
}
