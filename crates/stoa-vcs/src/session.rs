//! The configuration of one run of hg, svn, bzr or fossil that talks to a server, secrets included. Git has its own.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use url::Url;

use crate::credentials::unusable;
use crate::process::{Believed, Call};
use crate::{
    Authority, Credential, EgressError, HttpProxy, NamedBy, RepositoryOptions, Step, VcsError, VcsKind, ssh,
};

/// What the configuration of a run is made of.
#[derive(Debug)]
struct RunSetup<'a> {
    url: &'a Url,
    credential: Option<Credential>,
    proxy: Option<HttpProxy>,
    folder: &'a Path,
    /// The file of the certificate authorities that are believed.
    authorities: Option<&'a Path>,
    /// How long the server may be silent.
    silence: Duration,
}

/// Gives the run `call`, which connects to the server of `url`, its credential and its proxy. They are in files of a folder
/// that only this user can read and that is removed with the run, so that no secret is in an argument. To be called before
/// the arguments of the command are added.
pub(crate) async fn remote(
    vcs: VcsKind,
    call: Call,
    url: &str,
    options: &RepositoryOptions,
) -> Result<Call, VcsError> {
    let failed = |error: &dyn std::fmt::Display| VcsError::Failed {
        vcs,
        step: Step::Access,
        said: error.to_string(),
    };
    let parsed = Url::parse(url).map_err(|error| failed(&error))?;
    if parsed.scheme() == "file" {
        return Ok(call);
    }
    let credential = match &options.credentials {
        Some(credentials) => credentials.for_url(url).await,
        None => None,
    };
    if matches!(credential, Some(Credential::Bearer { .. })) {
        return Err(unusable(vcs, "a token: give it a user and a password"));
    }
    let mut proxy = None;
    if let Some(egress) = &options.egress {
        let into_error = |error: EgressError| error.into_error(vcs, Step::Access, url);
        let named_by = egress.check(url).await.map_err(into_error)?;
        if vcs == VcsKind::Fossil && named_by == NamedBy::Stranger {
            // Fossil asks the first server through the proxy, and those that it redirects to without.
            return Err(into_error(egress.refuse_redirects(vcs)));
        }
        // A branch of Bazaar may name one on another server, by any protocol.
        if matches!(parsed.scheme(), "http" | "https") || vcs == VcsKind::Bzr {
            let only = credential.as_ref().and_then(|_| Authority::of(&parsed));
            proxy = Some(egress.proxy(only).await.map_err(|error| failed(&error))?);
        }
    }
    let call = call.for_server(parsed.host_str().unwrap_or_default(), proxy.as_ref());
    let below = options.sessions.clone();
    let folder = tokio::task::spawn_blocking(move || folder(vcs, &below)).await;
    let folder = folder.map_err(|error| failed(&error))?;
    let folder = folder.map_err(|error| failed(&error))?;
    let secrets = credential.as_ref().map(Credential::secrets).unwrap_or_default();
    let setup = RunSetup {
        url: &parsed,
        credential,
        proxy,
        folder: folder.path(),
        authorities: options.runner.believed.as_ref().map(Believed::file),
        silence: options.silence,
    };
    let call = match vcs {
        VcsKind::Hg => setup.hg(call),
        VcsKind::Svn => setup.svn(call),
        VcsKind::Bzr => setup.bzr(call),
        VcsKind::Fossil => {
            return setup
                .fossil(call)
                .map(|call| call.secrets(secrets).holding(folder));
        }
        VcsKind::Git => Ok(call),
    };
    let call = call.map_err(|error| failed(&error))?;
    Ok(call.secrets(secrets).holding(folder))
}

fn folder(vcs: VcsKind, below: &Path) -> io::Result<TempDir> {
    std::fs::create_dir_all(below)?;
    tempfile::Builder::new()
        .prefix(&format!("{vcs}-"))
        .tempdir_in(below)
}

