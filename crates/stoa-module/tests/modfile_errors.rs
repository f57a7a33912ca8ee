//! What the go.mod parsers refuse, in Go's words: the texts are those of `modfile.Parse` and `modfile.ParseLax`.

use stoa_module::Version;
use stoa_module::modfile::{ModFile, Retract};

/// Refused by both.
const REFUSED: &[(&str, &str)] = &[
    ("go\n", "go.mod:1: go directive expects exactly one argument"),
    ("module\n", "go.mod:1: usage: module module/path"),
    ("module \"m\n", "go.mod:1:10: unexpected newline in string"),
    (
        "module 'm'\n",
        "go.mod:1: invalid quoted string: unquoted string cannot contain quote",
    ),
    (
        "module \"\\q\"\n",
        "go.mod:1: invalid quoted string: invalid syntax",
    ),
    ("require x\n", "go.mod:1: usage: require module/path v1.2.3"),
    (
        "require (\n\tx.y/z v1.0.0 v2\n)\n",
        "go.mod:2:2: usage: require module/path v1.2.3",
    ),
    (
        "require x.y/z bad\n",
        "go.mod:1: require x.y/z: version \"bad\" invalid: must be of the form v1.2.3",
    ),
    (
        "require \"\" bad\n",
        "go.mod:1: require: version \"bad\" invalid: must be of the form v1.2.3",
    ),
    (
        "require x.y/z `v1`\n",
        "go.mod:1: require x.y/z: version \"`v1`\" invalid: unquoted string cannot contain quote",
    ),
    (
        "require x.y/z/v2 v1.0.0\n",
        "go.mod:1: require x.y/z/v2: version \"v1.0.0\" invalid: should be v2, not v1",
    ),
    (
        "ignore `a`\n",
        "go.mod:1: invalid quoted string: unquoted string cannot contain quote",
    ),
    (
        "module m /* c */\n",
        "go.mod:1:10: mod files must use // comments (not /* */ comments)",
    ),
    ("module m\x01\n", "go.mod:1:9: unexpected input character '\\x01'"),
    ("  \"a\n", "go.mod:1:5: unexpected newline in string"),
    (
        "require (\n\tx v1.0.0\n) x\n",
        "go.mod:3:4: syntax error (expected newline after closing paren)",
    ),
];

/// Refused in a main module and of no concern in any other.
const REFUSED_IN_MAIN: &[(&str, &str)] = &[
    ("modul m\n", "go.mod:1: unknown directive: modul"),
    ("foo (\n\tx\n)\n", "go.mod:1: unknown block type: foo"),
    ("require a b (\n)\n", "go.mod:1: unknown block type: require a b"),
    (
        "go 1.21.x\n",
        "go.mod:1: invalid go version '1.21.x': must match format 1.23.0",
    ),
    (
        "toolchain 1.21\n",
        "go.mod:1: invalid toolchain version '1.21': must match format go1.23.0 or default",
    ),
    (
        "toolchain go1.21\ntoolchain go1.22\n",
        "go.mod:2: repeated toolchain statement",
    ),
    ("exclude x.y/z/v1 v1.0.0\n", "go.mod:1: invalid module path"),
    (
        "replace x => y\n",
        "go.mod:1: replacement module without version must be directory path (rooted or starting with . or ..)",
    ),
    (
        "replace x => y@v1.0.0\n",
        "go.mod:1: replacement module must match format 'path version', not 'path@version'",
    ),
    (
        "replace x => .\\y\n",
        "go.mod:1: replacement directory appears to be Windows path (on a non-windows system)",
    ),
    (
        "replace x => ./y v1.0.0\n",
        "go.mod:1: replacement module directory path \"./y\" cannot have version",
    ),
    (
        "replace x v1 v2 => y\n",
        "go.mod:1: usage: replace module/path [v1.2.3] => other/module v1.4\n\t or replace module/path [v1.2.3] => ../local/directory",
    ),
    (
        "replace x/v1 => ../y\n",
        "go.mod:1: replace x/v1: invalid module path",
    ),
    (
        "replace x/v2 v1.0.0 => ../y\n",
        "go.mod:1: replace x/v2: version \"v1.0.0\" invalid: should be v2, not v1",
    ),
    (
        "replace x => y v1.0.0 z\n",
        "go.mod:1: usage: replace module/path [v1.2.3] => other/module v1.4\n\t or replace module/path [v1.2.3] => ../local/directory",
    ),
    (
        "retract [v1.0.0, v1.1.0\n",
        "go.mod:1: expected ']' after version",
    ),
    ("retract [\n", "go.mod:1: expected version after '['"),
    ("retract\n", "go.mod:1: expected '[' or version"),
    (
        "retract v1.0.0 v1.1.0\n",
        "go.mod:1: unexpected token after version: \"v1.1.0\"",
    ),
    (
        "retract 'v1'\n",
        "go.mod:1: retract: version \"'v1'\" invalid: unquoted string cannot contain quote",
    ),
    ("godebug x\n", "go.mod:1: usage: godebug key=value"),
    (
        "tool a b\n",
        "go.mod:1: tool directive expects exactly one argument",
    ),
    (
        "module m\n\n\tfoo\nbar baz\n",
        "go.mod:3:2: unknown directive: foo\ngo.mod:4: unknown directive: bar",
    ),
];

