//! Whether a terminal shows links.

/// Whether this terminal is known to show links (OSC 8). Others may print the sequence.
pub fn has_links(variable: impl Fn(&str) -> Option<String>) -> bool {
    let value = |name| variable(name).unwrap_or_default();
    match value("FORCE_HYPERLINK").as_str() {
        "" => {}
        forced => return forced != "0",
    }
    let term = value("TERM");
    // Multiplexers swallow links, or lose them when they draw again.
    if term.starts_with("screen") || term.starts_with("tmux") || !value("TMUX").is_empty() {
        return false;
    }
    let is_known = matches!(
        value("TERM_PROGRAM").as_str(),
        "iTerm.app" | "WezTerm" | "vscode" | "ghostty" | "Hyper" | "Tabby" | "rio"
    );
    let is_known_term = [
        "kitty",
        "alacritty",
        "foot",
        "ghostty",
        "wezterm",
        "contour",
    ]
    .iter()
    .any(|name| term.contains(name));
    // VTE has them since 0.50.
    let vte = value("VTE_VERSION")
        .parse::<u32>()
        .is_ok_and(|version| version >= 5000);
    let others = ["WT_SESSION", "KONSOLE_VERSION", "DOMTERM"];
    is_known || is_known_term || vte || others.iter().any(|name| !value(name).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_terminals_get_links() {
        let with = |set: &[(&str, &str)]| {
            has_links(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        for set in [
            &[("TERM", "xterm-kitty")][..],
            &[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")],
            &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "vscode")],
            &[("WT_SESSION", "1")],
            &[("TERM", "screen"), ("FORCE_HYPERLINK", "1")],
        ] {
            assert!(with(set), "{set:?}");
        }
        for set in [
            &[("TERM", "xterm-256color")][..],
            &[("TERM", "linux")],
            &[("TERM", "xterm-256color"), ("VTE_VERSION", "4200")],
            &[("TERM", "tmux-256color"), ("TERM_PROGRAM", "vscode")],
            &[("TERM", "xterm-kitty"), ("FORCE_HYPERLINK", "0")],
        ] {
            assert!(!with(set), "{set:?}");
        }
    }
}
