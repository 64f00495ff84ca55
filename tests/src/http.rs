//! Requests over HTTP, and a receiver of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::app::App;
use crate::wait::LIMIT;

/// A response.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    /// The body.
    pub body: String,
}

impl HttpAnswer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Makes a GET request, with `headers` besides `Host`.
#[track_caller]
pub fn http_get(address: &str, path: &str, headers: &[&str]) -> HttpAnswer {
    let mut stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(LIMIT)).expect("a socket");
    let has_host = headers.iter().any(|header| header.starts_with("Host:"));
    let host = if has_host { "" } else { "Host: localhost\r\n" };
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    let request = format!("GET {path} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("a response");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    HttpAnswer {
        status: status.expect("a status"),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

impl App {
    /// The address of metrics and health endpoints, host:port.
    #[track_caller]
    pub fn http(&self) -> String {
        let status = self.run(&["domains", "status", "-o", "json"]).exits(0);
        let address = status.json()["instance"]["http"].clone();
        address.as_str().expect("the endpoints are on").to_owned()
    }

    /// Makes a GET request to one of them.
    #[track_caller]
    pub fn get(&self, path: &str) -> HttpAnswer {
        http_get(&self.http(), path, &[])
    }
}

/// A receiver of POST requests, which answers all of them with one status.
#[derive(Debug)]
pub struct WebhookReceiver {
    /// Its URL.
    pub url: String,
    requests: Receiver<(Vec<String>, String)>,
}

impl WebhookReceiver {
    /// Listens on a free port.
    pub fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (sender, requests) = mpsc::channel();
        // Ends with the test.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Some(request) = receive(&stream, status)
                    && sender.send(request).is_err()
                {
                    return;
                }
            }
        });
        Self {
            url: format!("http://{address}/hook/s3cret"),
            requests,
        }
    }

    /// Waits for the next request: its headers in lower case, and its body.
    #[track_caller]
    pub fn next(&self) -> (Vec<String>, String) {
        self.requests.recv_timeout(LIMIT).expect("a notification")
    }

    /// The next request, if one comes within this time.
    pub fn next_within(&self, time: Duration) -> Option<(Vec<String>, String)> {
        self.requests.recv_timeout(time).ok()
    }
}

fn receive(mut stream: &TcpStream, status: u16) -> Option<(Vec<String>, String)> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => headers.push(line.to_ascii_lowercase()),
        }
    }
    let length = headers
        .iter()
        .find_map(|header| header.strip_prefix("content-length: "));
    let mut body = vec![0; length?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).ok()?;
    Some((headers, String::from_utf8(body).ok()?))
}
