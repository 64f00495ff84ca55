//! What lies over the screen: a question, a line to type in, a list of commands, the help.

use super::input::Action;
use super::intent::{BINDINGS, Intent};
use crate::term::Key;

/// What a typed text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptKind {
    /// Searches the logs.
    Search,
    /// Filters the domains.
    Filter,
}

/// A text that is being typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextField {
    text: String,
}

impl TextField {
    /// A field with a text.
    pub fn new(text: &str) -> Self {
        Self { text: text.into() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a text, without its line ends.
    pub fn insert(&mut self, text: &str) {
        self.text
            .extend(text.chars().filter(|char| !char.is_control()));
    }

    /// Takes a key; false if it does not edit.
    pub fn edit(&mut self, key: Key) -> bool {
        match key {
            Key::Char(char) => self.text.push(char),
            Key::Backspace => drop(self.text.pop()),
            Key::Ctrl('u') => self.text.clear(),
            Key::Ctrl('w') => {
                let kept = self.text.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.text.truncate(kept);
            }
            _ => return false,
        }
        true
    }
}

/// One entry of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaletteItem {
    /// To do something.
    Run(&'static str, &'static str, Intent),
    /// To select a domain.
    Select(String),
}

impl PaletteItem {
    /// What it is called.
    pub fn title(&self) -> String {
        match self {
            Self::Run(title, _, _) => (*title).to_owned(),
            Self::Select(name) => format!("Go to {name}"),
        }
    }

    /// Its key.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Run(_, label, _) => label,
            Self::Select(_) => "",
        }
    }
}

/// The commands whose names have the typed letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    /// What is typed.
    pub field: TextField,
    /// The number of the chosen entry.
    pub chosen: usize,
    items: Vec<PaletteItem>,
}

impl Palette {
    /// All commands, and these domains.
    pub fn new(domains: impl Iterator<Item = String>) -> Self {
        let commands = BINDINGS
            .iter()
            .filter(|binding| !binding.title.is_empty())
            .map(|binding| PaletteItem::Run(binding.title, binding.label, binding.intent));
        Self {
            field: TextField::default(),
            chosen: 0,
            items: commands.chain(domains.map(PaletteItem::Select)).collect(),
        }
    }

    /// The entries with all typed words, those that begin with the text first.
    pub fn matching(&self) -> Vec<&PaletteItem> {
        let typed = self.field.text().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let mut found: Vec<_> = self
            .items
            .iter()
            .map(|item| (item.title().to_lowercase(), item))
            .filter(|(title, _)| words.iter().all(|word| title.contains(word)))
            .collect();
        found.sort_by_key(|(title, _)| !title.starts_with(typed.trim()));
        found.into_iter().map(|(_, item)| item).collect()
    }

    /// Takes a key. The chosen entry at Enter.
    pub fn on_key(&mut self, key: Key) -> Option<PaletteItem> {
        let last = self.matching().len().saturating_sub(1);
        match key {
            Key::Enter => return self.matching().get(self.chosen).map(|item| (*item).clone()),
            Key::Down | Key::Ctrl('n') | Key::Tab => self.chosen = (self.chosen + 1).min(last),
            Key::Up | Key::Ctrl('p') | Key::BackTab => self.chosen = self.chosen.saturating_sub(1),
            key => {
                if self.field.edit(key) {
                    self.chosen = 0;
                }
            }
        }
        None
    }
}

/// What lies over the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// The keys, from this row on.
    Help(usize),
    /// A question.
    Confirm(Action),
    /// A text is being typed. The text before is for Esc.
    Prompt {
        /// What it is for.
        kind: PromptKind,
        /// What is typed.
        field: TextField,
        /// The text before.
        before: String,
    },
    /// A list of commands.
    Palette(Palette),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::input::Verb;

    #[test]
    fn text_is_edited_as_in_a_shell() {
        let mut field = TextField::new("one two ");
        assert!(field.edit(Key::Ctrl('w')));
        assert_eq!(field.text(), "one ");
        field.edit(Key::Char('x'));
        field.edit(Key::Backspace);
        field.insert("a\nb");
        assert_eq!(field.text(), "one ab");
        field.edit(Key::Ctrl('u'));
        assert_eq!(field.text(), "");
        assert!(!field.edit(Key::Up));
    }

    #[test]
    fn the_palette_finds_commands_by_words_in_any_order() {
        let mut palette = Palette::new(["users".to_owned()].into_iter());
        palette.field.insert("domain rest");
        let titles: Vec<_> = palette.matching().iter().map(|item| item.title()).collect();
        assert_eq!(titles, ["Restart the domain", "Restart all domains"]);
        let chosen = palette.on_key(Key::Enter);
        assert!(matches!(
            chosen,
            Some(PaletteItem::Run(_, "r", Intent::Change(Verb::Restart)))
        ));
        palette.field = TextField::new("go users");
        assert_eq!(palette.matching()[0].title(), "Go to users");
        palette.on_key(Key::Down);
        palette.on_key(Key::Char('z'));
        assert_eq!(palette.chosen, 0);
    }
}
