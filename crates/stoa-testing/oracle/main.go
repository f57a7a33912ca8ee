// Prints what Go's own code answers to questions of ours, for the tests that hold our code to it.
//
// It is built inside of cmd/go, of which it needs the internal packages: scripts/tools.sh lays these files, and those of
// the folder inside, over the source of the go distribution. The questions are tables in these files and random ones of
// a fixed seed, so that the same Go prints the same bytes. Each family of answers becomes one file of JSON in the folder
// that is named by the only argument, unless it is there already. Keys that end in _b64 are base64 of raw bytes.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
	"testing"
)

// object is what becomes an object of JSON, with its keys in order.
type object = map[string]any

func main() {
	log.SetFlags(0)
	// The server of test repositories is part of a test, and asks for the flags of one.
	testing.Init()
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: vectors FOLDER")
	}
	families := []struct {
		name  string
		print func() any
	}{
		{"semver", semverFamily},
		{"module_versions", versionsFamily},
		{"pseudo_make", pseudoFamily},
		{"module_paths", pathsFamily},
		{"module_check", checkFamily},
		{"module_sort", sortFamily},
		{"match_prefix_patterns", patternsFamily},
		{"modfile", modfileFamily},
		{"dirhash", dirhashFamily},
		{"zip", zipFamily},
		{"note", noteFamily},
		{"tlog", tlogFamily},
		{"sumdb_transcript", sumdbFamily},
		{"vcs_discovery", discoveryFamily},
		{"coderepo_tables", tablesFamily},
		{"oracle_vcstest", vcstestFamily},
	}
	for _, family := range families {
		path := filepath.Join(flag.Arg(0), family.name+".json")
		if _, err := os.Stat(path); err == nil {
			continue
		}
		text, err := json.MarshalIndent(family.print(), "", " ")
		check(err)
		check(os.WriteFile(path, append(text, '\n'), 0o644))
	}
}

// check ends the program if something failed that is no answer.
func check(err error) {
	if err != nil {
		// Not an exit, so that what was started is stopped.
		panic(err)
	}
}

// text is the text of an error, empty if there is none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// outcome is a value, or why there is none.
func outcome(value string, err error) object {
	return object{"value": value, "err": text(err)}
}

// each is a list of what is printed about each question.
func each[Q any](questions []Q, answer func(Q) object) []object {
	answers := []object{}
	for _, question := range questions {
		answers = append(answers, answer(question))
	}
	return answers
}