impl RunSetup<'_> {
    fn basic(&self) -> Option<(&str, &str)> {
        match &self.credential {
            Some(Credential::Basic { user, password }) => Some((user, password)),
            _ => None,
        }
    }

    /// Host and port as the URL has them.
    fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn hg(&self, call: Call) -> io::Result<Call> {
        let mut text = String::new();
        if let Some(proxy) = &self.proxy {
            // Without `always` hg would connect to this machine without the proxy.
            let _ = writeln!(
                text,
                "[http_proxy]\nhost = {}\nuser = {}\npasswd = {}\nalways = True",
                proxy.address, proxy.user, proxy.password
            );
        }
        if let Some(file) = self.authorities {
            let _ = writeln!(text, "[web]\ncacerts = {}", file.display());
        }
        if let Some((user, password)) = self.basic() {
            let (scheme, authority) = (self.url.scheme(), self.authority());
            let _ = writeln!(
                text,
                "[auth]\nstoa.prefix = {authority}\nstoa.schemes = {scheme}\nstoa.username = {user}\nstoa.password = {password}"
            );
        }
        let file = self.folder.join("hgrc");
        write(&file, &text, 0o600)?;
        let ssh = format!("--config=ui.ssh={}", ssh::command(self.credential.as_ref())?);
        Ok(call.env("HGRCPATH", file).args([ssh]))
    }

    fn svn(&self, mut call: Call) -> io::Result<Call> {
        // While it waits for a web server it looks around twice a second, so that it has to notice the silence itself.
        let mut global = format!("[global]\nhttp-timeout = {}\n", self.silence.as_secs().max(1));
        if let Some(proxy) = &self.proxy {
            let _ = writeln!(
                global,
                "http-proxy-host = {}\nhttp-proxy-port = {}\nhttp-proxy-username = {}\nhttp-proxy-password = {}",
                proxy.address.ip(),
                proxy.address.port(),
                proxy.user,
                proxy.password
            );
        }
        let mut groups = String::new();
        if let Some((user, password)) = self.basic() {
            // Svn gives a password of the command line to any server that asks, also to the target of a redirect.
            let host = self.url.host_str().unwrap_or_default();
            let _ = writeln!(
                groups,
                "[groups]\nstoa = {host}\n[stoa]\nhttp-auth-types = basic;digest"
            );
            global.push_str("http-auth-types = negotiate\n");
            call = call
                .args(["--username", user, "--password-from-stdin"])
                .stdin(password.as_bytes().to_vec());
        }
        write(&self.folder.join("servers"), &format!("{groups}{global}"), 0o600)?;
        let tunnel = format!(
            "config:tunnels:ssh={} -q",
            ssh::command(self.credential.as_ref())?
        );
        Ok(call
            .args(["--config-dir"])
            .args([self.folder])
            .args(["--config-option", &tunnel]))
    }

    fn bzr(&self, mut call: Call) -> io::Result<Call> {
        let (home, plugin) = (self.folder.join("breezy"), self.folder.join("plugin"));
        for folder in [&home, &plugin] {
            DirBuilder::new().mode(0o700).create(folder)?;
        }
        write(
            &plugin.join("__init__.py"),
            include_str!("bzr/same_server.py"),
            0o600,
        )?;
        if let Some(file) = self.authorities {
            let mut setting = OsString::from("-Ossl.ca_certs=");
            setting.push(file);
            call = call.args([setting]);
        }
        let mut plugins = OsString::from("stoa@");
        plugins.push(&plugin);
        if let Some(proxy) = &self.proxy {
            call = call
                .env("http_proxy", proxy.url())
                .env("https_proxy", proxy.url());
        }
        if let Some((user, password)) = self.basic() {
            let (scheme, host) = (self.url.scheme(), self.url.host_str().unwrap_or_default());
            let port = self.url.port().map(|port| format!("port = {port}\n"));
            let text = format!(
                "[stoa]\nscheme = {scheme}\nhost = {host}\n{}user = {}\npassword = {}\n",
                port.unwrap_or_default(),
                quoted(user)?,
                quoted(password)?
            );
            write(&home.join("authentication.conf"), &text, 0o600)?;
        }
        // Bzr takes the path of a program without arguments. Ssh uses the first value of each option, so the arguments
        // that bzr adds change nothing.
        let ssh = self.folder.join("ssh");
        let script = format!(
            "#!/bin/sh\nexec {} \"$@\"\n",
            ssh::command(self.credential.as_ref())?
        );
        write(&ssh, &script, 0o700)?;
        Ok(call
            .env("BRZ_HOME", self.folder)
            .env("BZR_HOME", self.folder)
            .env("BRZ_SSH", ssh)
            .env("BRZ_PLUGINS_AT", plugins))
    }

    fn fossil(&self, call: Call) -> Result<Call, VcsError> {
        if self.basic().is_some() {
            let what = "a password but in its arguments, where all can read it";
            return Err(unusable(VcsKind::Fossil, what));
        }
        Ok(match &self.proxy {
            Some(proxy) => call.env("http_proxy", proxy.url()),
            None => call,
        })
    }
}

/// A value as Bazaar's configuration files write it.
fn quoted(value: &str) -> io::Result<String> {
    let quote = ["\"", "'", "\"\"\"", "'''"]
        .into_iter()
        .find(|quote| !value.contains(&quote[..1]) || quote.len() == 3 && !value.contains(quote));
    let quote = quote.ok_or_else(|| io::Error::other("a password has all kinds of quotes in it"))?;
    Ok(format!("{quote}{value}{quote}"))
}

/// Writes a file that only this user can read.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = File::options()
        .create_new(true)
        .write(true)
        .mode(mode)
        .open(path)?;
    file.write_all(text.as_bytes())
}
