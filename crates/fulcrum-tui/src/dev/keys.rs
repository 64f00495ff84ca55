//! What the keys of `fulcrum dev` do. Pure.

use super::line_filter::LineFilter;
use crate::model::TextField;
use crate::term::Key;
use crate::text::Search;

/// What a typed text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompt {
    Restart,
    Domains,
    Search,
}

impl Prompt {
    fn label(self) -> &'static str {
        match self {
            Self::Restart => "restart (name, or all): ",
            Self::Domains => "show only (names, empty for all): ",
            Self::Search => "/",
        }
    }
}

/// What the keys ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DevEffect {
    /// Restart these domains; `all` is a name.
    Restart(Vec<String>),
    /// Show these lines from now on, and the last ones that match.
    Show(LineFilter),
    /// Stop showing lines, or go on.
    Pause(bool),
    /// Print a remark.
    Print(String),
    /// Clear the terminal.
    Clear,
    /// Print where metrics are.
    Addresses,
    /// Print the addresses of inspectors.
    Inspectors,
    /// Show the full-screen view.
    FullScreen,
    /// Stop the job as the shell does.
    Suspend,
    /// Stop the app.
    Quit,
}

/// The help that `?` prints.
pub const HELP: &str = "\
keys:
  r  restart a domain          R  restart all
  l  show only some domains    e  show errors only
  /  show lines with a text    p  pause, or go on
  o  address of metrics        i  addresses of inspectors
  c  clear the terminal        t  full-screen view
  q  quit, as Ctrl-C           Esc  show all lines again";

/// The state of the keys.
#[derive(Debug, Default)]
pub struct DevKeys {
    domains: Vec<String>,
    prompt: Option<(Prompt, TextField)>,
    filter: LineFilter,
    paused: bool,
}

impl DevKeys {
    /// Takes the names of all domains.
    pub fn set_domains(&mut self, domains: Vec<String>) {
        self.domains = domains;
    }

    /// Takes a key.
    pub fn on_key(&mut self, key: Key) -> Vec<DevEffect> {
        if key == Key::Ctrl('z') {
            return vec![DevEffect::Suspend];
        }
        match self.prompt.take() {
            Some((prompt, field)) => self.on_prompt_key(key, prompt, field),
            None => self.on_command_key(key),
        }
    }

    fn on_command_key(&mut self, key: Key) -> Vec<DevEffect> {
        let mut ask = |prompt| {
            self.prompt = Some((prompt, TextField::default()));
            Vec::new()
        };
        match key {
            Key::Char('r') if self.domains.len() == 1 => {
                vec![DevEffect::Restart(self.domains.clone())]
            }
            Key::Char('r') => ask(Prompt::Restart),
            Key::Char('l') => ask(Prompt::Domains),
            Key::Char('/') => ask(Prompt::Search),
            Key::Char('R') => vec![DevEffect::Restart(vec!["all".to_owned()])],
            Key::Char('e') => {
                self.filter.errors_only = !self.filter.errors_only;
                vec![DevEffect::Show(self.filter.clone())]
            }
            Key::Char('p' | ' ') => {
                self.paused = !self.paused;
                vec![DevEffect::Pause(self.paused)]
            }
            Key::Char('o') => vec![DevEffect::Addresses],
            Key::Char('i') => vec![DevEffect::Inspectors],
            Key::Char('c') | Key::Ctrl('l') => vec![DevEffect::Clear],
            Key::Char('t') => vec![DevEffect::FullScreen],
            Key::Char('?' | 'h') | Key::F(1) => vec![DevEffect::Print(HELP.to_owned())],
            Key::Char('q') => vec![DevEffect::Quit],
            // An empty line, to see what comes after it.
            Key::Enter => vec![DevEffect::Print(String::new())],
            Key::Esc => self.show_all(),
            _ => Vec::new(),
        }
    }

    fn show_all(&mut self) -> Vec<DevEffect> {
        let mut effects = Vec::new();
        if std::mem::take(&mut self.paused) {
            effects.push(DevEffect::Pause(false));
        }
        if !self.filter.is_all() {
            self.filter = LineFilter::default();
            effects.push(DevEffect::Show(LineFilter::default()));
        }
        effects
    }

    fn on_prompt_key(&mut self, key: Key, prompt: Prompt, mut field: TextField) -> Vec<DevEffect> {
        match key {
            Key::Enter => return self.accept(prompt, field.text()),
            Key::Esc => return Vec::new(),
            Key::Tab if prompt != Prompt::Search => {
                if let Some(rest) = self.completion(field.text()) {
                    field.insert(&rest);
                }
            }
            key => drop(field.edit(key)),
        }
        self.prompt = Some((prompt, field));
        Vec::new()
    }

    fn accept(&mut self, prompt: Prompt, text: &str) -> Vec<DevEffect> {
        if prompt == Prompt::Search {
            self.filter.search = Search::new(text);
            return vec![DevEffect::Show(self.filter.clone())];
        }
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let mut names = Vec::new();
        for word in words {
            match self.resolve(word) {
                Some(name) => names.push(name),
                None => {
                    let known = self.domains.join(", ");
                    let text = format!("no domain begins with {word:?}; there are {known}");
                    return vec![DevEffect::Print(text)];
                }
            }
        }
        match prompt {
            Prompt::Restart if names.is_empty() => Vec::new(),
            Prompt::Restart => vec![DevEffect::Restart(names)],
            Prompt::Domains | Prompt::Search => {
                if names.iter().any(|name| name == "all") {
                    names.clear();
                }
                self.filter.domains = names;
                vec![DevEffect::Show(self.filter.clone())]
            }
        }
    }

