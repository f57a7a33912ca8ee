//! The secret that lets somebody administer this server.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    str::FromStr,
};

use http::HeaderValue;
use rustls::crypto::ring;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The fewest bytes of a token: what can be guessed is none.
const SHORTEST: usize = 16;

/// The most bytes of a token: a header carries it.
const LONGEST: usize = 4096;

/// The random bytes of a token that is made.
const RANDOM: usize = 32;

/// How much of a file is read: a token with room for the space around it.
const MAX_FILE: u64 = 16 << 10;

/// The admin token. It is kept as its digest only, so nothing can print it.
#[derive(Clone)]
pub struct AdminToken([u8; 32]);

/// A text that is no token. The text itself is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too short or too long.
    #[error("a token has {SHORTEST} to {LONGEST} bytes, this one has {0}")]
    Length(usize),
    /// A character that a header cannot carry, or a space.
    #[error("a token is one word of printable ASCII characters")]
    Character,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum AdminTokenError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is longer than any token.
    #[error("{}: more than {MAX_FILE} bytes", path.display())]
    Large {
        /// Which.
        path: PathBuf,
    },
    /// No random numbers are to be had.
    #[error("{}: a token cannot be made: there are no random numbers", path.display())]
    Random {
        /// Where it should have been.
        path: PathBuf,
    },
    /// Others than its owner may read or write a file that this program has made for its owner alone.
    #[error("{}: others may read it or write it: remove it, and a new one is made at the next start", path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
    },
    /// The file has something else in it.
    #[error("{}: {source}", path.display())]
    Token {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: TokenError,
    },
}

impl AdminToken {
    /// Reads the token from a file; space around it, such as a last line break, does not count.
    pub fn read(path: &Path) -> Result<Self, AdminTokenError> {
        Ok(read(path)?.0)
    }

    /// Reads the token from a file, as the `Authorization` header with which a client of the API shows that it knows it.
    /// The header's value is marked as a secret, so that nothing prints it.
    pub fn authorization(path: &Path) -> Result<HeaderValue, AdminTokenError> {
        let mut value = read(path)?.1;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The token in a file that this program makes: the one that is there, or a new one. Whoever comes second, in this
    /// process or another, gets the token of the first. Only the user that runs this program may read the file. Its
    /// directory has to exist.
    pub fn read_or_make(path: &Path) -> Result<Self, AdminTokenError> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
            found => found.map(drop).map_err(|source| AdminTokenError::File {
                path: path.to_owned(),
                source,
            })?,
        }
        Self::read_made(path).map(|(token, _)| token)
    }

    /// What [`authorization`](Self::authorization) says of a file that [`read_or_make`](Self::read_or_make) has made.
    pub fn authorization_made(path: &Path) -> Result<HeaderValue, AdminTokenError> {
        let mut value = Self::read_made(path)?.1;
        value.set_sensitive(true);
        Ok(value)
    }

    fn read_made(path: &Path) -> Result<(Self, HeaderValue), AdminTokenError> {
        let metadata = fs::symlink_metadata(path);
        let metadata = metadata.map_err(|source| AdminTokenError::File {
            path: path.to_owned(),
            source,
        })?;
        if !metadata.is_file() || metadata.mode() & 0o077 != 0 {
            return Err(AdminTokenError::Exposed {
                path: path.to_owned(),
            });
        }
        read(path)
    }

    fn parse(token: &[u8]) -> Result<Self, TokenError> {
        if !(SHORTEST..=LONGEST).contains(&token.len()) {
            return Err(TokenError::Length(token.len()));
        }
        if !token.iter().all(u8::is_ascii_graphic) {
            return Err(TokenError::Character);
        }
        Ok(Self(Sha256::digest(token).into()))
    }

    /// Whether somebody knows the token. Takes as long for a nearly right one as for a wrong one.
    pub fn is(&self, presented: &[u8]) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        self.0.ct_eq(&presented).into()
    }
}

/// Makes a file with a new token, unless there is one by then. It has its name only when it is whole.
fn make(path: &Path) -> Result<(), AdminTokenError> {
    let mut random = [0_u8; RANDOM + 8];
    let filled = ring::default_provider().secure_random.fill(&mut random);
    filled.map_err(|_| AdminTokenError::Random {
        path: path.to_owned(),
    })?;
    let (token, name) = random.split_at(RANDOM);
    let beside = path.with_added_extension(hex(name));
    let written = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&beside)?;
        writeln!(file, "{}", hex(token))?;
        file.sync_all()?;
        match fs::hard_link(&beside, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    };
    let written = written();
    let _never_made = fs::remove_file(&beside);
    written.map_err(|source| AdminTokenError::File {
        path: path.to_owned(),
        source,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    })
}

