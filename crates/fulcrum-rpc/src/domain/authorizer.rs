//! Authorizes registrations by token, or by the process behind the connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::authorization::{
    RegistrationAuthorizer, RegistrationError, RegistrationGrant, RegistrationRequest, StopNotice,
};
use super::capabilities::TOKEN_METADATA;
use super::lock::lock;
use super::peer_process::{DomainProcess, PeerProcess};
use super::token_binding::TokenBindings;

/// The process that sent a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerIdentity {
    /// The process of a domain, or one that it started, and which one it is.
    Domain(DomainProcess, PeerProcess),
    /// A process outside the process tree of every domain.
    Unmanaged(PeerProcess),
    /// A process that another instance started, with what it belongs to, such as
    /// `domain users of the app /srv/shop`.
    OtherInstance(PeerProcess, String),
    /// The process cannot be determined.
    Unknown,
}

/// The state on which an [`Authorizer`] decides. It returns plain values.
pub trait IdentitySource: Send + Sync + 'static {
    /// The current process of each domain. A process whose leader has exited is not listed:
    /// its token is no longer valid.
    fn processes(&self) -> Vec<DomainProcess>;

    /// Finds the process at the other end of a connection, from our address `local` and the
    /// peer's address `peer`, and compares it with `processes`.
    ///
    /// It may block. An authorizer calls it on a blocking thread, once at a time.
    fn find_peer(
        &self,
        local: SocketAddr,
        peer: SocketAddr,
        processes: Vec<DomainProcess>,
    ) -> PeerIdentity;

    /// Whether a process still runs. May block shortly.
    fn is_alive(&self, peer: &PeerProcess) -> bool;

    /// The reason for which this generation is being stopped; `None` where it is not.
    fn stop_reason(&self, domain: &str, generation: u64) -> Option<String>;

    /// The interval at which a domain is to send heartbeats; `None` for a domain that is not
    /// configured.
    fn heartbeat_interval(&self, domain: &str) -> Option<Duration>;

    /// How a domain is stopped; `None` for a domain that is not configured.
    fn stop_notice(&self, domain: &str) -> Option<StopNotice> {
        let _ = domain;
        None
    }

    /// Called when a domain's process registered another name, with the error that its client
    /// receives. The process can never become ready under its own name.
    fn on_wrong_name(&self, process: &DomainProcess, error: &str);
}

/// Whether a registration needs a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPolicy {
    /// A registration without a token is rejected.
    Required,
    /// A registration without a token is attributed by the process behind its connection.
    Optional,
}

/// Authorizes registrations by token, or, for clients that send none, by the process behind
/// the connection.
pub struct Authorizer<S> {
    policy: TokenPolicy,
    source: Arc<S>,
    /// Limits peer lookups to one at a time. A lookup takes some milliseconds of CPU time, and
    /// any local process can cause hundreds at once.
    lookup_permit: Semaphore,
    bindings: Mutex<TokenBindings>,
}

impl<S: IdentitySource> Authorizer<S> {
    /// An authorizer for the processes of `source`.
    pub fn new(policy: TokenPolicy, source: S) -> Self {
        Self {
            policy,
            source: Arc::new(source),
            lookup_permit: Semaphore::new(1),
            bindings: Mutex::default(),
        }
    }

    async fn find_peer(
        &self,
        request: &RegistrationRequest,
        mut processes: Vec<DomainProcess>,
    ) -> PeerIdentity {
        let source = Arc::clone(&self.source);
        let (local, peer) = (request.local, request.peer);
        // A lookup goes through the processes in their order, and opens the descriptors of each.
        // The sender is nearly always the one whose token or name it has.
        let token = request.token.as_deref().unwrap_or_default();
        processes.sort_by_key(|process| {
            let has_token = constant_time_eq(&process.token, token);
            (!has_token, process.domain != request.domain)
        });
        // The semaphore is never closed.
        let _permit = self.lookup_permit.acquire().await;
        let lookup = tokio::task::spawn_blocking(move || source.find_peer(local, peer, processes));
        lookup.await.unwrap_or(PeerIdentity::Unknown)
    }

    fn grant(
        &self,
        domain: &str,
        generation: u64,
        managed: bool,
        pid: Option<u32>,
    ) -> RegistrationGrant {
        RegistrationGrant {
            generation,
            managed,
            pid,
            heartbeat_interval: self.source.heartbeat_interval(domain),
            stop: self.source.stop_notice(domain).filter(|_| managed),
        }
    }

