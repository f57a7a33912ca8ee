//! The git adapter, against real repositories behind a real server on this machine.

mod access;
mod ancestry;
mod archive;
mod blobs;
mod cache;
mod conformance;
mod faults;
mod files;
mod fixture;
mod leftovers;
mod odd_commits;
mod odd_trees;
mod plumbing;
mod repair;
mod resolve;
mod upkeep;

#[test]
fn git_is_installed() {
    let version = std::process::Command::new("git").arg("--version").output();
    let version = version.expect("git is needed: install the package git").stdout;
    println!("tests use {}", String::from_utf8_lossy(&version).trim());
}
