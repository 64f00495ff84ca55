//! Whatever happens to a domain: every call ends exactly once, in order, within the limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::route::{Cancelled, Ended, Limits, Refused, Rejection, Route};
use super::slot::{CallId, Outgoing, StreamTraits};
use crate::domain::Outlook;

const LIMITS: Limits = Limits {
    calls: 6,
    bytes: 40,
};

#[derive(Clone, Debug)]
enum Step {
    Submit {
        size: usize,
        may_wait: bool,
    },
    Pull,
    /// The domain responds to the n-th call, which may have ended or be on another stream.
    Respond(usize),
    /// The domain sends a part of its response to the n-th call, whose caller wants more.
    Part(usize),
    /// The domain refuses the n-th call.
    Refuse(usize),
    /// The caller of the n-th call gives up.
    Cancel(usize),
    CancelUnconnected(usize),
    Register {
        drain: bool,
        cancel: bool,
    },
    Drain,
    Abandon,
    End,
    Expect(Outlook),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let call = 0..30_usize;
    let outlook = prop_oneof![
        1 => Just(Outlook::Unknown),
        3 => Just(Outlook::Coming(Duration::from_secs(30))),
        1 => Just(Outlook::NotComing("stopped".into())),
    ];
    let step = prop_oneof![
        8 => (0..20_usize, prop::bool::weighted(0.8))
            .prop_map(|(size, may_wait)| Step::Submit { size, may_wait }),
        8 => Just(Step::Pull),
        5 => call.clone().prop_map(Step::Respond),
        2 => call.clone().prop_map(Step::Part),
        2 => call.clone().prop_map(Step::Refuse),
        2 => call.clone().prop_map(Step::Cancel),
        1 => call.prop_map(Step::CancelUnconnected),
        3 => any::<(bool, bool)>().prop_map(|(drain, cancel)| Step::Register { drain, cancel }),
        1 => Just(Step::Drain),
        1 => Just(Step::Abandon),
        1 => Just(Step::End),
        2 => outlook.prop_map(Step::Expect),
    ];
    prop::collection::vec(step, 0..120)
}

/// The route, and what must be true of it.
struct Model {
    route: Route<usize, CallId>,
    now: Instant,
    stream: u64,
    next: CallId,
    /// Calls that were accepted and have not ended, with their sizes.
    open: BTreeMap<CallId, usize>,
    /// Calls that were sent on the current stream and have not ended.
    sent: BTreeSet<CallId>,
    /// Calls that the domain has refused: these are sent again, out of turn.
    refused: BTreeSet<CallId>,
    last_sent: CallId,
    coming: bool,
}

impl Model {
    fn new() -> Self {
        Self {
            route: Route::new(LIMITS),
            now: Instant::now(),
            stream: 0,
            next: 1,
            open: BTreeMap::new(),
            sent: BTreeSet::new(),
            refused: BTreeSet::new(),
            last_sent: 0,
            coming: false,
        }
    }

