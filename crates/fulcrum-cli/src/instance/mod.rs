//! The running instance: where all libraries meet.
//!
//! [`run`] is the whole life of one: become the app's only instance, open the port and the
//! socket, start the domains, then wait for a reason to end, and end everything. Around the
//! supervisor, which owns the domains, a few tasks carry news from one library to another:
//! registrations become facts (`registrations`), transitions become words and events (`narrator`),
//! lines become output (`terminal`) and go elsewhere (`forward`), files that change become reloads
//! (`watching`). What concerns one domain and is needed by several of them
//! lies on its [`Desk`](desk::Desk).

mod agenda;
mod backend;
mod change;
mod closing;
mod control;
mod desk;
mod environment;
mod escaped;
mod events;
mod evidence;
mod explain;
mod forward;
mod gatekeeper;
mod guarding;
mod holder;
mod house;
mod insistence;
mod install;
pub(crate) mod keeping;
mod leftovers;
mod life;
mod limits;
mod listen;
mod liveness;
mod logs;
mod modules;
mod narrator;
mod obituary;
mod oom;
mod options;
mod policy;
mod probes;
mod registrations;
mod reload;
mod run;
mod secrets;
pub(crate) mod selection;
mod settings;
mod setup;
mod signals;
mod standby;
mod starts;
mod terminal;
mod together;
mod unserved;
mod view;
mod vitals;
mod waiting;
mod watching;
mod words;

pub(crate) use options::{LineStyle, Options};
pub(crate) use run::run;
pub(crate) use watching::Watching;
