//! The netrc file: users and passwords by host.

use std::{fs, io, path::Path};

use url::Url;

use super::secret::Secret;

/// The file is not longer, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What a netrc file says, read as the go command reads it (`cmd/go/internal/auth/netrc.go`): of a `machine` its `login`
/// and `password`, in this order of lines and pairs; `macdef` is skipped, and `default` ends the file.
#[derive(Clone, Debug, Default)]
pub struct Netrc {
    lines: Vec<Machine>,
}

#[derive(Clone, Debug)]
struct Machine {
    name: String,
    login: String,
    password: Secret,
}

impl Netrc {
    /// Reads a file of at most a mebibyte.
    pub fn read(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.len() > MAX_FILE {
            return Err(io::Error::other("it is too long"));
        }
        Ok(Self::parse(&fs::read_to_string(path)?))
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Self {
        let mut lines = Vec::new();
        let (mut name, mut login, mut password) = (String::new(), String::new(), String::new());
        let mut in_macro = false;
        for line in text.split('\n') {
            if in_macro {
                in_macro = !line.is_empty();
                continue;
            }
            let fields: Vec<&str> = line.split_whitespace().collect();
            for pair in fields.chunks_exact(2) {
                match pair[0] {
                    "machine" => (name, login, password) = (pair[1].to_owned(), String::new(), String::new()),
                    "login" => pair[1].clone_into(&mut login),
                    "password" => pair[1].clone_into(&mut password),
                    "macdef" => in_macro = true,
                    _ => {}
                }
                if [&name, &login, &password].iter().all(|text| !text.is_empty()) {
                    lines.push(Machine {
                        name: std::mem::take(&mut name),
                        login: std::mem::take(&mut login),
                        password: Secret::new(std::mem::take(&mut password)),
                    });
                }
            }
            if fields.len() % 2 == 1 && fields.last() == Some(&"default") {
                break;
            }
        }
        Self { lines }
    }

    /// The user and password for a URL of https: those of `host/path`, of each part of the path before it, of the host;
    /// with the port, if the URL has one.
    pub fn find(&self, url: &Url) -> Option<(&str, &Secret)> {
        if url.scheme() != "https" {
            return None;
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let path = url.path().trim_end_matches('/');
        let whole = format!("{}{port}{path}", url.host_str()?);
        let mut prefix = whole.as_str();
        loop {
            if let Some(machine) = self.lines.iter().find(|machine| machine.name == prefix) {
                return Some((&machine.login, &machine.password));
            }
            prefix = prefix.rsplit_once('/')?.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "machine a.example login u1 password p1\n\
                        machine a.example/team\n  login u2\n  password p2\n\
                        macdef init\nmachine b.example login no password no\n\n\
                        machine c.example:8443 login u3 password p3\n\
                        machine incomplete.example login u4\n\
                        default login anybody password secret\n\
                        machine d.example login u5 password p5 default\n\
                        machine late.example login u6 password p6\n";

    #[test]
    fn the_longest_prefix_of_an_https_url_counts() {
        let netrc = Netrc::parse(FILE);
        for (url, want) in [
            ("https://a.example/x", Some("u1 p1")),
            ("https://a.example/team/x?go-get=1", Some("u2 p2")),
            ("https://a.example/teams", Some("u1 p1")),
            ("https://a.example:8443/", None),
            ("http://a.example/x", None),
            ("https://b.example/", None),
            ("https://c.example:8443/x/", Some("u3 p3")),
            ("https://c.example/", None),
            ("https://incomplete.example/", None),
            ("https://d.example/", Some("u5 p5")),
            ("https://late.example/", None),
            ("https://other.example/", None),
        ] {
            let found = netrc.find(&Url::parse(url).expect(url));
            let found = found.map(|(user, password)| format!("{user} {}", password.expose()));
            assert_eq!(found.as_deref(), want, "{url}");
        }
        assert!(!format!("{netrc:?}").contains("p1"));
    }
}
