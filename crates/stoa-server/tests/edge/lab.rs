//! An edge over a protocol without a network, on a port of its own.

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde_json::Value;
use stoa_fetch::{Context, Question};
use stoa_proxy::{
    Answer, ChecksumDatabase, ChecksumDatabases, Content, Outcome, Protocol, ProxyError, SumAnswer,
};
use stoa_server::{
    AccessLog, ConnectionLimits, Edge, EdgeMetrics, EdgeOptions, EdgeParts, Gate, HostPattern, Listen,
    Listener, LogFormat, Mount, PathPrefix, ServeOptions, Tls, serve,
};
use stoa_sumdb::{KeyName, RemotePath};
use stoa_telemetry::{LogSink, Registry};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long something that must come may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What an edge is started with.
pub(crate) struct Lab {
    pub(crate) gate: Option<Arc<dyn Gate>>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) prefix: PathPrefix,
    pub(crate) tls: Option<Tls>,
    pub(crate) drain_timeout: Duration,
    pub(crate) limits: ConnectionLimits,
}

impl Default for Lab {
    fn default() -> Self {
        Self {
            gate: None,
            mounts: Vec::new(),
            prefix: PathPrefix::default(),
            tls: None,
            drain_timeout: DEADLINE,
            limits: ConnectionLimits {
                handshake_timeout: DEADLINE,
                idle_timeout: DEADLINE,
                write_timeout: DEADLINE,
                streams: 100,
            },
        }
    }
}

/// A running edge.
pub(crate) struct Server {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    pub(crate) protocol: Arc<Echo>,
    pub(crate) shutdown: CancellationToken,
    log: Output,
    _sink: LogSink,
    serving: JoinSet<usize>,
}

/// Answers every question with its own text.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    asked: Mutex<Vec<(String, Context)>>,
}

/// A checksum database that answers everything.
#[derive(Debug)]
struct EchoDatabase;

/// Lines that were written.
#[derive(Clone, Default)]
pub(crate) struct Output(Arc<Mutex<Vec<u8>>>);

impl Lab {
    pub(crate) fn edge(self, access_log: Option<Arc<AccessLog>>) -> (Edge, Arc<Echo>) {
        let protocol = Arc::new(Echo::default());
        let name = KeyName::new("sum.example").unwrap();
        let database: Arc<dyn ChecksumDatabase> = Arc::new(EchoDatabase);
        let options = EdgeOptions {
            prefix: self.prefix,
            list_ttl: Duration::from_secs(60),
            memory: 1 << 20,
            read_ahead: 1 << 20,
        };
        let parts = EdgeParts {
            links: None,
            gate: self.gate,
            mounts: self.mounts,
            external: None,
            protocol: Arc::clone(&protocol) as _,
            refreshes: Arc::new(stoa_proxy::Refreshes::new(None)),
            removals: Arc::default(),
            releases: None,
            checksum_databases: ChecksumDatabases::new([(name, database)]),
            access_log,
            metrics: EdgeMetrics::new(&Registry::new("stoa").root()),
            places: stoa_server::LocalPlaces::default(),
        };
        (Edge::new(options, parts).unwrap(), protocol)
    }

    pub(crate) async fn start(self) -> Server {
        let log = Output::default();
        let sink = LogSink::new(log.clone()).unwrap();
        let access_log = AccessLog::new(sink.writer(), LogFormat::Json);
        let options = ServeOptions {
            connections: 100,
            connections_per_address: 100,
            trusted_proxies: Vec::new(),
            allowed_hosts: vec![HostPattern::Any],
            limits: self.limits,
            tls: self.tls.clone(),
            drain_timeout: self.drain_timeout,
        };
        let (edge, protocol) = self.edge(Some(Arc::new(access_log)));
        let listener = Listener::bind(&Listen::Tcp("127.0.0.1:0".to_owned()))
            .await
            .unwrap();
        let address = listener.url(false).unwrap().replace("http://", "");
        let shutdown = CancellationToken::new();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, edge, options, shutdown.clone()));
        Server {
            address,
            protocol,
            shutdown,
            log,
            _sink: sink,
            serving,
        }
    }
}

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The access line of a request id, once it is there.
    pub(crate) async fn access(&self, id: &str) -> Value {
        eventually(id, async || {
            self.lines().into_iter().find(|line| line["request_id"] == id)
        })
        .await
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = self.log.text();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until it has stopped: how many connections were cut.
    pub(crate) async fn stopped(&mut self) -> usize {
        let stopped = tokio::time::timeout(DEADLINE, self.serving.join_next());
        stopped.await.unwrap().unwrap().unwrap()
    }
}

impl Output {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Output {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Echo {
    /// What was asked, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|(text, _)| text.clone())
            .collect()
    }

    /// The context of the last question.
    pub(crate) fn last_context(&self) -> Context {
        self.asked.lock().unwrap().last().unwrap().1.clone()
    }
}

impl fmt::Display for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("echo")
    }
}

#[async_trait]
impl Protocol for Echo {
    async fn get(&self, question: &Question) -> Result<Answer, ProxyError> {
        tracing::debug!("echo");
        let text = question.to_string();
        self.asked
            .lock()
            .unwrap()
            .push((text.clone(), question.context.clone()));
        let mut answer = Answer::new(Content::Bytes(text.into()), Outcome::Miss);
        answer.fresh_for = Some(Duration::from_secs(60));
        Ok(answer)
    }
}

impl fmt::Display for EchoDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("echo")
    }
}

#[async_trait]
impl ChecksumDatabase for EchoDatabase {
    async fn get(&self, path: &RemotePath) -> Result<SumAnswer, ProxyError> {
        Ok(SumAnswer::new(format!("{path:?}"), Outcome::Hit))
    }
}

/// Looks again and again until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(started.elapsed() < DEADLINE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
