//! A server that keeps versions as Athens' helper does, and can be told to fail.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::sync::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

type Body = UnsyncBoxBody<Bytes, Infallible>;
type Files = BTreeMap<&'static str, Bytes>;

/// How a server behaves.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit that servers have or have not"
)]
pub(crate) struct Manner {
    /// The most bytes of an upload, as `http.MaxBytesReader` has it.
    pub(crate) cap: usize,
    /// Whether the connection is closed on uploads that are too long, before they have been read.
    pub(crate) abrupt: bool,
    /// Whether modules and versions in URLs are decoded before they are looked for.
    pub(crate) decodes: bool,
    /// Whether ranges are honoured.
    pub(crate) ranges: bool,
    pub(crate) catalog: bool,
    /// Whether a date and a tag are sent.
    pub(crate) validators: bool,
    /// What must be in `Authorization`.
    pub(crate) authorization: Option<&'static str>,
    /// The status of every answer.
    pub(crate) always: Option<StatusCode>,
    /// Zips say that they are so much longer than they are.
    pub(crate) lie: u64,
    /// The first answers with a zip end after so many bytes.
    pub(crate) cut: usize,
    /// How many answers that is for.
    pub(crate) cuts: usize,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            cap: usize::MAX,
            abrupt: false,
            decodes: true,
            ranges: false,
            catalog: true,
            validators: false,
            authorization: None,
            always: None,
            lie: 0,
            cut: 0,
            cuts: 0,
        }
    }
}

/// A running server; it ends with this value.
pub(crate) struct Server {
    pub(crate) state: Arc<State>,
    pub(crate) url: String,
    _tasks: JoinSet<()>,
}

pub(crate) struct State {
    pub(crate) manner: Mutex<Manner>,
    pub(crate) versions: Mutex<BTreeMap<(String, String), Files>>,
    /// Every request: its method and its path.
    pub(crate) log: Mutex<Vec<String>>,
    cuts: AtomicUsize,
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        let state = Arc::new(State {
            manner: Mutex::new(manner),
            versions: Mutex::default(),
            log: Mutex::default(),
            cuts: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/store", listener.local_addr().unwrap());
        let (mut tasks, serving) = (JoinSet::new(), Arc::clone(&state));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&serving);
                let service = service_fn(move |request| {
                    let state = Arc::clone(&state);
                    async move { Ok::<_, Infallible>(state.answer(request).await) }
                });
                connections.spawn(async move {
                    let builder = hyper::server::conn::http1::Builder::new();
                    let _cut = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            state,
            url,
            _tasks: tasks,
        }
    }
}

impl State {
    pub(crate) fn manner(&self) -> Manner {
        self.manner.lock().unwrap().clone()
    }

    /// How often something was asked whose line in the log has this in it.
    pub(crate) fn asked(&self, part: &str) -> usize {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| line.contains(part)).count()
    }

