//! What every language prints for the same formulas. Each expectation was checked by hand against what the language
//! does; the round trip through the readers is in `tests/roundtrip.rs`.

use super::*;
use crate::logic::{Case, Comparison, Formula, Glob, Number, Path, Pattern, Piece, Predicate, TextSet};

pub(super) fn path(name: &str) -> Path {
    Path::from_segments([name])
}

pub(super) fn text(field: &str, any: &[Pattern], case: Case) -> Formula {
    Formula::test(&path(field), Predicate::Text(TextSet::new(any.to_vec(), case)))
}

pub(super) fn is(field: &str, value: &str) -> Formula {
    text(field, &[equals(value)], Case::Either)
}

pub(super) fn equals(value: &str) -> Pattern {
    Pattern::Glob(Glob::equals(value))
}

pub(super) fn contains(value: &str) -> Pattern {
    Pattern::Glob(Glob::contains(value))
}

pub(super) fn regex(source: &str) -> Pattern {
    Pattern::Regex(source.to_owned())
}

fn table(fields: &[(&str, FieldType)]) -> FieldTable {
    let mut table = FieldTable::default();
    fields.iter().for_each(|(name, kind)| table.insert(*name, *kind));
    table
}

/// The query on one line; Sigma's as JSON; a gap as `! reason`.
pub(super) fn shown(language: Language, formula: &Formula) -> String {
    shown_with(language, formula, &FieldTable::default())
}

fn shown_with(language: Language, formula: &Formula, table: &FieldTable) -> String {
    match print(language, formula, table) {
        Ok(Query::Text(text)) => text,
        Ok(Query::Document(document)) => document.to_string(),
        Err(gaps) => {
            assert!(!gaps.is_empty(), "an error says why");
            format!("! {}", gaps.iter().map(|gap| gap.reason.as_str()).collect::<Vec<_>>().join("; "))
        }
    }
}

use Language::{Eql, Falco, Kql, Lucene, Sigma, Spl, SplWhere};

#[test]
fn nests_keep_their_shape() {
    let (a, b, c, d) = (is("a", "1"), is("b", "2"), is("c", "3"), is("d", "4"));
    let or = |x: &Formula, y: &Formula| Formula::or([x.clone(), y.clone()]);
    let and = |x: &Formula, y: &Formula| Formula::and([x.clone(), y.clone()]);
    let cases = [
        and(&a, &or(&b, &c)),
        and(&a, &Formula::not(or(&b, &c))),
        Formula::not(and(&a, &b)),
        and(&or(&a, &b), &or(&c, &d)),
        or(&and(&a, &b), &c),
    ];
    let expected = [
        (
            Spl,
            [
                r#"a="1" AND (b="2" OR c="3")"#,
                r#"a="1" AND NOT (b="2" OR c="3")"#,
                r#"NOT (a="1" AND b="2")"#,
                r#"(a="1" OR b="2") AND (c="3" OR d="4")"#,
                r#"(a="1" AND b="2") OR c="3""#,
            ],
        ),
        (
            Kql,
            [
                r#"a: "1" and (b: "2" or c: "3")"#,
                r#"a: "1" and not (b: "2" or c: "3")"#,
                r#"not (a: "1" and b: "2")"#,
                r#"(a: "1" or b: "2") and (c: "3" or d: "4")"#,
                r#"(a: "1" and b: "2") or c: "3""#,
            ],
        ),
        (
            Falco,
            [
                "a = 1 and (b = 2 or c = 3)",
                "a = 1 and not (b = 2 or c = 3)",
                "not (a = 1 and b = 2)",
                "(a = 1 or b = 2) and (c = 3 or d = 4)",
                "(a = 1 and b = 2) or c = 3",
            ],
        ),
        (
            Sigma,
            [
                r#"{"selection_a":{"a":"1"},"selection":[{"b":"2"},{"c":"3"}],"condition":"selection_a and selection"}"#,
                r#"{"selection_a":{"a":"1"},"filter":[{"b":"2"},{"c":"3"}],"condition":"selection_a and not filter"}"#,
                r#"{"filter":{"a":"1","b":"2"},"condition":"not filter"}"#,
                r#"{"selection":[{"a":"1"},{"b":"2"}],"selection_2":[{"c":"3"},{"d":"4"}],"condition":"selection and selection_2"}"#,
                r#"{"selection":[{"a":"1","b":"2"},{"c":"3"}],"condition":"selection"}"#,
            ],
        ),
    ];
    for (language, texts) in expected {
        for (formula, text) in cases.iter().zip(texts) {
            assert_eq!(shown(language, formula), text, "{language:?}");
        }
    }
}

