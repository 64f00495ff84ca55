//! The messages, clients and servers made from `proto/` by `cargo xtask codegen`.
//! Everything beside this file is written by it; nothing here is edited by hand.

/// The package `framework`: what domains and the runtime say to each other.
#[expect(
    missing_docs,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
#[rustfmt::skip]
pub(crate) mod framework;

/// The package `fulcrum.control.v1`: the control API of a running instance.
#[expect(
    missing_docs,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
#[rustfmt::skip]
pub(crate) mod control;
