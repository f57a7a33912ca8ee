//! `[[rewrite]]`.

use stoa_config::{Key, Reader, Repeated, Table, values::text};
use stoa_fetch::outbound::{Rewrite, Rewrites};

const FROM: Key = Key::required("from", "URLs of this place, and below it").at_run_time();
const TO: Key = Key::required("to", "are asked for below this URL instead").at_run_time();

pub(super) const REWRITE: Table = Table::repeated(
    "rewrite",
    Repeated {
        noun: "a rewrite",
        help: "where pages, repositories and upstreams are found instead; the longest from wins",
        sample: &[
            (FROM, "https://github.com/"),
            (TO, "https://mirror.corp.example/github/"),
        ],
    },
    &[FROM, TO],
);

/// Reads all of them. `None` only together with a fault.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Rewrites> {
    let rewrites = reader.each(&REWRITE, |rewrite| {
        let (from, to) = (rewrite.value(&FROM, text), rewrite.value(&TO, text));
        rewrite.check(Rewrite::new(&from?, &to?))
    });
    // Two rules for one place only show when all are put together.
    reader.check(REWRITE.name, Rewrites::new(rewrites?))
}
