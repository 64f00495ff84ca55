//! How many colors a terminal has.

/// The colors that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// None: weight and inversion only.
    None,
    /// The 16 colors, whose looks the user has chosen.
    Ansi,
    /// The palette of 256.
    Indexed,
}

impl ColorDepth {
    /// The depth of this terminal: by `TERM` and `COLORTERM`; none if colors are not wanted.
    pub fn detect(wanted: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        if !wanted || term.is_empty() || term == "dumb" || term.starts_with("vt") {
            return Self::None;
        }
        let many = variable("COLORTERM").is_some_and(|value| !value.is_empty());
        match many || term.contains("256") || term.contains("direct") {
            true => Self::Indexed,
            false => Self::Ansi,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_follows_the_variables_of_the_terminal() {
        let detect = |wanted, term: Option<&str>, colorterm: Option<&str>| {
            ColorDepth::detect(wanted, |name| {
                let value = match name {
                    "TERM" => term,
                    "COLORTERM" => colorterm,
                    _ => None,
                };
                value.map(str::to_owned)
            })
        };
        assert_eq!(
            detect(true, Some("xterm-256color"), None),
            ColorDepth::Indexed
        );
        assert_eq!(
            detect(true, Some("xterm"), Some("truecolor")),
            ColorDepth::Indexed
        );
        assert_eq!(detect(true, Some("screen"), None), ColorDepth::Ansi);
        assert_eq!(detect(true, Some("linux"), Some("")), ColorDepth::Ansi);
        for (wanted, term) in [
            (false, Some("xterm-256color")),
            (true, Some("dumb")),
            (true, None),
        ] {
            assert_eq!(detect(wanted, term, None), ColorDepth::None);
        }
    }
}
