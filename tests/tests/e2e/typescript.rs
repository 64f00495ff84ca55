//! S2: TypeScript without installed packages.

use fulcrum_e2e::App;

/// A stack trace names the lines of the source files, imported ones too.
#[test]
fn a_stack_trace_names_the_lines_of_the_source() {
    let app = App::new().domain("digger", "throws-in-typescript");
    app.start();
    let call = [
        "domains",
        "call",
        "digger",
        "hole_dig_request",
        r#"{"depth": 3}"#,
    ];
    app.run(&call).exits(0);
    let stack: Vec<String> = app
        .logs("digger")
        .into_iter()
        .filter(|line| line.stream == "stderr")
        .map(|line| line.message)
        .collect();
    let stack = stack.join("\n");
    for location in ["Error: hit a stone", "deep.ts:8:", "domain.ts:18:"] {
        assert!(stack.contains(location), "no {location} in:\n{stack}");
    }
    app.down();
}

/// After the file is fixed, a start is enough.
#[test]
fn a_fixed_file_starts() {
    let app = App::new().domain("painter", "broken-typescript");
    app.run(&["dev", "--detach", "--wait"]).exits(10);
    let fixed = "import { DomainBase } from '@fulcrum/domain';\n\
                 export default class Painter extends DomainBase { color: string = 'red'; }\n";
    app.write_file("domains/painter/domain.ts", fixed);
    app.run(&["domains", "start", "painter"]).exits(0);
    assert_eq!(app.status("painter")["ready"], true);
    app.down();
}
