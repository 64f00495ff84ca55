//! A domain without Node, small enough that a test may start hundreds, with the bad habits that
//! its flags ask for. `stub-domain --help` lists them.
//!
//! It registers by its environment as the SDK does, answers each request `x_request` with what it
//! was sent, and writes down what it does in the ledger that `TEST_ACTIVITY_LOG` names.

mod exit;
mod flags;
mod activity_log;
mod connection;
mod children;
mod wire;
mod output;

use std::process::ExitCode;
use std::time::Duration;

use flags::{Flags, Role};
use ledger::Ledger;

/// Whatever becomes of the test that started it, it doesn't stay for ever.
const LIFETIME: Duration = Duration::from_secs(3600);

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
            tokio::time::sleep(LIFETIME).await;
            std::process::exit(99);
        });
        match flags.role {
            Role::Domain => domain(flags).await,
            Role::Offspring => offspring::live(&flags).await,
            Role::Forker => offspring::fork(&flags),
        }
    })
}

async fn domain(flags: Flags) -> ExitCode {
    let ledger = Ledger::of_environment(&flags);
    ledger.spawned();
    // Before anything else may wait: a stop can come at once.
    ending::on_signals(&flags, &ledger);
    ending::at_times(&flags);
    offspring::beget(&flags, &ledger);
    let _memory = tokio::spawn(offspring::hold(flags.rss_after, flags.rss));
    if flags.flood > 0 {
        tokio::spawn(offspring::flood(flags.flood));
    }
    words::say(&flags, &ledger);
    link::keep(&flags, &ledger).await;
    ExitCode::SUCCESS
}
