package main

import (
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// oddVersions are spellings of which each is right or wrong in a way of its own.
var oddVersions = []string{
	"", "v", "V1.2.3", "1.2.3", "v0", "v1", "v1.0", "v1.2", "v1.2.3", "v01.2.3", "v1.02.3", "v1.2.03", "v1.2.3.4",
	"v1.2.-1", "v-1.2.3", "v1..3", "v.1.2", "v1.2.", "v1.", "v1.2.3-", "v1.2.3+", "v1.2.3-+", "v1.2.3-.", "v1.2.3-a.",
	"v1.2.3-.a", "v1.2.3-a..b", "v1.2.3-0", "v1.2.3-00", "v1.2.3-01", "v1.2.3-0a", "v1.2.3-a0", "v1.2.3--", "v1.2.3---x",
	"v1.2.3-a.b.c", "v1.2.3-alpha", "v1.2.3-alpha.1", "v1.2.3-alpha.beta", "v1.2.3-beta", "v1.2.3-beta.2",
	"v1.2.3-beta.11", "v1.2.3-rc.1", "v1.2.3-10", "v1.2.3-9", "v1.2.3-9a", "v1.2.3-99999999999999999999",
	"v1.2.3-A", "v1.2.3-Z.z", "v1.2.3-é", "v1.2.3-a_b", "v1.2.3 ", " v1.2.3", "v1.2.3\n", "v1.2.3-a+", "v1.2.3+a.",
	"v1.2.3+.a", "v1.2.3+a..b", "v1.2.3+00", "v1.2.3+a+b", "v1.2.3+a-b.c", "v1.2.3-a+b", "v1.2+meta", "v1+meta",
	"v1-pre", "v1.2-pre", "v1.2.3+incompatible", "v2.0.0+incompatible", "v2.0.0-rc.1+incompatible", "v2.0.0+INCOMPATIBLE",
	"v2.0.0+incompatible.1", "v0.0.0", "v99999999999999999999.0.0", "v1.18446744073709551616.0", "v00.0.0",
	"v1.2.3/go.mod", "v1.2.3!", "v1.2.3!a", "v!1.2.3", "v1.2.3-!r!c", "v1.2.3-!!a", "v1.2.3-r!C", "v1.2.3-RC1", "master",
	"Master", "!master", "feature/x", "a b", "a@b", "a:b", `a\b`, "..", ".", "con", "CON", "aux.txt", "x~1", "x~y", "~",
	"latest", "HEAD", "0123456789ab",
	"v0.0.0-00010101000000-000000000000", "v0.0.0-20200102030405-abcdefabcdef", "v1.0.0-20200102030405-abcdefabcdef",
	"v2.0.0-20200102030405-abcdefabcdef", "v1.2.4-0.20200102030405-abcdefabcdef", "v1.2.0-0.20200102030405-abcdefabcdef",
	"v1.0.0-0.20200102030405-abcdefabcdef", "v0.0.1-0.20200102030405-abcdefabcdef", "v0.0.0-0.20200102030405-abcdefabcdef",
	"v1.2.3-pre.0.20200102030405-abcdefabcdef", "v1.2.3-0.0.20200102030405-abcdefabcdef",
	"v1.2.3-pre.1.20200102030405-abcdefabcdef", "v1.2.3-pre.20200102030405-abcdefabcdef",
	"v2.0.1-0.20200102030405-abcdefabcdef+incompatible", "v1.2.3-20200102030405-abcdefabcdef",
	"v0.0.0-20200102030405-ABCDEF", "v0.0.0-20200102030405-xyz.1", "v0.0.0-20200102030405-", "v0.0.0-2020010203040-abc",
	"v0.0.0-202001020304056-abc", "v0.0.0-20201302030405-abc", "v0.0.0-20200230030405-abc", "v0.0.0-20200102250405-abc",
	"v0.0.0-20200102030460-abc", "v0.0.0-20200229000000-abc", "v0.0.0-20190229000000-abc", "v0.0.0-00000101000000-abc",
	"v0.0.0-99991231235959-abc", "v0.0.0-20200102030405-abc+meta", "v1.2.4-0.20200102030405-abc+meta",
	"v1.2.3-pre.0.20200102030405-abc+meta", "v0.0.0-20200102030405-a-b", "v1.100.0-0.20200102030405-abc",
	"v1.10.100-0.20200102030405-abc", "v1.0.10000000000000000000-0.20200102030405-abc",
}

const versionAlphabet = "v0123456789.-+aZ!_ /é"

// version is one that is mostly right.
func (r random) version() string {
	number := func() string { return one(r, "0", "1", "2", "3", "9", "10", "19", "100", "00", "01", "4294967296") }
	identifier := func() string {
		return one(r, "0", "1", "9", "10", "alpha", "beta", "rc1", "RC", "x-y", "-", "0a", "a0", "007", "pre")
	}
	v := "v" + r.times(1, 3, ".", number)
	if r.odds(5) {
		v = "v" + r.times(3, 3, ".", number)
	}
	switch r.IntN(4) {
	case 0:
		v += "-" + r.times(1, 4, ".", identifier)
	case 1:
		v += one(r, "-", "-0.", "-pre.0.", "-1.", "-RC.0.") + r.timestamp() + "-" + r.letters("0123456789abcdef", 1, 14)
	}
	switch r.IntN(4) {
	case 0:
		v += "+" + r.times(1, 3, ".", identifier)
	case 1:
		v += one(r, "+incompatible", "+meta", "")
	}
	if r.odds(4) {
		v = r.spoil(v, versionAlphabet)
	}
	return v
}

// timestamp is the middle of a pseudo-version, of a moment that mostly exists.
func (r random) timestamp() string {
	if r.odds(6) {
		return r.letters("0123456789", 13, 15)
	}
	return time.Unix(r.Int64N(4e9), 0).UTC().Format("20060102150405")
}

func (r random) versions(table []string, count int) []string {
	list := append([]string{}, table...)
	for range count {
		list = append(list, r.version())
	}
	return without(list)
}

func semverFamily() any {
	list := newRandom(1).versions(oddVersions[:70], 120)
	matrix := [][]int{}
	for _, v := range list {
		row := []int{}
		for _, w := range list {
			row = append(row, semver.Compare(v, w))
		}
		matrix = append(matrix, row)
	}
	sorted := append([]string{}, list...)
	semver.Sort(sorted)
	info := each(list, func(v string) object {
		return object{
			"in": v, "valid": semver.IsValid(v), "canonical": semver.Canonical(v), "major": semver.Major(v),
			"major_minor": semver.MajorMinor(v), "prerelease": semver.Prerelease(v), "build": semver.Build(v),
		}
	})
	return object{"list": list, "compare_matrix": matrix, "sorted": sorted, "info": info}
}

func versionsFamily() any {
	list := newRandom(2).versions(oddVersions, 500)
	return object{"cases": each(list, func(v string) object {
		answer := object{
			"version": v, "build": semver.Build(v), "prerelease": semver.Prerelease(v), "major": semver.Major(v),
			"major_minor": semver.MajorMinor(v), "semver_canonical": semver.Canonical(v),
			"semver_is_valid": semver.IsValid(v), "module_canonical": module.CanonicalVersion(v),
			"is_pseudo": module.IsPseudoVersion(v), "is_zero_pseudo": module.IsZeroPseudoVersion(v),
			"escape_version": outcome(module.EscapeVersion(v)), "unescape_version": outcome(module.UnescapeVersion(v)),
		}
		time, err := module.PseudoVersionTime(v)
		either(answer, "pseudo_time", time.Format("2006-01-02T15:04:05Z"), err)
		rev, err := module.PseudoVersionRev(v)
		either(answer, "pseudo_rev", rev, err)
		base, err := module.PseudoVersionBase(v)
		either(answer, "pseudo_base", base, err)
		return answer
	})}
}

// either sets the field, or what it is called with _err.
func either(answer object, field, value string, err error) {
	if err != nil {
		answer[field+"_err"] = err.Error()
	} else {
		answer[field] = value
	}
}

func pseudoFamily() any {
	r := newRandom(3)
	cases := []object{}
	for len(cases) < 200 {
		major, older := one(r, "", "v0", "v1", "v2", "v3", "v17"), ""
		if !r.odds(3) {
			older = semver.Canonical(r.version())
			if older != "" && r.odds(3) {
				older += one(r, "+incompatible", "+meta", "+a.1")
			}
			if module.IsPseudoVersion(older) {
				continue
			}
		}
		zone := time.FixedZone("", 60*(r.IntN(28*60)-14*60))
		moment := time.Unix(r.Int64N(4e9), r.Int64N(1e9)*int64(r.IntN(2))).In(zone)
		rev := r.letters("0123456789abcdef", 12, 12)
		cases = append(cases, object{
			"major": major, "older": older, "rev": rev, "time": moment.Format(time.RFC3339Nano),
			"want": module.PseudoVersion(major, older, moment, rev),
		})
	}
	return object{"cases": cases}
}
