"""Reads Rust source: its tokens, and the names, imports and paths of its modules. Nothing is expanded or type-checked.

Comments, strings, test code (`#[cfg(test)]`, `#[test]`) and bodies of `macro_rules!` are left out.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)
    |(?P<block>/\*)
    |(?P<text>(?:br|cr|r)(?P<hashes>\#*)".*?"(?P=hashes)|[bc]?"(?:\\.|[^"\\])*"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'\n])')
    |(?P<lifetime>'[^\W\d]\w*)
    |(?P<token>(?:r\#)?[^\W\d]\w*|\d\w*|::|->|=>|.)""",
    re.VERBOSE | re.DOTALL,
)
COMMENT_EDGE = re.compile(r"/\*|\*/")
CLOSERS = {"(": ")", "[": "]", "{": "}"}
NAMED = {"fn", "struct", "enum", "trait", "type", "union", "const", "static", "mod"}
# Items that end with the first `;` or after the first block; `let` and the rest end at `;` alone.
BLOCK_ITEMS = {"fn", "struct", "enum", "trait", "union", "mod", "impl", "pub", "unsafe", "async", "extern", "macro_rules"}
SEMICOLON_ITEMS = {"use", "const", "static", "type", "let"}


@dataclass(frozen=True)
class Token:
    """A word or mark of the code, and the offset at which it stands. A string or character is one token, `"`."""

    text: str
    offset: int

    @property
    def is_name(self):
        return self.text[0].isalpha() or self.text[0] == "_"


def tokens_of(source):
    """All tokens of a file but for comments and lifetimes."""
    tokens, at = [], 0
    while at < len(source):
        match = TOKEN.match(source, at)
        at = match.end()
        if match["block"]:
            depth = 1
            while depth and (edge := COMMENT_EDGE.search(source, at)):
                depth += 1 if edge[0] == "/*" else -1
                at = edge.end()
            if depth:
                break
        elif match["text"]:
            tokens.append(Token('"', match.start()))
        elif match["token"]:
            tokens.append(Token(match["token"].removeprefix("r#"), match.start()))
    return tokens


def group_end(tokens, at):
    """The index behind the bracket that closes the one at `at`."""
    depth = 0
    for index in range(at, len(tokens)):
        text = tokens[index].text
        if text in "([{":
            depth += 1
        elif text in ")]}":
            depth -= 1
            if depth == 0:
                return index + 1
    return len(tokens)


def item_end(tokens, at):
    """The index behind the item, statement, field or arm that begins at `at`."""
    while at < len(tokens) and tokens[at].text == "#":
        at = group_end(tokens, at + 1)
    if at == len(tokens):
        return at
    words = {token.text for token in tokens[at : at + 5]}
    first = tokens[at].text
    if first == "pub":
        behind = group_end(tokens, at + 1) if at + 1 < len(tokens) and tokens[at + 1].text == "(" else at + 1
        first = tokens[behind].text if behind < len(tokens) else ""
    is_function = first in ("const", "async", "unsafe", "extern") and "fn" in words
    ends_at_semicolon = first in SEMICOLON_ITEMS and not is_function
    ends_at_block = not ends_at_semicolon and (first in BLOCK_ITEMS or is_function)
    while at < len(tokens):
        text = tokens[at].text
        if text == ";" or (text == "," and not ends_at_block and not ends_at_semicolon):
            return at + 1
        if text in ")]}":
            return at
        if text in "([{":
            at = group_end(tokens, at)
            if text == "{" and not ends_at_semicolon:
                return at
        else:
            at += 1
    return at


def is_test(attribute):
    """Whether what bears this attribute is compiled for tests alone."""
    words = [token.text for token in attribute if token.text not in "[]"]
    if words[:2] != ["cfg", "("]:
        return words == ["test"] or words[:3] == ["tokio", "::", "test"]
    if words[2:3] == ["all"] and "any" not in words:
        return any(word == "test" and words[at - 2] != "not" for at, word in enumerate(words))
    return words == ["cfg", "(", "test", ")"]


def code_of(tokens):
    """The tokens without test code and without the bodies of macros by example."""
    kept, at = [], 0
    while at < len(tokens):
        text = tokens[at].text
        following = [token.text for token in tokens[at + 1 : at + 3]]
        if text == "#" and following[:1] == ["["]:
            end = group_end(tokens, at + 1)
            if is_test(tokens[at + 1 : end]):
                at = item_end(tokens, end)
            else:
                kept += tokens[at:end]
                at = end
        elif text == "#" and following == ["!", "["] and is_test(tokens[at + 2 : group_end(tokens, at + 2)]):
            return []
        elif text == "macro_rules" and following[:1] == ["!"]:
            kept += tokens[at : at + 3]
            at = group_end(tokens, at + 3)
        else:
            kept.append(tokens[at])
            at += 1
    return kept


