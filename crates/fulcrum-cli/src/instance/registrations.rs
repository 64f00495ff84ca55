//! What happens on domains' streams, turned into facts and words.

use fulcrum_logs::Level;
use fulcrum_rpc::DomainEvent;
use fulcrum_spawn::lifecycle::Fact;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::house::{Shared, now};

/// Carries the news until the registry is gone.
pub(crate) async fn carry(house: Shared, mut events: mpsc::UnboundedReceiver<DomainEvent>) {
    while let Some(event) = events.recv().await {
        hear(&house, event);
    }
}

fn hear(house: &Shared, event: DomainEvent) {
    match event {
        DomainEvent::Registered {
            domain,
            generation,
            own: true,
            ..
        } => {
            if let Some(desk) = house.desks.get(&domain) {
                desk.registered.send_replace(generation);
            }
            if let Some(handle) = house.supervisor.domain(&domain) {
                handle.report(generation, Fact::Ready);
            }
            house.registry.set_serving(Some(&domain), true);
            house.tell_health();
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
            cause,
            ..
        } => {
            house.registry.set_serving(Some(&domain), false);
            house.tell_health();
            if let Some(handle) = house.supervisor.domain(&domain) {
                let lives = handle.snapshot().ready;
                let text = format!("its stream ended: {cause}");
                handle.report(generation, Fact::NotReady(text.clone()));
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
            reason,
            ..
        } => {
            let text = format!("a registration from {peer} was refused: {reason}");
            let whom = if house.domain(&domain).is_some() {
                &domain
            } else {
                fulcrum_logs::FULCRUM
            };
            house.hub.announce(whom, 0, Level::Warn, text, now());
        }
        DomainEvent::Heartbeat { domain, .. } => beat(house, &domain),
    }
}

fn beat(house: &Shared, domain: &str) {
    if let Some(desk) = house.desks.get(domain) {
        desk.last_beat.send_replace(Some(Instant::now()));
    }
}
