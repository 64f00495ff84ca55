//! The model as a user sees it: inputs, and what follows.

use std::time::{Duration, SystemTime};

use fulcrum_logs::Level;
use fulcrum_rpc::control::{Domain, Event, Instance, LogLine};

use super::*;
use crate::term::{Key, Mouse, MouseKind, TermEvent};

fn at(milliseconds: u64) -> Now {
    let elapsed = Duration::from_millis(milliseconds);
    Now {
        elapsed,
        wall: SystemTime::UNIX_EPOCH + elapsed,
    }
}

fn domain(name: &str) -> Domain {
    Domain {
        name: name.into(),
        phase: "running".into(),
        ready: true,
        goal: "up".into(),
        pid: Some(1),
        ..Domain::default()
    }
}

fn instance(pid: u32) -> Box<Instance> {
    Box::new(Instance {
        pid,
        app: "/srv/shop".into(),
        ..Instance::default()
    })
}

/// A model that is connected to an instance with three domains.
fn connected() -> Model {
    let mut model = Model::new((80, 24), 0, at(0));
    model.update(Input::Connected(instance(7)), at(0));
    let domains = ["users", "catalog", "orders"].map(domain);
    model.update(Input::Status(domains.into()), at(10));
    model
}

fn press(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys {
        effects.extend(model.update(Input::Term(TermEvent::Key(*key)), at(20)));
    }
    effects
}

fn typed(text: &str) -> Vec<Key> {
    text.chars().map(Key::Char).collect()
}

fn lines(model: &mut Model, count: u64) {
    let items = (1..=count).map(|seq| {
        LogItem::Line(LogLine {
            seq,
            domain: "catalog".into(),
            message: format!("line {seq}").into_bytes(),
            ..LogLine::default()
        })
    });
    let feed = model.logs.feed;
    let items = items.collect();
    model.update(Input::Lines { feed, items }, at(20));
}

fn bottom(model: &Model) -> String {
    let mut entries = model.logs.from_bottom();
    entries
        .next()
        .map(|entry| entry.text.clone())
        .unwrap_or_default()
}

#[test]
fn the_logs_are_those_of_the_selected_domain() {
    let mut model = connected();
    assert_eq!(model.logs.target, LogTarget::Domain("catalog".into()));
    let effects = press(&mut model, &[Key::Down]);
    assert_eq!(model.selected(), Some("orders"));
    let [Effect::Follow { feed, domains }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (*feed, domains.as_slice()),
        (model.logs.feed, &["orders".to_owned()][..])
    );
    // Lines that were on their way for another domain are dropped.
    let late = Input::Lines {
        feed: feed - 1,
        items: vec![LogItem::Missed(Some(1))],
    };
    model.update(late, at(30));
    assert_eq!(model.logs.len(), 0);
    let effects = press(&mut model, &[Key::Char('a')]);
    assert!(matches!(effects.as_slice(), [Effect::Follow { domains, .. }] if domains.is_empty()));
}

#[test]
fn a_restart_is_asked_for_again_and_a_start_is_not() {
    let mut model = connected();
    assert_eq!(press(&mut model, &[Key::Char('r')]), []);
    assert!(matches!(model.overlay, Some(Overlay::Confirm(_))));
    // Other keys do nothing meanwhile.
    assert_eq!(press(&mut model, &[Key::Char('x'), Key::Char('z')]), []);
    let restart = Effect::Act(Action::Change {
        verb: Verb::Restart,
        domains: vec!["catalog".into()],
    });
    assert_eq!(press(&mut model, &[Key::Char('y')]), [restart]);
    assert_eq!((model.busy, &model.overlay), (1, &None));
    press(&mut model, &[Key::Char('X'), Key::Char('n')]);
    assert_eq!(model.busy, 1);
    let effects = press(&mut model, &[Key::Char('s')]);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Act(Action::Change {
            verb: Verb::Start,
            ..
        })]
    ));
    model.update(Input::Outcome(Err("no such domain".into())), at(40));
    let notice = model.notice.as_ref().expect("a message");
    assert_eq!(
        (notice.tone, notice.text.as_str()),
        (Tone::Bad, "no such domain")
    );
    assert_eq!(model.busy, 1);
}

