//! Tables for the tests of this crate.

use crate::{
    key::Key,
    table::{Repeated, Table},
    tables::Tables,
};

const EDGE: Table = Table::once("", &[Key::new("listen", ":80", "where to listen")]);
const CACHE: Table = Table::once(
    "cache",
    &[Key::new("list_ttl", "60s", "how long a list is fresh").at_run_time()],
);
const POOL: Table = Table::once("pool", &[Key::new("fetches", "64", "how many at once")]);
const LOG: Table = Table::once("log", &[Key::new("access", "true", "one line for each request")]);
const SUMDB: Table = Table::once("sumdb", &[Key::new("databases", "", "which").list()]);

const MATCH: Key = Key::required("match", "what goes there");

const ROUTE: Table = Table::repeated(
    "route",
    Repeated {
        noun: "a route",
        help: "where it goes",
        sample: &[(MATCH, "a")],
    },
    &[MATCH, Key::required("upstream", "where to")],
);
const REWRITE: Table = Table::repeated(
    "rewrite",
    Repeated {
        noun: "a rewrite",
        help: "what is found elsewhere",
        sample: &[],
    },
    &[Key::required("from", "what"), Key::required("to", "where")],
);
const PAGE: Table = Table::repeated(
    "site.page",
    Repeated {
        noun: "a page",
        help: "what is shown",
        sample: &[],
    },
    &[
        Key::required("prefix", "which"),
        Key::optional("subdir", "where it is"),
    ],
);

const SHARED: [Key; 2] = [
    Key::new("rate", "", "how many in a time"),
    Key::new("retries", "2", "how many more"),
];
const DISPATCH: Table = Table::once("dispatch", &[]).sharing(&SHARED);
const LANE: Table = Table::repeated(
    "dispatch.lane",
    Repeated {
        noun: "a lane",
        help: "what is held to something else",
        sample: &[(MATCH, "a")],
    },
    &[MATCH],
)
.sharing(&SHARED);

/// Tables of all kinds.
pub(crate) fn tables() -> Tables {
    const ALL: &[Table] = &[
        EDGE, CACHE, POOL, LOG, SUMDB, ROUTE, REWRITE, PAGE, DISPATCH, LANE,
    ];
    Tables::new("shop", &[ALL])
}
