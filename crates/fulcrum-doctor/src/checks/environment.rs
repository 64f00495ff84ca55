//! Checks of the environment.

use crate::check::Check;
use crate::facts::EnvironmentFacts;
use crate::words::list;

/// A proxy does not take over the loopback.
#[must_use]
pub fn proxy(environment: &EnvironmentFacts) -> Check {
    const ID: &str = "proxy";
    let names = list(environment.proxies.iter().map(String::as_str));
    if environment.proxies.is_empty() {
        Check::ok(ID, "no proxy is set")
    } else if environment.loopback_is_exempt {
        Check::ok(ID, format!("{names}; the loopback is exempt"))
    } else {
        Check::warn(
            ID,
            format!("{names} without the loopback in NO_PROXY"),
            "programs reach local ports through the proxy, which fails; fulcrum exempts the loopback \
             for its domains, but not for your other tools",
        )
        .cure("`export NO_PROXY=localhost,127.0.0.1,::1 no_proxy=localhost,127.0.0.1,::1`")
    }
}

/// The directory of sockets can be used.
#[must_use]
pub fn runtime_directory(environment: &EnvironmentFacts) -> Check {
    const ID: &str = "runtime-directory";
    match &environment.runtime_dir_problem {
        None => Check::ok(ID, "private to this user"),
        Some(problem) => Check::warn(
            ID,
            problem.clone(),
            "the variable is ignored, since a directory of others is never used: the socket of an \
             instance is below the temporary directory instead",
        )
        .cure("set XDG_RUNTIME_DIR to a directory of your own with mode 0700, or unset it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Status;

    #[test]
    fn a_proxy_without_an_exemption_warns() {
        let mut facts = EnvironmentFacts::default();
        assert_eq!(proxy(&facts).status, Status::Ok);
        facts.proxies.push("HTTP_PROXY".into());
        assert_eq!(proxy(&facts).status, Status::Warn);
        facts.loopback_is_exempt = true;
        assert_eq!(proxy(&facts).status, Status::Ok);
    }

    #[test]
    fn an_unusable_runtime_directory_warns() {
        let mut facts = EnvironmentFacts::default();
        assert_eq!(runtime_directory(&facts).status, Status::Ok);
        facts.runtime_dir_problem = Some("is no directory".into());
        assert_eq!(runtime_directory(&facts).status, Status::Warn);
    }
}
