//! The client commands, run as a program against a scripted instance.

#![expect(clippy::disallowed_methods, reason = "these tests run the program")]

mod no_instance;
mod outcomes;
mod output;
mod scripted_instance;
mod streams;
