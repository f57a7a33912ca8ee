package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	stdzip "archive/zip"

	"golang.org/x/mod/zip"
)

// file is one of the files of a module.
type file struct {
	path, content string
	kind          string // regular if empty
	size          int64  // what it claims, if that is not the length of its content
}

// tree is a module's files. The target is path@version, example.com/m@v1.0.0 if empty.
type tree struct {
	name, target string
	files        []*file
}

func encode(content []byte) string { return base64.StdEncoding.EncodeToString(content) }

// named is a name as it stands in JSON: an object where it is no text.
func named(name string) any {
	if utf8.ValidString(name) {
		return name
	}
	return object{"b64": encode([]byte(name))}
}

func (f *file) describe() object {
	answer := object{"name": named(f.path), "data_b64": ""}
	// What is larger is only found in a zip, which says it shorter.
	if len(f.content) < 1<<20 {
		answer["data_b64"] = encode([]byte(f.content))
	}
	if f.kind != "" {
		answer["kind"] = f.kind
	}
	if f.size != 0 {
		answer["fake_size"] = f.size
	}
	return answer
}

func (f *file) Path() string                 { return f.path }
func (f *file) Lstat() (os.FileInfo, error)  { return info{f}, nil }
func (f *file) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(f.content)), nil }

// info is what a file says about itself.
type info struct{ *file }

func (i info) Name() string       { return i.path[strings.LastIndexByte(i.path, '/')+1:] }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.kind == "dir" }
func (i info) Sys() any           { return nil }

func (i info) Size() int64 {
	if i.size != 0 {
		return i.size
	}
	return int64(len(i.content))
}

func (i info) Mode() fs.FileMode {
	switch i.kind {
	case "symlink":
		return fs.ModeSymlink | 0o777
	case "dir":
		return fs.ModeDir | 0o755
	case "irregular":
		return fs.ModeNamedPipe | 0o644
	default:
		return 0o644
	}
}

func (t tree) list() []zip.File {
	list := []zip.File{}
	for _, file := range t.files {
		list = append(list, file)
	}
	return list
}

// fitsDisk tells whether a folder can hold these files.
func (t tree) fitsDisk() bool {
	for i, file := range t.files {
		if file.size != 0 || file.kind == "dir" || !fs.ValidPath(file.path) || len(file.path) > 200 || strings.Contains(file.path, "\x00") {
			return false
		}
		for j, other := range t.files {
			if i != j && (file.path == other.path || strings.HasPrefix(file.path, other.path+"/")) {
				return false
			}
		}
	}
	return true
}

// check tells whether a zip of these files is of a module that may be.
func (t tree) check() error {
	return zip.Create(io.Discard, t.module(), nil)
}

// zipped is a zip of exactly these files, whatever they are called. A file whose name has no version in it gets the
// prefix that it should have.
func (t tree) zipped() []byte {
	var out bytes.Buffer
	writer := stdzip.NewWriter(&out)
	for _, file := range t.files {
		name := file.path
		if !strings.Contains(name, "@") && file.kind != "bare" {
			name = t.module().String() + "/" + name
		}
		entry, err := writer.Create(name)
		check(err)
		if !strings.HasSuffix(name, "/") {
			_, err = io.WriteString(entry, file.content)
			check(err)
		}
	}
	check(writer.Close())
	return out.Bytes()
}

// of is a tree of files whose content is their path, or what follows after an equals sign.
func of(name string, files ...string) tree {
	t := tree{name: name}
	for _, path := range files {
		path, content, ok := strings.Cut(path, "=")
		if !ok {
			content = path
		}
		t.files = append(t.files, &file{path: path, content: content})
	}
	return t
}

// with is the tree and a file of another kind.
func (t tree) with(path, kind string, size int64) tree {
	t.files = append(slices.Clip(t.files), &file{path: path, content: "x", kind: kind, size: size})
	return t
}

// for_ is the tree as that of another module.
func (t tree) for_(target string) tree {
	t.target = target
	return t
}

