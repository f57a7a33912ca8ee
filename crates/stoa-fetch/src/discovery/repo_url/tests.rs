//! The URLs of repositories that Go takes, and those that we take.

use stoa_vcs::VcsKind;
use stoa_vcs::git::RepoUrl;

use super::*;

const GIT: RepoKind = RepoKind::Vcs(VcsKind::Git);

/// One URL a line: as Go quotes it, then what Go's `url.Parse` and cmd/go's `validateRepoRoot` (Go 1.26.6) say of it: scheme
/// and host, or `!` and the error.
const URLS: &str = include_str!("urls.txt");

/// URLs that Go takes and we refuse, and why. Git fetches from few of them.
const REFUSED: [(&str, &[&str]); 11] = [
    (
        "is none of those for git",
        &[
            "https+git://h.com/r",
            "git+https://h.com/r",
            "ext::sh -c x",
            "ext://h/r",
            "ftp://h.com/r",
            "svn+ssh://h.com/r",
            "h.com:r",
            "h.com:22/r",
        ],
    ),
    (
        "no host",
        &[
            "https:",
            "https:/",
            "https:/r",
            "https:h.com/r",
            "https:///r",
            "https:////h.com/r",
            "https:\\\\h.com\\r",
        ],
    ),
    ("invalid international domain name", &["https://h<.com/r"]),
    ("empty host", &["https://:443/r", "https://"]),
    ("a backslash", &["https://h.com/a\\b"]),
    (
        "invalid port number",
        &["https://h.com:99999/r", "ssh://h.com:22:/r"],
    ),
    (
        "invalid IPv4 address",
        &["https://1.2.3.4.5/r", "https://256.1.1.1/r"],
    ),
    ("invalid IPv6 address", &["https://[fe80::1%25eth0]/r"]),
    (
        "leading hyphen in host or user",
        &["ssh://-oProxyCommand=x/r", "ssh://-u@h.com/r", "https://-h.com/r"],
    ),
    (
        "credentials do not belong there",
        &[
            "ssh://u:p@h.com/r",
            "ssh://u@@h.com/r",
            "ssh://a%40b@h.com/r",
            "ssh://u%2dx@h.com/r",
            "ssh://u$x@h.com/r",
            "https://u@h.com/r",
            "https://u:p@h.com/r",
            "https://u:@h.com/r",
            "https://:p@h.com/r",
            "https://u:p:q@h.com/r",
        ],
    ),
    (
        "odd characters",
        &[
            "https://h.com/r#f",
            "https://h.com/r#",
            "https://h.com#f",
            "https://h.com/r?q#f",
            "https://h.com/#/r",
            "https://h.com/a'b",
            "https://h'.com/r",
            "https://h\".com/r",
        ],
    ),
];

/// Hosts that Go leaves to the programs, and what these make of them.
const HOSTS: [(&str, &str); 7] = [
    ("0x7f.1", "127.0.0.1"),
    ("1", "0.0.0.1"),
    ("\u{e9}.com", "xn--9ca.com"),
    ("\u{ff28}\u{ff34}.com", "ht.com"),
    ("h\u{3002}com", "h.com"),
    ("\u{df}.de", "xn--zca.de"),
    ("h\u{ad}.com", "h.com"),
];

/// What is quoted as Go's `%+q` does it.
fn unquote(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        let count = match chars.next().expect("more") {
            'x' => 2,
            'u' => 4,
            other => {
                let control = [('n', '\n'), ('t', '\t'), ('r', '\r')];
                let found = control.iter().find(|(name, _)| *name == other);
                plain.push(found.map_or(other, |(_, control)| *control));
                continue;
            }
        };
        let digits: String = chars.by_ref().take(count).collect();
        let number = u32::from_str_radix(&digits, 16).expect("digits");
        plain.push(char::from_u32(number).expect("a character"));
    }
    plain
}