    fn grant_managed(&self, process: &DomainProcess) -> RegistrationGrant {
        self.grant(&process.domain, process.generation, true, process.pid)
    }

    /// A generation that is being stopped must not receive requests any more.
    fn check_not_stopping(&self, process: &DomainProcess) -> Result<(), RegistrationError> {
        let DomainProcess {
            domain, generation, ..
        } = process;
        match self.source.stop_reason(domain, *generation) {
            None => Ok(()),
            Some(reason) => Err(RegistrationError::FailedPrecondition(format!(
                "generation {generation} of {domain} is being stopped ({reason}) and cannot register"
            ))),
        }
    }

    /// Only one process of a generation registers: children inherit its token.
    fn check_bound(
        &self,
        process: &DomainProcess,
        peer: &PeerProcess,
    ) -> Result<(), RegistrationError> {
        let is_alive = |holder: &PeerProcess| self.source.is_alive(holder);
        let bound = lock(&self.bindings).bind(process, peer, is_alive);
        bound.map_err(|holder| {
            let domain = &process.domain;
            RegistrationError::AlreadyExists(format!(
                "process {peer} is a child of domain {domain}, which process {holder} is registered \
                 as: a child inherits the token of its parent and cannot register with it"
            ))
        })
    }

    /// Why a token is wrong: it may be that of another instance.
    async fn reject_token(
        &self,
        request: &RegistrationRequest,
        processes: Vec<DomainProcess>,
    ) -> RegistrationError {
        let domain = &request.domain;
        match self.find_peer(request, processes).await {
            PeerIdentity::OtherInstance(peer, owner) => {
                self.reject_other_instance(domain, &peer, &owner)
            }
            _ => RegistrationError::Unauthenticated(format!(
                "invalid token for {domain}: register with the FULCRUM_DOMAIN_TOKEN of the current \
                 process"
            )),
        }
    }

    fn reject_other_instance(
        &self,
        domain: &str,
        peer: &PeerProcess,
        owner: &str,
    ) -> RegistrationError {
        RegistrationError::PermissionDenied(format!(
            "process {peer} cannot register as {domain} here: it is {owner}, which another instance \
             of Fulcrum started; connect it to the address in FULCRUM_GRPC_SERVER"
        ))
    }

    fn reject_wrong_name(
        &self,
        process: &DomainProcess,
        peer: Option<&PeerProcess>,
        requested: &str,
    ) -> RegistrationError {
        let name = &process.domain;
        // A process may register before its start has been recorded.
        let pid = process.pid.or(peer.map(|peer| peer.pid));
        let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
        let text = format!(
            "the process of {name}{pid} registered as {requested}: change the name in its code to \
             {name}, or rename its directory to {requested}"
        );
        self.source.on_wrong_name(process, &text);
        RegistrationError::PermissionDenied(text)
    }
}

impl<S: IdentitySource> RegistrationAuthorizer for Authorizer<S> {
    async fn authorize(
        &self,
        request: RegistrationRequest,
    ) -> Result<RegistrationGrant, RegistrationError> {
        let domain = &request.domain;
        let processes = self.source.processes();
        let process = match &request.token {
            Some(token) => {
                let current = processes
                    .iter()
                    .find(|one| constant_time_eq(&one.token, token));
                let Some(process) = current.cloned() else {
                    return Err(self.reject_token(&request, processes).await);
                };
                Some(process)
            }
            None if self.policy == TokenPolicy::Required => {
                return Err(RegistrationError::Unauthenticated(format!(
                    "no token for {domain}: send FULCRUM_DOMAIN_TOKEN as the metadata \
                     {TOKEN_METADATA}, or set runtime.grpc.registration to open"
                )));
            }
            None => None,
        };
        let identity = self.find_peer(&request, processes).await;
        // A token says more than the process, which may be in a container of its own.
        let (process, peer) = match (process, identity) {
            (Some(process), PeerIdentity::Unknown) => (process, None),
            (
                Some(process),
                PeerIdentity::Domain(_, peer)
                | PeerIdentity::Unmanaged(peer)
                | PeerIdentity::OtherInstance(peer, _),
            )
            | (None, PeerIdentity::Domain(process, peer)) => (process, Some(peer)),
            (None, PeerIdentity::Unmanaged(peer)) => {
                return Ok(self.grant(domain, 0, false, Some(peer.pid)));
            }
            (None, PeerIdentity::OtherInstance(peer, owner)) => {
                return Err(self.reject_other_instance(domain, &peer, &owner));
            }
            // The current process of the domain is the most likely sender.
            (None, PeerIdentity::Unknown) => {
                let processes = self.source.processes();
                let current = processes.iter().find(|process| process.domain == *domain);
                return Ok(match current {
                    Some(process) => self.grant_managed(process),
                    None => self.grant(domain, 0, false, None),
                });
            }
        };
        if process.domain != *domain {
            return Err(self.reject_wrong_name(&process, peer.as_ref(), domain));
        }
        self.check_not_stopping(&process)?;
        if let Some(peer) = peer {
            self.check_bound(&process, &peer)?;
        }
        Ok(self.grant_managed(&process))
    }

