//! The programs that run domains in the place of Node.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A program that runs JavaScript and TypeScript and is not Node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OtherRuntime {
    /// Bun.
    Bun,
    /// Deno.
    Deno,
}

impl OtherRuntime {
    /// The program's name.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Bun => "bun",
            Self::Deno => "deno",
        }
    }
}

impl fmt::Display for OtherRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bun => "Bun",
            Self::Deno => "Deno",
        })
    }
}
