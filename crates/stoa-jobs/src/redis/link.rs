//! The connection to Redis.

use std::{fmt, time::Duration};

use parking_lot::Mutex;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _,
    RedisConnectionInfo, TlsCertificates, Value, aio::MultiplexedConnection,
};

use super::{fault::Fault, scripts::Call};
use crate::{RedisOptions, StoreError};

/// How often a command is sent whose connection breaks. All commands do no harm when they are done twice.
const TRIES: usize = 3;

/// One connection, which all callers share and which is made anew when it breaks.
pub(super) struct Link {
    options: RedisOptions,
    /// The connection with its number. Callers wait here while one of them makes it.
    connection: tokio::sync::Mutex<Option<(u64, MultiplexedConnection)>>,
    /// The node of the cluster that has our slot, if it was another one than those that are configured.
    moved: Mutex<Option<(String, u16)>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("address", &self.options.address)
            .finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(options: RedisOptions) -> Self {
        Self {
            options,
            connection: tokio::sync::Mutex::default(),
            moved: Mutex::default(),
        }
    }

    /// Runs a script; a second time if its connection breaks.
    pub(super) async fn call(&self, call: &Call) -> Result<Value, StoreError> {
        let mut last = None;
        for _ in 0..TRIES {
            match self.call_once(call).await {
                Err(fault @ (Fault::Dropped(_) | Fault::Moved(..))) => last = Some(fault),
                answer => return answer.map_err(Fault::into_error),
            }
        }
        Err(last.map_or_else(|| StoreError::away("nothing was asked"), Fault::into_error))
    }

    /// Runs a script once.
    pub(super) async fn call_once(&self, call: &Call) -> Result<Value, Fault> {
        let (number, mut connection) = self.connection().await?;
        let answer = call.send(&mut connection).await.map_err(Fault::of);
        self.learn(number, answer).await
    }

    /// Sends a command that does no harm when it is done twice, which it is if its connection breaks.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value, StoreError> {
        let mut last = None;
        for _ in 0..TRIES {
            let answer = match self.connection().await {
                Ok((number, mut connection)) => {
                    let answer = command.query_async(&mut connection).await.map_err(Fault::of);
                    self.learn(number, answer).await
                }
                Err(fault) => Err(fault),
            };
            match answer {
                Err(fault @ (Fault::Dropped(_) | Fault::Moved(..))) => last = Some(fault),
                answer => return answer.map_err(Fault::into_error),
            }
        }
        Err(last.map_or_else(|| StoreError::away("nothing was asked"), Fault::into_error))
    }

    /// A connection of its own, whose answers may take `wait` longer.
    pub(super) async fn apart(&self, wait: Duration) -> Result<MultiplexedConnection, Fault> {
        self.connect(self.options.timeout + wait).await
    }

    /// Remembers where the slot is. The next connection goes there.
    pub(super) fn follow(&self, fault: &Fault) {
        match fault {
            // A node may not know its own name.
            Fault::Moved(host, _) if host.is_empty() => {}
            Fault::Moved(host, port) => *self.moved.lock() = Some((host.clone(), *port)),
            Fault::Dropped(_) | Fault::Failed { is_spent: true, .. } => *self.moved.lock() = None,
            Fault::Failed { .. } => {}
        }
    }

    async fn connection(&self) -> Result<(u64, MultiplexedConnection), Fault> {
        let mut held = self.connection.lock().await;
        if let Some((number, connection)) = &*held {
            return Ok((*number, connection.clone()));
        }
        let connection = match self.connect(self.options.timeout).await {
            Ok(connection) => connection,
            Err(fault) => {
                self.follow(&fault);
                // Whoever cannot connect need not try at once again.
                return Err(match fault {
                    Fault::Dropped(error) => Fault::Failed {
                        error,
                        is_spent: true,
                    },
                    fault => fault,
                });
            }
        };
        let number = fastrand::u64(..);
        *held = Some((number, connection.clone()));
        Ok((number, connection))
    }

    /// Gives up the connection if the answer says that it is of no use.
    async fn learn<T>(&self, number: u64, answer: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &answer {
            self.follow(fault);
            if !matches!(fault, Fault::Failed { is_spent: false, .. }) {
                let mut held = self.connection.lock().await;
                held.take_if(|(held, _)| *held == number);
            }
        }
        answer
    }

    async fn connect(&self, timeout: Duration) -> Result<MultiplexedConnection, Fault> {
        let address = &self.options.address;
        if address.master.is_some() {
            let (host, port) = self.master().await?;
            return self.connect_to(&host, port, self.login(), timeout).await;
        }
        let moved = self.moved.lock().clone();
        let mut last = None;
        for (host, port) in moved.iter().chain(&address.hosts) {
            match self.connect_to(host, *port, self.login(), timeout).await {
                Ok(connection) => return Ok(connection),
                Err(fault) => last = Some(fault),
            }
        }
        Err(last.unwrap_or_else(|| Fault::Dropped(StoreError::away("it has no hosts"))))
    }

    /// Where the master is, by the word of the first Sentinel that answers.
    async fn master(&self) -> Result<(String, u16), Fault> {
        let address = &self.options.address;
        let mut last = None;
        for (host, port) in &address.hosts {
            let mut login = RedisConnectionInfo::default();
            if let Some(password) = &self.options.sentinel_password {
                login = login.set_password(password);
            }
            let mut question = redis::cmd("SENTINEL");
            question.arg("GET-MASTER-ADDR-BY-NAME").arg(&address.master);
            let asked = async {
                let mut sentinel = self.connect_to(host, *port, login, self.options.timeout).await?;
                let answer: Option<(String, u16)> = question.query_async(&mut sentinel).await?;
                answer
                    .ok_or_else(|| Fault::Dropped(StoreError::away("the Sentinel does not know the master")))
            };
            match asked.await {
                Ok(master) => return Ok(master),
                Err(fault) => last = Some(fault),
            }
        }
        Err(last.unwrap_or_else(|| Fault::Dropped(StoreError::away("it has no hosts"))))
    }

    fn login(&self) -> RedisConnectionInfo {
        let address = &self.options.address;
        let mut login = RedisConnectionInfo::default().set_db(address.db);
        if let Some(username) = &address.username {
            login = login.set_username(username);
        }
        if let Some(password) = &address.password {
            login = login.set_password(password);
        }
        login
    }

    async fn connect_to(
        &self,
        host: &str,
        port: u16,
        login: RedisConnectionInfo,
        timeout: Duration,
    ) -> Result<MultiplexedConnection, Fault> {
        let (host, has_tls) = (host.to_owned(), self.options.address.has_tls);
        let address = if has_tls {
            ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let info: ConnectionInfo = address.into_connection_info()?.set_redis_settings(login);
        let client = match &self.options.ca {
            Some(ca) if has_tls => {
                let root_cert = Some(ca.clone());
                Client::build_with_tls(
                    info,
                    TlsCertificates {
                        client_tls: None,
                        root_cert,
                    },
                )?
            }
            _ => Client::open(info)?,
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.options.timeout))
            .set_response_timeout(Some(timeout));
        Ok(client
            .get_multiplexed_async_connection_with_config(&config)
            .await?)
    }
}
