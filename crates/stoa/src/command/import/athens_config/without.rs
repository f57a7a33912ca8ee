//! Keys of Athens that become nothing.

/// Keys that have nothing to become, and why.
pub(super) const WITHOUT: &[(&str, &str)] = &[
    ("GoBinary", "needs nothing: stoa runs no go command"),
    ("GoEnv", "needs nothing"),
    (
        "GoGetDir",
        "needs nothing: stoa fetches without a GOPATH; repositories are kept in vcs.cache",
    ),
    (
        "CloudRuntime",
        "needs nothing: log.format = \"json\" is read by Google Cloud",
    ),
    ("EnablePprof", "there is nothing like it"),
    ("PprofPort", "there is nothing like it"),
    (
        "FilterFile",
        "filter files are not read in this version: send what is to be refused to nobody ([[route]] match = \"...\", upstream = \"off\")",
    ),
    ("RobotsFile", "needs nothing: stoa lets no robot in"),
    (
        "Timeout",
        "needs nothing: each phase of a fetch has a bound of its own ([fetch])",
    ),
    ("GlobalEndpoint", "needs nothing without a filter file"),
    (
        "BasicAuthUser",
        "passwords of clients are not asked for in this version: put a reverse proxy in front",
    ),
    (
        "BasicAuthPass",
        "passwords of clients are not asked for in this version: put a reverse proxy in front",
    ),
    ("HomeTemplatePath", "there is nothing like it"),
    (
        "ForceSSL",
        "there is nothing like it: have the proxy in front redirect",
    ),
    ("ValidatorHook", "hooks are not asked in this version"),
    (
        "NETRCPath",
        "passwords are named one by one: a [[credential]] with url, username and password_file for each machine",
    ),
    (
        "HGRCPath",
        "the settings of a user's Mercurial are not read: a [[credential]] for each host",
    ),
    (
        "GithubToken",
        "write it into a file, and add [[credential]] url = \"https://github.com\", username = \"git\", password_file = \"FILE\"",
    ),
    ("TraceExporter", "traces are not exported in this version"),
    ("TraceExporterURL", "traces are not exported in this version"),
    ("TraceSamplingFraction", "traces are not exported in this version"),
    (
        "StatsExporter",
        "needs nothing: /metrics is there for who has the admin token (metrics.public = true opens it); its metrics are called otherwise",
    ),
    (
        "SingleFlightType",
        "needs nothing: servers with one bucket never overwrite one another, and with a [registry] each module is fetched once, without locks",
    ),
    (
        "SingleFlight.Etcd.Endpoints",
        "for a cluster: registry.backend = \"etcd\" with these registry.endpoints, and [peer]",
    ),
    (
        "SingleFlight.Redis.Endpoint",
        "for a cluster: registry.backend = \"redis\" with this in registry.endpoints, and [peer]",
    ),
    (
        "SingleFlight.RedisSentinel.Endpoints",
        "jobs.store knows sentinels (redis+sentinel://); for a cluster name the Redis in registry.endpoints",
    ),
    ("Storage.CDN.Endpoint", "Athens does not read it either"),
    ("Storage.GCP.ProjectID", "needs nothing"),
    (
        "Storage.Mongo.DefaultCollectionName",
        "Athens' default (modules) is what is read",
    ),
    ("Storage.Mongo.CertPath", "name it in the URL: tlsCAFile"),
    (
        "Storage.Mongo.InsecureConn",
        "certificates are verified; tlsInsecure=true in the URL ends that",
    ),
    (
        "Storage.Mongo.Insecure",
        "Athens does not read it (it is InsecureConn)",
    ),
    (
        "Storage.AzureBlob.ManagedIdentityResourceId",
        "needs nothing: without a key, stoa uses the identity of the machine (AZURE_CLIENT_ID names one of several)",
    ),
    ("Storage.AzureBlob.CredentialScope", "needs nothing"),
    ("Index.MySQL.Protocol", "needs nothing: it is TCP"),
    ("Index.MySQL.Params", "needs nothing"),
    (
        "Index.Postgres.Params",
        "needs nothing; ?tls=on or ?tls=off at the end of index.store",
    ),
];
