//! Reloads: the configuration is loaded again, compared with what runs, and the differences are
//! applied.
//!
//! One task changes the set of domains. It handles one request after another. It waits for domains
//! to stop, since a new domain may need the port of a removed one, but not for starts: a task of
//! each reload waits for those, so that a later reload can supersede an earlier one.

pub(crate) mod announce;
mod compare;
mod load;
pub(crate) mod reloader;
pub(crate) mod request;
pub(crate) mod restart;
mod starts;
