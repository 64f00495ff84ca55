//! Prints one frame of the full-screen view, for domains that do not exist: the model is pure, so that
//! no instance and no terminal is needed.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use fulcrum_rpc::control::{Domain, Instance, LogLine};
use fulcrum_tui::model::{Input, LogItem, Model, Now};
use fulcrum_tui::term::{ColorDepth, Key, TermEvent};
use fulcrum_tui::view::{self, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn main() -> std::io::Result<()> {
    let now = Now {
        elapsed: Duration::ZERO,
        wall: SystemTime::UNIX_EPOCH,
    };
    let mut model = Model::new((90, 14), 0, now);
    let instance = Instance {
        app: "/srv/shop".into(),
        mode: "dev".into(),
        ..Instance::default()
    };
    model.update(Input::Connected(Box::new(instance)), now);
    let domain = |name: &str, phase: &str, ready| Domain {
        name: name.into(),
        phase: phase.into(),
        goal: "up".into(),
        ready,
        pid: ready.then_some(4242),
        uptime_ms: 192_000,
        cpu_percent: 1.3,
        memory_bytes: 50_000_000,
        ..Domain::default()
    };
    let domains = vec![
        domain("catalog", "running", true),
        domain("orders", "backoff", false),
    ];
    model.update(Input::Status(domains), now);
    // A key, as a user would press it.
    model.update(Input::Term(TermEvent::Key(Key::Down)), now);
    let line = LogLine {
        seq: 1,
        domain: "orders".into(),
        message: b"Error: boom".to_vec(),
        level: Some("error".into()),
        ..LogLine::default()
    };
    let feed = model.logs.feed;
    let items = vec![LogItem::Line(line)];
    model.update(Input::Lines { feed, items }, now);

    let mut frame = Buffer::empty(Rect::new(0, 0, 90, 14));
    view::draw(&model, &Theme::new(0, ColorDepth::None), &mut frame);
    std::io::stdout().write_all(view::frame_text(&frame, false).as_bytes())
}
