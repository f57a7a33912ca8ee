//! Relaying bytes, of which those of the server are counted.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::state::{State, Trouble};

/// Passes on what both say, until the server has said as much as it may.
#[expect(
    clippy::disallowed_methods,
    reason = "the server behind the one that is tested with"
)]
pub(super) fn relay(state: &State, address: &str, client: &TcpStream) -> io::Result<()> {
    let server = TcpStream::connect(address)?;
    let (mut asks, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut asks, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let passed = pass(state, &server, client);
    let _ = server.shutdown(Shutdown::Both);
    // Who shuts it down for writing ends it in order.
    let how = match state.trouble() {
        Trouble::Reset(_) => Shutdown::Read,
        _ => Shutdown::Both,
    };
    let _ = client.shutdown(how);
    passed
}

fn pass(state: &State, mut server: &TcpStream, mut client: &TcpStream) -> io::Result<()> {
    let mut chunk = [0; 16 << 10];
    loop {
        let read = server.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        // Held while it is written, so that what other connections send is counted one after the other.
        let mut sent = state.sent.lock().unwrap();
        if sent.is_empty() {
            sent.push(0);
        }
        let most = match state.trouble() {
            Trouble::Cut(most) | Trouble::Reset(most) | Trouble::Stall(most) => most,
            _ => usize::MAX,
        };
        let allowed = read.min(most.saturating_sub(sent[0]));
        sent[0] += allowed;
        client.write_all(&chunk[..allowed])?;
        drop(sent);
        if allowed == read {
            continue;
        }
        return match state.trouble() {
            // What the client says is read by the other thread, too; both see it go away.
            Trouble::Stall(_) => io::copy(&mut client, &mut io::sink()).map(drop),
            Trouble::Reset(_) => SockRef::from(client).set_linger(Some(Duration::ZERO)),
            _ => Ok(()),
        };
    }
}
