//! TODO

pub mod compare;
pub mod load;
pub mod plan_text;
pub mod reloader;
pub mod request;
pub mod starts;
