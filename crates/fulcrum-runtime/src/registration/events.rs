//! What happens on domains' streams, turned into facts and words.

use std::time::Duration;

use fulcrum_logs::Level;
use fulcrum_rpc::{Beat, DomainEvent};
use fulcrum_spawn::lifecycle::Fact;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::context::{Shared, now};
use crate::liveness::task::{Lives, Stream};
use crate::readiness::probes;

/// Carries the news until the registry is gone.
pub(crate) async fn carry(house: Shared, mut events: mpsc::UnboundedReceiver<DomainEvent>) {
    let mut lives = Lives::new(Shared::clone(&house));
    while let Some(event) = events.recv().await {
        hear(&house, &mut lives, event);
    }
}

fn hear(house: &Shared, lives: &mut Lives, event: DomainEvent) {
    match event {
        DomainEvent::Registered {
            domain,
            generation,
            own: true,
            activity,
            capabilities,
            ..
        } => {
            if let Some(desk) = house.desks.get(&domain) {
                desk.registered.send_replace(generation);
            }
            let stream = Stream::new(generation, activity, &capabilities);
            lives.registered(&domain, stream);
            report(house, &domain, generation, Fact::Ready);
            serving(house, &domain, true);
            house.tell_health();
            // Whoever was started again was edited, has crashed or is being worked on.
            if generation > 1 {
                house.standby.warm(&domain);
            }
        }
        DomainEvent::Registered {
            domain,
            pid,
            own: false,
            ..
        } => {
            let who = pid.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
            let text = format!("{who}, which fulcrum did not start, registered as {domain}");
            house.hub.announce(&domain, 0, Level::Warn, text, now());
        }
        DomainEvent::Disconnected {
            domain,
            generation,
            end,
            cause,
            ..
        } => {
            lives.ended(&domain, generation, end);
            serving(house, &domain, false);
            house.tell_health();
            if let Some(handle) = house.supervisor.domain(&domain) {
                let lives = handle.snapshot().ready;
                let text = format!("its stream ended: {cause}");
                report(house, &domain, generation, Fact::NotReady(text.clone()));
                if lives {
                    house
                        .hub
                        .announce(&domain, generation, Level::Debug, text, now());
                }
            }
        }
        DomainEvent::Refused {
            domain,
            peer,
            pid,
            reason,
            more,
            ..
        } => {
            let who = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
            let more = match more {
                0 => String::new(),
                more => format!(" ({more} more since the last that was told)"),
            };
            let text = format!("a registration from {peer}{who} was refused: {reason}{more}");
            let whom = if house.domain(&domain).is_some() {
                &domain
            } else {
                fulcrum_logs::FULCRUM
            };
            house.journal.note(whom, 0, "registration_refused", &text);
            house.hub.announce(whom, 0, Level::Warn, text, now());
        }
        DomainEvent::Heartbeat {
            domain,
            generation,
            beat,
        } => {
            let lag = lag(&beat);
            lives.beat(&domain, generation, lag);
            if let Some(desk) = house.desks.get(&domain) {
                desk.last_beat.send_replace(Some(Instant::now()));
                desk.lag.send_replace(Some(lag));
            }
        }
        DomainEvent::Congestion {
            domain,
            generation,
            waiting,
        } => {
            serving(house, &domain, waiting == 0);
            let fact = match waiting {
                0 => Fact::Ready,
                waiting => Fact::NotReady(format!(
                    "it doesn't read its stream: {waiting} messages wait"
                )),
            };
            report(house, &domain, generation, fact);
        }
    }
}

/// Tells health checks of what a domain's stream says, where that is what counts.
fn serving(house: &Shared, domain: &str, serves: bool) {
    if probes::instead(&house.agenda(), domain, Fact::Ready) == Some(Fact::Ready) {
        house.registry.set_serving(Some(domain), serves);
    }
}

/// Reports what a domain's stream says of its readiness, likewise.
fn report(house: &Shared, domain: &str, generation: u64, fact: Fact) {
    let handle = house.supervisor.domain(domain);
    if let (Some(handle), Some(fact)) = (handle, probes::instead(&house.agenda(), domain, fact)) {
        handle.report(generation, fact);
    }
}

/// What a domain says of itself may be anything.
fn lag(beat: &Beat) -> Duration {
    let seconds = beat.event_loop_lag_ms / 1000.0;
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
