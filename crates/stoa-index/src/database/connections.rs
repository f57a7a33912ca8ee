//! A few connections to a database, one for what writes and others for what reads.

use std::{
    ops::{Deref, DerefMut},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};

use crate::IndexError;

/// How many calls may wait for a connection.
const WAITING: usize = 256;

/// A connection that nobody has used for so long is made anew: the server, or what is in between, may have forgotten it.
const IDLE: Duration = Duration::from_secs(30);

/// What makes connections.
#[async_trait]
pub(crate) trait Connect: Send + Sync + 'static {
    /// A connection.
    type Connection: Send + 'static;

    /// Makes one that is ready for statements.
    async fn connect(&self) -> Result<Self::Connection, IndexError>;

    /// Whether one that was used a while ago can be used again.
    async fn is_alive(&self, connection: &mut Self::Connection) -> bool;

    /// Ends one, in which anything may be under way. It does not wait.
    fn discard(&self, connection: Self::Connection);
}

/// Connections of one kind: so many at most, and made when they are needed.
pub(crate) struct Connections<C: Connect> {
    connect: C,
    permits: Semaphore,
    idle: Mutex<Vec<(Instant, C::Connection)>>,
    waiting: AtomicUsize,
    timeout: Duration,
}

impl<C: Connect> Connections<C> {
    pub(crate) fn new(connect: C, max: usize, timeout: Duration) -> Self {
        Self {
            connect,
            permits: Semaphore::new(max),
            idle: Mutex::default(),
            waiting: AtomicUsize::new(0),
            timeout,
        }
    }

    /// Waits for something that a call does, as long as a call may take.
    pub(crate) async fn in_time<A>(
        &self,
        call: impl Future<Output = Result<A, IndexError>>,
    ) -> Result<A, IndexError> {
        let late = |_| IndexError::Unreachable("it does not answer in time".into());
        timeout(self.timeout, call).await.map_err(late)?
    }

    /// A connection for one call.
    pub(crate) async fn lease(&self) -> Result<Lease<'_, C>, IndexError> {
        let permit = self.permit().await?;
        let idle = self.idle.lock().pop();
        if let Some((since, mut connection)) = idle {
            if since.elapsed() < IDLE && self.connect.is_alive(&mut connection).await {
                return Ok(Lease::new(self, connection, permit));
            }
            self.connect.discard(connection);
        }
        let connection = self.connect.connect().await?;
        Ok(Lease::new(self, connection, permit))
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, IndexError> {
        /// Counts who waits, also if he goes away.
        struct Waiter<'a>(&'a AtomicUsize);
        impl Drop for Waiter<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiter = Waiter(&self.waiting);
        if before >= WAITING {
            return Err(IndexError::Unreachable("too many calls wait for it".into()));
        }
        self.permits.acquire().await.map_err(|_| IndexError::Closed)
    }

    /// Ends all connections that nobody uses; the others end with their calls. There will be no more.
    pub(crate) fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock());
        for (_, connection) in idle {
            self.connect.discard(connection);
        }
    }
}

/// A connection for one call. Unless it is given back, it ends: a call that failed or was given up leaves anything behind.
pub(crate) struct Lease<'a, C: Connect> {
    connections: &'a Connections<C>,
    /// None only while it is dropped.
    connection: Option<C::Connection>,
    _permit: SemaphorePermit<'a>,
}

impl<'a, C: Connect> Lease<'a, C> {
    fn new(connections: &'a Connections<C>, connection: C::Connection, permit: SemaphorePermit<'a>) -> Self {
        Self {
            connections,
            connection: Some(connection),
            _permit: permit,
        }
    }

    /// Gives it back, with nothing under way.
    pub(crate) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            let mut idle = self.connections.idle.lock();
            if self.connections.permits.is_closed() {
                drop(idle);
                self.connections.connect.discard(connection);
            } else {
                idle.push((Instant::now(), connection));
            }
        }
    }
}

impl<C: Connect> Drop for Lease<'_, C> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.connections.connect.discard(connection);
        }
    }
}

impl<C: Connect> Deref for Lease<'_, C> {
    type Target = C::Connection;

    fn deref(&self) -> &C::Connection {
        self.connection.as_ref().expect("it has one until it is dropped")
    }
}

impl<C: Connect> DerefMut for Lease<'_, C> {
    fn deref_mut(&mut self) -> &mut C::Connection {
        self.connection.as_mut().expect("it has one until it is dropped")
    }
}
