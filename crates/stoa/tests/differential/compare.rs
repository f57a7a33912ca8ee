//! stoa's answers beside those of cmd/go.

use std::fmt::Display;

use serde_json::Value;
use stoa_testing::fixtures::escape;
use stoa_testing::http::{self, Response};
use stoa_testing::zip::{h1, unzip};

use crate::oracle::{Answer, Failure, File, Zip};

/// An answer that is not the same.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) query: String,
    /// What of it: `info`, `mod`, `zip`…
    pub(crate) what: &'static str,
    pub(crate) want: String,
    pub(crate) got: String,
}

/// Asks stoa what the oracle was asked.
pub(crate) struct Comparison<'a> {
    /// Where stoa is.
    pub(crate) stoa: &'a str,
    /// Where the repositories are.
    pub(crate) server: &'a str,
    pub(crate) path: &'a str,
    pub(crate) differences: Vec<Difference>,
    /// How many requests were made.
    pub(crate) asked: usize,
}

impl Comparison<'_> {
    async fn get(&mut self, rest: &str) -> Response {
        self.asked += 1;
        let url = format!("{}/{}/{rest}", self.stoa, escape(self.path));
        http::get(&url)
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    fn differ(&mut self, query: &str, what: &'static str, want: impl Display, got: impl Display) {
        self.differences.push(Difference {
            path: self.path.to_owned(),
            query: query.to_owned(),
            what,
            want: want.to_string(),
            got: got.to_string(),
        });
    }

    /// Whether stoa should have answered at all: an error must be of the class that cmd/go gives it, and only "does not
    /// exist" is 404, and what no module zip may have, which the go command just fails at.
    /// `said` tells what cmd/go answered if it did.
    fn failed(
        &mut self,
        query: &str,
        what: &'static str,
        want: Option<&Failure>,
        said: &str,
        got: &Response,
    ) -> bool {
        let text = || format!("{} {}", got.status, got.text().trim_end());
        match want {
            None if got.status == 200 => return false,
            None => self.differ(query, what, said, text()),
            Some(want) => {
                let missing = matches!(got.status, 404 | 410);
                let breaks_rules = missing && got.text().contains(": create zip: ");
                let is_missing = want.not_exist || is_no_commit(want) || breaks_rules;
                if got.status < 400 || missing != is_missing {
                    self.differ(query, what, want, text());
                }
            }
        }
        true
    }

    /// Asks one query, and for what its version holds.
    pub(crate) async fn query(&mut self, want: &Answer) {
        let query = want.query.as_str();
        let got = match query {
            "@list" => self.get("@v/list").await,
            "@latest" => self.get("@latest").await,
            query => self.get(&format!("@v/{}.info", escape(query))).await,
        };
        let said = want.info.as_ref().map_or_else(String::new, ToString::to_string);
        if self.failed(query, "info", want.error.as_ref(), &said, &got) {
            return;
        }
        if let Some(list) = &want.list {
            let text = got.text();
            let got: Vec<_> = text.lines().collect();
            if *list != got {
                self.differ(query, "list", list.join(" "), got.join(" "));
            }
            return;
        }
        let info = want.info.as_ref().unwrap();
        let (want_info, got_info) = (
            comparable(info, query, self.server),
            comparable(&got.json(), query, self.server),
        );
        if want_info != got_info {
            return self.differ(query, "info", want_info, got_info);
        }
        let version = escape(info["Version"].as_str().unwrap());
        if want.go_mod.is_some() || want.go_mod_error.is_some() {
            let got = self.get(&format!("@v/{version}.mod")).await;
            if !self.failed(query, "mod", want.go_mod_error.as_ref(), "a go.mod", &got)
                && want.go_mod.as_deref() != Some(&*got.body)
            {
                let want = want.go_mod.as_deref().unwrap();
                self.differ(query, "mod", want.escape_ascii(), got.body.escape_ascii());
            }
        }
        if want.zip.is_some() || want.zip_error.is_some() {
            let too_new = want.zip_error.as_ref().is_some_and(|error| error.too_new);
            let got = self.get(&format!("@v/{version}.zip")).await;
            if too_new {
                // A client's rule: what a proxy serves is for later versions of Go, too (trap 52).
                self.failed(query, "zip", None, "too new", &got);
            } else if !self.failed(query, "zip", want.zip_error.as_ref(), "a zip", &got) {
                self.zip(query, want.zip.as_ref().unwrap(), &got.body);
            }
        }
    }

    fn zip(&mut self, query: &str, want: &Zip, got: &[u8]) {
        let files = unzip(got);
        let h1 = h1(&files);
        let files: Vec<_> = files.into_iter().map(|(name, sum)| File { name, sum }).collect();
        if want.h1 == h1 {
            return;
        }
        let listed = want.files.clone().unwrap_or_default();
        let only = |of: &[File], not: &[File]| {
            let lines = of.iter().filter(|file| !not.contains(file));
            lines.fold(String::new(), |text, file| {
                format!("{text} {:?} {}", file.name, &file.sum[..12])
            })
        };
        let (want, got) = (
            format!("{}{}", want.h1, only(&listed, &files)),
            format!("{h1}{}", only(&files, &listed)),
        );
        self.differ(query, "zip", want, got);
    }
}

/// Whether a tag names a file. For cmd/go that is a failure, for stoa a revision that does not exist: asking again will
/// not help.
fn is_no_commit(failure: &Failure) -> bool {
    failure.text.ends_with("unexpected response from git log: \"\"")
}

/// The address that is rewritten.
pub(crate) const NAMED: &str = "https://example.com";

/// What of an `.info` both must say.
fn comparable(info: &Value, query: &str, server: &str) -> Value {
    let mut info = info.clone();
    let version = info["Version"].as_str().unwrap().to_owned();
    let left_out: &[&str] = if query == "@latest" {
        // The tags decided, which cmd/go says in the origin of its list.
        &["TagPrefix", "TagSum", "Ref"]
    } else if query != version {
        &[]
    } else if version.split('-').next_back().is_some_and(|rev| rev.len() >= 12) {
        // The `.info` of a version never changes. So what may change is left out, as cmd/go does when it stores one
        // (`writeDiskStat`).
        &["TagPrefix", "TagSum", "Ref"]
    } else {
        &["TagPrefix", "TagSum"]
    };
    if let Some(origin) = info["Origin"].as_object_mut() {
        for name in left_out {
            origin.remove(*name);
        }
        // The oracle is given the address that stoa is led to by a rewrite, of which stoa does not speak.
        let named = origin["URL"].as_str().map(|url| url.replace(server, NAMED));
        origin["URL"] = named.into();
    }
    info
}
