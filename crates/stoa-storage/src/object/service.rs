//! One bucket of one provider.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, S3ConditionalPut};
use object_store::azure::{AzureAuthorizer, AzureConfigKey, MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::client::{HttpRequest, HttpRequestBody};
use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::expiry;
use super::http::ObjectHttp;
use super::options::ObjectOptions;
use super::secrets;
use crate::error::StorageError;
use crate::object_place::{ObjectPlace, Provider};

/// What a path of a URL leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// The region of buckets whose region nobody names.
const REGION: &str = "us-east-1";

/// One bucket of one provider.
#[derive(Debug)]
pub(super) enum Service {
    S3 {
        store: AmazonS3,
        region: String,
    },
    Google {
        store: GoogleCloudStorage,
        /// The URL of the bucket.
        bucket: String,
    },
    Azure {
        store: MicrosoftAzure,
        account: String,
        /// The URL of the container.
        container: String,
        /// When its shared access signature ends.
        expires: Option<SystemTime>,
    },
}

/// What goes up with a file.
pub(super) struct Upload<'a> {
    pub(super) path: &'a Path,
    pub(super) len: u64,
    /// The SHA-256 of the file.
    pub(super) digest: &'a [u8],
    /// The hash that is kept with a zip.
    pub(super) h1: Option<String>,
    /// Only if there is none.
    pub(super) conditional: bool,
}

impl Service {
    pub(super) fn new(
        place: &ObjectPlace,
        options: &ObjectOptions,
        http: ObjectHttp,
    ) -> Result<Self, StorageError> {
        let service = match place.provider {
            Provider::S3 => s3(place, options, http)?,
            Provider::Google => google(place, options, http)?,
            Provider::Azure => azure(place, options, http)?,
        };
        Ok(service)
    }

    /// Whether it is known here that the credentials have expired.
    pub(super) fn has_expired(&self) -> bool {
        match self {
            Self::Azure {
                expires: Some(expires),
                ..
            } => *expires <= SystemTime::now(),
            Self::S3 { .. } | Self::Google { .. } | Self::Azure { expires: None, .. } => false,
        }
    }

    pub(super) fn store(&self) -> Arc<dyn ObjectStore> {
        match self {
            Self::S3 { store, .. } => Arc::new(store.clone()),
            Self::Google { store, .. } => Arc::new(store.clone()),
            Self::Azure { store, .. } => Arc::new(store.clone()),
        }
    }

    /// A URL at which the object can be read for `lifetime`.
    pub(super) async fn link(&self, path: &Path, lifetime: Duration) -> object_store::Result<String> {
        let signer: &dyn Signer = match self {
            Self::S3 { store, .. } => store,
            Self::Google { store, .. } => store,
            Self::Azure { store, .. } => store,
        };
        Ok(signer.signed_url(Method::GET, path, lifetime).await?.into())
    }

    /// The head of the request that carries a file up, signed.
    pub(super) async fn upload_head(&self, upload: &Upload<'_>) -> object_store::Result<http::Request<()>> {
        let encoded = || utf8_percent_encode(upload.path.as_ref(), KEPT).to_string();
        let (url, metadata, condition) = match self {
            Self::S3 { store, .. } => {
                let mut url = store
                    .signed_url(Method::PUT, upload.path, Duration::from_secs(60))
                    .await?;
                url.set_query(None);
                let condition = (header::IF_NONE_MATCH, "*");
                (
                    url.to_string(),
                    HeaderName::from_static("x-amz-meta-h1"),
                    condition,
                )
            }
            Self::Google { bucket, .. } => {
                let condition = (HeaderName::from_static("x-goog-if-generation-match"), "0");
                let url = format!("{bucket}/{}", encoded());
                (url, HeaderName::from_static("x-goog-meta-h1"), condition)
            }
            Self::Azure { container, .. } => {
                let url = format!("{container}/{}", encoded());
                let condition = (header::IF_NONE_MATCH, "*");
                (url, HeaderName::from_static("x-ms-meta-h1"), condition)
            }
        };
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = Method::PUT;
        *request.uri_mut() = url.parse().map_err(generic)?;
        let headers: &mut HeaderMap = request.headers_mut();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(upload.len));
        if let Some(h1) = &upload.h1 {
            headers.insert(metadata, HeaderValue::from_str(h1).map_err(generic)?);
        }
        if upload.conditional {
            headers.insert(condition.0, HeaderValue::from_static(condition.1));
        }
        self.sign(&mut request, upload).await?;
        Ok(request.map(|_body| ()))
    }

    async fn sign(&self, request: &mut HttpRequest, upload: &Upload<'_>) -> object_store::Result<()> {
        match self {
            Self::S3 { store, region } => {
                let credential = store.credentials().get_credential().await?;
                AwsAuthorizer::new(&credential, "s3", region).try_authorize(request, Some(upload.digest))
            }
            Self::Google { store, .. } => {
                let credential = store.credentials().get_credential().await?;
                let mut bearer =
                    HeaderValue::from_str(&format!("Bearer {}", credential.bearer)).map_err(generic)?;
                bearer.set_sensitive(true);
                request.headers_mut().insert(header::AUTHORIZATION, bearer);
                Ok(())
            }
            Self::Azure { store, account, .. } => {
                let blob = HeaderValue::from_static("BlockBlob");
                request
                    .headers_mut()
                    .insert(HeaderName::from_static("x-ms-blob-type"), blob);
                let credential = store.credentials().get_credential().await?;
                AzureAuthorizer::new(&credential, account).try_authorize(request)
            }
        }
    }
}

