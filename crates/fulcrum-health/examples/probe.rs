//! A probe with backoff: waits until a server is up, notices its failure, and decides when it is
//! restarted. The server is a thread of this program.
//!
//! `cargo run -p fulcrum-health --example probe`

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use fulcrum_health::{
    Failure, GenerationEnd, ProbeChange, ProbeConfig, ProbeMonitor, RestartPolicy, RestartTracker,
    Verdict,
};

const CONFIG: ProbeConfig = ProbeConfig {
    interval: Duration::from_millis(50),
    timeout: Duration::from_millis(20),
    failures: 2,
    successes: 1,
    startup_grace: Duration::from_secs(2),
};

#[expect(
    clippy::disallowed_methods,
    reason = "the example is the driver: it reads the clock and waits"
)]
fn main() -> io::Result<()> {
    let mut out = io::stdout();
    let policy = RestartPolicy {
        budget: 2,
        ..RestartPolicy::default()
    };
    let mut tracker = RestartTracker::new(policy, 7).map_err(io::Error::other)?;
    loop {
        let server = Server::start()?;
        let mut monitor = ProbeMonitor::new(CONFIG, Instant::now());
        loop {
            thread::sleep(monitor.due().saturating_duration_since(Instant::now()));
            let change = match TcpStream::connect_timeout(&server.address, CONFIG.timeout) {
                Ok(_) => monitor.record_success(Instant::now()),
                Err(_) => monitor.record_failure(Instant::now()),
            };
            match change {
                ProbeChange::None => {}
                ProbeChange::Up => writeln!(out, "up")?,
                ProbeChange::Down => {
                    writeln!(out, "down after {} failures", monitor.failures())?;
                    break;
                }
            }
        }
        let end = GenerationEnd {
            failure: Some(Failure::LivenessProbeFailed),
            was_ready: true,
            ..GenerationEnd::default()
        };
        match tracker.on_exit(&end, Instant::now()) {
            Verdict::Restart { after, .. } => {
                writeln!(out, "{end}: {}", tracker.budget_status())?;
                thread::sleep(after);
            }
            Verdict::GiveUp { reason } => return writeln!(out, "{reason}"),
            Verdict::Stay => return Ok(()),
        }
    }
}

/// A server that listens after a while, accepts three connections and fails.
struct Server {
    address: SocketAddr,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "a slow start")]
    fn start() -> io::Result<Self> {
        // Reserves a port; the probe fails until it is bound again.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(150));
            let listener = TcpListener::bind(address)?;
            for _ in 0..3 {
                listener.accept()?;
            }
            io::Result::Ok(())
        });
        Ok(Self { address })
    }
}
