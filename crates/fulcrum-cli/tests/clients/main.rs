//! The client commands, run as a program against an instance that answers by script.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about the program, so they run it"
)]

mod answers;
mod instance;
mod missing;
mod outcomes;
mod streams;
