//! Section C: hangs and health.
