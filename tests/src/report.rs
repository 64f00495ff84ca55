//! What a test has to say beyond passed and failed, for `cargo xtask faults`.
//!
//! Each word is one line of the file that `FULCRUM_FAULTS_REPORT` names, and goes to standard
//! error besides. Without that variable nothing is written to a file.

use std::fs::OpenOptions;
use std::io::Write;

const REPORT: &str = "FULCRUM_FAULTS_REPORT";

/// Says that a row of the failure catalogue can't be tried here, and why. The test returns after
/// it.
pub fn not_applicable(row: &str, why: &str) {
    write_entry("not applicable", row, why);
}

/// Says a measured figure of a row, such as `0 orphans after 200 kills`.
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
    // One write, so that tests in parallel don't mix their lines.
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .expect("the report can be written");
}
