//! The picture of a flame graph.

use std::fmt::Write;

use super::graph::{FlameGraph, Frame};

/// The width of the picture.
const WIDTH: f64 = 1200.0;
/// The height of a frame.
const ROW: f64 = 18.0;
/// The space above the frames.
const HEADER: f64 = 44.0;
/// The width of a character of the font, about.
const CHARACTER: f64 = 6.6;
/// Narrower frames are left out: they could not be seen.
const MIN_WIDTH: f64 = 0.4;

const STYLE: &str = "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#222;pointer-events:none}\
    .h{font-size:15px}.s{fill:#666}g:hover rect{stroke:#000;stroke-width:1}g{cursor:pointer}";

/// Makes the clicked frame as wide as the picture; a click on the background undoes that.
const SCRIPT: &str = r#"
const frames = [...document.querySelectorAll('g')].map((g) => ({ g, x: +g.dataset.x, w: +g.dataset.w, y: +g.dataset.y }));
const width = 1200, character = 6.6;
function show(to) {
  const scale = width / to.w;
  for (const { g, x, w, y } of frames) {
    const left = (x - to.x) * scale, wide = w * scale;
    const above = y < to.y && x <= to.x && x + w >= to.x + to.w;
    const seen = above || (left > -1e-6 && left + wide < width + 1e-6);
    g.style.display = seen ? '' : 'none';
    if (!seen) continue;
    const [rect, text] = [g.children[1], g.children[2]];
    const from = Math.max(left, 0), shown = Math.min(left + wide, width) - from;
    rect.setAttribute('x', from);
    rect.setAttribute('width', Math.max(shown - 0.3, 0.1));
    text.setAttribute('x', from + 3);
    const room = Math.floor((shown - 6) / character), name = g.dataset.n;
    text.textContent = room < 3 ? '' : name.length <= room ? name : name.slice(0, room - 1) + '…';
  }
}
for (const frame of frames) frame.g.addEventListener('click', (event) => { event.stopPropagation(); show(frame); });
document.documentElement.addEventListener('click', () => show({ x: 0, w: width, y: -1 }));
"#;

impl FlameGraph {
    /// The picture as SVG, which browsers show.
    #[must_use]
    pub fn to_svg(&self, title: &str) -> String {
        let rows = depth(&self.root);
        let height = HEADER + ROW * rows as f64 + 8.0;
        let mut svg = String::new();
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\"><style>{STYLE}</style>\
             <rect width=\"100%\" height=\"100%\" fill=\"#fdfdfb\"/>\
             <text class=\"h\" x=\"6\" y=\"18\">{}</text>\
             <text class=\"s\" x=\"6\" y=\"35\">{} of CPU time, {:.1} % of the profile; \
             click a frame to zoom, the background to go back</text>",
            escape(title),
            time_text(self.busy_us()),
            self.busy_share() * 100.0,
        );
        let scale = WIDTH / self.busy_us().max(1) as f64;
        draw(&mut svg, &self.root, 0.0, 0, scale, self.busy_us());
        let _ = writeln!(svg, "<script><![CDATA[{SCRIPT}]]></script></svg>");
        svg
    }
}

fn depth(frame: &Frame) -> usize {
    let children = frame.children.values();
    children.map(|child| depth(child) + 1).max().unwrap_or(0)
}

/// Draws what a frame called, from `left` on.
fn draw(svg: &mut String, frame: &Frame, left: f64, row: usize, scale: f64, all_us: u64) {
    let mut x = left;
    for (name, child) in &frame.children {
        let width = child.total_us as f64 * scale;
        if width >= MIN_WIDTH {
            draw_frame(svg, name, child, (x, width), row, all_us);
            draw(svg, child, x, row + 1, scale, all_us);
        }
        x += width;
    }
}

fn draw_frame(
    svg: &mut String,
    name: &str,
    frame: &Frame,
    (x, width): (f64, f64),
    row: usize,
    all_us: u64,
) {
    let y = HEADER + ROW * row as f64;
    let room = ((width - 6.0) / CHARACTER) as usize;
    let share = frame.total_us as f64 * 100.0 / all_us.max(1) as f64;
    let _ = write!(
        svg,
        "<g data-x=\"{x:.3}\" data-w=\"{width:.3}\" data-y=\"{row}\" data-n=\"{name}\">\
         <title>{name}: {}, {share:.1} %</title>\
         <rect x=\"{x:.2}\" y=\"{y}\" width=\"{:.2}\" height=\"{}\" rx=\"1\" fill=\"{}\"/>\
         <text x=\"{:.2}\" y=\"{}\">{}</text></g>",
        time_text(frame.total_us),
        (width - 0.3).max(0.1),
        ROW - 1.0,
        color(name),
        x + 3.0,
        y + 12.5,
        escape(&shorten(name, room)),
        name = escape(name),
    );
}

/// A warm color for code of the app, cooler ones for packages and for Node itself.
fn color(name: &str) -> String {
    let hash = name.bytes().fold(7_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let variation = hash % 40;
    let (hue, saturation) = match name {
        name if name.starts_with('(') => (0, 0),
        name if name.contains("node_modules/") => (130 + variation, 35),
        name if name.contains(" node:") || !name.contains(' ') => (200 + variation, 35),
        _ => (15 + variation, 85),
    };
    format!("hsl({hue},{saturation}%,{}%)", 68 + hash % 10)
}

fn shorten(name: &str, room: usize) -> String {
    if room < 3 {
        return String::new();
    }
    match name.chars().count() <= room {
        true => name.to_owned(),
        false => name.chars().take(room - 1).chain(['…']).collect(),
    }
}

/// `1.25 s`, `31 ms`
fn time_text(us: u64) -> String {
    match us {
        us if us >= 1_000_000 => format!("{:.2} s", us as f64 / 1e6),
        us => format!("{:.0} ms", us as f64 / 1e3),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0 has no other control characters, not even as references.
            character if character.is_control() => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}
