//! The words of docker compose, pm2, process-compose, Procfiles, systemd and Kubernetes, and what they
//! are here. Spelling distance finds typos; it cannot know that `healthcheck` is `ready`.

/// What a word of another tool is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A key of the same section, or a path below it.
    Key(&'static str),
    /// A sentence.
    Advice(&'static str),
}

use Meaning::{Advice, Key};

const ONE_PROCESS: &str =
    "remove it: a domain is one process; make more domains, or use `node:cluster` in one";

/// Keys of a service, an app or a process.
const PROCESS: &[(&str, Meaning)] = &[
    ("autorestart", Key("restart.policy")),
    ("autostart_process", Key("autostart")),
    ("availability", Key("restart")),
    (
        "build",
        Advice("Fulcrum builds nothing: run the build before, or set `command`"),
    ),
    ("cmd", Key("command")),
    (
        "container_name",
        Advice("remove it: a domain is named after its directory"),
    ),
    ("cpus", Key("limits.cpu")),
    (
        "cron_restart",
        Advice("remove it: a job runs by the clock with `kind: job` and `schedule`"),
    ),
    ("cwd_dir", Key("cwd")),
    ("depends", Key("depends_on")),
    (
        "deploy",
        Advice("write `limits` and `restart` themselves; a domain is one process"),
    ),
    ("disabled", Key("autostart")),
    ("entrypoint", Key("command")),
    ("environment", Key("env")),
    ("env_files", Key("env_file")),
    (
        "env_production",
        Advice("write `env`; variables of one mode belong into an `env_file`"),
    ),
    ("exec", Key("command")),
    ("exec_mode", Advice(ONE_PROCESS)),
    ("exec_start", Key("command")),
    ("exp_backoff_restart_delay", Key("restart.backoff.initial")),
    ("expose", Key("port")),
    (
        "extends",
        Advice("write the values themselves; those of all domains are `runtime.defaults`"),
    ),
    ("health_check", Key("ready")),
    ("healthcheck", Key("ready")),
    ("ignore_watch", Key("watch.ignore")),
    (
        "image",
        Advice("remove it: Fulcrum runs programs of this machine; name one with `command`"),
    ),
    (
        "init",
        Advice("remove it: Fulcrum reaps the processes of each domain by itself"),
    ),
    ("instances", Advice(ONE_PROCESS)),
    ("interpreter", Key("node")),
    ("interpreter_args", Key("node_args")),
    (
        "is_daemon",
        Advice("remove it: a program must stay in the foreground"),
    ),
    ("kill_signal", Key("stop.signal")),
    ("kill_timeout", Key("stop.grace")),
    ("labels", Advice("remove it: Fulcrum has no labels")),
    ("listen_timeout", Key("start_timeout")),
    ("liveness", Key("alive")),
    ("liveness_probe", Key("alive")),
    (
        "log_location",
        Advice("remove it: logs are stored in `.fulcrum/logs`, see `runtime.logs.store`"),
    ),
    ("max_memory_restart", Key("limits.memory")),
    ("max_restarts", Key("restart.budget")),
    ("mem_limit", Key("limits.memory")),
    ("memory_limit", Key("limits.memory")),
    ("min_uptime", Key("restart.stable_after")),
    (
        "name",
        Advice("remove it: a domain is named after its directory"),
    ),
    (
        "namespace",
        Advice("remove it: groups of domains are `runtime.groups`"),
    ),
    (
        "networks",
        Advice("remove it: domains share the network of this machine"),
    ),
    (
        "network_mode",
        Advice("remove it: domains share the network of this machine"),
    ),
    ("node_version", Key("node")),
    ("numprocs", Advice(ONE_PROCESS)),
    (
        "out_file",
        Advice("remove it: logs are stored in `.fulcrum/logs`, see `runtime.logs.store`"),
    ),
    (
        "error_file",
        Advice("remove it: logs are stored in `.fulcrum/logs`, see `runtime.logs.store`"),
    ),
    (
        "pid_file",
        Advice("remove it: `fulcrum domains list` has the process IDs"),
    ),
    ("ports", Key("port")),
    ("readiness", Key("ready")),
    ("readiness_probe", Key("ready")),
    ("restart_delay", Key("restart.backoff.initial")),
    ("restart_policy", Key("restart.policy")),
    ("restart_sec", Key("restart.backoff.initial")),
    ("run", Key("command")),
    (
        "run_as",
        Advice("remove it, and start fulcrum as that user"),
    ),
    ("scale", Advice(ONE_PROCESS)),
    ("script", Key("entry")),
    ("shutdown", Key("stop")),
    ("start", Key("command")),
    ("start_command", Key("command")),
    ("start_period", Key("start_timeout")),
    ("startup_probe", Key("start_timeout")),
    ("stop_grace_period", Key("stop.grace")),
    ("stop_signal", Key("stop.signal")),
    ("stop_timeout", Key("stop.grace")),
    (
        "secrets",
        Advice("remove it: name the file in `env_file`, or let the program read it"),
    ),
    ("terminationgraceperiodseconds", Key("stop.grace")),
    ("timeout_stop_sec", Key("stop.grace")),
    (
        "volumes",
        Advice("remove it: domains see the files of this machine"),
    ),
    (
        "ulimits",
        Advice("remove it: set limits of `limits`, or with `ulimit` of the shell"),
    ),
    ("uid", Key("user")),
    ("wait_ready", Key("ready")),
    (
        "watch_delay",
        Advice("remove it: changes are collected by themselves"),
    ),
    ("watch_ignore", Key("watch.ignore")),
    ("working_dir", Key("cwd")),
    ("working_directory", Key("cwd")),
    ("workdir", Key("cwd")),
];

/// Keys of a health check.
const PROBE: &[(&str, Meaning)] = &[
    ("command", Key("exec")),
    ("failure_threshold", Key("failures")),
    ("http_get", Key("http")),
    (
        "initial_delay_seconds",
        Advice("remove it: a probe is asked until `start_timeout`"),
    ),
    ("log_line", Key("log")),
    ("path", Key("http")),
    ("period_seconds", Key("interval")),
    ("ready_log_line", Key("log")),
    ("retries", Key("failures")),
    ("start_interval", Key("interval")),
    ("start_period", Advice("write `start_timeout` beside it")),
    ("success_threshold", Key("successes")),
    ("tcp_socket", Key("tcp")),
    ("test", Key("exec")),
    ("timeout_seconds", Key("timeout")),
];

/// Values: a word of another tool, and the words here. Only those that a setting knows apply.
const VALUES: &[(&str, &str)] = &[
    ("unless_stopped", "always"),
    ("no", "never"),
    ("none", "never"),
    ("false", "never"),
    ("true", "always"),
    ("yes", "always"),
    ("on_abnormal", "on-failure"),
    ("on_abort", "on-failure"),
    ("exit_on_failure", "on-failure"),
    ("any", "always"),
    ("service_started", "started"),
    ("service_healthy", "ready"),
    ("service_completed_successfully", "exited"),
    ("process_started", "started"),
    ("process_healthy", "ready"),
    ("process_log_ready", "ready"),
    ("process_completed", "exited"),
    ("process_completed_successfully", "exited"),
    ("healthy", "ready"),
    ("completed", "exited"),
    ("warning", "warn"),
    ("verbose", "debug"),
    ("silent", "error"),
];

/// What a key of another tool is among the settings of a process.
pub(crate) fn process_key(name: &str) -> Option<Meaning> {
    find(PROCESS, name)
}

/// What a key of another tool is in a probe.
pub(crate) fn probe_key(name: &str) -> Option<Meaning> {
    find(PROBE, name)
}

/// The word of `known` that a word of another tool is.
pub(crate) fn value(text: &str, known: &[&'static str]) -> Option<&'static str> {
    let text = normal(text);
    VALUES
        .iter()
        .filter(|(word, _)| *word == text)
        .find_map(|(_, here)| known.iter().find(|known| *known == here).copied())
}

fn find(table: &[(&str, Meaning)], name: &str) -> Option<Meaning> {
    let name = normal(name);
    let same = |word: &str| word == name || word.replace('_', "") == name.replace('_', "");
    let found = table.iter().find(|(word, _)| same(word))?;
    Some(found.1)
}

/// `stopGracePeriod` and `stop-grace-period` are `stop_grace_period`.
fn normal(name: &str) -> String {
    crate::suggest::to_snake_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_tools_are_found_in_any_spelling() {
        for name in ["stop_grace_period", "stopGracePeriod", "stop-grace-period"] {
            assert_eq!(process_key(name), Some(Key("stop.grace")), "{name}");
        }
        assert_eq!(process_key("ExecStart"), Some(Key("command")));
        assert_eq!(process_key("env"), None);
        assert_eq!(probe_key("periodSeconds"), Some(Key("interval")));
    }

    #[test]
    fn a_value_is_suggested_only_where_it_is_known() {
        let policies = &["always", "on-failure", "never"];
        assert_eq!(value("unless-stopped", policies), Some("always"));
        assert_eq!(value("no", policies), Some("never"));
        assert_eq!(value("no", &["ready", "started"]), None);
    }

    #[test]
    fn every_key_that_is_suggested_exists() {
        for (word, meaning) in PROCESS {
            let Key(path) = meaning else { continue };
            let mut keys = crate::schema::PROCESS;
            for name in path.split('.') {
                let key = keys.iter().find(|key| key.name == name);
                let key = key.unwrap_or_else(|| panic!("{word}: no key {path}"));
                if let crate::schema::Kind::Section(below)
                | crate::schema::Kind::Shorthand(_, below) = key.kind
                {
                    keys = below;
                }
            }
        }
    }
}
