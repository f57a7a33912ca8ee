#!/usr/bin/env python3
"""Holds the crates against layers.toml, and the files of each crate against one another.

    scripts/layers.py [ROOT]

Finds dependencies of crates upwards or sideways, input and output in pure crates, and circles of files that import one
another. Prints what it finds, and exits 1 if that is anything. ROOT is the folder of the workspace, by default this one;
where it has no layers.toml, the one of this workspace is used.
"""

import sys
import tomllib
from pathlib import Path

from import_circles import circle_reports, crate_roots, modules_below
from rust_source import read_module

OWN_TABLE = Path(__file__).resolve().parent.parent / "layers.toml"
KINDS = {"dependencies": False, "build-dependencies": False, "dev-dependencies": True}


class Layers:
    """The table of layers.toml."""

    def __init__(self, table):
        self.layers = table["layer"]
        self.level = {crate: level for level, layer in enumerate(self.layers) for crate in layer["crates"]}
        self.tests = table.get("tests", {"crates": [], "uses_layers": []})
        self.sideways = {(pair["from"], pair["to"]) for pair in table.get("sideways", ())}
        self.pure = table.get("pure", {"dependencies": [], "paths": []})

    def is_pure(self, crate):
        return crate in self.level and self.layers[self.level[crate]].get("pure", False)

    def fault(self, crate, other, is_dev):
        """Why a crate may not depend on another of the workspace, or None."""
        if crate in self.tests["crates"]:
            allowed = self.tests["uses_layers"]
            names = " and ".join(str(level) for level in allowed)
            return None if self.level.get(other) in allowed else f"it may use only layer {names}"
        if other in self.tests["crates"]:
            return None if is_dev else "it is for tests: make it a dev-dependency"
        if crate not in self.level or other not in self.level:
            return None  # A crate without a layer is reported by itself.
        level, below = self.level[crate], self.level[other]
        if below > level:
            return f"that is upwards, from layer {level} to layer {below}"
        if below == level:
            return None if (crate, other) in self.sideways else f"that is sideways: both stand on layer {level}"
        if self.layers[level].get("alone") and not is_dev:
            return f"crates of layer {level} know no other crate of the workspace"
        return None


def manifests(root):
    """The name and the parsed Cargo.toml of every crate, by its folder."""
    for file in sorted(root.glob("crates/*/Cargo.toml")):
        manifest = tomllib.loads(file.read_text(encoding="utf-8"))
        yield file.parent, manifest["package"]["name"], manifest


def dependencies(manifest, renamed):
    """Pairs of a package and whether only tests need it."""
    for table in [manifest, *manifest.get("target", {}).values()]:
        for kind, is_dev in KINDS.items():
            for key, how in table.get(kind, {}).items():
                package = how.get("package", key) if isinstance(how, dict) else key
                yield renamed.get(key, package), is_dev


def renamed_packages(root):
    """Names that [workspace.dependencies] gives to packages of another name."""
    table = tomllib.loads((root / "Cargo.toml").read_text(encoding="utf-8")).get("workspace", {})
    rows = table.get("dependencies", {}).items()
    return {key: how["package"] for key, how in rows if isinstance(how, dict) and "package" in how}


def layer_faults(root, layers):
    """A text for each dependency that the layers do not allow."""
    crates, renamed = list(manifests(root)), renamed_packages(root)
    members = {name for _, name, _ in crates}
    for folder, name, manifest in crates:
        file = (folder / "Cargo.toml").relative_to(root)
        if name not in layers.level and name not in layers.tests["crates"]:
            yield f"{file}: {name} stands on no layer: enter it into layers.toml, above all that it uses"
        for other, is_dev in sorted(set(dependencies(manifest, renamed))):
            fault = layers.fault(name, other, is_dev) if other in members else None
            if fault:
                yield f"{file}: {name} depends on {other}{' in its tests' if is_dev else ''}: {fault}"
            if layers.is_pure(name) and not is_dev and other in layers.pure["dependencies"]:
                yield f"{file}: {name} depends on {other}: its layer is pure"


def purity_faults(root, layers):
    """A text for each path in the sources of a pure crate that leads to input or output."""
    forbidden = [tuple(path.split("::")) for path in layers.pure["paths"]]
    for folder, name, _ in manifests(root):
        if not layers.is_pure(name):
            continue
        for file, source in crate_roots(folder):
            for module in modules_below(read_module(file, source)):
                said = module.paths | {use.path for use in module.uses}
                for path in sorted({path[:2] for path in said} & set(forbidden)):
                    yield f"{module.file.relative_to(root)}: names {'::'.join(path)}: the layer of {name} is pure"


def faults(root):
    """All that is wrong with the workspace at a folder."""
    table = root / "layers.toml"
    layers = Layers(tomllib.loads((table if table.is_file() else OWN_TABLE).read_text(encoding="utf-8")))
    found = [*layer_faults(root, layers), *purity_faults(root, layers)]
    for folder, _, _ in manifests(root):
        found += circle_reports(folder, root)
    return found


def main(arguments):
    root = Path(arguments[0]) if arguments else OWN_TABLE.parent
    found = faults(root.resolve())
    for text in found:
        print(text, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
