//! Expressions in all syntaxes.

use super::*;
use crate::logic::{Glob, Piece};

fn perl(pattern: &Pattern, fold: bool, end: &'static str) -> Result<String, Refusal> {
    Expressions::default().perl(pattern, fold, end).map(|text| text.to_string())
}

fn lucene(pattern: &Pattern) -> Result<String, Refusal> {
    Expressions::default().lucene(pattern, false).map(|text| text.to_string())
}

fn posix(pattern: &Pattern, fold: bool) -> Result<String, Refusal> {
    Expressions::default().posix(pattern, fold, 40).map(|text| text.to_string())
}

fn expression(source: &str) -> Pattern {
    Pattern::Regex(source.to_owned())
}

#[test]
fn perl_keeps_the_authors_text_where_it_means_the_same() {
    for source in [r"\.docker\\", r"(?i)a[b-d]{2,}(?:x|y)+", "a.*b", r"\.\./"] {
        assert_eq!(perl(&expression(source), false, "\\z"), Ok(source.to_owned()));
    }
    for source in [r"x\bz", r"^/proc/\d+/mem", r"[\w.-]+@"] {
        assert_eq!(perl(&expression(source), false, "$"), Ok(source.to_owned()));
        assert!(perl(&expression(source), false, "\\z").is_err(), "PCRE knows ASCII only: {source}");
    }
    let blanks = r"a[\x09-\x0d \x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]";
    assert_eq!(perl(&expression(r"a\s"), false, "\\z").as_deref(), Ok(blanks));
    let changed = [
        ("a$", "a\\z"),
        (r"\$x\$", r"\x24x\x24"),
        ("a`b", r"a\x60b"),
        (r"\u0041", r"\x41"),
        (r"\u{1f600}", r"\x{1f600}"),
        ("[a-c&&b-d]", "[bc]"),
        ("}", r"\}"),
    ];
    for (source, expected) in changed {
        assert_eq!(perl(&expression(source), false, "\\z").as_deref(), Ok(expected), "{source}");
    }
    // What Python, which judges Sigma's expressions, would read otherwise or not at all.
    let changed = [
        (r"\$a$", r"\$a$"),
        (r"\u0041\x{1f600}", "\\x41\u{1f600}"),
        (r"[a-z&&[^m]\x{7}]+$", r"[a-ln-z]+$"),
        (r"[\x{100}-\x{200}\x{7}]", "[\u{100}-\u{200}\\x07]"),
        ("[[:alpha:]]9", "[A-Za-z]9"),
        ("a(?i)b", "a[Bb]"),
        ("(?i)ab", "(?i)ab"),
        ("x\u{b}z", r"x\x0bz"),
    ];
    for (source, expected) in changed {
        assert_eq!(perl(&expression(source), false, "$").as_deref(), Ok(expected), "{source}");
    }
    assert!(perl(&expression(r"\pL"), false, "$").is_err());
}

/// What is taken out of a class is taken out in both cases.
#[test]
fn classes_are_printed_as_they_are_without_the_case_of_letters() {
    let changed = [
        ("[A-Z--b]x", "[ac-z]x"),
        ("[A-D&&[^b]]", "[acd]"),
        ("[^A-Z--b]9", "[^ac-z]9"),
        ("[a-c--b-c]K[[k]]", "akk"),
        ("[\u{e9}&&\u{c9}]", "\u{c9}"),
        ("[a&&a](?-i:Bc[a-c]9)[!-~--x]", "a(?-i:Bc)(?-i:[a-c])9[!-@\\[-wy-~]"),
        ("[0-9--5]", "[0-46-9]"),
    ];
    for (source, expected) in changed {
        for end in ["$", "\\z"] {
            let expected = format!("(?i){expected}");
            assert_eq!(perl(&expression(source), true, end), Ok(expected), "{source}");
        }
    }
    assert_eq!(perl(&expression("[A-Z--b]x"), false, "$").as_deref(), Ok("[A-Z]x"));
}

