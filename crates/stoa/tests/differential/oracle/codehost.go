package codehost

import "context"

// NewUncached is NewRepo without its memory, so that a question can be asked as if it were the first.
func NewUncached(ctx context.Context, vcs, remote string) (Repo, error) {
	return newVCSRepo(ctx, vcs, remote, false)
}

// FetchAll fetches every branch and tag with its history. What is answered afterwards does not depend on the order of
// the questions.
func FetchAll(ctx context.Context, repo Repo) error {
	r := repo.(*gitRepo)
	if _, err := r.loadRefs(ctx); err != nil {
		return err
	}
	unlock, err := r.mu.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	return r.fetchRefsLocked(ctx)
}
