//! The domain protocol, as clients see it.

use fulcrum_rpc::DomainEvent;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::{Server, message, soon};

#[tokio::test]
async fn a_domain_registers_answers_and_goes() {
    let mut server = Server::start().await;
    let mut users = server.open(Some("token-3")).await;
    users.say(
        "users",
        "domain_register",
        r#"{"domain":"users","capabilities":["heartbeat"]}"#,
        "r1",
    );
    let answer = users.hear().await.expect("registered");
    assert_eq!(
        (answer.r#type.as_str(), answer.request_id.as_str()),
        ("register_success", "r1")
    );
    assert!(answer.success);
    assert_eq!(
        answer.payload,
        r#"{"status":"registered","heartbeat_interval_ms":2000}"#
    );
    let DomainEvent::Registered {
        domain,
        generation,
        own,
        connection,
        ..
    } = server.event().await
    else {
        panic!("not registered")
    };
    assert_eq!((domain.as_str(), generation, own), ("users", 3, true));

    let mut caller = server.client().await;
    let asked = tokio::spawn(async move {
        caller
            .send_message(message("users", "user_index_request", "{\"a\":1}", "c1"))
            .await
    });
    let request = users.hear().await.expect("a request");
    assert_eq!(
        (request.r#type.as_str(), request.payload.as_str()),
        ("user_index_request", "{\"a\":1}")
    );
    users.say(
        "users",
        "user_index_response",
        r#"{"success":true,"users":[]}"#,
        &request.request_id,
    );
    let answer = soon("the answer", asked)
        .await
        .expect("no panic")
        .expect("an answer")
        .into_inner();
    assert_eq!(
        (answer.r#type.as_str(), answer.request_id.as_str()),
        ("user_index_response", "c1")
    );
    assert!(answer.success && answer.error.is_empty());
    assert_eq!(answer.payload, r#"{"success":true,"users":[]}"#);

    drop(users);
    let DomainEvent::Disconnected {
        connection: ended, ..
    } = server.event().await
    else {
        panic!("not disconnected")
    };
    assert_eq!(ended, connection);
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_register_is_told_by_a_status() {
    let mut server = Server::start().await;
    let _users = server.join("users", Some("token-1")).await;
    server.event().await;
    for (token, name, code) in [
        (Some("guess"), "users", Code::Unauthenticated),
        (None, "users", Code::AlreadyExists),
        (Some("token-0"), "users", Code::AlreadyExists),
        (None, "strange", Code::PermissionDenied),
        (None, "", Code::InvalidArgument),
    ] {
        let mut other = server.open(token).await;
        other.say(name, "domain_register", "{}", "1");
        let status = other.hear().await.expect_err("refused");
        assert_eq!(status.code(), code, "{token:?} {name:?}: {status}");
    }
    let DomainEvent::RegistrationRejected {
        domain,
        token,
        reason,
        ..
    } = server.event().await
    else {
        panic!("no refusal")
    };
    assert_eq!((domain.as_str(), token), ("users", true));
    assert!(!reason.contains("guess"), "the token is told: {reason}");
    assert!(server.registry.is_registered("users"));
    server.stop().await;
}

#[tokio::test]
async fn callers_get_answers_where_no_domain_can_answer() {
    let server = Server::start().await;
    let mut caller = server.client().await;
    let mut ask = async |domain| {
        let asking = caller.send_message(message(domain, "x_request", "{}", "c1"));
        soon("the answer", asking)
            .await
            .expect("an answer, no status")
            .into_inner()
    };
    let answer = ask("users").await;
    assert_eq!((answer.r#type.as_str(), answer.success), ("error", false));
    assert_eq!(answer.request_id, "c1");
    assert!(
        answer.error.contains("\"users\" is not connected"),
        "{}",
        answer.error
    );

    let mut orders = server.join("orders", None).await;
    let answer = ask("users").await;
    assert!(
        answer.error.contains("connected: orders"),
        "{}",
        answer.error
    );

    let (answer, ()) = tokio::join!(ask("orders"), async {
        let request = orders.hear().await.expect("a request");
        orders.say(
            "orders",
            "x_response",
            r#"{"success":false,"error":"sold out"}"#,
            &request.request_id,
        );
    });
    assert_eq!(
        (answer.r#type.as_str(), answer.success),
        ("x_response", false)
    );
    assert_eq!(answer.error, "sold out");

    // Dies with a request in its hands.
    let (answer, ()) = tokio::join!(ask("orders"), async {
        orders.hear().await.expect("a request");
        drop(orders);
    });
    assert!(
        !answer.success && answer.error.contains("\"orders\" disconnected"),
        "{}",
        answer.error
    );
    server.stop().await;
}

#[tokio::test]
async fn a_message_of_five_megabytes_is_refused_and_harms_nobody_else() {
    let server = Server::start().await;
    let mut orders = server.join("orders", Some("token-1")).await;
    let mut users = server.join("users", Some("token-1")).await;
    let large = "x".repeat(5 * 1024 * 1024);

    users.say("users", "db_create", &large, "1");
    let status = users.hear().await.expect_err("ended");
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("4194304"), "{status}");

    let mut caller = server.client().await;
    let asking = caller.send_message(message("orders", "x_request", &large, "1"));
    let status = soon("the status", asking).await.expect_err("refused");
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");

    orders.say("orders", "db_find", "{}", "7");
    let answer = orders.hear().await.expect("alive");
    assert_eq!(
        (answer.request_id.as_str(), answer.error.as_str()),
        ("7", "Unknown message type: db_find")
    );
    server.stop().await;
}

#[tokio::test]
async fn health_and_reflection_are_beside_it() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1alpha;

    let server = Server::start().await;
    let mut health = HealthClient::new(server.channel().await);
    let mut check = async |service: &str| {
        let request = HealthCheckRequest {
            service: service.into(),
        };
        soon("health", health.check(request))
            .await
            .map(|response| response.into_inner().status)
    };
    assert_eq!(check("").await.expect("known"), 2);
    server.registry.set_serving(None, true);
    server.registry.set_serving(Some("users"), true);
    assert_eq!(check("").await.expect("known"), 1);
    assert_eq!(check("domain.users").await.expect("known"), 1);
    assert_eq!(
        check("users").await.expect_err("unknown").code(),
        Code::NotFound
    );

    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(server.channel().await);
    let request = Request::new(tokio_stream::iter([list]));
    let mut answers = soon("reflection", reflection.server_reflection_info(request))
        .await
        .expect("v1")
        .into_inner();
    let answer = soon("a list", answers.message())
        .await
        .expect("no status")
        .expect("a list");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}")
    };
    let mut names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "framework.FrameworkService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection"
        ],
        "no control API on TCP"
    );

    let list = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
                "framework.FrameworkService".into(),
            ),
        ),
    };
    let mut old =
        v1alpha::server_reflection_client::ServerReflectionClient::new(server.channel().await);
    let request = Request::new(tokio_stream::iter([list]));
    let mut answers = soon("old reflection", old.server_reflection_info(request))
        .await
        .expect("v1alpha")
        .into_inner();
    let answer = soon("a file", answers.message())
        .await
        .expect("no status")
        .expect("a file");
    assert!(matches!(
        answer.message_response,
        Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_))
    ));
    server.stop().await;
}

#[tokio::test]
async fn both_loopback_families_are_served() {
    let server = Server::start().await;
    let port = server.address.rsplit(':').next().expect("a port");
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let endpoint = tonic::transport::Channel::from_shared(format!("http://[::1]:{port}"));
    let channel = soon("connecting", endpoint.expect("a URI").connect())
        .await
        .expect("connected");
    let mut client =
        fulcrum_rpc::framework::framework_service_client::FrameworkServiceClient::new(channel);
    let answer = client
        .send_message(message("users", "x_request", "{}", "1"))
        .await;
    assert!(
        answer
            .expect("an answer")
            .into_inner()
            .error
            .contains("not connected")
    );
    server.stop().await;
}
