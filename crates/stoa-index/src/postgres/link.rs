//! Connections to `PostgreSQL`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{Client, Config, NoTls, Socket, config::SslMode, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::fault::meaning;
use crate::{
    Fault, IndexError,
    database::{GOODBYE, connections::Connect, options::DatabaseOptions, roots::roots},
};

/// What makes connections to a server.
#[derive(Clone)]
pub(super) struct Link {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// What a session is told at its beginning.
    settings: Arc<str>,
    tasks: TaskTracker,
}

/// A connection. When it is dropped, its task ends in a moment, and the server undoes what was under way.
pub(super) struct Connected {
    pub(super) client: Client,
    _end: DropGuard,
}

impl Link {
    pub(super) fn new(options: &DatabaseOptions, tasks: TaskTracker) -> Result<Self, IndexError> {
        let address = &options.address;
        let mut config = Config::new();
        config
            .host(&address.host)
            .port(address.port)
            .user(&address.user)
            .dbname(&address.database)
            .application_name("stoa")
            .connect_timeout(options.timeout)
            .keepalives_idle(Duration::from_secs(30))
            .ssl_mode(if address.has_tls {
                SslMode::Require
            } else {
                SslMode::Disable
            });
        if let Some(password) = &address.password {
            config.password(password);
        }
        let tls = address.has_tls.then(|| tls(options.ca.as_deref())).transpose()?;
        // A node that freezes within a transaction must not stop the others for ever.
        let most = options.timeout.as_millis().clamp(1, 3_600_000);
        let settings = format!(
            "SET statement_timeout = {most}; SET lock_timeout = {most};
             SET idle_in_transaction_session_timeout = {most}; SET client_min_messages = warning"
        );
        Ok(Self {
            config,
            tls,
            settings: settings.into(),
            tasks,
        })
    }

    async fn open<T>(&self, tls: T) -> Result<Connected, IndexError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, connection) = self.config.connect(tls).await.map_err(meaning)?;
        let ended = CancellationToken::new();
        self.tasks.spawn(drive(connection, ended.clone()));
        Ok(Connected {
            client,
            _end: ended.drop_guard(),
        })
    }
}

/// Moves bytes until the connection ends, or nobody has its client any more.
async fn drive<S>(mut connection: tokio_postgres::Connection<Socket, S>, ended: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    tokio::select! {
        done = &mut connection => {
            if let Err(error) = done {
                tracing::debug!(%error, "a connection of the index has ended");
            }
        }
        () = ended.cancelled() => {
            // It says goodbye by itself when there is no client. If that takes too long, it is cut.
            let _ = tokio::time::timeout(GOODBYE, connection).await;
        }
    }
}

fn tls(pem: Option<&[u8]>) -> Result<MakeRustlsConnect, IndexError> {
    let wrong = |error| IndexError::BadAddress(Fault::because("there can be no TLS", error));
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots(pem)?);
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder
        .map_err(wrong)?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[async_trait]
impl Connect for Link {
    type Connection = Connected;

    async fn connect(&self) -> Result<Connected, IndexError> {
        let connected = match &self.tls {
            Some(tls) => self.open(tls.clone()).await?,
            None => self.open(NoTls).await?,
        };
        connected
            .client
            .batch_execute(&self.settings)
            .await
            .map_err(meaning)?;
        Ok(connected)
    }

    async fn is_alive(&self, connection: &mut Connected) -> bool {
        !connection.client.is_closed()
    }

    fn discard(&self, connection: Connected) {
        drop(connection);
    }
}
