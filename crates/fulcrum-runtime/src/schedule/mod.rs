//! Runs of jobs by a schedule: when they are due, and the task that starts them.

pub(crate) mod task;
pub(crate) mod timetable;
