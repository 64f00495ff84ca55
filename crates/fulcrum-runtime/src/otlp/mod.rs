//! TODO

pub mod export;
pub mod outage;
pub mod record;
pub mod sender;
