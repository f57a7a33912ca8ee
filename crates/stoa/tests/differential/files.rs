//! What is in the commits of generated repositories.

use crate::random::Random;

/// A change of one path.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    File {
        path: Vec<u8>,
        executable: bool,
        content: Vec<u8>,
    },
    Link {
        path: Vec<u8>,
        to: Vec<u8>,
    },
    Submodule {
        path: Vec<u8>,
    },
    Delete {
        path: Vec<u8>,
    },
}

/// Folders that are, or may be, modules.
pub(crate) const FOLDERS: [&str; 9] = ["", "", "", "sub", "sub", "v2", "v3", "sub/v2", "sub/deep"];

/// Names that every module zip may hold.
const PLAIN: [&str; 10] = [
    "a.txt",
    "b.txt",
    "x.go",
    "data.bin",
    "LICENSE",
    "LICENSE.md",
    "README.md",
    "internal/i.go",
    "ident.txt",
    ".hidden",
];

/// Names that are left out, or that other names collide with, or that are allowed although they look odd.
const ODD: [&[u8]; 24] = [
    b"vendor/modules.txt",
    b"vendor/example.com/x/x.go",
    b"vendor/x.go",
    b"pkg/vendor/vendor.go",
    b"pkg/vendor/y/y.go",
    b"vendor/example.com/m/go.mod",
    b".hg_archival.txt",
    b".gitmodules",
    b".git_/x",
    b"-dash",
    b"a b.txt",
    "\u{fc}n\u{ef}.txt".as_bytes(),
    "\u{65e5}\u{672c}.go".as_bytes(),
    b"at@1",
    b"#hash",
    b"x~1",
    b"testdata/t.txt",
    b"_under/x.go",
    b"nested/GO.MOD",
    b"license",
    b"go.mod/x",
    b"brackets[1].txt",
    b"a+b=c.txt",
    b"%41",
];

/// Names of which one is enough for a version to have no zip.
const INVALID: [&[u8]; 18] = [
    b"A.TXT",
    b"aux.go",
    b"NUL",
    b"com1.txt",
    b"trailing.",
    b"tab\t.txt",
    b"q\"uote",
    b"back\\slash",
    b"colon:",
    b"star*",
    b"new\nline",
    b"\xff\xfe",
    "u\u{308}.txt".as_bytes(),
    "\u{1f600}.txt".as_bytes(),
    b"...",
    b"GO.MOD",
    "\u{212a}.txt".as_bytes(),
    b"pipe|",
];

/// The changes of a commit in the repository with this import path.
pub(crate) fn changes(random: &mut Random, root: &str, first: bool) -> Vec<Change> {
    let mut changes = Vec::new();
    if first && random.chance(70) {
        changes.push(go_mod(random, root, ""));
        changes.push(text_file(random, "", "LICENSE"));
    }
    if first {
        for folder in random.some(vec!["sub", "v2", "sub/v2", "sub/deep"], 2) {
            changes.push(go_mod(random, root, folder));
            changes.push(text_file(random, folder, "x.go"));
        }
    }
    for _ in 0..=random.below(5) {
        changes.push(change(random, root));
    }
    changes
}

fn change(random: &mut Random, root: &str) -> Change {
    let folder = random.pick(&FOLDERS);
    match random.below(100) {
        0..24 => go_mod(random, root, folder),
        24..56 => {
            let name = random.pick(&PLAIN);
            text_file(random, folder, name)
        }
        56..68 => Change::File {
            path: join(folder, b".gitattributes"),
            executable: false,
            content: attributes(random),
        },
        68..76 => {
            let name = random.pick(&ODD);
            file(random, join(folder, name))
        }
        76..78 => {
            let name = random.pick(&INVALID);
            file(random, join(folder, name))
        }
        78..85 => link(random, folder),
        85..88 => Change::Submodule {
            path: join(
                folder,
                random.pick(&["module", "third/party", "vendor"]).as_bytes(),
            ),
        },
        88..90 => Change::File {
            path: join(folder, b"large.bin"),
            executable: false,
            content: large(random),
        },
        90..95 => Change::Delete {
            path: join(
                folder,
                random
                    .pick(&["go.mod", "go.mod", "LICENSE", ".gitattributes", "a.txt"])
                    .as_bytes(),
            ),
        },
        _ if folder.is_empty() => go_mod(random, root, "sub"),
        _ => Change::Delete {
            path: folder.as_bytes().to_vec(),
        },
    }
}

