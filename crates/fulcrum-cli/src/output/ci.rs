//! What a CI system shows of a failure: annotations of GitHub, sections of GitLab.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use fulcrum_config::App;

use super::table::sanitize;
use super::writer::Output;

/// The system that runs a command, as far as it reads more than plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum CiSystem {
    /// Another one, or none.
    Plain,
    /// Workflow commands: <https://docs.github.com/actions/reference/workflow-commands>.
    GitHub {
        /// The directory that paths of annotations are relative to.
        workspace: Option<PathBuf>,
    },
    /// Collapsible sections: <https://docs.gitlab.com/ci/jobs/job_logs/>.
    GitLab,
}

/// Reports failed domains on standard error.
#[derive(Debug, Clone)]
pub(crate) struct CiReporter {
    system: CiSystem,
    dirs: AppDirs,
    output: Output,
}

/// What paths in reasons are relative to.
#[derive(Debug, Clone, Default)]
struct AppDirs {
    root: PathBuf,
    domains: BTreeMap<String, PathBuf>,
}

/// A domain that has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedDomain {
    pub(crate) name: String,
    pub(crate) phase: String,
    pub(crate) reason: String,
    /// Its last lines.
    pub(crate) lines: Vec<String>,
}

impl CiSystem {
    fn detect(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let is_true = |name| variable(name).is_some_and(|value| value == "true");
        if is_true("GITHUB_ACTIONS") {
            let workspace = variable("GITHUB_WORKSPACE").map(PathBuf::from);
            return Self::GitHub { workspace };
        }
        match is_true("GITLAB_CI") {
            true => Self::GitLab,
            false => Self::Plain,
        }
    }

    fn report(&self, failed: &FailedDomain, dirs: &AppDirs) -> String {
        let FailedDomain {
            name,
            phase,
            reason,
            lines,
        } = failed;
        let reason = sanitize(reason.lines().next().unwrap_or_default());
        let heading = format!("{name}: the last {} lines", lines.len());
        let body: String = lines
            .iter()
            .map(|line| format!("{name}: {}\n", sanitize(line)))
            .collect();
        match self {
            Self::Plain => format!("{name} {phase}: {reason}\n{body}"),
            Self::GitHub { workspace } => {
                let mut properties =
                    format!("title={}", github_property(&format!("{name} {phase}")));
                if let Some((path, line, column)) = dirs.location(name, &reason) {
                    let base = workspace.as_deref().unwrap_or(&dirs.root);
                    let path = path.strip_prefix(base).unwrap_or(&path).display();
                    let path = github_property(&path.to_string());
                    let _ = write!(properties, ",file={path},line={line},col={column}");
                }
                let error = format!("::error {properties}::{}\n", github_text(&reason));
                match lines.is_empty() {
                    true => error,
                    // What the domain has written may contain commands, too. Nobody else knows this
                    // process's id before it has printed it.
                    false => {
                        let token = format!("fulcrum-{}-{}", std::process::id(), lines.len());
                        format!(
                            "{error}::group::{heading}\n::stop-commands::{token}\n{body}::{token}::\n\
                             ::endgroup::\n"
                        )
                    }
                }
            }
            Self::GitLab => format!(
                "{name} {phase}: {reason}\n\
                 \x1b[0Ksection_start:0:fulcrum_{name}[collapsed=true]\r\x1b[0K{heading}\n{body}\
                 \x1b[0Ksection_end:0:fulcrum_{name}\r\x1b[0K\n"
            ),
        }
    }
}

impl CiReporter {
    /// A reporter of an app's failures, for the system that the environment tells.
    pub(crate) fn detect(output: &Output, app: &App) -> Self {
        let domains = app.domains.iter();
        Self {
            system: CiSystem::detect(|name| std::env::var_os(name)),
            dirs: AppDirs {
                root: app.root.clone(),
                domains: domains
                    .map(|domain| (domain.name.clone(), domain.dir.clone()))
                    .collect(),
            },
            output: output.clone(),
        }
    }

    /// Prints why a domain has failed, and its last lines.
    pub(crate) fn report(&self, failed: &FailedDomain) {
        let text = self.system.report(failed, &self.dirs);
        self.output.eprint(text.trim_end_matches('\n'));
    }
}

impl AppDirs {
    /// The first place in a file that the reason of a domain names, such as `domain.js:3:9`: relative
    /// to its directory, or to the app's.
    fn location(&self, domain: &str, reason: &str) -> Option<(PathBuf, u32, u32)> {
        let bases = || self.domains.get(domain).into_iter().chain([&self.root]);
        reason.split_whitespace().find_map(|word| {
            let word = word.trim_matches(|c: char| "()[],;\"'`".contains(c));
            let (rest, column) = word.rsplit_once(':')?;
            let (path, line) = rest.rsplit_once(':')?;
            let (line, column) = (line.parse().ok()?, column.parse().ok()?);
            let mut paths = bases().map(|base| base.join(path));
            let path = paths.find(|path| path.is_file())?;
            Some((path, line, column))
        })
    }
}

/// A text of a workflow command.
fn github_text(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command.
fn github_property(text: &str) -> String {
    github_text(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> FailedDomain {
        FailedDomain {
            name: "users".into(),
            phase: "failed".into(),
            reason: "exit 1: Error: 100% boom at domain.js:3:9; crash loop".into(),
            lines: vec!["::warning::x".into(), "boom\x1b[2J".into()],
        }
    }

    fn system(variables: &[(&str, &str)]) -> CiSystem {
        CiSystem::detect(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_environment_tells_the_system() {
        assert_eq!(system(&[("CI", "true")]), CiSystem::Plain);
        assert_eq!(system(&[("GITLAB_CI", "true")]), CiSystem::GitLab);
        let workspace = Some(PathBuf::from("/w"));
        let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", "/w")];
        assert_eq!(system(&variables), CiSystem::GitHub { workspace });
    }

    #[test]
    fn an_annotation_of_github_names_the_line_and_output_cannot_be_a_command() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("app");
        let domain = root.join("domains/users");
        std::fs::create_dir_all(&domain).expect("writable");
        std::fs::write(domain.join("domain.js"), "").expect("writable");
        let domains = BTreeMap::from([("users".to_owned(), domain)]);
        let dirs = AppDirs { root, domains };
        let github = CiSystem::GitHub {
            workspace: Some(dir.path().to_owned()),
        };
        let text = github.report(&failed(), &dirs);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "::error title=users failed,file=app/domains/users/domain.js,line=3,col=9::exit 1: Error: 100%25 boom \
             at domain.js:3:9; crash loop"
        );
        assert_eq!(lines[1], "::group::users: the last 2 lines");
        let token = lines[2].strip_prefix("::stop-commands::").expect("a token");
        assert_eq!(lines[3], "users: ::warning::x");
        assert_eq!(lines[5], format!("::{token}::"));
        assert_eq!(lines[6], "::endgroup::");
        assert_eq!(github_property("a:b,c"), "a%3Ab%2Cc");
    }

    #[test]
    fn a_section_of_gitlab_has_the_last_lines() {
        let text = CiSystem::GitLab.report(&failed(), &AppDirs::default());
        assert!(text.starts_with("users failed: exit 1"), "{text}");
        let (start, end) = (
            "section_start:0:fulcrum_users",
            "section_end:0:fulcrum_users",
        );
        assert!(text.contains(start) && text.contains(end), "{text}");
        let plain = CiSystem::Plain.report(&failed(), &AppDirs::default());
        assert!(
            plain.ends_with("\nusers: ::warning::x\nusers: boom␛[2J\n"),
            "{plain:?}"
        );
    }
}
