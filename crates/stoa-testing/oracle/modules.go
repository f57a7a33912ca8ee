package main

import (
	"internal/testenv"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// testModule is a module of vcs-test.golang.org and what is asked of it.
type testModule struct {
	path    string
	queries []string
}

const testHost = "vcs-test.golang.org/"

// subdirs are folders that have a module without a tag that would tell so.
var subdirs = map[string][]string{"git/issue61415": {"nested"}}

// hardly are the queries of which each repository of git knows few or none.
var hardly = []string{"v1", "v1.2", "v0.0.0", "v9.9.9", "nosuchref", "aaaaaaaaab", "v2.0.0+incompatible"}

// paged are what is asked of a module that is found by a page.
var paged = []string{"@latest", "latest", "HEAD", "master", "v1.0.0", "v1.2.3", "v2.0.0"}

// others are what is asked of the repositories of other systems.
var others = map[string][]string{
	"bzr/hello":             {"@latest", "latest", "1", "2", "000000000001", "revno:1", "revno:-1", "v0.0.0-20170922012012-000000000001", "v1.0.0"},
	"fossil/hello":          {"@latest", "latest", "trunk", "d4c7dcdc29", "d4c7dcdc298a", "v0.0.0-20170922011907-d4c7dcdc29f9", "v0.0.0-20170922011907-b6dbe6f2b0f0", "v1.0.0"},
	"svn/hello":             {"@latest", "latest", "1", "000000000001", "HEAD", "v0.0.0-20170922011245-000000000001", "v1.0.0"},
	"svn/nonexistent":       {"@latest"},
	"svn/test1-svn-git":     {"@latest", "5", "1", "9"},
	"svn/test2-svn-git":     {"@latest", "1"},
	"hg/custom-hg-hello":    {"@latest", "tip", "default"},
	"hg/hello":              {"@latest", "tip", "default", "e483a7d9f8c9", "v1.0.0"},
	"hg/hgrepo1":            {"@latest", "tip", "default", "v2", "v2.3.4", "v1.2.3", "v2.0.1", "v2.0.2", "v2.3", "v1.2.4-annotated", "c0186fb00e50", "c0186fb", "nosuch", "v0.0.0-20180417194322-c0186fb00e50"},
	"hg/legacytest":         {"@latest", "tip", "v1.0.0", "v1.1.0-pre", "v1.2.0", "v2.0.0", "7fff7f3417fa"},
	"hg/prefixtagtests":     {"@latest", "tip", "v0.1.0", "v0.2.0"},
	"hg/prefixtagtests sub": {"@latest", "tip", "v0.0.9", "v0.0.10"},
	"hg/tagtests":           {"@latest", "tip", "v0.2.1", "v0.2.2"},
	"hg/vgotest1":           {"@latest", "tip", "v1.0.0", "v1.1.0", "mytag", "e125018e286a"},
	"hg/vgotest1 submod":    {"v1.0.4", "v1.0.5"},
	"hg/vgotest1 v2":        {"@latest", "v2.0.1", "v2.0.5", "v2.0.3", "v2.0.4"},
}

// tagged is the import path of a page that leads to a repository on the same host. No other host is asked anything.
var tagged = regexp.MustCompile(`name="go-import" content="(vcs-test\.golang\.org/[^ "]+) [a-z]+ https://vcs-test\.golang\.org/`)

// testModules are those of the scripts that make the repositories. A repository of git is asked for all its branches, tags
// and commits that these name, as a module of major versions 1, 2 and 3 and of each folder that a tag names.
func testModules(server string) []testModule {
	scripts := filepath.Join(testenv.GOROOT(nil), "src/cmd/go/testdata/vcstest")
	asked := map[string][]string{}
	check(filepath.WalkDir(scripts, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".txt" {
			return err
		}
		name, err := filepath.Rel(scripts, strings.TrimSuffix(path, ".txt"))
		check(err)
		switch kind, _, _ := strings.Cut(filepath.ToSlash(name), "/"); kind {
		case "git":
			gitModules(asked, server, name)
		case "bzr", "fossil", "hg", "svn":
			for key, queries := range others {
				if repository, folder, _ := strings.Cut(key, " "); repository == name {
					asked[filepath.Join(testHost, name+"."+kind, folder)] = queries
				}
			}
		default:
			if kind == "auth" || kind == "go" {
				asked[testHost+name] = paged
			}
			script, err := os.ReadFile(path)
			check(err)
			for _, page := range tagged.FindAllStringSubmatch(string(script), -1) {
				asked[page[1]] = paged
			}
		}
		return nil
	}))
	modules := []testModule{}
	for path, queries := range asked {
		modules = append(modules, testModule{path, without(queries)})
	}
	slices.SortFunc(modules, func(a, b testModule) int { return strings.Compare(a.path, b.path) })
	return modules
}

func gitModules(asked map[string][]string, server, name string) {
	// The first request makes the repository.
	url := server + "/" + name
	answer, err := http.Get(url)
	check(err)
	_, err = io.Copy(io.Discard, answer.Body)
	check(err)
	check(answer.Body.Close())
	queries, folders := []string{"@latest", "latest", "HEAD"}, append([]string{"", "v2", "v3"}, subdirs[name]...)
	var branches, commits, tags []string
	// What is no version comes before the commits: cmd/go notes the ref that led it to one when it sees it first.
	// A repository that is missing has no refs, and is asked for all the same.
	listing, _ := exec.Command("git", "ls-remote", url).Output()
	for line := range strings.Lines(string(listing)) {
		hash, ref, _ := strings.Cut(strings.TrimSpace(line), "\t")
		commits = append(commits, hash, hash[:12], hash[:7])
		ref = strings.TrimSuffix(ref, "^{}")
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			branches = append(branches, branch)
		} else if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
			if !strings.HasPrefix(tag, "v") && !strings.Contains(tag, "/v") {
				branches = append(branches, tag)
			}
			tags = append(tags, tag)
			if at := strings.LastIndex(tag, "/v"); at > 0 {
				folders, tags = append(folders, tag[:at]), append(tags, tag[at+1:])
			}
		}
	}
	queries = slices.Concat(queries, branches, commits, tags, hardly)
	for _, folder := range folders {
		asked[filepath.Join(testHost, name+".git", folder)] = queries
	}
}
