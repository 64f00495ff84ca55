//! G3: no line is lost, joined to another, or split where it was not.

use fulcrum_e2e::{App, Line, Signal};

fn stdout(app: &App, name: &str) -> Vec<Line> {
    app.logs(name)
        .into_iter()
        .filter(|line| line.stream == "stdout")
        .collect()
}

#[test]
fn a_line_without_an_end_is_one_partial_record() {
    let app = App::new()
        .domain("users", "ends-in-mid-line")
        .write("domains/users/fulcrum.yml", "process:\n  restart: never\n");
    app.run(&["dev", "--detach", "--wait"]).exits(10);
    let lines = stdout(&app, "users");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((lines[0].message.as_str(), lines[0].partial), ("x", true));
    app.down();
}

#[test]
fn a_line_of_a_mebibyte_is_split_into_pieces_without_loss() {
    let app = App::new().domain("users", "writes-a-megabyte-line");
    app.start();
    let lines = stdout(&app, "users");
    let (last, pieces) = lines.split_last().expect("it wrote lines");
    assert!(pieces.len() > 1, "a line is at most 64 KiB");
    assert!(pieces.iter().all(|piece| piece.message.len() <= 64 * 1024));
    let whole: String = pieces.iter().map(|piece| piece.message.as_str()).collect();
    assert_eq!(whole.len(), 1024 * 1024);
    assert!(
        whole == "0123456789abcdef".repeat(64 * 1024),
        "the pieces are not the line"
    );
    let (last_piece, first_pieces) = pieces.split_last().expect("more than one");
    assert!(
        first_pieces.iter().all(|piece| piece.partial) && !last_piece.partial,
        "the last piece ends the line"
    );
    // Its last character was written in two parts.
    assert_eq!((last.message.as_str(), last.partial), ("split é", false));
    app.down();
}

#[test]
fn a_hundred_thousand_lines_arrive_in_order() {
    let app = App::new().domain("users", "floods");
    let mut dev = app.spawn(&["dev"]);
    dev.wait_for("1 domain ready in ");
    dev.signal(Signal::INT);
    let output = dev.wait_exit().exits(0);
    let numbers: Vec<u32> = output
        .stdout
        .lines()
        .filter_map(|line| {
            line.strip_prefix("users")?
                .split_once("│ line ")?
                .1
                .parse()
                .ok()
        })
        .collect();
    let wrong = numbers
        .iter()
        .zip(1..)
        .find(|(found, expected)| **found != *expected);
    assert_eq!((wrong, numbers.len()), (None, 100_000));
}
