//! What was said, kept on disk: also after the domain, and Fulcrum, have died.
//!
//! A folder for each domain, in it *segments*: files named by the number of their first line. Each
//! holds records of one run of an instance, in order; a record is a [`Chunk`](crate::Chunk), a
//! header and the lines as they were written, so that nothing is lost and nothing is done for lines
//! that nobody reads. Files are 0600 in folders of 0700, links are never followed.
//!
//! # Writing
//!
//! [`Store::open`] starts a thread that writes what the hub publishes, in order. Nobody waits for
//! the disk but those who read pipes, and they only while the disk is merely slow: of what it can't
//! take while it stands still, is full or is gone, lines are left out and counted, and the count is
//! told ([`Notice`]) once it goes on. What a hub remembers doesn't depend on it.
//!
//! A full segment is never renamed and never written to again: the next one is begun. Full ones are
//! compressed beside the old ones, which are removed once the new ones have their names. So
//! whenever Fulcrum is killed, each line is in one readable file; what is half-made is removed at
//! the next start, and a record that was torn off at the end is read up to its last byte. Files go
//! by number, age and total size ([`Limits`]), the oldest first.
//!
//! # Reading
//!
//! [`Archive`] reads the folder, with or without a running instance, and merges what several
//! domains said by number, which is the order in which it was read.
//!
//! # Why not a file that the domain writes to itself
//!
//! A spool in memory that the domain appends to, read as it grows and given back by punching holes,
//! would survive a kill of Fulcrum between a domain's write and Fulcrum's read. It was tried beside
//! the pipe (1 MiB, blocking on the domain's side), each with one thread that counts lines and
//! writes a file, on a shared 2-core machine:
//!
//! | a domain that writes | by pipe | by spool | `cat > file` |
//! |---|---|---|---|
//! | 1 GiB, 64 KiB at a time | 0.66–0.90 s | 0.92–0.95 s | 0.66–0.69 s |
//! | 256 MiB, a line at a time | 0.76–0.94 s | 1.52–1.56 s | 1.38–1.50 s |
//! | the reader's CPU for 1 GiB | 0.58–0.79 s | 0.74–0.76 s | |
//! | waits in memory, at most | 1 MiB | 627 MiB | |
//!
//! Besides, `> /dev/stdout` in a script truncates such a file, a disk (or a memory limit) that is
//! full becomes the domain's error, and nothing holds back who writes faster than can be kept. What
//! the pipe costs: what a domain wrote and Fulcrum hadn't read when Fulcrum itself was killed, a
//! pipe's content at most, is lost with it.

mod event;
mod generations;
mod merge;
mod reader;
mod record;
mod retention;
mod segment;
mod segment_reader;
mod tail;
mod write_queue;
mod writer;

pub use event::StoreEvent;
pub use generations::{GenerationFilter, GenerationRef};
pub use reader::{StoreQuery, StoreReader, StoredLine};
pub use retention::RetentionLimits;
pub use writer::Store;

pub(crate) use write_queue::WriteQueue;
