//! Which pictures are taken, and how a terminal gets there.

/// One step before a picture.
pub(super) enum Step {
    /// Keys by their names.
    Keys(&'static [&'static str]),
    /// A text.
    Text(&'static str),
    /// A text that the screen shows.
    Wait(&'static str),
    /// So much happens, in seconds, that there is something to see.
    Run(u64),
}

/// A picture.
pub(super) struct Shot {
    pub(super) name: &'static str,
    pub(super) steps: &'static [Step],
}

use Step::{Keys, Run, Text, Wait};

/// Pictures of commands that end: the name, the arguments, and a text that is printed.
pub(super) const COMMANDS: &[(&str, &str, &str)] = &[
    ("explain", "explain FUL0501", "What to do"),
    ("doctor", "doctor", " failures, "),
    ("top-once", "top --once", "ready"),
];

/// Pictures of `dev`, one after the other.
pub(super) const DEV: &[Shot] = &[
    Shot {
        name: "dev",
        steps: &[Wait("NEEDS"), Run(2)],
    },
    Shot {
        name: "dev-search",
        steps: &[Keys(&["/"]), Text("slow query"), Keys(&["Enter"]), Run(5)],
    },
    Shot {
        name: "dev-keys",
        steps: &[
            Keys(&["Escape", "c", "?"]),
            Wait("full-screen view"),
            Keys(&["r"]),
            Wait("restart ("),
        ],
    },
];

/// Pictures of `top`.
pub(super) const TOP: &[Shot] = &[
    Shot {
        name: "top",
        steps: &[
            Wait("ready"),
            Run(6),
            Keys(&["Down", "Down"]),
            Wait("orders · follow"),
            Run(2),
        ],
    },
    Shot {
        name: "top-search",
        steps: &[Keys(&["/"]), Text("slow"), Keys(&["Enter"]), Wait("/slow")],
    },
    Shot {
        name: "top-json",
        steps: &[Keys(&["Escape", "Escape", "J"]), Wait("JSON"), Run(1)],
    },
    Shot {
        name: "top-all",
        steps: &[Keys(&["J", "a", "T"]), Wait("all · follow"), Run(1)],
    },
    Shot {
        name: "top-confirm",
        steps: &[Keys(&["a", "T", "r"]), Wait("Restart orders?")],
    },
    Shot {
        name: "top-palette",
        steps: &[Keys(&["Escape", ":"]), Text("show"), Wait("› show")],
    },
    Shot {
        name: "top-keys",
        steps: &[Keys(&["Escape", "?"]), Wait("Restart all domains")],
    },
    Shot {
        name: "top-events",
        steps: &[Keys(&["Escape", "2", "Up", "Up", "a"]), Wait("backoff")],
    },
    Shot {
        name: "top-tree",
        steps: &[Keys(&["a", "3"]), Wait("└─")],
    },
    Shot {
        name: "top-detail",
        steps: &[Keys(&["4", "Down", "z"]), Wait("Last exit")],
    },
];
