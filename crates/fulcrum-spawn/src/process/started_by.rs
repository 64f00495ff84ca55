//! Which instance started a process.

use super::sockets::read_env_var;
use super::stat::Stat;

/// What an instance gave to a process that it started, or to an ancestor of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedBy {
    /// The token of its generation.
    pub token: String,
    /// The values of the other variables, in the order in which they were asked for.
    pub values: Vec<Option<String>>,
}

/// Finds the process or its nearest ancestor that was started with a token in the environment
/// variable `marker`. The variables `names` are read from the same process. A process whose
/// environment was cleared is found by its ancestors, as long as they exist.
#[must_use]
pub fn started_by(pid: u32, marker: &str, names: &[&str]) -> Option<StartedBy> {
    let mut at = pid;
    // As for descent: the table may change meanwhile.
    for _ in 0..64 {
        if let Some(token) = read_env_var(at, marker).filter(|token| !token.is_empty()) {
            let values = names.iter().map(|name| read_env_var(at, name)).collect();
            return Some(StartedBy { token, values });
        }
        at = Stat::read(at)
            .map(|stat| stat.parent)
            .filter(|parent| *parent > 1)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_that_of_its_nearest_marked_ancestor() {
        // PATH stands for a token; the test's own process has one.
        let here = started_by(std::process::id(), "PATH", &["HOME", "NO_SUCH_VARIABLE"]);
        let here = here.expect("it has a PATH");
        assert_eq!(Some(here.token), std::env::var("PATH").ok());
        assert_eq!(here.values, [std::env::var("HOME").ok(), None]);
        assert_eq!(
            started_by(std::process::id(), "NO_SUCH_VARIABLE", &[]),
            None
        );
    }
}
