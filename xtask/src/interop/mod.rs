//! `cargo xtask interop`: programs that share no code with Fulcrum, with the sample app: clients of
//! its gRPC port and a domain, and a receiver of the logs that it exports.
//!
//! The programs in `tests/interop` use the stock grpcio and `@grpc/grpc-js` packages; their code is
//! generated from the `.proto`. The packages are installed below the target directory.

mod calls;
mod otlp_export;
mod run;

pub(crate) use run::run;
