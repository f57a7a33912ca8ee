package main

import (
	"strings"

	"golang.org/x/mod/modfile"
)

// moduleLines are beginnings of files of which each names its module, or does not, in a way of its own.
var moduleLines = []string{
	"", "module", "module ", "module\n", "module a.b/c", "module a.b/c\n", "module a.b/c\r\n", "module\ta.b/c\n",
	" module a.b/c\n", "\tmodule\t a.b/c \t\n", "module \"a.b/c\"\n", "module 'a.b/c'\n", "module `a.b/c`\n",
	"module \"a.b/c\n", "module `a.b/c\n", "module \"a.b/c\"x\n", "module \"a.b\" c\n", "module a.b \"c\"\n",
	"module \"\"\n", "module ``\n", "module \"\\x61.b\"\n", "module \"a\\tb\"\n", "module \"a\\qb\"\n", "module a.b/c // x\n",
	"module a.b/c//x\n", "module // x\n", "//module a.b\nmodule c.d\n", "// module a.b\n\n\nmodule c.d", "module a.b\nmodule c.d\n",
	"module\na.b\n", "module (\n a.b\n)\n", "module(a.b)\n", "modulea.b\n", "module=a.b\n", "Module a.b\n", "go 1.2\nmodule a.b\n",
	"require x v1\n module a.b", "\n\n\nmodule a.b\n", "module a.b/\u00e9\n", "\ufeffmodule a.b\n", "module a.b\x00c\n",
	"module a.b\rmodule c.d\n", "module a.b /* c */\n", "/* module a.b */ module c.d\n", "module a.b;\n", "module a,b\n",
	"module  \"  a  \"\n", "module a.b\u00a0c\n", "module a.b\fc\n", "module http://a.b\n",
}

// quotable are strings, of which some must be quoted to be one token.
var quotable = []string{
	"", "a", "a b", "a\tb", "a\nb", "a\"b", "a'b", "a`b", "//", "a//b", "a/b", "/*", "a/*b", "(", ")", "[", "]", "{", "}", ",",
	"a,b", "=>", "a=>b", "=", ">", "a;b", "a\\b", "é", "世", "a\u00a0b", "\u2028", "\x00", "\x7f", "a\"`b", "a`\nb", "http://a.b",
	"v1.2.3", "a(b", "a)b", "a[b", "a]b", "-a", "!a", "$a", "\ufeff", "\u200b", "'", "`", "\"",
}

