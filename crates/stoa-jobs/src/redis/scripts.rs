//! What Redis does in one step.

use std::sync::LazyLock;

use redis::{RedisResult, Script, Value, aio::MultiplexedConnection};

/// The layout of the keys.
pub(super) const SCHEMA: u32 = 1;

macro_rules! script {
    ($($file:literal),+) => {
        LazyLock::new(|| Script::new(concat!($(include_str!(concat!("lua/", $file, ".lua")), "\n"),+)))
    };
}

pub(super) static CLAIM: LazyLock<Script> = script!("prelude", "claim");
pub(super) static COMMIT: LazyLock<Script> = script!("prelude", "commit");
pub(super) static READ: LazyLock<Script> = script!("prelude", "read");
pub(super) static RENEW: LazyLock<Script> = script!("prelude", "renew");
pub(super) static HOUSE: LazyLock<Script> = script!("prelude", "house");
pub(super) static AGGREGATIONS: LazyLock<Script> = script!("prelude", "aggregations");
pub(super) static LIMITS: LazyLock<Script> = script!("prelude", "limits");
pub(super) static PAGE: LazyLock<Script> = script!("prelude", "page");

/// A script with what it is told.
pub(super) struct Call {
    script: &'static Script,
    tag: String,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    /// A call of a script on the keys that begin with `tag`.
    pub(super) fn new(script: &'static Script, tag: &str) -> Self {
        Self {
            script,
            tag: tag.to_owned(),
            arguments: vec![SCHEMA.to_string().into_bytes()],
        }
    }

    /// Adds a text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.arguments.push(text.as_bytes().to_vec());
        self
    }

    /// Adds a number.
    pub(super) fn number(&mut self, number: impl ToString + Copy) -> &mut Self {
        self.text(&number.to_string())
    }

    /// Adds a number, or that there is none.
    pub(super) fn maybe(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.text(""),
        }
    }

    pub(super) async fn send(&self, connection: &mut MultiplexedConnection) -> RedisResult<Value> {
        self.script
            .key(&self.tag)
            .arg(&self.arguments)
            .invoke_async(connection)
            .await
    }
}
