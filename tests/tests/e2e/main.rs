//! What Fulcrum does, seen from outside: a module a behaviour.

mod background;
mod bad_configuration;
mod bad_manners;
mod configuration;
mod crashes;
mod ending;
mod entries;
mod environment;
mod faults;
mod instances;
mod lines;
mod names;
mod node;
mod port;
mod production;
mod readiness;
mod registration;
mod restarting;
mod stubs;
mod terminal;
mod typescript;
