//! The platforms that there are packages for.

use anyhow::Context;

/// A platform: its name as Rust has it, and as packages of npm have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Platform {
    pub(super) triple: &'static str,
    /// The name of the package below `@fulcrum/`, which `bin/fulcrum.bin` of `fulcrum-cli` has too.
    pub(super) package: &'static str,
    pub(super) os: &'static str,
    pub(super) cpu: &'static str,
    pub(super) libc: &'static str,
    /// The architecture as Debian has it.
    pub(super) debian: &'static str,
}

const PLATFORMS: [Platform; 2] = [
    Platform {
        triple: "x86_64-unknown-linux-gnu",
        package: "linux-x64-gnu",
        os: "linux",
        cpu: "x64",
        libc: "glibc",
        debian: "amd64",
    },
    Platform {
        triple: "aarch64-unknown-linux-gnu",
        package: "linux-arm64-gnu",
        os: "linux",
        cpu: "arm64",
        libc: "glibc",
        debian: "arm64",
    },
];

impl Platform {
    /// The one that this program runs on.
    ///
    /// # Errors
    /// There are no packages for it.
    pub(super) fn current() -> anyhow::Result<Self> {
        let arch = std::env::consts::ARCH;
        let triple = format!("{arch}-unknown-{}-gnu", std::env::consts::OS);
        let found = PLATFORMS
            .into_iter()
            .find(|platform| platform.triple == triple);
        found.with_context(|| format!("there are no packages for {triple}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launcher_knows_every_platform() {
        let launcher = crate::workspace::root().join("packaging/npm/fulcrum-cli/bin/fulcrum.bin");
        let launcher = std::fs::read_to_string(launcher).unwrap();
        for platform in PLATFORMS {
            let line = format!("platform={}", platform.package);
            assert!(launcher.contains(&line), "{line}");
        }
    }
}
