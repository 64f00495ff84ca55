//! A domain without Node, small enough that a test can start hundreds. Its flags make it misbehave:
//! `stub-domain --help` lists them.
//!
//! It registers with the settings in its environment as the SDK does, responds to each request
//! `x_request` with the payload it received, and records its events in the activity log that
//! `TEST_ACTIVITY_LOG` names.

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

/// It exits after this time, even if the test that started it is gone.
const MAX_RUN_TIME: Duration = Duration::from_secs(3600);

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
            tokio::time::sleep(MAX_RUN_TIME).await;
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
    // First, because a stop signal can arrive at once.
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
