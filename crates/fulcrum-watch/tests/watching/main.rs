//! The watcher on a real file system. One program, so that its tests run side by side.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]
mod bursts;
mod ignored;
mod polling;
mod saves;
mod support;
mod trees;
