//! Whose answer a probe got, and what follows from the answers of both loopback addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use fulcrum_config::redact_command_line;
use fulcrum_spawn::process::{ListenerOwner, SocketOwner};

/// A successful check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The domain answered, or the check has no address on the loopback.
    Accepted,
    /// It is not visible who answered; the text says why.
    Unverified(String),
}

/// A failed check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckFailure {
    /// What failed.
    pub(crate) text: String,
    /// Another process than one of the domain answered.
    pub(crate) is_stranger: bool,
}

impl CheckFailure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_stranger: false,
        }
    }
}

/// The addresses of the loopback that a host stands for; empty if it is another host.
pub(crate) fn loopback_addresses(host: &str) -> Vec<IpAddr> {
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.to_canonical().is_loopback() => vec![ip],
        // A connection to the wildcard is one to the loopback.
        Ok(IpAddr::V4(ip)) if ip.is_unspecified() => vec![Ipv4Addr::LOCALHOST.into()],
        Ok(IpAddr::V6(ip)) if ip.is_unspecified() => vec![Ipv6Addr::LOCALHOST.into()],
        Ok(_) => Vec::new(),
        Err(_) if host.eq_ignore_ascii_case("localhost") => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        Err(_) => Vec::new(),
    }
}

/// What an answer at an address is worth, by the owner of its listener.
pub(crate) fn judge(address: SocketAddr, owner: ListenerOwner) -> Result<Answer, CheckFailure> {
    let describe = |owner: &SocketOwner| {
        let command = redact_command_line(&owner.command);
        format!("pid {} ({command})", owner.pid)
    };
    match owner {
        ListenerOwner::Tree => Ok(Answer::Accepted),
        ListenerOwner::Forwarded(owner) => Ok(Answer::Unverified(format!(
            "{address} is forwarded by {}, so any answer there counts",
            describe(&owner)
        ))),
        ListenerOwner::Unseen => Ok(Answer::Unverified(format!(
            "who listens at {address} cannot be seen, so any answer there counts"
        ))),
        ListenerOwner::Other(owner) => Err(CheckFailure {
            text: format!(
                "{address} is answered by {}, which is no process of this domain",
                describe(&owner)
            ),
            is_stranger: true,
        }),
    }
}

/// The result of a check at several addresses: one success is enough.
pub(crate) fn combine(results: Vec<Result<Answer, CheckFailure>>) -> Result<Answer, CheckFailure> {
    let mut unverified = None;
    let mut failures = Vec::new();
    for result in results {
        match result {
            Ok(Answer::Accepted) => return Ok(Answer::Accepted),
            Ok(answer) => unverified = unverified.or(Some(answer)),
            Err(failure) => failures.push(failure),
        }
    }
    if let Some(answer) = unverified {
        return Ok(answer);
    }
    // Where somebody answers at one address, that nobody does at the other explains nothing.
    let is_refused = |failure: &CheckFailure| failure.text.ends_with(": refused");
    if !failures.iter().all(is_refused) {
        failures.retain(|failure| !is_refused(failure));
    }
    let texts: Vec<&str> = failures.iter().map(|one| one.text.as_str()).collect();
    Err(CheckFailure {
        text: texts.join("; "),
        is_stranger: failures.iter().any(|failure| failure.is_stranger),
    })
}

/// A failure, with the addresses at which the domain listens instead.
pub(crate) fn with_hint(failure: CheckFailure, listens: &[SocketAddr]) -> CheckFailure {
    if listens.is_empty() {
        return failure;
    }
    let addresses: Vec<String> = listens.iter().map(SocketAddr::to_string).collect();
    let text = format!("{}; it listens at {}", failure.text, addresses.join(", "));
    CheckFailure { text, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str) -> Result<Answer, CheckFailure> {
        Err(CheckFailure::new(format!("connect {address}: refused")))
    }

    #[test]
    fn localhost_is_both_addresses_of_the_loopback() {
        let addresses = |host: &str| -> Vec<String> {
            let found = loopback_addresses(host);
            found.iter().map(IpAddr::to_string).collect()
        };
        assert_eq!(addresses("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(addresses("127.0.0.2"), ["127.0.0.2"]);
        assert_eq!(addresses("::1"), ["::1"]);
        assert_eq!(addresses("0.0.0.0"), ["127.0.0.1"]);
        assert_eq!(addresses("::"), ["::1"]);
        for other in ["db", "10.0.0.1", "::2"] {
            assert_eq!(addresses(other), [""; 0]);
        }
    }

    #[test]
    fn a_strangers_answer_is_no_success_and_an_unseen_one_counts() {
        let address = "127.0.0.1:3000".parse().expect("an address");
        let owner = SocketOwner {
            pid: 7,
            command: "node server.js".to_owned(),
        };
        assert_eq!(judge(address, ListenerOwner::Tree), Ok(Answer::Accepted));
        let failure = judge(address, ListenerOwner::Other(owner.clone()));
        let failure = failure.expect_err("a stranger");
        assert!(failure.is_stranger);
        assert_eq!(
            failure.text,
            "127.0.0.1:3000 is answered by pid 7 (node server.js), which is no process of this domain"
        );
        for unseen in [ListenerOwner::Unseen, ListenerOwner::Forwarded(owner)] {
            let answer = judge(address, unseen);
            assert!(matches!(answer, Ok(Answer::Unverified(_))), "{answer:?}");
        }
    }

    #[test]
    fn one_success_is_enough_and_a_failure_names_both_addresses() {
        let (v4, v6) = ("127.0.0.1:80", "[::1]:80");
        let failure = combine(vec![refused(v4), refused(v6)]).expect_err("both are refused");
        assert_eq!(
            failure.text,
            "connect 127.0.0.1:80: refused; connect [::1]:80: refused"
        );
        assert_eq!(
            combine(vec![refused(v4), Ok(Answer::Accepted)]),
            Ok(Answer::Accepted)
        );
        let busy = Err(CheckFailure::new("http 503"));
        let failure = combine(vec![busy, refused(v6)]).expect_err("neither succeeds");
        assert_eq!(failure.text, "http 503");
        let stranger = Err(CheckFailure {
            text: "a stranger".to_owned(),
            is_stranger: true,
        });
        assert_eq!(
            combine(vec![stranger, Ok(Answer::Accepted)]),
            Ok(Answer::Accepted)
        );
    }

    #[test]
    fn a_listener_elsewhere_is_a_hint() {
        let listens = ["127.0.0.1:4000".parse().expect("an address")];
        let failure = CheckFailure::new("connect 127.0.0.1:80: refused");
        assert_eq!(
            with_hint(failure.clone(), &listens).text,
            "connect 127.0.0.1:80: refused; it listens at 127.0.0.1:4000"
        );
        assert_eq!(with_hint(failure.clone(), &[]), failure);
    }
}
