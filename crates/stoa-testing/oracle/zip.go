package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"

	stdzip "archive/zip"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// zipFamily has trees, listings and zips that are checked, made and unpacked.
func zipFamily() any {
	r := newRandom(11)
	trees := slices.Concat(oddTrees, r.trees(150))
	fromDisk := slices.DeleteFunc(slices.Clone(trees), func(t tree) bool { return !t.fitsDisk() })
	zipped := slices.Concat(oddZips(), r.trees(80))
	checked := slices.DeleteFunc(slices.Clone(zipped), func(t tree) bool { return t.check() != nil })
	return object{
		"check_files":            each(trees, checkFiles),
		"check_dir":              each(fromDisk, checkDir),
		"check_zip":              each(checked, checkZip),
		"create":                 each(slices.Concat(oddTargets, trees), create),
		"create_from_dir":        each(slices.Concat(oddTargets, fromDisk), createFromDir),
		"extra_check_and_create": each(slices.Concat(oddSizes, r.trees(150)), checkAndCreate),
		"unzip":                  each(zipped, unzip),
		"is_vendored_package":    vendored(r),
		"str_to_fold":            folds(r),
	}
}

// describe is what is asked: the module and its files.
func (t tree) describe() object {
	files := each(t.files, func(f *file) object { return f.describe() })
	return object{"name": t.name, "path": named(t.module().Path), "version": t.module().Version, "files": files}
}

func report(checked zip.CheckedFiles, dir string) object {
	in := func(path string) any {
		if dir != "" {
			path = strings.Replace(path, dir, "$work", 1)
		}
		return named(path)
	}
	errors := func(list []zip.FileError) []object {
		return each(list, func(e zip.FileError) object { return object{"path": in(e.Path), "err": e.Err.Error()} })
	}
	valid := []any{}
	for _, path := range checked.Valid {
		valid = append(valid, in(path))
	}
	return object{
		"valid": valid, "omitted": errors(checked.Omitted), "invalid": errors(checked.Invalid),
		"size_error": text(checked.SizeError),
	}
}

func checkFiles(t tree) object {
	answer := t.describe()
	checked, _ := zip.CheckFiles(t.list())
	answer["report"] = report(checked, "")
	return answer
}

func checkDir(t tree) object {
	answer := t.describe()
	onDisk(t, func(dir string) {
		checked, _ := zip.CheckDir(dir)
		answer["report"] = report(checked, dir)
	})
	return answer
}

func create(t tree) object {
	answer := t.describe()
	var made bytes.Buffer
	created(answer, t, &made, zip.Create(&made, t.module(), t.list()), "")
	return answer
}

func createFromDir(t tree) object {
	answer := t.describe()
	onDisk(t, func(dir string) {
		var made bytes.Buffer
		created(answer, t, &made, zip.CreateFromDir(&made, t.module(), dir), dir)
	})
	return answer
}

// created says what the zip holds, or why it was not made.
func created(answer object, t tree, made *bytes.Buffer, err error, dir string) {
	answer["create_err"] = text(err)
	if err != nil {
		if dir != "" {
			answer["create_err"] = strings.Replace(err.Error(), dir, "$work", 1)
		}
		return
	}
	archive, err := stdzip.NewReader(bytes.NewReader(made.Bytes()), int64(made.Len()))
	check(err)
	entries := []string{}
	for _, entry := range archive.File {
		entries = append(entries, entry.Name)
	}
	answer["zip_entries"] = entries
	onFile(made.Bytes(), func(path string) {
		answer["h1"], err = dirhash.HashZip(path, dirhash.Hash1)
		check(err)
	})
}

func checkAndCreate(t tree) object {
	answer := checkFiles(t)
	for _, file := range t.files {
		if file.size != 0 {
			return answer
		}
	}
	var made bytes.Buffer
	created(answer, t, &made, zip.Create(&made, t.module(), t.list()), "")
	return answer
}

func checkZip(t tree) object {
	answer, content := t.describe(), t.zipped()
	answer["zip_b64"] = encode(content)
	onFile(content, func(path string) {
		checked, _ := zip.CheckZip(t.module(), path)
		answer["report"] = report(checked, "")
	})
	return answer
}

