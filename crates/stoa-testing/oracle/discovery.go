package main

import (
	"os"
	"slices"
	"strings"

	"cmd/go/internal/vcs"
)

func discoveryFamily() any {
	// So that no host is refused for its system.
	check(os.Setenv("GOVCS", "*:all"))
	r := newRandom(13)
	pages := []object{}
	for _, page := range r.pages() {
		for _, preferMod := range []bool{true, false} {
			imports, err := vcs.ParseMeta(page, preferMod)
			answer := object{"html": page, "prefer_mod": preferMod, "imports": each(imports, func(i vcs.Import) object {
				return object{"prefix": i.Prefix, "vcs": i.VCS, "repo": i.Repo, "subdir": i.Subdir}
			})}
			if err != nil {
				answer["err"] = err.Error()
			}
			pages = append(pages, answer)
		}
	}
	return object{
		"parse_meta":         pages,
		"static_repo_root":   each(r.hosted(), fixedRoot),
		"generic_vcs_suffix": each(r.suffixed(), suffixRoot),
		"govcs":              r.govcs(),
		"govcs_errors":       each(r.wrongGOVCS(), func(s string) object { return object{"govcs": s, "err": text(vcs.ParseGOVCS(s))} }),
		"validate_repo_root": each(r.roots(), func(s string) object { return object{"root": s, "ok": vcs.CheckRepoRoot(s) == nil} }),
		"validate_subdir":    each(r.subdirs(), func(s string) object { return object{"subdir": s, "ok": vcs.CheckSubdir(s) == nil} }),
	}
}

func fixedRoot(path string) object {
	root, unknown, err := vcs.FixedRoot(path)
	if err != nil {
		return object{"path": path, "err": err.Error(), "needs_dynamic": unknown}
	}
	return object{"path": path, "root": root.Root, "repo": root.Repo, "vcs": root.VCS.Cmd}
}

func suffixRoot(path string) object {
	root, repo, vcs, ok := vcs.SuffixRoot(path)
	if !ok {
		return object{"path": path, "match": false}
	}
	return object{"path": path, "match": true, "root": root, "repo": repo, "vcs": vcs}
}

const tag = `<meta name="go-import" content="a.b/c git https://a.b/c">`

// pages are what a host may say to ?go-get=1. Bytes that are not UTF-8 are 0xe9 only, for JSON has no such bytes.
func (r random) pages() []string {
	list := []string{
		"", " ", "x", "<", "<>", "</", "<p", "<p>", "</p>", "<!", "<!-", "<!--", "<!-- x", "<!-- x -->", "<!-- -- -->" + tag, "<?", "<?x", "<?x?>" + tag,
		"<![CDATA[" + tag + "]]>" + tag, "<![CDATA[x", tag, tag + tag, strings.ToUpper(tag), "<head>" + tag + "</head>", "<head></head>" + tag,
		"<HEAD></HEAD>" + tag, "<body>" + tag, "<BODY>" + tag, tag + "<body>", "<html><head>" + tag + "<body>", "<!DOCTYPE html>" + tag,
		"<!DOCTYPE html [<!ENTITY x \"y\">]>" + tag, `<?xml version="1.0"?>` + tag, `<?xml version="1.0" encoding="utf-8"?>` + tag,
		`<?xml version="1.0" encoding="UTF-8"?>` + tag, `<?xml version="1.0" encoding="ascii"?>` + tag, `<?xml version="1.0" encoding="us-ascii"?>` + tag,
		`<?xml version="1.0" encoding="latin1"?>` + tag, `<?xml version="1.1"?>` + tag, `<?xml encoding='x'?>` + tag, `<meta name=go-import content=a>`,
		`<meta name=go-import content="a.b/c git https://a.b/c"/>`, `<meta name="go-import" content='a.b/c  git	https://a.b/c' />`,
		`<meta name="go-import" content="a.b/c git">`, `<meta name="go-import" content="a.b/c git https://a.b/c sub">`,
		`<meta name="go-import" content="a.b/c git https://a.b/c sub x">`, `<meta name="go-import" content="">`, `<meta name="go-import">`,
		`<meta content="a.b/c git https://a.b/c">`, `<meta name="go-source" content="a.b/c git https://a.b/c">`, `<metadata name="go-import" content="a b c">`,
		`<meta NAME="go-import" Content="a b c">`, `<meta name="Go-Import" content="a b c">`, `<meta name="go-import" name="x" content="a b c">`,
		`<meta name="go-import" content="a b c" content="d e f">`, `<x:meta name="go-import" content="a b c">`, `<meta x:name="go-import" content="a b c">`,
		`<meta name="go-import" content="a b c?x=1&y=2">`, `<meta name="go-import" content="a b c?x=1&amp;y=2">`, `<meta name="go-import" content="a b &#47;">`,
		`<meta name="go-import" content="a b &#x2f;">`, `<meta name="go-import" content="a b &lt;&gt;&quot;&apos;">`, `<meta name="go-import" content="a b &nbsp;">`,
		`<meta name="go-import" content="a b &#0;">`, `<meta name="go-import" content="a b &#xd800;">`, `<meta name="go-import" content="a b &;">`,
		`<meta name="go-import" content="a b <c">`, `<meta name="go-import" content="a b c>`, `<meta name="go-import" content=a b c>`, `<meta name=">`,
		`<meta name="go-import"content="a b c">`, `<meta name= "go-import" content ="a b c">`, "<meta\nname=\"go-import\"\r\ncontent=\"a\nb\nc\">",
		`<script>if (a < b) {}</script>` + tag, `<script>if (a<b) {}</script>` + tag, `<script>"</script>` + tag, `<title>A & B</title>` + tag,
		`<title>&unknown;</title>` + tag, "<title>\xe9</title>" + tag, tag + "<title>\xe9</title>", "<title>\x01</title>" + tag, "<title>\x00</title>" + tag,
		"<title>]]></title>" + tag, "<a b>" + tag, "<a b=>" + tag, "<a 1=2>" + tag, "<1>" + tag, "< p>" + tag, "<p >" + tag, "<p/ >" + tag, "<p/x>" + tag,
		"</p x>" + tag, "<é>" + tag, "<a\xe9>" + tag, "<a:b:c>" + tag, "<:a>" + tag, "<a:>" + tag, "<p a='b\"c'>" + tag, "<link/>" + tag,
		strings.Replace(tag, "git", "mod", 1) + tag, tag + strings.Replace(tag, "git", "mod", 1), strings.ReplaceAll(tag, "a.b/c", "d.e") + strings.Replace(tag, "git", "mod", 1),
		strings.Replace(tag, "git", "zzz", 1), "\ufeff" + tag, tag[:len(tag)-1], tag[:20], "<br></p></x>" + tag, "\r\n" + tag, "<p>\n\n<a b='c' d>" + tag,
	}
	pieces := []string{
		"<head>", "</head>", "<body>", "<p>", "</p>", "<br/>", "text ", "&amp;", "& ", "&x;", "<!-- c -->", "<!doctype html>", "\n", "<a href=x>", "<a b='c'>",
		"<script>x<y</script>", "<script>x && y</script>", "<title>é</title>", tag, tag, strings.Replace(tag, "git", "mod", 1), strings.Replace(tag, "c\"", "c sub\"", 1),
		strings.ReplaceAll(tag, "\"", "'"), "<meta charset=utf-8>", "<link rel=x href=\"/y\">", "<x:y>",
	}
	for range 500 {
		page := r.times(1, 6, "", func() string { return one(r, pieces...) })
		if r.odds(3) {
			page = r.spoil(page, "<>&;\"'=/!-? x\n:")
		}
		list = append(list, page)
	}
	return without(list)
}

