//! Requests that name a proxy.

use std::{io, sync::Arc};

use parking_lot::Mutex;
use stoa_dispatch::{
    HttpOptions, HttpTransports, Pool, PublicOnly, Request, RequestBody, Task, TransportErrorKind, Via,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    addresses::names,
    lab::{kind, once, shared},
    origin::{ANSWER, Origin},
};

/// A proxy that answers everything itself, and what it was asked.
async fn proxy(heard: &Arc<Mutex<Vec<String>>>) -> Origin {
    let heard = Arc::clone(heard);
    Origin::serving(move |mut stream: TcpStream| {
        let heard = Arc::clone(&heard);
        async move {
            let mut head = Vec::new();
            let mut buffer = [0; 1024];
            while !head.ends_with(b"\r\n\r\n") {
                let read = stream.read(&mut buffer).await?;
                if read == 0 {
                    return Ok::<_, io::Error>(());
                }
                head.extend_from_slice(&buffer[..read]);
            }
            heard
                .lock()
                .push(String::from_utf8_lossy(&head).to_ascii_lowercase());
            stream.write_all(ANSWER).await?;
            stream.shutdown().await
        }
    })
    .await
}

fn pool(proxy_hosts: &[&str]) -> Pool {
    let options = HttpOptions {
        lookup: names(&[("proxy.example", &[&["127.0.0.1"]])]) as _,
        proxy_hosts: proxy_hosts.iter().map(|host| (*host).to_owned()).collect(),
        ..HttpOptions::default()
    };
    Pool::builder(Arc::new(HttpTransports::new(options)))
        .settings(once())
        .start()
}

async fn ask(
    pool: &Pool,
    url: &str,
    via: &str,
    public_only: bool,
) -> Result<u16, stoa_dispatch::DispatchError> {
    let mut request = Request::new(RequestBody::empty());
    *request.uri_mut() = url.parse().expect("URL");
    request
        .extensions_mut()
        .insert(via.parse::<Via>().expect("a proxy"));
    if public_only {
        request.extensions_mut().insert(PublicOnly);
    }
    let response = pool.call(Task::ready(request).expect("a host")).await?;
    let status = response.status().as_u16();
    response.into_body().drain().await;
    Ok(status)
}

#[tokio::test]
async fn a_request_passes_the_proxy_that_it_names() {
    let _beside = shared().await;
    let (first, second) = (Arc::default(), Arc::default());
    let (one, two) = (proxy(&first).await, proxy(&second).await);
    let pool = pool(&[]);
    let via = format!("http://user:word@127.0.0.1:{}", one.port());
    // Nobody here knows this name: the proxy does.
    assert_eq!(
        ask(&pool, "http://far.example/a?b", &via, false)
            .await
            .expect("200"),
        200
    );
    let via = format!("http://127.0.0.1:{}", two.port());
    assert_eq!(
        ask(&pool, "http://far.example/c", &via, false)
            .await
            .expect("200"),
        200
    );
    let (first, second) = (first.lock(), second.lock());
    assert!(
        first[0].starts_with("get http://far.example/a?b http/1.1"),
        "{first:?}"
    );
    assert!(
        first[0].contains("proxy-authorization: basic dxnlcjp3b3jk"),
        "{first:?}"
    );
    assert!(
        second[0].starts_with("get http://far.example/c http/1.1"),
        "{second:?}"
    );
    assert!(!second[0].contains("proxy-authorization"), "{second:?}");
    assert_eq!((first.len(), second.len()), (1, 1));
}

#[tokio::test]
async fn a_private_proxy_is_for_those_only_that_may_reach_it() {
    let _beside = shared().await;
    let heard = Arc::default();
    let server = proxy(&heard).await;
    let by_address = format!("http://127.0.0.1:{}", server.port());
    let by_name = format!("http://proxy.example:{}", server.port());
    let strict = pool(&[]);
    for via in [&by_address, &by_name] {
        let error = ask(&strict, "http://far.example/", via, true)
            .await
            .expect_err("private");
        assert_eq!(kind(&error), TransportErrorKind::Private, "{error}");
    }
    assert_eq!(heard.lock().len(), 0);
    let own = pool(&["127.0.0.1", "proxy.example"]);
    for via in [&by_address, &by_name] {
        assert_eq!(
            ask(&own, "http://far.example/", via, true).await.expect("200"),
            200
        );
    }
    // The server itself is named by an address: no proxy is asked for what must not be reached.
    let error = ask(&own, "http://10.0.0.1/", &by_name, true)
        .await
        .expect_err("private");
    assert_eq!(kind(&error), TransportErrorKind::Private, "{error}");
    assert_eq!(heard.lock().len(), 2);
}
