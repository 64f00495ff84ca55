//! Command lines of other tools as words, or as a text for a shell.

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CommandLine {
    /// A program and its arguments.
    Words(Vec<String>),
    /// A text whose meaning needs a shell.
    Shell(String),
}

/// The assignments before the program, and the command line, of a text for a shell.
pub(super) fn parse(text: &str) -> (Vec<(String, String)>, CommandLine) {
    let text = text.trim();
    let Some(words) = split(text, true).filter(|words| !words.is_empty()) else {
        return (Vec::new(), CommandLine::Shell(text.to_owned()));
    };
    let is_runner = |word: &str| matches!(word, "env" | "cross-env");
    let mut env = Vec::new();
    let mut rest = words.as_slice();
    while let [word, after @ ..] = rest {
        match assignment(word) {
            Some(pair) => env.push(pair),
            None if is_runner(word) && after.first().is_some_and(|w| assignment(w).is_some()) => {}
            None => break,
        }
        rest = after;
    }
    if let ["exec", after @ ..] = rest
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
        && !after.is_empty()
    {
        rest = &rest[1..];
    }
    if rest.is_empty() || is_builtin(&rest[0]) {
        return (Vec::new(), CommandLine::Shell(text.to_owned()));
    }
    (env, CommandLine::Words(rest.to_vec()))
}

fn is_builtin(word: &str) -> bool {
    const BUILTINS: [&str; 14] = [
        "cd", ".", "source", "export", "if", "for", "while", "until", "case", "set", "eval",
        "exec", "trap", "ulimit",
    ];
    BUILTINS.contains(&word)
}

fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

/// The words of a text by the rules of quotes; none if a quote is open or, with `shell`, if it contains
/// what a shell would expand or act on.
pub(super) fn split(text: &str, shell: bool) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' if shell => return None,
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '$' | '`' if shell => return None,
                        '\\' if chars.peek().is_some_and(|c| "\"\\$`".contains(*c)) => {
                            word.extend(chars.next());
                        }
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '*' | '?' | '[' | '{'
                if shell =>
            {
                return None;
            }
            '#' | '~' | '!' if shell && word.is_none() => return None,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// The command that runs a text in a shell. A single program takes the place of the shell, so that
/// signals reach it.
pub(super) fn in_shell(shell: &str, text: &str) -> Vec<String> {
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_single = !text.contains(['|', '&', ';', '\n', '(', '{', '`'])
        && !is_builtin(first)
        && assignment(first).is_none()
        && !first.starts_with(['#', '!']);
    let text = match is_single {
        true => format!("exec {text}"),
        false => text.to_owned(),
    };
    vec![shell.to_owned(), "-c".to_owned(), text]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        for (text, expected) in [
            ("node server.js", &["node", "server.js"][..]),
            (
                "  a  'b c' \"d \\\" e\" f\\ g ''",
                &["a", "b c", "d \" e", "f g", ""],
            ),
            ("exec node x.js", &["node", "x.js"]),
        ] {
            let expected = expected.iter().map(ToString::to_string).collect();
            assert_eq!(parse(text).1, CommandLine::Words(expected), "{text}");
        }
        for text in [
            "a && b", "a | b", "a > b", "a $PORT", "a *.js", "cd x", "a \"$B\"", "'a", "",
        ] {
            assert!(matches!(parse(text).1, CommandLine::Shell(_)), "{text}");
        }
    }

    #[test]
    fn assignments_before_the_program_are_variables() {
        for text in ["A=1 B='x y' node s.js", "cross-env A=1 B='x y' node s.js"] {
            let (env, line) = parse(text);
            let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
            assert_eq!(env, [pair("A", "1"), pair("B", "x y")], "{text}");
            let words = vec!["node".to_owned(), "s.js".to_owned()];
            assert_eq!(line, CommandLine::Words(words), "{text}");
        }
    }

    #[test]
    fn a_single_program_takes_the_place_of_its_shell() {
        assert_eq!(in_shell("sh", "node s.js $A")[2], "exec node s.js $A");
        assert_eq!(in_shell("sh", "a && b")[2], "a && b");
        assert_eq!(in_shell("sh", "A=1 b $C")[2], "A=1 b $C");
    }
}
