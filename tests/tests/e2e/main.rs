//! What Fulcrum does, seen from outside: a module a behaviour.

mod background;
mod bad_configuration;
mod configuration;
mod crashes;
mod ending;
mod entries;
mod environment;
mod faults;
mod forwarding;
mod keeping;
mod lines;
mod names;
mod node;
mod production;
mod readiness;
mod reloading;
mod restarting;
mod stubs;
mod terminal;
mod typescript;