// files are whole files of which each is read in a way of its own.
var files = []string{
	"module m\n", "// Deprecated: gone\nmodule m\n", "module m // Deprecated: gone\n", "// Deprecated:\nmodule m\n",
	"// deprecated: gone\nmodule m\n", "// x\n//\n// Deprecated: a\n// b\n//\n// c\nmodule m\n", "// Deprecated: a\n\nmodule m\n",
	"// x\n// Deprecated: a\nmodule m\n", "module (\n\t// Deprecated: a\n\tm\n)\n", "module (\n\tm // Deprecated: a\n)\n",
	"// Deprecated: a\nmodule m // Deprecated: b\n", "//Deprecated: a\nmodule m\n", "//\tDeprecated:   a  \nmodule m\n",
	"// Deprecated: a\nmodule m\nmodule n\n", "// Deprecated:a\nmodule m\n", "// Deprecated: é\nmodule m\n",
	"module m\nretract v1.0.0\n", "module m\nretract v1.0.0 // why\n", "module m\n// why\nretract v1.0.0\n",
	"module m\n// a\n// b\nretract v1.0.0 // c\n", "module m\n// a\n\nretract v1.0.0\n", "module m\nretract [v1.0.0, v1.1.0]\n",
	"module m\nretract [v1.0.0,v1.1.0]\n", "module m\nretract [ v1.0.0 , v1.1.0 ] // r\n", "module m\nretract [v1.0.0 v1.1.0]\n",
	"module m\nretract [v1.0.0, v1.1.0\n", "module m\nretract v1.0.0, v1.1.0\n", "module m\nretract [v1.0.0]\n",
	"module m\nretract (v1.0.0)\n", "module m\nretract (\n\tv1.0.0 // a\n\t// b\n\t[v1.1.0, v1.2.0]\n)\n",
	"module m\n// all\nretract (\n\tv1.0.0\n\tv1.1.0 // one\n)\n", "module m\nretract (\n)\n", "module m\nretract\n",
	"module m\nretract v1\n", "module m\nretract v1.2\n", "module m\nretract 1.0.0\n", "module m\nretract \"v1.0.0\"\n",
	"module m\nretract v1.0.0 v1.1.0\n", "module m\nretract [v2.0.0, v1.0.0]\n", "module m\nretract v1.0.0+meta\n",
	"module m\nretract v2.0.0+incompatible\n", "module m\nretract v1.0.0/* a */\n", "module m/v2\nretract v1.0.0\n",
	"module m\nrequire a.b/c v1.0.0\n", "module m\nrequire a.b/c v1.0.0 // indirect\n", "module m\nrequire a.b/c v1.0.0 // indirect; x\n",
	"module m\nrequire a.b/c v1.0.0 //indirect\n", "module m\nrequire a.b/c v1.0.0 // x indirect\n",
	"module m\nrequire (\n\ta.b/c v1.0.0\n\n\t// x\n\td.e/f v2.0.0+incompatible // indirect\n)\n", "module m\nrequire a.b/c\n",
	"module m\nrequire a.b/c v1\n", "module m\nrequire a.b/c latest\n", "module m\nrequire a.b/c v1.0.0 x\n",
	"module m\nrequire a.b/c/v2 v1.0.0\n", "module m\nrequire \"a.b/c\" `v1.0.0`\n", "module m\nrequire a v1.0.0\n",
	"module m\nreplace a => b\n", "module m\nreplace a b\n", "module m\nexclude a v1\n", "module m\ntool a.b/c\n", "module m\nuse ./x\n",
	"module m\ngo 1.21\n", "module m\ngo 1.21.3\n", "module m\ngo 1.21rc1\n", "module m\ngo 1\n", "module m\ngo v1.21\n", "module m\ngo 1.21 // x\n",
	"module m\ngo 1.021\n", "module m\ngo x\n", "module m\ngo\n", "module m\ngo 1.2 1.3\n", "module m\ngo (\n\t1.21\n)\n",
	"module m\ngo 1.20\ngo 1.21\n", "module m\ngo 1.21.0-custom\n", "module m\ngo \"1.21\"\n", "module m\ntoolchain go1.22.0\n",
	"module m\ntoolchain x\n", "module m\ngodebug a=b\n", "module m\nignore ./x\n", "module\n", "module m n\n", "module \"a\n",
	"module `a\n", "module m )\n", ")\n", "(\n", "module m\n(\n", "module m\nrequire (\n\ta.b v1.0.0", "module m\n/* x */\n",
	"module m\nx (\n\ty\n)\n", "module m\nx y\n", "\ufeffmodule m\n", "module m\x00\n", "module m\r\nretract v1.0.0 // a\r\n", "", "\n", "// only\n",
	"module m\nretract v1.0.0 // a\n// b\n", "module m\nretract (\n\tv1.0.0 // a\n\t// b\n)\n", "module m\nblock (\n\tretract v1.0.0\n)\n",
	"module m\nretract v1.0.0 \\\n", "module m\n'x'\n", "module m\nrequire (\n\ta.b v1.0.0\n)) \n", "module m\nrequire ( a.b v1.0.0\n)\n",
	"module m\nretract [v1.0.0, v1.1.0] v1.2.0\n", "module m\nretract ]\n", "module m\nretract [,]\n", "module m\nretract [v1.0.0,,v1.1.0]\n",
}

