//! What `fulcrum dev` writes to a terminal: lines, and one row below them for what is being typed.
//!
//! One thread writes, so that a line never lands in the middle of that row.

use std::time::Duration;

use fulcrum_logs::{ChunkDelivery, Delivery, Follower, LineFormat};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::line_filter::LineFilter;

/// How long the writer may take to give the terminal to somebody else.
const HIDE_LIMIT: Duration = Duration::from_millis(500);

/// Erases the row of the cursor.
const ERASE: &[u8] = b"\r\x1b[2K";

/// A wish to the writer.
#[derive(Debug)]
enum Message {
    Filter(LineFilter),
    Pause(bool),
    /// The terminal is somebody else's. The answer comes once nothing is written any more.
    Hide(oneshot::Sender<()>),
    Reveal,
    Status(Option<String>),
    Print(String),
    /// For the terminal itself.
    Raw(String),
}

/// The handle of the writer.
#[derive(Debug, Clone)]
pub struct ScreenHandle {
    messages: UnboundedSender<Message>,
}

impl ScreenHandle {
    /// Shows these lines from now on.
    pub fn filter(&self, filter: LineFilter) {
        self.send(Message::Filter(filter));
    }

    /// Stops to show lines, or goes on with those that came meanwhile.
    pub fn pause(&self, paused: bool) {
        self.send(Message::Pause(paused));
    }

    /// Sets the row below the lines.
    pub fn status(&self, status: Option<String>) {
        self.send(Message::Status(status));
    }

    /// Prints a text of its own, between two lines.
    pub fn print(&self, text: impl Into<String>) {
        self.send(Message::Print(text.into()));
    }

    /// Writes a sequence for the terminal itself.
    pub fn raw(&self, sequence: String) {
        self.send(Message::Raw(sequence));
    }

    /// Gives the terminal to somebody else, and waits until nothing is written any more.
    pub async fn hide(&self) {
        let (done, hidden) = oneshot::channel();
        self.send(Message::Hide(done));
        // A terminal that takes no output is waited for by whoever comes next.
        let _ = timeout(HIDE_LIMIT, hidden).await;
    }

    /// Takes the terminal back.
    pub fn reveal(&self) {
        self.send(Message::Reveal);
    }

    fn send(&self, message: Message) {
        // At the end there is no writer any more.
        let _ = self.messages.send(message);
    }
}

/// Makes the bytes for the terminal of lines and wishes.
#[derive(Debug)]
pub struct Screen {
    format: LineFormat,
    messages: Option<UnboundedReceiver<Message>>,
    filter: LineFilter,
    paused: bool,
    /// Somebody who uses the terminal, and the number of lines meanwhile.
    hidden: Option<u64>,
    /// To be answered once what was there before is written.
    waiting: Option<oneshot::Sender<()>>,
    status: Option<String>,
    is_status_drawn: bool,
}

impl Screen {
    /// Without keys: lines only.
    pub fn plain(format: LineFormat) -> Self {
        Self {
            format,
            messages: None,
            filter: LineFilter::default(),
            paused: false,
            hidden: None,
            waiting: None,
            status: None,
            is_status_drawn: false,
        }
    }

    /// With keys, which have the handle.
    pub fn interactive(format: LineFormat) -> (Self, ScreenHandle) {
        let (messages, receiver) = unbounded_channel();
        let screen = Self {
            messages: Some(receiver),
            ..Self::plain(format)
        };
        (screen, ScreenHandle { messages })
    }

    /// Waits for something to write and appends it to `out`. False once nothing will come any more.
    pub async fn next_into(&mut self, follower: &mut Follower, out: &mut Vec<u8>) -> bool {
        if let Some(waiting) = self.waiting.take() {
            // Everything before was written.
            let _ = waiting.send(());
        }
        let Some(messages) = &mut self.messages else {
            return self.format.next_into(follower, out).await;
        };
        let (paused, filtered) = (self.paused, !self.filter.is_all() || self.hidden.is_some());
        let next = tokio::select! {
            biased;
            message = messages.recv() => Next::Message(message),
            next = next_of(follower, filtered), if !paused => next,
        };
        match next {
            Next::Message(message) => self.apply(message, out),
            Next::Chunk(None) | Next::Line(None) => return false,
            Next::Chunk(delivery) => self.take_chunk(delivery, out),
            Next::Line(delivery) => self.take_line(delivery, out),
        }
        true
    }

