//! Which process of a domain registers: a token and a process tree identify the domain, and all
//! children of its process have both. No I/O.

use std::collections::HashMap;

use super::peer_process::{DomainProcess, PeerProcess};

/// The processes that have registered, by domain.
#[derive(Debug, Default)]
pub(super) struct TokenBindings {
    domains: HashMap<String, Binding>,
}

#[derive(Debug)]
struct Binding {
    generation: u64,
    holder: PeerProcess,
}

impl TokenBindings {
    /// Binds a generation to the process that registers for it.
    ///
    /// The leader, which was started with the token, may always; executing another program keeps
    /// it the same process. Otherwise the first process does, such as the program that a shell
    /// started, until it exits.
    ///
    /// # Errors
    /// The process that the generation is bound to, which is another one and alive.
    pub(super) fn bind(
        &mut self,
        process: &DomainProcess,
        peer: &PeerProcess,
        is_alive: impl FnOnce(&PeerProcess) -> bool,
    ) -> Result<(), PeerProcess> {
        let binding = self.domains.get(&process.domain);
        let current = binding.filter(|binding| binding.generation == process.generation);
        if let Some(Binding { holder, .. }) = current {
            let is_other = !holder.is_same_process(peer);
            if is_other && process.pid != Some(peer.pid) && is_alive(holder) {
                return Err(holder.clone());
            }
        }
        let binding = Binding {
            generation: process.generation,
            holder: peer.clone(),
        };
        self.domains.insert(process.domain.clone(), binding);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(pid: u32) -> PeerProcess {
        PeerProcess {
            pid,
            started: 1,
            command: format!("node {pid}.js"),
        }
    }

    fn generation(generation: u64, leader: u32) -> DomainProcess {
        DomainProcess {
            domain: "users".to_owned(),
            generation,
            token: String::new(),
            pid: Some(leader),
        }
    }

    #[test]
    fn a_child_does_not_replace_the_leader_and_the_leader_replaces_a_child() {
        let mut bindings = TokenBindings::default();
        let process = generation(1, 7);
        assert_eq!(bindings.bind(&process, &peer(8), |_| true), Ok(()));
        assert_eq!(bindings.bind(&process, &peer(7), |_| true), Ok(()));
        assert_eq!(bindings.bind(&process, &peer(8), |_| true), Err(peer(7)));
        // It connects again.
        assert_eq!(bindings.bind(&process, &peer(7), |_| true), Ok(()));
    }

    #[test]
    fn a_program_that_a_shell_starts_again_replaces_the_one_that_has_exited() {
        let mut bindings = TokenBindings::default();
        let process = generation(1, 7);
        assert_eq!(bindings.bind(&process, &peer(8), |_| true), Ok(()));
        assert_eq!(bindings.bind(&process, &peer(9), |_| true), Err(peer(8)));
        assert_eq!(bindings.bind(&process, &peer(9), |_| false), Ok(()));
        assert_eq!(bindings.bind(&process, &peer(8), |_| true), Err(peer(9)));
    }

    #[test]
    fn each_generation_is_bound_anew() {
        let mut bindings = TokenBindings::default();
        assert_eq!(bindings.bind(&generation(1, 7), &peer(7), |_| true), Ok(()));
        assert_eq!(
            bindings.bind(&generation(2, 9), &peer(10), |_| true),
            Ok(())
        );
        // The same id, and another process.
        let reused = PeerProcess {
            started: 2,
            ..peer(10)
        };
        let holder = bindings.bind(&generation(2, 9), &reused, |_| true);
        assert_eq!(holder, Err(peer(10)));
    }
}
