//! `--inspect` and `--inspect-brk`.

use std::ffi::OsString;
use std::str::FromStr;

use fulcrum_runtime::InspectRequest;

/// The domains that are started with Node's inspector.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct InspectArgs {
    /// Start domains with Node's inspector: all, or one, at ports from 9229 on
    #[arg(long, value_name = "NAME[:PORT]", num_args = 0..=1, require_equals = true, default_missing_value = "", value_delimiter = ',')]
    pub(crate) inspect: Vec<Target>,
    /// Start domains with Node's inspector, and wait for a debugger before their first line
    #[arg(long, value_name = "NAME[:PORT]", num_args = 0..=1, require_equals = true, default_missing_value = "", value_delimiter = ',')]
    pub(crate) inspect_brk: Vec<Target>,
}

/// What is inspected: a domain, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    domain: Option<String>,
    port: Option<u16>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text == "all" {
            return Ok(Self::default());
        }
        let (domain, port) = match text.split_once(':') {
            Some((domain, port)) => (domain, Some(port)),
            None => (text, None),
        };
        let port = port.map(|port| match port.parse() {
            Ok(0) | Err(_) => Err(format!("{port:?} is no port: write NAME:9229")),
            Ok(port) => Ok(port),
        });
        if domain.is_empty() || domain.parse::<u16>().is_ok() {
            return Err("name the domain before the port: NAME:9229".to_owned());
        }
        Ok(Self {
            domain: Some(domain.to_owned()),
            port: port.transpose()?,
        })
    }
}

impl Target {
    fn request(&self, pause: bool) -> InspectRequest {
        InspectRequest {
            domain: self.domain.clone(),
            port: self.port,
            pause,
        }
    }

    fn argument(&self, flag: &str) -> OsString {
        let domain = self.domain.as_deref().unwrap_or("all");
        match self.port {
            Some(port) => format!("{flag}={domain}:{port}").into(),
            None => format!("{flag}={domain}").into(),
        }
    }
}

impl InspectArgs {
    /// The requests for the instance; those that wait for a debugger first.
    pub(super) fn requests(&self) -> Vec<InspectRequest> {
        let waiting = self.inspect_brk.iter().map(|target| target.request(true));
        let running = self.inspect.iter().map(|target| target.request(false));
        waiting.chain(running).collect()
    }

    /// These arguments, as they are written.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let waiting = self.inspect_brk.iter();
        let waiting = waiting.map(|target| target.argument("--inspect-brk"));
        let running = self.inspect.iter();
        let running = running.map(|target| target.argument("--inspect"));
        waiting.chain(running).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_domain_with_a_port_or_all() {
        let target = |domain: Option<&str>, port| Target {
            domain: domain.map(str::to_owned),
            port,
        };
        for (text, expected) in [
            ("", target(None, None)),
            ("all", target(None, None)),
            ("users", target(Some("users"), None)),
            ("users:9300", target(Some("users"), Some(9300))),
        ] {
            assert_eq!(text.parse::<Target>(), Ok(expected), "{text}");
        }
        for text in [
            "9229",
            ":9229",
            "users:",
            "users:0",
            "users:x",
            "users:70000",
        ] {
            text.parse::<Target>().expect_err(text);
        }
    }
}
