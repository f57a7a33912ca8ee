//! What a registry shows.

use std::fmt;

use prometheus_client::encoding::EncodeLabelSet;
use stoa_telemetry::{Collect, Counter, Family, Part, Registry, Samples};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: &'static str,
    status: u32,
}

/// The metrics of a part are a struct of its own.
struct Orders {
    taken: Family<Labels, Counter>,
}

impl Orders {
    fn new(part: &Part) -> Self {
        Self {
            taken: part.counters("taken", "Orders taken"),
        }
    }
}

#[derive(Debug)]
struct Shelf;

impl Collect for Shelf {
    fn collect(&self, samples: &mut Samples<'_>) -> fmt::Result {
        samples.gauge("full", "Share of the shelf in use")?.value(0.5)?;
        let mut books = samples.counter("books", "Books ever, by row")?;
        books.sample(&[("row", "a")], 3)?;
        books.sample(&[("row", "b\"")], 4)
    }
}

#[test]
fn parts_register_under_their_prefix_and_collectors_are_asked_at_the_scrape() {
    let registry = Registry::new("shop");
    let orders = Orders::new(&registry.part("orders"));
    let (open, seconds) = (
        registry.root().gauge("open", "Whether the shop is open"),
        registry
            .root()
            .histogram("wait_seconds", "Time in the queue", [0.1, 1.0]),
    );
    registry.part("shelf").collector(Shelf);
    let labels = Labels {
        kind: "book",
        status: 200,
    };
    orders.taken.get_or_create(&labels).inc_by(2);
    open.set(1);
    seconds.observe(0.5);
    assert_eq!(
        registry.text(),
        "# HELP shop_orders_taken Orders taken.\n# TYPE shop_orders_taken counter\n\
         shop_orders_taken_total{kind=\"book\",status=\"200\"} 2\n\
         # HELP shop_open Whether the shop is open.\n# TYPE shop_open gauge\nshop_open 1\n\
         # HELP shop_wait_seconds Time in the queue.\n# TYPE shop_wait_seconds histogram\n\
         shop_wait_seconds_sum 0.5\nshop_wait_seconds_count 1\n\
         shop_wait_seconds_bucket{le=\"0.1\"} 0\nshop_wait_seconds_bucket{le=\"1.0\"} 1\n\
         shop_wait_seconds_bucket{le=\"+Inf\"} 1\n\
         # HELP shop_shelf_full Share of the shelf in use\n# TYPE shop_shelf_full gauge\nshop_shelf_full 0.5\n\
         # HELP shop_shelf_books Books ever, by row\n# TYPE shop_shelf_books counter\n\
         shop_shelf_books_total{row=\"a\"} 3\nshop_shelf_books_total{row=\"b\\\"\"} 4\n# EOF\n"
    );
}

#[test]
#[should_panic(expected = "two metrics are called orders_taken")]
fn a_name_is_given_once() {
    let registry = Registry::new("shop");
    registry.root().counter("orders_taken", "Orders taken");
    registry.part("orders").counter("taken", "Orders taken");
}
