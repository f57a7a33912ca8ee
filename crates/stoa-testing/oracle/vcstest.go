package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	stdzip "archive/zip"

	"cmd/go/internal/cfg"
	"cmd/go/internal/modfetch"
	"cmd/go/internal/vcweb/vcstest"

	"golang.org/x/mod/sumdb/dirhash"
)

// vcstestFamily asks about the modules in the repositories that cmd/go tests itself with.
//
// What cmd/go says of a module depends on what it was asked before about the same repository, so those of one repository
// are asked in order. Repositories go side by side; pages, which lead to some of them again, come last.
func vcstestFamily() any {
	cfg.GOPROXY, cfg.GOSUMDB = "direct", "off"
	// The other systems are off for public modules, and vcs-test has no key in any database.
	check(os.Setenv("GOVCS", "*:all"))
	cache, err := os.MkdirTemp("", "modcache-")
	check(err)
	defer os.RemoveAll(cache)
	cfg.GOMODCACHE = cache
	server, err := vcstest.NewServer()
	check(err)
	defer server.Close()
	places := strings.NewReplacer(server.HTTPS.URL, "$VCWEB_TLS", server.HTTP.URL, "$VCWEB", cache, "$MODCACHE")
	ask := asker{context.Background(), modfetch.NewFetcher(), func(text string) string {
		return clonePlace.ReplaceAllString(svnPort.ReplaceAllString(places.Replace(text), "svn://127.0.0.1:0/"), "cache/vcs/$$CLONE")
	}}
	modules := testModules(server.HTTP.URL)
	answers := make([]object, len(modules))
	groups, pages := byRepository(modules)
	queue := make(chan []int)
	var workers sync.WaitGroup
	for range 2 * runtime.NumCPU() {
		workers.Go(func() {
			for group := range queue {
				for _, i := range group {
					answers[i] = ask.module(modules[i])
				}
			}
		})
	}
	for _, group := range groups {
		queue <- group
	}
	close(queue)
	workers.Wait()
	for _, i := range pages {
		answers[i] = ask.module(modules[i])
	}
	return object{"go": strings.TrimPrefix(runtime.Version(), "go"), "modules": answers}
}

// byRepository groups modules by the repository that their paths name, and has those apart whose paths name none.
func byRepository(modules []testModule) (groups [][]int, pages []int) {
	last := ""
	for i, module := range modules {
		fields := strings.SplitN(module.path, "/", 4)
		if len(fields) < 3 || filepath.Ext(fields[2]) == "" {
			pages = append(pages, i)
			continue
		}
		if repository := fields[1] + "/" + fields[2]; repository != last {
			last, groups = repository, append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], i)
	}
	return groups, pages
}

// svnPort is where the server of Subversion is found, on another port in each run; clonePlace is named after an address
// with such a port.
var (
	svnPort    = regexp.MustCompile(`svn://127\.0\.0\.1:[0-9]+/`)
	clonePlace = regexp.MustCompile(`cache/vcs/[0-9a-f]{64}`)
)

// asker asks modfetch, and makes what it says the same in each run.
type asker struct {
	ctx     context.Context
	fetcher *modfetch.Fetcher
	clean   func(string) string
}

func (a asker) failure(err error) object {
	return object{"error": a.clean(err.Error()), "not_exist": errors.Is(err, fs.ErrNotExist)}
}

// origin is where something came from, with the addresses made clean.
func (a asker) origin(info *modfetch.RevInfo) *modfetch.RevInfo {
	copied := *info
	if info.Origin != nil {
		origin := *info.Origin
		origin.URL = a.clean(origin.URL)
		copied.Origin = &origin
	}
	return &copied
}

func (a asker) module(module testModule) object {
	repo := a.fetcher.Lookup(a.ctx, "direct", module.path)
	answer := object{"path": module.path}
	if start := time.Now(); testing.Verbose() {
		defer func() { log.Print(module.path, " ", len(module.queries), " ", time.Since(start)) }()
	}
	if versions, err := repo.Versions(a.ctx, ""); err != nil {
		answer["versions"] = a.failure(err)
	} else {
		list := object{"list": append([]string{}, versions.List...)}
		if versions.Origin != nil {
			origin := *versions.Origin
			origin.URL = a.clean(origin.URL)
			list["origin"] = &origin
		}
		answer["versions"] = list
	}
	seen := map[string]bool{}
	answer["queries"] = each(module.queries, func(query string) object {
		question := object{"query": query}
		var info *modfetch.RevInfo
		var err error
		if query == "@latest" {
			info, err = repo.Latest(a.ctx)
		} else {
			info, err = repo.Stat(a.ctx, query)
		}
		if err != nil {
			question["stat"] = a.failure(err)
			return question
		}
		question["info"], question["name"], question["short"] = a.origin(info), info.Name, info.Short
		if !seen[info.Version] {
			seen[info.Version] = true
			a.content(question, repo, info.Version)
		}
		return question
	})
	return answer
}

// content adds the go.mod and the zip, if the version has both.
func (a asker) content(question object, repo modfetch.Repo, version string) {
	mod, err := repo.GoMod(a.ctx, version)
	if err != nil {
		return
	}
	var zipped bytes.Buffer
	if repo.Zip(a.ctx, &zipped, version) != nil {
		return
	}
	question["gomod"] = string(mod)
	question["gomod_h1"], err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(mod)), nil
	})
	check(err)
	archive, err := stdzip.NewReader(bytes.NewReader(zipped.Bytes()), int64(zipped.Len()))
	check(err)
	contents := map[string][]byte{}
	names := []string{}
	entries := each(archive.File, func(entry *stdzip.File) object {
		reader, err := entry.Open()
		check(err)
		content, err := io.ReadAll(reader)
		check(err)
		contents[entry.Name] = content
		names = append(names, entry.Name)
		sum := sha256.Sum256(content)
		return object{"name": entry.Name, "size": len(content), "sha256": hex.EncodeToString(sum[:])}
	})
	h1, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(contents[name])), nil
	})
	check(err)
	question["zip"] = object{"entries": entries, "h1": h1, "size": zipped.Len()}
}
