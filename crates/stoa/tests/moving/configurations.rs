//! `stoa import athens-config`.

use std::fs;

use stoa_testing::process::{Finished, run};

use crate::STOA;

/// Much of what Athens' own config.dev.toml says.
const DEFAULT: &str = r#"
GoBinary = "go"
GoEnv = "development"
GoBinaryEnvVars = ["GOPROXY=https://proxy.example|direct", "GODEBUG=true"]
GoGetWorkers = 10
GoGetDir = ""
ProtocolWorkers = 30
LogLevel = "debug"
LogFormat = "plain"
CloudRuntime = "none"
EnablePprof = false
PprofPort = ":3001"
FilterFile = ""
RobotsFile = "robots.txt"
Timeout = 300
StorageType = "memory"
TLSCertFile = ""
Port = ":3000"
GlobalEndpoint = "http://localhost:3001"
BasicAuthUser = ""
ForceSSL = false
ValidatorHook = ""
PathPrefix = "/go"
NETRCPath = ""
TraceExporter = ""
StatsExporter = "prometheus"
SumDBs = ["https://sum.golang.org"]
NoSumPatterns = ["corp.example/*", "git.example"]
DownloadMode = "sync"
NetworkMode = "strict"
DownloadURL = ""
SingleFlightType = "memory"
IndexType = "none"
ShutdownTimeout = 60
StashTimeout = 600
[SingleFlight.Etcd]
Endpoints = "localhost:2379"
[SingleFlight.Redis.LockConfig]
TTL = 900
[Storage.CDN]
Endpoint = "cdn.example.com"
[Storage.Disk]
RootPath = "/path/on/disk"
[Storage.S3]
Region = "MY_AWS_REGION"
Bucket = "MY_S3_BUCKET_NAME"
[Index.MySQL.Params]
parseTime = "true"
"#;

const S3: &str = r#"
StorageType = "s3"
SingleFlightType = "etcd"
DownloadMode = "async"
NetworkMode = "fallback"
[Storage.S3]
Region = "eu-central-1"
Key = "stoa"
Secret = "hunter2"
Bucket = "modules"
Endpoint = "http://minio.example:9000"
ForcePathStyle = true
[SingleFlight.Etcd]
Endpoints = "etcd1:2379"
"#;

const AZURE: &str = r#"
StorageType = "azureblob"
IndexType = "mysql"
Port = "8080"
[Storage.AzureBlob]
AccountName = "account"
AccountKey = "hunter2"
ContainerName = "modules"
[Index.MySQL]
Host = "db.example"
User = "athens"
Password = "hunter2"
Database = "athens"
"#;

/// Translates, and has the result checked by the binary itself.
fn translate(file: Option<&str>, environment: &[(&str, &str)]) -> (Finished, String) {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (
        directory.path().join("config.toml"),
        directory.path().join("stoa.toml"),
    );
    let mut arguments = vec!["import", "athens-config"];
    if let Some(file) = file {
        fs::write(&from, file).unwrap();
        arguments.push(from.to_str().unwrap());
    }
    arguments.extend(["-o", to.to_str().unwrap()]);
    let done = run(STOA, &arguments, environment);
    assert_eq!(done.code, Some(0), "{done:?}");
    let toml = fs::read_to_string(&to).unwrap();
    // What others must not change is left as it is.
    let again = run(STOA, &arguments, environment);
    assert_eq!(again.code, Some(1), "{again:?}");
    // A file of the storage is made where the test may.
    let here = toml.replace("/var/lib/stoa", directory.path().join("stored").to_str().unwrap());
    fs::write(&to, &here).unwrap();
    let home = directory.path().to_str().unwrap();
    let checked = run(
        STOA,
        &["config", "check", "--config", to.to_str().unwrap()],
        &[("HOME", home)],
    );
    assert_eq!(checked.code, Some(0), "{checked:?}\n{toml}");
    assert!(
        !(done.stderr.clone() + &toml).contains("hunter2"),
        "{done:?}\n{toml}"
    );
    (done, toml)
}

#[test]
fn configurations_of_athens_mean_the_same_here() {
    let (said, toml) = translate(Some(DEFAULT), &[]);
    for line in [
        "storage = \"memory:\"",
        "listen = \":3000\"",
        "path_prefix = \"/go\"",
        "upstream = \"https://proxy.example|direct\"",
        "private = \"corp.example/*,git.example\"",
        "fetches = 10",
        "timeout = \"60s\"",
        "total_timeout = \"600s\"",
        "level = \"debug\"",
    ] {
        assert!(toml.contains(line), "{line} in\n{toml}");
    }
    // Something is said of each key that has a value.
    for key in [
        "GoBinary",
        "StatsExporter",
        "SumDBs",
        "Storage.CDN.Endpoint",
        "SingleFlightType",
    ] {
        assert!(
            said.stderr.contains(&format!("{key}: ")),
            "{key} in\n{}",
            said.stderr
        );
    }
    let (said, toml) = translate(Some(S3), &[]);
    for line in [
        "storage = \"s3://modules/stoa\"",
        "endpoint = \"http://minio.example:9000\"",
        "allow_http = true",
        "path_style = \"true\"",
        "access_key_id = \"stoa\"",
        "# secret_key_file = ",
        "network = \"fallback\"",
        "mode = \"async\"",
    ] {
        assert!(toml.contains(line), "{line} in\n{toml}");
    }
    assert!(
        said.stderr.contains("stoa import athens s3://modules"),
        "{}",
        said.stderr
    );
    let (_, toml) = translate(Some(AZURE), &[]);
    for line in [
        "storage = \"az://modules/stoa\"",
        "store = \"mysql://athens@db.example:3306/athens\"",
        "# password_file = ",
        "listen = \":8080\"",
    ] {
        assert!(toml.contains(line), "{line} in\n{toml}");
    }
    let environment = [
        ("ATHENS_STORAGE_TYPE", "disk"),
        ("ATHENS_DISK_STORAGE_ROOT", "/srv/athens"),
        (
            "ATHENS_GO_BINARY_ENV_VARS",
            "GOPROXY=https://a.example,direct;GOPRIVATE=corp.example",
        ),
        ("ATHENS_NETWORK_MODE", "offline"),
        ("PORT", "9000"),
    ];
    let (said, toml) = translate(None, &environment);
    for line in [
        "storage = \"file:///var/lib/stoa\"",
        "upstream = \"https://a.example,direct\"",
        "private = \"corp.example\"",
        "network = \"offline\"",
        "listen = \":9000\"",
    ] {
        assert!(toml.contains(line), "{line} in\n{toml}");
    }
    assert!(
        said.stderr.contains("stoa import athens /srv/athens"),
        "{}",
        said.stderr
    );
}

#[test]
fn what_is_no_toml_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    fs::write(&file, "Port = ").unwrap();
    let done = run(STOA, &["import", "athens-config", file.to_str().unwrap()], &[]);
    assert_eq!(done.code, Some(64), "{done:?}");
    let missing = run(STOA, &["import", "athens-config", "/nowhere.toml"], &[]);
    assert_eq!(missing.code, Some(1), "{missing:?}");
}
