//! Proxies in the environment of a process, which must not apply to the loopback.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// The names of the loopback, where domains register.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The variables with names that are not reached through a proxy. Each program reads some of them;
/// the first that is set rules for gRPC.
const EXEMPTIONS: [&str; 3] = ["no_grpc_proxy", "no_proxy", "NO_PROXY"];

/// The variables of an environment by which gRPC clients connect through a proxy.
#[must_use]
pub fn proxy_variables(environment: &BTreeMap<OsString, OsString>) -> Vec<&str> {
    const NAMES: [&str; 4] = ["grpc_proxy", "http_proxy", "https_proxy", "all_proxy"];
    let is_proxy = |name: &str| NAMES.contains(&name.to_ascii_lowercase().as_str());
    let set = environment.iter().filter(|(_, value)| !value.is_empty());
    set.filter_map(|(name, _)| name.to_str())
        .filter(|name| is_proxy(name))
        .collect()
}

/// Exempts the loopback from a proxy in the environment: a client that dials Fulcrum through it
/// never connects. Without a proxy nothing is changed.
pub fn exempt_loopback(environment: &mut BTreeMap<OsString, OsString>) {
    if proxy_variables(environment).is_empty() {
        return;
    }
    let value = |name: &str| {
        let value = environment.get(&OsString::from(name))?.to_str()?;
        (!value.trim().is_empty()).then(|| value.to_owned())
    };
    // One that is not set must not hide the names of the others.
    let fallback = value("no_proxy").or_else(|| value("NO_PROXY"));
    let exempted = EXEMPTIONS.map(|name| {
        let mut text = value(name).or_else(|| fallback.clone()).unwrap_or_default();
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if !names.iter().any(|name| name == "*") {
            for name in LOOPBACK
                .iter()
                .filter(|name| !names.iter().any(|one| one == *name))
            {
                if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(name);
            }
        }
        (OsString::from(name), OsString::from(text))
    });
    environment.extend(exempted);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exempted(variables: &[(&str, &str)]) -> [Option<String>; 3] {
        let mut environment = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect();
        exempt_loopback(&mut environment);
        EXEMPTIONS.map(|name| {
            let value = environment.get(&OsString::from(name))?;
            value.to_str().map(str::to_owned)
        })
    }

    #[test]
    fn the_loopback_is_exempt_from_a_proxy_and_other_exemptions_stay() {
        let all = |text: &str| [(); 3].map(|()| Some(text.to_owned()));
        assert_eq!(exempted(&[("PATH", "/bin")]), [None, None, None]);
        assert_eq!(exempted(&[("http_proxy", "")]), [None, None, None]);
        assert_eq!(
            exempted(&[("HTTP_PROXY", "http://proxy:3128")]),
            all("localhost,127.0.0.1,::1")
        );
        assert_eq!(
            exempted(&[
                ("grpc_proxy", "p:1"),
                ("NO_PROXY", "intra.example, localhost")
            ]),
            all("intra.example, localhost,127.0.0.1,::1")
        );
        assert_eq!(
            exempted(&[("https_proxy", "p:1"), ("no_proxy", "*")]),
            all("*")
        );
        assert_eq!(
            exempted(&[
                ("http_proxy", "p:1"),
                ("no_proxy", "a"),
                ("no_grpc_proxy", "b")
            ])[0],
            Some("b,localhost,127.0.0.1,::1".to_owned())
        );
    }
}
