//! A connection that is made again when it is lost.

use std::{fmt, time::Duration};

use parking_lot::Mutex;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, IntoConnectionInfo, RedisError, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use tokio::time::timeout;

use super::options::RedisRegistryOptions;
use crate::RegistryError;

/// A connection that is made again when it is lost. All calls share it.
pub(super) struct Link {
    client: Client,
    shown: String,
    timeout: Duration,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Link {
    pub(super) fn new(options: RedisRegistryOptions) -> Result<Self, RegistryError> {
        // What is wrong with it is not told in the words of the library, which may repeat a password.
        let bad = || {
            RegistryError::invalid(
                "it is no address of a Redis: write redis://HOST:PORT/DB or rediss://HOST:PORT/DB",
            )
        };
        let mut info = options.url.as_str().into_connection_info().map_err(|_| bad())?;
        if let Some(password) = options.password {
            let settings = info.redis_settings().clone().set_password(password);
            info = info.set_redis_settings(settings);
        }
        let shown = format!("redis {}", info.addr());
        Ok(Self {
            client: Client::open(info).map_err(|_| bad())?,
            shown,
            timeout: options.timeout,
            connection: Mutex::new(None),
        })
    }

    /// Runs a command that does not wait.
    pub(super) async fn call(&self, command: &Cmd) -> Result<Value, RegistryError> {
        let kept = self.connection.lock().clone();
        let mut connection = if let Some(connection) = kept {
            connection
        } else {
            let connection = self.connect().await?;
            *self.connection.lock() = Some(connection.clone());
            connection
        };
        let answer = timeout(self.timeout, command.query_async::<Value>(&mut connection)).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if !matches!(error.kind(), ErrorKind::Server(_)) {
                    self.connection.lock().take();
                }
                Err(self.error(&error))
            }
            Err(_elapsed) => {
                self.connection.lock().take();
                Err(RegistryError::away(
                    self,
                    format!("it did not answer within {:?}", self.timeout),
                ))
            }
        }
    }

    /// A connection of its own, for commands that wait.
    pub(super) async fn apart(&self) -> Result<MultiplexedConnection, RegistryError> {
        self.connect().await
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RegistryError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            // Calls have their own; a command that waits is given up by who waits.
            .set_response_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config);
        match timeout(self.timeout, connection).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.error(&error)),
            Err(_elapsed) => Err(RegistryError::away(
                self,
                format!("no connection within {:?}", self.timeout),
            )),
        }
    }

    pub(super) fn error(&self, error: &RedisError) -> RegistryError {
        let is_refused = matches!(
            error.kind(),
            ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm)
        ) || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
        if is_refused {
            RegistryError::refused(self, error)
        } else {
            RegistryError::away(self, error)
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
