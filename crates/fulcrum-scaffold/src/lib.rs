//! The files of a new app, of a new domain, and the method of a new handler.
//!
//! What is written is decided by pure functions: [`app_files`] and [`domain_files`] return
//! [`ScaffoldFile`]s, [`Handler`] names a method and its message type. [`write_new`] is the only
//! function that touches the disk, and never changes a file that exists.
//!
//! ```
//! use fulcrum_scaffold::{AppOptions, Language, Template, app_files, tree, write_new};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let files = app_files(&AppOptions {
//!     name: "shop".to_owned(),
//!     language: Language::TypeScript,
//!     template: Template::Minimal,
//!     domains: vec!["users".to_owned()],
//! });
//! let written = write_new(dir.path(), &files)?;
//! assert!(dir.path().join("domains/users/domain.ts").is_file());
//! assert!(tree("shop", &written).starts_with("shop\n├── .env.example\n"));
//!
//! // A second time, nothing is written.
//! assert!(write_new(dir.path(), &files)?.iter().all(|file| !file.is_new));
//! # Ok(())
//! # }
//! ```
//!
//! # Theory of operation
//! The texts are files in `templates/`, with `{{word}}` where a name belongs. The words are derived
//! from a domain's name: its class ([`class_name`]), the thing it is about ([`singular`]), and the
//! types of its messages, which follow the rules of `@fulcrum/domain`.
//!
//! # Scope
//! The crate knows neither which apps exist nor what a valid domain name is: names are checked by the
//! caller, which has the configuration. It runs no program and asks no question.

mod app;
mod domain;
mod file;
mod handler;
mod language;
mod name;
mod template;
mod text;
mod tree;
mod write;

pub use app::{AppOptions, app_files, package_name};
pub use domain::{DomainOptions, Example, domain_files, example};
pub use file::{ScaffoldFile, WrittenFile};
pub use handler::{ClassPosition, Handler, HandlerError};
pub use language::Language;
pub use name::{class_name, request_type_of, singular};
pub use template::Template;
pub use tree::tree;
pub use write::{WriteError, write_new};
