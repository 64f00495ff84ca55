//! Rules about the command line of Node: options, their values, the permission model.

use super::stderr_tail::{StderrTail, text_after};
use super::types::Diagnosis;

/// Exit code 9 of Node: an invalid argument.
const INVALID_ARGUMENT: Option<i32> = Some(9);

/// Node names the value, and then options that nobody has set.
pub(super) fn bad_value(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let what = text_after(tail.all, "illegal value for flag ")?;
    let (option, kind) = what.split_once(" of type ")?;
    match kind {
        "size_t" | "int" | "uint" | "float" => Diagnosis::permanent(
            format!("the value of {option} is not a number"),
            "write a number without a unit in process.node_args or NODE_OPTIONS",
        ),
        _ => Diagnosis::permanent(
            format!("the value of {option} is not of type {kind}"),
            "correct it in process.node_args or NODE_OPTIONS",
        ),
    }
}

pub(super) fn bad_option(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    let option = text_after(tail.all, ": bad option: ")?;
    Diagnosis::permanent(
        format!("this version of Node does not know the option {option}"),
        "remove it from process.node_args or NODE_OPTIONS, or use another Node (process.node)",
    )
}

/// `/usr/bin/node: .env: not found`, `/usr/bin/node: must be 0 or in range 1024 to 65535.`
pub(super) fn bad_argument(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    if tail.code != INVALID_ARGUMENT {
        return None;
    }
    let what = tail.all.iter().find_map(|line| {
        let (program, what) = line.split_once(": ")?;
        (program == "node" || program.ends_with("/node")).then_some(what)
    })?;
    match what.strip_suffix(": not found") {
        Some(file) => Diagnosis::permanent(
            format!("the file {} of --env-file does not exist", tail.short(file)),
            "create it, or use --env-file-if-exists",
        ),
        None => Diagnosis::permanent(
            format!("Node rejects an option: {}", what.trim_end_matches('.')),
            "correct it in process.node_args or NODE_OPTIONS",
        ),
    }
}

/// The permission model has denied something.
pub(super) fn denied(tail: &StderrTail<'_>) -> Option<Diagnosis> {
    if !tail.contains("code: 'ERR_ACCESS_DENIED'") {
        return None;
    }
    let field = |name: &str| Some(tail.after(name)?.trim_end_matches([',', '\'']));
    let permission = field("permission: '").unwrap_or("a permission");
    let of = field("resource: '").map_or_else(String::new, |resource| {
        format!(" of {}", tail.short(resource))
    });
    let flag = match permission {
        "FileSystemRead" => "--allow-fs-read=PATH",
        "FileSystemWrite" => "--allow-fs-write=PATH",
        "ChildProcess" => "--allow-child-process",
        "WorkerThreads" => "--allow-worker",
        "WASI" => "--allow-wasi",
        "Net" => "--allow-net",
        "Inspector" => "--allow-inspector",
        "Addons" | "Addon" => "--allow-addons",
        _ => "the flag for it",
    };
    Diagnosis::permanent(
        format!(
            "Node's permission model denies {permission}{of}{}",
            tail.at()
        ),
        format!("add {flag} to process.node_args beside --permission"),
    )
}
