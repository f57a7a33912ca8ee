//! `[peer]`.

use std::{fs, io::ErrorKind, path::PathBuf, time::Duration};

use stoa_config::{
    Key, Reader, Section, Table,
    values::{duration, path},
};
use stoa_peer::Secrets;
use stoa_registry::NodeId;

use super::{
    private_file::private_file,
    registry_node::{address_of, http_url},
};

const ADVERTISE: Key = Key::new(
    "advertise",
    "",
    "the URL at which the other nodes of the cluster reach this one; needed where there is a registry",
);
const ID: Key = Key::new(
    "id",
    "",
    "the name of this node, another one for each; default: the name of the machine",
);
const SECRET_FILE: Key = Key::new(
    "secret_file",
    "",
    "file with the secret that the nodes of the cluster share, 16 bytes or more; a second line is accepted too, to change it",
);
const WEIGHT: Key = Key::new(
    "weight",
    "1",
    "this node's share of the modules that are brought in, as against that of others; 0 for none",
);
const STORAGE: Key = Key::new(
    "storage",
    "own",
    "own: each node has a storage of its own, and asks others for what they have; shared: all have the same one",
);
const SILENCE: Key = Key::new(
    "silence",
    "2s",
    "a node that says nothing for so long is given up; it says something four times a second while it works",
);
const PATIENCE: Key = Key::new(
    "patience",
    "30s",
    "how long another node may work before its answer begins; one that used all of it in vain has 3 s for a while",
);

const PEER: Table = Table::once(
    "peer",
    &[ADVERTISE, ID, SECRET_FILE, WEIGHT, STORAGE, SILENCE, PATIENCE],
);

/// What to do about a secret that is none.
const REMEDY: &str =
    "make one for all nodes with umask 077; openssl rand -hex 32 > FILE, and copy the file to every node";

/// How the nodes of a cluster speak with one another.
#[derive(Clone, Debug)]
pub(crate) struct PeerConfig {
    pub(crate) advertise: Option<String>,
    pub(crate) id: Option<NodeId>,
    pub(crate) secret_file: Option<PathBuf>,
    pub(crate) weight: f64,
    pub(crate) has_one_storage: bool,
    pub(crate) silence: Duration,
    pub(crate) patience: Duration,
}

impl PeerConfig {
    /// The secrets of a file, which only its owner may read.
    pub(crate) fn read_secrets(file: &PathBuf) -> Result<Secrets, String> {
        private_file(file)?;
        let place = file.display();
        let bytes = fs::read(file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => format!("{place}: there is no such file: {REMEDY}"),
            ErrorKind::PermissionDenied => {
                format!("{place}: {error}: it has to belong to the user that runs stoa (chown, chmod 600)")
            }
            _ => format!("{place}: {error}"),
        })?;
        Secrets::parse_lines(&bytes).map_err(|error| format!("{place}: {error}: {REMEDY}"))
    }
}

impl Section for PeerConfig {
    const TABLES: &'static [Table] = &[PEER];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = reader.once(&PEER);
        let advertise = table.value(&ADVERTISE, |text| match text {
            "" => Ok(None),
            text => http_url(text).map(|url| Some(address_of(&url))),
        });
        let id = table.value(&ID, |text| match text {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|error: stoa_registry::NameError| error.to_string()),
        });
        let secret_file = table.value(&SECRET_FILE, |text| {
            let file = path(text).map_err(|error| error.to_string())?;
            if let Some(file) = &file {
                // What the server could not start with is no good configuration.
                Self::read_secrets(file)?;
            }
            Ok::<_, String>(file)
        });
        let weight = table.value(&WEIGHT, |text| match text.parse::<f64>() {
            Ok(weight) if (0.0..=1000.0).contains(&weight) => Ok(weight),
            _ => Err(format!("{text:?} is no weight: write a number from 0 to 1000")),
        });
        let has_one_storage = table.value(&STORAGE, |text| match text {
            "own" => Ok(false),
            "shared" => Ok(true),
            _ => Err(format!("bad storage {text:?}: write own or shared")),
        });
        let some_time = |text: &str| match duration(text)? {
            Duration::ZERO => Err("another node needs some time".to_owned()),
            time => Ok(time),
        };
        let silence = table.value(&SILENCE, some_time);
        let patience = table.value(&PATIENCE, some_time);
        Some(Self {
            advertise: advertise?,
            id: id?,
            secret_file: secret_file?,
            weight: weight?,
            has_one_storage: has_one_storage?,
            silence: silence?,
            patience: patience?,
        })
    }
}
