//! Measurements and reasons that tests report to `cargo xtask faults`, besides pass and fail.
//!
//! Each entry is one line of the file that `FULCRUM_FAULTS_REPORT` names, and is printed to
//! standard error too. Without that variable no file is written.

use std::fs::OpenOptions;
use std::io::Write;

const REPORT: &str = "FULCRUM_FAULTS_REPORT";

/// Reports that a row of the failure catalog cannot be tested here, and why. The test returns
/// afterwards.
pub fn not_applicable(row: &str, reason: &str) {
    write_entry("not applicable", row, reason);
}

/// Reports a measurement of a row, such as `0 orphans after 200 kills`.
pub fn measurement(row: &str, text: &str) {
    write_entry("figure", row, text);
}

fn write_entry(kind: &str, row: &str, text: &str) {
    let line = format!("{row}\t{kind}\t{}\n", text.replace(['\n', '\t'], " "));
    eprint!("{line}");
    let Some(file) = std::env::var_os(REPORT) else {
        return;
    };
    let file = OpenOptions::new().append(true).create(true).open(file);
    // One write, so that tests in parallel do not mix their lines.
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .expect("the report can be written");
}
