//! The messages, clients and servers that `cargo xtask codegen` generates from `proto/`.
//! The other files of this directory are generated and never edited by hand.

/// The package `framework`: the domain protocol.
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

/// The package `grpc.health.v1`: the health protocol of gRPC.
#[expect(
    missing_docs,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
#[rustfmt::skip]
pub(crate) mod health;
