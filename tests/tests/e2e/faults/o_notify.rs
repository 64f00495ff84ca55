//! Section O: notifications.

use std::time::Duration;

use fulcrum_e2e::{App, LIMIT, WebhookReceiver, wait_until};
use serde_json::Value;

fn header<'a>(headers: &'a [String], name: &str) -> &'a str {
    let start = format!("{name}: ");
    let found = headers
        .iter()
        .find_map(|header| header.strip_prefix(&start));
    found.unwrap_or_else(|| panic!("no {name} in {headers:?}"))
}

const CRASHES: &str = "process: {restart: {backoff: {initial: 50ms, max: 50ms}, budget: 1}}\n";

#[test]
fn o05_a_crash_loop_is_notified_signed_and_in_the_form_of_slack() {
    let (signed, slack) = (WebhookReceiver::start(204), WebhookReceiver::start(200));
    let settings = format!(
        "runtime:\n  notify:\n    - {{webhook: '{}', secret: hunter2}}\n    - {{webhook: '{}', on: [crash_loop], format: slack}}\n    - {{webhook: '{}', on: [hung]}}\n",
        signed.url, slack.url, signed.url,
    );
    let app = App::new()
        .domain("users", "steady")
        .domain("broken", "throws-at-start")
        .write("domains/broken/fulcrum.yml", CRASHES)
        .write("fulcrum.yml", &settings);
    app.run(&["dev", "--detach"]).exits(0);
    let (headers, body) = signed.next();
    let message: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(
        (&message["event"], &message["domain"]),
        (&"crash_loop".into(), &"broken".into())
    );
    assert_eq!(message["phase"], "failed");
    assert_eq!(message["app"], app.root().display().to_string());
    assert!(
        message["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("crash loop")),
        "{body}"
    );
    assert_eq!(message["id"], header(&headers, "webhook-id"));
    // Node's HMAC over the same bytes is the signature.
    let script = "const [id, time, body] = process.argv.slice(1);\
        console.log('v1,' + require('node:crypto').createHmac('sha256', 'hunter2')\
        .update(`${id}.${time}.${body}`).digest('base64'))";
    let (id, time) = (
        header(&headers, "webhook-id"),
        header(&headers, "webhook-timestamp"),
    );
    let computed = app
        .program("node", &["-e", script, id, time, &body])
        .output()
        .exits(0);
    // Headers were received in lower case.
    let signature = computed.stdout.trim().to_ascii_lowercase();
    assert_eq!(header(&headers, "webhook-signature"), signature);
    let (_, body) = slack.next();
    let message: Value = serde_json::from_str(&body).expect("JSON");
    let text = message["text"].as_str().expect("a text");
    assert!(text.starts_with("*broken* is in a crash loop"), "{text}");
    assert_eq!(
        signed.next_within(Duration::from_millis(300)),
        None,
        "one each"
    );

    let shown = app.run(&["config", "show"]).exits(0).stdout;
    assert!(
        !shown.contains("s3cret") && !shown.contains("hunter2"),
        "{shown}"
    );
    app.down();
}

#[test]
fn o05_a_failing_receiver_harms_nothing_and_is_told_once() {
    let refuses = WebhookReceiver::start(410);
    let settings = format!(
        "runtime: {{notify: [{{webhook: '{}', on: [crash_loop]}}]}}\n",
        refuses.url
    );
    let app = App::new()
        .domain("users", "steady")
        .domain("broken", "throws-at-start")
        .write("domains/broken/fulcrum.yml", CRASHES)
        .write("fulcrum.yml", &settings);
    app.run(&["dev", "--detach"]).exits(0);
    refuses.next();
    for _ in 0..3 {
        app.run(&["domains", "start", "broken"]).exits(1);
        refuses.next();
    }
    let told = || {
        let logs = app.run(&["logs", "-o", "json"]).exits(0).stdout;
        let told = logs.lines().filter(|line| line.contains("webhook"));
        told.map(str::to_owned).collect::<Vec<_>>()
    };
    wait_until("the failure is told", LIMIT, || {
        (!told().is_empty()).then_some(())
    });
    let told = told();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("HTTP 410") && !told[0].contains("s3cret"),
        "{told:#?}"
    );
    assert_eq!(app.status("users")["ready"], true);
    app.down();
}

/// It has not used up its budget, and has none: nothing will start it again.
#[test]
fn o05_a_domain_that_is_left_down_is_a_failure_and_one_that_is_stopped_is_not() {
    let receiver = WebhookReceiver::start(200);
    let app = App::new()
        .domain("users", "steady")
        .domain("broken", "throws-at-start")
        .write("domains/broken/fulcrum.yml", "process: {restart: never}\n")
        .write(
            "fulcrum.yml",
            &format!("runtime: {{notify: [{{webhook: '{}'}}]}}\n", receiver.url),
        );
    app.run(&["dev", "--detach"]).exits(0);
    let (_, body) = receiver.next();
    let message: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(
        (&message["event"], &message["domain"]),
        (&"failed".into(), &"broken".into()),
        "{body}"
    );
    app.wait_for("users", "is ready", |now| now["ready"] == true);
    app.run(&["domains", "stop", "users"]).exits(0);
    assert_eq!(receiver.next_within(Duration::from_millis(300)), None);
    app.down();
}