    /// Calls end, each of which was open.
    fn end(&mut self, calls: impl IntoIterator<Item = CallId>) {
        for id in calls {
            self.sent.remove(&id);
            assert!(self.open.remove(&id).is_some(), "call {id} ended twice");
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Submit { size, may_wait } => self.submit(size, may_wait),
            Step::Pull => self.pull(),
            Step::Respond(n) => {
                let id = n as CallId;
                let ended = self.route.resolve(self.stream, id);
                assert_eq!(ended.is_some(), self.sent.contains(&id));
                self.end(ended);
            }
            Step::Part(n) => {
                let id = n as CallId;
                let waiter = self.route.waiter(self.stream, id).copied();
                assert_eq!(waiter, self.sent.contains(&id).then_some(id));
                self.route.grant(id, 1);
            }
            Step::Refuse(n) => self.refuse(n as CallId),
            Step::Cancel(n) => {
                let id = n as CallId;
                let was = self.route.cancel(id);
                assert_eq!(was != Cancelled::Ended, self.open.contains_key(&id));
                assert_eq!(
                    matches!(was, Cancelled::InFlight(_)),
                    self.sent.contains(&id)
                );
                self.end((was != Cancelled::Ended).then_some(id));
            }
            Step::CancelUnconnected(n) => {
                let id = n as CallId;
                let cancelled = self.route.cancel_unconnected(id);
                assert!(!cancelled || !self.sent.contains(&id));
                self.end(cancelled.then_some(id));
            }
            Step::Register { drain, cancel } => {
                self.stream += 1;
                let traits = StreamTraits { drain, cancel };
                let lost = self.route.attach(self.stream, traits, self.now);
                self.end_of_stream(lost);
            }
            Step::Drain => {
                let hopeless = self.route.drain(self.stream);
                assert!(hopeless.iter().all(|id| !self.sent.contains(id)));
                self.end(hopeless);
            }
            Step::Abandon => {
                let Ended { in_flight, waiting } = self.route.abandon(self.stream);
                self.end_of_stream(in_flight);
                self.end(waiting);
            }
            Step::End => {
                let Ended { in_flight, waiting } = self.route.detach(self.stream);
                self.end_of_stream(in_flight);
                self.end(waiting);
            }
            Step::Expect(outlook) => {
                self.coming = outlook.is_coming();
                let hopeless = self.route.set_outlook(outlook);
                self.end(hopeless);
            }
        }
    }

    fn submit(&mut self, size: usize, may_wait: bool) {
        let (id, accepts, waiting) = (self.next, self.route.accepts(), self.route.waiting());
        self.next += 1;
        match self.route.submit(id, (size, size, false), may_wait, id) {
            Ok(()) => {
                assert!(accepts || (self.coming && may_wait));
                self.open.insert(id, size);
            }
            Err(Rejection::NotNow) => assert!(!accepts && self.coming && !may_wait),
            Err(Rejection::NotConnected(_)) => assert!(!accepts && !self.coming),
            Err(Rejection::Full { calls, bytes }) => {
                assert_eq!(calls, waiting);
                assert!(calls >= LIMITS.calls || bytes + size > LIMITS.bytes);
            }
        }
    }

    fn pull(&mut self) {
        match self.route.pull(self.stream, self.now) {
            Some(Outgoing::Call(id, size)) => {
                assert_eq!(self.open.get(&id), Some(&size), "only open calls are sent");
                assert!(self.sent.insert(id), "call {id} was sent twice");
                assert!(
                    id > self.last_sent || self.refused.contains(&id),
                    "call {id} was sent after call {}",
                    self.last_sent
                );
                self.last_sent = self.last_sent.max(id);
            }
            Some(Outgoing::Cancel(id)) => {
                assert!(
                    !self.open.contains_key(&id),
                    "only ended calls are cancelled"
                );
            }
            Some(Outgoing::Credit(id, parts)) => {
                assert!(self.sent.contains(&id) && parts > 0, "only calls in flight");
            }
            Some(Outgoing::Event(..)) => panic!("nothing was published"),
            None => assert!(!self.route.has_outgoing()),
        }
    }

    fn refuse(&mut self, id: CallId) {
        let was_sent = self.sent.contains(&id);
        let (refused, hopeless) = self.route.refuse(self.stream, id);
        assert!(hopeless.iter().all(|id| !self.sent.contains(id)));
        self.end(hopeless);
        match refused {
            Refused::Again => {
                assert!(was_sent && self.coming);
                self.sent.remove(&id);
                self.refused.insert(id);
            }
            Refused::Fails(waiter) => {
                assert!(was_sent);
                self.end([waiter]);
            }
            Refused::Unknown => assert!(!was_sent),
        }
    }

    /// All calls that were sent on the stream end with it, and no others.
    fn end_of_stream(&mut self, calls: Vec<CallId>) {
        let ended: BTreeSet<CallId> = calls.iter().copied().collect();
        assert_eq!(ended, self.sent);
        self.end(calls);
    }

