//! Section A: start and registration.

mod installing;
mod program;
mod registering;
mod resource_exhaustion;
