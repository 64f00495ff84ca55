//! The full-screen view: a thin driver around the model. It is a client of the control API.

mod frame_writer;
mod log_feed;
mod once;
mod pace;
mod painter;
mod run;
mod session;

pub use once::{OnceOptions, once};
pub(crate) use run::window_size;
pub use run::{TopEnd, TopOptions, run};
pub(crate) use session::act;