    fn check(&self) {
        let waiting = self.open.iter().filter(|(id, _)| !self.sent.contains(id));
        let sizes: Vec<usize> = waiting.map(|(_, size)| *size).collect();
        assert_eq!(self.route.waiting(), sizes.len());
        assert_eq!(self.route.in_flight(self.stream), self.sent.len());
        // A call that was refused was accepted before, and returns whatever waits by now.
        let bytes: usize = sizes.iter().sum();
        let largest = sizes.iter().copied().max().unwrap_or_default();
        let returned = LIMITS.bytes * usize::from(!self.refused.is_empty());
        assert!(bytes <= (LIMITS.bytes + returned).max(largest), "{sizes:?}");
        if !self.route.accepts() && !self.coming {
            assert!(
                sizes.is_empty(),
                "calls wait for a stream that does not come"
            );
        }
    }
}

proptest! {
    #[test]
    fn every_call_ends_exactly_once_in_order_and_within_the_limits(steps in steps()) {
        let mut model = Model::new();
        for step in steps {
            model.apply(step);
            model.check();
        }
        // In the end all are gone.
        model.apply(Step::End);
        model.apply(Step::Expect(Outlook::NotComing("over".into())));
        prop_assert!(model.open.is_empty(), "{:?}", model.open);
    }
}

/// A route with a stream that may refuse calls and is told of cancellations.
fn connected() -> Route<usize, CallId> {
    let mut route = Route::new(LIMITS);
    route.set_outlook(Outlook::Coming(Duration::from_secs(30)));
    let traits = StreamTraits {
        drain: true,
        cancel: true,
    };
    route.attach(1, traits, Instant::now());
    route
}

#[test]
fn a_refused_call_is_sent_to_the_next_stream_before_later_ones() {
    let now = Instant::now();
    let mut route = connected();
    for id in 1..=3 {
        assert_eq!(route.submit(id, (0, 1, false), true, id), Ok(()));
    }
    for id in 1..=2 {
        assert_eq!(route.pull(1, now), Some(Outgoing::Call(id, 0)));
    }
    assert_eq!(route.refuse(1, 2).0, Refused::Again);
    assert_eq!(route.pull(1, now), None, "a draining stream gets no calls");
    assert_eq!(route.resolve(1, 1), Some(1), "but responds to those it has");
    assert_eq!(route.detach(1), Ended::default());
    route.attach(2, StreamTraits::default(), now);
    for id in 2..=3 {
        assert_eq!(route.pull(2, now), Some(Outgoing::Call(id, 0)));
    }
    // This stream has no such capability, so its calls are not kept.
    assert_eq!(route.refuse(2, 2).0, Refused::Fails(2));
}

#[test]
fn only_a_stream_with_the_capability_is_told_of_a_cancelled_call() {
    let now = Instant::now();
    let mut route = connected();
    assert_eq!(route.submit(1, (0, 1, false), true, 1), Ok(()));
    route.pull(1, now);
    assert_eq!(route.cancel(1), Cancelled::InFlight(true));
    assert_eq!(route.pull(1, now), Some(Outgoing::Cancel(1)));
    route.attach(2, StreamTraits::default(), now);
    assert_eq!(route.submit(2, (0, 1, false), true, 2), Ok(()));
    route.pull(2, now);
    assert_eq!(route.cancel(2), Cancelled::InFlight(false));
    assert_eq!(route.pull(2, now), None);
}

#[test]
fn a_stream_is_unread_from_the_last_thing_that_it_was_given() {
    let start = Instant::now();
    let later = start + Duration::from_secs(1);
    let mut route = connected();
    assert_eq!(route.pull(1, start), None);
    assert_eq!(route.submit(1, (0, 1, false), true, 1), Ok(()));
    assert_eq!(route.unread_since(), None, "it has asked for more");
    route.pull(1, later);
    assert_eq!(route.submit(2, (0, 1, false), true, 2), Ok(()));
    assert_eq!(route.unread_since(), Some(later));
    route.pull(1, later);
    assert_eq!(route.unread_since(), None, "nothing waits");
}
