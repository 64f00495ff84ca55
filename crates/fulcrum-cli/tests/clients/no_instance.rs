//! Commands without an instance, an app, a valid configuration, or a reader of their output.

use std::process::Stdio;

use crate::scripted_instance::{App, CommandRun};

#[tokio::test]
async fn without_an_instance_the_code_is_3() {
    let app = App::new();
    for command in [
        "domains list",
        "domains status",
        "logs -f",
        "domains stop all",
        "down",
    ] {
        let run = app.run(command).await;
        assert_eq!((run.code, run.out.as_str()), (Some(3), ""), "{command}");
        assert!(run.err.contains("`fulcrum dev`"), "{run:?}");
    }
}

#[tokio::test]
async fn without_an_app_the_code_is_5() {
    let app = App::new();
    let empty = tempfile::tempdir().expect("temporary directory");
    let output = app.fulcrum_in(empty.path(), "domains list").output().await;
    let run = CommandRun::new(output.expect("ran"));
    assert_eq!(run.code, Some(5));
    assert!(run.err.contains("--app"), "{run:?}");
}

#[tokio::test]
async fn an_invalid_configuration_is_5_and_starts_nothing() {
    let app = App::new();
    let file = app.file("fulcrum.yml");
    std::fs::write(&file, "runtime:\n  domians: [x]\n").expect("written");
    for command in ["config validate", "dev", "dev --detach", "config show"] {
        let run = app.run(command).await;
        assert_eq!(run.code, Some(5), "{command}: {run:?}");
        assert!(
            run.err.contains("fulcrum.yml:2:3") && run.err.contains("domains"),
            "{run:?}"
        );
    }
    let findings = app.run("config validate -o json").await.json();
    let errors = findings.as_array().expect("an array").iter();
    let errors: Vec<_> = errors
        .filter(|finding| finding["severity"] == "error")
        .collect();
    assert_eq!(
        (errors.len(), &errors[0]["line"]),
        (1, &2.into()),
        "{findings}"
    );
    assert_eq!(app.run("domains list").await.code, Some(3));
}

#[tokio::test]
async fn a_valid_configuration_is_printed_with_origins() {
    let app = App::new();
    std::fs::create_dir_all(app.file("domains/users")).expect("created");
    std::fs::write(app.file("domains/users/domain.js"), "").expect("written");
    let run = app.run("config validate").await;
    assert_eq!(
        (run.code, run.out.as_str()),
        (Some(0), "1 domain, no problems\n")
    );
    let shown = app.run("config show users -o json").await.json();
    assert_eq!(shown["process"]["stop"]["grace"]["origin"], "default");
    let unknown = app.run("config show usres").await;
    assert_eq!(unknown.code, Some(4));
    assert!(unknown.err.contains("did you mean `users`"), "{unknown:?}");
}

#[tokio::test]
async fn the_schema_of_each_file_is_printed_without_an_app() {
    let app = App::new();
    for (command, section, other) in [
        ("config schema", "runtime", "process"),
        ("config schema domain", "process", "runtime"),
    ] {
        let schema = app.run(command).await.json();
        let of_section = &schema["properties"][section];
        assert_eq!(of_section["additionalProperties"], false, "{command}");
        assert!(of_section["properties"].is_object(), "{command}");
        assert!(schema["properties"][other]["not"].is_object(), "{command}");
    }
    assert_eq!(app.run("config schema users").await.code, Some(2));
}

#[tokio::test]
async fn a_request_for_typescript_is_answered_with_a_part_of_the_table() {
    let app = App::new();
    std::fs::write(app.file("a.mts"), "export const a: number = 1;\n").expect("written");
    std::fs::write(app.file("b.mts"), "import './a.mjs'; let b: = 1;\n").expect("written");
    let root = app.file("").canonicalize().expect("exists");
    let ask = async |request: serde_json::Value| {
        let output = app
            .fulcrum("__typescript")
            .arg(request.to_string())
            .output();
        CommandRun::new(output.await.expect("ran"))
    };
    let path = |name: &str| root.join(name).display().to_string();
    let request = serde_json::json!({"v": 2, "node": "20.13.0", "load": path("a.mts")});
    let answer = ask(request).await.json();
    let entry = &answer["files"][path("a.mts")];
    assert_eq!(entry["format"], "module");
    let code = entry["code"].as_str().expect("a path");
    let code = std::fs::read_to_string(code).expect("code");
    assert_eq!(code, "export const a         = 1;\n");
    let request = serde_json::json!({
        "v": 2, "node": "20.13.0", "resolve": "./b.mjs", "from": path("a.mts"), "kind": "import",
    });
    let answer = ask(request).await.json();
    assert_eq!(answer["resolved"], path("b.mts"));
    assert_eq!(answer["imports"][path("a.mts")]["./b.mjs"], path("b.mts"));
    let error = answer["files"][path("b.mts")]["error"].as_str();
    assert!(error.expect("an error").contains("b.mts:1:"), "{answer}");
    let run = ask(serde_json::json!({"v": 1})).await;
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
}

#[tokio::test]
async fn a_closed_pipe_ends_a_command_without_an_error() {
    let app = App::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = app
        .fulcrum("completions bash")
        .stdout(Stdio::from(writer))
        .output()
        .await;
    let run = CommandRun::new(output.expect("ran"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}
