//! The terminal views of Fulcrum: the full-screen view of `fulcrum top`, and the keys of `fulcrum dev`.
//!
//! # Theory of operation
//!
//! ```text
//! keys, mouse ─ Decoder ─┐
//! status, events, lines ─┼─ Model::update ─ effects: requests, quit
//! seconds ───────────────┘       │
//!                            view::draw ─ frame ─ difference to the one before ─ terminal
//! ```
//!
//! [`model`] is what is shown, and [`model::Model::update`] the one way in which it changes. It is
//! pure: the time is part of an input, and what is to be done is returned as effects. [`view`] draws a
//! model into cells and is pure as well. [`top`] is the driver: it reads the terminal, is a client of
//! the control API, and writes at most 20 frames a second. It holds nothing that the instance needs, so
//! that killing it harms nothing; when the instance ends, it waits for the next one.
//!
//! [`term`] switches the terminal and restores it after every kind of end, SIGKILL aside.
//!
//! # Example
//!
//! One frame as text:
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use fulcrum_rpc::control::Domain;
//! use fulcrum_tui::model::{Input, Model, Now};
//! use fulcrum_tui::term::ColorDepth;
//! use fulcrum_tui::view::{self, Theme};
//! use ratatui::buffer::Buffer;
//! use ratatui::layout::Rect;
//!
//! let now = Now { elapsed: Duration::ZERO, wall: SystemTime::UNIX_EPOCH };
//! let mut model = Model::new((60, 12), 0, now);
//! let users = Domain { name: "users".into(), phase: "running".into(), ..Domain::default() };
//! model.update(Input::Status(vec![users]), now);
//! let mut frame = Buffer::empty(Rect::new(0, 0, 60, 12));
//! view::draw(&model, &Theme::new(0, ColorDepth::None), &mut frame);
//! assert!(view::frame_text(&frame, false).contains("users"));
//! ```
//!
//! # Not part of this crate
//!
//! It has no arguments, starts no processes and reads no configuration.

pub mod dev;
pub mod model;
pub mod term;
pub mod text;
pub mod top;
pub mod view;
