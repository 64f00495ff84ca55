//! Reads the facts. Nothing is changed.

mod all;
mod app;
mod domains;
mod files;
mod limits;
mod machine;
mod request;

pub use all::gather;
pub use request::Request;
