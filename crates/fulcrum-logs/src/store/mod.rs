//! Lines on disk, which outlive domains and instances.
//!
//! A directory for each domain contains *segments*: files named by the sequence number of their first
//! line. A segment contains records of one run of an instance, in order. A record is a
//! [`Chunk`](crate::Chunk): a header, and the lines as they were written. So nothing is lost, and
//! lines that are never read cost no processing. Files have mode 0600 in directories of mode 0700;
//! symbolic links are never followed.
//!
//! # Writing
//!
//! [`Store::open`] starts a thread that writes what the hub publishes, in order. Only pumps wait for
//! the disk, and only while it is slow: if it stalls, is full or is removed, lines are dropped and
//! counted, and the number is reported ([`StoreEvent`]) once it works again. Lines in the hub's
//! memory do not depend on the disk.
//!
//! A full segment is never renamed and never written to again; the next record starts another one.
//! Full segments are compressed into new files, and the old ones are removed once the new ones have
//! their names. So whenever the process is killed, each line is in one readable file. Incomplete
//! files are removed at the next start, and a torn record at the end is read up to its last byte.
//! Segments are deleted by number, age and total size ([`RetentionLimits`]), the oldest first.
//!
//! # Reading
//!
//! [`StoreReader`] reads the directory, with or without a running instance, and merges the lines of
//! several domains by sequence number, which is the order in which they were read. A damaged file is
//! read as far as possible, and what is missing is a [`StoreGap`].
//!
//! # Why pipes and not files
//!
//! A spool in memory that the domain appends to, and that is freed by punching holes, would survive a
//! kill of Fulcrum between a domain's write and Fulcrum's read. Measured beside a pipe (1 MiB,
//! blocking for the domain), each with one thread that counts lines and writes a file, on a shared
//! machine with two cores:
//!
//! | a domain that writes | with a pipe | with a spool | `cat > file` |
//! |---|---|---|---|
//! | 1 GiB, 64 KiB at a time | 0.66–0.90 s | 0.92–0.95 s | 0.66–0.69 s |
//! | 256 MiB, a line at a time | 0.76–0.94 s | 1.52–1.56 s | 1.38–1.50 s |
//! | CPU time of the reader for 1 GiB | 0.58–0.79 s | 0.74–0.76 s | |
//! | memory used, at most | 1 MiB | 627 MiB | |
//!
//! Besides, `> /dev/stdout` in a script truncates such a file, a full disk or memory limit becomes an
//! error of the domain, and nothing slows down a domain that writes faster than lines can be stored.
//! The cost of the pipe: output that Fulcrum has not read when it is killed, at most the size of the
//! pipe, is lost.

mod active_segment;
mod compressor;
mod event;
mod gap;
mod generations;
mod interleave;
mod log_store;
mod merge;
mod query;
mod reader;
mod record;
mod recovery;
mod retention;
mod segment;
mod segment_reader;
mod segments;
mod store_lock;
mod tail;
mod write_errors;
mod write_queue;
mod writer;

pub use event::StoreEvent;
pub use gap::StoreGap;
pub use generations::{GenerationFilter, GenerationRef};
pub use interleave::{LineOrReceived, interleave, merge_once};
pub use log_store::Store;
pub use query::{StoreQuery, Stored, StoredLine};
pub use reader::StoreReader;
pub use retention::RetentionLimits;

pub(crate) use write_queue::WriteQueue;
