//! Notifications by webhook: what went wrong, to whom the app's owner wants it to be told.
//!
//! A [`Notifier`] has a queue of bounded length for each receiver, and tries each notification a few
//! times. A receiver that fails or is slow delays and harms nothing else; that it fails is reported
//! once, until it works again.
//!
//! The signature is that of [Standard Webhooks](https://www.standardwebhooks.com), for which there are
//! libraries in many languages.

mod client;
mod error;
mod message;
mod notifier;
mod retry;
mod signature;
#[cfg(test)]
mod tests;
mod tls;
mod webhook;
mod worker;

pub use message::{BodyFormat, Notification};
pub use notifier::Notifier;
pub use webhook::Webhook;
pub use worker::WebhookReport;
