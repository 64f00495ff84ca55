//! Runs one of Fulcrum's hot paths a given number of times, for `cargo xtask bench instructions`.
//!
//! Two runs with different numbers under `valgrind --tool=callgrind` differ by the instructions of
//! the path alone: what a start and an end take is in both. Programs at the other end of a
//! connection are processes of their own, which valgrind does not follow, so that their work is not
//! counted. Each path runs on one thread where the product lets it.

mod domains;
mod lifecycle;
mod output;
mod peer;
mod watched;

use std::process::ExitCode;

use anyhow::{Context, bail};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hot-paths: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> anyhow::Result<()> {
    let [path, count, rest @ ..] = args else {
        bail!("usage: hot-paths PATH COUNT");
    };
    let count: u32 = count
        .parse()
        .with_context(|| format!("{count} is no count"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match (path.as_str(), rest) {
            ("store", []) => output::store(count).await,
            ("text", []) => output::text(count),
            ("json", []) => output::json(count),
            ("transition", []) => lifecycle::transitions(count).await,
            ("heartbeat", []) => domains::heartbeats(count).await,
            ("call", []) => domains::calls(count).await,
            ("watch", []) => watched::changes(count).await,
            (peer::HEARTBEATS, [address]) => peer::heartbeats(address, count).await,
            (peer::CALLS, [address]) => peer::calls(address, count).await,
            _ => bail!("no path is called {path}"),
        }
    })
}