func (r random) hosted() []string {
	list := []string{
		"", "a", "example.com", "example.com/a/b", "example.net", "example.net/a", "example.netx/a", "rsc.io", "rsc.io/x", "http:/a.b/c", "https:/a.b/c", "http:",
		"https:x", "httpx:/a", "github.com", "github.com/", "github.com/a", "github.com/a/", "github.com/a/b", "github.com/a/b/", "github.com/a/b/c/d", "github.com/a//b",
		"github.com/A.b-c_d/E.f", "github.com/a/b.git", "github.com/a/b.hg", "github.com/a/b.svn", "github.com/a/b.bzr", "github.com/a/b.fossil", "github.com/a/b.cvs",
		"github.com/a/b.git/c", "github.com/a/é", "github.com/a/b~", "github.com/a/b@v1", "github.comx/a/b", "xgithub.com/a/b", "Github.com/a/b",
		"bitbucket.org", "bitbucket.org/a", "bitbucket.org/a/b", "bitbucket.org/a/b/c", "bitbucket.org/a/b.git", "bitbucket.org/a/b c", "hub.jazz.net", "hub.jazz.net/git",
		"hub.jazz.net/git/a", "hub.jazz.net/git/a/b", "hub.jazz.net/git/a/b/c", "hub.jazz.net/git/A/b", "hub.jazz.net/git/a.b/c", "hub.jazz.net/git/a/b.git",
		"hub.jazz.net/gitx/a/b", "git.apache.org", "git.apache.org/a", "git.apache.org/a.git", "git.apache.org/a.git/b", "git.apache.org/A.git", "git.apache.org/a_b-c.d.git",
		"git.apache.org/a.gitx", "git.openstack.org/a", "git.openstack.org/a/b", "git.openstack.org/a/b.git", "git.openstack.org/a/b.git/c", "git.openstack.org/a/b/c",
		"chiselapp.com/user/a/repository/b", "chiselapp.com/user/a/repository/b/c", "chiselapp.com/user/a.b/repository/c", "chiselapp.com/a/b", "chiselapp.com",
		"launchpad.net/a", "launchpad.net/~a/b/c", "gitlab.com/a/b", "gopkg.in/a.v1", "golang.org/x/a", "example.com/a.git", "code.google.com/p/a",
	}
	for range 300 {
		path := one(r, "github.com", "bitbucket.org", "hub.jazz.net/git", "git.apache.org", "git.openstack.org", "chiselapp.com/user/a/repository", "chiselapp.com", "a.b")
		path += r.times(0, 3, "", func() string {
			return "/" + one(r, "a", "B", "x.y", "x-y", "a.git", "a.hg", "v2", "é", "a b", "", "x_y")
		})
		list = append(list, path)
	}
	// The rule of the endings, which comes after all hosts, is asked apart.
	return slices.DeleteFunc(without(list), func(path string) bool {
		_, unknown, _ := vcs.FixedRoot(path)
		_, _, _, ok := vcs.SuffixRoot(path)
		return unknown && ok
	})
}

