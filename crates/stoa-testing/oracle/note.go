package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// key is a key of a fixed seed: as a verifier has it, and as a signer has it.
func key(name, seed string) (vkey, skey string) {
	bytes := []byte(fmt.Sprintf("%-32s", seed))
	private := ed25519.NewKeyFromSeed(bytes)
	vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	check(err)
	hash := strings.Split(vkey, "+")[1]
	return vkey, "PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, bytes...))
}

func noteFamily() any {
	peter, peterSecret := key("peter.example/log", "one")
	enoch, enochSecret := key("Enoch-é", "two")
	other, otherSecret := key("other", "three")
	sign := func(text string, secrets ...string) string {
		var signers []note.Signer
		for _, secret := range secrets {
			signer, err := note.NewSigner(secret)
			check(err)
			signers = append(signers, signer)
		}
		signed, err := note.Sign(&note.Note{Text: text}, signers...)
		check(err)
		return string(signed)
	}
	text := "A tree\n7\n\nhas an empty line within, and é\n"
	first, both := sign(text, peterSecret), sign(text, peterSecret, enochSecret)
	line := strings.TrimPrefix(first, text+"\n")
	messages := []string{
		first, both, sign(text, enochSecret), sign(text, otherSecret), sign(text, enochSecret, otherSecret, peterSecret),
		sign("x\n", peterSecret), first + line, text + "\n", text, text + line, "\n" + line, "", "\n", "\n\n",
		first + "\n" + line, first + "more", first + "more\n", strings.TrimSuffix(first, "\n"),
		strings.Replace(first, "7", "8", 1), strings.Replace(first, "— ", "- ", 1), strings.Replace(first, "— ", "—", 1),
		strings.Replace(first, "peter", "Peter", 1), strings.Replace(first, "peter.example/log", "peter +x", 1),
		strings.Replace(both, "\n— Enoch", "\n\n— Enoch", 1), strings.Replace(first, "\n", "\r\n", 1),
		strings.Replace(first, "tree", "tr\x01ee", 1), strings.Replace(first, "tree", "tr\tee", 1), first + "— x y\n",
		first + "— x AAAA\n", first + "— x AAAAAAA=\n", first + "—  AAAAAAA=\n", first + "— x AAAAAAA= \n", both + line,
		text + "\n" + strings.Repeat("— x AAAAAAA=\n", 99) + line, text + "\n" + strings.Repeat("— x AAAAAAA=\n", 100) + line,
		text + "\n" + strings.Repeat("— x AAAAAAA=\n", 101) + line,
	}
	r := newRandom(9)
	for range 120 {
		messages = append(messages, r.spoil(one(r, first, both), "\n —+=A0x\t"))
	}
	return object{
		"open":          openings(without(messages), peter, enoch),
		"sign":          object{"text": text, "skey": peterSecret, "signed": first},
		"verifier_sets": object{"peter": peter, "enoch": enoch},
		"verifier_keys": each(verifierKeys(r, peter, enoch, other), verifierKey),
	}
}

func openings(messages []string, peter, enoch string) []object {
	sets := []struct {
		name string
		keys []string
	}{
		{"peter", []string{peter}}, {"enoch", []string{enoch}}, {"both", []string{peter, enoch}}, {"none", nil},
		{"dup_enoch", []string{enoch, enoch, peter}},
	}
	answers := []object{}
	for _, message := range messages {
		for _, set := range sets {
			var known []note.Verifier
			for _, key := range set.keys {
				verifier, err := note.NewVerifier(key)
				check(err)
				known = append(known, verifier)
			}
			opened, err := note.Open([]byte(message), note.VerifierList(known...))
			answer := object{"msg": message, "verifiers": set.name, "err": text(err)}
			if err == nil {
				answer["text"] = opened.Text
				answer["verified"], answer["unverified"] = names(opened.Sigs), names(opened.UnverifiedSigs)
			} else if unverified := (*note.UnverifiedNoteError)(nil); errors.As(err, &unverified) {
				answer["err"] = unverified.Error()
			}
			answers = append(answers, answer)
		}
	}
	return answers
}

func names(signatures []note.Signature) []string {
	list := []string{}
	for _, signature := range signatures {
		list = append(list, signature.Name)
	}
	return list
}

func verifierKeys(r random, keys ...string) []string {
	list := append([]string{}, keys...)
	for _, key := range keys {
		fields := strings.SplitN(key, "+", 3)
		list = append(list,
			fields[0], fields[0]+"+"+fields[1], key+"+", key+"A", key+"====", strings.TrimSuffix(key, "="), "+"+fields[1]+"+"+fields[2],
			"a b+"+fields[1]+"+"+fields[2], fields[0]+"+0+"+fields[2], fields[0]+"+"+strings.ToUpper(fields[1])+"+"+fields[2],
			fields[0]+"+ 1234567+"+fields[2], fields[0]+"+00000000+"+fields[2], fields[0]+"+"+fields[1]+"+", fields[0]+"+"+fields[1]+"+!",
		)
		for range 30 {
			list = append(list, r.spoil(key, "+=A0 /é"))
		}
	}
	return without(append(list, "", "+", "++", "a+b", "a+b+c", "PRIVATE+KEY+a+b+c"))
}

func verifierKey(vkey string) object {
	verifier, err := note.NewVerifier(vkey)
	answer := object{"vkey": vkey, "ok": err == nil}
	if err != nil {
		answer["err"] = err.Error()
	} else {
		answer["name"], answer["key_hash"] = verifier.Name(), verifier.KeyHash()
	}
	return answer
}
