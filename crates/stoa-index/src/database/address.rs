//! Where a database is.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;

/// Which kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// `PostgreSQL`.
    Postgres,
    /// `MySQL` or `MariaDB`.
    Mysql,
}

impl System {
    fn port(self) -> u16 {
        match self {
            Self::Postgres => 5_432,
            Self::Mysql => 3_306,
        }
    }
}

/// Where a database is, and how to log in there. It is never shown with its user and password.
///
/// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or `mysql://` or `mariadb://`; user and password are percent-encoded.
/// The connection has TLS, with a certificate that is verified, unless the host is this machine: `?tls=on` or `?tls=off` at the
/// end says otherwise.
///
/// ```
/// use stoa_index::DatabaseAddress;
///
/// let address: DatabaseAddress = "postgres://stoa:hunter2@db.example.com/stoa".parse()?;
/// assert_eq!(address.to_string(), "postgres://db.example.com:5432/stoa?tls=on");
/// # Ok::<_, stoa_index::DatabaseAddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseAddress {
    pub(crate) system: System,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) has_tls: bool,
}

/// A text is no address of a database. What it says does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseAddressError {
    /// It begins with none of the schemes.
    #[error("the address of a database begins with postgres://, mysql:// or mariadb://")]
    Scheme,
    /// The user is missing, or it or the password is not written as in a URL.
    #[error(
        "the address of a database names a user, and a password if there is one, percent-encoded: USER:PASSWORD@HOST"
    )]
    Login,
    /// The host or the port is none.
    #[error("the address of a database names its host as HOST or HOST:PORT")]
    Host,
    /// The name of the database is missing or none.
    #[error("the address of a database ends with the name of the database: /DATABASE")]
    Database,
    /// There is another setting than the one that there is.
    #[error("the address of a database has one setting at most: ?tls=on or ?tls=off")]
    Setting,
}

impl DatabaseAddress {
    /// Which kind of database is there.
    pub fn system(&self) -> System {
        self.system
    }

    /// Whether it holds a password.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// The same place, with this password.
    #[must_use]
    pub fn with_password(mut self, password: String) -> Self {
        self.password = Some(password);
        self
    }
}

impl FromStr for DatabaseAddress {
    type Err = DatabaseAddressError;

    fn from_str(text: &str) -> Result<Self, DatabaseAddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(DatabaseAddressError::Scheme)?;
        let system = match scheme {
            "postgres" | "postgresql" => System::Postgres,
            "mysql" | "mariadb" => System::Mysql,
            _ => return Err(DatabaseAddressError::Scheme),
        };
        let (rest, setting) = match rest.rsplit_once('?') {
            Some((rest, setting)) => (rest, Some(setting)),
            None => (rest, None),
        };
        // A password that is not encoded may have any of these signs: the last one counts.
        let (login, place) = rest.rsplit_once('@').ok_or(DatabaseAddressError::Login)?;
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        let (host, database) = place.split_once('/').ok_or(DatabaseAddressError::Database)?;
        let (host, port) = self::host(host, system.port())?;
        let is_here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
        let has_tls = match setting {
            None => !is_here,
            Some("tls=on") => true,
            Some("tls=off") => false,
            Some(_) => return Err(DatabaseAddressError::Setting),
        };
        Ok(Self {
            system,
            user: decode(user)
                .filter(|user| !user.is_empty())
                .ok_or(DatabaseAddressError::Login)?,
            password: password
                .map(|text| decode(text).ok_or(DatabaseAddressError::Login))
                .transpose()?,
            host,
            port,
            database: decode(database)
                .filter(|name| is_name(name))
                .ok_or(DatabaseAddressError::Database)?,
            has_tls,
        })
    }
}

/// A part of an address.
fn decode(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.contains('\0')).then(|| text.into_owned())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|letter: char| letter.is_control() || letter == '/')
}

fn host(text: &str, default: u16) -> Result<(String, u16), DatabaseAddressError> {
    let (host, port) = if let Some(text) = text.strip_prefix('[') {
        text.split_once(']').ok_or(DatabaseAddressError::Host)?
    } else {
        text.split_at(text.find(':').unwrap_or(text.len()))
    };
    let port = match port {
        "" => default,
        port => port
            .strip_prefix(':')
            .and_then(|port| port.parse().ok())
            .ok_or(DatabaseAddressError::Host)?,
    };
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || "-._:".contains(sign);
    if host.is_empty() || !host.chars().all(is_sign) {
        return Err(DatabaseAddressError::Host);
    }
    Ok((host.to_owned(), port))
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.system {
            System::Postgres => "postgres",
            System::Mysql => "mysql",
        };
        let tls = if self.has_tls { "on" } else { "off" };
        let Self {
            host, port, database, ..
        } = self;
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}/{database}?tls={tls}")
        } else {
            write!(f, "{scheme}://{host}:{port}/{database}?tls={tls}")
        }
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseAddress, DatabaseAddressError> {
        text.parse()
    }

    #[test]
    fn an_address_is_read_and_shown_without_its_login() {
        let address = parse("mariadb://st%C3%B6a:p%40%2Fss@[::1]:77/mod?tls=on").unwrap();
        assert_eq!(
            (address.user.as_str(), address.password.as_deref()),
            ("stöa", Some("p@/ss"))
        );
        assert_eq!(
            format!("{address} {address:?}"),
            "mysql://[::1]:77/mod?tls=on mysql://[::1]:77/mod?tls=on"
        );
        let address = parse("postgresql://me@localhost/mod").unwrap();
        assert_eq!(address.to_string(), "postgres://localhost:5432/mod?tls=off");
        assert!(!address.has_password() && address.with_password("x".into()).has_password());
        // One that is not encoded is taken as it is, if it can be told where it ends.
        let address = parse("mysql://me:p@ss:w/rd@h/mod").unwrap();
        assert_eq!(address.password.as_deref(), Some("p@ss:w/rd"));
    }

    #[test]
    fn what_is_no_address_is_told_without_it() {
        for (text, error) in [
            ("redis://a@b/c", DatabaseAddressError::Scheme),
            ("secret", DatabaseAddressError::Scheme),
            ("mysql://host/db", DatabaseAddressError::Login),
            ("mysql://:secret@host/db", DatabaseAddressError::Login),
            ("mysql://a:%ff@host/db", DatabaseAddressError::Login),
            ("mysql://a:b@/db", DatabaseAddressError::Host),
            ("mysql://a:b@h:99999/db", DatabaseAddressError::Host),
            ("mysql://a:b@h st/db", DatabaseAddressError::Host),
            ("mysql://a:b@h", DatabaseAddressError::Database),
            ("mysql://a:b@h/", DatabaseAddressError::Database),
            ("mysql://a:b@h/x/y", DatabaseAddressError::Database),
            ("mysql://a:b@h/x?sslmode=off", DatabaseAddressError::Setting),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
