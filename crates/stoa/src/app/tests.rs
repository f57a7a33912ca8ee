//! A new part docks with its own section, mount, metrics and end.
#![expect(clippy::disallowed_methods, reason = "a client of the server that is tested")]

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use axum::{Router, routing::get};
use parking_lot::Mutex;
use stoa_config::{Configuration, Key, Reader, Section, Table, configuration, values::text};
use stoa_server::{Mount, OpenGuard};
use stoa_telemetry::{Counter, LogSink};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};

use super::{App, Core, PARTS, Part, Role};
use crate::{
    command_error::CommandError,
    config::{Config, Given},
};

const SOUND: Key = Key::new("sound", "dong", "what the bells sound like");
const BELLS: Table = Table::once("bells", &[SOUND]);

/// The section of the part.
#[derive(Clone, Debug)]
struct BellsConfig {
    sound: String,
}

impl Section for BellsConfig {
    const TABLES: &'static [Table] = &[BELLS];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let sound = reader.once(&BELLS).value(&SOUND, text);
        Some(Self { sound: sound? })
    }
}

configuration! {
    /// A list of sections with the part's own. The list that ships differs by this line.
    struct WithBells for "stoa" {
        bells: BellsConfig,
    }
}

/// A part that rings: everything about it is in this file.
#[derive(Debug)]
struct Bells {
    sound: String,
    rung: Counter,
    log: Arc<Mutex<Vec<&'static str>>>,
}

#[async_trait]
impl Part for Bells {
    fn name(&self) -> &'static str {
        "bells"
    }

    fn mounts(&self) -> Vec<Mount> {
        let (sound, rung) = (self.sound.clone(), self.rung.clone());
        let ring = move || {
            rung.inc();
            let sound = sound.clone();
            async move { sound }
        };
        let router = Router::new().route("/bells", get(ring));
        vec![Mount::new("/bells", Arc::new(OpenGuard), router)]
    }

    async fn leave(&self) {
        self.log.lock().push("left");
    }

    async fn end(&self) {
        self.log.lock().push("ended");
    }
}

fn read<C: Configuration>(toml: &str) -> C {
    let mut file = tempfile::NamedTempFile::new().expect("file");
    file.write_all(toml.as_bytes()).expect("write");
    let given = Given {
        file: Some(file.path().to_owned()),
        ..Given::default()
    };
    stoa_config::load(&given).expect("config")
}

async fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("write");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read");
    answer
}

#[tokio::test]
async fn a_part_is_built_mounted_counted_and_ended() {
    let config: Config = read(
        "listen = \"127.0.0.1:0\"\nstorage = \"memory:\"\nupstream = \"off\"\n[sumdb]\ndatabases = []\n\
         [drain]\nnotice = \"0s\"\n[metrics]\npublic = true\n",
    );
    let section: WithBells = read("[bells]\nsound = \"ding\"\n");
    let log = Arc::new(Mutex::new(Vec::new()));
    let built = {
        let log = Arc::clone(&log);
        move |_: &Config, core: &Core| -> Result<Arc<dyn Part>, CommandError> {
            log.lock().push("built");
            let part = core.registry.part("bells");
            Ok(Arc::new(Bells {
                sound: section.bells.sound.clone(),
                rung: part.counter("rung", "How often the bells rang"),
                log: Arc::clone(&log),
            }))
        }
    };
    let mut parts = PARTS.to_vec();
    parts.push(&built);
    let sink = LogSink::new(std::io::sink()).expect("sink");
    let app = App::start(&config, &parts, Role::Server, &sink.writer())
        .await
        .expect("started");
    let url = app.listener().expect("it listens").url(false).expect("tcp");
    let address = url.trim_start_matches("http://").to_owned();
    let (stop, stops) = (Arc::new(Notify::new()), AtomicU64::new(0));
    let stopping = Arc::clone(&stop);
    let running = app.run(async || {
        if stops.fetch_add(1, Ordering::Relaxed) == 0 {
            stopping.notified().await;
            return "test";
        }
        std::future::pending().await
    });
    let asking = async {
        assert!(ask(&address, "/bells").await.ends_with("\r\n\r\nding"));
        let metrics = ask(&address, "/metrics").await;
        assert!(metrics.contains("\nstoa_bells_rung_total 1\n"), "{metrics}");
        assert_eq!(*log.lock(), ["built"]);
        stop.notify_one();
    };
    let (ran, ()) = tokio::join!(running, asking);
    ran.expect("ended well");
    assert_eq!(*log.lock(), ["built", "left", "ended"]);
    assert!(
        TcpStream::connect(&address).await.is_err(),
        "nobody listens any more"
    );
}