var oddTrees = []tree{
	of("nothing"), of("plain", "go.mod=module example.com/m\n", "a.go", "b/c.go", "LICENSE"), of("no go.mod", "a.go"),
	of("upper go.mod", "GO.MOD=module x\n", "a.go"), of("mixed go.mod below", "a.go", "b/Go.Mod", "b/c.go"),
	of("nested module", "go.mod=module m\n", "sub/go.mod", "sub/a.go", "sub/deep/b.go", "subx/a.go"),
	of("folder go.mod", "go.mod/a.go", "x/go.mod/b.go"), of("twice", "a.go=1", "b.go", "a.go=2"),
	of("file and folder", "a", "a/b"), of("folder and file", "a/b", "a"), of("cases", "a.go", "A.go"),
	of("cases of folders", "a/b.go", "A/c.go"), of("unicode cases", "straße", "ſ.go", "s.go"), of("kelvin", "K.go", "k.go"),
	of("greek", "σ", "ς"), of("unclean", "a/../b", "./c", "/d", "e//f", "g/"), of("bad names", "a b'", "x:y", "con", "é.go", "a\\b", "-x"),
	of("reserved", "aux.go", "x/nul", "com1.txt/y", "lpt9"), of("short names", "a~1", "b~1.go", "c~x"), of("dots", ".x", "x.", "..a", "a/.b/c."),
	of("archives", ".hg_archival.txt", "a/.hg_archival.txt", "a.go"), of("licences", "LICENSE", "a/LICENSE", "License", "COPYING"),
	of("vendor", "vendor/a/b.go", "vendor/modules.txt", "a/vendor/b.go", "a/vendor/b/c.go", "vendor.go"),
	of("vendor 1.23", "go.mod=module m\ngo 1.23\n", "vendor/a/b.go", "vendor/modules.txt", "a/vendor/b.go", "a/vendor/b/c.go"),
	of("vendor 1.24", "go.mod=module m\ngo 1.24\n", "vendor/a/b.go", "vendor/modules.txt", "a/vendor/b.go", "a/vendor/b/c.go"),
	of("vendor 1.24.1", "go.mod=module m\n\ngo 1.24.1 // x\n", "vendor/modules.txt", "a/vendor/b.go"),
	of("vendor bad go", "go.mod=module m\ngo 1.24x\n", "vendor/modules.txt", "a/vendor/b.go"),
	of("vendor unreadable", "go.mod=module (\n", "vendor/modules.txt", "a/vendor/b.go"),
	of("vendor late go.mod", "vendor/modules.txt", "a/vendor/b.go", "go.mod=module m\ngo 1.25\n"),
	of("repositories", ".git/config", ".hg/x", ".svn/x", ".bzr/x", "_darcs/x", "a/.git/x", "b.go"), of("a .git file", ".git", "a.go"),
	of("links", "a.go").with("l", "symlink", 0).with("p", "irregular", 0), of("a folder", "d/x").with("d", "dir", 0),
	of("link go.mod", "a.go").with("go.mod", "symlink", 0), of("link in a module", "s/go.mod", "s/a").with("s/l", "symlink", 0),
	of("bad bytes", "a\xff.go", "b.go"), of("new line", "a\nb"), of("space", "a b.go", " a", "b "), of("long", strings.Repeat("x", 150)+"/y"),
	of("many", "a", "b", "c", "d/e", "d/f", "g/h/i", "g/h/j", "k l", "m+n", "o,p", "q(r)", "s[t]", "u{v}", "w=1", "x@y", "z#1", "é", "世"),
}

