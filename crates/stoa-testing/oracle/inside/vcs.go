package vcs

import "strings"

// Import is what a go-import tag says.
type Import struct{ Prefix, VCS, Repo, Subdir string }

// ParseMeta reads the go-import tags of a page.
func ParseMeta(page string, preferMod bool) ([]Import, error) {
	mode := IgnoreMod
	if preferMod {
		mode = PreferMod
	}
	tags, err := parseMetaGoImports(strings.NewReader(page), mode)
	list := []Import{}
	for _, tag := range tags {
		list = append(list, Import{tag.Prefix, tag.VCS, tag.RepoRoot, tag.SubDir})
	}
	return list, err
}

// FixedRoot is the repository of a path on one of the hosts that are known by name; unknown tells that it is on none.
func FixedRoot(path string) (root *RepoRoot, unknown bool, err error) {
	// The last rule is that of the endings, for which repositories are asked over the network.
	root, err = repoRootFromVCSPaths(path, 0, vcsPaths[:len(vcsPaths)-1])
	return root, err == errUnknownSite, err
}

// SuffixRoot is the repository of a path that has an ending like .git in it, without a scheme.
func SuffixRoot(path string) (root, repo, vcs string, ok bool) {
	rule := vcsPaths[len(vcsPaths)-1].regexp
	match := rule.FindStringSubmatch(path)
	if match == nil {
		return "", "", "", false
	}
	named := map[string]string{}
	for i, name := range rule.SubexpNames() {
		named[name] = match[i]
	}
	return named["root"], named["repo"], named["vcs"], true
}

// ParseGOVCS tells what is wrong with a GOVCS.
func ParseGOVCS(setting string) error {
	_, err := parseGOVCS(setting)
	return err
}

// Allows tells whether a GOVCS lets a system be used, without the rules that follow it by default.
func Allows(setting, path string, private bool, vcs string) bool {
	rules, err := parseGOVCS(setting)
	return err == nil && rules.allow(path, private, vcs)
}

// CheckRepoRoot tells what is wrong with the address of a repository.
func CheckRepoRoot(root string) error { return validateRepoRoot(root) }

// CheckSubdir tells what is wrong with a folder of a repository.
func CheckSubdir(dir string) error { return validateRepoSubDir(dir) }
