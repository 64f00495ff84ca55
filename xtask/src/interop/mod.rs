//! `cargo xtask interop`: programs that share no code with Fulcrum, with the sample app: clients of
//! its gRPC port and a domain, a receiver of the logs and traces that it exports, OpenTelemetry's own SDK
//! in a domain, and readers of its metrics; `cargo xtask env-files` compares generated env files with
//! npm's `dotenv`, and `cargo xtask schemas` has `ajv` read the JSON Schemas of the configuration.
//!
//! The programs in `tests/interop` use the stock grpcio, `@grpc/grpc-js` and `@connectrpc` packages; their code is
//! generated from the `.proto`. The packages are installed below the target directory.

mod calls;
mod env_files;
mod metrics;
mod otlp_export;
mod otlp_traces;
mod run;
mod schemas;
mod web;

pub(crate) use env_files::check as check_env_files;
pub(crate) use run::run;
pub(crate) use schemas::check as check_schemas;