    pub(crate) fn keep(&self, module: &str, version: &str, files: [&'static [u8]; 3]) {
        let files = ["info", "mod", "zip"]
            .into_iter()
            .zip(files.map(Bytes::from_static))
            .collect();
        self.versions
            .lock()
            .unwrap()
            .insert((module.to_owned(), version.to_owned()), files);
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let manner = self.manner();
        let line = format!("{} {}", request.method(), request.uri());
        self.log.lock().unwrap().push(line);
        if let Some(status) = manner.always {
            return text(status, "told to");
        }
        let sent = request
            .headers()
            .get(header::AUTHORIZATION)
            .map(|value| value.to_str().unwrap());
        if manner.authorization.is_some() && sent != manner.authorization {
            return text(StatusCode::UNAUTHORIZED, "who are you");
        }
        let path = request.uri().path().to_owned();
        let Some(path) = path.strip_prefix("/store/") else {
            return text(StatusCode::NOT_FOUND, "404 page not found");
        };
        if path == "catalog" && manner.catalog {
            return self.catalog(request.uri().query().unwrap_or_default());
        }
        let Some((module, name)) = path.split_once("/@v/") else {
            return text(StatusCode::NOT_FOUND, "404 page not found");
        };
        if name == "list" {
            // Not decoded, as in Athens.
            return text(StatusCode::OK, &self.list(module).join("\n"));
        }
        let (version, end) = name.rsplit_once('.').unwrap();
        let (Some(module), Some(version)) = (decode(module, manner.decodes), decode(version, manner.decodes))
        else {
            return text(StatusCode::BAD_REQUEST, "bad escape");
        };
        let key = (module, version);
        match (request.method().clone(), end) {
            (Method::POST, "save") => self.save(key, request, manner.cap).await,
            (Method::DELETE, "delete") => match self.versions.lock().unwrap().remove(&key) {
                Some(_) => text(StatusCode::OK, ""),
                None => text(StatusCode::NOT_FOUND, "not found"),
            },
            (Method::GET, _) => self.file(&key, end, request.headers(), &manner),
            _ => text(StatusCode::METHOD_NOT_ALLOWED, ""),
        }
    }

    fn list(&self, module: &str) -> Vec<String> {
        let versions = self.versions.lock().unwrap();
        let of_module = versions.keys().filter(|(path, _)| path == module);
        of_module.map(|(_, version)| version.clone()).collect()
    }

    /// Pages of three at most, in the order of plain texts.
    fn catalog(&self, query: &str) -> Response<Body> {
        let token = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("token="))
            .unwrap_or_default();
        let start: usize = token.parse().unwrap_or(0);
        let versions = self.versions.lock().unwrap();
        let page: Vec<String> = versions
            .keys()
            .skip(start)
            .take(3)
            .map(|(module, version)| format!(r#"{{"module":"{module}","version":"{version}"}}"#))
            .collect();
        let next = if start + 3 < versions.len() {
            format!(r#","next":"{}""#, start + 3)
        } else {
            String::new()
        };
        text(
            StatusCode::OK,
            &format!(r#"{{"modules":[{}]{next}}}"#, page.join(",")),
        )
    }

    async fn save(&self, key: (String, String), request: Request<Incoming>, cap: usize) -> Response<Body> {
        let content_type = request.headers()[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        let told: usize = request.headers()[header::CONTENT_LENGTH]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        if told > cap && self.manner().abrupt {
            return text(StatusCode::BAD_REQUEST, "http: request body too large");
        }
        // What is too long is read nevertheless: Go goes on for a while, so that the client sees the answer.
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), told, "the length is told");
        if told > cap {
            return text(StatusCode::BAD_REQUEST, "http: request body too large");
        }
        let boundary = content_type
            .strip_prefix("multipart/form-data; boundary=")
            .unwrap();
        let files = parts(&body, boundary);
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["mod.info", "mod.mod", "mod.zip"],
            "in the order of the protocol"
        );
        let files = ["info", "mod", "zip"]
            .into_iter()
            .zip(files.into_iter().map(|(_, file)| file))
            .collect();
        self.versions.lock().unwrap().insert(key, files);
        text(StatusCode::OK, "")
    }

    fn file(
        &self,
        key: &(String, String),
        end: &str,
        headers: &HeaderMap,
        manner: &Manner,
    ) -> Response<Body> {
        let file = self
            .versions
            .lock()
            .unwrap()
            .get(key)
            .and_then(|files| files.get(end).cloned());
        let Some(file) = file else {
            return text(StatusCode::NOT_FOUND, "not found");
        };
        let total = file.len();
        let range = headers.get(header::RANGE).filter(|_| manner.ranges);
        let start = range.map_or(0, |range| {
            let range = range.to_str().unwrap().strip_prefix("bytes=").unwrap();
            range.strip_suffix('-').unwrap().parse().unwrap()
        });
        let mut body = file.slice(start..);
        let mut told = body.len() as u64;
        if end == "zip" {
            told += manner.lie;
            if self.cuts.fetch_add(1, Ordering::SeqCst) < manner.cuts {
                body.truncate(manner.cut);
            }
        }
        let mut response = Response::builder().header(header::CONTENT_LENGTH, told);
        if range.is_some() {
            let value = format!("bytes {start}-{}/{total}", total - 1);
            response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, value);
        }
        if manner.validators {
            let sum: u64 = file.iter().map(|byte| u64::from(*byte)).sum();
            response = response.header(header::ETAG, format!("\"{sum}\""));
        }
        // As a stream: of a body whose size is known, hyper sends what the headers say.
        let pieces = futures_util::stream::iter([Ok(Frame::data(body))]);
        response.body(StreamBody::new(pieces).boxed_unsync()).unwrap()
    }
}

fn text(status: StatusCode, text: &str) -> Response<Body> {
    let body = Full::from(text.to_owned()).boxed_unsync();
    Response::builder().status(status).body(body).unwrap()
}

/// As `DecodePath` of Athens: a capital is no escaped text.
fn decode(text: &str, decodes: bool) -> Option<String> {
    if !decodes {
        return Some(text.to_owned());
    }
    let (mut decoded, mut after_mark) = (String::new(), false);
    for c in text.chars() {
        match c {
            '!' if !after_mark => after_mark = true,
            c if after_mark && c.is_ascii_lowercase() => {
                decoded.push(c.to_ascii_uppercase());
                after_mark = false;
            }
            c if after_mark || c.is_ascii_uppercase() => return None,
            c => decoded.push(c),
        }
    }
    Some(decoded)
}

/// The parts of a form, by name.
fn parts(body: &Bytes, boundary: &str) -> Vec<(String, Bytes)> {
    let mark = format!("--{boundary}");
    let (mut parts, mut rest) = (Vec::new(), body.clone());
    let find = |bytes: &[u8], text: &str| bytes.windows(text.len()).position(|at| at == text.as_bytes());
    assert_eq!(find(&rest, &mark), Some(0), "a form begins with its boundary");
    loop {
        rest = rest.slice(mark.len()..);
        if rest.starts_with(b"--") {
            assert_eq!(&rest[..], b"--\r\n");
            return parts;
        }
        let head = find(&rest, "\r\n\r\n").unwrap();
        let text = std::str::from_utf8(&rest[..head]).unwrap();
        let name = text
            .split_once("name=\"")
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0
            .to_owned();
        assert!(text.contains(&format!("filename=\"{name}\"")), "{text}");
        rest = rest.slice(head + 4..);
        let end = find(&rest, &format!("\r\n{mark}")).unwrap();
        parts.push((name, rest.slice(..end)));
        rest = rest.slice(end + 2..);
    }
}
