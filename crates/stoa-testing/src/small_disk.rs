//! A disk on which there is little room.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that says where the disk is.
const PLACE: &str = "STOA_SMALL_DISK";

/// The way to a private mount namespace, if this process may have one.
pub fn mounts() -> Option<&'static str> {
    ["unshare --mount", "unshare --user --map-root-user --mount"]
        .into_iter()
        .find(|way| {
            let probe = format!("{way} mount -t tmpfs probe /mnt");
            let output = Command::new("sh").args(["-c", &probe]).output();
            output.is_ok_and(|output| output.status.success())
        })
}

/// Runs the test `name` once more, in a process of its own in which a folder is a disk of so many bytes, and gives that
/// folder to that run. The first run, which gets `None`, waits for it, and has nothing else to do.
pub fn again_on(name: &str, bytes: u64) -> Option<PathBuf> {
    again_with(name, &format!("size={bytes}"))
}

/// [`again_on`] a disk with these options of tmpfs, such as `nr_inodes=100`.
#[expect(
    clippy::disallowed_methods,
    reason = "the first run tells the second by the environment"
)]
pub fn again_with(name: &str, options: &str) -> Option<PathBuf> {
    if let Ok(place) = std::env::var(PLACE) {
        return Some(place.into());
    }
    let way = mounts().expect("a private mount namespace: run as root, or where users may make namespaces");
    let folder = tempfile::tempdir().unwrap();
    let script = format!("mount -t tmpfs -o {options} tmpfs \"${PLACE}\" && exec \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &format!("exec {way} sh -c '{script}' sh \"$@\""), "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(PLACE, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    None
}

/// How many bytes the files of a folder have.
pub fn used(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => used(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
