//! Where a Redis is.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;

/// The ports of Redis and of Sentinel, where an address names none.
const PORT: u16 = 6_379;
const SENTINEL_PORT: u16 = 26_379;

/// Where a Redis is, and how to log in there. It is never shown with its password.
///
/// * `redis://USER:PASSWORD@HOST:PORT/DB`, or `rediss://` with TLS. Several hosts with commas between them are asked in turn:
///   nodes of a cluster, of which any one names the right one.
/// * `redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/MASTER/DB`, or `rediss+sentinel://`: the hosts are Sentinels, which know
///   where the master is.
///
/// ```
/// use stoa_jobs::RedisAddress;
///
/// let address: RedisAddress = "redis+sentinel://:hunter2@a,b:26380/main".parse()?;
/// assert_eq!(address.to_string(), "redis+sentinel://a:26379,b:26380/main/0");
/// # Ok::<_, stoa_jobs::RedisAddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    pub(super) has_tls: bool,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) hosts: Vec<(String, u16)>,
    /// The name of the master, if the hosts are Sentinels.
    pub(super) master: Option<String>,
    pub(super) db: i64,
}

/// A text is no address of a Redis. What it says does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisAddressError {
    /// It begins with none of the schemes.
    #[error(
        "the address of a Redis begins with redis://, rediss://, redis+sentinel:// or rediss+sentinel://"
    )]
    Scheme,
    /// A host or a port is none.
    #[error("the address of a Redis names its hosts as HOST or HOST:PORT, with commas between them")]
    Host,
    /// User or password are not written as in a URL.
    #[error("user and password of the address of a Redis are percent-encoded UTF-8")]
    Login,
    /// The number of the database is none.
    #[error("the address of a Redis ends with the number of a database, or with nothing")]
    Database,
    /// The name of the master is missing.
    #[error("the address of a Sentinel names its master: redis+sentinel://HOST/MASTER")]
    Master,
}

impl RedisAddress {
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

impl FromStr for RedisAddress {
    type Err = RedisAddressError;

    fn from_str(text: &str) -> Result<Self, RedisAddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(RedisAddressError::Scheme)?;
        let (has_tls, is_sentinel) = match scheme {
            "redis" => (false, false),
            "rediss" => (true, false),
            "redis+sentinel" => (false, true),
            "rediss+sentinel" => (true, true),
            _ => return Err(RedisAddressError::Scheme),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (login, hosts),
            None => ("", authority),
        };
        let (username, password) = login.split_once(':').unwrap_or((login, ""));
        let port = if is_sentinel { SENTINEL_PORT } else { PORT };
        let (master, db) = if is_sentinel {
            let (master, db) = path.split_once('/').unwrap_or((path, ""));
            (Some(decode(master)?.ok_or(RedisAddressError::Master)?), db)
        } else {
            (None, path)
        };
        Ok(Self {
            has_tls,
            username: decode(username)?,
            password: decode(password)?,
            hosts: hosts
                .split(',')
                .map(|text| host(text, port))
                .collect::<Result<_, _>>()?,
            master,
            db: match db {
                "" => 0,
                db => db.parse::<u16>().map_err(|_| RedisAddressError::Database)?.into(),
            },
        })
    }
}

/// A part of an address; none if it is empty.
fn decode(text: &str) -> Result<Option<String>, RedisAddressError> {
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| RedisAddressError::Login)?;
    Ok((!text.is_empty()).then(|| text.into_owned()))
}

fn host(text: &str, default: u16) -> Result<(String, u16), RedisAddressError> {
    let (host, port) = if let Some(text) = text.strip_prefix('[') {
        text.split_once(']').ok_or(RedisAddressError::Host)?
    } else {
        text.split_at(text.find(':').unwrap_or(text.len()))
    };
    let port = match port {
        "" => default,
        port => port
            .strip_prefix(':')
            .and_then(|port| port.parse().ok())
            .ok_or(RedisAddressError::Host)?,
    };
    if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(RedisAddressError::Host);
    }
    Ok((host.to_owned(), port))
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.has_tls { "rediss" } else { "redis" };
        let sentinel = if self.master.is_some() { "+sentinel" } else { "" };
        write!(f, "{scheme}{sentinel}://")?;
        for (number, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            if host.contains(':') {
                write!(f, "{comma}[{host}]:{port}")?;
            } else {
                write!(f, "{comma}{host}:{port}")?;
            }
        }
        if let Some(master) = &self.master {
            write!(f, "/{master}")?;
        }
        write!(f, "/{}", self.db)
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> RedisAddress {
        text.parse().expect("an address")
    }

    #[test]
    fn addresses_are_read_and_shown_without_their_passwords() {
        for (text, shown) in [
            ("redis://localhost", "redis://localhost:6379/0"),
            ("rediss://user:hunter2@h:1/3", "rediss://h:1/3"),
            ("redis://a,b:2,[::1]:3", "redis://a:6379,b:2,[::1]:3/0"),
            (
                "rediss+sentinel://:hunter2@a:1,b/main/2",
                "rediss+sentinel://a:1,b:26379/main/2",
            ),
        ] {
            let read = address(text);
            assert_eq!(read.to_string(), shown);
            assert_eq!(format!("{read:?}"), shown);
        }
        let read = address("redis://us%40er:p%3Aw%2F@h");
        assert_eq!(
            (read.username.as_deref(), read.password.as_deref()),
            (Some("us@er"), Some("p:w/"))
        );
        let read = address("redis://user@h");
        assert!(!read.has_password());
        let with = read.with_password("hunter2".into());
        assert!(with.has_password() && !format!("{with:?}").contains("hunter2"));
        assert_eq!(with, address("redis://user:hunter2@h"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for (text, error) in [
            ("hunter2", RedisAddressError::Scheme),
            ("http://hunter2@h", RedisAddressError::Scheme),
            ("redis://:hunter2@", RedisAddressError::Host),
            ("redis://:hunter2@h:x", RedisAddressError::Host),
            ("redis://:hunter2@h:1,,b", RedisAddressError::Host),
            ("redis://:hunter2%ff@h", RedisAddressError::Login),
            ("redis://:hunter2@h/x", RedisAddressError::Database),
            ("redis+sentinel://:hunter2@h", RedisAddressError::Master),
        ] {
            let refused = text.parse::<RedisAddress>();
            assert_eq!(refused, Err(error), "{text:?}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