#[test]
fn a_message_goes_after_a_while() {
    let mut model = connected();
    press(&mut model, &[Key::Char('v')]);
    model.update(Input::Tick, at(5_000));
    assert!(model.notice.is_some());
    model.update(Input::Tick, at(6_100));
    assert_eq!(model.notice, None);
}

#[test]
fn names_are_filtered_while_they_are_typed() {
    let mut model = connected();
    press(&mut model, &[Key::Char('f')]);
    press(&mut model, &typed("ord"));
    assert_eq!(model.table.visible().count(), 1);
    assert_eq!(model.selected(), Some("orders"));
    press(&mut model, &[Key::Enter]);
    assert_eq!((model.table.filter(), &model.overlay), ("ord", &None));
    // Esc in the prompt brings the text before back; afterwards it removes the filter.
    press(&mut model, &[Key::Char('f'), Key::Ctrl('u'), Key::Esc]);
    assert_eq!(model.table.filter(), "ord");
    press(&mut model, &[Key::Esc]);
    assert_eq!(model.table.visible().count(), 3);
}

#[test]
fn a_search_finds_older_lines_first() {
    let mut model = connected();
    lines(&mut model, 40);
    press(&mut model, &[Key::Char('/')]);
    press(&mut model, &typed("line 2"));
    press(&mut model, &[Key::Enter]);
    assert_eq!(bottom(&model), "line 29");
    press(&mut model, &[Key::Char('n')]);
    assert_eq!(bottom(&model), "line 28");
    press(&mut model, &[Key::Char('N')]);
    assert_eq!(bottom(&model), "line 29");
    press(&mut model, &[Key::Char('&')]);
    assert_eq!(model.logs.from_bottom().count(), 11);
    press(&mut model, &[Key::Esc]);
    assert_eq!(model.logs.search(), None);
}

#[test]
fn scrolling_stops_following_and_the_end_follows_again() {
    let mut model = connected();
    lines(&mut model, 100);
    press(&mut model, &[Key::PageUp]);
    assert!(!model.logs.is_following());
    let before = bottom(&model);
    let feed = model.logs.feed;
    let line = LogLine {
        seq: 101,
        message: b"new".to_vec(),
        ..LogLine::default()
    };
    model.update(
        Input::Lines {
            feed,
            items: vec![LogItem::Line(line)],
        },
        at(30),
    );
    assert_eq!(bottom(&model), before);
    press(&mut model, &[Key::End]);
    assert_eq!(bottom(&model), "new");
    let wheel = Mouse {
        kind: MouseKind::ScrollUp,
        column: 3,
        row: 15,
    };
    model.update(Input::Term(TermEvent::Mouse(wheel)), at(30));
    assert!(!model.logs.is_following());
}

#[test]
fn the_mouse_selects_rows_and_panes() {
    let mut model = connected();
    let mut click = |column, row| {
        let mouse = Mouse {
            kind: MouseKind::Press,
            column,
            row,
        };
        model.update(Input::Term(TermEvent::Mouse(mouse)), at(20));
        (model.selected().map(str::to_owned), model.pane)
    };
    assert_eq!(click(5, 4), (Some("users".into()), Pane::Logs));
    // The titles are below the three rows of the table.
    let (_, columns) = pane_columns().nth(2).expect("three panes");
    let column = u16::try_from(columns.start + 2).expect("small");
    assert_eq!(click(column, 5).1, Pane::Tree);
}

#[test]
fn details_are_asked_for_when_they_are_shown() {
    let mut model = connected();
    assert_eq!(
        press(&mut model, &[Key::Char('4')]),
        [Effect::Details("catalog".into())]
    );
    let effects = press(&mut model, &[Key::Down]);
    assert!(
        effects.contains(&Effect::Details("orders".into())),
        "{effects:?}"
    );
    assert_eq!(press(&mut model, &[Key::Char('1'), Key::Char('2')]), []);
}