/// One formula and what it is in some languages.
fn check(formula: &Formula, expected: &[(Language, &str)]) {
    for (language, text) in expected {
        assert_eq!(shown(*language, formula), *text, "{language:?} of {formula:?}");
    }
}

#[test]
fn alternatives_on_one_field_are_a_list() {
    check(
        &Formula::or([is("p", "docker"), is("p", "podman")]),
        &[
            (Spl, r#"p IN ("docker", "podman")"#),
            (Kql, r#"p: ("docker" or "podman")"#),
            (Falco, "p in (docker, podman)"),
            (Sigma, r#"{"selection_p":{"p":["docker","podman"]},"condition":"selection_p"}"#),
        ],
    );
    check(
        &text("p", &[equals("a"), Pattern::Glob(Glob::starts_with("b")), contains("c d")], Case::Either),
        &[
            (Spl, r#"p IN ("a", "b*", "*c d*")"#),
            (Kql, r#"p: ("a" or b* or *c d*)"#),
            (Falco, r#"p = a or p startswith b or p contains "c d""#),
            (Sigma, r#"{"selection_p":{"p":["a","b*","*c d*"]},"condition":"selection_p"}"#),
        ],
    );
    check(
        &text("p", &[contains("x"), contains("y")], Case::Either),
        &[(Sigma, r#"{"selection_p":{"p|contains":["x","y"]},"condition":"selection_p"}"#)],
    );
    check(
        &Formula::and([text("p", &[contains("x")], Case::Either), text("p", &[contains("y")], Case::Either)]),
        &[
            (Sigma, r#"{"selection_p":{"p|contains|all":["x","y"]},"condition":"selection_p"}"#),
            (Kql, "p: *x* and p: *y*"),
        ],
    );
}

#[test]
fn negations_are_true_without_values() {
    check(
        &Formula::not(is("f", "x")),
        &[
            (Spl, r#"NOT f="x""#),
            (Kql, r#"not f: "x""#),
            (Falco, "not f = x"),
            (Sigma, r#"{"filter_f":{"f":"x"},"condition":"not filter_f"}"#),
        ],
    );
}

#[test]
fn case_is_exact_or_a_gap() {
    check(
        &text("f", &[equals("Ab")], Case::Sensitive),
        &[
            (Spl, "! `search` ignores the case of values"),
            (Kql, r#"f: "Ab""#),
            (Falco, "f = Ab"),
            (Sigma, r#"{"selection_f":{"f|cased":"Ab"},"condition":"selection_f"}"#),
        ],
    );
    check(
        &text("f", &[contains("Ab"), equals("C")], Case::Insensitive),
        &[
            (Spl, r#"f IN ("*Ab*", "C")"#),
            (Kql, "! KQL has no operator that ignores case"),
            (Falco, "f icontains Ab or tolower(f) = c"),
            (Sigma, r#"{"selection_f":{"f":["*Ab*","C"]},"condition":"selection_f"}"#),
        ],
    );
    check(
        &text("f", &[equals("Ä")], Case::Insensitive),
        &[(Falco, "! Falco ignores the case of ASCII letters only"), (Spl, r#"f="Ä""#)],
    );
    // Without letters there is no case.
    check(&text("f", &[equals("/1/")], Case::Sensitive), &[(Spl, r#"f="/1/""#)]);
    check(&text("f", &[equals("/1/")], Case::Insensitive), &[(Kql, r#"f: "/1/""#)]);
}

#[test]
fn what_would_never_match_is_a_gap() {
    check(&is("f", "<NA>"), &[(Falco, "! Falco takes `<NA>` for a missing value, which nothing is equal to")]);
    check(&text("f", &[Pattern::Glob(Glob::contains("<NA>"))], Case::Sensitive), &[(Falco, r#"f contains "<NA>""#)]);
    let long = "x".repeat(1025);
    let kept = "! Elastic keeps no value of more than 1024 characters in a keyword field";
    check(&is("f", &long), &[(Kql, kept), (Eql, kept)]);
    let expression = regex(&format!("^(?:{}|b)$", "a?".repeat(600)));
    let too_long = "! Elastic takes expressions of at most 1000 characters, and this one has 1204";
    check(&text("f", &[expression], Case::Sensitive), &[(Eql, too_long)]);
}

#[test]
fn text_is_data() {
    check(
        &is("f", r#"a"b\c|d[e]`g"#),
        &[
            (Spl, "! a backtick in `search` may begin a macro"),
            (Kql, r#"f: "a\"b\\c|d[e]`g""#),
            (Falco, r#"f = "a\"b\\c|d[e]`g""#),
            (Sigma, r#"{"selection_f":{"f":"a\"b\\c|d[e]`g"},"condition":"selection_f"}"#),
        ],
    );
    check(
        &is("f", r"C:\dir\"),
        &[
            (Spl, r#"f="C:\\dir\\""#),
            (Kql, r#"f: "C:\\dir\\""#),
            (Falco, r#"f = "C:\\dir\x5c""#),
            (Sigma, r#"{"selection_f":{"f":"C:\\dir\\\\"},"condition":"selection_f"}"#),
        ],
    );
    check(
        &is("f", r"\\host\*?"),
        &[
            (Spl, "! `search` cannot escape a literal `*`"),
            (Kql, r#"f: "\\\\host\\*?""#),
            (Sigma, r#"{"selection_f":{"f":"\\\\\\\\host\\\\\\*\\?"},"condition":"selection_f"}"#),
        ],
    );
    check(
        &is("f", "a\nb"),
        &[
            (Spl, "! `search` cannot write the control character U+000A"),
            (Kql, r#"f: "a\nb""#),
            (Falco, r#"f = "a\nb""#),
        ],
    );
    check(&is("f", "$x$"), &[(Spl, "! Splunk may take what stands between two `$` for a token")]);
    // One is enough: another value of the search may hold the second.
    check(
        &is("f", "$HOME"),
        &[
            (Spl, "! Splunk may take what stands between two `$` for a token"),
            (SplWhere, r#"match(f, "^\x24HOME\z")"#),
            (Falco, r#"f = "$HOME""#),
        ],
    );
    check(&is("f", ""), &[(Spl, r#"f="""#), (Kql, r#"f: """#), (Falco, r#"f = """#)]);
    check(&is("f", "or"), &[(Falco, r#"f = "or""#), (Kql, r#"f: "or""#)]);
    check(&is("f", "a\0b"), &[(Falco, "! Falco cannot write the character NUL")]);
    check(&is("f", &"x".repeat(256)), &[(Falco, "! Falco takes values of at most 255 bytes, and this one has 256")]);
    check(&is("f", &"x".repeat(255)), &[(Falco, &format!("f = {}", "x".repeat(255)))]);
}

#[test]
fn wildcards_that_a_language_lacks_are_gaps() {
    let one = Pattern::Glob(Glob::new([Piece::Literal("a".into()), Piece::One, Piece::Literal("b*".into())]));
    check(
        &text("f", &[one], Case::Either),
        &[
            (Spl, "! `search` has no wildcard for a single character"),
            (Kql, "! KQL has no wildcard for a single character (`?` is a plain character there)"),
            (Falco, r#"f regex "a(.|\n)b[*]""#),
            (Sigma, r#"{"selection_f":{"f":"a?b\\*"},"condition":"selection_f"}"#),
        ],
    );
    check(
        &text("f", &[contains("cannot open")], Case::Either),
        &[(Kql, r"f: *cannot\u0020open*"), (Spl, r#"f="*cannot open*""#)],
    );
    // A value that ends in an operator has a blank behind it wherever something follows.
    let ends = |text: &str| Pattern::Glob(Glob::ends_with(text));
    check(&text("f", &[ends("cannot"), ends("x or")], Case::Either), &[(Kql, "f: (*can\\u006eot or *x\\u0020or)")]);
    check(
        &text("f", &[Pattern::Glob(Glob::starts_with(" x"))], Case::Either),
        &[(Kql, "! KQL cuts blanks off both ends of a value with wildcards")],
    );
    check(&text("f", &[contains(" x ")], Case::Either), &[(Kql, "f: * x *"), (Falco, r#"f contains " x ""#)]);
    check(&text("f", &[contains("*:(")], Case::Either), &[(Kql, r"f: *\*\:\(*")]);
}

#[test]
fn other_predicates() {
    let number = |op| Predicate::Number { op, value: Number::new(5.0).expect("finite") };
    check(
        &Formula::test(&path("n"), number(Comparison::GreaterOrEqual)),
        &[
            (Spl, "n>=5"),
            (Kql, "n >= 5"),
            (Falco, "n >= 5"),
            (Sigma, r#"{"selection_n":{"n|gte":5},"condition":"selection_n"}"#),
        ],
    );
    check(
        &Formula::not(Formula::test(&path("n"), number(Comparison::Equal))),
        &[(Spl, "NOT n=5"), (Kql, "not n: 5"), (Falco, "not n = 5")],
    );
    let half = Predicate::Number { op: Comparison::Less, value: Number::new(0.5).expect("finite") };
    check(&Formula::test(&path("n"), half), &[(Falco, "! Falco knows whole numbers only, and 0.5 is none")]);
    check(
        &Formula::test(&path("e"), Predicate::Exists),
        &[
            (Spl, "e=*"),
            (Kql, "e: *"),
            (Falco, "e exists"),
            (Sigma, r#"{"selection_e":{"e|exists":true},"condition":"selection_e"}"#),
        ],
    );
    check(
        &Formula::test(&path("b"), Predicate::Boolean(true)),
        &[(Spl, "b=true"), (Kql, "b: true"), (Falco, "b = true")],
    );
    let network = Formula::test(&path("fd.sip"), Predicate::Network("10.0.0.0/8".parse().expect("a network")));
    check(
        &network,
        &[
            (Spl, "fd.sip=10.0.0.0/8"),
            (Falco, "fd.snet = 10.0.0.0/8"),
            (Sigma, r#"{"selection_sip":{"fd.sip|cidr":"10.0.0.0/8"},"condition":"selection_sip"}"#),
            (Kql, "! KQL knows networks on fields of type ip only, and `fd.sip` is none"),
        ],
    );
    assert_eq!(shown_with(Kql, &network, &table(&[("fd.sip", FieldType::Address)])), r#"fd.sip: "10.0.0.0/8""#);
    let element = Formula::element(path("c"), Formula::and([is("a", "1"), is("b", "2")]));
    for language in [Spl, Kql, Falco, Sigma] {
        assert!(shown(language, &element).starts_with("! "), "{language:?}");
    }
}

#[test]
fn types_limit_what_can_be_asked() {
    let fields = table(&[("k.*", FieldType::Exact), ("l", FieldType::TextList), ("n", FieldType::Number)]);
    let starts = |field: &str| text(field, &[Pattern::Glob(Glob::starts_with("a"))], Case::Either);
    assert!(shown_with(Kql, &starts("k.x"), &fields).starts_with("! sub-keys of a flattened field"));
    assert_eq!(shown_with(Kql, &is("k.x", "a"), &fields), r#"k.x: "a""#);
    assert!(shown_with(Falco, &starts("l"), &fields).starts_with("! Falco can only look for whole values"));
    assert_eq!(shown_with(Falco, &is("l", "a"), &fields), "l intersects (a)");
    assert!(shown_with(Kql, &starts("n"), &fields).starts_with("! KQL rejects text"));
    assert_eq!(shown_with(Falco, &text("n", &[equals("1"), equals("2")], Case::Either), &fields), "n = 1 or n = 2");
}

#[test]
fn long_queries_are_broken_at_operators() {
    let long: Vec<Pattern> = (0..6).map(|i| equals(&format!("/usr/local/bin/program-{i}"))).collect();
    let formula = Formula::and([is("a", "1"), text("p", &long, Case::Either)]);
    insta::assert_snapshot!(shown(Spl, &formula), @r#"
    a="1"
    AND p IN (
      "/usr/local/bin/program-0",
      "/usr/local/bin/program-1",
      "/usr/local/bin/program-2",
      "/usr/local/bin/program-3",
      "/usr/local/bin/program-4",
      "/usr/local/bin/program-5"
    )
    "#);
}

#[test]
fn sigma_selections_hold_what_they_can() {
    let formula = Formula::and([
        is("process.name", "docker"),
        text("process.args", &[regex("^-v$")], Case::Insensitive),
        Formula::or([is("user", "root"), Formula::not(is("tty", "pts0"))]),
        Formula::not(Formula::and([is("a", "x"), text("a", &[equals("y"), contains("z")], Case::Either)])),
    ]);
    let Ok(Query::Document(document)) = print(Sigma, &formula, &FieldTable::default()) else { panic!("printed") };
    insta::assert_json_snapshot!(document, @r#"
    {
      "selection": {
        "process.name": "docker",
        "process.args|re|i": "^-v$"
      },
      "selection_user": {
        "user": "root"
      },
      "filter_tty": {
        "tty": "pts0"
      },
      "filter_a": {
        "a": "x"
      },
      "filter_a_2": {
        "a": [
          "y",
          "*z*"
        ]
      },
      "condition": "selection and (selection_user or not filter_tty) and not (filter_a and filter_a_2)"
    }
    "#);
}

#[test]
fn eql_sees_case_by_its_operators_and_guards_what_misses_missing_values() {
    let n = |op| Formula::test(&path("n"), Predicate::Number { op, value: Number::new(5.0).expect("finite") });
    let cases = [
        (is("process.name", "docker"), r#"process.name == "docker""#),
        (Formula::or([is("p", "a"), is("p", "b")]), r#"p in ("a", "b")"#),
        (text("p", &[equals("a"), contains("b c")], Case::Either), r#"p like ("a", "*b c*")"#),
        (text("p", &[equals("a*b"), contains("c")], Case::Either), r#"p == "a*b" or p like "*c*""#),
        (text("p", &[contains("a*b")], Case::Either), r#"p regex """.*a\*b.*""""#),
        (text("p", &[regex("^-v$")], Case::Either), r#"p regex "-v""#),
        (text("p", &[regex("a.b")], Case::Either), r#"p regex ".*a[^\n]b.*""#),
        (text("p", &[equals("Ab"), equals("c")], Case::Insensitive), r#"p in~ ("Ab", "c")"#),
        (text("p", &[equals("Ab")], Case::Insensitive), r#"p : "Ab""#),
        (text("p", &[equals("A*")], Case::Insensitive), r#"p regex~ """A\*""""#),
        (text("p", &[contains("Ab")], Case::Insensitive), r#"p like~ "*Ab*""#),
        (text("p", &[contains("É")], Case::Insensitive), r#"p regex ".*[Éé].*""#),
        (text("p", &[equals("É"), equals("l")], Case::Insensitive), r#"p regex ("[Éé]", "[Ll]")"#),
        (text("p", &[regex("^[ab]l$")], Case::Insensitive), r#"p regex~ "[ab]l""#),
        (text("p", &[regex("^[A-Za-z]l$")], Case::Insensitive), r#"p regex~ "[A-Za-z]l""#),
        (text("p", &[regex("^[a-c]l$")], Case::Insensitive), r#"p regex "[A-Ca-c][Ll]""#),
        (Formula::not(is("p", "a")), r#"not p == "a""#),
        (Formula::not(Formula::and([is("p", "a"), is("q", "b")])), r#"not (p == "a" and q == "b")"#),
        (Formula::not(text("p", &[contains("Ab")], Case::Insensitive)), r#"p == null or not p like~ "*Ab*""#),
        (
            Formula::not(Formula::and([is("p", "a"), n(Comparison::Greater)])),
            r#"not p == "a" or (n == null or not n > 5)"#,
        ),
        (Formula::not(n(Comparison::Equal)), "not n == 5"),
        (is("my-field.x", "a"), r#"`my-field.x` == "a""#),
        (is("@timestamp.x", "a"), r#"@timestamp.x == "a""#),
        (is("a@b", "a"), r#"`a@b` == "a""#),
        (is("x.sample", "a"), r#"`x.sample` == "a""#),
        (is("x.macro", "a"), r#"`x.macro` == "a""#),
        (is("p", "a\"b\\c\nd"), r#"p == "a\"b\\c\nd""#),
        (Formula::test(&path("e"), Predicate::Exists), "e != null"),
        (Formula::not(Formula::test(&path("e"), Predicate::Exists)), "not e != null"),
        (Formula::test(&path("b"), Predicate::Boolean(false)), "b == false"),
        (
            Formula::test(&path("ip"), Predicate::Network("10.0.0.0/8".parse().expect("a network"))),
            r#"cidrMatch(ip, "10.0.0.0/8")"#,
        ),
        (
            text("p", &[Pattern::Path { path: "/etc".into(), below: true }], Case::Sensitive),
            r#"p regex """/(\.?/)*etc(/.*)?""""#,
        ),
    ];
    for (formula, expected) in cases {
        assert_eq!(shown(Eql, &formula), expected);
    }
}

#[test]
fn where_names_missing_fields_under_negation() {
    let cases = [
        (is("p", "a"), r#"p="a""#),
        (is("process.name", r#"a\"b"#), r#"'process.name'="a\\\"b""#),
        (Formula::or([is("p", "a"), is("p", "b")]), r#"in(p, "a", "b")"#),
        (Formula::not(is("p", "a")), r#"isnull(p) OR NOT p="a""#),
        (
            Formula::and([is("q", "x"), Formula::not(Formula::and([is("p", "a"), is("p", "b")]))]),
            r#"q="x" AND ((isnull(p) OR NOT p="a") OR (isnull(p) OR NOT p="b"))"#,
        ),
        (text("p", &[contains("a.b")], Case::Sensitive), r#"match(p, "a\.b")"#),
        (text("p", &[equals("Ab")], Case::Insensitive), r#"match(p, "(?i)^Ab\z")"#),
        // Four backslashes for a literal one.
        (text("p", &[contains(r"\x")], Case::Sensitive), r#"match(p, "\\\\x")"#),
        (text("p", &[regex(r#""[0-9]+$"#)], Case::Sensitive), r#"match(p, "\"[0-9]+\z")"#),
        (is("p", "`m`"), r#"match(p, "^\x60m\x60\z")"#),
        (is("p", "$t$"), r#"match(p, "^\x24t\x24\z")"#),
        (is("p", "a\nb"), r#"match(p, "^a\nb\z")"#),
        (text("a{}.b", &[contains("x")], Case::Either), r#"isnotnull(mvfilter(match('a{}.b', "x")))"#),
        (Formula::not(is("a{}.b", "x")), r#"isnull(mvfilter('a{}.b'="x"))"#),
        (Formula::test(&path("a"), Predicate::Field { op: Comparison::Equal, other: path("b.c") }), "a='b.c'"),
        (
            Formula::not(Formula::test(&path("a"), Predicate::Field { op: Comparison::Equal, other: path("b.c") })),
            "isnull(a) OR isnull('b.c') OR NOT a='b.c'",
        ),
        (
            text("p", &[Pattern::Path { path: "/etc".into(), below: true }], Case::Sensitive),
            r#"match(p, "^/(?:\.?/)*etc(?:/|\z)")"#,
        ),
        (Formula::not(Formula::test(&path("e"), Predicate::Exists)), "isnull(e)"),
    ];
    for (formula, expected) in cases {
        assert_eq!(shown(SplWhere, &formula), expected);
    }
}

#[test]
fn lucene_negates_from_everything() {
    let cases = [
        (Formula::and([is("a", "1"), Formula::not(is("b", "2"))]), r#"a:"1" AND (*:* AND NOT b:"2")"#),
        (Formula::not(Formula::or([is("a", "1"), is("b", "2")])), r#"*:* AND NOT (a:"1" OR b:"2")"#),
        (text("p", &[equals("a"), contains("b c/")], Case::Either), r#"p:("a" OR *b\ c\/*)"#),
        (text("p", &[regex("^/a")], Case::Either), r"p:/\/a.*/"),
        (text("p", &[contains("<a")], Case::Either), r"p:/.*\<a.*/"),
    ];
    for (formula, expected) in cases {
        assert_eq!(shown(Lucene, &formula), expected);
    }
}

/// The errors that converters are known for, one case each.
#[test]
fn known_errors_of_converters_are_not_repeated() {
    let re = |field: &str| text(field, &[regex("x[0-9]")], Case::Sensitive);
    let ored = Formula::or([is("a", "1"), re("b")]);
    let negated = Formula::not(Formula::and([is("a", "1"), re("b")]));
    // `not (a and b|re)` is no positive conjunction, and `a or b|re` loses no branch.
    assert_eq!(shown(SplWhere, &negated), r#"(isnull(a) OR NOT a="1") OR (isnull(b) OR NOT match(b, "x[0-9]"))"#);
    assert_eq!(shown(SplWhere, &ored), r#"a="1" OR match(b, "x[0-9]")"#);
    assert!(shown(Spl, &ored).starts_with("! ") && shown(Spl, &negated).starts_with("! "));
    // Two expressions on fields that end alike are two tests.
    let two = Formula::and([re("src.name"), re("dst.name")]);
    assert_eq!(shown(SplWhere, &two), r#"match('src.name', "x[0-9]") AND match('dst.name', "x[0-9]")"#);
    // `?` does not widen to `*`.
    let one = Pattern::Glob(Glob::new([Piece::Literal("a".into()), Piece::One]));
    assert!(shown(Spl, &text("a", std::slice::from_ref(&one), Case::Either)).starts_with("! "));
    assert_eq!(shown(SplWhere, &text("a", &[one], Case::Either)), r#"match(a, "(?s)^a.\z")"#);
    // Expressions and keywords without a field are never bare terms.
    for pattern in [regex("x"), contains("x")] {
        let anywhere = Formula::Test(crate::logic::Test {
            subject: crate::logic::Subject::Anywhere,
            predicate: Predicate::Text(TextSet::new(vec![pattern], Case::Insensitive)),
            origin: Origin(Some(7)),
        });
        for language in Language::ALL {
            if language != Sigma {
                let gaps = print(language, &anywhere, &FieldTable::default()).expect_err("a gap");
                assert_eq!(gaps.first().and_then(|gap| gap.origin.0), Some(7), "{language:?}");
            }
        }
    }
    // EQL: number lists, literal signs of expressions, dashed fields, literal stars beside case.
    let number = |n: f64| {
        Formula::test(&path("n"), Predicate::Number { op: Comparison::Equal, value: Number::new(n).expect("finite") })
    };
    assert_eq!(shown(Eql, &Formula::or([number(1.0), number(2.0)])), "n == 1 or n == 2");
    assert_eq!(shown(Eql, &text("a", &[regex("^a@b&c~$")], Case::Sensitive)), r#"a regex """a\@b\&c\~""""#);
    assert_eq!(shown(Eql, &text("a-b", &[contains("X")], Case::Sensitive)), r#"`a-b` like "*X*""#);
    // SQL and its kind: `(A or B) and C`, and `not` of what may be missing (see the other tests).
    let grouped = Formula::and([Formula::or([is("a", "1"), is("b", "2")]), is("c", "3")]);
    for language in Language::ALL {
        let text = shown(language, &grouped);
        // Trees have no brackets.
        let is_tree = matches!(language, Sigma | Language::FalcoExceptions);
        assert!(text.contains(") ") || is_tree, "{language:?}: {text}");
    }
    // Lucene: an expression that Sigma searches for covers the whole value there.
    assert_eq!(shown(Lucene, &re("a")), "a:/.*x[0-9].*/");
}

mod hostile {
    use super::*;
    use proptest::prelude::*;

    fn pattern() -> impl Strategy<Value = Pattern> {
        let text = "\\PC{0,6}|[a\\\\\"*?$`'\n\0 |{}\\[\\]()/<>:@#~&^-]{0,6}|(and|or|not|NOT) ?";
        let piece = prop_oneof![
            3 => text.prop_map(Piece::Literal),
            1 => Just(Piece::Any),
            1 => Just(Piece::One),
        ];
        prop_oneof![
            4 => prop::collection::vec(piece, 0..4).prop_map(|pieces| Pattern::Glob(Glob::new(pieces))),
            1 => "[a-c.*+?()|^$\\\\dwb\\[\\]{}0-9,`\"-]{0,10}".prop_map(Pattern::Regex),
            1 => "(/[a-z.$` \"]{0,3}){0,3}".prop_map(|path| Pattern::Path { path, below: true }),
        ]
    }

    fn formula() -> impl Strategy<Value = Formula> {
        let case = prop_oneof![Just(Case::Sensitive), Just(Case::Insensitive), Just(Case::Either)];
        let test = ("[ab]|\\PC{0,4}", prop::collection::vec(pattern(), 0..3), case)
            .prop_map(|(field, any, case)| text(&field, &any, case));
        test.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Formula::And),
                prop::collection::vec(inner.clone(), 0..4).prop_map(Formula::Or),
                inner.clone().prop_map(|part| Formula::Not(Box::new(part))),
                (0usize..4, prop::collection::vec(inner, 0..4)).prop_map(|(count, of)| Formula::AtLeast { count, of }),
            ]
        })
    }

    proptest! {
        #[test]
        fn printing_never_panics_and_says_why_it_fails(formula in formula()) {
            for language in Language::ALL {
                match print(language, &formula, &FieldTable::default()) {
                    Ok(query) => prop_assert_eq!(print(language, &formula, &FieldTable::default()), Ok(query)),
                    Err(gaps) => prop_assert!(!gaps.is_empty()),
                }
            }
        }

        /// Whatever a text holds, the quotes around it are balanced: read as a string, it is the text again.
        #[test]
        fn quoted_text_reads_as_itself(value in "[a\\\\\"n|{} x]{1,8}") {
            for (language, head) in [(Kql, "a: \""), (Eql, "a == \""), (SplWhere, "a=\""), (Spl, "a=\"")] {
                let printed = shown(language, &is("a", &value));
                let body = printed.strip_prefix(head).and_then(|rest| rest.strip_suffix('"')).expect("one string");
                let mut read = String::new();
                let mut rest = body.chars();
                while let Some(c) = rest.next() {
                    prop_assert!(c != '"', "a bare quote in {}", printed);
                    read.push(if c == '\\' { rest.next().expect("an escaped character") } else { c });
                }
                prop_assert_eq!(read, value.clone());
            }
        }
    }
}
