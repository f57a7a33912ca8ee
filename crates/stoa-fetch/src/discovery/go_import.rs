//! The `go-import` tags of a page, and which of them speaks of a path.

use std::collections::HashSet;

use super::{
    cursor::MarkupError,
    elements::has_path_prefix,
    markup::{Markup, Token},
};

/// A page with more tags than this is no answer.
const MAX_TAGS: usize = 512;

/// The longest tag that is taken, in bytes.
const MAX_TAG: usize = 4096;

/// How many tags of other paths an error lists.
const LISTED: usize = 8;

/// One tag: `<meta name="go-import" content="prefix vcs repo subdir">`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GoImport {
    /// The leading part of module paths that the repository stands for.
    pub prefix: String,
    /// The system, as the page names it; `mod` for a module proxy.
    pub vcs: String,
    /// The URL.
    pub repo: String,
    /// The folder of the repository that stands for the prefix; empty for the repository itself.
    pub subdir: String,
}

/// What to do with tags that name a module proxy (`ModuleMode` of cmd/go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModTags {
    /// They come first, and hide the other tags of the same prefix.
    Prefer,
    /// They are left out.
    Ignore,
}

/// No tag was picked. The texts are the go command's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoImportError {
    /// No tag speaks of the path.
    #[error("{}", mismatches(.prefixes, .path))]
    Mismatch {
        /// The path.
        path: String,
        /// Of what the tags speak.
        prefixes: Vec<String>,
    },
    /// More than one does.
    #[error("multiple meta tags match import path {0:?}")]
    Multiple(String),
}

fn mismatches(prefixes: &[String], path: &str) -> String {
    let mut lines: Vec<_> = prefixes
        .iter()
        .take(LISTED)
        .map(|prefix| format!("meta tag {prefix} did not match import path {path}"))
        .collect();
    if prefixes.len() > LISTED {
        lines.push(format!("and {} more", prefixes.len() - LISTED));
    }
    lines.join(", ")
}

/// The tags of a page up to `<body` or `</head>` (`parseMetaGoImports` of cmd/go). A page that breaks off or turns into
/// something else after its first tag is taken up to there; before it, that is the error.
///
/// Tags with other than three or four fields are skipped. The cost is linear in the size of the page; how much of it is
/// read is the caller's to bound.
///
/// # Deviation
///
/// A page with more than 512 tags, or a tag of more than 4 KiB, is an error.
pub fn parse_go_imports(page: &[u8], mods: ModTags) -> Result<Vec<GoImport>, MarkupError> {
    let imports = tags(page)?;
    let (proxies, repositories): (Vec<_>, Vec<_>) =
        imports.into_iter().partition(|import| import.vcs == "mod");
    if mods == ModTags::Ignore {
        return Ok(repositories);
    }
    let proxied: HashSet<String> = proxies.iter().map(|import| import.prefix.clone()).collect();
    let further = repositories
        .into_iter()
        .filter(|import| !proxied.contains(&import.prefix));
    Ok(proxies.into_iter().chain(further).collect())
}

/// Whether a page goes as far as tags are looked for.
pub(super) fn has_whole_head(page: &[u8]) -> bool {
    let mut markup = Markup::new(page);
    while let Ok(Some(token)) = markup.next() {
        match token {
            Token::Start { name, .. } if name.eq_ignore_ascii_case("body") => return true,
            Token::End { name } if name.eq_ignore_ascii_case("head") => return true,
            _ => {}
        }
    }
    false
}

