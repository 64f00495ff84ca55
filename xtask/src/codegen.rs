//! `cargo xtask codegen [--check]`: generates the gRPC code from `proto/`.
//!
//! The code is checked in, so that a build of Fulcrum needs no protobuf compiler and a
//! change of an interface is visible in review. Besides the Rust code, each package gets its
//! encoded file descriptor set, which server reflection serves.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A protobuf package: its file under `proto/`, and the name prost gives its Rust file.
struct Package {
    proto: &'static str,
    generated: &'static str,
    /// The name of both outputs, without the extension.
    stem: &'static str,
}

const PACKAGES: [Package; 3] = [
    Package {
        proto: "framework/framework.proto",
        generated: "framework.rs",
        stem: "framework",
    },
    Package {
        proto: "fulcrum/control/v1/control.proto",
        generated: "fulcrum.control.v1.rs",
        stem: "control",
    },
    Package {
        proto: "grpc/health/v1/health.proto",
        generated: "grpc.health.v1.rs",
        stem: "health",
    },
];

const OUTPUT: &str = "crates/fulcrum-rpc/src/generated";

/// One generated file: its name in [`OUTPUT`] and its bytes.
struct Generated {
    name: String,
    bytes: Vec<u8>,
}

/// Generates the gRPC code and writes it, or with `check` only compares it with what is
/// checked in.
///
/// # Errors
/// A proto file that does not compile, a file that cannot be read or written, or, with
/// `check`, files that differ from those generated.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let root = root();
    let output = root.join(OUTPUT);
    let mut files = Vec::new();
    for package in &PACKAGES {
        files.extend(generate(&root.join("proto"), package)?);
    }
    if check {
        compare(&output, &files)
    } else {
        write(&output, &files)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is in the workspace's root")
        .to_path_buf()
}

/// Generates one package's Rust code and descriptor set, to memory.
fn generate(proto: &Path, package: &Package) -> anyhow::Result<Vec<Generated>> {
    let mut compiler = protox::Compiler::new([proto])?;
    // Source info carries the comments that become the Rust docs.
    compiler.include_imports(true).include_source_info(true);
    compiler
        .open_file(package.proto)
        .with_context(|| format!("cannot compile proto/{}", package.proto))?;
    let descriptors = compiler.file_descriptor_set();
    // Reflection does not need the comments; and tonic's builder ignores its own
    // setting for this file when it is given descriptors instead of sources.
    compiler.include_source_info(false);
    let encoded = compiler.encode_file_descriptor_set();

    // prost writes only to a directory. The directory also gets a file for each import, left out here.
    let scratch = tempfile::tempdir().context("no temporary directory for the generated code")?;
    tonic_prost_build::configure()
        .out_dir(scratch.path())
        .emit_rerun_if_changed(false)
        .compile_fds(descriptors)
        .with_context(|| format!("cannot generate code from proto/{}", package.proto))?;
    let code = fs::read(scratch.path().join(package.generated)).with_context(|| {
        format!(
            "proto/{} generated no {}; did its package change?",
            package.proto, package.generated
        )
    })?;
    Ok(vec![
        Generated {
            name: format!("{}.rs", package.stem),
            bytes: code,
        },
        Generated {
            name: format!("{}.bin", package.stem),
            bytes: encoded,
        },
    ])
}

fn write(output: &Path, files: &[Generated]) -> anyhow::Result<()> {
    fs::create_dir_all(output).with_context(|| format!("cannot create {}", output.display()))?;
    for file in files {
        let path = output.join(&file.name);
        // Unchanged files keep their modification time, so that cargo does not rebuild them.
        if fs::read(&path).is_ok_and(|old| old == file.bytes) {
            continue;
        }
        fs::write(&path, &file.bytes)
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("codegen: wrote {OUTPUT}/{}", file.name);
    }
    Ok(())
}

fn compare(output: &Path, files: &[Generated]) -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for file in files {
        match fs::read(output.join(&file.name)) {
            Ok(bytes) if bytes == file.bytes => {}
            Ok(_) => stale.push(format!(
                "{OUTPUT}/{} differs from what proto/ generates",
                file.name
            )),
            Err(error) => stale.push(format!("cannot read {OUTPUT}/{}: {error}", file.name)),
        }
    }
    if !stale.is_empty() {
        bail!(
            "{}\nhint: run `cargo xtask codegen` and commit the files",
            stale.join("\n")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: &[u8]) -> Generated {
        Generated {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn a_changed_or_missing_file_is_reported_with_a_hint() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let files = [
            file("a.rs", b"one"),
            file("b.rs", b"two"),
            file("c.bin", b"three"),
        ];
        write(directory.path(), &files).expect("written");
        compare(directory.path(), &files).expect("the same bytes");

        fs::write(directory.path().join("a.rs"), b"edited").expect("edited");
        fs::remove_file(directory.path().join("c.bin")).expect("removed");
        let message = compare(directory.path(), &files)
            .expect_err("stale")
            .to_string();
        assert!(message.contains("a.rs differs"), "{message}");
        assert!(!message.contains("b.rs"), "{message}");
        assert!(
            message.contains("cannot read crates/fulcrum-rpc/src/generated/c.bin"),
            "{message}"
        );
        assert!(message.contains("cargo xtask codegen"), "{message}");
    }

    #[test]
    fn generating_twice_gives_the_same_bytes() {
        let proto = root().join("proto");
        for package in &PACKAGES {
            let once = generate(&proto, package).expect("generated");
            let twice = generate(&proto, package).expect("generated");
            assert!(
                once.iter()
                    .zip(&twice)
                    .all(|(a, b)| a.name == b.name && a.bytes == b.bytes)
            );
        }
    }
}
