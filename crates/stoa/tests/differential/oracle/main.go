// Answers what cmd/go's own code answers about modules in git repositories.
//
// It is built inside of cmd/go, of which it needs the internal packages: scripts/tools.sh lays these files over the
// source of the go distribution. The first argument is the folder of the repositories. It serves them over HTTP on a free
// port of 127.0.0.1, prints the address, and answers each line of JSON on standard input with one on standard output.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"strings"

	"archive/zip"

	"cmd/go/internal/cfg"
	"cmd/go/internal/modfetch"
	"cmd/go/internal/modfetch/codehost"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
)

// Questions is a line of input.
type Questions struct {
	URL     string   // of the repository
	Root    string   // its import path
	Subdir  string   // what of it counts as its root
	Path    string   // of the module
	Queries []string // what to resolve; "@latest" and "@list" are known
	Fresh   bool     // whether each query is the first one of all, or everything has been fetched before
	Content int      // of how many versions at most the go.mod and the zip are asked for
}

// Answer is what is said to a query. One of Error and Info, List is set.
type Answer struct {
	Query    string
	Error    *Failure          `json:",omitempty"`
	Info     *modfetch.RevInfo `json:",omitempty"`
	List     []string
	Mod      []byte   `json:",omitempty"`
	ModError *Failure `json:",omitempty"`
	Zip      *Zip     `json:",omitempty"`
	ZipError *Failure `json:",omitempty"`
}

// Zip is what a module zip holds.
type Zip struct {
	H1    string
	Files []File
}

// File is a file of a zip.
type File struct {
	Name string
	Sum  string
}

// Failure is an error and its class.
type Failure struct {
	Text     string
	NotExist bool
	TooNew   bool
}

func failure(err error) *Failure {
	return &Failure{
		Text:     err.Error(),
		NotExist: errors.Is(err, fs.ErrNotExist),
		TooNew:   strings.Contains(err.Error(), "requires go >="),
	}
}

func main() {
	log.SetFlags(0)
	cfg.GOPROXY, cfg.GOSUMDB = "direct", "off"
	serve(os.Args[1])
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var questions Questions
		if err := json.Unmarshal(lines.Bytes(), &questions); err != nil {
			log.Fatal(err)
		}
		line, err := json.Marshal(answers(questions))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", line)
	}
}

// serve gives the repositories below a folder to git clients.
func serve(folder string) {
	git, err := exec.LookPath("git")
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	handler := &cgi.Handler{
		Path:       git,
		Args:       []string{"http-backend"},
		InheritEnv: []string{"PATH", "HOME"},
		Env:        []string{"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1"},
		Stderr:     io.Discard,
	}
	go func() {
		log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := *handler
			if v := r.Header.Get("Git-Protocol"); v != "" {
				h.Env = append(h.Env[:len(h.Env):len(h.Env)], "GIT_PROTOCOL="+v)
			}
			h.ServeHTTP(w, r)
		})))
	}()
	fmt.Printf("http://%s\n", listener.Addr())
}

func answers(q Questions) []Answer {
	ctx := context.Background()
	var repo modfetch.Repo
	var open error
	renew := func() {
		dir, err := os.MkdirTemp("", "modcache-")
		if err != nil {
			log.Fatal(err)
		}
		cfg.GOMODCACHE = dir
		var code codehost.Repo
		if code, open = codehost.NewUncached(ctx, "git", q.URL); open != nil {
			return
		}
		if !q.Fresh {
			if open = codehost.FetchAll(ctx, code); open != nil {
				return
			}
		}
		repo, open = modfetch.NewCodeRepo(code, q.Root, q.Subdir, q.Path)
	}
	remove := func() { os.RemoveAll(cfg.GOMODCACHE) }
	if !q.Fresh {
		renew()
		defer remove()
	}
	all := []Answer{}
	seen := map[string]bool{}
	for _, query := range q.Queries {
		if q.Fresh {
			renew()
		}
		a := Answer{Query: query}
		if open != nil {
			a.Error = failure(open)
		} else {
			a.resolve(ctx, repo)
		}
		if a.Info != nil && query != "@latest" && !seen[a.Info.Version] && len(seen) < q.Content {
			seen[a.Info.Version] = true
			a.content(ctx, repo, a.Info.Version)
		}
		if q.Fresh {
			remove()
		}
		all = append(all, a)
	}
	return all
}

func (a *Answer) resolve(ctx context.Context, repo modfetch.Repo) {
	var err error
	switch a.Query {
	case "@list":
		var versions *modfetch.Versions
		if versions, err = repo.Versions(ctx, ""); err == nil {
			a.List = append([]string{}, versions.List...)
		}
	case "@latest":
		a.Info, err = latest(ctx, repo)
	default:
		a.Info, err = repo.Stat(ctx, a.Query)
	}
	if err != nil {
		a.Info, a.Error = nil, failure(err)
	}
}

func (a *Answer) content(ctx context.Context, repo modfetch.Repo, version string) {
	mod, err := repo.GoMod(ctx, version)
	if err != nil {
		a.ModError = failure(err)
	} else {
		a.Mod = append([]byte{}, mod...)
	}
	var zipped bytes.Buffer
	if err := repo.Zip(ctx, &zipped, version); err != nil {
		a.ZipError = failure(err)
		return
	}
	reader, err := zip.NewReader(bytes.NewReader(zipped.Bytes()), int64(zipped.Len()))
	if err != nil {
		log.Fatal(err)
	}
	var names []string
	files := map[string]*zip.File{}
	a.Zip = &Zip{}
	for _, file := range reader.File {
		content, err := file.Open()
		if err != nil {
			log.Fatal(err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, content); err != nil {
			log.Fatal(err)
		}
		a.Zip.Files = append(a.Zip.Files, File{file.Name, hex.EncodeToString(sum.Sum(nil))})
		names = append(names, file.Name)
		files[file.Name] = file
	}
	a.Zip.H1, err = dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return files[name].Open() })
	if err != nil {
		log.Fatal(err)
	}
}

// latest is what the query "latest" means to the go command (cmd/go/internal/modload, Query): the highest release that
// is not retracted, else the highest such prerelease, else the newest commit. Versions with +incompatible count only if
// the last one without has no go.mod.
func latest(ctx context.Context, repo modfetch.Repo) (*modfetch.RevInfo, error) {
	versions, err := repo.Versions(ctx, "")
	if err != nil {
		return nil, err
	}
	retracted := modfetch.Retracted(ctx, repo)
	var release, prerelease, compatible string
	incompatible := false
	for _, v := range versions.List {
		if retracted(v) {
			continue
		}
		if !strings.HasSuffix(v, "+incompatible") {
			compatible = v
		} else if compatible != "" && !incompatible {
			mod, err := repo.GoMod(ctx, compatible)
			if err != nil {
				return nil, err
			}
			if !bytes.Equal(mod, modfetch.LegacyGoMod(repo.ModulePath())) {
				break
			}
			incompatible = true
		}
		if semver.Prerelease(v) == "" {
			release = v
		} else {
			prerelease = v
		}
	}
	if release == "" {
		release = prerelease
	}
	if release != "" {
		return repo.Stat(ctx, module.CanonicalVersion(release))
	}
	return repo.Latest(ctx)
}
