//! Which domains an instance runs.

use fulcrum_config::App;

use crate::selection::{UnknownDomain, select, with_dependencies};

/// The domains to start. The default selects every domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names or globs of domains; their dependencies are started too. Empty selects all domains.
    pub only: Vec<String>,
    /// Do not start dependencies of the selected domains.
    pub no_deps: bool,
}

impl Selection {
    /// The names of the selected domains of an app, in alphabetical order.
    ///
    /// # Errors
    /// A name or glob matches no domain.
    pub fn resolve(&self, app: &App) -> Result<Vec<String>, UnknownDomain> {
        let names = select(app, &self.only)?;
        if self.no_deps {
            let startable =
                |name: &String| app.domain(name).is_some_and(|domain| domain.has_process());
            return Ok(names.into_iter().filter(startable).collect());
        }
        Ok(with_dependencies(app, &names))
    }

    /// Resolves against an app that has changed since the start. Names that match no domain any
    /// more are ignored.
    pub(crate) fn resolve_after_reload(&self, app: &App) -> Vec<String> {
        let matches = |name: &&String| select(app, std::slice::from_ref(*name)).is_ok();
        let only: Vec<String> = self.only.iter().filter(matches).cloned().collect();
        if only.is_empty() && !self.only.is_empty() {
            return Vec::new();
        }
        let remaining = Self {
            only,
            no_deps: self.no_deps,
        };
        remaining.resolve(app).unwrap_or_default()
    }
}