fn join(folder: &str, name: &[u8]) -> Vec<u8> {
    let mut path = folder.as_bytes().to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

fn link(random: &mut Random, folder: &str) -> Change {
    let name = random.pick(&["link", "link.txt", "LICENSE", "go.mod", "linked", "dangling"]);
    let to = random.pick(&[
        "a.txt",
        "LICENSE",
        "../LICENSE",
        "sub",
        "../..",
        "/etc/passwd",
        "nowhere",
        "go.mod",
    ]);
    Change::Link {
        path: join(folder, name.as_bytes()),
        to: to.as_bytes().to_vec(),
    }
}

fn text_file(random: &mut Random, folder: &str, name: &str) -> Change {
    file(random, join(folder, name.as_bytes()))
}

fn file(random: &mut Random, path: Vec<u8>) -> Change {
    let executable = random.chance(15);
    let content = content(random);
    Change::File {
        path,
        executable,
        content,
    }
}

/// What attributes turn into something else, mostly.
fn content(random: &mut Random) -> Vec<u8> {
    const PARTS: [&[u8]; 16] = [
        b"line\n",
        b"line\r\n",
        b"\r",
        b"\n",
        b"$Id$\n",
        b"$Id: 0123456789 $\r\n",
        b"$Id: unfinished\n",
        b"$Id$ $Id: a b $ $Id:$",
        b"$Format:%H %d$\n",
        "\u{fc}\u{20ac}\n".as_bytes(),
        b"\xff\xfea\0\n\0",
        b"\0",
        b"\xe9t\xe9\n",
        b"no end of line",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        b"\x1a",
    ];
    let mut content = Vec::new();
    for _ in 0..random.below(5) {
        content.extend_from_slice(random.pick(&PARTS));
    }
    if random.chance(50) {
        content.extend_from_slice(format!("{}\n", random.below(1000)).as_bytes());
    }
    content
}

/// More than a pipe or a buffer holds.
fn large(random: &mut Random) -> Vec<u8> {
    let mut content = Vec::new();
    for _ in 0..10_000 + random.below(60_000) {
        content.extend_from_slice(&random.next().to_le_bytes());
    }
    content
}

fn attributes(random: &mut Random) -> Vec<u8> {
    const PATTERNS: [&str; 14] = [
        "*",
        "*",
        "*.txt",
        "*.go",
        "go.mod",
        "LICENSE",
        "sub/**",
        "/a.txt",
        "sub/*.txt",
        "data.bin",
        "[attr]mine",
        "\"a b.txt\"",
        "!a.txt",
        "ident.txt",
    ];
    const ATTRIBUTES: [&str; 26] = [
        "text",
        "-text",
        "text=auto",
        "eol=crlf",
        "eol=crlf",
        "eol=lf",
        "ident",
        "ident",
        "-ident",
        "working-tree-encoding=UTF-16",
        "working-tree-encoding=UTF-16LE-BOM",
        "working-tree-encoding=ISO-8859-1",
        "working-tree-encoding=none-such",
        "working-tree-encoding=UTF-8",
        "export-ignore",
        "export-subst",
        "filter=lfs",
        "binary",
        "crlf",
        "crlf=input",
        "-crlf",
        "!text",
        "!eol",
        "mine",
        "diff=lfs merge=lfs",
        "-mine",
    ];
    let mut text = String::new();
    for _ in 0..=random.below(3) {
        text += random.pick(&PATTERNS);
        for _ in 0..=random.below(2) {
            text += " ";
            text += random.pick(&ATTRIBUTES);
        }
        text += random.pick(&["\n", "\n", "\r\n"]);
    }
    text.into_bytes()
}

/// A go.mod in `folder`, which in most cases says what it should.
fn go_mod(random: &mut Random, root: &str, folder: &str) -> Change {
    let path = join(folder, b"go.mod");
    let executable = random.chance(5);
    let content = match random.below(40) {
        0 => Vec::new(),
        1 => b"\xff\xfe m o d".to_vec(),
        2 => b"// no module here\n".to_vec(),
        3 => b"<<<<<<< HEAD\nmodule x\n".to_vec(),
        4 => b"\xef\xbb\xbfmodule example.com/bom\n".to_vec(),
        _ => go_mod_text(random, root, folder),
    };
    Change::File {
        path,
        executable,
        content,
    }
}

fn go_mod_text(random: &mut Random, root: &str, folder: &str) -> Vec<u8> {
    let right = if folder.is_empty() {
        root.to_owned()
    } else {
        format!("{root}/{folder}")
    };
    let path = match random.below(20) {
        0..13 => right,
        13 | 14 if folder.ends_with("v2") => right,
        13 => format!("{right}/v2"),
        14 => format!("{right}/v3"),
        15 => "example.org/upstream".to_owned(),
        16 => "gopkg.in/thing.v2".to_owned(),
        17 => "gopkg.in/thing.v1".to_owned(),
        18 => "bad//path/v1".to_owned(),
        _ => "gopkg.in/thing.v2-unstable".to_owned(),
    };
    let mut text = match random.below(12) {
        0 => format!("module \"{path}\"\n"),
        1 => format!("module `{path}` // comment\n"),
        2 => format!("// Deprecated: use another\nmodule {path}\n"),
        3 => format!("module (\n\t{path}\n)\n"),
        4 => format!("/* no comment */\nmodule {path}\n"),
        5 => format!("\tmodule\t{path}\t// v2\n"),
        _ => format!("module {path}\n"),
    };
    if random.chance(60) {
        let version = random.pick(&[
            "1.13", "1.16", "1.17", "1.21.0", "1.23", "1.24", "1.25rc1", "1.26.6", "x",
        ]);
        text += &format!("\ngo {version}\n");
    } else if random.chance(3) {
        text += "\ngo 1.999\n";
    }
    for _ in 0..random.below(3) {
        text += &retraction(random);
    }
    if random.chance(20) {
        text += "\nrequire (\n\texample.org/dep v1.2.3 // indirect\n)\n\ntool example.org/tool\n";
    }
    if random.chance(3) {
        text += &"// filling\n".repeat(10_000);
    }
    if random.chance(10) {
        text = text.replace('\n', "\r\n");
    }
    text.into_bytes()
}

fn retraction(random: &mut Random) -> String {
    match random.below(6) {
        0 => "retract v1.0.0 // oops\n".to_owned(),
        1 => "retract [v0.0.0, v1.9.9]\n".to_owned(),
        2 => "retract (\n\tv1.1.0\n\t[v1.2.0, v1.2.9] // both\n)\n".to_owned(),
        3 => "retract [v2.0.0, v2.9.0]\n".to_owned(),
        4 => "retract v2.0.0+incompatible\n".to_owned(),
        _ => format!("retract v{}.{}.0\n", random.below(3), random.below(3)),
    }
}
