//! What a program prints, as a blocking reader.

use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStderr, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::clean::Tail;
use super::group::kill_group;
use super::{Call, Output, Place};
use crate::VcsError;

/// The standard output of a running program. The end of it is the end of the program: only a program that ended well
/// has one, of any other the last read fails. Errors are [`io::ErrorKind::Other`] around a [`VcsError`]; see
/// [`VcsError::from_io`]. Dropping it kills the process group. For blocking threads.
#[derive(Debug)]
pub struct Stream {
    call: Call,
    child: Child,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    tail: Tail,
    until: Instant,
    left: u64,
    waited: bool,
    _place: Place,
}

impl Call {
    /// Starts it, as soon as there is a place for it, and gives what it prints as a blocking reader.
    pub async fn stream(self) -> Result<Stream, VcsError> {
        let place = self.place().await?;
        Stream::start(self, place)
    }
}

impl Stream {
    fn start(mut call: Call, place: Place) -> Result<Self, VcsError> {
        let mut command = call.command()?;
        command
            .stdin(call.input.take().map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        call.runner.counters().add(call.kind, 1);
        let mut child = command.spawn().map_err(|error| call.io(&error))?;
        Ok(Self {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            tail: Tail::default(),
            until: Instant::now() + call.time,
            left: call.limit,
            waited: false,
            _place: place,
            call,
        })
    }

    /// The next bytes of the standard output; 0 when it and the standard error are at their end.
    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, VcsError> {
        loop {
            let (out, err) = self.ready()?;
            if err && let Some(stderr) = &mut self.stderr {
                let mut chunk = [0; 4096];
                match stderr.read(&mut chunk) {
                    Ok(0) => self.stderr = None,
                    Ok(read) => self.tail.push(&chunk[..read]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(self.call.io(&error)),
                }
            }
            if out && let Some(stdout) = &mut self.stdout {
                match stdout.read(buffer) {
                    Ok(0) => self.stdout = None,
                    Ok(read) => return Ok(read),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(self.call.io(&error)),
                }
            }
            if self.stdout.is_none() && self.stderr.is_none() {
                return Ok(0);
            }
        }
    }

    /// Waits until the standard output or the standard error has something, or is at its end.
    fn ready(&self) -> Result<(bool, bool), VcsError> {
        let mut fds = Vec::with_capacity(2);
        fds.extend(
            self.stdout
                .iter()
                .map(|out| PollFd::from_borrowed_fd(out.as_fd(), PollFlags::IN)),
        );
        fds.extend(
            self.stderr
                .iter()
                .map(|err| PollFd::from_borrowed_fd(err.as_fd(), PollFlags::IN)),
        );
        self.poll(&mut fds)?;
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let out = self.stdout.is_some() && ready.next().unwrap_or_default();
        Ok((out, self.stderr.is_some() && ready.next().unwrap_or_default()))
    }

    fn poll(&self, fds: &mut [PollFd<'_>]) -> Result<(), VcsError> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.call.timeout(self.call.time));
            }
            // A little more than is left, so that the next look finds nothing left.
            let left = left.min(Duration::from_secs(3600)) + Duration::from_millis(1);
            let left = Timespec::try_from(left).map_err(|_| self.call.timeout(self.call.time))?;
            match poll(fds, Some(&left)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(self.call.io(&error.into())),
            }
        }
    }

    /// Waits for the program, which has nothing left to say.
    fn end(&mut self) -> Result<(), VcsError> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(fd) = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) {
            self.poll(&mut [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)])?;
        }
        let status = self.child.wait().map_err(|error| self.call.io(&error))?;
        self.waited = true;
        if status.success() {
            return Ok(());
        }
        let call = &self.call;
        let said = self.tail.clean(&call.secrets);
        if let Some(error) = call.exceeded(status, &said) {
            return Err(error);
        }
        let output = Output {
            code: status.code(),
            stdout: Vec::new(),
            said,
        };
        Err(output.error(call.runner.vcs(), call.step, call.kind))
    }

    fn read_on(&mut self, buffer: &mut [u8]) -> Result<usize, VcsError> {
        if self.waited || buffer.is_empty() {
            return Ok(0);
        }
        let read = self.next(buffer)?;
        if read == 0 {
            self.end()?;
        }
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| self.call.too_large())?;
        Ok(read)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_on(buffer).map_err(io::Error::other)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.waited {
            kill_group(self.child.id());
            // It takes no time: a killed program is gone at once, or hangs in the kernel, where nothing helps.
            let _ = self.child.wait();
        }
    }
}
