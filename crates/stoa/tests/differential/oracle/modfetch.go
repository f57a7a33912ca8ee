package modfetch

import (
	"context"

	"cmd/go/internal/modfetch/codehost"
)

// NewCodeRepo is the module path in a repository whose root has the import path root.
func NewCodeRepo(code codehost.Repo, root, subdir, path string) (Repo, error) {
	return newCodeRepo(code, root, subdir, path)
}

// Retracted tells which versions the module retracts; none if that cannot be read.
func Retracted(ctx context.Context, repo Repo) func(string) bool {
	retracted, err := repo.(*codeRepo).retractedVersions(ctx)
	if err != nil {
		return func(string) bool { return false }
	}
	return retracted
}
