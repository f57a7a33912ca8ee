//! What scripts answer.

use redis::Value;

use crate::StoreError;

/// The parts of an answer, one after the other. What is missing, or of another kind, makes the store unusable: another
/// program has written its keys.
pub(super) struct Answer(std::vec::IntoIter<Value>);

impl Answer {
    /// The parts of a list.
    pub(super) fn of(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Array(parts) => Ok(Self(parts.into_iter())),
            other => Err(unexpected("a list", &other)),
        }
    }

    /// The parts of the answer of a script after the word that says that it did its work.
    pub(super) fn of_script(value: Value) -> Result<Self, StoreError> {
        let mut answer = Self::of(value)?;
        match answer.text()?.as_str() {
            "newer" => Err(newer()),
            _ => Ok(answer),
        }
    }

    pub(super) fn value(&mut self) -> Result<Value, StoreError> {
        self.0
            .next()
            .ok_or_else(|| StoreError::unusable("an answer of Redis is too short"))
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        text(self.value()?)
    }

    /// A text, if there is one.
    pub(super) fn maybe(&mut self) -> Result<Option<String>, StoreError> {
        match self.value()? {
            Value::Nil => Ok(None),
            value => text(value).map(Some),
        }
    }

    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Result<N, StoreError> {
        let text = self.text()?;
        text.parse()
            .map_err(|_| StoreError::unusable(format!("Redis has {text:?} where a number was expected")))
    }

    /// A number, if there is one.
    pub(super) fn maybe_number<N: std::str::FromStr>(&mut self) -> Result<Option<N>, StoreError> {
        match self.0.as_slice().first() {
            Some(Value::Nil) => {
                self.0.next();
                Ok(None)
            }
            _ => self.number().map(Some),
        }
    }

    pub(super) fn list(&mut self) -> Result<Self, StoreError> {
        Self::of(self.value()?)
    }
}

impl Iterator for Answer {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.0.next()
    }
}

/// A newer version of the library has written here.
pub(super) fn newer() -> StoreError {
    StoreError::unusable(
        "a newer version has written jobs into this Redis; upgrade this node, or give it another prefix",
    )
}

pub(super) fn text(value: Value) -> Result<String, StoreError> {
    match value {
        Value::BulkString(bytes) => {
            String::from_utf8(bytes).map_err(|_| StoreError::unusable("Redis has bytes that are no text"))
        }
        Value::SimpleString(text) => Ok(text),
        Value::Okay => Ok("OK".into()),
        Value::Int(number) => Ok(number.to_string()),
        other => Err(unexpected("a text", &other)),
    }
}

/// Only the kind of what came is said, for it may hold secrets.
fn unexpected(wanted: &str, value: &Value) -> StoreError {
    let kind = match value {
        Value::Nil => "nothing",
        Value::Array(_) => "a list",
        Value::BulkString(_) | Value::SimpleString(_) | Value::Okay => "a text",
        Value::Int(_) => "a number",
        _ => "something else",
    };
    StoreError::unusable(format!("Redis has {kind} where {wanted} was expected"))
}
