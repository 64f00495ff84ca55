//! The id of a run and the tokens derived from it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

/// The id of one run of an instance: 128 random bits. The token of every generation starts with it,
/// so that the environment of a process shows which run it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunId(String);

impl RunId {
    /// The number of digits of the text form.
    const LENGTH: usize = 32;

    /// A new id.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new() -> io::Result<Self> {
        random().map(Self)
    }

    /// Parses the text form: 32 hexadecimal digits in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == Self::LENGTH && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }

    /// A token for one generation of this run: the run id and 128 more bits that cannot be guessed.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn token(&self) -> io::Result<String> {
        Ok(format!("{}{}", self.0, random()?))
    }

    /// Whether a value is a token of this run.
    #[must_use]
    pub(super) fn is_token_of_run(&self, token: &[u8]) -> bool {
        token.starts_with(self.0.as_bytes())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn random() -> io::Result<String> {
    let mut bytes = [0; RunId::LENGTH / 2];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_contain_their_run_and_differ() {
        let (own, other) = (RunId::new().expect("random"), RunId::new().expect("random"));
        let (one, two) = (own.token().expect("random"), own.token().expect("random"));
        assert_ne!(one, two);
        assert_eq!(one.len(), 64);
        assert!(own.is_token_of_run(one.as_bytes()) && !other.is_token_of_run(one.as_bytes()));
    }

    #[test]
    fn only_the_text_form_is_parsed() {
        let run = RunId::new().expect("random");
        assert_eq!(RunId::parse(&run.to_string()), Some(run.clone()));
        for wrong in [
            "",
            "12",
            &run.to_string()[1..],
            &"G".repeat(32),
            &"A".repeat(32),
        ] {
            assert_eq!(RunId::parse(wrong), None, "{wrong}");
        }
    }
}