    /// The domain that a word names: exactly, or by the begin of its name if no other begins so.
    fn resolve(&self, word: &str) -> Option<String> {
        if word == "all" || self.domains.iter().any(|name| name == word) {
            return Some(word.to_owned());
        }
        let mut found = self.domains.iter().filter(|name| name.starts_with(word));
        let first = found.next()?;
        found.next().is_none().then(|| first.clone())
    }

    /// What the names that begin with the last typed word have in common after it.
    fn completion(&self, text: &str) -> Option<String> {
        let word = text.rsplit([',', ' ']).next().unwrap_or_default();
        let mut names = self
            .domains
            .iter()
            .filter_map(|name| name.strip_prefix(word));
        let mut common = names.next()?.to_owned();
        for name in names {
            let same = common
                .chars()
                .zip(name.chars())
                .take_while(|(one, other)| one == other);
            common = same.map(|(one, _)| one).collect();
        }
        Some(common)
    }

    /// The line at the bottom: what is being typed, or what is not shown; none if there is nothing to
    /// tell.
    pub fn status(&self) -> Option<String> {
        if let Some((prompt, field)) = &self.prompt {
            let hint = match prompt {
                Prompt::Restart | Prompt::Domains => self.domains.join(" "),
                Prompt::Search => String::new(),
            };
            let hint = if field.text().is_empty() {
                hint
            } else {
                String::new()
            };
            return Some(format!("{}{}▏{hint}", prompt.label(), field.text()));
        }
        match (self.paused, self.filter.is_all()) {
            (true, _) => Some("paused: p goes on".to_owned()),
            (false, false) => Some(format!("only {}: Esc shows all", self.filter.describe())),
            (false, true) => None,
        }
    }

    /// Which lines are shown.
    pub fn filter(&self) -> &LineFilter {
        &self.filter
    }

    /// Whether a text is being typed.
    pub fn is_prompting(&self) -> bool {
        self.prompt.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> DevKeys {
        let mut keys = DevKeys::default();
        keys.set_domains(["catalog", "orders", "order-log"].map(String::from).into());
        keys
    }

    fn press(keys: &mut DevKeys, text: &str) -> Vec<DevEffect> {
        let events = text.chars().map(|char| match char {
            '\n' => Key::Enter,
            '\t' => Key::Tab,
            '\x1b' => Key::Esc,
            char => Key::Char(char),
        });
        events.flat_map(|key| keys.on_key(key)).collect()
    }

    #[test]
    fn a_restart_takes_a_unique_begin_of_a_name() {
        let mut keys = keys();
        let restart = |names: &[&str]| {
            vec![DevEffect::Restart(
                names.iter().map(|name| (*name).to_owned()).collect(),
            )]
        };
        assert_eq!(press(&mut keys, "rc\n"), restart(&["catalog"]));
        assert_eq!(
            press(&mut keys, "rorders,cat\n"),
            restart(&["orders", "catalog"])
        );
        assert_eq!(press(&mut keys, "rall\n"), restart(&["all"]));
        assert_eq!(press(&mut keys, "R"), restart(&["all"]));
        assert_eq!(press(&mut keys, "r\n"), []);
        assert_eq!(press(&mut keys, "r\x1b"), []);
        assert!(
            matches!(press(&mut keys, "rord\n").as_slice(), [DevEffect::Print(text)] if text.contains("ord"))
        );
        press(&mut keys, "ro\t");
        assert!(
            keys.status()
                .is_some_and(|status| status.contains(": order▏"))
        );
        keys.set_domains(vec!["only".into()]);
        press(&mut keys, "\x1b");
        assert_eq!(press(&mut keys, "r"), restart(&["only"]));
    }

    #[test]
    fn filters_add_up_and_esc_removes_them() {
        let mut keys = keys();
        assert_eq!(keys.status(), None);
        press(&mut keys, "lcat\n");
        press(&mut keys, "e");
        let effects = press(&mut keys, "/boom\n");
        let [DevEffect::Show(filter)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(filter.describe(), "catalog · errors · /boom");
        assert_eq!(
            keys.status().as_deref(),
            Some("only catalog · errors · /boom: Esc shows all")
        );
        assert_eq!(press(&mut keys, "p"), [DevEffect::Pause(true)]);
        assert_eq!(
            press(&mut keys, "\x1b"),
            [
                DevEffect::Pause(false),
                DevEffect::Show(LineFilter::default())
            ]
        );
        assert_eq!(keys.status(), None);
    }

    #[test]
    fn keys_in_a_prompt_are_text() {
        let mut keys = keys();
        assert_eq!(press(&mut keys, "/qRe"), []);
        assert!(keys.is_prompting());
        assert_eq!(keys.on_key(Key::Ctrl('z')), [DevEffect::Suspend]);
        press(&mut keys, "\n");
        assert_eq!(keys.filter().describe(), "/qRe");
    }

    #[test]
    fn single_keys() {
        let mut keys = keys();
        for (key, effect) in [
            ("o", DevEffect::Addresses),
            ("i", DevEffect::Inspectors),
            ("c", DevEffect::Clear),
            ("t", DevEffect::FullScreen),
            ("q", DevEffect::Quit),
            ("?", DevEffect::Print(HELP.to_owned())),
            ("\n", DevEffect::Print(String::new())),
        ] {
            assert_eq!(press(&mut keys, key), [effect]);
        }
        assert_eq!(press(&mut keys, "xyz"), []);
    }
}