// oddTargets are modules that have no zip, or have one though they look odd.
var oddTargets = []tree{
	of("no dot", "a.go").for_("m@v1.0.0"), of("major", "a.go").for_("example.com/m@v2.0.0"), of("major 2", "a.go").for_("example.com/m/v2@v2.0.0"),
	of("version", "a.go").for_("example.com/m@v1"), of("meta", "a.go").for_("example.com/m@v1.0.0+meta"), of("branch", "a.go").for_("example.com/m@main"),
	of("old", "a.go").for_("example.com/m@v2.0.0+incompatible"), of("older", "a.go").for_("example.com/m@v1.0.0+incompatible"),
	of("gopkg", "a.go").for_("gopkg.in/m.v1@v1.0.0"), of("gopkg 2", "a.go").for_("gopkg.in/m.v1@v2.0.0"), of("upper", "a.go").for_("Example.com/M@v1.0.0"),
	of("pseudo", "a.go").for_("example.com/m@v0.0.0-20200102030405-abcdefabcdef"), of("no path", "a.go").for_("@v1.0.0"),
	of("bytes", "a.go").for_("a.b/\xff@v1.0.0"), of("prerelease", "a.go").for_("example.com/m@v1.0.0-RC.1"),
}

// oddSizes are files that claim to be larger than they are, which are only checked.
var oddSizes = []tree{
	of("go.mod at most").with("go.mod", "", zip.MaxGoMod), of("go.mod too large").with("go.mod", "", zip.MaxGoMod+1),
	of("licence at most").with("LICENSE", "", zip.MaxLICENSE), of("licence too large").with("LICENSE", "", zip.MaxLICENSE+1),
	of("licence below").with("a/LICENSE", "", zip.MaxLICENSE+1), of("all at most").with("a", "", zip.MaxZipFile), of("too large").with("a", "", zip.MaxZipFile+1),
	of("too large together", "x").with("a", "", zip.MaxZipFile-1).with("b", "", 1), of("a link is not large").with("a", "symlink", zip.MaxZipFile+1),
	of("vendored is not large").with("vendor/a/b", "", zip.MaxZipFile+1), of("both", "a'").with("a", "", zip.MaxZipFile+1),
	of("twice too large").with("a", "", zip.MaxZipFile+1).with("b", "", zip.MaxZipFile+1), of("invalid is large").with("a'", "", zip.MaxZipFile+1),
}

// oddZips are zips that no go command makes.
func oddZips() []tree {
	bare := of("bare", "a.go")
	bare.files = append(bare.files, &file{path: "noprefix", content: "x", kind: "bare"})
	large := func(name string, size int) tree {
		return tree{name: "large " + name, files: []*file{{path: name, content: strings.Repeat("x", size)}}}
	}
	zips := []tree{
		bare, of("other version", "example.com/m@v1.0.1/a.go"), of("other module", "example.com/n@v1.0.0/a.go"),
		of("no slash", "example.com/m@v1.0.0"), of("upper prefix", "Example.com/m@v1.0.0/a.go"), of("climbs", "example.com/m@v1.0.0/../x"),
		large("go.mod", zip.MaxGoMod+1), large("LICENSE", zip.MaxLICENSE+1), of("upper", "a.go").for_("example.com/M@v1.0.0-RC"),
	}
	zips = append(zips, oddTargets...)
	for _, tree := range oddTrees {
		regular := func(file *file) bool {
			return file.kind == "" && !strings.HasSuffix(file.path, "/") && utf8.ValidString(file.path)
		}
		if !slices.ContainsFunc(tree.files, func(file *file) bool { return !regular(file) }) {
			zips = append(zips, tree)
		}
	}
	return zips
}

// trees are made of names that get into each other's way.
func (r random) trees(count int) []tree {
	var list []tree
	for number := range count {
		t := tree{name: fmt.Sprint("random ", number)}
		if r.odds(2) {
			t.files = append(t.files, &file{path: "go.mod", content: "module example.com/m\n\ngo 1." + one(r, "13", "23", "24", "25.1") + "\n"})
		}
		element := func() string {
			return one(r, "a", "A", "b", "c.go", "C.go", "d", "ß", "ſ", "s", "vendor", "x'", ".git", ".hg", "e")
		}
		for range r.IntN(9) {
			path := r.times(1, 3, "/", element)
			if r.odds(6) {
				path += one(r, "/go.mod", "/GO.mod", "/modules.txt", "/con", "/LICENSE", "/.hg_archival.txt")
			}
			t.files = append(t.files, &file{path: path, content: r.letters("abc\n", 0, 30)})
		}
		list = append(list, t)
	}
	return list
}
