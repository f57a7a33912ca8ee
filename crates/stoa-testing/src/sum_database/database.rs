//! What a database knows, and what it says.

use stoa_sumdb::{
    KeyName, MemoryLog, Record, RecordId, RecordText, RemotePath, RemotePathError, SignedNote, Signer, Tile,
    TileLevel, TreeSize, VerifierKey,
};

use super::SumMisbehavior;
use crate::reply::Reply;

#[derive(Debug)]
pub(super) struct Database {
    signer: Signer,
    log: MemoryLog,
    /// Modules as `path@version`, and their records. A record of no module has an empty name.
    records: Vec<(String, RecordText)>,
    misbehavior: Option<SumMisbehavior>,
}

impl Database {
    pub(super) fn new(name: &str) -> Self {
        let name = KeyName::new(name).expect("a name of a key");
        Self {
            signer: Signer::from_seed(name, &[7; 32]),
            log: MemoryLog::new(),
            records: Vec::new(),
            misbehavior: None,
        }
    }

    pub(super) fn key(&self) -> VerifierKey {
        self.signer.verifier_key()
    }

    pub(super) fn size(&self) -> u64 {
        self.log.size().get()
    }

    pub(super) fn record(&mut self, path: &str, version: &str, lines: &str) {
        let name = format!("{path}@{version}");
        assert!(self.find(&name).is_none(), "{name} is recorded already");
        self.append(name, lines);
    }

    pub(super) fn fail(&mut self, misbehavior: SumMisbehavior) {
        if misbehavior == SumMisbehavior::EmptyRecords && self.find("").is_none() {
            self.append(String::new(), "\n");
        }
        self.misbehavior = Some(misbehavior);
    }

    pub(super) fn recover(&mut self) {
        self.misbehavior = None;
    }

    fn append(&mut self, name: String, text: &str) {
        let text = RecordText::new(text.as_bytes()).expect("lines of a record");
        self.log.append(text.as_str().as_bytes());
        self.records.push((name, text));
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.records.iter().position(|(known, _)| known == name)
    }

    /// Statuses and texts are those of Go's own server (`sumdb.Server`).
    pub(super) fn answer(&self, path: &str) -> Reply {
        match self.misbehavior {
            Some(SumMisbehavior::Fails) => return Reply::text(500, "the database is out of order\n"),
            Some(SumMisbehavior::Hangs) => return Reply::Hang,
            Some(SumMisbehavior::KnowsNothing) => return Reply::text(404, "not found: nothing is known\n"),
            _ => {}
        }
        let path: RemotePath = match path.parse() {
            Ok(path) => path,
            Err(error) => {
                let code = match error {
                    RemotePathError::Unknown => 404,
                    RemotePathError::Lookup | RemotePathError::Tile => 400,
                    _ => 500,
                };
                return Reply::text(code, &format!("{error}\n"));
            }
        };
        match self.body(&path) {
            Some(body) => Reply::Ok {
                content_type: path.content_type().to_owned(),
                body: body.into(),
            },
            None => Reply::text(404, &format!("not found: {path}: file does not exist\n")),
        }
    }

    fn body(&self, path: &RemotePath) -> Option<Vec<u8>> {
        match path {
            RemotePath::Latest => Some(self.head().into_bytes()),
            RemotePath::Lookup(module) => self.lookup(&module.to_string()),
            RemotePath::Tile(tile) => self.tile(*tile),
        }
    }

    /// The signed head.
    fn head(&self) -> String {
        let (log, size) = match self.misbehavior {
            Some(SumMisbehavior::RolledBack(size)) => (None, size),
            Some(SumMisbehavior::Forked) => (Some(self.fork()), self.size()),
            _ => (None, self.size()),
        };
        let size = TreeSize::new(size).expect("a size of a tree");
        let head = log.as_ref().unwrap_or(&self.log).head_at(size);
        let text = head.expect("no more records than there are").to_text();
        SignedNote::sign(&text, &[&self.signer]).expect("a text that can be signed")
    }

    /// Another log with nearly the same records.
    fn fork(&self) -> MemoryLog {
        let mut log = MemoryLog::new();
        for (number, (_, text)) in self.records.iter().enumerate() {
            let other = format!("{} ", text.as_str());
            let text = if number == 0 { &other } else { text.as_str() };
            log.append(text.as_bytes());
        }
        log
    }

    fn lookup(&self, name: &str) -> Option<Vec<u8>> {
        let mut position = self.find(name)?;
        match self.misbehavior {
            Some(SumMisbehavior::EmptyLookups) => return Some(Vec::new()),
            Some(SumMisbehavior::EmptyRecords) => position = self.find("")?,
            Some(SumMisbehavior::ForeignRecords) => {
                let is_foreign = |(known, _): &(String, RecordText)| known != name && !known.is_empty();
                position = self.records.iter().position(is_foreign)?;
            }
            _ => {}
        }
        let mut text = self.records[position].1.clone();
        if self.misbehavior == Some(SumMisbehavior::TamperedRecords) {
            text = RecordText::new(tampered(text.as_str()).as_bytes()).expect("lines of a record");
        }
        let id = RecordId::new(i64::try_from(position).ok()?);
        Some(format!("{}{}", Record { id, text }, self.head()).into_bytes())
    }

    fn tile(&self, tile: Tile) -> Option<Vec<u8>> {
        let mut data = match tile.level() {
            TileLevel::Data => self.records_of(tile)?,
            TileLevel::Hashes(_) if self.misbehavior == Some(SumMisbehavior::Forked) => {
                tile.read(&self.fork()).ok()?
            }
            TileLevel::Hashes(_) => tile.read(&self.log).ok()?,
        };
        if self.misbehavior == Some(SumMisbehavior::TamperedTiles)
            && let Some(byte) = data.first_mut()
        {
            *byte ^= 1;
        }
        Some(data)
    }

    fn records_of(&self, tile: Tile) -> Option<Vec<u8>> {
        let first = usize::try_from(tile.number().checked_mul(1 << tile.height().get())?).ok()?;
        let records = self.records.get(first..first.checked_add(tile.width())?)?;
        let texts: String = records
            .iter()
            .flat_map(|(_, text)| [text.as_str(), "\n"])
            .collect();
        Some(texts.into_bytes())
    }
}

/// The lines with another first hash.
fn tampered(lines: &str) -> String {
    let at = lines.find(" h1:").expect("a hash in the record") + " h1:".len();
    let other = if lines[at..].starts_with('A') { "B" } else { "A" };
    [&lines[..at], other, &lines[at + 1..]].concat()
}
