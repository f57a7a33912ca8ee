//! The database server of Go, as far as its answers go.

use std::collections::HashMap;

use stoa_sumdb::{
    MemoryLog, Record, RecordId, RecordText, RemotePath, RemotePathError, Tile, TileHeight, TileLevel,
};

/// An answer: status, media type and body.
pub(crate) type Answer = (u64, &'static str, Vec<u8>);

/// A database of some records that signed one head.
pub(crate) struct Server {
    head: Vec<u8>,
    pub(crate) log: MemoryLog,
    records: Vec<RecordText>,
    /// Where the record of a module is, by the start of its first line.
    ids: HashMap<String, RecordId>,
}

impl Server {
    pub(crate) fn new(head: Vec<u8>, records: Vec<RecordText>) -> Self {
        let mut log = MemoryLog::new();
        let mut ids = HashMap::new();
        for record in &records {
            let id = log.append(record.as_str().as_bytes());
            let fields: Vec<&str> = record.as_str().split(' ').collect();
            ids.insert(format!("{}@{}", fields[0], fields[1]), id);
        }
        Self {
            head,
            log,
            records,
            ids,
        }
    }

    pub(crate) fn answer(&self, path: &str) -> Answer {
        let body = path.parse().map(|path: RemotePath| (self.body(&path), path));
        match body {
            Ok((Some(body), path)) => (200, path.content_type(), body),
            Ok((None, _)) => refusal(404, "file does not exist"),
            Err(error @ RemotePathError::Unknown) => refusal(404, &error.to_string()),
            Err(error @ (RemotePathError::Lookup | RemotePathError::Tile)) => {
                refusal(400, &error.to_string())
            }
            Err(error) => refusal(500, &error.to_string()),
        }
    }

    fn body(&self, path: &RemotePath) -> Option<Vec<u8>> {
        match path {
            RemotePath::Latest => Some(self.head.clone()),
            RemotePath::Lookup(module) => {
                let &id = self.ids.get(&module.to_string())?;
                let text = self.record(id.get())?.clone();
                Some([Record { id, text }.to_string().as_bytes(), &self.head].concat())
            }
            RemotePath::Tile(tile) if tile.level() == TileLevel::Data => self.records_of(*tile),
            RemotePath::Tile(tile) => tile.read(&self.log).ok(),
        }
    }

    fn records_of(&self, tile: Tile) -> Option<Vec<u8>> {
        let full = TileHeight::SUMDB.full_width() as u64;
        let start = i64::try_from(tile.number() * full).ok()?;
        let mut data = Vec::new();
        for id in (start..).take(tile.width()) {
            data.extend_from_slice(self.record(id)?.as_str().as_bytes());
            data.push(b'\n');
        }
        Some(data)
    }

    fn record(&self, id: i64) -> Option<&RecordText> {
        self.records.get(usize::try_from(id).ok()?)
    }
}

fn refusal(status: u64, message: &str) -> Answer {
    let body = format!("{message}\n").into_bytes();
    (status, "text/plain; charset=utf-8", body)
}