@dataclass(frozen=True)
class Use:
    """One name that a `use` brings in: the alias `*` stands for all names of the path."""

    path: tuple
    alias: str
    is_public: bool


def use_tree(tokens, at, prefix, is_public):
    """Reads one tree of a `use`: its names, and the index behind it."""
    path, uses = prefix, []
    if tokens[at].text == "::":
        path, at = ("",), at + 1
    while True:
        text = tokens[at].text
        at += 1
        if text == "{":
            while tokens[at].text != "}":
                inner, at = use_tree(tokens, at, path, is_public)
                uses += inner
                at += tokens[at].text == ","
            return uses, at + 1
        if text == "*":
            return [Use(path, "*", is_public)], at
        if text != "self" or not path:
            path += (text,)
        if tokens[at].text != "::":
            break
        at += 1
    alias = path[-1]
    if tokens[at].text == "as":
        alias, at = tokens[at + 1].text, at + 2
    return [Use(path, alias, is_public)], at


@dataclass(eq=False)
class Module:
    """A module: a file, or a `mod name { }` inside of one."""

    file: Path
    folder: Path
    parent: "Module | None"
    names: dict = field(default_factory=dict)  # name -> Module, Use, or None for an item of this file
    uses: list = field(default_factory=list)
    paths: set = field(default_factory=set)  # `a::b` in the code
    words: set = field(default_factory=set)  # names in the code that are neither imported nor defined there

    def bind(self, name, what):
        self.names.setdefault(name, []).append(what)

    @property
    def root(self):
        return self.parent.root if self.parent else self


def read_module(file, folder, parent=None):
    """Reads a file and all files that its `mod` items lead to."""
    module = Module(file, folder, parent)
    tokens = code_of(tokens_of(file.read_text(encoding="utf-8")))
    read_tokens(module, tokens + [Token(";", 0)] * 3)
    return module


def read_child(module, name):
    for file in (module.folder / f"{name}.rs", module.folder / name / "mod.rs"):
        if file.is_file():
            return read_module(file, module.folder / name, module)
    return None


def read_tokens(module, tokens):
    """Fills in what the tokens of a module's body say."""
    at, depth, is_public = 0, 0, False
    while at < len(tokens):
        text, before, after = tokens[at].text, tokens[at - 1].text if at else "", tokens[at + 1 : at + 3]
        if text in "([{":
            depth += 1
        elif text in ")]}":
            depth -= 1
        elif text == "pub":
            is_public = True
            if after and after[0].text == "(" and after[1].text in ("crate", "super", "self", "in"):
                at = group_end(tokens, at + 1)
            else:
                at += 1
            if tokens[at].text == "use":
                continue
            is_public = False
            continue
        elif text == "use" and before not in (">", "+", "->"):
            uses, at = use_tree(tokens, at + 1, (), is_public)
            is_public = False
            module.uses += uses
            for use in uses:
                if use.alias not in ("*", "_"):
                    module.bind(use.alias, use)
            continue
        elif text == "mod" and after[0].is_name and after[1].text in ";{":
            name, at = after[0].text, at + 2
            child = read_child(module, name)
            if tokens[at].text == "{":
                end = group_end(tokens, at)
                child = Module(module.file, module.folder / name, module)
                read_tokens(child, tokens[at + 1 : end - 1] + tokens[-3:])
                at = end - 1
            if child:
                module.bind(name, child)
        elif text in NAMED and before != "*" and after and after[0].is_name:
            name = after[1] if after[0].text == "mut" else after[0]
            is_item = name.text not in NAMED and name.text not in ("unsafe", "async", "extern")
            if is_item and depth == 0:
                module.bind(name.text, None)
            at += is_item
        elif text == "macro_rules" and len(after) == 2 and after[0].text == "!":
            module.bind(after[1].text, None)
        elif tokens[at].is_name and before not in ("::", ".", "let", "mut"):
            at = read_path(module, tokens, at)
            continue
        at += 1


def read_path(module, tokens, at):
    """Notes the path that begins at `at`; returns the index behind it."""
    path, at = (tokens[at].text,), at + 1
    while at + 1 < len(tokens) and tokens[at].text == "::" and tokens[at + 1].is_name:
        path += (tokens[at + 1].text,)
        at += 2
    if len(path) > 1:
        module.paths.add(path)
    if len(path) > 1 or at == len(tokens) or tokens[at].text != ":":
        module.words.add(path[0])
    return at
