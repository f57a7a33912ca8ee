//! Connections to `MySQL`.

use std::time::Duration;

use async_trait::async_trait;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts, prelude::Queryable as _};
use tokio_util::task::TaskTracker;

use super::fault::meaning;
use crate::{
    IndexError,
    database::{GOODBYE, connections::Connect, options::DatabaseOptions, roots::roots},
};

/// The largest answer that is read: a page of versions with the longest names has less.
const LARGEST: usize = 32 << 20;

/// After how many seconds the server ends a connection that says nothing, also one that froze within a transaction. None is
/// used again after half of that.
const FORGOTTEN: usize = 60;

/// What makes connections to a server.
#[derive(Clone)]
pub(super) struct Link {
    options: Opts,
    tasks: TaskTracker,
}

impl Link {
    pub(super) fn new(options: &DatabaseOptions, tasks: TaskTracker) -> Result<Self, IndexError> {
        let address = &options.address;
        let certificates = |pem| -> Result<_, IndexError> {
            let roots = roots(pem)?.into_iter();
            Ok(roots.map(|root| root.to_vec().into()).collect::<Vec<_>>())
        };
        let tls = address
            .has_tls
            .then(|| certificates(options.ca.as_deref()))
            .transpose()?
            .map(|roots| {
                SslOpts::default()
                    .with_root_certs(roots)
                    .with_disable_built_in_roots(true)
            });
        let seconds = options.timeout.as_secs().clamp(1, 3_600);
        // A database may be in a mode in which it changes texts and numbers instead of refusing them.
        let setup = vec![
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
            format!(
                "SET SESSION sql_mode = 'STRICT_ALL_TABLES', SESSION innodb_lock_wait_timeout = {seconds}"
            ),
            format!("SET SESSION wait_timeout = {FORGOTTEN}"),
        ];
        let builder = OptsBuilder::default()
            .ip_or_hostname(&address.host)
            .tcp_port(address.port)
            .user(Some(&address.user))
            .pass(address.password.as_ref())
            .db_name(Some(&address.database))
            .ssl_opts(tls)
            .prefer_socket(false)
            .tcp_keepalive(Some(Duration::from_secs(30)))
            .max_allowed_packet(Some(LARGEST))
            .wait_timeout(Some(FORGOTTEN))
            .stmt_cache_size(32)
            .init(setup);
        Ok(Self {
            options: builder.into(),
            tasks,
        })
    }
}

#[async_trait]
impl Connect for Link {
    type Connection = Conn;

    async fn connect(&self) -> Result<Conn, IndexError> {
        Conn::new(self.options.clone()).await.map_err(meaning)
    }

    async fn is_alive(&self, connection: &mut Conn) -> bool {
        connection.ping().await.is_ok()
    }

    fn discard(&self, connection: Conn) {
        // The server undoes what was under way when the connection ends, with a goodbye or without.
        self.tasks.spawn(async move {
            let _ = tokio::time::timeout(GOODBYE, connection.disconnect()).await;
        });
    }
}
