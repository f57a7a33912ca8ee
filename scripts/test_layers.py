#!/usr/bin/env python3
"""Tests of layers.py and decorators.py, on small workspaces in a temporary folder."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from decorators import Code
from layers import faults

LAYERS = """
[[layer]]
crates = ["pure", "purer"]
pure = true
[[layer]]
crates = ["left", "right"]
alone = true
[[layer]]
crates = ["middle", "beside"]
[[layer]]
crates = ["top"]
[tests]
crates = ["testing"]
uses_layers = [0]
[[sideways]]
from = "purer"
to = "pure"
reason = "a test"
[pure]
dependencies = ["tokio"]
paths = ["std::fs"]
"""


class Workspace(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        self.write("layers.toml", LAYERS)
        self.write("Cargo.toml", "[workspace]\nmembers = ['crates/*']\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def crate(self, name, manifest="", **files):
        """Writes a crate; `a__b` is the file src/a/b.rs."""
        self.write(f"crates/{name}/Cargo.toml", f"[package]\nname = '{name}'\n{manifest}")
        for file, text in files.items():
            self.write(f"crates/{name}/src/{file.replace('__', '/')}.rs", text)

    def assert_clean(self):
        self.assertEqual(faults(self.root), [])

    def assert_one(self, *lines):
        self.assertEqual(faults(self.root), ["\n".join(lines)])

    def assert_circle(self, *ties):
        """One circle of the crate `left`, of two files, with exactly these ties."""
        ties = [f"  crates/left/src/{tie}".replace("-> ", "-> crates/left/src/") for tie in ties]
        self.assert_one("2 files of left import one another in a circle:", *ties)


class Layers(Workspace):
    def test_dependencies_on_lower_layers_are_fine(self):
        self.crate("pure")
        self.crate("purer", "[dependencies]\npure = {}\nserde = '1'")
        self.crate("left", "[dev-dependencies]\npure = {}\ntesting = {}")
        manifest = "[dependencies]\npure = {}\nleft.workspace = true\ntokio = '1'\n[dev-dependencies]\ntesting = {}"
        self.crate("middle", manifest)
        self.crate("testing", "[dependencies]\npurer = {}")
        self.assert_clean()

    def test_a_dependency_upwards(self):
        self.crate("left", "[dependencies]\nmiddle = {}")
        self.crate("middle")
        self.assert_one("crates/left/Cargo.toml: left depends on middle: that is upwards, from layer 1 to layer 2")

    def test_a_dependency_upwards_of_tests(self):
        self.crate("left", "[dev-dependencies]\nmiddle = {}")
        self.crate("middle")
        self.assert_one(
            "crates/left/Cargo.toml: left depends on middle in its tests: that is upwards, from layer 1 to layer 2"
        )

    def test_a_dependency_sideways(self):
        self.crate("middle", "[dependencies]\nbeside = {}")
        self.crate("beside")
        self.assert_one("crates/middle/Cargo.toml: middle depends on beside: that is sideways: both stand on layer 2")

    def test_a_permitted_neighbour_is_permitted_in_one_direction(self):
        self.crate("pure", "[dependencies]\npurer = {}")
        self.crate("purer")
        self.assert_one("crates/pure/Cargo.toml: pure depends on purer: that is sideways: both stand on layer 0")

    def test_targets_build_scripts_and_renamed_packages_are_read(self):
        self.write("Cargo.toml", "[workspace.dependencies]\nunder = { path = 'x', package = 'top' }")
        self.crate("left", "[target.'cfg(unix)'.dependencies]\nother = { package = 'middle' }")
        self.crate("middle", "[build-dependencies]\nunder.workspace = true")
        self.crate("top")
        self.assertEqual(
            faults(self.root),
            [
                "crates/left/Cargo.toml: left depends on middle: that is upwards, from layer 1 to layer 2",
                "crates/middle/Cargo.toml: middle depends on top: that is upwards, from layer 2 to layer 3",
            ],
        )

    def test_a_crate_that_stands_alone_uses_no_lower_one(self):
        self.crate("left", "[dependencies]\npure = {}")
        self.crate("pure")
        self.assert_one(
            "crates/left/Cargo.toml: left depends on pure: crates of layer 1 know no other crate of the workspace"
        )

    def test_the_crate_for_tests_is_for_tests(self):
        self.crate("top", "[dependencies]\ntesting = {}")
        self.crate("testing", "[dependencies]\nleft = {}")
        self.crate("left")
        self.assertEqual(
            faults(self.root),
            [
                "crates/testing/Cargo.toml: testing depends on left: it may use only layer 0",
                "crates/top/Cargo.toml: top depends on testing: it is for tests: make it a dev-dependency",
            ],
        )

    def test_a_crate_without_a_layer(self):
        self.crate("novel")
        self.assert_one(
            "crates/novel/Cargo.toml: novel stands on no layer: enter it into layers.toml, above all that it uses"
        )

    def test_a_pure_crate_without_input_and_output(self):
        pure = "use std::{fmt, fs as files};\n#[cfg(test)]\nmod tests { use std::fs; }\n/// [std::fs]\npub fn f() {}"
        self.crate("pure", "[dependencies]\ntokio = '1'\n[dev-dependencies]\ntokio = '1'", lib="mod a;", a=pure)
        self.crate("purer", lib="fn f() { ::std::io::empty(); std::fs::read(path); }")
        self.assertEqual(
            faults(self.root),
            [
                "crates/pure/Cargo.toml: pure depends on tokio: its layer is pure",
                "crates/pure/src/a.rs: names std::fs: the layer of pure is pure",
                "crates/purer/src/lib.rs: names std::fs: the layer of purer is pure",
            ],
        )


class Circles(Workspace):
    def test_through_a_re_export_in_the_root(self):
        lib = "mod a;\nmod b;\npub use a::A;\npub(crate) use self::b::B;"
        self.crate("left", lib=lib, a="use crate::B;\npub struct A(B);", b="use crate::A;\npub struct B(Box<A>);")
        self.assert_circle("a.rs -> b.rs: B", "b.rs -> a.rs: A")

    def test_through_two_re_exports_and_another_name(self):
        lib = "mod a;\nmod b;\nmod c;\npub use c::Renamed;"
        self.crate(
            "left",
            lib=lib,
            a="use crate::Renamed as Other;\npub fn one(_: Other) {}",
            b="pub fn two() { crate::a::one(x); }\npub struct B;",
            c="pub use super::b::B as Renamed;",
        )
        self.assert_circle("a.rs -> b.rs: B", "b.rs -> a.rs: one")

    def test_through_globs(self):
        lib = "mod a;\nmod b;\nmod face;"
        self.crate(
            "left",
            lib=lib,
            a="use crate::face::*;\npub struct A; fn f() -> B { B }",
            b="pub struct B(crate::face::A);",
            face="pub use crate::a::*;\npub(crate) use super::b::*;",
        )
        self.assert_circle("a.rs -> b.rs: B", "b.rs -> a.rs: A")

    def test_through_the_parent(self):
        self.crate(
            "left",
            lib="mod p;",
            p="mod c;\npub use c::C;\npub struct P(C);",
            p__c="use super::P;\npub struct C(Option<Box<P>>);",
        )
        self.assert_circle("p/c.rs -> p.rs: P", "p.rs -> p/c.rs: C")

    def test_through_an_import_of_the_parent(self):
        self.crate(
            "left",
            lib="mod p;\nmod other;",
            p="mod c;\nuse crate::other::Other;\nfn f(_: Other) {}",
            p__c="pub fn c(_: super::Other) {}",
            other="use crate::p::c::c;\npub struct Other;",
        )
        self.assert_circle("other.rs -> p/c.rs: c", "p/c.rs -> other.rs: Other")

    def test_through_nested_imports_and_modules(self):
        self.crate(
            "left",
            lib="mod a;\nmod n;",
            a="use crate::{n::{b::{self as bee, B}}, self as top};\npub struct A;\nfn f() -> B { bee::make(top::n::b::K) }\n"
            "fn g() {} fn deep() {}",
            n="pub mod b;",
            n__b="use super::super::{a::{self, A as Ay}};\npub struct B; pub const K: u8 = 0;\n"
            "pub fn make() { a::g(); }\nmod inner { use super::super::super::a::deep; }",
        )
        self.assert_circle("a.rs -> n/b.rs: B, K, make", "n/b.rs -> a.rs: A, deep, g")

    def test_a_module_and_a_function_of_one_name(self):
        self.crate(
            "left",
            lib="mod check;\nmod b;\npub use check::check;",
            check="use crate::b::B;\npub fn check() -> B {}",
            b="pub struct B;\nfn f() { crate::check(); }",
        )
        self.assert_circle("b.rs -> check.rs: check", "check.rs -> b.rs: B")

    def test_three_files_with_all_their_ties(self):
        self.crate(
            "left",
            lib="mod a; mod b; mod c; mod outside;",
            a="use crate::b::{B, more};\npub fn a() {}",
            b="use crate::c::C;\nuse crate::outside::O;\npub struct B; pub fn more() {}",
            c="pub struct C;\nfn f() { super::a::a(); }",
            outside="pub struct O;",
        )
        self.assert_one(
            "3 files of left import one another in a circle:",
            "  crates/left/src/a.rs -> crates/left/src/b.rs: B, more",
            "  crates/left/src/b.rs -> crates/left/src/c.rs: C",
            "  crates/left/src/c.rs -> crates/left/src/a.rs: a",
        )

    def test_what_only_looks_like_a_circle(self):
        a = """
            //! [crate::b::B] /* "
            /* use crate::b::B; /* nested */ use crate::b::B; */
            pub struct A<'a>(&'a str);
            const S: &str = "use crate::b::B; \\" crate::b::B";
            const R: &str = r#"crate::b::B " "#; const C: char = '"'; const D: char = '\\''; const E: u8 = b'"';
            macro_rules! make { () => { crate::b::B } }
            #[cfg(test)]
            use crate::b::B;
            #[cfg(all(test, not(windows)))]
            #[allow(unused, reason = "none")]
            pub(crate) const fn helper() -> crate::b::B { crate::b::B }
            struct F { #[cfg(test)] b: crate::b::B, c: u8 }
            #[cfg(test)]
            mod tests { use super::*; use crate::b::B; fn f() -> B { B } }
            #[cfg(test)]
            mod more;
        """
        b = "use crate::A;\npub struct B;\nfn f(x: crate::A<'_>) { x.b; std::mem::drop(crate::A); }"
        lib = "pub mod a;\npub mod b;\npub use self::{a::A, b::B};\n#[cfg(test)]\nmod tests;"
        self.crate("left", lib=lib, a=a, a__more="use crate::b::B;", b=b, tests="use crate::*;")
        self.assert_clean()

    def test_code_behind_what_is_left_out_is_read(self):
        a = (
            "#[cfg(test)]\nuse std::{x};\n#[cfg(not(test))]\nuse crate::b::B;\n#[cfg(all(unix, not(test)))]\n"
            "use crate::b::C;\n#[cfg(any(test, unix))]\nuse crate::b::D;\npub struct A;"
        )
        b = "#[cfg(test)]\nmod t { }\n#[cfg(test)]\nfn t() -> [u8; 2] where A: B {}\npub struct B(crate::a::A);"
        self.crate("left", lib="mod a; mod b;", a=a, b=b + "\npub struct C; pub struct D;")
        self.assert_circle("a.rs -> b.rs: B, C, D", "b.rs -> a.rs: A")

    def test_variants_and_functions_of_what_is_imported(self):
        a = "use crate::b::B::*;\nuse crate::b::Kind::Variant;\npub struct A;"
        b = "pub enum B { One } pub enum Kind { Variant }\nfn f() { crate::a::A::new(); }"
        self.crate("left", lib="mod a; mod b;", a=a, b=b)
        self.assert_circle("a.rs -> b.rs: B, Kind", "b.rs -> a.rs: A")

    def test_a_parent_that_only_declares_and_re_exports(self):
        self.crate(
            "left",
            lib="mod p;",
            p="mod c;\npub use c::C;\npub struct P;\nfn f(x: X) { x.C(); }",
            p__c="pub struct C(super::P);",
        )
        self.assert_clean()

    def test_re_exports_that_name_one_another_end(self):
        a = "pub use crate::X; pub use crate::b::*;"
        self.crate("left", lib="mod a; mod b; pub use a::X; pub use b::*;", a=a, b="pub use crate::a::*;")
        self.assert_clean()

    def test_binaries_and_examples_are_read(self):
        self.crate("left", main="mod a;\npub const X: u8 = a::Y;", a="pub const Y: u8 = crate::X;")
        self.write("crates/left/examples/e/main.rs", "mod b; pub struct E; fn f() { b::b(); }")
        self.write("crates/left/examples/e/b.rs", "pub fn b() { crate::E; }")
        firsts = [text.splitlines()[1].split()[0] for text in faults(self.root)]
        self.assertEqual(firsts, ["crates/left/src/a.rs", "crates/left/examples/e/b.rs"])

    def test_the_command_prints_and_fails(self):
        self.crate("left", lib="mod a; pub struct L(a::A);", a="pub struct A(Box<crate::L>);")
        command = [sys.executable, Path(__file__).parent / "layers.py", self.root]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        expected = (
            "2 files of left import one another in a circle:\n"
            "  crates/left/src/a.rs -> crates/left/src/lib.rs: L\n"
            "  crates/left/src/lib.rs -> crates/left/src/a.rs: A\n"
        )
        self.assertEqual((run.returncode, run.stdout, run.stderr), (1, "", expected))
        self.write("crates/left/src/a.rs", "pub struct A;")
        self.assertEqual(subprocess.run(command, capture_output=True, check=False).returncode, 0)


class Decorators(Workspace):
    PORT = "pub trait Port: Display { fn f(&self); }\npub struct Layer { name: u8, inner: Arc<dyn Port + Send> }\n"

    def offenders(self):
        return list(Code(self.root).offenders())

    def test_every_implementation_of_a_decorated_port(self):
        self.crate("left", lib=self.PORT + "#[async_trait]\nimpl Port for Layer {}\n")
        self.crate("middle", lib="impl<T: Fn()> left::Port for Leaf<T> {}\n#[cfg(test)]\nimpl Port for Fake {}\n")
        lacks = "lacks #[deny(clippy::missing_trait_methods)]"
        self.assertEqual(
            self.offenders(),
            [
                f"crates/left/src/lib.rs:4: decorator Layer of Port {lacks}",
                f"crates/middle/src/lib.rs:1: implementation Leaf of Port {lacks}",
            ],
        )

    def test_an_implementation_with_the_attribute(self):
        denied = "#[deny(clippy::missing_trait_methods)]\n#[async_trait]\nimpl Port for Layer {}"
        self.crate("left", lib=self.PORT + denied)
        self.assertEqual(self.offenders(), [])

    def test_a_port_without_decorators(self):
        lib = "trait Port {}\nstruct User(Arc<dyn Port>);\nimpl Port for Leaf {}\nfn f() -> impl Port {}"
        self.crate("left", lib=lib)
        self.assertEqual(self.offenders(), [])


if __name__ == "__main__":
    unittest.main()
