//! Asks a slow resolver for a few names from many tasks: each name is resolved once.

use std::{
    io::{self, Write as _},
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use stoa_cache::{Cache, CacheOptions, Flights, Found, Weigh as _};
use tokio_util::task::TaskTracker;

/// How long an address is believed.
const TTL: Duration = Duration::from_secs(60);

/// A resolver with memory.
struct Resolver {
    known: Cache<String, Ipv4Addr>,
    flights: Flights<String, (), Ipv4Addr, String>,
    asked: AtomicU8,
}

impl Resolver {
    fn new(tasks: TaskTracker) -> Self {
        let options = CacheOptions::new(1 << 20).max_age(TTL);
        Self {
            known: Cache::weighed_by(options, |name, _| name.heap_size()),
            flights: Flights::new(tasks, 100),
            asked: AtomicU8::new(0),
        }
    }

    async fn resolve(self: &Arc<Self>, name: &str) -> Result<Ipv4Addr, String> {
        let known = || self.known.fresh(name, TTL);
        if let Some(address) = known() {
            return Ok(address);
        }
        let work = |()| Arc::clone(self).ask(name.to_owned());
        let found = self.flights.join_or(&name.to_owned(), known, || (), work);
        match found.map_err(|error| error.to_string())? {
            Found::Value(address) => Ok(address),
            Found::Flight(flight) => flight.wait().await.map_err(|error| error.to_string())?.result,
        }
    }

    async fn ask(self: Arc<Self>, name: String) -> Result<Ipv4Addr, String> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let address = Ipv4Addr::new(192, 0, 2, number);
        self.known.put(name, address);
        Ok(address)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let tasks = TaskTracker::new();
    let resolver = Arc::new(Resolver::new(tasks.clone()));
    for i in 0..300 {
        let resolver = Arc::clone(&resolver);
        tasks.spawn(async move { resolver.resolve(&format!("host{}.example", i % 3)).await });
    }
    tasks.close();
    tasks.wait().await;
    let asked = resolver.asked.load(Ordering::Relaxed);
    writeln!(
        io::stdout(),
        "300 callers, {asked} questions, {} bytes",
        resolver.known.weight()
    )
}
