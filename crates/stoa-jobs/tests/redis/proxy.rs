//! A connection that breaks when a test says so.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Passes on what comes, until a request has a word in it: that one reaches Redis, and the answer is lost.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    word: Arc<Mutex<Option<String>>>,
    /// Whether no connection is taken after an answer was lost.
    breaks: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let word = Arc::new(Mutex::new(None));
        let breaks = Arc::new(AtomicBool::new(false));
        let target = target.trim_start_matches("redis://").to_owned();
        let task = {
            let (word, breaks) = (word.clone(), breaks.clone());
            let mut connections = tokio::task::JoinSet::new();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    if breaks.load(Ordering::SeqCst) && word.lock().is_none() {
                        continue;
                    }
                    connections.spawn(pass(client, target.clone(), word.clone()));
                }
            }
        };
        #[expect(clippy::disallowed_methods, reason = "it ends with the proxy")]
        let task = tokio::spawn(task);
        Self {
            address,
            word,
            breaks,
            task,
        }
    }

    /// Loses the answer to the next request with this word in it.
    pub(crate) fn lose(&self, word: &str) {
        *self.word.lock() = Some(word.to_owned());
    }

    /// Loses that answer, and takes no connections from then on.
    pub(crate) fn lose_and_break(&self, word: &str) {
        self.breaks.store(true, Ordering::SeqCst);
        self.lose(word);
    }

    /// Takes connections again.
    pub(crate) fn mend(&self) {
        self.breaks.store(false, Ordering::SeqCst);
    }

    /// Whether an answer was lost since it was asked to lose one.
    pub(crate) fn has_lost(&self) -> bool {
        self.word.lock().is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut client: TcpStream, target: String, word: Arc<Mutex<Option<String>>>) {
    #[expect(clippy::disallowed_methods, reason = "a test's own server")]
    let mut server = TcpStream::connect(target).await.expect("Redis is there");
    let (mut there, mut back) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_lost = false;
    loop {
        tokio::select! {
            read = client.read(&mut there) => match read {
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    let request = String::from_utf8_lossy(&there[..count]).into_owned();
                    let mut word = word.lock().take_if(|word| request.contains(word.as_str()));
                    is_lost |= word.take().is_some();
                    if server.write_all(&there[..count]).await.is_err() { return }
                }
            },
            read = server.read(&mut back) => match read {
                Ok(0) | Err(_) => return,
                // Redis has done what it was asked, and nobody is told.
                Ok(_) if is_lost => return,
                Ok(count) => if client.write_all(&back[..count]).await.is_err() { return },
            },
        }
    }
}
