//! What real files ask for.

use super::*;

fn read(format: WantedFormat, text: &str) -> Vec<String> {
    let wanted = Wanted::read(format, text).expect("readable");
    let versions = wanted.versions.iter().map(|(module, files)| match files {
        WantedFiles::All => module.to_string(),
        WantedFiles::GoMod => format!("{module}/go.mod"),
    });
    let queries = wanted.queries.values().zip(wanted.queries.keys());
    versions
        .chain(queries.map(|(query, (path, _))| format!("{path}?{}", query.as_str())))
        .collect()
}

fn fault(format: WantedFormat, text: &str) -> String {
    Wanted::read(format, text).expect_err("a fault").to_string()
}

#[test]
fn a_go_sum_asks_for_what_a_build_downloads() {
    let text = "a.example/b v1.0.0/go.mod h1:x=\na.example/b v1.0.0 h1:x=\n\na.example/c v0.1.0/go.mod h1:x=\n\
                a.example/d v2.0.0+incompatible h1:x=\n";
    let wanted = [
        "a.example/b@v1.0.0",
        "a.example/c@v0.1.0/go.mod",
        "a.example/d@v2.0.0+incompatible",
    ];
    assert_eq!(read(WantedFormat::GoSum, text), wanted);
    assert_eq!(
        fault(
            WantedFormat::GoSum,
            "a.example/b v1.0.0 h1:x=\na.example/b v1.0.0\n"
        ),
        "line 2: wrong number of fields 2, a line of go.sum has 3"
    );
    assert!(fault(WantedFormat::GoSum, "../etc v1.0.0 h1:x=\n").starts_with("line 1: malformed module path"));
}

#[test]
fn a_go_mod_asks_for_what_it_requires_and_what_stands_in_for_that() {
    let text = "module m.example/m\ngo 1.21\nrequire (\n a.example/a v1.0.0\n a.example/b v1.0.0 // indirect\n a.example/c v1.0.0\n \
                a.example/d v1.0.0\n)\nreplace a.example/b => f.example/fork v1.0.1\nreplace a.example/c => ../c\n\
                replace a.example/d v1.0.1 => ../d\n";
    let wanted = [
        "a.example/a@v1.0.0",
        "a.example/d@v1.0.0",
        "f.example/fork@v1.0.1",
    ];
    assert_eq!(read(WantedFormat::GoMod, text), wanted);
    assert!(
        fault(WantedFormat::GoMod, "module m\nrequire a.example/a\n").contains("go.mod:2"),
        "the place is named"
    );
}

#[test]
fn a_program_asks_for_what_it_was_built_of() {
    let text = "/usr/bin/tool: go1.26.6\n\tpath\tm.example/m/cmd/tool\n\tmod\tm.example/m\tv1.2.3\th1:x=\n\
                \tdep\ta.example/a\tv1.0.0\th1:x=\n\tdep\ta.example/b\tv1.0.0\n\t=>\tf.example/fork\tv1.0.1\th1:x=\n\
                \tdep\ta.example/c\tv1.0.0\n\t=>\t./c\t(devel)\t\n\tbuild\t-compiler=gc\n";
    let wanted = [
        "a.example/a@v1.0.0",
        "f.example/fork@v1.0.1",
        "m.example/m@v1.2.3",
    ];
    assert_eq!(read(WantedFormat::BuildInfo, text), wanted);
    assert_eq!(
        read(
            WantedFormat::BuildInfo,
            "x: go1.26.6\n\tmod\tm.example/m\t(devel)\t\n"
        ),
        Vec::<String>::new()
    );
}

#[test]
fn a_list_may_leave_the_choice_to_the_source() {
    let text = "# ours\na.example/a@v1.0.0\na.example/b v1.1.0 // a comment\na.example/c\na.example/d@main\n\
                a.example/e v1.0.0 => f.example/fork v1.0.1\na.example/g v1.0.0 => ../g\n";
    let wanted = [
        "a.example/a@v1.0.0",
        "a.example/b@v1.1.0",
        "f.example/fork@v1.0.1",
        "a.example/c?latest",
        "a.example/d?main",
    ];
    assert_eq!(read(WantedFormat::List, text), wanted);
    assert!(fault(WantedFormat::List, "a.example/a b c d e f\n").contains("is no PATH@QUERY"));
    // Of `go list -m all`, the first line is the main module, which no source is to hear of.
    let text = "corp.example/me\na.example/a v1.0.0\na.example/e v1.0.0 => f.example/fork v1.0.1\n";
    assert_eq!(
        read(WantedFormat::List, text),
        ["a.example/a@v1.0.0", "f.example/fork@v1.0.1"]
    );
    assert_eq!(
        read(WantedFormat::List, "a.example/a\na.example/b\n"),
        ["a.example/a?latest", "a.example/b?latest"]
    );
    assert_eq!(read(WantedFormat::List, "a.example/a\n"), ["a.example/a?latest"]);
}

#[test]
fn the_format_is_known_by_the_name_or_the_text() {
    for (name, text, format) in [
        ("x/go.sum", "", WantedFormat::GoSum),
        ("go.work.sum", "", WantedFormat::GoSum),
        ("go.mod", "", WantedFormat::GoMod),
        ("-", "a.example/a v1.0.0 h1:x=\n", WantedFormat::GoSum),
        (
            "-",
            "x: go1.26.6\n\tpath\tcommand-line-arguments\n",
            WantedFormat::BuildInfo,
        ),
        ("modules.txt", "a.example/a@v1.0.0\n", WantedFormat::List),
    ] {
        assert_eq!(WantedFormat::of(name, text), format, "{name} {text:?}");
    }
}
