//! A database in memory.

use stoa_module::ModuleVersion;
use stoa_module::dirhash::{H1, go_mod_h1};
use stoa_sumdb::{
    KeyName, MemoryLog, Record, RecordId, RecordText, RemotePath, SignedNote, Signer, Tile, TileLevel,
    TreeHead, TreeSize, VerifierKey,
};

use crate::numbered;

/// Signs what it has, honest or not.
pub(crate) struct Database {
    signer: Signer,
    log: MemoryLog,
    records: Vec<(ModuleVersion, String)>,
    /// How many records its head has.
    pub(crate) size: u64,
}

/// What the tests take for the hash of a module's zip.
pub(crate) fn zip_h1(module: &ModuleVersion) -> H1 {
    go_mod_h1(module.to_string().as_bytes())
}

/// What the tests take for the hash of a module's go.mod file.
pub(crate) fn mod_h1(module: &ModuleVersion) -> H1 {
    go_mod_h1(module.path().as_str().as_bytes())
}

/// The record an honest database has of a module.
pub(crate) fn record_of(module: &ModuleVersion) -> String {
    let (path, version) = (module.path(), module.version());
    let (zip, go_mod) = (zip_h1(module), mod_h1(module));
    format!("{path} {version} {zip}\n{path} {version}/go.mod {go_mod}\n")
}

impl Database {
    /// A database of this many numbered modules.
    pub(crate) fn with_records(count: usize) -> Self {
        let name = KeyName::new("sum.example.com/db").expect("a name");
        let mut database = Self {
            signer: Signer::from_seed(name, &[1; 32]),
            log: MemoryLog::new(),
            records: Vec::new(),
            size: 0,
        };
        database.grow(count);
        database
    }

    /// Adds numbered modules up to this many records.
    pub(crate) fn grow(&mut self, count: usize) {
        for number in self.records.len()..count {
            let module = numbered(number);
            let text = record_of(&module);
            self.add(module, text);
        }
    }

    pub(crate) fn add(&mut self, module: ModuleVersion, text: String) {
        self.log.append(text.as_bytes());
        self.records.push((module, text));
        self.size = self.records.len() as u64;
    }

    pub(crate) fn key(&self) -> VerifierKey {
        self.signer.verifier_key()
    }

    pub(crate) fn head(&self) -> TreeHead {
        let size = TreeSize::new(self.size).expect("a size");
        self.log.head_at(size).expect("a head")
    }

    pub(crate) fn signed_head(&self) -> String {
        self.sign(&self.head().to_text())
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        SignedNote::sign(text, &[&self.signer]).expect("a text")
    }

    /// A lookup's answer with this content under this number.
    pub(crate) fn lookup_answer(&self, id: i64, text: &str) -> Vec<u8> {
        let text = RecordText::new(text.as_bytes()).expect("a record");
        let id = RecordId::new(id);
        format!("{}{}", Record { id, text }, self.signed_head()).into_bytes()
    }

    fn records_of(&self, tile: Tile) -> Option<Vec<u8>> {
        let first = usize::try_from(tile.number() << tile.height().get()).ok()?;
        let records = self.records.get(first..first.checked_add(tile.width())?)?;
        let text: String = records.iter().flat_map(|(_, text)| [text, "\n"]).collect();
        Some(text.into_bytes())
    }

    /// What it answers when it is honest; `None` if there is no such thing.
    pub(crate) fn answer(&self, path: &RemotePath) -> Option<Vec<u8>> {
        match path {
            RemotePath::Latest => Some(self.signed_head().into_bytes()),
            RemotePath::Lookup(module) => {
                let id = self.records.iter().position(|(known, _)| known == module)?;
                let text = &self.records[id].1;
                Some(self.lookup_answer(i64::try_from(id).ok()?, text))
            }
            RemotePath::Tile(tile) if tile.level() == TileLevel::Data => self.records_of(*tile),
            RemotePath::Tile(tile) => tile.read(&self.log).ok(),
        }
    }
}
