//! A domain without Node, small enough that a test may start hundreds, with the bad habits that
//! its flags ask for. `stub-domain --help` lists them.
//!
//! It registers by its environment as the SDK does, answers each request `x_request` with what it
//! was sent, and writes down what it does in the ledger that `TEST_ACTIVITY_LOG` names.

mod activity_log;
mod children;
mod connection;
mod exit;
mod flags;
mod output;
mod wire;

use std::process::ExitCode;
use std::time::Duration;

use activity_log::ActivityLog;
use flags::{Flags, Role};

/// Whatever becomes of the test that started it, it doesn't stay for ever.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

fn main() -> ExitCode {
    let flags = match Flags::parse(std::env::args().skip(1)) {
        Ok(flags) => flags,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async move {
        tokio::spawn(async {
            tokio::time::sleep(MAX_LIFETIME).await;
            std::process::exit(99);
        });
        match flags.role {
            Role::Domain => run_domain(flags).await,
            Role::Child => children::run_child(&flags).await,
            Role::DoubleFork => children::double_fork(&flags),
        }
    })
}

async fn run_domain(flags: Flags) -> ExitCode {
    let activity_log = ActivityLog::from_environment(&flags);
    activity_log.record_spawn();
    // Before anything else may wait: a stop can come at once.
    exit::handle_signals(&flags, &activity_log);
    exit::schedule_from_start(&flags);
    children::spawn_children(&flags, &activity_log);
    let _memory = tokio::spawn(children::hold_memory(flags.rss_after, flags.rss));
    if flags.flood > 0 {
        tokio::spawn(children::write_flood(flags.flood));
    }
    output::write_output(&flags, &activity_log);
    connection::run(&flags, &activity_log).await;
    ExitCode::SUCCESS
}
