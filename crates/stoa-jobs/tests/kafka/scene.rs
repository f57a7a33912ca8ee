//! A cluster, an engine whose jobs end at once, and what is told of them.

use std::{
    future::{Future as _, poll_fn},
    num::NonZeroU32,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    message::Headers as _,
    mocking::MockCluster,
    producer::DefaultProducerContext,
};
use serde_json::{Value, json};
use stoa_jobs::{
    Backoff, Engine, Event, Handler, Job, JobId, KindOptions, MemoryStore, NewJob, Outcome, Rules, Run,
    StateName, Submitter, SystemClock, SystemRandom,
    callback::{CallbackJobs, CallbackRules, CallbackSecret, KafkaHandler, KafkaPayload, KafkaSettings},
};
use tokio::sync::{
    Notify,
    broadcast::{Receiver, error::RecvError},
};

/// The partitions of every topic.
const PARTITIONS: i32 = 4;
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A message as it is in a topic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) body: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// Ends every job with a result as a download has it.
#[derive(Debug)]
struct Done;

#[async_trait]
impl Handler for Done {
    async fn run(&self, _: &Run) -> Outcome {
        Outcome::Ok(json!({"status": 200, "location": "elsewhere"}))
    }
}

/// Tells when a run has given its message to librdkafka: that is done before it waits for anything.
#[derive(Debug)]
struct Watched {
    handler: Arc<KafkaHandler>,
    queued: Arc<Notify>,
}

#[async_trait]
impl Handler for Watched {
    async fn run(&self, run: &Run) -> Outcome {
        let mut work = pin!(self.handler.run(run));
        let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        self.queued.notify_one();
        match first {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => work.await,
        }
    }
}

pub(crate) struct Scene {
    pub(crate) cluster: MockCluster<'static, DefaultProducerContext>,
    pub(crate) engine: Engine,
    pub(crate) kafka: Arc<KafkaHandler>,
    pub(crate) queued: Arc<Notify>,
    events: Receiver<Event>,
}

/// A cluster of one broker with these topics.
pub(crate) fn cluster(topics: &[&str]) -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).expect("a cluster");
    for topic in topics {
        cluster.create_topic(topic, PARTITIONS, 1).expect("a topic");
    }
    cluster
}

impl Scene {
    /// Callbacks may fail twice, or so often as `attempts` says.
    pub(crate) fn new(settings: &[(&str, &str)], attempts: u32) -> Self {
        let cluster = cluster(&["topic"]);
        let servers = cluster.bootstrap_servers();
        let mut all = vec![("bootstrap.servers", servers.as_str())];
        all.extend(settings);
        let settings: KafkaSettings = all.into_iter().collect();
        let secret = CallbackSecret::new("a secret of callbacks");
        let kafka = Arc::new(KafkaHandler::new(&settings, Some(secret)).expect("a producer"));
        let rules = CallbackRules {
            max_attempts: NonZeroU32::new(attempts).expect("one or more"),
            ..CallbackRules::default()
        };
        let rules = Rules {
            callbacks: Arc::new(CallbackJobs::new("https://files.example/d", rules)),
            backoff: Backoff {
                base: Duration::from_millis(20),
                cap: Duration::from_millis(20),
            },
            ..Rules::default()
        };
        let store = MemoryStore::new(rules, Arc::new(SystemClock), Arc::new(SystemRandom));
        let queued = Arc::new(Notify::new());
        let watched = Watched {
            handler: Arc::clone(&kafka),
            queued: Arc::clone(&queued),
        };
        let kind = |name: &str| name.parse().expect("a kind");
        let engine = Engine::builder(Arc::new(store))
            .handler(kind("url"), Arc::new(Done), KindOptions::default())
            .handler(
                kind(KafkaPayload::KIND),
                Arc::new(watched),
                KindOptions::default(),
            )
            .start();
        let events = engine.events();
        Self {
            cluster,
            engine,
            kafka,
            queued,
            events,
        }
    }

    /// Submits a job whose end is told to this topic. It returns its id, and that of the job that tells.
    pub(crate) async fn tell(&mut self, topic: &str) -> (JobId, JobId) {
        let mut job = NewJob::new(
            "url/a".parse().expect("a key"),
            json!({"url": "https://a.example/<x>?y&z"}),
        );
        job.submitter = Submitter {
            callback: Some(json!({"type": "kafka", "dst": topic})),
            extra: "mine \"too\"".to_owned(),
            ..Submitter::default()
        };
        let submitted = self.engine.store().submit(vec![job]).await.expect("submitted");
        let kind = |event: &Event| event.aggregation.kind().as_str() == KafkaPayload::KIND;
        let told = self
            .event(|event| kind(event) && event.to == StateName::Ready)
            .await;
        (submitted[0].id().clone(), told.job)
    }

    /// The next event that is looked for.
    pub(crate) async fn event(&mut self, is_it: impl Fn(&Event) -> bool) -> Event {
        let search = async {
            loop {
                match self.events.recv().await {
                    Ok(event) if is_it(&event) => return event,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .expect("the event in time")
    }

    /// The job when it has ended.
    pub(crate) async fn ended(&self, id: &JobId) -> Job {
        let found = self.engine.wait(id, PATIENCE).await.expect("a store");
        let (job, _) = found.expect("a job");
        assert!(job.state.name().has_ended(), "{job:?}");
        job
    }

    /// The class of each attempt that failed.
    pub(crate) fn classes(job: &Job) -> Vec<&str> {
        let failures = job.attempts.iter().filter_map(|attempt| attempt.failure.as_ref());
        failures.map(|failure| &*failure.class).collect()
    }

    /// The job has been done.
    pub(crate) async fn delivered(&self, id: &JobId) -> Job {
        let job = self.ended(id).await;
        assert_eq!(job.state.name(), StateName::Ok, "{job:?}");
        assert!(matches!(&job.result, Some(Value::Object(result)) if result.contains_key("offset")));
        job
    }

    /// All that is in a topic.
    pub(crate) fn written(&self, topic: &str) -> Vec<Written> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.cluster.bootstrap_servers())
            .set("group.id", "test")
            .create()
            .expect("a consumer");
        let mut places = TopicPartitionList::new();
        let mut count = 0;
        for partition in 0..PARTITIONS {
            let marks = consumer
                .fetch_watermarks(topic, partition, PATIENCE)
                .expect("watermarks");
            count += marks.1 - marks.0;
            places
                .add_partition_offset(topic, partition, Offset::Beginning)
                .expect("a partition");
        }
        consumer.assign(&places).expect("assigned");
        let next = || {
            let message = consumer.poll(PATIENCE).expect("a message").expect("a good one");
            let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
            Written {
                key: message.key().map(<[u8]>::to_vec),
                body: text(message.payload().expect("a body")),
                headers: headers
                    .map(|header| (header.key.to_owned(), text(header.value.expect("a value"))))
                    .collect(),
            }
        };
        (0..count).map(|_| next()).collect()
    }
}
