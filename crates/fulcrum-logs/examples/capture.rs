//! Captures the output of child processes, rotates the store, and queries lines in memory and on
//! disk.
//!
//! `cargo run -p fulcrum-logs --example capture`

use std::io::{self, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use fulcrum_logs::store::{RetentionLimits, StoreQuery, StoreReader};
use fulcrum_logs::{
    Hub, HubConfig, Level, LineRenderer, LogQuery, PumpCounters, Source, Store, Stream, Style,
    pump, to_json,
};

/// Writes to both streams; the last line has no end.
const SCRIPT: &str = "for i in 1 2 3 4 5 6 7 8 9 10; do echo \"INFO request $i done\"; done; \
                      echo 'Error: connection lost' >&2; printf 'an unfinished line'";

/// Small segments, to show rotation.
const LIMITS: RetentionLimits = RetentionLimits {
    file_bytes: 256,
    files: 3,
    age: Duration::from_secs(3600),
    total_bytes: 1024 * 1024,
    compress: true,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    let (store, _events) = Store::open(dir.path().to_owned(), LIMITS)?;
    let hub = Hub::with_store(HubConfig::default(), &store);
    let counters = PumpCounters::default();
    for generation in 1..=5 {
        capture(&hub, generation, &counters).await?;
    }

    let mut terminal = io::stdout();
    let (lines, bytes) = (counters.lines(), counters.bytes());
    writeln!(
        terminal,
        "{lines} lines, {bytes} bytes. The newest in memory:"
    )?;
    let newest = LogQuery {
        tail: Some(3),
        ..LogQuery::default()
    };
    let mut renderer = LineRenderer::new(Style::default());
    for line in hub.tail(&newest) {
        terminal.write_all(&renderer.render(&line))?;
    }

    if !store.close(Duration::from_secs(5)) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let reader = StoreReader::open(dir.path())?;
    let stored = reader.count(&StoreQuery::default());
    writeln!(
        terminal,
        "{stored} lines on disk after rotation. The last error:"
    )?;
    let errors = StoreQuery {
        query: LogQuery {
            level: Some(Level::Error),
            tail: Some(1),
            ..LogQuery::default()
        },
        ..StoreQuery::default()
    };
    for error in reader.read(&errors) {
        writeln!(terminal, "{}", to_json(&error.line))?;
    }
    Ok(())
}

/// Runs a child to its end and publishes its output.
#[expect(
    clippy::disallowed_methods,
    reason = "the example starts its own children"
)]
async fn capture(hub: &Hub, generation: u64, counters: &PumpCounters) -> io::Result<()> {
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", SCRIPT])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let source = Source {
        domain: Arc::from("users"),
        generation,
        pid: child.id().unwrap_or_default(),
    };
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("no pipes"));
    };
    let (out, err) = tokio::join!(
        pump(stdout, hub, source.clone(), Stream::Stdout, counters),
        pump(stderr, hub, source, Stream::Stderr, counters),
    );
    out.and(err)?;
    let status = child.wait().await?;
    hub.log(Level::Info, format!("generation {generation}: {status}"));
    Ok(())
}
