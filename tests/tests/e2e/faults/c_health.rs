//! Section C: hangs and health.

mod hung;
mod slow_not_hung;
mod streams;
mod support;