#[test]
fn the_palette_runs_commands_and_selects_domains() {
    let mut model = connected();
    press(&mut model, &[Key::Char(':')]);
    press(&mut model, &typed("go users"));
    press(&mut model, &[Key::Enter]);
    assert_eq!(model.selected(), Some("users"));
    press(&mut model, &[Key::Ctrl('p')]);
    press(&mut model, &typed("quit"));
    assert_eq!(press(&mut model, &[Key::Enter]), [Effect::Quit]);
}

#[test]
fn another_instance_is_followed_from_its_start() {
    let mut model = connected();
    lines(&mut model, 5);
    model.update(Input::Disconnected("gone".into()), at(1_000));
    model.update(Input::Disconnected("no running instance".into()), at(1_300));
    let Link::Lost { since, reason } = &model.link else {
        panic!("{:?}", model.link)
    };
    assert_eq!(
        (since.as_millis(), reason.as_str()),
        (1_000, "no running instance")
    );
    // Nobody is there to be asked.
    assert_eq!(press(&mut model, &[Key::Char('s')]), []);
    let effects = model.update(Input::Connected(instance(8)), at(2_000));
    let asks =
        |effect: &Effect| matches!(effect, Effect::Follow { feed, .. } if *feed == model.logs.feed);
    assert!(effects.iter().any(asks), "{effects:?}");
    // What the last one wrote is still there; the numbers of lines begin again.
    let feed = model.logs.feed;
    let line = LogLine {
        seq: 1,
        message: b"from the new one".to_vec(),
        ..LogLine::default()
    };
    model.update(
        Input::Lines {
            feed,
            items: vec![LogItem::Line(line)],
        },
        at(2_100),
    );
    assert_eq!(bottom(&model), "from the new one");
    let texts: Vec<_> = model
        .logs
        .from_bottom()
        .map(|entry| entry.text.clone())
        .collect();
    assert_eq!(texts.len(), 7, "{texts:?}");
    assert!(texts[1].contains("new instance (pid 8)"), "{texts:?}");
}

#[test]
fn an_event_refreshes_the_state() {
    let mut model = connected();
    model.take_dirty();
    let event = Box::new(Event::default());
    assert_eq!(model.update(Input::Event(event), at(20)), [Effect::Refresh]);
    assert!(model.take_dirty());
    // Lines behind another pane change nothing on the screen.
    press(&mut model, &[Key::Char('3')]);
    model.take_dirty();
    lines(&mut model, 3);
    assert!(!model.take_dirty());
}

#[test]
fn control_keys_work_over_questions() {
    let mut model = connected();
    press(&mut model, &[Key::Char('x')]);
    assert_eq!(press(&mut model, &[Key::Ctrl('z')]), [Effect::Suspend]);
    assert_eq!(press(&mut model, &[Key::Ctrl('c')]), []);
    assert_eq!(model.overlay, None);
    assert_eq!(press(&mut model, &[Key::Ctrl('c')]), [Effect::Quit]);
    press(&mut model, &[Key::Char('v'), Key::Char('v')]);
    assert_eq!(model.logs.level, Some(Level::Warn));
}

/// Whatever is pressed at whatever size, the model stays usable.
#[test]
fn no_series_of_keys_breaks_it() {
    let keys: Vec<Key> = BINDINGS
        .iter()
        .flat_map(|binding| binding.keys)
        .copied()
        .collect();
    let mut model = connected();
    lines(&mut model, 300);
    let mut random = 1_u64;
    for step in 0..20_000_u64 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let pick = usize::try_from(random >> 33).expect("31 bits");
        if pick.is_multiple_of(50) {
            let columns = u16::try_from(pick % 130).expect("small");
            let rows = u16::try_from(pick % 50).expect("small");
            model.update(Input::Resize { columns, rows }, at(step));
        }
        let key = keys[pick % keys.len()];
        model.update(Input::Term(TermEvent::Key(key)), at(step));
        model.areas();
    }
}
