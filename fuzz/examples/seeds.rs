//! Writes what the fuzz targets begin with into a folder: zips, notes and records made here, and the inputs of Go's own
//! tests where STOA_VECTORS says where they are.
//!
//! Targets of several arguments take the bytes of the last as they are, and the small ones before it from the end
//! (`arbitrary`), so that a few bytes are put behind.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;
use stoa_module::zip::{FileEntry, Level, create};
use stoa_module::{ModulePath, ModuleVersion, Version};
use stoa_sumdb::{KeyName, MemoryLog, RecordId, RecordProof, SignedNote, Signer};

struct Seeds(PathBuf);

impl Seeds {
    fn put(&self, target: &str, name: &str, bytes: &[u8]) {
        let folder = self.0.join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("seed-{name}")), bytes).unwrap();
    }

    /// Puts a field of every entry of a list in one of the vectors.
    fn put_all(&self, vectors: &Path, file: &str, list: &str, field: &str, target: &str, behind: &[u8]) {
        let text = fs::read_to_string(vectors.join(file)).unwrap();
        let vectors: Value = serde_json::from_str(&text).unwrap();
        for (index, case) in vectors[list].as_array().unwrap().iter().enumerate() {
            if let Some(text) = case[field].as_str() {
                let bytes = [text.as_bytes(), behind].concat();
                self.put(target, &format!("{list}-{index}"), &bytes);
            }
        }
    }
}

fn main() {
    let seeds = Seeds(env::args().nth(1).expect("a folder").into());
    seeds.put("zip_read", "good", &[zip(), vec![64]].concat());
    seeds.put("tar", "good", &[tar(), vec![1]].concat());
    let hash = "1".repeat(40);
    let refs = format!("{hash}\tHEAD\n{hash}\trefs/tags/v1.0.0\n{hash}\trefs/tags/v1.0.0^{{}}\n");
    let commit = format!("tree {hash}\nauthor A <a> 1 +0000\ncommitter C <c> 1 +0000\n\nx\n");
    let tree = [b"100644 go.mod\0".as_slice(), &[7; 20]].concat();
    for (name, bytes) in [("refs", refs.as_bytes()), ("commit", commit.as_bytes()), ("tree", &tree)] {
        seeds.put("git_output", name, bytes);
    }
    let signer = Signer::from_seed(KeyName::new("example.com/log").unwrap(), &[7; 32]);
    let mut log = MemoryLog::new();
    for index in 0..20_u64 {
        log.append(&index.to_le_bytes());
    }
    let head = log.head_at(log.size()).unwrap().to_text();
    let note = SignedNote::sign(&head, &[&signer]).unwrap();
    seeds.put("notes", "head", &[note.as_bytes(), &[0]].concat());
    let proof = RecordProof::prove(log.size(), RecordId::new(5), &log).unwrap();
    let proof: Vec<u8> = proof.hashes().iter().flat_map(|hash| *hash.as_bytes()).collect();
    seeds.put("tlog", "proof", &[proof, vec![19, 5]].concat());
    let record = format!("5\nexample.com/m v1.0.0 h1:x\n\n{note}");
    for (name, text) in [("record", record.as_str()), ("tile", "tile/8/0/x001/002.p/3"), ("path", "/lookup/a.b/c@v1.0.0")] {
        seeds.put("tlog", name, &[text.as_bytes(), &[19, 5]].concat());
    }
    let info = br#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05.5Z","origin":{"VCS":"git","URL":"\u0068","TagSum":null}}"#;
    seeds.put("info", "info", info);
    if let Some(vectors) = env::var_os("STOA_VECTORS").map(PathBuf::from) {
        seeds.put_all(&vectors, "modfile.json", "module_path", "gomod", "modfile", b"");
        seeds.put_all(&vectors, "modfile.json", "parse_lax", "gomod", "modfile", b"");
        seeds.put_all(&vectors, "vcs_discovery.json", "parse_meta", "html", "go_import", b"");
        seeds.put_all(&vectors, "module_paths.json", "cases", "path", "names", b"");
        seeds.put_all(&vectors, "module_versions.json", "cases", "version", "versions", b"");
        seeds.put_all(&vectors, "note.json", "open", "msg", "notes", &[0]);
    }
}

fn zip() -> Vec<u8> {
    let target = ModuleVersion::new(
        ModulePath::parse("example.com/m").unwrap(),
        Version::parse("v1.0.0").unwrap(),
    );
    let contents = [("go.mod", "module example.com/m\n"), ("x/x.go", "package x\n")];
    let files = contents.map(|(path, text)| FileEntry::regular(path, text.len() as u64));
    let content = |entry: &FileEntry| {
        let found = contents.iter().find(|(path, _)| path.as_bytes() == entry.path);
        Ok(found.unwrap().1.as_bytes())
    };
    let mut zip = Vec::new();
    create(&mut zip, &target.unwrap(), &files, None, Level::default(), content).unwrap();
    zip
}

/// A file of five bytes.
fn tar() -> Vec<u8> {
    let mut tar = vec![0; 2048];
    tar[..6].copy_from_slice(b"go.mod");
    tar[124..135].copy_from_slice(b"00000000005");
    tar[156] = b'0';
    tar[257..263].copy_from_slice(b"ustar\0");
    tar[512..517].copy_from_slice(b"hello");
    stoa_vcs::fuzzing::tar::mend(&mut tar[..512]);
    tar
}
