//! Lines of `/proc/PID/mountinfo`: proc_pid_mountinfo(5).

use std::path::PathBuf;

/// One mount.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount<'a> {
    /// The directory of the file system that is mounted.
    pub(super) root: PathBuf,
    /// Where it is mounted.
    pub(super) point: PathBuf,
    /// The type of the file system, such as `cgroup2`.
    pub(super) file_system: &'a str,
    /// The options of the file system, separated by commas.
    pub(super) super_options: &'a str,
}

impl<'a> Mount<'a> {
    /// Parses a line: `36 35 98:0 /root /mount options … - type source super-options`.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let (mount, source) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (unescape(fields.next()?), unescape(fields.next()?));
        let mut fields = source.split(' ');
        Some(Self {
            root,
            point,
            file_system: fields.next()?,
            super_options: fields.nth(1).unwrap_or_default(),
        })
    }
}

/// Spaces and some other characters are escaped as `\040`.
fn unescape(field: &str) -> PathBuf {
    let mut parts = field.split('\\');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                text.push(char::from(code));
                text.push_str(&part[3..]);
            }
            None => {
                text.push('\\');
                text.push_str(part);
            }
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_parsed_and_unescaped() {
        let line = r"30 23 0:26 /docker/c1 /mnt/my\040dir rw shared:9 - cgroup cgroup rw,memory";
        let mount = Mount::parse(line).expect("a mount");
        assert_eq!(mount.root, PathBuf::from("/docker/c1"));
        assert_eq!(mount.point, PathBuf::from("/mnt/my dir"));
        assert_eq!(
            (mount.file_system, mount.super_options),
            ("cgroup", "rw,memory")
        );
        assert_eq!(Mount::parse("30 23 0:26 / /mnt rw"), None);
    }
}
