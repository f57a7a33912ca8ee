package main

import (
	"strings"
	"time"

	"cmd/go/internal/modfetch"
)

// tablesFamily is what cmd/go's own tests of modules in repositories want. A case is local if vcs-test.golang.org has its
// repository, or, with insteadOf, has one that is the same.
func tablesFamily() any {
	local := func(path string) bool { return strings.HasPrefix(path, "vcs-test.golang.org/") }
	renamed := func(path string) bool { return strings.HasPrefix(path, "github.com/rsc/vgotest1") }
	return object{
		"code_repo": each(modfetch.Cases(), func(c modfetch.Case) object {
			return object{
				"vcs": c.VCS, "path": c.Path, "rev": c.Rev, "err": c.Err, "version": c.Version, "name": c.Name, "short": c.Short,
				"time": c.Time.UTC().Format(time.RFC3339), "gomod": c.GoMod, "zip": c.Zip, "zip_h1": c.ZipH1,
				"zip_sha256": c.ZipSHA256, "local": local(c.Path), "local_with_insteadOf": renamed(c.Path),
			}
		}),
		"latest": each(modfetch.Latest(), func(row [4]string) object {
			return object{"vcs": row[0], "path": row[1], "version": row[2], "err": row[3]}
		}),
		"versions": each(modfetch.Lists(), func(l modfetch.List) object {
			return object{"vcs": l.VCS, "path": l.Path, "prefix": l.Prefix, "versions": l.Versions}
		}),
	}
}
