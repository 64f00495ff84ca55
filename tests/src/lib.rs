//! A harness for end-to-end tests: the `fulcrum` binary, real Node processes, real gRPC.
//!
//! # Theory of operation
//! [`App`] is a temporary app directory, made of fixtures in `tests/fixtures/domains` that are named
//! for their misbehavior. Every `fulcrum` that it runs, and so every process below one, carries a
//! tag in its environment and runs in the test's directory. By these [`App::processes`] finds the
//! live processes of a test. They are killed when the app is dropped. No other process is ever
//! signaled.
//!
//! A test waits for a condition with [`wait_until`], under [`LIMIT`], which is generous, because a
//! slow machine is not an error. A claim about order or number is checked against what the domains
//! recorded about themselves, in the [`activity_log`].
//!
//! [`App::run`] runs a command until it exits; [`App::spawn`] leaves it in the foreground, as in a
//! terminal, to be signaled. [`App::stub_domain`] is a domain without Node, for many domains at once
//! and for behavior that no Node program has. [`raw`] sends malformed or excessive data to the gRPC
//! port.
//!
//! The binary is the one beside the test's own executable ([`binary`]). The harness observes only
//! what a user or another program can see of Fulcrum.

pub mod activity_log;
mod app;
mod attack;
mod binary;
mod command;
mod foreground;
mod http;
mod lines;
mod nodes;
mod pace;
mod process;
mod random;
pub mod raw;
mod report;
mod shell;
mod stubs;
mod terminal_session;
mod tmux;
mod usage;
mod view;
mod wait;

pub use activity_log::Entry;
pub use app::App;
pub use binary::{binary, is_optimized, load_client, stub};
pub use command::{CommandRun, Output};
pub use foreground::Foreground;
pub use http::{HttpAnswer, WebhookReceiver, http_get};
pub use lines::{Line, json_lines, text_of};
pub use nodes::{Nodes, nodes};
pub use pace::Pace;
pub use process::{Process, Signal};
pub use random::SeededRandom;
pub use report::{measurement, not_applicable};
pub use terminal_session::{CTRL_C, CTRL_Z, TerminalSession, TerminalStep};
pub use tmux::Tmux;
pub use usage::{Usage, quantile};
pub use wait::{LIMIT, wait_until};
