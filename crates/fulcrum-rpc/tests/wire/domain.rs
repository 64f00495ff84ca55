//! The domain protocol, from the side of a client.

use fulcrum_rpc::health::HealthCheckRequest;
use fulcrum_rpc::health::health_client::HealthClient;
use fulcrum_rpc::{DomainEvent, ServerConfig};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Request};

use crate::harness::{Server, message, soon};

#[tokio::test]
async fn a_domain_registers_responds_and_disconnects() {
    let mut server = Server::start().await;
    let mut users = server.open(Some("token-3")).await;
    users.send(
        "users",
        "domain_register",
        r#"{"domain":"users","capabilities":["heartbeat"]}"#,
        "r1",
    );
    let response = users.recv().await.expect("registered");
    assert_eq!(
        (response.r#type.as_str(), response.request_id.as_str()),
        ("register_success", "r1")
    );
    assert!(response.success);
    assert_eq!(
        response.payload,
        r#"{"status":"registered","heartbeat_interval_ms":2000}"#
    );
    let DomainEvent::Registered {
        domain,
        generation,
        managed,
        stream_id,
        ..
    } = server.event().await
    else {
        panic!("not registered")
    };
    assert_eq!((domain.as_str(), generation, managed), ("users", 3, true));

    let mut caller = server.client().await;
    let call = tokio::spawn(async move {
        caller
            .send_message(message("users", "user_index_request", "{\"a\":1}", "c1"))
            .await
    });
    let request = users.recv().await.expect("a request");
    assert_eq!(
        (request.r#type.as_str(), request.payload.as_str()),
        ("user_index_request", "{\"a\":1}")
    );
    users.send(
        "users",
        "user_index_response",
        r#"{"success":true,"users":[]}"#,
        &request.request_id,
    );
    let response = soon("the response", call)
        .await
        .expect("no panic")
        .expect("a response")
        .into_inner();
    assert_eq!(
        (response.r#type.as_str(), response.request_id.as_str()),
        ("user_index_response", "c1")
    );
    assert!(response.success && response.error.is_empty());
    assert_eq!(response.payload, r#"{"success":true,"users":[]}"#);

    drop(users);
    let DomainEvent::Disconnected {
        stream_id: ended, ..
    } = server.event().await
    else {
        panic!("not disconnected")
    };
    assert_eq!(ended, stream_id);
    server.stop().await;
}

#[tokio::test]
async fn a_rejected_registration_ends_with_a_status() {
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
        other.send(name, "domain_register", "{}", "1");
        let status = other.recv().await.expect_err("rejected");
        assert_eq!(status.code(), code, "{token:?} {name:?}: {status}");
    }
    let DomainEvent::RegistrationRejected {
        domain,
        has_token,
        reason,
        ..
    } = server.event().await
    else {
        panic!("no rejection")
    };
    assert_eq!((domain.as_str(), has_token), ("users", true));
    assert!(
        !reason.contains("guess"),
        "the reason contains the token: {reason}"
    );
    assert!(server.registry.is_registered("users"));
    server.stop().await;
}

#[tokio::test]
async fn callers_receive_a_failure_if_the_domain_cannot_respond() {
    let server = Server::start().await;
    let mut caller = server.client().await;
    let mut request = async |domain| {
        let call = caller.send_message(message(domain, "x_request", "{}", "c1"));
        soon("the response", call)
            .await
            .expect("a response instead of a status")
            .into_inner()
    };
    let response = request("users").await;
    assert_eq!(
        (response.r#type.as_str(), response.success),
        ("error", false)
    );
    assert_eq!(response.request_id, "c1");
    assert!(
        response.error.contains("\"users\" is not connected"),
        "{}",
        response.error
    );

    let mut orders = server.join("orders", None).await;
    let response = request("users").await;
    assert!(
        response.error.contains("connected: orders"),
        "{}",
        response.error
    );

    let (response, ()) = tokio::join!(request("orders"), async {
        let request = orders.recv().await.expect("a request");
        orders.send(
            "orders",
            "x_response",
            r#"{"success":false,"error":"sold out"}"#,
            &request.request_id,
        );
    });
    assert_eq!(
        (response.r#type.as_str(), response.success),
        ("x_response", false)
    );
    assert_eq!(response.error, "sold out");

    // The domain disconnects with a pending request.
    let (response, ()) = tokio::join!(request("orders"), async {
        orders.recv().await.expect("a request");
        drop(orders);
    });
    assert!(
        !response.success && response.error.contains("\"orders\" disconnected"),
        "{}",
        response.error
    );
    server.stop().await;
}

#[tokio::test]
async fn a_message_over_the_limit_fails_alone() {
    let server = Server::start_with(ServerConfig {
        max_message: 4 * 1024 * 1024,
        ..ServerConfig::default()
    })
    .await;
    let mut orders = server.join("orders", Some("token-1")).await;
    let mut users = server.join("users", Some("token-1")).await;
    let large = "x".repeat(5 * 1024 * 1024);

    users.send("users", "db_create", &large, "1");
    let response = users.recv().await.expect("a response");
    assert_eq!(
        (response.request_id.as_str(), response.success),
        ("1", false)
    );
    for expected in ["users", "5242911", "4194304", "runtime.grpc.max_message"] {
        assert!(response.error.contains(expected), "{}", response.error);
    }

    // A response: only its call fails.
    let mut caller = server.client().await;
    let call = caller.send_message(message("users", "x_request", "{}", "2"));
    let (response, ()) = tokio::join!(call, async {
        let request = users.recv().await.expect("a request");
        users.send("users", "x_response", &large, &request.request_id);
        users.send("users", "x_response", "{}", "of nobody");
    });
    let response = response.expect("a response").into_inner();
    assert_eq!(
        (response.r#type.as_str(), response.success),
        ("error", false)
    );
    assert!(
        response.payload.contains("\"TOO_LARGE\""),
        "{}",
        response.payload
    );
    assert!(
        response.error.contains("x_response of domain \"users\""),
        "{}",
        response.error
    );

    let call = caller.send_message(message("orders", "x_request", &large, "1"));
    let status = soon("the status", call).await.expect_err("rejected");
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");

    for domain in [&mut orders, &mut users] {
        domain.send("x", "db_find", "{}", "7");
        let response = domain.recv().await.expect("a response");
        assert_eq!(
            (response.request_id.as_str(), response.error.as_str()),
            ("7", "Unknown message type: db_find")
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn compressed_requests_are_accepted_by_all_methods() {
    let server = Server::start().await;
    let mut users = server.join("users", Some("token-1")).await;
    for encoding in [
        CompressionEncoding::Gzip,
        CompressionEncoding::Deflate,
        CompressionEncoding::Zstd,
    ] {
        let mut caller = server.client().await.send_compressed(encoding);
        let call = caller.send_message(message("users", "x_request", "{}", "1"));
        let (response, ()) = tokio::join!(call, async {
            let request = users.recv().await.expect("a request");
            users.send("users", "x_response", "{}", &request.request_id);
        });
        assert!(response.expect("a response").into_inner().success);

        let (sender, messages) = mpsc::unbounded_channel();
        let mut stream = caller
            .domain_communication(UnboundedReceiverStream::new(messages))
            .await
            .expect("opened")
            .into_inner();
        let register = message("orders", "domain_register", "{}", "1");
        sender.send(register).expect("the stream is open");
        let registered = stream.message().await.expect("registered");
        assert_eq!(registered.expect("a response").r#type, "register_success");

        let channel = server.channel().await;
        let mut health = HealthClient::new(channel).send_compressed(encoding);
        let request = HealthCheckRequest {
            service: "fulcrum".to_owned(),
        };
        let status = health.check(request).await.expect("a status");
        assert_eq!(status.into_inner().status, 1);
    }
    server.stop().await;
}

#[tokio::test]
async fn health_and_reflection_are_served() {
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
    let mut responses = soon("reflection", reflection.server_reflection_info(request))
        .await
        .expect("v1")
        .into_inner();
    let response = soon("a list", responses.message())
        .await
        .expect("no status")
        .expect("a list");
    let Some(MessageResponse::ListServicesResponse(list)) = response.message_response else {
        panic!("{response:?}")
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
    let mut responses = soon("old reflection", old.server_reflection_info(request))
        .await
        .expect("v1alpha")
        .into_inner();
    let response = soon("a file", responses.message())
        .await
        .expect("no status")
        .expect("a file");
    assert!(matches!(
        response.message_response,
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
    let response = client
        .send_message(message("users", "x_request", "{}", "1"))
        .await;
    assert!(
        response
            .expect("a response")
            .into_inner()
            .error
            .contains("not connected")
    );
    server.stop().await;
}
