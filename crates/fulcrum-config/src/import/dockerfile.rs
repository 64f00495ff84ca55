//! The program of a Dockerfile.

use serde_json::Value;

use super::words;

/// What a container of an image runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ImageProgram {
    /// The words of `ENTRYPOINT` and `CMD`.
    pub(super) entrypoint: Vec<String>,
    pub(super) command: Vec<String>,
    /// The directory in the image.
    pub(super) workdir: Option<String>,
}

/// Reads the program of the last stage of a Dockerfile.
pub(super) fn parse(text: &str) -> ImageProgram {
    let mut program = ImageProgram::default();
    for line in text.replace("\\\n", " ").lines() {
        let Some((instruction, rest)) = line.trim().split_once(char::is_whitespace) else {
            continue;
        };
        match instruction.to_ascii_uppercase().as_str() {
            "FROM" => program = ImageProgram::default(),
            "WORKDIR" => program.workdir = Some(rest.trim().to_owned()),
            "ENTRYPOINT" => {
                program.entrypoint = command(rest);
                program.command = Vec::new();
            }
            "CMD" => program.command = command(rest),
            _ => {}
        }
    }
    program
}

/// `["a", "b"]`, or a text for a shell.
fn command(text: &str) -> Vec<String> {
    if let Ok(Value::Array(items)) = serde_json::from_str(text.trim()) {
        let words = items.iter().filter_map(Value::as_str);
        return words.map(str::to_owned).collect();
    }
    match words::parse(text) {
        (env, words::CommandLine::Words(words)) if env.is_empty() => words,
        _ => words::in_shell("sh", text.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_that_of_the_last_stage() {
        let program = parse(
            "FROM node AS build\nWORKDIR /b\nCMD [\"x\"]\nFROM node\nworkdir /app\n\
             ENTRYPOINT [\"node\"]\nCMD [\"server.js\", \\\n \"--port\"]\n",
        );
        assert_eq!(program.entrypoint, ["node"]);
        assert_eq!(program.command, ["server.js", "--port"]);
        assert_eq!(program.workdir.as_deref(), Some("/app"));
        assert_eq!(parse("CMD npm start\n").command, ["npm", "start"]);
        assert_eq!(parse("CMD a && b\n").command, ["sh", "-c", "a && b"]);
    }
}