    async fn owner(&self, request: &RegistrationRequest) -> Option<String> {
        let processes = self.source.processes();
        let token = request.token.as_deref().unwrap_or_default();
        let by_token = processes
            .iter()
            .find(|one| constant_time_eq(&one.token, token));
        if let Some(process) = by_token {
            return Some(process.domain.clone());
        }
        match self.find_peer(request, processes).await {
            PeerIdentity::Domain(process, _) => Some(process.domain),
            PeerIdentity::Unmanaged(_)
            | PeerIdentity::OtherInstance(..)
            | PeerIdentity::Unknown => None,
        }
    }
}

/// Compares in a time that does not depend on where two tokens differ.
fn constant_time_eq(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .fold(0, |acc, (a, b)| acc | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `users` runs as generation 2 with the token `secret`; `orders` is being stopped.
    #[derive(Default)]
    struct TestSource {
        peer: Arc<Mutex<Option<PeerIdentity>>>,
        /// The domains of the last lookup, in their order.
        looked_at: Arc<Mutex<Vec<String>>>,
        wrong_names: Arc<Mutex<Vec<String>>>,
    }

    fn process(domain: &str, generation: u64, token: &str) -> DomainProcess {
        DomainProcess {
            domain: domain.to_owned(),
            generation,
            token: token.to_owned(),
            pid: Some(7),
        }
    }

    impl IdentitySource for TestSource {
        fn processes(&self) -> Vec<DomainProcess> {
            vec![process("users", 2, "secret"), process("orders", 1, "other")]
        }

        fn find_peer(
            &self,
            _local: SocketAddr,
            _peer: SocketAddr,
            processes: Vec<DomainProcess>,
        ) -> PeerIdentity {
            let domains = processes.into_iter().map(|process| process.domain);
            *self.looked_at.lock().expect("not poisoned") = domains.collect();
            let peer = self.peer.lock().expect("not poisoned").clone();
            peer.unwrap_or(PeerIdentity::Unknown)
        }

        fn is_alive(&self, _peer: &PeerProcess) -> bool {
            true
        }

        fn stop_reason(&self, domain: &str, _generation: u64) -> Option<String> {
            (domain == "orders").then(|| "requested".to_owned())
        }

        fn heartbeat_interval(&self, domain: &str) -> Option<Duration> {
            (domain == "users").then_some(Duration::from_secs(5))
        }

        fn on_wrong_name(&self, process: &DomainProcess, error: &str) {
            let entry = format!("{}: {error}", process.domain);
            self.wrong_names.lock().expect("not poisoned").push(entry);
        }
    }

    fn peer(pid: u32) -> PeerProcess {
        PeerProcess {
            pid,
            started: 1,
            command: format!("node {pid}.js"),
        }
    }

    fn request(domain: &str, token: Option<&str>) -> RegistrationRequest {
        RegistrationRequest {
            domain: domain.to_owned(),
            token: token.map(str::to_owned),
            capabilities: Vec::new(),
            local: ([127, 0, 0, 1], 50051).into(),
            peer: ([127, 0, 0, 1], 40000).into(),
        }
    }

    #[tokio::test]
    async fn a_lookup_begins_with_the_process_of_the_token_or_else_of_the_name() {
        let source = TestSource::default();
        let looked_at = Arc::clone(&source.looked_at);
        let authorizer = Authorizer::new(TokenPolicy::Optional, source);
        for (domain, token, first) in [
            ("orders", Some("secret"), "users"),
            ("users", Some("other"), "orders"),
            ("orders", None, "orders"),
            ("users", None, "users"),
        ] {
            let _ = authorizer.authorize(request(domain, token)).await;
            assert_eq!(looked_at.lock().expect("not poisoned")[0], first);
        }
    }

    #[test]
    fn tokens_are_equal_only_as_a_whole() {
        assert!(constant_time_eq("abc", "abc"));
        assert!(!constant_time_eq("abc", "abd"));
        assert!(!constant_time_eq("abc", "ab"));
    }

    #[tokio::test]
    async fn a_token_identifies_a_generation() {
        let authorizer = Authorizer::new(TokenPolicy::Required, TestSource::default());
        let grant = authorizer.authorize(request("users", Some("secret"))).await;
        let expected = RegistrationGrant {
            generation: 2,
            managed: true,
            pid: Some(7),
            heartbeat_interval: Some(Duration::from_secs(5)),
            stop: None,
        };
        assert_eq!(grant, Ok(expected));
        for token in [None, Some("guess"), Some("")] {
            let error = authorizer.authorize(request("users", token)).await;
            assert!(
                matches!(&error, Err(RegistrationError::Unauthenticated(text)) if text.contains("users")),
                "{error:?}"
            );
        }
        let error = authorizer.authorize(request("orders", Some("other"))).await;
        assert!(
            matches!(&error, Err(RegistrationError::FailedPrecondition(text)) if text.contains("requested")),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_process_that_registers_another_name_is_reported() {
        let source = TestSource::default();
        let wrong_names = Arc::clone(&source.wrong_names);
        let authorizer = Authorizer::new(TokenPolicy::Optional, source);
        let error = authorizer
            .authorize(request("orders", Some("secret")))
            .await
            .expect_err("the token belongs to users");
        let RegistrationError::PermissionDenied(text) = error else {
            panic!("{error:?}")
        };
        assert_eq!(
            *wrong_names.lock().expect("not poisoned"),
            [format!("users: {text}")]
        );
    }

    #[tokio::test]
    async fn without_a_token_the_peer_process_decides() {
        let grant = async |domain: &str, peer| {
            let source = TestSource {
                peer: Arc::new(Mutex::new(Some(peer))),
                ..TestSource::default()
            };
            Authorizer::new(TokenPolicy::Optional, source)
                .authorize(request(domain, None))
                .await
                .map(|grant| (grant.generation, grant.managed, grant.pid))
        };
        let users = PeerIdentity::Domain(process("users", 2, "secret"), peer(8));
        assert_eq!(grant("users", users).await, Ok((2, true, Some(7))));
        let unmanaged = PeerIdentity::Unmanaged(peer(9));
        assert_eq!(grant("users", unmanaged).await, Ok((0, false, Some(9))));
        let owner = "domain users of the app /srv/other".to_owned();
        let other = grant("users", PeerIdentity::OtherInstance(peer(9), owner)).await;
        let Err(RegistrationError::PermissionDenied(text)) = other else {
            panic!("{other:?}")
        };
        assert!(
            text.contains("/srv/other") && text.contains("9 (node 9.js)"),
            "{text}"
        );
        let unknown = PeerIdentity::Unknown;
        assert_eq!(
            grant("users", unknown.clone()).await,
            Ok((2, true, Some(7)))
        );
        assert_eq!(grant("billing", unknown).await, Ok((0, false, None)));
    }

    #[tokio::test]
    async fn a_child_with_the_token_of_its_parent_is_rejected_by_name() {
        let source = TestSource::default();
        let next = Arc::clone(&source.peer);
        let authorizer = Authorizer::new(TokenPolicy::Required, source);
        for (pid, accepted) in [(7, true), (8, false), (7, true)] {
            let identity = PeerIdentity::Domain(process("users", 2, "secret"), peer(pid));
            *next.lock().expect("not poisoned") = Some(identity);
            let grant = authorizer.authorize(request("users", Some("secret"))).await;
            assert_eq!(grant.is_ok(), accepted, "{grant:?}");
            if let Err(error) = grant {
                let text = error.to_string();
                assert!(
                    matches!(error, RegistrationError::AlreadyExists(_)),
                    "{text}"
                );
                assert!(
                    text.contains("8 (node 8.js) is a child of domain users"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn the_debug_output_of_a_process_hides_its_token() {
        let text = format!("{:?}", process("users", 2, "secret"));
        assert!(text.contains("users") && !text.contains("secret"), "{text}");
    }
}
