//! What `fulcrum dev` prints beside lines: the header, the table once all are ready, the row while
//! they start. Pure.

use fulcrum_rpc::control::Domain;
use unicode_width::UnicodeWidthStr;

use crate::view::{app_name, port};

/// Frames of the sign that something goes on.
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// What the header tells.
#[derive(Debug, Clone)]
pub struct DevInfo {
    /// The version of Fulcrum.
    pub version: String,
    /// The root of the app.
    pub app: String,
    /// Where domains register.
    pub grpc: String,
    /// Where metrics and health endpoints are, host:port, if they are served.
    pub http: Option<String>,
}

fn paint(text: &str, code: &str, color: bool) -> String {
    match color {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

/// The header of `fulcrum dev`, with the keys if they work.
pub fn header(info: &DevInfo, keys: bool, color: bool) -> String {
    let bold = |text: &str| paint(text, "1", color);
    let dim = |text: &str| paint(text, "2", color);
    let mut text = format!(
        "{} {}  {}  {}",
        bold("fulcrum"),
        info.version,
        bold(app_name(&info.app)),
        dim(&format!("domains register at {}", info.grpc))
    );
    if let Some(http) = &info.http {
        text.push_str(&format!("  {}", dim(&format!("metrics at http://{http}"))));
    }
    if keys {
        let keys = [
            ("r", "restart"),
            ("l", "filter"),
            ("/", "search"),
            ("e", "errors"),
            ("t", "full screen"),
            ("?", "all keys"),
            ("q", "quit"),
        ];
        let keys: Vec<String> = keys
            .iter()
            .map(|(key, meaning)| format!("{} {}", bold(key), dim(meaning)))
            .collect();
        text.push_str(&format!("\n{}", keys.join("  ")));
    }
    text
}

/// The table of domains once they are ready.
pub fn summary(domains: &[Domain], color: bool) -> String {
    let mut rows = vec![["NAME", "READY IN", "PID", "PORT", "NEEDS"].map(str::to_owned)];
    for domain in domains.iter().filter(|domain| domain.pid.is_some()) {
        let ready_in = domain.registered_in_ms.map(|time| format!("{time:.0} ms"));
        rows.push([
            domain.name.clone(),
            ready_in.unwrap_or_default(),
            domain.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            port(domain)
                .map(|port| port.to_string())
                .unwrap_or_default(),
            domain.depends_on.join(", "),
        ]);
    }
    let widths: [usize; 5] = std::array::from_fn(|at| {
        rows.iter()
            .map(|row| row[at].width())
            .max()
            .unwrap_or_default()
    });
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        let [name, ready, pid, port, needs] = row;
        let pad = |text: &str, at: usize| " ".repeat(widths[at] - text.width());
        let line = format!(
            "  {name}{}  {}{ready}  {}{pid}  {}{port}  {needs}",
            pad(name, 0),
            pad(ready, 1),
            pad(pid, 2),
            pad(port, 3),
        );
        let line = line.trim_end();
        let line = match number {
            0 => paint(line, "1", color),
            _ => line.to_owned(),
        };
        out.push_str(&line);
        out.push('\n');
    }
    out.pop();
    out
}

/// The row while domains start: how many are ready, and what the first of the others does. None when
/// all are ready, or have failed.
pub(super) fn progress(domains: &[Domain], frame: usize, columns: usize) -> Option<String> {
    let wanted: Vec<_> = domains
        .iter()
        .filter(|domain| domain.goal == "up")
        .collect();
    let ready = wanted.iter().filter(|domain| domain.ready).count();
    // Of several the one that others wait for: it is prepared or starts.
    let rank = |phase: &str| match phase {
        "preparing" => Some(0),
        "starting" => Some(1),
        "waiting" => Some(2),
        _ => None,
    };
    let next = wanted
        .iter()
        .filter(|domain| !domain.ready)
        .filter_map(|domain| Some((rank(&domain.phase)?, domain)))
        .min_by_key(|(rank, _)| *rank)?
        .1;
    let bar_width = wanted.len().clamp(1, (columns / 4).max(1));
    let filled = ready * bar_width / wanted.len();
    let bar: String = (0..bar_width)
        .map(|at| if at < filled { '█' } else { '░' })
        .collect();
    let reason = next.reason.lines().next().unwrap_or_default();
    Some(format!(
        "{} {bar} {ready}/{} ready  {}: {} {reason}",
        SPINNER[frame % SPINNER.len()],
        wanted.len(),
        next.name,
        next.phase
    ))
}

/// Whether all domains that should run are ready, and there are some.
pub(super) fn all_ready(domains: &[Domain]) -> bool {
    let is_done = |domain: &Domain| domain.ready || domain.phase == "completed";
    let mut wanted = domains
        .iter()
        .filter(|domain| domain.goal == "up")
        .peekable();
    wanted.peek().is_some() && wanted.all(is_done)
}

/// The window's title: `shop: 2/3 ready`, or `shop: orders failed`.
pub(super) fn window_title(app: &str, domains: &[Domain]) -> String {
    let failed: Vec<&str> = domains
        .iter()
        .filter(|domain| matches!(domain.phase.as_str(), "failed" | "stuck"))
        .map(|domain| domain.name.as_str())
        .collect();
    let wanted = domains.iter().filter(|domain| domain.goal == "up").count();
    let ready = domains.iter().filter(|domain| domain.ready).count();
    let state = match failed.as_slice() {
        [] => format!("{ready}/{wanted} ready"),
        [name] => format!("{name} failed"),
        names => format!("{} failed", names.len()),
    };
    let title = format!("{}: {state}", app_name(app));
    title.chars().filter(|char| !char.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(name: &str, phase: &str, ready: bool) -> Domain {
        Domain {
            name: name.into(),
            phase: phase.into(),
            goal: "up".into(),
            ready,
            ..Domain::default()
        }
    }

    #[test]
    fn the_header_has_keys_only_where_they_work() {
        let info = DevInfo {
            version: "0.1.0".into(),
            app: "/srv/shop".into(),
            grpc: "127.0.0.1:50051".into(),
            http: None,
        };
        assert_eq!(
            header(&info, false, false),
            "fulcrum 0.1.0  shop  domains register at 127.0.0.1:50051"
        );
        let with_keys = header(&info, true, true);
        assert!(
            with_keys.contains("\x1b[1mq\x1b[0m \x1b[2mquit\x1b[0m"),
            "{with_keys:?}"
        );
    }

    #[test]
    fn the_summary_has_a_row_for_each_process() {
        let users = Domain {
            pid: Some(42),
            registered_in_ms: Some(412.3),
            depends_on: vec!["catalog".into()],
            ..domain("users", "running", true)
        };
        let text = summary(&[users, domain("idle", "stopped", false)], false);
        assert_eq!(
            text,
            "  NAME   READY IN  PID  PORT  NEEDS\n  users    412 ms   42        catalog"
        );
    }

    #[test]
    fn progress_names_the_domain_that_others_wait_for() {
        let installing = Domain {
            reason: "installing packages".into(),
            ..domain("orders", "preparing", false)
        };
        let domains = [
            domain("web", "waiting", false),
            installing,
            domain("users", "running", true),
        ];
        assert_eq!(
            progress(&domains, 1, 80).as_deref(),
            Some("⠙ █░░ 1/3 ready  orders: preparing installing packages")
        );
        assert!(!all_ready(&domains));
        let done = [
            domain("users", "running", true),
            domain("job", "completed", false),
        ];
        assert_eq!(progress(&done, 0, 80), None);
        assert!(all_ready(&done) && !all_ready(&[]));
        assert_eq!(window_title("/srv/shop", &domains), "shop: 1/3 ready");
        let failed = [domain("users", "failed", false)];
        assert_eq!(window_title("/srv/shop", &failed), "shop: users failed");
    }
}
