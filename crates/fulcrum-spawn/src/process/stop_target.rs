//! Which process of a tree receives the stop signal first.
//!
//! The leader ends its own tree: a cluster disconnects its workers, a parent lets its helper save.
//! A leader that only waits for another program, and does not pass signals on, is skipped: a shell
//! would be killed, and a package manager kills the shell between it and the program.

use std::path::Path;

use rustix::process::Signal;

use super::group::Member;
use super::inspect::{command_words, exe_path, has_signal_handler};

/// How deeply wrappers may be nested: a shell, a package manager, its shell, and the program.
const MAX_DEPTH: usize = 8;

/// The processes that receive a stop signal first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StopTarget {
    Leader,
    /// The program that the leader waits for.
    InPlaceOfLeader(Member),
    /// The leader waits for several programs: none of them is responsible for the others.
    Tree,
}

/// Finds the target in the living members of a tree, of which the leader is one. `is_wrapper` tells
/// whether a process only waits for another one.
pub(super) fn find_stop_target(
    leader: u32,
    members: &[Member],
    is_wrapper: impl Fn(u32) -> bool,
) -> StopTarget {
    let mut at = leader;
    let mut found = StopTarget::Leader;
    for _ in 0..MAX_DEPTH {
        if !is_wrapper(at) {
            break;
        }
        let mut children = members.iter().filter(|member| member.parent == at);
        match (children.next(), children.next()) {
            (Some(only), None) => {
                at = only.pid;
                found = StopTarget::InPlaceOfLeader(only.clone());
            }
            (Some(_), Some(_)) => return StopTarget::Tree,
            (None, _) => break,
        }
    }
    found
}

/// Whether a process waits for another program without passing `signal` on to it.
pub(super) fn is_wrapper(pid: u32, signal: Signal) -> bool {
    let exe = exe_path(pid).unwrap_or_default();
    let words = command_words(pid);
    if is_shell(&exe, words.first().map_or("", String::as_str)) {
        // A trap is the script's own way of stopping what it has started.
        return !has_signal_handler(pid, signal);
    }
    is_package_manager(&words)
}

fn is_shell(exe: &Path, argument: &str) -> bool {
    const SHELLS: [&str; 8] = ["sh", "dash", "bash", "ash", "zsh", "ksh", "mksh", "fish"];
    let name = file_name(exe);
    SHELLS.contains(&name)
        || (name == "busybox" && SHELLS.contains(&file_name(Path::new(argument))))
}

/// `npm run start`, as npm names its process, or `node /usr/bin/pnpm run start`.
fn is_package_manager(words: &[String]) -> bool {
    const NAMES: [&str; 6] = ["npm", "npx", "pnpm", "pnpx", "yarn", "yarnpkg"];
    let words = words.iter().flat_map(|word| word.split(' '));
    let mut words = words.filter(|word| !word.starts_with('-'));
    words.by_ref().take(2).any(|word| {
        let name = file_name(Path::new(word));
        let stem = name
            .rsplit_once('.')
            .map_or(name, |(stem, extension)| match extension {
                "js" | "cjs" | "mjs" => stem,
                _ => name,
            });
        let stem = stem.strip_suffix("-cli").unwrap_or(stem);
        NAMES.contains(&stem) || stem.starts_with("yarn-")
    })
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(parents: &[(u32, u32)]) -> Vec<Member> {
        let member = |(pid, parent): &(u32, u32)| Member {
            pid: *pid,
            name: String::new(),
            state: 'S',
            parent: *parent,
            group: 10,
            started: u64::from(*pid),
        };
        parents.iter().map(member).collect()
    }

    #[test]
    fn a_leader_that_is_no_wrapper_is_the_target() {
        let members = tree(&[(10, 1), (11, 10)]);
        assert_eq!(
            find_stop_target(10, &members, |_| false),
            StopTarget::Leader
        );
    }

    #[test]
    fn wrappers_are_skipped_down_to_the_program_and_not_further() {
        // A shell, npm, its shell, the program, and a helper of the program.
        let members = tree(&[(10, 1), (11, 10), (12, 11), (13, 12), (14, 13)]);
        let expected = StopTarget::InPlaceOfLeader(members[3].clone());
        assert_eq!(find_stop_target(10, &members, |pid| pid < 13), expected);
    }

    #[test]
    fn a_wrapper_without_a_program_is_itself_the_target() {
        let members = tree(&[(10, 1)]);
        assert_eq!(find_stop_target(10, &members, |_| true), StopTarget::Leader);
    }

    #[test]
    fn a_shell_that_waits_for_several_programs_leaves_the_tree() {
        let members = tree(&[(10, 1), (11, 10), (12, 10)]);
        let found = find_stop_target(10, &members, |pid| pid == 10);
        assert_eq!(found, StopTarget::Tree);
    }

    #[test]
    fn package_managers_are_recognized_by_their_words() {
        let is = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            is_package_manager(&words)
        };
        for wrapper in [
            &["npm run start"][..],
            &["npm", "start"],
            &[
                "node",
                "/usr/lib/node_modules/npm/bin/npm-cli.js",
                "run",
                "dev",
            ],
            &["node", "/usr/bin/pnpm", "run", "dev"],
            &["node", "/srv/tools/pnpm.cjs", "dev"],
            &[
                "node",
                "--no-warnings",
                "/app/.yarn/releases/yarn-4.5.0.cjs",
                "dev",
            ],
            &["npx", "tsx", "x.ts"],
        ] {
            assert!(is(wrapper), "{wrapper:?}");
        }
        for program in [
            &["node", "server.js", "npm"][..],
            &["node", "/app/npm/server.js"],
            &["python3", "yarn.py"],
            &[],
        ] {
            assert!(!is(program), "{program:?}");
        }
    }

    #[test]
    fn busybox_is_a_shell_only_where_it_is_called_one() {
        assert!(is_shell(Path::new("/usr/bin/dash"), "sh"));
        assert!(is_shell(Path::new("/bin/busybox"), "/bin/sh"));
        assert!(!is_shell(Path::new("/bin/busybox"), "httpd"));
        assert!(!is_shell(Path::new("/usr/bin/node"), "sh"));
    }
}
