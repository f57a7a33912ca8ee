"""Finds circles of files among the imports of a crate.

A file imports another when it names what that one defines, by `use` or by a path: re-exports are followed to the file
that defines the name, so a file with only `mod` and `use` items is imported by no file. A re-export is no import of the
file that has it, unless that file's own code names what it re-exports.
"""

from rust_source import Module, read_module


def crate_roots(crate):
    """The files that the compiler starts with: library, binaries and examples."""
    source = crate / "src"
    for root in (source / "lib.rs", source / "main.rs"):
        if root.is_file():
            yield root, source
    for folder in (source / "bin", crate / "examples"):
        for root in [*sorted(folder.glob("*.rs")), *sorted(folder.glob("*/main.rs"))]:
            yield root, root.parent


def look_up(module, name, seen):
    """What a name means in a module: modules, and (file, name) for items."""
    if name == "super":
        return [module.parent] if module.parent else []
    found = []
    for what in module.names.get(name, ()):
        if isinstance(what, Module):
            found.append(what)
        elif what is None:
            found.append((module.file, name))
        elif (module, what) not in seen:
            found += resolve(module, what.path, seen | {(module, what)})
    return found or [what for use in module.uses if use.alias == "*" for what in look_through(module, use, name, seen)]


def look_through(module, use, name, seen):
    """What a name means by way of `use path::*`."""
    if (module, use, name) in seen:
        return []
    seen = seen | {(module, use, name)}
    inner = [what for what in resolve(module, use.path, seen) if isinstance(what, Module)]
    return [what for other in inner for what in look_up(other, name, seen)]


def resolve(module, path, seen=frozenset()):
    """What a path means in a module; nothing when it leads out of the crate."""
    starts = {"crate": module.root, "self": module}
    found = [starts[path[0]]] if path[0] in starts else look_up(module, path[0], seen)
    for name in path[1:]:
        inner = [what for other in found if isinstance(other, Module) for what in look_up(other, name, seen)]
        # What follows an item is a variant of it or one of its functions.
        found = inner or [what for what in found if not isinstance(what, Module)]
    return found


def modules_below(module):
    yield module
    for bound in module.names.values():
        for what in bound:
            if isinstance(what, Module):
                yield from modules_below(what)


def imports(root):
    """The graph of a crate's files: {file: {imported file: {names}}}."""
    graph = {}
    for module in modules_below(root):
        ties = graph.setdefault(module.file, {})
        found = [what for path in module.paths for what in resolve(module, path)]
        for use in module.uses:
            if use.alias == "*":
                found += resolve(module, use.path)
                for word in module.words - module.names.keys():
                    found += look_through(module, use, word, frozenset())
            elif not use.is_public or use.alias in module.words:
                found += resolve(module, use.path)
        for what in found:
            if not isinstance(what, Module) and what[0] != module.file:
                ties.setdefault(what[0], set()).add(what[1])
    return graph


def reach(graph, start):
    reached, waiting = set(), [start]
    while waiting:
        for other in graph.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def circles(graph):
    """The sets of files that reach one another, each sorted."""
    reached = {file: reach(graph, file) for file in graph}
    found = {frozenset(f for f in reached[file] if file in reached[f]) for file in graph if file in reached[file]}
    return sorted(sorted(circle) for circle in found)


def circle_reports(crate, base):
    """A text for each circle of a crate: its files, and the names that tie them, with paths from `base`."""
    for root, folder in crate_roots(crate):
        graph = imports(read_module(root, folder))
        for circle in circles(graph):
            lines = [f"{len(circle)} files of {crate.name} import one another in a circle:"]
            for file in circle:
                for other in circle:
                    if names := graph[file].get(other):
                        ends = f"{file.relative_to(base)} -> {other.relative_to(base)}"
                        lines.append(f"  {ends}: {', '.join(sorted(names))}")
            yield "\n".join(lines)