    /// Appends what waits already. False if nothing does.
    pub fn try_next_into(&mut self, follower: &mut Follower, out: &mut Vec<u8>) -> bool {
        if self.messages.is_none() {
            return self.format.try_next_into(follower, out);
        }
        // Messages keep their place among the lines.
        if self.paused || self.waiting.is_some() {
            return false;
        }
        if self.is_filtered() {
            let delivery = follower.try_next();
            let is_some = delivery.is_some();
            self.take_line(delivery, out);
            is_some
        } else {
            let delivery = follower.try_next_chunk();
            let is_some = delivery.is_some();
            self.take_chunk(delivery, out);
            is_some
        }
    }

    /// Completes what is written with one call: the row below is erased before, and drawn after. The
    /// terminal has `columns`.
    pub fn finish(&mut self, out: &mut Vec<u8>, columns: u16) {
        if self.is_status_drawn && (!out.is_empty() || self.status.is_none()) {
            out.splice(0..0, ERASE.iter().copied());
            self.is_status_drawn = false;
        }
        if self.hidden.is_some() || self.is_status_drawn {
            return;
        }
        if let Some(status) = &self.status {
            let width = usize::from(columns).saturating_sub(1);
            let status = fulcrum_logs::truncate_to_width(status, width);
            // Inverted, so that it is no line.
            out.extend_from_slice(b"\x1b[7m");
            out.extend_from_slice(status.as_bytes());
            out.extend_from_slice(b"\x1b[0m");
            self.is_status_drawn = true;
        }
    }

    fn is_filtered(&self) -> bool {
        !self.filter.is_all() || self.hidden.is_some()
    }

    fn apply(&mut self, message: Option<Message>, out: &mut Vec<u8>) {
        match message {
            // Whoever had the handle is gone: everything is shown again.
            None => {
                self.messages = None;
                self.paused = false;
                self.status = None;
                self.filter = LineFilter::default();
                self.reveal(out);
            }
            Some(Message::Filter(filter)) => self.filter = filter,
            Some(Message::Pause(paused)) => self.paused = paused,
            Some(Message::Hide(done)) => {
                self.hidden = Some(0);
                self.waiting = Some(done);
                if std::mem::take(&mut self.is_status_drawn) {
                    out.extend_from_slice(ERASE);
                }
            }
            Some(Message::Reveal) => self.reveal(out),
            Some(Message::Status(status)) => {
                if self.status != status {
                    self.status = status;
                    // Drawn anew.
                    if std::mem::take(&mut self.is_status_drawn) {
                        out.extend_from_slice(ERASE);
                    }
                }
            }
            Some(Message::Raw(sequence)) => {
                if self.hidden.is_none() {
                    out.extend_from_slice(sequence.as_bytes());
                }
            }
            Some(Message::Print(text)) => {
                if self.hidden.is_none() {
                    out.extend_from_slice(text.as_bytes());
                    out.push(b'\n');
                }
            }
        }
    }

    fn reveal(&mut self, out: &mut Vec<u8>) {
        if let Some(lines @ 1..) = self.hidden.take() {
            let noun = if lines == 1 { "line" } else { "lines" };
            let text = format!("({lines} {noun} meanwhile: `fulcrum logs`)\n");
            out.extend_from_slice(text.as_bytes());
        }
    }

    fn take_chunk(&mut self, delivery: Option<ChunkDelivery>, out: &mut Vec<u8>) {
        if let Some(delivery) = delivery {
            self.format.chunk_into(delivery, out);
        }
    }

    fn take_line(&mut self, delivery: Option<Delivery>, out: &mut Vec<u8>) {
        match (delivery, &mut self.hidden) {
            (None, _) => {}
            (Some(Delivery::Line(_)), Some(lines)) => *lines += 1,
            (Some(Delivery::Gap(gap)), Some(lines)) => *lines += gap.missed,
            (Some(Delivery::Line(line)), None) if !self.filter.matches(&line) => {}
            (Some(delivery), None) => self.format.line_into(delivery, out),
        }
    }
}

/// What has come first.
enum Next {
    Message(Option<Message>),
    Chunk(Option<ChunkDelivery>),
    Line(Option<Delivery>),
}