/// The token of a file, and the header that presents it.
fn read(path: &Path) -> Result<(AdminToken, HeaderValue), AdminTokenError> {
    let mut bytes = Vec::new();
    // Opening a pipe would wait for its other end.
    let file = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(io::Error::other("no regular file")),
        Ok(_) => fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)),
        Err(error) => Err(error),
    };
    let path = || path.to_owned();
    match file {
        Err(source) => return Err(AdminTokenError::File { path: path(), source }),
        Ok(read) if read as u64 > MAX_FILE => return Err(AdminTokenError::Large { path: path() }),
        Ok(_) => {}
    }
    let token = bytes.trim_ascii();
    let bad = |source| AdminTokenError::Token { path: path(), source };
    let parsed = AdminToken::parse(token).map_err(bad)?;
    let value = HeaderValue::from_bytes(&[b"Bearer ", token].concat());
    Ok((parsed, value.map_err(|_| bad(TokenError::Character))?))
}

impl FromStr for AdminToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "correct-horse-battery";

    fn read(content: &[u8]) -> Result<AdminToken, AdminTokenError> {
        let file = tempfile::NamedTempFile::new().expect("file");
        fs::write(file.path(), content).expect("write");
        AdminToken::read(file.path())
    }

    #[test]
    fn space_around_a_token_does_not_count() {
        for content in [
            TOKEN.to_owned(),
            format!("{TOKEN}\n"),
            format!(" \t{TOKEN}\r\n\n"),
        ] {
            let token = read(content.as_bytes()).expect("token");
            assert!(token.is(TOKEN.as_bytes()), "{content:?}");
            assert!(
                !token.is(b"correct-horse-batterz") && !token.is(b"") && !token.is(&TOKEN.as_bytes()[..20])
            );
        }
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_repeated() {
        for (content, want) in [
            ("", TokenError::Length(0)),
            (" \n", TokenError::Length(0)),
            ("fifteen-letters", TokenError::Length(15)),
            (&"x".repeat(4097), TokenError::Length(4097)),
            ("sixteen letters!", TokenError::Character),
            ("two-lines-of-it\nand-more", TokenError::Character),
            ("sixteen-letters\0", TokenError::Character),
            ("sixteen-lettérs", TokenError::Character),
        ] {
            let error = read(content.as_bytes()).expect_err(content);
            assert!(
                matches!(&error, AdminTokenError::Token { source, .. } if *source == want),
                "{content:?}: {error}"
            );
            let text = format!("{error} {error:?}");
            assert!(!text.contains("letters!") && text.lines().count() == 1, "{text}");
        }
        for length in [16, 4096] {
            assert!(read("x".repeat(length).as_bytes()).is_ok(), "{length}");
        }
        let hidden = format!("{TOKEN}{}{TOKEN}", " ".repeat(1 << 20));
        assert!(matches!(
            read(hidden.as_bytes()),
            Err(AdminTokenError::Large { .. })
        ));
        let absent = AdminToken::read(Path::new("/nonexistent/token")).expect_err("absent");
        assert!(absent.to_string().starts_with("/nonexistent/token: "), "{absent}");
    }

    #[test]
    fn a_token_is_made_once_for_all_who_come_at_once() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("token");
        let made: Vec<_> = std::thread::scope(|scope| {
            let make = || scope.spawn(|| AdminToken::read_or_make(&path).expect("token"));
            let threads: Vec<_> = (0..16).map(|_| make()).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("thread"))
                .collect()
        });
        let text = fs::read_to_string(&path).expect("text");
        assert_eq!(text.trim_end().len(), 2 * RANDOM);
        assert!(made.iter().all(|token| token.is(text.trim_end().as_bytes())));
        assert_eq!(fs::metadata(&path).expect("file").mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 1);
        let other = directory.path().join("other");
        AdminToken::read_or_make(&other).expect("token");
        assert_ne!(fs::read_to_string(&other).expect("text"), text);
    }

    #[test]
    fn a_token_that_others_may_read_is_not_used() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("token");
        AdminToken::read_or_make(&path).expect("token");
        let link = directory.path().join("link");
        symlink(&path, &link).expect("link");
        assert!(matches!(
            AdminToken::read_or_make(&link),
            Err(AdminTokenError::Exposed { .. })
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("permissions");
        for error in [
            AdminToken::read_or_make(&path).expect_err("exposed"),
            AdminToken::authorization_made(&path).expect_err("exposed"),
        ] {
            assert!(error.to_string().contains("others may read it"), "{error}");
        }
        let nowhere = AdminToken::read_or_make(&directory.path().join("no/token")).expect_err("absent");
        assert!(matches!(nowhere, AdminTokenError::File { .. }), "{nowhere}");
    }

    #[test]
    fn a_token_does_not_print() {
        let token: AdminToken = TOKEN.parse().expect("token");
        assert_eq!(format!("{token:?} {token:#?}"), "AdminToken(..) AdminToken(..)");
    }
}
