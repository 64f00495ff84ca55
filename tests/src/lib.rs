//! A harness for end-to-end tests: the `fulcrum` binary, real Node processes, real gRPC.
//!
//! # Theory of operation
//! [`App`] is a temporary app folder, made of folders under `tests/fixtures/domains` that are named
//! for their misbehaviour. Every `fulcrum` it runs, and so every process below one, carries a tag in
//! its environment and is in the test's folder; by these [`App::processes`] finds what is alive,
//! and what a test leaves behind is killed when its app is dropped. No other process is ever signalled.
//!
//! A test never sleeps: it waits for what it needs with [`wait_until`], under [`LIMIT`], which is
//! generous, because a slow machine is no defect. A claim about order or number is checked against
//! what the domains wrote down themselves, in the [`activity_log`].
//!
//! [`App::run`] runs a command to its end; [`App::start`] leaves it in the foreground, as in a
//! terminal, to be signalled. [`App::stub_domain`] is a domain without Node, for many at once and for
//! manners that no Node program has. [`raw`] speaks to the gRPC port as somebody with bad manners.
//!
//! The binary is the one beside the test's own executable ([`binary`]). Nothing here is about how
//! Fulcrum works inside: only what a user or another program can see.

mod app;
mod binary;
mod command;
mod random;
mod foreground;
pub mod activity_log;
mod lines;
mod nodes;
mod process;
pub mod raw;
mod report;
mod terminal_session;
mod shell;
mod attack;
mod stubs;
mod usage;
mod view;
mod wait;

pub use app::App;
pub use binary::{binary, is_optimized, stub};
pub use command::{Output, Run};
pub use random::SeededRandom;
pub use foreground::Foreground;
pub use activity_log::Entry;
pub use lines::{Line, json_lines, text_of};
pub use nodes::{Nodes, nodes};
pub use process::{Process, Signal};
pub use report::{measurement, not_applicable};
pub use session::{CTRL_C, CTRL_Z, TerminalSession, TerminalStep};
pub use usage::{Usage, quantile};
pub use wait::{LIMIT, wait_until};
