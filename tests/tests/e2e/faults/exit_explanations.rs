//! Exit causes in the terminal, in status, in events and in `domains why`.

mod crash_reports;
mod events;
mod exit_causes;
mod failed_starts;
mod ports;
mod support;
