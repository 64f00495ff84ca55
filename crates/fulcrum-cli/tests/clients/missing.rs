//! What is said where there is no instance, no app, no domain, or no reader.

use std::process::Stdio;

use crate::instance::{App, Run};

#[tokio::test]
async fn no_instance_is_3_and_starts_none() {
    let app = App::new();
    for verb in [
        "domains list",
        "domains status",
        "logs -f",
        "domains stop all",
        "down",
    ] {
        let run = app.run(verb).await;
        assert_eq!((run.code, run.out.as_str()), (Some(3), ""), "{verb}");
        assert!(run.err.contains("`fulcrum dev`"), "{run:?}");
    }
}

#[tokio::test]
async fn no_app_is_5() {
    let app = App::new();
    let nowhere = tempfile::tempdir().expect("temporary folder");
    let output = app
        .fulcrum_in(nowhere.path(), "domains list")
        .output()
        .await;
    let run = Run::of(output.expect("ran"));
    assert_eq!(run.code, Some(5));
    assert!(run.err.contains("--app"), "{run:?}");
}

#[tokio::test]
async fn a_broken_configuration_is_5_and_leaves_nothing_running() {
    let app = App::new();
    let file = app.file("fulcrum.yml");
    std::fs::write(&file, "runtime:\n  domians: [x]\n").expect("written");
    for verb in ["config validate", "dev", "dev --detach", "config show"] {
        let run = app.run(verb).await;
        assert_eq!(run.code, Some(5), "{verb}: {run:?}");
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
async fn a_sound_configuration_is_shown_with_origins() {
    let app = App::new();
    std::fs::create_dir_all(app.file("domains/users")).expect("made");
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
async fn stripping_prints_code_and_format_or_the_place() {
    let app = App::new();
    std::fs::write(app.file("a.mts"), "export const a: number = 1;\n").expect("written");
    std::fs::write(app.file("b.ts"), "enum A { B }\n").expect("written");
    let run = app.run("__strip a.mts").await.json();
    assert_eq!(run["format"], "module");
    assert_eq!(run["code"], "export const a         = 1;\n");
    let run = app.run("__strip b.ts").await;
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(run.err.starts_with("b.ts:1:1: "), "{run:?}");
}

#[tokio::test]
async fn a_closed_pipe_ends_a_command_quietly() {
    let app = App::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = app
        .fulcrum("completions bash")
        .stdout(Stdio::from(writer))
        .output()
        .await;
    let run = Run::of(output.expect("ran"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}