/// What a git repository at this URL is asked for at, or why nothing is asked.
fn taken(url: &str) -> Result<Url, String> {
    let url = parse_repo(GIT, url).map_err(|error| error.to_string())?;
    RepoUrl::parse(url.as_str()).map_err(|error| error.to_string())?;
    Ok(url)
}

#[test]
fn what_go_refuses_is_refused_and_what_it_takes_is_taken() {
    let mut counts = [0; 3];
    for line in URLS.lines() {
        let columns: Vec<String> = line.split('\t').map(unquote).collect();
        let url = columns[0].as_str();
        let reason = REFUSED.iter().find(|(_, urls)| urls.contains(&url));
        match (&columns[1..], reason, taken(url)) {
            ([error], None, Err(_)) if error.starts_with('!') => {
                counts[0] += 1;
            }
            ([_, _], Some((reason, _)), Err(why)) => {
                check_repo_root(url).expect(url);
                assert!(why.contains(reason), "{url}: {why}");
                counts[1] += 1;
            }
            ([scheme, host], None, Ok(asked)) => {
                assert_eq!(asked.scheme(), scheme, "{url}");
                let port = asked.port().map_or_else(String::new, |port| format!(":{port}"));
                let got = format!("{}{port}", asked.host_str().expect("a host"));
                let other = HOSTS.iter().find(|(known, _)| known == host);
                let lower = host.to_ascii_lowercase();
                let plain = lower.strip_suffix(":443").unwrap_or(&lower).trim_end_matches(':');
                assert_eq!(got, other.map_or(plain, |(_, made)| made), "{url}");
                counts[2] += 1;
            }
            (go, _, ours) => panic!("{url:?}: Go says {go:?}, we say {ours:?}"),
        }
    }
    assert_eq!(counts, [48, 45, 75], "refused by both, by us, taken");
}

#[test]
fn folders_are_clamped() {
    for (subdir, want) in [
        ("", ""),
        ("sub/dir", "sub/dir"),
        ("../x", "x"),
        ("a/../../../b", "b"),
        (".", ""),
        ("a//./b/", "a/b"),
        ("..", ""),
        ("...", "..."),
    ] {
        assert_eq!(clamp_subdir(subdir), want, "{subdir}");
    }
}

#[test]
fn roots_need_a_scheme() {
    for (root, want) in [
        ("git@a.b:c", "no scheme"),
        ("://a.b", "missing protocol scheme"),
        ("1http://a.b", "no scheme"),
        ("FILE:///etc", "file scheme disallowed"),
        ("https://a.b/\u{7f}", "invalid control character in URL"),
    ] {
        let error = check_repo_root(root).expect_err(root);
        assert_eq!(error.to_string(), want, "{root}");
    }
}

#[test]
fn urls_that_a_program_could_misread_are_refused() {
    let git = RepoKind::Vcs(VcsKind::Git);
    for (repo, want) in [
        (
            "ext::sh -c touch% /tmp/x",
            "scheme \"ext\" is none of those for git",
        ),
        ("svn://a.b/c", "scheme \"svn\" is none of those for git"),
        ("ssh://-oProxyCommand=x/c", "leading hyphen in host or user"),
        ("ssh://%2doProxyCommand=x/c", "invalid URL escape in the host"),
        ("ssh://-x@a.b/c", "leading hyphen in host or user"),
        ("ssh:///c", "no host"),
        ("git:c", "no host"),
        ("https://", "empty host"),
    ] {
        let error = parse_repo(git, repo).expect_err(repo);
        assert_eq!(error.to_string(), want, "{repo}");
    }
    for repo in [
        "https://a.b/c",
        "ssh://git@a.b/c",
        "git+ssh://a.b:2222/c",
        "http://a.b",
    ] {
        parse_repo(git, repo).expect(repo);
    }
    parse_repo(RepoKind::ModuleProxy, "ssh://a.b").expect_err("no proxy over ssh");
}
