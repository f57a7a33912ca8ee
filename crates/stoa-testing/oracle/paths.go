package main

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// oddPaths are spellings of which each is right or wrong in a way of its own.
var oddPaths = []string{
	"", ".", "..", "/", "a", "a.b", "a.b/", "/a.b", "a.b//c", "a.b/.", "a.b/..", "a.b/../c", "a.b/c.", "a.b/.c",
	"a.b./c", ".a.b/c", "-a.b/c", "a.b/-c", "a-.b/c", "A.b/c", "a.B/c", "a_b.c/d", "a b.c/d", "a.b/c d", "a.b/C", "a.b/cD",
	"a.b:80/c", "a.b/c:d", "a.b/c@v1", "a.b/c~", "a.b/c~1", "a.b/c~12", "a.b/c~x", "a.b/c~1x", "a.b/~1", "~a.b/c", "a.b/~c",
	"a.b/c~1.go", "a.b/x~2/y", "a.b/con", "a.b/CON", "a.b/Con.txt", "a.b/conx", "a.b/xcon", "con.b/c", "a.b/com1",
	"a.b/com0", "a.b/COM9.go", "a.b/lpt1", "a.b/nul", "a.b/aux", "a.b/prn.a.b", "a.b/con~", "a.b/c!d", "a.b/!c", "a.b/!c!d",
	"a.b/!!c", "a.b/c!", "a.b/!C", "a.b/!1", "!a.b/c", "a.b/c#d", "a.b/c$d", "a.b/c%20", "a.b/c&d", "a.b/c'd", "a.b/c(d)",
	"a.b/c*d", "a.b/c+d", "a.b/c,d", "a.b/c;d", "a.b/c<d>", "a.b/c=d", "a.b/c?d", "a.b/c[d]", "a.b/c^d", "a.b/c`d",
	"a.b/c{d}", "a.b/c|d", `a.b/c"d`, `a.b/c\d`, "a.b/c\td", "a.b/c\nd", "a.b/c\x00d", "a.b/c\x7fd", "a.b/cé", "a.b/ü",
	"é.b/c", "a.b/世界", "a.b/c\u0301", "a.b/K", "a.b/ſ", "a.b/v", "a.b/v0", "a.b/v1", "a.b/v2", "a.b/v02", "a.b/v2.1",
	"a.b/v10", "a.b/v1.2", "a.b/V2", "a.b/v2/v3", "a.b/v2/c", "a.b/v-1", "a.b/v2x", "a.b/c/v2", "v2", "v2/v3", "a/v2",
	"gopkg.in", "gopkg.in/", "gopkg.in/a", "gopkg.in/a.v", "gopkg.in/a.v0", "gopkg.in/a.v1", "gopkg.in/a.v01",
	"gopkg.in/a.v10", "gopkg.in/a.v2-unstable", "gopkg.in/a.v1-unstable", "gopkg.in/a.v0-unstable", "gopkg.in/u/a.v3",
	"gopkg.in/a.v1/v2", "gopkg.in/a/v2", "gopkg.in/a.v2.3", "gopkg.in/a.V2", "gopkg.in/a.v2/c", "gopkg.in/.v1",
	"gopkg.in/a.v-1", "Gopkg.in/a.v1", "gopkg.in/a.v2-Unstable", "gopkg.in/a.v1.v2", "GOPKG.IN/a.v1", "x.gopkg.in/a.v1",
	"github.com/User/Repo", "github.com/!user/!repo", "example.com/m/v3", "example.com/M/V3", "example.com/.git",
	"example.com/a/.b", "example.com/a./b", "example.com/...", "example.com/a...b", "example.com/a/...", "localhost",
	"localhost/x", "127.0.0.1/x", "1.2/3", "a.b/1", "a.b/1.go", "xn--a.b/c", "a.b/c.git", "a.b/_c", "_a.b/c", "a.b/c/_",
	"a.b/vendor/c", "a.b/internal", "a.b/testdata", "a.b/go.mod", "a.b/c\xff", "\xff", "a.b/\xc3\x28", "a.b/\xed\xa0\x80",
	"a.b/c\u00a0d", "a.b/c\u2028d", "a.b/\u200b", "a.b/\U0001f600", strings.Repeat("a", 300) + ".b/c",
}

const pathAlphabet = "abCZ09./-_~!@:+,= '\"\\év2"

// path is one that is mostly right.
func (r random) path() string {
	if r.odds(6) {
		p := "gopkg.in/" + r.times(1, 2, "/", func() string { return one(r, "yaml", "check", "User", "a.b") })
		p += one(r, ".v", "/v", ".V", "") + one(r, "0", "1", "2", "02", "13", "") + one(r, "", "", "-unstable", "-x", "/v2", "/c")
		return p
	}
	host := one(r, "example.com", "a.b", "github.com", "x-y.org", "example", "1.2", "host.con")
	element := func() string {
		return one(r, "a", "Repo", "x.y", "x-y", "x_y", "con", "a~1", "a~b", "go.mod", "!up", ".x", "x.", "v1", "v2", "v11", "v0", "v02", "é")
	}
	p := host
	if !r.odds(9) {
		p += "/" + r.times(1, 4, "/", element)
	}
	if r.odds(3) {
		p = r.spoil(p, pathAlphabet)
	}
	return p
}

func (r random) paths(table []string, count int) []string {
	list := append([]string{}, table...)
	for range count {
		list = append(list, r.path())
	}
	return without(list)
}

