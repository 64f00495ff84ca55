//! The events of an instance as a stream.

use std::collections::VecDeque;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::events::event::Event;

/// The events kept in memory, oldest first, and then those that follow.
///
/// A reader that is too slow misses events; the gap shows in [`Event::seq`].
#[derive(Debug)]
pub struct EventStream {
    recent: VecDeque<Event>,
    following: broadcast::Receiver<Event>,
}

impl EventStream {
    pub(super) fn new(recent: VecDeque<Event>, following: broadcast::Receiver<Event>) -> Self {
        Self { recent, following }
    }

    /// Takes the events that were in memory when the stream was created.
    pub fn recent(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.recent.drain(..)
    }

    /// The next event. `None` once the instance has ended.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.recent.pop_front() {
            return Some(event);
        }
        loop {
            match self.following.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
