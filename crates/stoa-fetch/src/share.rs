//! Whose share of what all need a module takes.

use stoa_dispatch::Share;
use stoa_module::ModulePath;

/// Hosts where anybody may have modules, below a name of his own.
const OF_OWNERS: [&str; 7] = [
    "bitbucket.org",
    "codeberg.org",
    "git.sr.ht",
    "gitea.com",
    "github.com",
    "gitlab.com",
    "gopkg.in",
];

/// The share of a module: that of its host, with all other hosts of the same site; at the hosts where everybody is, that of
/// its owner there.
///
/// ```
/// use stoa_fetch::share_of;
///
/// let share = |path: &str| share_of(&path.parse().expect("a path")).to_string();
/// assert_eq!(share("go.corp.example/a/b"), "corp.example");
/// assert_eq!(share("github.com/Corp/tools/v2"), "github.com/corp");
/// ```
pub fn share_of(module: &ModulePath) -> Share {
    let mut elements = module.as_str().split('/');
    let host = elements.next().unwrap_or_default();
    match elements.next() {
        // Those hosts do not tell upper case from lower case, so neither makes an owner of its own.
        Some(owner) if OF_OWNERS.contains(&host) => {
            Share::named(&format!("{host}/{}", owner.to_ascii_lowercase()))
        }
        _ => Share::of_host(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_subdomains_nor_spellings_make_shares() {
        let share = |path: &str| share_of(&path.parse().expect(path)).to_string();
        for (path, want) in [
            ("a.evil.example/x", "evil.example"),
            ("b.evil.example/y/z", "evil.example"),
            ("evil.example", "evil.example"),
            ("github.com/evil/a", "github.com/evil"),
            ("github.com/EVIL/b/v2", "github.com/evil"),
            ("github.com/other/b", "github.com/other"),
            ("gopkg.in/yaml.v3", "gopkg.in/yaml.v3"),
            ("127.0.0.2/x", "addresses"),
        ] {
            assert_eq!(share(path), want, "{path}");
        }
    }
}
