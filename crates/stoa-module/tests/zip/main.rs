//! Both checks of module zips against zips that are whole, damaged, unusual and hostile.

#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod create;
mod damage;
mod hostile;
mod limits;
mod packed;
mod raw;
mod shapes;

use std::io::Cursor;

use stoa_module::zip::{
    self, FileEntry, Level, StreamChecker, StreamVerdict, ZipError, ZipLimits, ZipSummary,
};
use stoa_module::{ModulePath, ModuleVersion, Version};

const PREFIX: &str = "example.com/m@v1.0.0/";

fn target() -> ModuleVersion {
    let path = ModulePath::parse("example.com/m").unwrap();
    ModuleVersion::new(path, Version::parse("v1.0.0").unwrap()).unwrap()
}

/// Checks a zip as it would arrive in pieces of a length.
fn stream_in(zip: &[u8], len: usize) -> Result<StreamVerdict, ZipError> {
    let mut checker = StreamChecker::new(&target(), ZipLimits::default());
    zip.chunks(len).try_for_each(|chunk| checker.write(chunk))?;
    checker.finish()
}

fn stream(zip: &[u8]) -> Result<StreamVerdict, ZipError> {
    stream_in(zip, 4096)
}

fn seek(zip: &[u8]) -> Result<ZipSummary, ZipError> {
    zip::check(Cursor::new(zip), &target(), &ZipLimits::default())
}

/// Creates a zip of regular files.
fn create(files: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<_> = files
        .iter()
        .map(|(path, content)| FileEntry::regular(*path, content.len() as u64))
        .collect();
    let mut contents = files.iter().map(|(_, content)| *content);
    let mut out = Vec::new();
    let go_mod = files
        .iter()
        .find(|(path, _)| *path == "go.mod")
        .map(|(_, content)| *content);
    zip::create(&mut out, &target(), &entries, go_mod, Level::default(), |_| {
        Ok(contents.next().unwrap())
    })
    .unwrap();
    out
}

fn sample() -> Vec<u8> {
    create(&[
        ("go.mod", b"module example.com/m\n\ngo 1.21\n"),
        ("a/b.go", b"package a\n\nfunc B() {}\n"),
        ("\u{e9}.txt", b""),
    ])
}
