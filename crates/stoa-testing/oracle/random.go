package main

import (
	"math/rand/v2"
	"strings"
)

// random makes questions up, the same ones in each run.
type random struct{ *rand.Rand }

// newRandom is a source for one family, so that a change to another one changes nothing here.
func newRandom(seed uint64) random {
	return random{rand.New(rand.NewPCG(seed, 0x73746f61))}
}

// one picks one of the choices.
func one[T any](r random, choices ...T) T {
	return choices[r.IntN(len(choices))]
}

// odds is true once in n times.
func (r random) odds(n int) bool { return r.IntN(n) == 0 }

// times calls make up to max times, but at least min times, and joins what it says.
func (r random) times(min, max int, separator string, make func() string) string {
	var parts []string
	for range min + r.IntN(max-min+1) {
		parts = append(parts, make())
	}
	return strings.Join(parts, separator)
}

// letters is a word of some characters of an alphabet.
func (r random) letters(alphabet string, min, max int) string {
	runes := []rune(alphabet)
	return r.times(min, max, "", func() string { return string(one(r, runes...)) })
}

// spoil changes one character of a text: drops it, doubles it, or puts another one there or before.
func (r random) spoil(s, alphabet string) string {
	runes := []rune(s)
	if len(runes) == 0 {
		return r.letters(alphabet, 1, 1)
	}
	at := r.IntN(len(runes))
	before, here, after := string(runes[:at]), string(runes[at:at+1]), string(runes[at+1:])
	switch r.IntN(4) {
	case 0:
		return before + after
	case 1:
		return before + here + here + after
	case 2:
		return before + r.letters(alphabet, 1, 1) + after
	default:
		return before + r.letters(alphabet, 1, 1) + here + after
	}
}

// without is the list without repetitions.
func without(list []string) []string {
	seen := map[string]bool{}
	kept := []string{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}