/// All tags, in the order of the page.
fn tags(page: &[u8]) -> Result<Vec<GoImport>, MarkupError> {
    let mut markup = Markup::new(page);
    let mut imports = Vec::new();
    loop {
        let attributes = match markup.next() {
            Ok(Some(Token::Start { name, .. })) if name.eq_ignore_ascii_case("body") => break,
            Ok(Some(Token::End { name })) if name.eq_ignore_ascii_case("head") => break,
            Ok(Some(Token::Start { name, attributes })) if name.eq_ignore_ascii_case("meta") => attributes,
            Ok(Some(_)) => continue,
            Err(error) if imports.is_empty() => return Err(error),
            Ok(None) | Err(_) => break,
        };
        if attributes.name.as_deref() != Some("go-import") {
            continue;
        }
        let content = attributes.content.unwrap_or_default();
        if content.len() > MAX_TAG {
            return Err(MarkupError::new("a go-import meta tag is too long"));
        }
        let Some(import) = GoImport::parse(&content) else {
            continue;
        };
        if imports.len() == MAX_TAGS {
            return Err(MarkupError::new("too many go-import meta tags"));
        }
        imports.push(import);
    }
    Ok(imports)
}

impl GoImport {
    /// Three or four fields between white space.
    fn parse(content: &str) -> Option<Self> {
        let mut fields = content.split_whitespace().map(str::to_owned);
        let import = Self {
            prefix: fields.next()?,
            vcs: fields.next()?,
            repo: fields.next()?,
            subdir: fields.next().unwrap_or_default(),
        };
        fields.next().is_none().then_some(import)
    }
}