#[test]
fn what_any_go_mod_must_get_right() {
    for (file, text) in REFUSED {
        for read in [
            ModFile::parse("go.mod", file.as_bytes()),
            ModFile::parse_lax("go.mod", file.as_bytes()),
        ] {
            assert_eq!(
                read.map_err(|errors| errors.to_string()),
                Err((*text).to_owned()),
                "{file}"
            );
        }
    }
}

#[test]
fn what_only_a_main_module_must_get_right() {
    for (file, text) in REFUSED_IN_MAIN {
        let read = ModFile::parse("go.mod", file.as_bytes());
        assert_eq!(
            read.map_err(|errors| errors.to_string()),
            Err((*text).to_owned()),
            "{file}"
        );
        assert!(ModFile::parse_lax("go.mod", file.as_bytes()).is_ok(), "{file}");
    }
}

#[test]
fn a_main_module_has_every_directive() {
    let file = "module \"m\"\ngo 1.21\ntoolchain go1.22.3\ngodebug x=y\ntool a/b\nignore ./c\n\
                replace x => ../y\nreplace x v1.0.0 => z v1.2\nexclude x v1\nrequire x v1.1.0 // indirect\n";
    let file = ModFile::parse("go.mod", file.as_bytes()).unwrap();
    assert_eq!(file.module.unwrap().path, "m");
    assert_eq!(
        (file.go.as_deref(), file.toolchain.as_deref()),
        (Some("1.21"), Some("go1.22.3"))
    );
    assert_eq!(
        (file.godebug[0].key.as_str(), file.godebug[0].value.as_str()),
        ("x", "y")
    );
    assert_eq!(
        (file.tool, file.ignore),
        (vec!["a/b".to_owned()], vec!["./c".to_owned()])
    );
    assert_eq!(file.exclude[0].version.as_str(), "v1.0.0");
    assert!(file.require[0].indirect);
    let [directory, module] = file.replace.as_slice() else {
        panic!("two replacements")
    };
    assert_eq!(
        (
            &directory.version,
            directory.new_path.as_str(),
            &directory.new_version
        ),
        (&None, "../y", &None)
    );
    assert_eq!(module.new_version.as_ref().map(Version::as_str), Some("v1.2.0"));
}

#[test]
fn retractions_hold_both_bounds() {
    let retract = |low: &str, high: &str| Retract {
        low: low.to_owned(),
        high: high.to_owned(),
        rationale: String::new(),
    };
    let version = Version::parse("v1.2.0").unwrap();
    for (low, high, contains) in [
        ("v1.2.0", "v1.2.0", true),
        ("v1.1.0", "v1.2.0", true),
        ("v1.2.0", "v1.3.0", true),
        ("v1", "v2", true),
        ("v1.2.1", "v1.3.0", false),
        ("v1.0.0", "v1.2.0-rc.1", false),
        ("v1.3.0", "v1.1.0", false),
        ("bad", "v1.3.0", true),
        ("v1.0.0", "bad", false),
    ] {
        assert_eq!(retract(low, high).contains(&version), contains, "{low} {high}");
    }
}