// file is one that is mostly right.
func (r random) file() string {
	version := func() string {
		return one(r, "v1.0.0", "v1.2.3-pre", "v0.1.0", "v2.0.0+incompatible", "v1", "bad", "[v1.0.0, v1.1.0]", "\"v1.0.0\"")
	}
	comment := func() string { return one(r, "", "", " // why", " // indirect", " // Deprecated: old", " //", "\t//x") }
	entry := func(verb string) string {
		switch verb {
		case "require":
			return one(r, "a.b/c", "d.e/f/v2", "\"g.h/i\"", "a.b/C") + " " + one(r, "v1.0.0", "v2.1.0", "v0.0.0-20200102030405-abcdefabcdef", "v1")
		case "retract":
			return version()
		case "go":
			return one(r, "1.21", "1.24.1", "1.16", "1.25rc1", "x")
		default:
			return one(r, "a => b", "x", "a v1.0.0", "./y")
		}
	}
	part := func() string {
		verb := one(r, "require", "retract", "retract", "go", "replace", "exclude", "tool", "strange")
		before := one(r, "", "", "// above\n", "// one\n// two\n", "// lone\n\n", "// Deprecated: old\n")
		if r.odds(3) {
			line := func() string { return one(r, "", "", "\t// inner\n", "\n") + "\t" + entry(verb) + comment() + "\n" }
			return before + verb + " (" + comment() + "\n" + r.times(0, 3, "", line) + ")" + comment() + "\n"
		}
		return before + verb + " " + entry(verb) + comment() + "\n"
	}
	file := one(r, "", "// Deprecated: use n\n", "// about\n\n", "// about\n//\n// Deprecated: use n\n// instead\n") +
		"module " + one(r, "m", "a.b/c", "\"a.b/c\"", "a.b/c/v2") + comment() + "\n\n" + r.times(0, 4, one(r, "", "\n"), part)
	if r.odds(4) {
		file = r.spoil(file, "\n\n\"`()[],/ \t\\x")
	}
	return file
}

func modfileFamily() any {
	r := newRandom(8)
	lines, strings_, texts := moduleLines, quotable, files
	for range 150 {
		lines = append(lines, r.spoil(one(r, moduleLines...), "\n \t\"`'/*x.\\"))
		strings_ = append(strings_, r.letters("ab /\\\"'`()[]{},=>é\t", 1, 6))
	}
	for range 500 {
		texts = append(texts, r.file())
	}
	deprecated, others := []string{}, []string{}
	for _, text := range without(texts) {
		if strings.Contains(text, "eprecated") {
			deprecated = append(deprecated, text)
		} else {
			others = append(others, text)
		}
	}
	return object{
		"module_path": each(without(lines), func(file string) object {
			return object{"gomod": file, "module_path": modfile.ModulePath([]byte(file))}
		}),
		"auto_quote": each(without(strings_), func(s string) object {
			return object{"in": s, "auto_quote": modfile.AutoQuote(s), "must_quote": modfile.MustQuote(s)}
		}),
		"parse_lax":  each(others, parseLax),
		"deprecated": each(deprecated, parseLax),
	}
}

func parseLax(text_ string) object {
	file, err := modfile.ParseLax("go.mod", []byte(text_), nil)
	answer := object{"gomod": text_, "lax_err": text(err)}
	if err != nil {
		return answer
	}
	if file.Module != nil {
		answer["module"], answer["deprecated"] = file.Module.Mod.Path, file.Module.Deprecated
	}
	if file.Go != nil {
		answer["go"] = file.Go.Version
	}
	answer["require"] = each(file.Require, func(r *modfile.Require) object {
		return object{"path": r.Mod.Path, "version": r.Mod.Version, "indirect": r.Indirect}
	})
	answer["retract"] = each(file.Retract, func(r *modfile.Retract) object {
		return object{"low": r.Low, "high": r.High, "rationale": r.Rationale}
	})
	return answer
}
