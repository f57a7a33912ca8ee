//! The command that programs run for ssh.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::Credential;

/// The command that git, hg and svn run for ssh. Git and hg run it by a shell, so it is made of fixed words and of paths
/// without characters that a shell interprets. It never prompts, does not read the user's configuration, and trusts only
/// the hosts in `known_hosts`.
pub(crate) fn command(credential: Option<&Credential>) -> io::Result<String> {
    let mut command = String::from(
        "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null \
         -o NoHostAuthenticationForLocalhost=no -o UpdateHostKeys=no -o ForwardAgent=no -o ClearAllForwardings=yes \
         -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no -o ConnectTimeout=30",
    );
    let (known_hosts, key, agent) = match credential {
        Some(Credential::SshKey { key, known_hosts }) => (Some(known_hosts), Some(key), None),
        Some(Credential::SshAgent { socket, known_hosts }) => (Some(known_hosts), None, Some(socket)),
        _ => (None, None, None),
    };
    let (hosts, agent) = (
        known_hosts.map_or(Ok("/dev/null"), |path| plain(path))?,
        agent.map_or(Ok("none"), |path| plain(path))?,
    );
    let _ = write!(command, " -o IdentityAgent={agent} -o UserKnownHostsFile={hosts}");
    match key {
        Some(key) => {
            let _ = write!(command, " -o IdentitiesOnly=yes -i {}", plain(key)?);
        }
        // Without a configured key, do not use those of the user that stoa runs as.
        None => command.push_str(" -o IdentityFile=none"),
    }
    Ok(command)
}

/// An absolute path without characters that mean something to a shell or to ssh.
fn plain(path: &Path) -> io::Result<&str> {
    let good =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@' | ',' | '=');
    path.to_str()
        .filter(|text| text.starts_with('/') && text.chars().all(good))
        .ok_or_else(|| io::Error::other("an ssh path is not absolute, or has odd characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_mean_nothing_to_a_shell() {
        let key = |key: &str| Credential::SshKey {
            key: key.into(),
            known_hosts: "/etc/stoa/known_hosts".into(),
        };
        let with_key = command(Some(&key("/etc/stoa/key"))).expect("good paths");
        let want = " -o IdentityAgent=none -o UserKnownHostsFile=/etc/stoa/known_hosts -o IdentitiesOnly=yes -i /etc/stoa/key";
        assert!(with_key.ends_with(want), "{with_key}");
        for bad in ["key", "/a b", "/a;b", "/$(b)", "/a'b", "-x", "/%h"] {
            assert!(command(Some(&key(bad))).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_agent_is_used_only_when_it_is_named() {
        let agent = Credential::SshAgent {
            socket: "/run/agent".into(),
            known_hosts: "/etc/stoa/known_hosts".into(),
        };
        let with_agent = command(Some(&agent)).expect("good paths");
        let want =
            " -o IdentityAgent=/run/agent -o UserKnownHostsFile=/etc/stoa/known_hosts -o IdentityFile=none";
        assert!(with_agent.ends_with(want), "{with_agent}");
        let without = command(None).expect("no paths");
        let want = " -o IdentityAgent=none -o UserKnownHostsFile=/dev/null -o IdentityFile=none";
        assert!(without.ends_with(want), "{without}");
    }
}