func (r random) suffixed() []string {
	list := []string{
		"", ".git", "a.git", "a.b/c.git", "a.b.git", "a.b/.git", "a.b/c.gitx", "a.b/c.git/", "a.b/c.git/d", "a.b/c.git/~d", "a.b/c.git/d e", "a.b/c.Git", "a.b:80/c.git",
		"a.b:x/c.git", "a.b/c/d/e.hg/f", "a.b/~c/d.svn", "a.b/c~.bzr", "a.b/c.fossil", "a.b/c.mod", "a.b/c.git.hg", "a.b/c.git/d.hg", "a.b/c.hg/d.git/e", "A.b/c.git",
		"aB.c/d.git", "a_b.c/d.git", "-a.b/c.git", "a..b/c.git", "a.b//c.git", "é.b/c.git", "a.b/é.git", "x@a.b/c.git", "a.b/c@d.git", "a.b/c.git\n", "1.2.3.4/a.git",
	}
	for range 200 {
		path := one(r, "a.b", "a", "x-y.z:80", "A.b", "a.b.c") + r.times(1, 3, "", func() string { return "/" + one(r, "a", "~a", "x.y", "A_b", "é", "") })
		path += one(r, ".git", ".hg", ".svn", ".bzr", ".fossil", ".cvs", "") + r.times(0, 2, "", func() string { return "/" + one(r, "a", "~b", "c.git", "é") })
		list = append(list, path)
	}
	return without(list)
}

func (r random) govcs() []object {
	cases := []object{}
	pattern := func() string { return one(r, "public", "private", "*", "a.b", "a.b/c", "*.b", "a.b/*", "x.y/z") }
	systems := func() string {
		return r.times(1, 3, one(r, "|", " | "), func() string { return one(r, "git", "hg", "svn", "all", "off", "none") })
	}
	for len(cases) < 400 {
		setting := r.times(1, 3, one(r, ",", " , "), func() string { return pattern() + one(r, ":", " : ") + systems() })
		if vcs.ParseGOVCS(setting) != nil {
			continue
		}
		path, private, system := one(r, "a.b", "a.b/c", "a.b/c/d", "b.b/x", "x.y/z"), r.odds(2), one(r, "git", "hg", "svn", "bzr", "fossil", "off")
		cases = append(cases, object{
			"govcs": setting, "path": path, "private": private, "vcs": system, "ok": vcs.Allows(setting, path, private, system),
		})
	}
	return cases
}

func (r random) wrongGOVCS() []string {
	list := []string{
		",", "a", "a:", ":a", ":", "a:b,", ",a:b", "a:b,,c:d", "a:b|", "a:|b", "a:b||c", "a:b,a:c", "a:b, a : c", "./a:b", "../a:b", ".:b", "..:b", "a:b c:d,",
		"a:b,c", "a b", "public", "a:b|\t|c", " : ", "a:b,c:", "public:all,public:off",
	}
	for len(list) < 120 {
		setting := r.spoil("a.b:git|hg,public:all", ",:| ./")
		if vcs.ParseGOVCS(setting) != nil {
			list = append(list, setting)
		}
	}
	return without(list)
}

func (r random) roots() []string {
	list := []string{
		"", "a", "a.b/c", "//a.b/c", "https://", "https://a.b/c", "HTTPS://a.b/c", "https:a", "https:", ":", "://a", "1http://a", "http+x://a", "-x://a",
		"file:///a", "FILE:///a", "file:a", "filex:a", "git@a.b:c", "git@a.b/c", "ssh://git@a.b/c", "svn+ssh://a/b", "https://a/b c", "https://a/%20",
		"https://[::1]/a", "https://a:80/b", "https://a:/b", "https://a\x01/b", "https://a/\x7f", "https://é/b", "https://a/é", "https://a?b", "https://a#b",
		"https://a/b?c=%zz", "ext::sh -c x", "a:b", "C:\\a", "https://user@:80", "#a", "a#:", "https#://a", "https:#", "é:a", "hé:a",
	}
	for range 150 {
		list = append(list, r.spoil(one(r, "https", "ssh", "svn+ssh", "file", "git-x", "a.b"), ":/@# \x7f-+é<1")+"://a.b/c")
	}
	return without(list)
}

func (r random) subdirs() []string {
	list := []string{"", "a", "a/b", "/", "/a", "-", "-a", "a/-b", "a//b", ".", "..", "../a", "a/..", "a/", " a", "a b", "é", "\x00", "a\n", "--x", "./-x", "/-"}
	for range 40 {
		list = append(list, r.letters("a/-. é", 1, 6))
	}
	return without(list)
}
