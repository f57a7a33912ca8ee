//! Paths against layouts.

use super::*;

fn layout(root: &str, subdir: &str, module: &str) -> Result<Layout, String> {
    let module = ModulePath::parse(module).expect(module);
    Layout::new(root, subdir, module).map_err(|error| error.to_string())
}

#[test]
fn folders_follow_from_paths() {
    for (root, subdir, module, prefix, dir, major_dir) in [
        ("h.com/r", "", "h.com/r", "h.com/r", "", None),
        ("h.com/r", "", "h.com/r/v2", "h.com/r", "", Some("v2")),
        (
            "h.com/r",
            "",
            "h.com/r/a/b/v2",
            "h.com/r/a/b",
            "a/b",
            Some("a/b/v2"),
        ),
        ("h.com/r/v2", "", "h.com/r/v2", "h.com/r/v2", "", None),
        ("gopkg.in/y.v2", "", "gopkg.in/y.v2", "gopkg.in/y.v2", "", None),
        ("h.com/r", "s/t", "h.com/r/v2", "h.com/r", "s/t", Some("s/t/v2")),
        ("h.com/r", "s/./t/../u", "h.com/r/a", "h.com/r/a", "a/s/u", None),
    ] {
        let layout = layout(root, subdir, module).expect(module);
        assert_eq!(
            (layout.prefix.as_str(), layout.dir.as_str()),
            (prefix, dir),
            "{module}"
        );
        assert_eq!(layout.major_dir().as_deref(), major_dir, "{module}");
    }
}

#[test]
fn what_cannot_be_in_a_repository_is_refused() {
    for (root, subdir, module, text) in [
        (
            "h.com/other",
            "",
            "h.com/r",
            "module h.com/r: mismatched repo: found h.com/other for h.com/r",
        ),
        (
            "h.com/r/v2/x",
            "",
            "h.com/r/v2",
            "module h.com/r/v2: mismatched repo: found h.com/r/v2/x for h.com/r/v2",
        ),
        (
            "h.com/r/",
            "",
            "h.com/r/v2",
            "module h.com/r/v2: repository rooted at h.com/r/ cannot contain module h.com/r/v2",
        ),
        (
            "h.com/r",
            "../up",
            "h.com/r",
            "module h.com/r: subdirectory ../up is outside of its repository",
        ),
    ] {
        let error = layout(root, subdir, module).err().unwrap_or_default();
        assert_eq!(error, text, "{module}");
    }
    let error = layout("h.com/r/v", "", "h.com/r/v2").expect_err("not a prefix");
    assert!(error.contains("mismatched repo"), "{error}");
}

#[test]
fn revisions_of_queries() {
    let root = layout("h.com/r", "", "h.com/r").expect("layout");
    let sub = layout("h.com/r", "", "h.com/r/sub/v2").expect("layout");
    for (query, at_root, at_sub) in [
        ("v1.2.3", "v1.2.3", "sub/v1.2.3"),
        ("v2.0.0+incompatible", "v2.0.0", "sub/v2.0.0"),
        ("v1.2.3+meta", "v1.2.3+meta", "sub/v1.2.3+meta"),
        ("v1.2", "v1.2", "sub/v1.2"),
        ("master", "master", "master"),
        (
            "v0.0.0-20240102030405-abcdef123456",
            "abcdef123456",
            "abcdef123456",
        ),
        (
            "v2.0.1-0.20240102030405-abcdef123456+incompatible",
            "abcdef123456",
            "abcdef123456",
        ),
    ] {
        assert_eq!(root.revision(query), at_root);
        assert_eq!(sub.revision(query), at_sub);
    }
    assert_eq!(
        (root.base_prefix().as_str(), sub.base_prefix().as_str()),
        ("", "sub/v2.")
    );
}

#[test]
fn tags_are_versions_of_their_folder() {
    let sub = layout("h.com/r", "", "h.com/r/sub").expect("layout");
    for (tag, version) in [
        ("sub/v1.2.3", Some(("v1.2.3", true))),
        ("sub/v1.2.3+meta", Some(("v1.2.3", false))),
        ("sub/v1.2", None),
        ("v1.2.3", None),
        ("sub/latest", None),
        ("sub/v0.0.0-20240102030405-abcdef123456", None),
    ] {
        let found = sub.version_of_tag(tag);
        assert_eq!(
            found.as_ref().map(|(v, exact)| (v.as_str(), *exact)),
            version,
            "{tag}"
        );
    }
}

#[test]
fn only_major_versions_of_go_mod_files_are_compared() {
    for (module, path, accepted) in [
        ("h.com/r", "h.com/fork", true),
        ("h.com/r", "h.com/r/v2", false),
        ("h.com/r", "gopkg.in/r.v1", true),
        ("h.com/r", "gopkg.in/r.v3", true),
        ("h.com/r", "gopkg.in/r", true),
        ("h.com/r", "h.com/r/v1", false),
        ("h.com/r", "", false),
        ("h.com/r/v2", "h.com/fork/v2", true),
        ("h.com/r/v2", "gopkg.in/r.v2", true),
        ("h.com/r/v2", "gopkg.in/r.v2-unstable", false),
        ("h.com/r/v2", "h.com/r", false),
        ("h.com/r/v2", "h.com/r/v3", false),
        ("gopkg.in/r.v1", "h.com/r", false),
    ] {
        let layout = layout(module, "", module).expect(module);
        assert_eq!(layout.accepts(path), accepted, "{module} {path}");
    }
}