/// The next lines: one by one where each has to be looked at.
async fn next_of(follower: &mut Follower, filtered: bool) -> Next {
    match filtered {
        true => Next::Line(follower.next().await),
        false => Next::Chunk(follower.next_chunk().await),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fulcrum_logs::{
        Capacity, Hub, HubConfig, LineRenderer, LogQuery, PumpCounters, Source, Stream, Style, pump,
    };

    use super::*;
    use crate::text::Search;

    struct Harness {
        hub: Hub,
        follower: Follower,
        screen: Screen,
        handle: ScreenHandle,
    }

    impl Harness {
        fn new() -> Self {
            let hub = Hub::new(HubConfig::default());
            let follower = hub.subscribe(LogQuery::default(), Capacity::default());
            let format = LineFormat::Text(LineRenderer::new(Style::default()));
            let (screen, handle) = Screen::interactive(format);
            Self {
                hub,
                follower,
                screen,
                handle,
            }
        }

        async fn line(&self, text: &str) {
            let source = Source {
                domain: Arc::from("users"),
                generation: 1,
                pid: 1,
            };
            let text = format!("{text}\n");
            let counters = PumpCounters::default();
            pump(
                text.as_bytes(),
                &self.hub,
                source,
                Stream::Stdout,
                &counters,
            )
            .await
            .expect("read");
        }

        /// What is written with the next call.
        async fn written(&mut self) -> String {
            let mut out = Vec::new();
            let next = self.screen.next_into(&mut self.follower, &mut out);
            let _ = timeout(Duration::from_millis(1), next).await;
            while self.screen.try_next_into(&mut self.follower, &mut out) {}
            self.screen.finish(&mut out, 80);
            String::from_utf8(out).expect("UTF-8")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_row_below_is_erased_before_lines_and_drawn_after_them() {
        let mut harness = Harness::new();
        harness.handle.status(Some("/bo".into()));
        assert_eq!(harness.written().await, "\x1b[7m/bo\x1b[0m");
        harness.line("one").await;
        assert_eq!(
            harness.written().await,
            "\r\x1b[2Kusers   │ one\n\x1b[7m/bo\x1b[0m"
        );
        harness.handle.status(Some("/boo".into()));
        assert_eq!(harness.written().await, "\r\x1b[2K\x1b[7m/boo\x1b[0m");
        harness.handle.status(None);
        assert_eq!(harness.written().await, "\r\x1b[2K");
        harness.line("two").await;
        assert_eq!(harness.written().await, "users   │ two\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_filter_hides_lines_and_a_pause_keeps_them() {
        let mut harness = Harness::new();
        harness.handle.filter(LineFilter {
            search: Search::new("b"),
            ..LineFilter::default()
        });
        harness.written().await;
        harness.line("a").await;
        harness.line("b").await;
        let mut shown = harness.written().await;
        shown.push_str(&harness.written().await);
        assert_eq!(shown, "users   │ b\n");
        harness.handle.pause(true);
        harness.written().await;
        harness.line("bb").await;
        assert_eq!(harness.written().await, "");
        harness.handle.pause(false);
        let mut shown = harness.written().await;
        shown.push_str(&harness.written().await);
        assert_eq!(shown, "users   │ bb\n");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_while_somebody_else_has_the_terminal() {
        let mut harness = Harness::new();
        harness.handle.status(Some("x".into()));
        harness.written().await;
        let handle = harness.handle.clone();
        let hidden = tokio::spawn(async move { handle.hide().await });
        tokio::task::yield_now().await;
        assert_eq!(harness.written().await, "\r\x1b[2K");
        harness.line("unseen").await;
        harness.handle.print("unseen, too");
        assert_eq!(harness.written().await, "");
        assert_eq!(harness.written().await, "");
        hidden.await.expect("hidden");
        harness.handle.status(None);
        harness.handle.reveal();
        harness.written().await;
        assert_eq!(
            harness.written().await,
            "(1 line meanwhile: `fulcrum logs`)\n"
        );
        // Without a handle everything is shown.
        harness.handle.pause(true);
        harness.written().await;
        harness.line("last").await;
        harness.handle = Harness::new().handle;
        let mut shown = harness.written().await;
        shown.push_str(&harness.written().await);
        assert_eq!(shown, "users   │ last\n");
    }
}
