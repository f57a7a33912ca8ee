//! What is in a zip, read by another reader than the one that wrote it.

use std::io::Read as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

/// The name of each entry, escaped if it is not UTF-8, and the SHA-256 of its content in hexadecimal digits, in the order of
/// the zip.
pub fn unzip(bytes: &[u8]) -> Vec<(String, String)> {
    let archive = rawzip::ZipArchive::from_slice(bytes).unwrap();
    let mut entries = Vec::new();
    let mut records = archive.entries();
    while let Some(record) = records.next_entry().unwrap() {
        let name = readable(record.file_path().as_ref());
        let entry = archive.get_entry(record.wayfinder()).unwrap();
        let mut content = Vec::new();
        match record.compression_method() {
            rawzip::CompressionMethod::STORE => content.extend_from_slice(entry.data()),
            _ => {
                flate2::read::DeflateDecoder::new(entry.data())
                    .read_to_end(&mut content)
                    .unwrap();
            }
        }
        entries.push((name, hex(&Sha256::digest(&content))));
    }
    entries
}

/// A name as [`unzip`] shows it.
pub fn readable(name: &[u8]) -> String {
    std::str::from_utf8(name).map_or_else(|_| name.escape_ascii().to_string(), str::to_owned)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// `Hash1` of `golang.org/x/mod/sumdb/dirhash` over such entries, computed here once more.
pub fn h1(entries: &[(String, String)]) -> String {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort();
    let lines = entries.iter().fold(String::new(), |text, (name, sum)| {
        text + &format!("{sum}  {name}\n")
    });
    format!("h1:{}", BASE64_STANDARD.encode(Sha256::digest(lines)))
}
