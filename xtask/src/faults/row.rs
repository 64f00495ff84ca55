//! The id of a row, such as `A4`.

use std::fmt;

/// A section's letter and a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(pub(super) char, pub(super) u8);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", self.0, self.1))
    }
}

impl Id {
    /// Reads `A4`, `a4` or `a04`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let section = chars.next()?.to_ascii_uppercase();
        let digits = chars.as_str();
        let good = section.is_ascii_uppercase() && digits.bytes().all(|b| b.is_ascii_digit());
        Some(Self(section, digits.parse().ok().filter(|_| good)?))
    }

    /// The row of a test, whose name begins with it: `faults::a_start::a04_…`.
    pub(super) fn of_test(name: &str) -> Option<Self> {
        let function = name.rsplit("::").next()?;
        Self::parse(function.split('_').next()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_names_its_row() {
        assert_eq!(
            Id::of_test("faults::a_start::a04_never_registers"),
            Some(Id('A', 4))
        );
        assert_eq!(Id::of_test("faults::d_trees::d21_chaos"), Some(Id('D', 21)));
        for odd in [
            "faults::help::a_start",
            "faults::a+4_x",
            "",
            "a999_x",
            "4_x",
        ] {
            assert_eq!(Id::of_test(odd), None, "{odd}");
        }
        assert_eq!(Id('D', 9).to_string(), "D9");
        assert!(Id('D', 9) < Id('D', 10));
    }
}
