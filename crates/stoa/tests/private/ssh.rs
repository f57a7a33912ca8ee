//! A repository behind a real ssh server.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stoa_testing::sshd::Sshd;

use crate::canary::{Canary, Executed};
use crate::support::{MODULE, Place, assert_all, questions};

fn config(place: &Place, sshd: &Sshd, credential: &str) -> String {
    let repo = sshd.url(&place.path("repositories").join("tools.git"));
    format!(
        "[[vcs.module]]\nprefix = \"{MODULE}\"\nvcs = \"git\"\nrepo = \"{repo}\"\n\
         [[credential]]\nmatch = \"ssh://{}\"\n{credential}\n",
        sshd.authority()
    )
}

#[tokio::test]
async fn a_key_opens_the_repository_and_is_seen_nowhere() {
    let (place, sshd) = (Place::new(), Sshd::start());
    place.repositories();
    let credential = format!(
        "ssh_key = {:?}\nknown_hosts = {:?}",
        sshd.file("client"),
        sshd.file("known_hosts")
    );
    let stoa = place.stoa(&config(&place, &sshd, &credential)).start();
    let executed = Executed::by(&stoa, &place);
    let answers = questions(&stoa).await;
    assert_all(&answers, 200);
    assert_eq!(answers[0].text(), "v1.0.0\nv1.1.0\n");
    let executed = executed.end();
    assert!(executed.contains("StrictHostKeyChecking=yes"), "{executed}");
    Canary::file(&sshd.file("client")).assert_nowhere(&place, &stoa, &answers, &executed);
}

#[tokio::test]
async fn a_host_with_another_key_and_a_key_that_is_not_let_in_are_failures() {
    let (place, sshd) = (Place::new(), Sshd::start());
    place.repositories();
    for (key, hosts, why) in [
        ("client", "wrong_hosts", "Host key verification failed"),
        ("stranger", "known_hosts", "Permission denied"),
    ] {
        let credential = format!(
            "ssh_key = {:?}\nknown_hosts = {:?}",
            sshd.file(key),
            sshd.file(hosts)
        );
        let stoa = place.stoa(&config(&place, &sshd, &credential)).start();
        let answers = questions(&stoa).await;
        assert_all(&answers, 502);
        assert!(answers[0].text().contains(why), "{}", answers[0].text());
    }
}

/// An agent that holds the key that is let in.
pub(crate) struct Agent {
    child: Child,
    pub(crate) socket: std::path::PathBuf,
}

impl Agent {
    pub(crate) fn start(place: &Place, sshd: &Sshd) -> Self {
        let socket = place.path("agent");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh-agent is installed");
        let started = Instant::now();
        while !socket.try_exists().unwrap() {
            assert!(started.elapsed() < Duration::from_secs(30), "no agent");
            std::thread::yield_now();
        }
        let agent = Self { child, socket };
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(sshd.file("client"))
            .env("SSH_AUTH_SOCK", &agent.socket)
            .status();
        assert!(added.unwrap().success());
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn an_agent_is_asked_when_the_configuration_says_so_and_only_then() {
    let (place, sshd) = (Place::new(), Sshd::start());
    place.repositories();
    let agent = Agent::start(&place, &sshd);
    let hosts = sshd.file("known_hosts");
    let with_agent = format!("ssh_agent = true\nknown_hosts = {hosts:?}");
    let with_key = format!("ssh_key = {:?}\nknown_hosts = {hosts:?}", sshd.file("stranger"));
    for (credential, status) in [(with_key, 502), (with_agent, 200)] {
        let socket = agent.socket.to_str().unwrap();
        let stoa = place.stoa(&config(&place, &sshd, &credential));
        let stoa = stoa.env("SSH_AUTH_SOCK", socket).start();
        assert_all(&questions(&stoa).await, status);
    }
    assert!(fs::metadata(&agent.socket).is_ok());
}
