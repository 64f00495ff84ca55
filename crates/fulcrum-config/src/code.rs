//! The codes of diagnostics.

use std::fmt;

/// What a diagnostic is about. Its `Display` is the stable code that is printed with it, such as
/// `FUL0120`; the numbers are never reused, and `docs/errors` has an explanation of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum Code {
    /// A file or directory cannot be read.
    UnreadableFile = 101,
    /// A file, its aliases or a glob are larger than any configuration.
    TooLarge = 102,
    /// A file is not UTF-8 text.
    NotText = 103,
    /// There is no app here.
    NoApp = 104,
    /// The file is named `fulcrum.yaml`.
    MisspeltFile = 105,
    /// There are more diagnostics than are shown.
    TooMany = 106,
    /// Invalid YAML.
    YamlSyntax = 110,
    /// Lists and maps are nested too deeply.
    TooDeep = 111,
    /// A file has more than one YAML document.
    SeveralDocuments = 112,
    /// A YAML tag without a meaning.
    UnknownTag = 113,
    /// A space that is not the space key's, or a character that cannot be seen.
    UnusualSpace = 114,
    /// A key is in a map twice.
    DuplicateKey = 115,
    /// A key that is no setting.
    UnknownKey = 120,
    /// A key that belongs in the other file.
    MisplacedKey = 121,
    /// A value of another type than the setting's.
    WrongType = 122,
    /// A value that the setting cannot have.
    InvalidValue = 123,
    /// A number or size outside the setting's limits.
    OutOfRange = 124,
    /// A setting that this version does not support.
    NotSupported = 125,
    /// An address that other machines can reach.
    ExposedAddress = 126,
    /// A text that is no origin of a web page.
    InvalidOrigin = 127,
    /// `process.node` names no file.
    MissingNode = 128,
    /// `process.cwd` names no directory.
    BadPath = 129,
    /// A variable is used and not set.
    UnsetVariable = 130,
    /// A reference to a variable that cannot be understood.
    BadVariable = 131,
    /// `$NAME` without braces, which is not expanded.
    BareVariable = 132,
    /// A line of an environment file is not `NAME=value`.
    BadEnvFile = 133,
    /// An environment file replaces variables of the environment.
    ReplacedVariable = 134,
    /// An environment file does not exist.
    MissingEnvFile = 135,
    /// A reference to the port of a domain that has none.
    UnknownPort = 136,
    /// A listed directory is no domain.
    NoDomain = 140,
    /// The app has no domains.
    NoDomains = 141,
    /// A glob matches no directory.
    NoMatch = 142,
    /// A path is outside the app.
    OutsideApp = 143,
    /// Two domains have the same name.
    DuplicateName = 144,
    /// A directory's name is a word of the command line.
    ReservedName = 145,
    /// A directory's name cannot be a domain's.
    BadName = 146,
    /// A domain without a process is used like one that has one.
    NoProcess = 147,
    /// A directory has two entry points.
    TwoEntries = 148,
    /// Both `entry` and `command` are set.
    TwoPrograms = 149,
    /// The entry point is missing or cannot be run.
    BadEntry = 150,
    /// A domain is named that does not exist.
    UnknownDomain = 160,
    /// Domains depend on each other in a circle.
    DependencyCycle = 161,
    /// A domain waits for a scheduled job.
    ScheduledDependency = 162,
    /// A setting of jobs on a domain that is none.
    NotAJob = 163,
    /// A schedule without its expression.
    MissingCron = 164,
    /// Two domains have the same port.
    DuplicatePort = 165,
    /// Two domains whose ports others find in the same variable.
    DuplicatePortVariable = 168,
    /// A domain is in a group twice.
    DuplicateMember = 166,
    /// The order of a group contradicts dependencies.
    GroupOrder = 167,
    /// A configuration that is a program could not be run.
    NotEvaluated = 180,
    /// Invalid JSON.
    JsonSyntax = 181,
    /// An imported file has no program to run.
    NoProgram = 182,
    /// A field that has no counterpart was left out.
    NotImported = 183,
    /// A file of an unknown tool.
    UnknownKind = 184,
}

impl Code {
    /// The variant's name in kebab case, such as `unknown-key`. Stable.
    #[must_use]
    pub fn kind(self) -> String {
        let name = format!("{self:?}");
        let mut kind = String::with_capacity(name.len() + 4);
        for char in name.chars() {
            if char.is_ascii_uppercase() && !kind.is_empty() {
                kind.push('-');
            }
            kind.push(char.to_ascii_lowercase());
        }
        kind
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FUL{:04}", *self as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn a_code_has_a_number_and_a_kind() {
        assert_eq!(Code::UnknownKey.to_string(), "FUL0120");
        assert_eq!(Code::UnknownKey.kind(), "unknown-key");
        assert_eq!(Code::NotAJob.kind(), "not-a-job");
        assert_eq!(Code::YamlSyntax.kind(), "yaml-syntax");
    }
}
