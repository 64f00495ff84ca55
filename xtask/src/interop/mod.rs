//! `cargo xtask interop`: programs that share no code with Fulcrum, with the sample app: a client
//! of its gRPC port, and a receiver of the logs that it exports.
//!
//! The programs in `tests/interop` use the stock grpcio packages; the client's code is generated
//! from the `.proto`. The packages are installed into a virtual environment below the target
//! directory.

mod otlp_export;
mod run;

pub(crate) use run::run;
