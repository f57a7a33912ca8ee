//! A file that is being downloaded.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    mem,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{digest::feed, sniff::SNIFFED, validator::Validator};
use crate::hex::hex;

/// After how many bytes the control file is written again: so many are downloaded once more after a crash.
const RECORD_EVERY: u64 = 4 << 20;
/// The longest control file that is read.
const LONGEST_CONTROL: u64 = 64 * 1_024;

/// What the control file says of the partial file beside it. It holds no URL, which may have secrets, but the fingerprint of
/// what was asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Control {
    schema: u16,
    fingerprint: String,
    validator: Validator,
    #[serde(default)]
    total: Option<u64>,
    length: u64,
    /// The digest of the first `length` bytes. It is what makes it safe to go on after a crash: bytes that did not reach the
    /// disk are found out.
    sha256: String,
}

const SCHEMA: u16 = 1;

/// A file that is being downloaded, and the control file from which another run goes on with it.
///
/// The run that has opened it holds its lock until it is dropped, and while it does so the name belongs to this file: nobody
/// else writes to it, moves it or removes it. Dropping it writes the control file, or removes both files if nothing could go
/// on from them. All calls may block.
#[derive(Debug)]
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    /// None for a file of one run alone, which no other run goes on with.
    control: Option<PathBuf>,
    fingerprint: String,
    validator: Option<Validator>,
    total: Option<u64>,
    length: u64,
    digest: Sha256,
    head: Vec<u8>,
    recorded: u64,
    is_kept: bool,
}

impl Partial {
    /// Opens the file at `path` if nobody else has it open; none if somebody has. It keeps what an earlier run has left in it,
    /// if that was asked for by the same fingerprint and can be gone on from.
    pub(super) fn open(path: &Path, control: Option<PathBuf>, fingerprint: &str) -> io::Result<Option<Self>> {
        let Some(file) = lock(path, true)? else {
            return Ok(None);
        };
        let mut partial = Self {
            file,
            path: path.to_owned(),
            control,
            fingerprint: fingerprint.to_owned(),
            validator: None,
            total: None,
            length: 0,
            digest: Sha256::new(),
            head: Vec::new(),
            recorded: 0,
            is_kept: true,
        };
        if let Some(control) = partial.read_control() {
            partial.take_up(control)?;
        }
        if partial.length == 0 {
            partial.begin(None, None)?;
        }
        Ok(Some(partial))
    }

    fn read_control(&self) -> Option<Control> {
        let mut text = Vec::new();
        let file = File::open(self.control.as_ref()?).ok()?;
        file.take(LONGEST_CONTROL).read_to_end(&mut text).ok()?;
        let control: Control = serde_json::from_slice(&text).ok()?;
        let is_ours = control.schema == SCHEMA && control.fingerprint == self.fingerprint;
        is_ours.then_some(control)
    }

    /// Takes up what is in the file, if it is what the control file says. Of a whole file the last byte is asked for again:
    /// so the server says whether it is still the same content.
    fn take_up(&mut self, control: Control) -> io::Result<()> {
        if self.file.metadata()?.len() < control.length
            || control.total.is_some_and(|total| total < control.length)
        {
            return Ok(());
        }
        let length = match control.total {
            Some(total) => control.length.min(total.saturating_sub(1)),
            None => control.length,
        };
        self.file.seek(SeekFrom::Start(0))?;
        let mut digest = Sha256::new();
        let mut file = (&self.file).take(length);
        file.by_ref().take(SNIFFED as u64).read_to_end(&mut self.head)?;
        digest.update(&self.head);
        feed(&mut digest, &mut file)?;
        let taken = digest.clone();
        feed(&mut digest, &mut (&self.file).take(control.length - length))?;
        if hex(&digest.finalize()) != control.sha256 {
            self.head.clear();
            return Ok(());
        }
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length))?;
        (self.validator, self.total) = (Some(control.validator), control.total);
        (self.length, self.digest) = (length, taken);
        Ok(())
    }

    /// Begins anew with content of this length that this validator belongs to.
    pub(super) fn begin(&mut self, validator: Option<Validator>, total: Option<u64>) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        (self.validator, self.total) = (validator, total);
        (self.length, self.recorded) = (0, 0);
        self.digest = Sha256::new();
        self.head.clear();
        self.remove_control();
        Ok(())
    }

    /// The content has this length altogether.
    pub(super) fn expect(&mut self, total: u64) {
        self.total = Some(total);
    }

    /// Writes what has come.
    pub(super) fn append(&mut self, parts: &[Bytes]) -> io::Result<()> {
        for part in parts {
            self.file.write_all(part)?;
            self.digest.update(part);
            let missing = SNIFFED.saturating_sub(self.head.len()).min(part.len());
            self.head.extend_from_slice(&part[..missing]);
            self.length += part.len() as u64;
        }
        if self.length - self.recorded >= RECORD_EVERY {
            self.record();
        }
        Ok(())
    }

    /// Writes the control file. If that fails, as on a full disk, the older one still holds.
    fn record(&mut self) {
        let (Some(path), Some(validator)) = (&self.control, &self.validator) else {
            return;
        };
        let control = Control {
            schema: SCHEMA,
            fingerprint: self.fingerprint.clone(),
            validator: validator.clone(),
            total: self.total,
            length: self.length,
            sha256: self.sha256(),
        };
        let written = serde_json::to_vec(&control)
            .map_err(io::Error::from)
            .and_then(|text| {
                let new = path.with_extension("json.new");
                fs::write(&new, text)?;
                fs::rename(&new, path)
            });
        if written.is_ok() {
            self.recorded = self.length;
        }
    }

    fn remove_control(&self) {
        if let Some(control) = &self.control {
            let _ = fs::remove_file(control);
        }
    }

    /// Makes sure that the content is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// How many bytes there are.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// How many there are to be, if that is known.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// What a server is asked by whether it still has the same content.
    pub(super) fn validator(&self) -> Option<&Validator> {
        self.validator.as_ref()
    }

    /// The first bytes, at most [`SNIFFED`].
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The digest of all bytes.
    pub(super) fn sha256(&self) -> String {
        hex(&self.digest.clone().finalize())
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file, to read it.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Both files are removed when this is dropped.
    pub(super) fn discard(&mut self) {
        self.is_kept = false;
    }

    /// Another run may go on from these files after all.
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// The file is about to be taken away: no run may take it for a partial one, and what is left of it when this is dropped
    /// is removed.
    pub(super) fn about_to_be_published(&mut self) {
        self.remove_control();
        self.recorded = 0;
        self.is_kept = false;
    }

    /// Whether the name no longer belongs to this file.
    fn is_elsewhere(&self) -> bool {
        !is_at(&self.file, &self.path).unwrap_or(false)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // A sink has moved the file, and another run may have a new one of this name by now.
        if self.is_elsewhere() {
            return;
        }
        let can_go_on = self.control.is_some() && self.validator.is_some() && self.length > 0;
        if self.is_kept && can_go_on {
            if self.recorded != self.length {
                self.record();
            }
        } else {
            self.remove_control();
            let _ = fs::remove_file(mem::take(&mut self.path));
        }
    }
}

/// Opens a file and locks it; none if somebody else has the lock, or if `make` is not set and there is no such file.
pub(super) fn lock(path: &Path, make: bool) -> io::Result<Option<File>> {
    loop {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(make)
            .truncate(false)
            .open(path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !make => return Ok(None),
            opened => opened?,
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        // Whoever had the lock before may have moved or removed the file since it was opened here.
        if is_at(&file, path)? {
            return Ok(Some(file));
        }
    }
}

/// Whether this file has that name.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
