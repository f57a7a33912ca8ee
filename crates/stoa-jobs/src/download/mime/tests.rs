//! The grammar, held against answers of Go's `filepath.Match`.

use super::*;

/// What the columns of [`MATCHES`] are about.
const TEXTS: [&str; 13] = [
    "image/png",
    "image/jpeg",
    "text/plain",
    "image/",
    "/",
    "imagepng",
    "image/p/g",
    "abbc/d",
    "é/x",
    "í/x",
    "ab/xbyc",
    "ab/xbyd",
    "",
];

#[test]
fn patterns_match_what_go_says() {
    let matches = [
        ("image/*", "1101000000000"),
        ("*", "0000010000001"),
        ("*/*", "1111100111110"),
        ("image/p?g", "1000000000000"),
        ("image/?", "0000000000000"),
        ("i*e/png", "1000000000000"),
        ("image/[a-p]ng", "1000000000000"),
        ("image/[^a-o]ng", "1000000000000"),
        ("image[/]png", "1000000000000"),
        ("image?png", "0000000000000"),
        ("image/\\png", "1000000000000"),
        ("image/[\\p]ng", "1000000000000"),
        ("image/p*", "1000000000000"),
        ("image/*g", "1100000000000"),
        ("*image/png", "1000000000000"),
        ("image/**", "1101000000000"),
        ("[i-i]mage/png", "1000000000000"),
        ("image/[z-a]ng", "0000000000000"),
        ("image/*n*g", "1000000000000"),
        ("image/png*", "1000000000000"),
        ("**/png", "1000000000000"),
        ("image/[pj]*", "1100000000000"),
        ("a*b*c/d", "0000000100000"),
        ("é/*", "0000000010000"),
        ("[é-í]/x", "0000000011000"),
        ("a*/*b*c", "0000000000100"),
    ];
    for (pattern, expected) in matches {
        let rule: MimeRule = pattern.parse().expect(pattern);
        let found: String = TEXTS
            .iter()
            .map(|text| if rule.accepts(text) { '1' } else { '0' })
            .collect();
        assert_eq!(found, expected, "{pattern}");
    }
}

#[test]
fn patterns_are_refused_that_go_refuses() {
    let patterns = [
        ("[", false),
        ("[]", false),
        ("[^]", false),
        ("[]a]", false),
        ("[-]", false),
        ("[x-]", false),
        ("[-x]", false),
        ("[a", false),
        ("[a-", false),
        ("a\\", false),
        ("[\\", false),
        ("[a-b-c]", false),
        ("a[", false),
        ("[a]]", true),
        ("[a\\]b]", true),
        ("[!a]", true),
    ];
    for (pattern, is_good) in patterns {
        assert_eq!(pattern.parse::<MimeRule>().is_ok(), is_good, "{pattern}");
    }
}

#[test]
fn all_parts_must_hold() {
    for (rule, mime_type, expected) in [
        ("!image/vnd.adobe.photoshop,image/*", "image/png", true),
        (
            "!image/vnd.adobe.photoshop,image/*",
            "image/vnd.adobe.photoshop",
            false,
        ),
        ("!image/vnd.adobe.photoshop,image/*", "text/html", false),
        ("image/png,image/jpeg", "image/png", false),
        ("!image/*", "image/png", false),
        ("!image/*", "text/plain", true),
        ("image/* , !image/gif", "image/gif", false),
        ("image/* , ! image/gif", "image/png", true),
        ("any(image/png,image/jpeg)", "image/jpeg", true),
        ("any(image/png,image/jpeg)", "image/gif", false),
        ("!any(image/png, image/jpeg)", "image/jpeg", false),
        ("!any(image/png, image/jpeg)", "image/gif", true),
        ("any(!image/*,image/png)", "image/png", true),
        ("any(!image/*,image/png)", "image/gif", false),
        ("any(!image/*,image/png)", "text/css", true),
        ("any(image/*,text/*), !text/html,!image/gif", "text/plain", true),
        ("any(image/*,text/*), !text/html,!image/gif", "text/html", false),
    ] {
        let rule: MimeRule = rule.parse().expect(rule);
        assert_eq!(rule.accepts(mime_type), expected, "{rule} {mime_type}");
    }
}

#[test]
fn what_is_no_rule_is_refused() {
    for (text, error) in [
        ("", MimeRuleError::Empty),
        ("!", MimeRuleError::Empty),
        ("image/*,", MimeRuleError::Empty),
        (",image/*", MimeRuleError::Empty),
        ("any()", MimeRuleError::Empty),
        ("any(a", MimeRuleError::Any),
        ("any(a)b", MimeRuleError::Any),
        ("any(a[)", MimeRuleError::Pattern("a[".to_owned())),
    ] {
        assert_eq!(text.parse::<MimeRule>(), Err(error), "{text:?}");
    }
    assert_eq!(
        "a".repeat(1_025).parse::<MimeRule>(),
        Err(MimeRuleError::Long(1_025))
    );
}

#[test]
fn a_rule_of_many_stars_is_cheap() {
    let rule: MimeRule = format!("{}b", "a*".repeat(400)).parse().expect("a rule");
    assert!(!rule.accepts(&"a".repeat(20_000)));
}
