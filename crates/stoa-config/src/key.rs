//! One key of a table: its name, what holds when it is absent, how it is written, and what it does.

/// Stands in what [`show`](crate::show()) prints where a secret stands in the configuration.
pub const HIDDEN: &str = "[hidden]";

/// One key, declared once. A [`Section`](crate::Section) reads it by this declaration, never by its name.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name inside of its table: `list_ttl` of `[cache]`.
    pub name: &'static str,
    /// What holds when it is not written.
    pub presence: Presence,
    /// How its value is written.
    pub kind: Kind,
    /// What it does, in one line.
    pub help: &'static str,
    /// The value may hold a secret, which is shown as [`HIDDEN`].
    pub may_hold_secret: bool,
    /// A running program can take a new value. The crate reloads nothing: this names what a reload may touch.
    pub changes_at_run_time: bool,
}

/// What holds when the key is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// This text, as it would be written.
    Default(&'static str),
    /// Nothing: the table is a fault without it.
    Required,
    /// Nothing: the table does without it.
    Optional,
}

/// How the value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One text, number or boolean.
    Value,
    /// A list of texts in the file, with commas between them elsewhere.
    List,
    /// One text, which may be written as a list of texts in the file, and has commas between them elsewhere.
    Texts,
    /// The name of an environment variable that holds a secret.
    Variable,
}

impl Key {
    /// A key with a default.
    pub const fn new(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::with(name, Presence::Default(default), help)
    }

    /// A key that its table must have.
    pub const fn required(name: &'static str, help: &'static str) -> Self {
        Self::with(name, Presence::Required, help)
    }

    /// A key that its table may have.
    pub const fn optional(name: &'static str, help: &'static str) -> Self {
        Self::with(name, Presence::Optional, help)
    }

    const fn with(name: &'static str, presence: Presence, help: &'static str) -> Self {
        Self {
            name,
            presence,
            kind: Kind::Value,
            help,
            may_hold_secret: false,
            changes_at_run_time: false,
        }
    }

    /// Its value is a list.
    #[must_use]
    pub const fn list(mut self) -> Self {
        self.kind = Kind::List;
        self
    }

    /// Its value is mostly one text, and may be a list.
    #[must_use]
    pub const fn texts(mut self) -> Self {
        self.kind = Kind::Texts;
        self
    }

    /// Its value names an environment variable.
    #[must_use]
    pub const fn variable(mut self) -> Self {
        self.kind = Kind::Variable;
        self
    }

    /// Its value may hold a secret.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.may_hold_secret = true;
        self
    }

    /// A running server could take a new value.
    #[must_use]
    pub const fn at_run_time(mut self) -> Self {
        self.changes_at_run_time = true;
        self
    }

    /// The default as it would be written; empty if there is none.
    pub fn default(&self) -> &'static str {
        match self.presence {
            Presence::Default(text) => text,
            Presence::Required | Presence::Optional => "",
        }
    }
}