func pathsFamily() any {
	list := slices.DeleteFunc(newRandom(4).paths(oddPaths, 600), func(path string) bool {
		_, major, _ := module.SplitPathVersion(path)
		_, ok := majorPrefix(major)
		return !ok
	})
	return object{"cases": each(list, func(path string) object {
		answer := object{
			"check_path_err": text(module.CheckPath(path)), "check_import_path_err": text(module.CheckImportPath(path)),
			"check_file_path_err": text(module.CheckFilePath(path)),
			"escape_path":         outcome(module.EscapePath(path)), "unescape_path": outcome(module.UnescapePath(path)),
		}
		if utf8.ValidString(path) {
			answer["path"] = path
		} else {
			answer["path_b64"] = base64.StdEncoding.EncodeToString([]byte(path))
		}
		prefix, major, ok := module.SplitPathVersion(path)
		split := object{"ok": ok}
		if utf8.ValidString(path) {
			split["prefix"], split["path_major"] = prefix, major
		}
		answer["split_path_version"] = split
		if prefix, _ := majorPrefix(major); prefix != "" {
			answer["path_major_prefix"] = prefix
		}
		return answer
	})}
}

// majorPrefix is the major version that the end of a path stands for. Go panics over ends that it splits off itself, as
// of gopkg.in/a.v-unstable; such a path has no answer.
func majorPrefix(major string) (prefix string, ok bool) {
	defer func() { ok = recover() == nil }()
	return module.PathMajorPrefix(major), true
}

func checkFamily() any {
	r := newRandom(5)
	checks := []object{}
	ask := func(path, version string) {
		if utf8.ValidString(path) {
			checks = append(checks, object{"path": path, "version": version, "err": text(module.Check(path, version))})
		}
	}
	for i, version := range oddVersions {
		ask("example.com/m", version)
		ask([]string{"example.com/m/v2", "gopkg.in/m.v1", "gopkg.in/m.v2-unstable", "example.com/M/v3"}[i%4], version)
	}
	for range 400 {
		path, version := r.path(), r.version()
		if r.odds(2) {
			version = semver.Canonical(version)
		}
		ask(path, version)
	}
	majors := []object{}
	versions := []string{
		"v0.0.0", "v1.0.0", "v1.2.3-pre", "v2.0.0", "v2.0.0+incompatible", "v3.1.0-rc.1", "v10.0.0", "v1.0.0+incompatible",
		"v0.0.0-20200102030405-abcdefabcdef", "v2.0.0-20200102030405-abcdefabcdef", "v2.0.1-0.20200102030405-abcdefabcdef",
		"v0.0.1-0.20200102030405-abcdefabcdef", "bad", "v2", "v2.1",
	}
	for _, major := range []string{"", "/v2", "/v3", "/v10", ".v0", ".v1", ".v2", ".v1-unstable", ".v2-unstable"} {
		for _, version := range versions {
			majors = append(majors, object{
				"path_major": major, "version": version, "match": module.MatchPathMajor(version, major),
				"err": text(module.CheckPathMajor(version, major)),
			})
		}
	}
	return object{"check": checks, "path_major": majors}
}

// sortFamily has no two lines of which the order is open, as it is of versions that differ only behind a plus.
func sortFamily() any {
	r := newRandom(6)
	seen := map[module.Version]bool{}
	in := []module.Version{}
	for len(in) < 120 {
		path := one(r, "example.com/a", "example.com/A", "example.com/b", "example.com/a/v2", "example.com/a.b", "a.b/c")
		version := semver.Canonical(r.version())
		if version == "" {
			continue
		}
		line := module.Version{Path: path, Version: version + one(r, "", "", "/go.mod", "/zip")}
		if !seen[line] {
			seen[line] = true
			in = append(in, line)
		}
	}
	out := append([]module.Version{}, in...)
	module.Sort(out)
	return object{"in": in, "out": out}
}

func patternsFamily() any {
	r := newRandom(7)
	globs := []string{
		"", ",", "*", "*,", ",*", "example.com", "example.com/", "example.com/*", "*/a", "*/*", "example.*", "*.com",
		"example.com/a,other.org", "other.org,,example.com", "example.com/[ab]", "example.com/[^a]", "example.com/[", "[",
		`example.com/\a`, `example.com\`, "example.co?", "?", "example.com//a", " example.com", "example.com ", "Example.com",
		"**", "*/", "/", "/example.com", "example.com/a/*/c", "[a-f]xample.com", "[]a]", "[,example.com", "é.com",
	}
	for range 150 {
		glob := func() string {
			element := func() string {
				return one(r, "example.com", "a", "b", "*", "?", "*.com", "ex*", "[a-c]", "[^a]", "[", "", `\a`, "a*b", "c", "*x*")
			}
			return r.times(1, 3, "/", element)
		}
		globs = append(globs, r.times(1, 3, ",", glob))
	}
	cases := []object{}
	for _, list := range without(globs) {
		for range 4 {
			element := func() string { return one(r, "a", "b", "c", "ab", "axb", "x", "") }
			target := one(r, "example.com", "other.org", "Example.com", "é.com", "") + one(r, "", "/") + r.times(0, 3, "/", element)
			cases = append(cases, object{"globs": list, "target": target, "match": module.MatchPrefixPatterns(list, target)})
		}
	}
	return object{"cases": cases}
}
