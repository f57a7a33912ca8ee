package modfetch

import (
	"strings"
	"time"
)

// Case is a row of the table that cmd/go tests its modules in repositories with.
type Case struct {
	VCS, Path, Rev       string
	Err                  string
	Version, Name, Short string
	Time                 time.Time
	GoMod                string
	Zip                  []string
	ZipH1, ZipSHA256     string
}

// Cases are the rows of that table, and those that follow from it for other systems than git.
func Cases() []Case {
	var list []Case
	add := func(t codeRepoTest) {
		list = append(list, Case{
			t.vcs, t.path, t.rev, t.err, t.version, t.name, t.short, t.time, t.gomod, t.zip, t.zipSum, t.zipFileHash,
		})
	}
	for _, t := range codeRepoTests {
		add(t)
		below, ok := strings.CutPrefix(t.path, vgotest1git)
		if !ok {
			continue
		}
		// As TestCodeRepo makes them.
		t.vcs, t.path = "hg", vgotest1hg+below
		for _, field := range []*string{&t.version, &t.name, &t.short, &t.rev, &t.err} {
			*field = remap(*field, hgmap)
		}
		t.zipSum, t.zipFileHash = "", ""
		add(t)
	}
	return list
}

// Latest are the rows of the table of newest commits: system, path, version, error.
func Latest() [][4]string {
	var list [][4]string
	for _, t := range latestTests {
		list = append(list, [4]string{t.vcs, t.path, t.version, t.err})
	}
	return list
}

// List is a row of the table of lists of versions.
type List struct {
	VCS, Path, Prefix string
	Versions          []string
}

// Lists are the rows of that table.
func Lists() []List {
	var list []List
	for _, t := range codeRepoVersionsTests {
		list = append(list, List{t.vcs, t.path, t.prefix, t.versions})
	}
	return list
}
