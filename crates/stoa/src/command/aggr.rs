//! `stoa aggr`.

use std::io::Write;

use http::Method;
use serde_json::{Map, Value, json};
use stoa_jobs::{AggregationKey, Rate};

use super::{admin_client::AdminClient, table};
use crate::{
    cli::{AggrCommand, ServerCommon},
    command_error::{CommandError, USAGE},
    config::Config,
    setup::runtime,
    terminal::stdout,
};

const COLUMNS: [&str; 9] = [
    "AGGREGATION",
    "RUNNING",
    "READY",
    "SCHEDULED",
    "CONCURRENCY",
    "RATE",
    "WEIGHT",
    "PAUSED",
    "LIMITS",
];

pub(super) fn run(config: &Config, server: &ServerCommon, command: AggrCommand) -> Result<(), CommandError> {
    let question = Question::of(command)?;
    runtime(config)?.block_on(async {
        let client = AdminClient::new(config, server.server.as_deref(), server.token_file.as_deref())?;
        question.ask(&client).await
    })
}

/// What is asked of the server.
struct Question {
    method: Method,
    /// The kind and the name.
    key: Option<AggregationKey>,
    body: Option<Value>,
    json: bool,
}

impl Question {
    fn of(command: AggrCommand) -> Result<Self, CommandError> {
        let one = |method, aggregation: String, body, json| {
            let key = aggregation.parse();
            let key = key.map_err(|error| usage(format!("{aggregation:?}: {error}")))?;
            Ok(Self {
                method,
                key: Some(key),
                body,
                json,
            })
        };
        match command {
            AggrCommand::Ls { json } => Ok(Self {
                method: Method::GET,
                key: None,
                body: None,
                json,
            }),
            AggrCommand::Show { aggregation, json } => one(Method::GET, aggregation, None, json),
            AggrCommand::Set {
                aggregation,
                changes,
                json,
            } => one(Method::PUT, aggregation, Some(parse(&changes)?), json),
            AggrCommand::Pause { aggregation, json } => {
                one(Method::PUT, aggregation, Some(json!({ "paused": true })), json)
            }
            AggrCommand::Resume { aggregation, json } => {
                one(Method::PUT, aggregation, Some(json!({ "paused": false })), json)
            }
            AggrCommand::Reset { aggregation } => one(Method::DELETE, aggregation, None, false),
        }
    }

    async fn ask(self, client: &AdminClient) -> Result<(), CommandError> {
        let mut path = vec!["aggregations"];
        if let Some(key) = &self.key {
            path.extend([key.kind().as_str(), key.name()]);
        }
        let is_reset = self.method == Method::DELETE;
        let answer = client.ask(self.method, &path, self.body.as_ref()).await?;
        let mut stdout = stdout();
        if self.json {
            return writeln!(stdout, "{answer:#}").map_err(CommandError::from);
        }
        if is_reset {
            return Ok(());
        }
        let one = [answer.clone()];
        let shown = answer["aggregations"].as_array().map_or(&one[..], Vec::as_slice);
        let rows: Vec<_> = shown.iter().map(row).collect();
        table::print(&mut stdout, COLUMNS, &rows).map_err(CommandError::from)
    }
}

fn usage(text: String) -> CommandError {
    CommandError { text, code: USAGE }
}

/// `concurrency=4` and the like, as the API takes it.
fn parse(changes: &[String]) -> Result<Value, CommandError> {
    let mut change = Map::new();
    for text in changes {
        let Some((name, value)) = text.split_once('=') else {
            return Err(usage(format!(
                "{text:?}: write NAME=VALUE, such as concurrency=4"
            )));
        };
        let value = read(name, value).map_err(|want| usage(format!("{text:?}: {want}")))?;
        if change.insert(name.to_owned(), value).is_some() {
            return Err(usage(format!("{text:?}: {name} is set twice")));
        }
    }
    Ok(change.into())
}

/// The value of a setting, or what would be one.
fn read(name: &str, value: &str) -> Result<Value, String> {
    let count = || {
        let number = value.parse::<std::num::NonZeroU32>();
        let number = number.map_err(|_| format!("{name} is a number from 1 up, as {name}=4"));
        number.map(|number| json!(number))
    };
    match (name, value) {
        ("concurrency" | "weight", _) => count(),
        ("rate", "") => Ok(json!("")),
        ("rate", _) => value
            .parse::<Rate>()
            .map(|rate| json!(rate))
            .map_err(|error| error.to_string()),
        ("paused", "true") => Ok(json!(true)),
        ("paused", "false") => Ok(json!(false)),
        ("paused", _) => Err("paused is true or false".to_owned()),
        ("proxy", _) => {
            Err("this server passes no proxies of aggregations; set proxies for the whole server".to_owned())
        }
        _ => Err(format!(
            "there is no {name:?}; concurrency, rate, weight and paused can be set"
        )),
    }
}

fn row(aggregation: &Value) -> [String; 9] {
    let text = |name: &str| match &aggregation[name] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let limits = if aggregation["pinned"] == true {
        "set"
    } else {
        "default"
    };
    [
        text("aggregation"),
        text("running"),
        text("ready"),
        text("scheduled"),
        text("concurrency"),
        text("rate"),
        text("weight"),
        if aggregation["paused"] == true {
            "yes"
        } else {
            "no"
        }
        .to_owned(),
        limits.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_refused_with_what_would_be_right() {
        for (text, want) in [
            (
                "concurrency",
                "\"concurrency\": write NAME=VALUE, such as concurrency=4",
            ),
            (
                "concurrency=0",
                "\"concurrency=0\": concurrency is a number from 1 up, as concurrency=4",
            ),
            (
                "rate=fast",
                "\"rate=fast\": a rate is written COUNT/s, COUNT/m or COUNT/h, with a count of 1 to 1000000, as 20/s",
            ),
            ("paused=maybe", "\"paused=maybe\": paused is true or false"),
            (
                "colour=blue",
                "\"colour=blue\": there is no \"colour\"; concurrency, rate, weight and paused can be set",
            ),
        ] {
            let error = parse(&[text.to_owned()]).expect_err(text);
            assert_eq!((error.text.as_str(), error.code), (want, USAGE));
        }
        let changes = ["concurrency=4", "rate=10/s", "weight=2", "paused=true"].map(str::to_owned);
        assert_eq!(
            parse(&changes).expect("a change"),
            json!({ "concurrency": 4, "rate": "10/s", "weight": 2, "paused": true })
        );
    }
}