func unzip(t tree) object {
	answer, content := t.describe(), t.zipped()
	answer["zip_b64"] = encode(content)
	dir, err := os.MkdirTemp("", "unzip-")
	check(err)
	defer os.RemoveAll(dir)
	onFile(content, func(path string) {
		err := zip.Unzip(filepath.Join(dir, "out"), t.module(), path)
		answer["unzip_err"] = strings.Replace(text(err), path, "$zip", 1)
		if err != nil {
			return
		}
		answer["hash"], err = dirhash.HashZip(path, dirhash.Hash1)
		check(err)
		answer["h1_dir"], err = dirhash.HashDir(filepath.Join(dir, "out"), t.module().String(), dirhash.Hash1)
		check(err)
	})
	return answer
}

// onDisk makes the tree in a folder and removes it afterwards.
func onDisk(t tree, do func(dir string)) {
	dir, err := os.MkdirTemp("", "tree-")
	check(err)
	defer os.RemoveAll(dir)
	for _, file := range t.files {
		path := filepath.Join(dir, file.path)
		check(os.MkdirAll(filepath.Dir(path), 0o755))
		switch file.kind {
		case "symlink":
			check(os.Symlink(file.content, path))
		case "dir":
			check(os.MkdirAll(path, 0o755))
		case "irregular":
			check(syscall.Mkfifo(path, 0o644))
		default:
			check(os.WriteFile(path, []byte(file.content), 0o644))
		}
	}
	do(dir)
}

// onFile writes bytes to a file and removes it afterwards.
func onFile(content []byte, do func(path string)) {
	file, err := os.CreateTemp("", "zip-")
	check(err)
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	check(err)
	check(file.Close())
	do(file.Name())
}

func vendored(r random) []object {
	paths := []string{
		"vendor", "vendor/", "vendor/a", "vendor/a/b", "vendor/modules.txt", "vendor/a/modules.txt", "a/vendor/modules.txt", "a/vendor",
		"a/vendor/", "a/vendor/b", "a/vendor/b/c", "a/b/vendor/c", "a/vendor/vendor/b", "vendor/vendor/a", "avendor/b", "vendora/b/c",
		"a/vendorb/c/d", "Vendor/a/b", "a/b", "longer/vendor/b", "x/vendor/b/vendor/c", "vendor//a", "a//vendor/b",
	}
	for range 40 {
		paths = append(paths, r.times(1, 5, "/", func() string { return one(r, "vendor", "a", "bc", "modules.txt", "longer.name") }))
	}
	answers := []object{}
	for _, path := range without(paths) {
		for _, version := range []string{
			"", "go1", "go1.9", "go1.13", "go1.23", "go1.23.9", "go1.24rc1", "go1.24", "go1.24.0", "go1.24.1", "go1.25", "go1.100", "go2",
		} {
			answers = append(answers, object{"path": path, "go": version, "vendored": zip.IsVendored(path, version)})
		}
	}
	return answers
}

// folds has each letter that has another case, and words of such letters.
func folds(r random) []object {
	list := []string{"", "abc", "ABC", "aBc", "straße", "STRASSE", "ſ", "K", "Å", "Σςσ", "İı", "a/B.go"}
	var letters []rune
	for letter := range rune(unicode.MaxRune) {
		if unicode.SimpleFold(letter) != letter {
			letters = append(letters, letter)
			list = append(list, string(letter))
		}
	}
	for range 200 {
		list = append(list, r.times(1, 8, "", func() string { return string(one(r, letters...)) }))
	}
	return each(without(list), func(s string) object { return object{"in": s, "fold": zip.ToFold(s)} })
}

func dirhashFamily() any {
	r := newRandom(12)
	cases := []object{}
	for range 60 {
		files, names, contents := []object{}, []string{}, map[string]string{}
		for range r.IntN(6) {
			name := r.times(1, 3, "/", func() string { return one(r, "a", "B", "é", "z.go", "x y", "-", "a\nb", "~", "世") })
			if _, ok := contents[name]; !ok {
				contents[name] = r.letters("ab\n\x00é ", 0, 40)
				names = append(names, name)
				files = append(files, object{"name": name, "data": contents[name]})
			}
		}
		hash, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(contents[name])), nil
		})
		answer := object{"files": files, "h1": hash}
		if err != nil {
			answer["err"] = err.Error()
		}
		cases = append(cases, answer)
	}
	return object{"cases": cases}
}

// module is whose files these are, which is mostly of no matter.
func (t tree) module() module.Version {
	m := module.Version{Path: "example.com/m", Version: "v1.0.0"}
	if t.target != "" {
		var ok bool
		m.Path, m.Version, ok = strings.Cut(t.target, "@")
		if !ok {
			check(fmt.Errorf("%q is no module", t.target))
		}
	}
	return m
}