#[test]
fn whole_value_syntaxes_have_any_text_around_what_is_found() {
    let cases = [
        ("b+", ".*b+.*", "(.|\n)*b+(.|\n)*"),
        ("^b", "b.*", "b(.|\n)*"),
        ("b$", ".*b", "(.|\n)*b"),
        ("^a|b$", "a.*|.*b", "a(.|\n)*|(.|\n)*b"),
        ("a|bc", ".*(a|bc).*", "(.|\n)*(a|bc)(.|\n)*"),
        ("(^|/)sh$", "(.*/)?sh", "((.|\n)*/)?sh"),
        ("(?:^| )-x(?: |$)", "(.* )?-x( .*)?", "((.|\n)* )?-x( (.|\n)*)?"),
        ("a(?:;|,b|$)", ".*a((;|,b).*)?", "(.|\n)*a((;|,b)(.|\n)*)?"),
        ("^a(?: |$)", "a( .*)?", "a( (.|\n)*)?"),
        ("^a.*", "a.*", "a(.|\n)*"),
        ("^(?s:.*)$", ".*", "(.|\n)*"),
        (r"^\.x{2,3}$", r"\.x{2,3}", "[.]x{2,3}"),
        (r"^a@b#c$", r"a\@b\#c", "a@b#c"),
        (r"^[^/]+$", "[^/]+", "[^/]+"),
        ("^a.b$", "a[^\n]b", "a.b"),
        ("", ".*", "(.|\n)*"),
    ];
    for (source, in_lucene, in_posix) in cases {
        assert_eq!(lucene(&expression(source)).as_deref(), Ok(in_lucene), "{source}");
        assert_eq!(posix(&expression(source), false).as_deref(), Ok(in_posix), "{source}");
    }
    // No blank of another script stands there unseen.
    let blanks = "x\u{3000}[\\x{85}\u{3000}]";
    assert_eq!(posix(&expression(&format!("^{blanks}$")), false).as_deref(), Ok(r"x\x{3000}[\x85\x{3000}]"));
    // But where there is no room for that.
    let long = format!("{blanks}{blanks}");
    assert_eq!(posix(&expression(&format!("^{long}$")), false), Ok(long.replace(r"\x{85}", "\u{85}")));
    assert_eq!(posix(&expression("^a-1$"), true).as_deref(), Ok("[Aa]-1"));
    for source in [r"a\bc", r"\d+", "(?m)^a$"] {
        assert!(lucene(&expression(source)).is_err() && posix(&expression(source), false).is_err(), "{source}");
    }
}

/// What is printed for POSIX and Perl is also an expression of the `regex` crate that means the same.
#[test]
fn what_is_printed_means_the_same() {
    let patterns = [
        expression("^a|b+c$"),
        expression("(^|/)(sh|bash)( |$)"),
        expression("(^|/|a b)s(?:.|$)"),
        expression("x(?: |$)"),
        expression("(?:^| ).*(?:y|$)"),
        expression("x.y"),
        Pattern::Path { path: "/etc/a.b".into(), below: true },
        Pattern::Path { path: "/etc".into(), below: false },
        Pattern::Path { path: "/".into(), below: true },
        Pattern::Glob(Glob::new([Piece::Literal("a.".into()), Piece::One, Piece::Any, Piece::Literal("$".into())])),
        Pattern::Glob(Glob::contains("b+")),
    ];
    let values = [
        "",
        "a",
        "abc",
        "bc",
        "bc\n",
        "/bin/sh",
        "sh -c",
        "zsh",
        "x\ny",
        "xzy",
        "/etc/a.b",
        "//etc/./a.b/c\nd",
        "/etc/axb",
        "/etc",
        "/etc/",
        "/etc//.",
        "/etcd",
        "/",
        "/.",
        "/x",
        "a.b$",
        "a.\nxx$",
        "a.$",
        "ab+c",
        "bbc",
    ];
    for pattern in &patterns {
        let set = crate::logic::TextSet::new(vec![pattern.clone()], crate::logic::Case::Sensitive);
        let found = ::regex::Regex::new(&perl(pattern, false, "\\z").expect("printed")).expect("an expression");
        let whole = ::regex::Regex::new(&format!("^(?:{})$", posix(pattern, false).expect("printed"))).expect("one");
        for value in values {
            let expected = set.is_match(value, false);
            assert_eq!(found.is_match(value), expected, "Perl, {pattern} of {value:?}");
            assert_eq!(whole.is_match(value), expected, "POSIX, {pattern} of {value:?}");
        }
    }
}
