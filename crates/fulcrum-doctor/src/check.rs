//! The result of a check.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing to do.
    Ok,
    /// Works, but not as well as it could, or not everywhere.
    Warn,
    /// Something does not work until it is cured.
    Fail,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        })
    }
}

/// A cure that is safe to carry out without a question: it deletes nothing that somebody has
/// written, and stops nothing that is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// End the processes that a killed instance left, and remove its record.
    StaleProcesses,
    /// Sweep the cache down to its limit.
    Cache,
    /// Renew the copy of the SDK that Fulcrum keeps in the app.
    Sdk,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its stable name.
    pub id: &'static str,
    /// How bad it is.
    pub status: Status,
    /// Whether the status is not [`Status::Fail`].
    pub ok: bool,
    /// What was found, on one line.
    pub what: String,
    /// Further findings, one line each.
    pub details: Vec<String>,
    /// Why it matters; none if all is well.
    pub why: Option<&'static str>,
    /// The command or the change that cures it.
    pub cure: Option<String>,
    /// Whether `--fix` can cure it.
    pub fixable: bool,
    /// What `--fix` has done.
    pub fixed: Option<String>,
    /// The safe cure.
    #[serde(skip)]
    pub repair: Option<Repair>,
}

impl Check {
    /// A check that has found nothing.
    #[must_use]
    pub fn ok(id: &'static str, what: impl Into<String>) -> Self {
        Self {
            id,
            status: Status::Ok,
            ok: true,
            what: what.into(),
            details: Vec::new(),
            why: None,
            cure: None,
            fixable: false,
            fixed: None,
            repair: None,
        }
    }

    /// A check that has found something that works, but not well.
    #[must_use]
    pub fn warn(id: &'static str, what: impl Into<String>, why: &'static str) -> Self {
        Self {
            status: Status::Warn,
            why: Some(why),
            ..Self::ok(id, what)
        }
    }

    /// A check that has found something that does not work.
    #[must_use]
    pub fn fail(id: &'static str, what: impl Into<String>, why: &'static str) -> Self {
        Self {
            status: Status::Fail,
            ok: false,
            ..Self::warn(id, what, why)
        }
    }

    /// Adds the cure.
    #[must_use]
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }

    /// Adds further findings.
    #[must_use]
    pub fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    /// Adds the safe cure.
    #[must_use]
    pub fn repair(mut self, repair: Repair) -> Self {
        self.fixable = true;
        self.repair = Some(repair);
        self
    }
}
