//! `MongoDB`, by a stand-in: as an Athens has left it, and as a storage.

use mongodb::{
    Client, Database,
    bson::{Binary, DateTime, doc, oid::ObjectId, spec::BinarySubtype},
};
use stoa_testing::{
    fixtures::ModuleFixture, http, mongo::MongoStandIn, process::StoaProcess, upstream::Upstream,
};

use crate::{
    STOA,
    scene::{Layout, Modules, Scene, read},
};

fn binary(bytes: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    }
}

/// A version as Athens saves it: the small files in a document, the zip in `GridFS`, under a name that others may share.
async fn save(database: &Database, module: &ModuleFixture) {
    let (path, version) = (module.path(), module.version());
    let document = doc! {
        "module": path, "version": version, "mod": binary(&module.go_mod()), "info": binary(&module.info()),
    };
    database.collection("modules").insert_one(document).await.unwrap();
    let (id, zip) = (ObjectId::new(), module.zip().to_bytes());
    for (n, piece) in (0_i32..).zip(zip.chunks(255 * 1024)) {
        let chunk = doc! { "files_id": id, "n": n, "data": binary(piece) };
        database.collection("fs.chunks").insert_one(chunk).await.unwrap();
    }
    let listing = doc! {
        "_id": id, "length": i64::try_from(zip.len()).unwrap(), "chunkSize": 255 * 1024,
        "uploadDate": DateTime::now(), "filename": format!("{}_{version}.zip", path.replace('/', "_")),
    };
    database.collection("fs.files").insert_one(listing).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_an_athens() {
    let mongo = MongoStandIn::start();
    let client = Client::with_uri_str(&mongo.url()).await.unwrap();
    let (scene, mut modules) = (Scene::new(), Modules::new(Layout::Goproxy));
    modules
        .good
        .push(crate::scene::module("example.com/a/b_c", "v1.0.0"));
    // Athens gives both zips the same name.
    modules
        .good
        .push(crate::scene::module("example.com/a_b/c", "v1.0.0"));
    for module in &modules.good {
        save(&client.database("athens"), module).await;
    }
    let source = format!("{}athens", mongo.url());
    let wanted = 3 * modules.good.len() as u64;
    let first = scene.import(&["athens", &source], &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(read(&first).1["imported"], wanted, "{first:?}");
    scene.serves(&modules).await;
    let second = scene.import(&["athens", &source], &[]);
    assert_eq!(read(&second).1["imported"], 0, "{second:?}");
    assert_eq!(read(&second).1["present"], wanted, "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_are_kept_in_a_database() {
    let (mongo, upstream) = (MongoStandIn::start(), Upstream::start().await);
    let modules = Modules::new(Layout::Goproxy).good;
    upstream.modules(&modules);
    let homes = tempfile::tempdir().unwrap();
    let start = |home: &str| {
        let home = homes.path().join(home);
        StoaProcess::command(STOA)
            .args(&["--storage", &format!("{}stoa", mongo.url())])
            .env("XDG_DATA_HOME", home.to_str().unwrap())
            .env("STOA_UPSTREAM", &upstream.url())
            .env("STOA_SUMDB_VERIFY", "false")
            .start()
    };
    let first = start("first");
    all(&first, &modules).await;
    drop(first);
    upstream.kill();
    // Another machine, and nobody to ask.
    let second = start("second");
    assert_eq!(
        http::get(&format!("{}/readyz", second.url()))
            .await
            .unwrap()
            .status,
        200
    );
    all(&second, &modules).await;
    assert!(!homes.path().join("second/stoa/example.com").is_dir());
    drop(mongo);
    let gone = http::get(&format!("{}/example.com/none/@v/v1.0.0.info", second.url()))
        .await
        .unwrap();
    assert_eq!(gone.status, 503, "{}", gone.text());
    assert_eq!(
        http::get(&format!("{}/readyz", second.url()))
            .await
            .unwrap()
            .status,
        503
    );
}

async fn all(stoa: &StoaProcess, modules: &[ModuleFixture]) {
    for module in modules {
        for (kind, want) in [
            ("info", module.info()),
            ("zip", module.zip().to_bytes()),
            ("mod", module.go_mod()),
        ] {
            let url = format!("{}{}", stoa.url(), module.url_path(kind));
            let answer = http::get(&url).await.unwrap();
            assert_eq!(answer.status, 200, "{url}: {}", answer.text());
            assert!(answer.body == want, "{url}");
        }
    }
}
