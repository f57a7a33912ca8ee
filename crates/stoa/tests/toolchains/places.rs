//! Archives in a bucket, which several servers share.

use stoa_testing::buckets::Moto;

use crate::mirror::{LARGE, Mirror, ask, content, get};

#[tokio::test]
async fn what_one_server_has_put_into_the_bucket_another_one_serves() {
    let mirror = Mirror::new();
    let moto = Moto::start();
    moto.create("modules");
    let secret = mirror.path("secret");
    std::fs::write(&secret, "a secret\n").unwrap();
    let stoa = |name: &str| {
        let staging = mirror.path(name);
        let stoa = mirror.stoa_with("s3://modules/go");
        stoa.env("STOA_STORAGE_OPTIONS_STAGING", staging.to_str().unwrap())
            .env("XDG_DATA_HOME", staging.to_str().unwrap())
            .env("STOA_STORAGE_OPTIONS_ENDPOINT", &moto.endpoint())
            .env("STOA_STORAGE_OPTIONS_ALLOW_HTTP", "true")
            .env("STOA_STORAGE_OPTIONS_ACCESS_KEY_ID", "key")
            .env("STOA_STORAGE_OPTIONS_SECRET_KEY_FILE", secret.to_str().unwrap())
            .start()
    };
    let path = format!("/dl/{LARGE}");
    let (first, second) = (stoa("a"), stoa("b"));
    let whole = content(LARGE).to_bytes();
    assert!(get(&first, &path).await.body == whole);
    assert!(get(&second, &path).await.body == whole);
    let part = ask(&second, "GET", &path, &[("Range", "bytes=2000000-2000099")]).await;
    assert_eq!((part.status, &part.body[..]), (206, &whole[2_000_000..2_000_100]));
    assert_eq!(mirror.counts(LARGE).1, 1);
}
