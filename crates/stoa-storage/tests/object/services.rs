//! A bucket of each service.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use stoa_dispatch::{HttpOptions, HttpTransports, Pool};
use stoa_storage::object::{Conditional, ObjectOptions, ObjectStorage, lane_settings};
use stoa_storage::{ObjectPlace, Provider};
use stoa_testing::buckets::{Azurite, Gcs, Moto, Radosgw};
use tempfile::TempDir;

/// The bucket of every test. Each storage has a prefix of its own in it.
const BUCKET: &str = "modules";

/// A service with a bucket in it, and how it is reached.
pub(crate) struct Bucket<S> {
    pub(crate) service: S,
    pub(crate) provider: Provider,
    pub(crate) options: ObjectOptions,
    folder: TempDir,
    count: AtomicU32,
}

impl<S> Bucket<S> {
    fn new(service: S, provider: Provider, endpoint: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = ObjectOptions {
            endpoint: Some(endpoint),
            allow_http: true,
            conditional: Conditional::Auto,
            staging: folder.path().join("staging"),
            ..ObjectOptions::default()
        };
        Self {
            service,
            provider,
            options,
            folder,
            count: AtomicU32::new(0),
        }
    }

    /// An empty storage.
    pub(crate) fn storage(&self) -> Arc<ObjectStorage> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        self.storage_at(&format!("t/{count}"), &self.options)
    }

    /// The storage with this prefix, reached in this way.
    pub(crate) fn storage_at(&self, prefix: &str, options: &ObjectOptions) -> Arc<ObjectStorage> {
        self.storage_of(BUCKET, prefix, options)
    }

    /// The storage in this bucket.
    pub(crate) fn storage_in(&self, bucket: &str, options: &ObjectOptions) -> Arc<ObjectStorage> {
        self.storage_of(bucket, "", options)
    }

    fn storage_of(&self, bucket: &str, prefix: &str, options: &ObjectOptions) -> Arc<ObjectStorage> {
        let place = ObjectPlace {
            provider: self.provider,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        Arc::new(ObjectStorage::new(&place, options, pool()).unwrap())
    }

    /// A file with this text.
    pub(crate) fn file(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path: &Path = self.folder.path();
        let file = path.join(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

/// A dispatcher with nothing but the lanes of a storage.
pub(crate) fn pool() -> Pool {
    let transports = HttpTransports::new(HttpOptions::default());
    Pool::builder(Arc::new(transports))
        .rules(|lane| lane_settings(lane.as_str()))
        .start()
}

pub(crate) fn moto() -> Bucket<Moto> {
    let moto = Moto::start();
    moto.create(BUCKET);
    let endpoint = moto.endpoint();
    let mut bucket = Bucket::new(moto, Provider::S3, endpoint);
    bucket.options.access_key_id = Some("key".to_owned());
    bucket.options.secret_key_file = Some(bucket.file("secret", "secret\n"));
    bucket
}

pub(crate) fn radosgw() -> Bucket<Radosgw> {
    let radosgw = Radosgw::start();
    let endpoint = radosgw.endpoint();
    let credential = AwsCredential {
        key_id: Radosgw::KEY.to_owned(),
        secret_key: Radosgw::SECRET.to_owned(),
        token: None,
    };
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = http::Method::PUT;
    *request.uri_mut() = format!("{endpoint}/{BUCKET}").parse().unwrap();
    AwsAuthorizer::new(&credential, "s3", "us-east-1")
        .try_authorize(&mut request, None)
        .unwrap();
    let said = send(radosgw.port(), &request);
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    with_key(Bucket::new(radosgw, Provider::S3, endpoint))
}

/// The same bucket, of a service that runs already.
pub(crate) fn radosgw_at(endpoint: String) -> Bucket<()> {
    with_key(Bucket::new((), Provider::S3, endpoint))
}

fn with_key<S>(mut bucket: Bucket<S>) -> Bucket<S> {
    bucket.options.access_key_id = Some(Radosgw::KEY.to_owned());
    bucket.options.secret_key_file = Some(bucket.file("secret", Radosgw::SECRET));
    bucket
}

pub(crate) fn azurite() -> Bucket<Azurite> {
    let azurite = Azurite::start();
    azurite.create(BUCKET);
    let endpoint = azurite.endpoint();
    let mut bucket = Bucket::new(azurite, Provider::Azure, endpoint);
    bucket.options.access_key_id = Some(Azurite::ACCOUNT.to_owned());
    bucket.options.secret_key_file = Some(bucket.file("secret", Azurite::KEY));
    bucket
}

pub(crate) fn gcs() -> Bucket<Gcs> {
    let gcs = Gcs::start();
    gcs.create(BUCKET);
    let endpoint = gcs.endpoint();
    let mut bucket = Bucket::new(gcs, Provider::Google, endpoint);
    let token = ("GOOGLE_BEARER_TOKEN".to_owned(), "a-token".to_owned());
    bucket.options.environment.push(token);
    bucket
}

/// The answer to a request without a body.
#[expect(clippy::disallowed_methods, reason = "a test speaks with a server of its own")]
fn send(port: u16, request: &HttpRequest) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let path = request.uri().path();
    let mut text = format!(
        "{} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n",
        request.method()
    );
    for (name, value) in request.headers() {
        let line = [name.as_str(), ": ", value.to_str().unwrap(), "\r\n"].concat();
        text.push_str(&line);
    }
    stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// What anybody gets at a URL.
pub(crate) async fn get(url: &str) -> (u16, bytes::Bytes) {
    let mut request = http::Request::new(stoa_dispatch::RequestBody::empty());
    *request.uri_mut() = url.parse().unwrap();
    let response = pool()
        .call(stoa_dispatch::Task::ready(request).unwrap())
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    (head.status.as_u16(), body.bytes(1 << 30).await.unwrap().unwrap())
}
