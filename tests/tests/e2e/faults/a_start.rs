//! Section A: start and registration.
