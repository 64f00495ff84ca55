//! One domain in full.

use std::time::SystemTime;

use fulcrum_rpc::control::{Details, Domain, Event, LastExit};

use super::columns::reason;
use super::rows::{heading, one_line, value};
use super::theme::Theme;
use crate::model::{Life, Model};
use crate::text::{StyledText, short_bytes, short_duration, short_lag, short_percent};

/// How many lives are shown.
const LIVES: usize = 10;

/// The rows of the detail pane.
pub(crate) fn detail_rows(model: &Model, theme: &Theme) -> Vec<StyledText> {
    let Some(row) = model.table.selected() else {
        return vec![StyledText::new(" no domain is selected", theme.dim)];
    };
    let domain = &row.state;
    let mut rows = state_rows(domain, theme);
    if let Some(exit) = &domain.last_exit {
        rows.extend(exit_rows(exit, model.now.wall, theme));
    }
    let lives = model.events.lives(&domain.name);
    if !lives.is_empty() {
        rows.push(heading("Lives", theme));
        rows.extend(
            lives
                .iter()
                .take(LIVES)
                .map(|life| life_row(life, model.now.wall, theme)),
        );
    }
    let details = model
        .details
        .as_ref()
        .filter(|details| details.name == domain.name);
    match details.and_then(|domain| domain.details.as_ref()) {
        Some(details) => rows.extend(process_rows(details, theme)),
        None if domain.pid.is_some() => rows.push(StyledText::new(" …", theme.dim)),
        None => {}
    }
    rows
}

fn state_rows(domain: &Domain, theme: &Theme) -> Vec<StyledText> {
    let text = theme.text;
    let mut rows = vec![heading(&domain.name, theme)];
    let ready = if domain.ready {
        ", ready"
    } else {
        ", not ready"
    };
    let phase = format!("{}{ready}; goal {}", domain.phase, domain.goal);
    rows.push(value("phase", &phase, theme.phase(domain), theme));
    rows.push(value("reason", &reason(domain), text, theme));
    if let Some(pid) = domain.pid {
        let process = format!(
            "pid {pid}, generation {}, up {}, {} restarts",
            domain.generation,
            short_duration(domain.uptime_ms),
            domain.restarts
        );
        rows.push(value("process", &process, text, theme));
        let mut usage = format!(
            "CPU {}, memory {}",
            short_percent(domain.cpu_percent),
            short_bytes(domain.memory_bytes)
        );
        if let Some(lag) = domain.event_loop_lag_ms {
            usage.push_str(&format!(", event loop lag {}", short_lag(lag)));
        }
        rows.push(value("usage", &usage, text, theme));
    }
    if let Some(time) = domain.registered_in_ms {
        rows.push(value("ready in", &format!("{time:.0} ms"), text, theme));
    }
    if let Some(entry) = &domain.entry {
        rows.push(value("entry", entry, text, theme));
    }
    if !domain.depends_on.is_empty() {
        rows.push(value("needs", &domain.depends_on.join(", "), text, theme));
    }
    rows
}

fn exit_rows(exit: &LastExit, now: SystemTime, theme: &Theme) -> Vec<StyledText> {
    let how = match (exit.code, exit.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    };
    let at = exit.at.and_then(|at| SystemTime::try_from(at).ok());
    let how = match ago(at, now) {
        Some(ago) => format!("{how}, {ago} ago"),
        None => how,
    };
    let mut rows = vec![
        heading("Last exit", theme),
        value("how", &how, theme.text, theme),
    ];
    let mut name = "why";
    for line in exit.reason.lines().filter(|line| !line.trim().is_empty()) {
        rows.push(value(name, line, theme.text, theme));
        name = "";
    }
    rows
}

fn life_row(life: &Life<'_>, now: SystemTime, theme: &Theme) -> StyledText {
    let time = |event: &Event| event.time.and_then(|time| SystemTime::try_from(time).ok());
    let spawned = life.spawned.and_then(time);
    let mut row = StyledText::new(format!("  #{:<5} ", life.generation), theme.dim);
    let started = ago(spawned, now).map(|ago| format!("started {ago} ago"));
    row.push(format!("{:21}", started.unwrap_or_default()), theme.text);
    let since_spawn = |event: Option<&Event>| {
        let age = event.and_then(time)?.duration_since(spawned?).ok()?;
        u64::try_from(age.as_millis()).ok()
    };
    if let Some(milliseconds) = since_spawn(life.ready) {
        row.push(format!("ready in {milliseconds} ms; "), theme.text);
    }
    match life.end {
        Some(end) => {
            let ran = since_spawn(Some(end)).map(|ran| format!("ran {}; ", short_duration(ran)));
            row.push(ran.unwrap_or_default(), theme.text);
            row.push(end.kind.clone(), theme.event(&end.kind));
            row.push(format!(": {}", one_line(&end.reason)), theme.dim);
        }
        None => row.push("runs", theme.good),
    }
    row
}

fn process_rows(details: &Details, theme: &Theme) -> Vec<StyledText> {
    let text = theme.text;
    let mut rows = vec![heading("Process", theme)];
    rows.push(value("command", &details.command.join(" "), text, theme));
    rows.push(value("directory", &details.cwd, text, theme));
    if !details.runner.is_empty() {
        rows.push(value("runner", &details.runner, text, theme));
    }
    if !details.readiness.is_empty() {
        rows.push(value("readiness", &details.readiness, text, theme));
    }
    if !details.last_stderr.is_empty() {
        rows.push(heading("Last lines of standard error", theme));
        let lines = details.last_stderr.iter();
        rows.extend(lines.map(|line| StyledText::new(format!("  {}", one_line(line)), text)));
    }
    rows.push(heading("Environment, secrets masked", theme));
    let mut variables: Vec<_> = details.env.iter().collect();
    variables.sort();
    for (name, content) in variables {
        let mut row = StyledText::new(format!("  {name}"), theme.accent);
        row.push("=", theme.dim);
        row.push(one_line(content), text);
        rows.push(row);
    }
    rows
}

/// The time since then, such as `3m12s`; none for a time in the future.
fn ago(time: Option<SystemTime>, now: SystemTime) -> Option<String> {
    let age = now.duration_since(time?).ok()?;
    Some(short_duration(u64::try_from(age.as_millis()).ok()?))
}
