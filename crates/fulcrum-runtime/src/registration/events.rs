//! What happens on domains' streams, turned into facts and words.

use std::time::Duration;

use fulcrum_logs::Level;
use fulcrum_rpc::{DomainEvent, HeartbeatPayload};
use fulcrum_spawn::lifecycle::Fact;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::context::{SharedContext, now};
use crate::liveness::task::{LivenessTasks, RegisteredStream};
use crate::readiness::probes;

/// Carries the news until the registry is gone.
pub(crate) async fn run(house: SharedContext, mut events: mpsc::UnboundedReceiver<DomainEvent>) {
    let mut lives = LivenessTasks::new(SharedContext::clone(&house));
    while let Some(event) = events.recv().await {
        handle_event(&house, &mut lives, event);
    }
}

fn handle_event(house: &SharedContext, lives: &mut LivenessTasks, event: DomainEvent) {
    match event {
        DomainEvent::Registered {
            domain,
            generation,
            managed: true,
            activity,
            capabilities,
            ..
        } => {
            if let Some(desk) = house.desks.get(&domain) {
                desk.registered_generation.send_replace(generation);
            }
            let stream = RegisteredStream::new(generation, activity, &capabilities);
            lives.registered(&domain, stream);
            report_fact(house, &domain, generation, Fact::Ready);
            set_serving(house, &domain, true);
            house.update_serving_status();
            // Whoever was started again was edited, has crashed or is being worked on.
            if generation > 1 {
                house.standby.prepare(&domain);
            }
        }
        DomainEvent::Registered {
            domain,
            pid,
            managed: false,
            ..
        } => {
            let who = pid.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
            let text = format!("{who}, which fulcrum did not start, registered as {domain}");
            house
                .hub
                .publish_event(&domain, 0, Level::Warn, text, now());
        }
        DomainEvent::Disconnected {
            domain,
            generation,
            end,
            cause,
            ..
        } => {
            lives.ended(&domain, generation, end);
            set_serving(house, &domain, false);
            house.update_serving_status();
            if let Some(handle) = house.supervisor.domain(&domain) {
                let lives = handle.snapshot().ready;
                let text = format!("its stream ended: {cause}");
                report_fact(house, &domain, generation, Fact::NotReady(text.clone()));
                if lives {
                    house
                        .hub
                        .publish_event(&domain, generation, Level::Debug, text, now());
                }
            }
        }
        DomainEvent::RegistrationRejected {
            domain,
            peer,
            pid,
            reason,
            suppressed,
            ..
        } => {
            let who = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
            let more = match suppressed {
                0 => String::new(),
                more => format!(" ({more} more since the last that was told)"),
            };
            let text = format!("a registration from {peer}{who} was refused: {reason}{more}");
            let whom = if house.domain(&domain).is_some() {
                &domain
            } else {
                fulcrum_logs::FULCRUM_SOURCE
            };
            house.journal.record(whom, 0, "registration_refused", &text);
            house.hub.publish_event(whom, 0, Level::Warn, text, now());
        }
        DomainEvent::Heartbeat {
            domain,
            generation,
            heartbeat,
        } => {
            let lag = lag(&heartbeat);
            lives.beat(&domain, generation, lag);
            if let Some(desk) = house.desks.get(&domain) {
                desk.last_heartbeat.send_replace(Some(Instant::now()));
                desk.event_loop_lag.send_replace(Some(lag));
            }
        }
        DomainEvent::Backpressure {
            domain,
            generation,
            waiting,
        } => {
            set_serving(house, &domain, waiting == 0);
            let fact = match waiting {
                0 => Fact::Ready,
                waiting => Fact::NotReady(format!(
                    "it doesn't read its stream: {waiting} messages wait"
                )),
            };
            report_fact(house, &domain, generation, fact);
        }
    }
}

/// Tells health checks of what a domain's stream says, where that is what counts.
fn set_serving(house: &SharedContext, domain: &str, serves: bool) {
    if probes::map_stream_fact(&house.agenda(), domain, Fact::Ready) == Some(Fact::Ready) {
        house.registry.set_serving(Some(domain), serves);
    }
}

/// Reports what a domain's stream says of its readiness, likewise.
fn report_fact(house: &SharedContext, domain: &str, generation: u64, fact: Fact) {
    let handle = house.supervisor.domain(domain);
    if let (Some(handle), Some(fact)) = (
        handle,
        probes::map_stream_fact(&house.agenda(), domain, fact),
    ) {
        handle.report(generation, fact);
    }
}

/// What a domain says of itself may be anything.
fn lag(beat: &HeartbeatPayload) -> Duration {
    let seconds = beat.event_loop_lag_ms / 1000.0;
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