/// The tag that speaks of `path` (`matchGoImport` of cmd/go): the one whose prefix it has, whole elements at a time.
///
/// `imports` are in the order of [`parse_go_imports`]. A module proxy wins over repositories; else two matches are an
/// error.
pub fn match_go_import<'i>(imports: &'i [GoImport], path: &str) -> Result<&'i GoImport, GoImportError> {
    let mut matching = imports
        .iter()
        .filter(|import| has_path_prefix(path, &import.prefix));
    let Some(found) = matching.next() else {
        return Err(GoImportError::Mismatch {
            path: path.to_owned(),
            prefixes: imports.iter().map(|import| import.prefix.clone()).collect(),
        });
    };
    match matching.next() {
        Some(second) if found.vcs != "mod" || second.vcs == "mod" => {
            Err(GoImportError::Multiple(path.to_owned()))
        }
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn import(text: &str) -> GoImport {
        GoImport::parse(text).expect("three or four fields")
    }

    fn picked(imports: &[&str], path: &str) -> Result<String, String> {
        let imports: Vec<_> = imports.iter().map(|text| import(text)).collect();
        let found = match_go_import(&imports, path);
        found.map(|import| import.repo.clone()).map_err(|e| e.to_string())
    }

    #[test]
    fn the_tag_of_the_path_is_picked() {
        let (a, ab) = ("e.x/a git A", "e.x/ab git AB");
        let proxy = "e.x/a mod M";
        assert_eq!(picked(&[ab, a], "e.x/a/b"), Ok("A".to_owned()));
        assert_eq!(picked(&[proxy, "e.x git R"], "e.x/a"), Ok("M".to_owned()));
        let multiple = "multiple meta tags match import path \"e.x/a\"".to_owned();
        assert_eq!(picked(&["e.x git R", a], "e.x/a"), Err(multiple.clone()));
        assert_eq!(picked(&[proxy, "e.x mod N", a], "e.x/a"), Err(multiple));
        let mismatch = "meta tag e.x/a did not match import path e.x/c, \
                        meta tag e.x/ab did not match import path e.x/c";
        assert_eq!(picked(&[a, ab], "e.x/c"), Err(mismatch.to_owned()));
        assert_eq!(picked(&[], "e.x/c"), Err(String::new()));
        let many: Vec<_> = std::iter::repeat_n(a, 20).collect();
        assert!(
            picked(&many, "x.y/z")
                .expect_err("none")
                .ends_with(", and 12 more")
        );
    }

    #[test]
    fn a_page_with_too_much_in_it_is_an_error() {
        let tag = "<meta name=go-import content='a.b git https://a.b'>";
        let parse = |page: &str| parse_go_imports(page.as_bytes(), ModTags::Prefer).map(|i| i.len());
        assert_eq!(parse(&tag.repeat(512)), Ok(512));
        parse(&tag.repeat(513)).expect_err("too many");
        let long = format!("<meta name=go-import content='a.b git {}'>", "x".repeat(4097));
        parse(&long).expect_err("too long");
    }

    #[test]
    fn a_page_is_read_up_to_what_is_wrong_with_it() {
        let tag = "<meta name=go-import content='a.b git https://a.b'>";
        let parse = |page: String| {
            let imports = parse_go_imports(page.as_bytes(), ModTags::Prefer);
            imports.map(|i| i.len()).map_err(|e| e.to_string())
        };
        assert_eq!(parse(format!("{tag}<p <")), Ok(1));
        let error = |line, reason| Err(format!("XML syntax error on line {line}: {reason}"));
        for (start, line, reason) in [
            ("\n\n<p <", 3, "expected attribute name in element"),
            ("</p x>", 1, "invalid characters between </p and >"),
            (
                "<!-- -- -->",
                1,
                "invalid sequence \"--\" not allowed in comments",
            ),
            ("<!-x", 1, "invalid sequence <!- not part of <!--"),
            ("<![x", 1, "invalid <![ sequence"),
            ("<![CDATA[ ", 1, "unexpected EOF in CDATA section"),
            ("a ]]]> b", 1, "unescaped ]]> not in CDATA section"),
            ("<p a='<'>", 1, "unescaped < inside quoted string"),
            ("<p/x>", 1, "expected /> in element"),
            ("&#1;", 1, "illegal character code U+0001"),
            ("<\u{d7}a>", 1, "invalid XML name: \u{d7}a"),
            ("<a:b:c>", 1, "expected element name after <"),
            ("</>", 1, "expected element name after </"),
            ("<? ?>", 1, "expected target name after <?"),
            ("x &amp", 1, "unexpected EOF"),
        ] {
            let tail = if reason.contains("EOF") { "" } else { tag };
            assert_eq!(parse(format!("{start}{tail}")), error(line, reason), "{start}");
        }
        for fine in [
            "<!DOCTYPE html [<!ENTITY a '>'><!-- > --> ]>",
            "<![CDATA[ <meta> ]]>",
            "&nbsp; &bogus; &#xD800; &; &#; &lt;\r\n",
            "<input disabled>",
            "<?xml version='1.0' encoding=\"UTF-8\"?>",
            "<svg:x xml:a='b'/>",
        ] {
            assert_eq!(parse(format!("{fine}{tag}")), Ok(1), "{fine}");
        }
        assert_eq!(parse(format!("<head/>{tag}")), Ok(0));
    }

    /// A reader that looked back would not come to the end of these.
    #[test]
    fn a_large_page_is_gone_over_once() {
        for piece in [
            "<a>",
            "<a ",
            "a=",
            "a='b' ",
            "&",
            "&#x",
            "]]",
            "--",
            "<!",
            "<!--",
            "<!-- -->",
            "<?",
            "<![CDATA[",
            "\r",
            "<meta name=x content=y>",
            "\u{e9}",
            "<!x <",
            "</a>",
            " ",
        ] {
            for start in ["", "<a ", "<a b='", "<!--", "<!x ", "<?xml ", "<![CDATA["] {
                let page = start.to_owned() + &piece.repeat((1 << 17) / piece.len());
                let _either = parse_go_imports(page.as_bytes(), ModTags::Prefer);
            }
        }
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(page in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "(<|>|/|!|-|\\?|\\[|CDATA\\[|\\]\\]>|&|#|x|;|=|'|\"| |\n|meta|name|content|go-import|xml|a.b git c|\u{e9}|\u{1}){0,60}"
                .prop_map(String::into_bytes),
        ]) {
            for mods in [ModTags::Prefer, ModTags::Ignore] {
                for import in parse_go_imports(&page, mods).unwrap_or_default() {
                    prop_assert!(!import.prefix.is_empty() && !import.repo.is_empty());
                }
            }
        }
    }
}
