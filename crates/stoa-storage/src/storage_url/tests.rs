//! Texts of configurations, and what they name.

use super::*;
use crate::object_place::Provider;
use crate::storage_mode::StorageMode;

fn url(text: &str) -> StorageUrl {
    text.parse().unwrap()
}

fn open(text: &str) -> String {
    let storage = url(text).place().open(StorageMode::Private).unwrap();
    storage.unwrap().to_string()
}

#[test]
fn opens_memory() {
    assert_eq!(open("memory:"), "memory(536870912)");
    assert_eq!(open("memory:?max=1GiB"), "memory(1073741824)");
    assert_eq!(open("memory:?max=100"), "memory(100)");
}

#[test]
fn opens_directories() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let text = format!("file://{}/a%20b", root.display());
    assert_eq!(open(&text), format!("disk({}/a b)", root.display()));
    for name in ["plain", "with,comma"] {
        let path = root.join(name);
        assert_eq!(open(path.to_str().unwrap()), format!("disk({})", path.display()));
    }
}

#[test]
fn a_directory_prints_as_a_url_that_reads_back() {
    for path in ["/home/you/.local/share/stoa", "/a b/50%?#,s3://x/\u{e9}"] {
        let made = StorageUrl::of_directory(Path::new(path));
        assert_eq!(made.directory(), Some(Path::new(path)));
        assert_eq!(url(&made.to_string()), made);
    }
}

#[test]
fn an_existing_directory_is_found_and_none_is_made() {
    let directory = tempfile::tempdir().unwrap();
    url(directory.path().to_str().unwrap()).check_existing().unwrap();
    url("memory:").check_existing().unwrap();
    let absent = directory.path().join("mistyped");
    for text in [
        absent.to_str().unwrap().to_owned(),
        format!("file://{}", absent.display()),
    ] {
        let error = url(&text).check_existing().unwrap_err();
        assert!(matches!(error, StorageError::Unavailable(_)), "{error:?}");
        let report = error.report().to_string();
        assert!(report.contains("cannot find /"), "{report}");
    }
    assert!(!absent.try_exists().unwrap());
}

#[test]
fn checks_a_directory_without_making_it() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::write(root.join("file"), "x").unwrap();
    url("memory:").check().unwrap();
    url("s3://bucket").check().unwrap();
    url(root.join("new/er").to_str().unwrap()).check().unwrap();
    url(&format!("file://{}", root.display())).check().unwrap();
    url("relative-and-absent").check().unwrap();
    assert_eq!(std::fs::read_dir(root).unwrap().count(), 1, "nothing was made");
    for bad in ["file", "file/below"] {
        let error = url(root.join(bad).to_str().unwrap()).check().unwrap_err();
        assert!(matches!(error, StorageError::Unavailable(_)), "{bad}: {error}");
    }
    let front = format!("file://{}/file?max=1GiB,s3://bucket", root.display());
    url(&front).check().unwrap_err();
}

#[test]
fn names_buckets_with_and_without_a_directory_before_them() {
    let bucket = url("s3://modules/go");
    assert!(matches!(bucket.place(), StoragePlace::Bucket(place) if place.base() == "s3://modules/go/"));
    assert_eq!((bucket.directory(), bucket.own_directory()), (None, None));
    for text in [
        "file:///var/cache/a%2Cb?max=50GiB,gs://modules",
        "file:///var/cache/a,b?max=50GiB, gs://modules",
    ] {
        let both = url(text);
        assert_eq!(both.front(), Some((Path::new("/var/cache/a,b"), 50 << 30)));
        assert_eq!(both.own_directory(), Some("/var/cache/a,b/.stoa".into()));
        assert!(matches!(both.place(), StoragePlace::Bucket(place) if place.provider == Provider::Google));
        assert_eq!(both.to_string(), text);
    }
}

#[test]
fn refuses_what_names_no_storage() {
    for (text, part) in [
        (
            "ftp://key:secret@host",
            "unknown scheme 'ftp:'; use file:///directory",
        ),
        ("s3://key:secret@bucket", "belong in storage_options"),
        ("memory:?max=lots", "as in 512MiB"),
        ("memory:?max=0", "as in 512MiB"),
        ("memory:?max=99999999999GiB", "as in 512MiB"),
        ("memory:x", "as in 512MiB"),
        ("file://host/dir", "no host"),
        ("file:dir", "absolute path"),
        ("file:///dir?x=1", "no options"),
        ("file:///a%2", "percent-encoded"),
        ("file:///a%00", "percent-encoded"),
        ("", "it is empty"),
        ("file:///a,s3://b", "with a bound"),
        ("file:///a?max=1PiB,s3://b", "with a bound"),
        ("/a,s3://b", "with a bound"),
        ("file:///a?max=1GiB,file:///b", "only a bucket"),
        ("https://user:secret@host/store", "belong in storage_options"),
        ("https://host/store?token=secret", "no query"),
        ("https://", "names no host"),
        ("mongodb://user:secret@host/athens", "belong in storage_options"),
        (
            "mongodb://host/athens?tlsCertificateKeyFilePassword=secret",
            "is a password",
        ),
        ("mongodb:///athens", "names no host"),
        ("mongodb://host/a/b", "one database"),
    ] {
        let refusal = text.parse::<StorageUrl>().unwrap_err().to_string();
        assert!(refusal.contains(part), "{text}: {refusal}");
        assert!(
            !refusal.contains("secret") && !refusal.contains('\n'),
            "{text}: {refusal}"
        );
    }
}

#[test]
fn names_servers_of_others_and_the_hosts_of_a_database() {
    let external = url("https://athens.example:8443/store/");
    assert!(
        matches!(external.place(), StoragePlace::External(place) if place.base() == "https://athens.example:8443/store")
    );
    assert_eq!((external.directory(), external.place().is_remote()), (None, true));
    let both = url("file:///var/cache?max=1GiB,http://127.0.0.1:80");
    assert_eq!(both.front(), Some((Path::new("/var/cache"), 1 << 30)));
    let hosts = "mongodb://h1:27017,h2:27018/modules?replicaSet=rs0";
    let StoragePlace::Mongo(place) = url(hosts).place().clone() else {
        panic!("no database");
    };
    assert_eq!((place.database(), place.to_string().as_str()), ("modules", hosts));
    assert_eq!(
        place.connection_string(Some(("a@b", "p:/%"))),
        "mongodb://a%40b:p%3A%2F%25@h1:27017,h2:27018/modules?replicaSet=rs0"
    );
    let plain = url("file:///c?max=1GiB,mongodb+srv://cluster.example");
    assert!(matches!(plain.place(), StoragePlace::Mongo(place) if place.database() == "athens"));
}
