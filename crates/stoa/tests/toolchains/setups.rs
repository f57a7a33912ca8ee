//! Machines that are set up by what they are set up by: curl, sha256sum and tar, as `setup-go` asks with `go-download-base-url`.

use std::process::Command;

use crate::mirror::Mirror;

/// Finds the version in the index, downloads its archive, compares its sum, unpacks it and runs what is in it.
const SET_UP: &str = r#"set -eu
curl -fsSL "$BASE/?mode=json&include=all" -o index.json
file=$(python3 -c '
import json
releases = json.load(open("index.json"))
files = [f for r in releases if r["version"] == "go1.97.1" for f in r["files"]]
print(next(f["filename"] for f in files if (f["os"], f["arch"]) == ("linux", "amd64")))')
curl -fsSL --retry 0 "$BASE/$file" -o archive.tar.gz
echo "$(curl -fsSL "$BASE/$file.sha256")  archive.tar.gz" | sha256sum -c --quiet
tar xzf archive.tar.gz
go/bin/go version
"#;

fn sh(script: &str, folder: &std::path::Path, base: &str) -> (bool, String, String) {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(folder).env("BASE", base);
    let ran = shell.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ran.status.success(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn a_machine_is_set_up_from_the_mirror_also_when_the_internet_is_gone() {
    let mirror = Mirror::new();
    let folder = mirror.path("made");
    std::fs::create_dir_all(&folder).unwrap();
    let make = "mkdir -p go/bin && printf '#!/bin/sh\\necho go version go1.97.1 linux/amd64\\n' > go/bin/go && \
                chmod +x go/bin/go && head -c 2000000 /dev/urandom > go/data && tar czf archive go";
    let (made, _, said) = sh(make, &folder, "");
    assert!(made, "{said}");
    let archive = std::fs::read(folder.join("archive")).unwrap();
    mirror.release_as("go1.97.1.linux-amd64.tar.gz", archive.into());
    let mut stoa = mirror.start();
    for (name, mode) in [("first", "online"), ("second", "online"), ("third", "offline")] {
        if name == "third" {
            mirror.front.kill();
            mirror.back.kill();
            stoa.kill9();
            stoa = mirror.stoa().args(&["--network", mode]).start();
        }
        let machine = mirror.path(name);
        std::fs::create_dir_all(&machine).unwrap();
        let (went_well, out, err) = sh(SET_UP, &machine, &format!("{}/dl", stoa.url()));
        assert!(went_well, "{name}: {err}");
        assert_eq!(out, "go version go1.97.1 linux/amd64\n", "{name}");
    }
    assert_eq!(mirror.counts("go1.97.1.linux-amd64.tar.gz"), (1, 1));
}
