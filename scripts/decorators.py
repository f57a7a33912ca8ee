#!/usr/bin/env python3
"""Finds implementations of decorated ports that may miss a method.

    scripts/decorators.py [ROOT]

A port is decorated when a struct that implements it holds another one, as `Arc<dyn Port>`, in any field. A method with a
default body that is added to such a port would pass every decorator by. So each of its implementations, outside of tests,
bears `#[deny(clippy::missing_trait_methods)]`: then the compiler lists those that have to be written. Prints those that do
not, and exits 1 if there is one.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from rust_source import code_of, group_end, tokens_of

DENIED = ["deny", "(", "clippy", "::", "missing_trait_methods"]
OWNERS = {"Arc", "Box", "Rc"}
# What stands before an `impl` that is a type and not an item.
TYPE_POSITIONS = {"->", ":", "(", "<", ",", "&", "=", "+", "mut"}


@dataclass(frozen=True)
class Implementation:
    """An `impl TRAIT for TYPE`, where it stands, and whether it bears the attribute."""

    trait: str
    type: str
    crate: str
    place: str
    is_denied: bool


def path_end(texts, at):
    """The last name of the path at `at`, and the index behind that name."""
    while at < len(texts) and texts[at] in ("&", "mut", "dyn", "::"):
        at += 1
    name = texts[at]
    while texts[at + 1 : at + 2] == ["::"] and at + 2 < len(texts) and texts[at + 2] != "<":
        at += 2
        name = texts[at]
    return name, at + 1


def skip_generics(texts, at):
    """The index behind `<...>`, if that is what stands at `at`."""
    depth = 0
    while at < len(texts):
        depth += {"<": 1, ">": -1}.get(texts[at], 0)
        if depth <= 0:
            return at + 1 if texts[at] == ">" else at
        at += 1
    return at


def attributes_before(texts, at):
    """The texts of the attributes of the item at `at`, joined."""
    end = at - (texts[at - 1] == "unsafe")
    start = end
    while start and texts[start - 1] == "]":
        depth = 0
        while start:
            start -= 1
            depth += {"]": 1, "[": -1}.get(texts[start], 0)
            if depth == 0:
                break
        start -= texts[start - 1] == "#"
    return texts[start:end]


def held_traits(texts):
    """The traits X of each `Arc<dyn X>`."""
    for at, text in enumerate(texts[:-3]):
        if text in OWNERS and texts[at + 1 : at + 3] == ["<", "dyn"]:
            yield path_end(texts, at + 3)[0]


class Code:
    """The traits, structs and implementations of a workspace."""

    def __init__(self, root):
        self.traits, self.holders, self.implementations = set(), set(), []
        for file in sorted(root.glob("crates/*/src/**/*.rs")):
            self.read(file, root)

    def read(self, file, root):
        source = file.read_text(encoding="utf-8")
        tokens = code_of(tokens_of(source))
        texts = [token.text for token in tokens]
        crate = file.relative_to(root).parts[1]
        for at, text in enumerate(texts[:-1]):
            if text == "trait":
                self.traits.add(texts[at + 1])
            elif text == "struct":
                body = next((i for i in range(at, len(texts)) if texts[i] in "{(;"), len(texts) - 1)
                held = held_traits(texts[body : group_end(tokens, body)]) if texts[body] != ";" else ()
                self.holders |= {(crate, texts[at + 1], trait) for trait in held}
            elif text == "impl" and (at == 0 or texts[at - 1] not in TYPE_POSITIONS):
                trait, behind = path_end(texts, skip_generics(texts, at + 1))
                behind = skip_generics(texts, behind)
                if texts[behind : behind + 1] == ["for"]:
                    denied = " ".join(DENIED) in " ".join(attributes_before(texts, at))
                    place = f"{file.relative_to(root)}:{source.count(chr(10), 0, tokens[at].offset) + 1}"
                    owner = path_end(texts, behind + 1)[0]
                    self.implementations.append(Implementation(trait, owner, crate, place, denied))

    def is_decorator(self, it):
        return it.trait in self.traits and (it.crate, it.type, it.trait) in self.holders

    def offenders(self):
        """A text for each implementation of a decorated port that does not bear the attribute."""
        decorated = {it.trait for it in self.implementations if self.is_decorator(it)}
        for it in self.implementations:
            if it.trait in decorated and not it.is_denied:
                kind = "decorator" if self.is_decorator(it) else "implementation"
                yield f"{it.place}: {kind} {it.type} of {it.trait} lacks #[deny(clippy::missing_trait_methods)]"


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    offenders = list(Code(root.resolve()).offenders())
    for text in offenders:
        print(text, file=sys.stderr)
    return 1 if offenders else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