fn s3(place: &ObjectPlace, options: &ObjectOptions, http: ObjectHttp) -> Result<Service, StorageError> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&place.bucket)
        .with_retry(retries())
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_http_connector(http);
    for (name, value) in &options.environment {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(file) = &options.credentials_file {
        for (name, value) in secrets::profile(file, options.profile.as_deref().unwrap_or("default"))? {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
    }
    if let Some(key) = &options.access_key_id {
        builder = builder.with_access_key_id(key);
    }
    if let Some(file) = &options.secret_key_file {
        builder = builder.with_secret_access_key(secrets::read(file)?);
    }
    if let Some(region) = &options.region {
        builder = builder.with_region(region);
    }
    let asked = |builder: &AmazonS3Builder, key| builder.get_config_value(&key);
    let region = asked(&builder, AmazonS3ConfigKey::Region).unwrap_or_else(|| REGION.to_owned());
    let endpoint = options
        .endpoint
        .clone()
        .or_else(|| asked(&builder, AmazonS3ConfigKey::S3Endpoint))
        .or_else(|| asked(&builder, AmazonS3ConfigKey::Endpoint));
    let in_path = options.path_style.unwrap_or(endpoint.is_some());
    let endpoint = endpoint.map(|endpoint| match (in_path, endpoint.split_once("://")) {
        // The library takes an endpoint whose host names the bucket as it is.
        (false, Some((scheme, rest))) => format!("{scheme}://{}.{rest}", place.bucket),
        _ => endpoint,
    });
    builder = builder
        .with_virtual_hosted_style_request(!in_path)
        .with_allow_http(options.allow_http);
    if let Some(endpoint) = endpoint {
        builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
    }
    let store = builder.build().map_err(|error| unusable(&error))?;
    Ok(Service::S3 { store, region })
}

fn google(place: &ObjectPlace, options: &ObjectOptions, http: ObjectHttp) -> Result<Service, StorageError> {
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&place.bucket)
        .with_retry(retries())
        .with_http_connector(http);
    for (name, value) in &options.environment {
        if let Ok(key) = name.to_ascii_lowercase().parse::<GoogleConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(file) = &options.credentials_file {
        builder = builder.with_service_account_key(secrets::read(file)?);
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_base_url(endpoint.trim_end_matches('/'));
    }
    let base = builder
        .get_config_value(&GoogleConfigKey::BaseUrl)
        .unwrap_or_else(|| "https://storage.googleapis.com".to_owned());
    let store = builder.build().map_err(|error| unusable(&error))?;
    Ok(Service::Google {
        store,
        bucket: format!("{base}/{}", place.bucket),
    })
}

fn azure(place: &ObjectPlace, options: &ObjectOptions, http: ObjectHttp) -> Result<Service, StorageError> {
    let mut builder = MicrosoftAzureBuilder::new()
        .with_container_name(&place.bucket)
        .with_retry(retries())
        .with_allow_http(options.allow_http)
        .with_http_connector(http);
    for (name, value) in &options.environment {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AzureConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(account) = &options.access_key_id {
        builder = builder.with_account(account);
    }
    if let Some(file) = &options.secret_key_file {
        builder = builder.with_access_key(secrets::read(file)?);
    }
    let mut expires = None;
    if let Some(file) = &options.credentials_file {
        let signature = secrets::signature(&secrets::read(file)?);
        expires = expiry::of_signature(&signature);
        builder = builder.with_sas_authorization(signature);
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
    }
    let account = builder
        .get_config_value(&AzureConfigKey::AccountName)
        .unwrap_or_default();
    let base = builder
        .get_config_value(&AzureConfigKey::Endpoint)
        .unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
    let store = builder.build().map_err(|error| unusable(&error))?;
    Ok(Service::Azure {
        store,
        account,
        container: format!("{base}/{}", place.bucket),
        expires,
    })
}

/// How often a request is made again, and when: little, since a client waits.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: 4,
        retry_timeout: Duration::from_secs(20),
    }
}

/// The options name nothing that can be asked.
fn unusable(error: &object_store::Error) -> StorageError {
    let reason: String = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    StorageError::InvalidUrl {
        reason: format!("storage_options: {reason}"),
    }
}

fn generic(error: impl std::error::Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic {
        store: "bucket",
        source: Box::new(error),
    }
}
