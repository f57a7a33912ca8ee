//! A shop whose two parts have a section each.
//!
//! ```sh
//! cargo run -p stoa-config --example shop                                  # a sample, then what is in force
//! SHOP_EDGE_LISTEN=:9000 cargo run -p stoa-config --example shop -- FILE   # with a file and a variable
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it prints what the crate makes"
)]

use std::{collections::BTreeMap, env, process::ExitCode, time::Duration};

use stoa_config::{
    Configuration as _, Given, Key, Reader, Repeated, Section, Table, Variables, configuration, load, sample,
    show,
    values::{ByteSize, deadline, text},
};

const LISTEN: Key = Key::new("listen", "127.0.0.1:8000", "where to listen");
const TIMEOUT: Key = Key::new("timeout", "30s", "how long a request may take").at_run_time();
const EDGE: Table = Table::once("edge", &[LISTEN, TIMEOUT]);

/// Where customers come in.
#[derive(Clone, Debug)]
struct EdgeConfig {
    listen: String,
    timeout: Duration,
}

impl Section for EdgeConfig {
    const TABLES: &'static [Table] = &[EDGE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut edge = reader.once(&EDGE);
        let listen = edge.value(&LISTEN, text);
        let timeout = edge.value(&TIMEOUT, deadline);
        Some(Self {
            listen: listen?,
            timeout: timeout?,
        })
    }
}

const NAME: Key = Key::required("name", "what is on its label");
const SIZE: Key = Key::new("size", "1MiB", "how much it holds");
const SHELF: Table = Table::repeated(
    "shelf",
    Repeated {
        noun: "a shelf",
        help: "a shelf of the store room",
        sample: &[(NAME, "fruit"), (SIZE, "64MiB")],
    },
    &[NAME, SIZE],
);

/// What is in store.
#[derive(Clone, Debug)]
struct StoreConfig {
    shelves: Vec<(String, ByteSize)>,
}

impl Section for StoreConfig {
    const TABLES: &'static [Table] = &[SHELF];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let shelves = reader.each(&SHELF, |shelf| {
            let (name, size) = (shelf.value(&NAME, text), shelf.value(&SIZE, str::parse));
            Some((name?, size?))
        });
        Some(Self { shelves: shelves? })
    }
}

configuration! {
    /// All of it.
    struct Config for "shop" {
        edge: EdgeConfig,
        store: StoreConfig,
    }
}

fn main() -> ExitCode {
    let variables: BTreeMap<_, _> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let ours = variables.iter().filter(|(name, _)| name.starts_with("SHOP_"));
    let given = Given {
        file: env::args_os().nth(1).map(Into::into),
        environment: ours.map(|(name, value)| (name.clone(), value.clone())).collect(),
        variables: Variables::new(variables.clone()),
        ..Given::default()
    };
    let config: Config = match load(&given) {
        Ok(config) => config,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(64);
        }
    };
    for warning in &config.record.warnings {
        eprintln!("warning: {warning}");
    }
    println!(
        "{}\n----\n{}----",
        sample(&Config::tables()),
        show(&config.record)
    );
    let (edge, shelves) = (&config.edge, &config.store.shelves);
    println!("on {} for {:?}, shelves {shelves:?}", edge.listen, edge.timeout);
    ExitCode::SUCCESS
}
