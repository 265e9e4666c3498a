//! Searches judged by hand from Splunk's manuals.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::logic::{Reading, evaluate};

fn table() -> FieldTable {
    FieldTable::from([
        ("list", FieldType::TextList),
        ("n", FieldType::Number),
        ("ip", FieldType::Address),
        ("text", FieldType::Text),
    ])
}

type Reader = fn(&str, &FieldTable) -> Result<Formula, ReadError>;

fn judge(reader: Reader, cases: &[(&str, Value, bool)]) {
    for (text, event, expected) in cases {
        let formula = reader(text, &table()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(evaluate(&formula, event, Reading::Must), *expected, "{text} on {event}");
    }
}

fn refuse(reader: Reader, cases: &[(&str, &str)]) {
    for (text, reason) in cases {
        let error = reader(text, &table()).expect_err(text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn a_search_may_say_its_time_itself() {
    let times = |text: &str| {
        let times = read_times(text, &Macros::default()).expect(text);
        [times.earliest.unwrap_or_default(), times.latest.unwrap_or_default()]
    };
    let reads = |text: &str| read_search(text, &Macros::default(), &table());
    for text in [
        "a=1 earliest=-5m latest=now b=2",
        "search earliest=-5m AND a=1 latest=now AND b=2",
        "a=1 AND earliest=\"-5m\" AND b=2 AND latest=now | where a=1",
    ] {
        assert_eq!(times(text), ["-5m", "now"], "{text}");
        let plain = if text.contains('|') { "a=1 b=2 | where a=1" } else { "a=1 b=2" };
        assert_eq!(reads(text), reads(plain), "{text}");
    }
    assert_eq!(reads("earliest=-5m"), Ok(Formula::TRUE));
    // Where it is not said of all events, it is refused.
    for text in [
        "a=1 OR earliest=-5m",
        "earliest=-5m OR a=1",
        "NOT earliest=-5m",
        "(a=1 earliest=-5m)",
        "a=1 | search earliest=-5m",
    ] {
        assert!(reads(text).is_err() && times(text) == ["", ""], "{text}");
    }
}

#[test]
fn in_search_or_binds_before_and() {
    judge(
        read_condition,
        &[
            ("a=1 b=2 OR c=3", json!({"a": "1", "c": "3"}), true),
            ("a=1 b=2 OR c=3", json!({"c": "3"}), false),
            ("a=1 OR b=2 AND c=3", json!({"a": "1"}), false),
            ("a=1 OR b=2 AND c=3", json!({"a": "1", "c": "3"}), true),
            ("(a=1 b=2) OR c=3", json!({"c": "3"}), true),
            ("NOT a=1 b=2", json!({"b": "2"}), true),
            ("NOT a=1 OR b=2", json!({"a": "1"}), false),
            ("NOT (a=1 OR b=2)", json!({}), true),
            ("*", json!({}), true),
            ("NOT *", json!({"a": 1}), false),
        ],
    );
}

#[test]
fn search_compares_as_splunk_does() {
    judge(
        read_condition,
        &[
            ("a=x", json!({"a": "X"}), true),
            ("A=x", json!({"a": "x"}), false),
            ("NOT a=x", json!({}), true),
            ("a!=x", json!({}), false),
            ("a!=x", json!({"a": "y"}), true),
            ("list=x", json!({"list": ["y", "x"]}), true),
            ("a=\"*sh\"", json!({"a": "/bin/sh"}), true),
            ("a=x?", json!({"a": "xy"}), false),
            (r#"a="x\*""#, json!({"a": r"x\tail"}), true),
            (r#"a="x\*""#, json!({"a": "x*"}), false),
            (r#"a="C:\\x \"q\" \d""#, json!({"a": r#"C:\x "q" \d"#}), true),
            ("a IN (x, \"y*\")", json!({"a": "yes"}), true),
            ("NOT a IN (x, y)", json!({}), true),
            ("ip=10.0.0.0/8", json!({"ip": "10.2.3.4"}), true),
            ("n>=5 n<7", json!({"n": "6"}), true),
            ("n=5", json!({"n": "5.0"}), true),
            ("a=*", json!({}), false),
            ("tag=process", json!({"tag": ["process", "report"]}), true),
            ("spec.containers{}.image=\"a*\"", json!({"spec.containers{}.image": ["b", "ab"]}), true),
            ("\"odd name\"=x", json!({"odd name": "x"}), true),
            ("docker", json!({"_raw": "usr/bin/Docker run"}), true),
            ("docker", json!({"_raw": "dockerd"}), false),
            ("docker*", json!({"_raw": "a dockerd b"}), true),
            ("docker*", json!({"_raw": "a mydocker b"}), false),
            ("*docker", json!({"_raw": "a mydocker b"}), true),
            ("\"*ocker run*\"", json!({"_raw": "docker runs"}), true),
            // Operators are in capitals, all else is looked for.
            ("a=1 or b=2", json!({"a": "1", "_raw": "a=1 b=3"}), false),
            ("a=1 or b=2", json!({"a": "1", "b": "2", "_raw": "this or that"}), true),
            ("a=1 and not b=2", json!({"a": "1", "b": "3", "_raw": "a=1 b=3"}), false),
        ],
    );
    refuse(
        read_condition,
        &[
            ("a=1 xor b=2", "not an operator"),
            ("a in (x)", "`in(…)` is not read"),
            ("a=1 OR", "term"),
            ("OR a=1", "joins nothing"),
            ("(a=1", "missing"),
            ("a=1)", "expected"),
            (r"a=C:\x", "backslash"),
            ("list!=x", "several values"),
            ("tag!=x", "several values"),
            ("text<5", "compares it as text"),
            ("text=10.0.0.0/8", "no address"),
            ("earliest=-5m", "no condition"),
            ("do*er", "at its ends only"),
            ("**", "at its ends only"),
            ("TERM(x)", "TERM"),
            ("[search x]", "not read"),
            ("a=\"x", "not closed"),
            ("a=`m`", "not read here"),
            ("\"a\"\"b\"", "blank"),
            ("", "no term"),
        ],
    );
}

#[test]
fn in_where_and_binds_before_or_and_case_counts() {
    judge(
        read_where_expression,
        &[
            ("a=\"1\" OR b=\"2\" AND c=\"3\"", json!({"a": "1"}), true),
            ("a=\"1\" OR b=\"2\" AND c=\"3\"", json!({"c": "3"}), false),
            ("(a=\"1\" or b=\"2\") and c=\"3\"", json!({"a": "1"}), false),
            ("a=\"x\"", json!({"a": "X"}), false),
            ("a!=\"x\"", json!({}), false),
            ("a!=\"x\"", json!({"a": "y"}), true),
            ("isnull(a) OR NOT a=\"x\"", json!({}), true),
            ("isnull(a) OR NOT a=\"x\"", json!({"a": "x"}), false),
            ("NOT coalesce(match(a, \"x\"), false())", json!({}), true),
            ("NOT (isnotnull(a) AND a=\"x\")", json!({}), true),
            ("coalesce(a, \"x\")=\"x\"", json!({}), true),
            ("coalesce(a, \"x\")=\"x\"", json!({"a": "y"}), false),
            ("lower(a)=\"x\"", json!({"a": "X"}), true),
            ("lower(a)=\"X\"", json!({"a": "X"}), false),
            ("match('a.b', \"^x\\.y$\")", json!({"a.b": "x.y"}), true),
            (r#"match(a, "C:\\\\x")"#, json!({"a": r"C:\x"}), true),
            ("match(a, \"(?i)SH$\")", json!({"a": "bash\n"}), true),
            (r#"match(a, "sh\z")"#, json!({"a": "bash\n"}), false),
            ("like(a, \"%b_\")", json!({"a": "abc"}), true),
            ("a LIKE \"B%\"", json!({"a": "bc"}), false),
            ("in(a, \"x\", \"y\")", json!({"a": "y"}), true),
            ("a IN (\"x\", \"y\")", json!({"a": "z"}), false),
            ("cidrmatch(\"10.0.0.0/8\", ip)", json!({"ip": "10.0.0.1"}), true),
            ("isnotnull(mvfilter(match(list, \"^x\")))", json!({"list": ["y", "xy"]}), true),
            ("isnull(mvfilter(match(list, \"^x\") OR list=\"z\"))", json!({"list": ["y", "z"]}), false),
            ("isnull(mvfilter(match(list, \"^x\")))", json!({}), true),
            ("mvcount(mvfilter(list=\"x\"))>0", json!({"list": ["x"]}), true),
            ("mvfind(list, \"x\")>=0", json!({"list": ["ax"]}), true),
            ("isnull(mvfind(list, \"x\"))", json!({"list": ["a"]}), true),
            ("n>5", json!({"n": 6}), true),
            ("5<n", json!({"n": 6}), true),
            ("a=b", json!({"a": "q", "b": "q"}), true),
            ("isnull(a) OR isnull(b) OR NOT a=b", json!({"a": "q"}), true),
            ("true() XOR isnull(a)", json!({"a": 1}), true),
            ("true() XOR isnull(a)", json!({}), false),
            ("true()", json!({}), true),
        ],
    );
}

#[test]
fn what_is_not_documented_has_a_least_and_a_most() {
    let read =
        |text: &str| read_extent(text, &Macros::default(), &table()).unwrap_or_else(|error| panic!("{text}: {error}"));
    // Events that are found for sure, for sure not, and those in doubt.
    for (text, sure, never, doubtful) in [
        ("* | where NOT a=\"x\"", json!({"a": "y"}), json!({"a": "x"}), json!({})),
        ("* | where a=\"x\" XOR b=\"y\"", json!({"a": "x", "b": "z"}), json!({"a": "x", "b": "y"}), json!({"a": "x"})),
        ("* | regex a!=\"x\" | search b=y", json!({"a": "y", "b": "y"}), json!({"a": "y"}), json!({"b": "y"})),
        (
            "* | where NOT a=\"x\" | where NOT b=\"x\"",
            json!({"a": "y", "b": "y"}),
            json!({"b": "x"}),
            json!({"b": "y"}),
        ),
    ] {
        let extent = read(text);
        let says = |event| [&extent.least, &extent.most].map(|formula| evaluate(formula, &event, Reading::Must));
        assert_eq!(says(sure), [true, true], "{text}");
        assert_eq!(says(never), [false, false], "{text}");
        assert_eq!(says(doubtful), [false, true], "{text}");
        let doubt = extent.doubt.expect("a doubt");
        assert!(text.get(..doubt.offset).is_some_and(|before| before.contains('|')), "{text}: {}", doubt.offset);
    }
    let sure = read("a=x | where b=\"y\"");
    assert!(sure.doubt.is_none() && sure.least == sure.most);
}

#[test]
fn in_where_what_is_not_documented_is_refused() {
    refuse(
        read_where_expression,
        &[
            ("NOT a=\"x\"", "NOT NULL"),
            ("isnull(b) OR NOT a=\"x\"", "NOT NULL"),
            ("NOT match(a, \"x\") AND b=\"y\"", "NOT NULL"),
            ("a=\"x\" XOR b=\"y\"", "NOT NULL"),
            ("match(list, \"x\")", "several values"),
            ("list=\"x\"", "several values"),
            ("like(a, \"a\\\\b\")", "backslash"),
            ("process.name=\"x\"", "single quotes"),
            ("mvfilter(match(list, \"x\"))", "condition is expected"),
            ("isnotnull(mvfilter(match(list, \"x\") AND match(list, \"y\")))", "AND and NOT"),
            ("isnotnull(mvfilter(match(list, \"x\") OR match(a, \"y\")))", "exactly one"),
            ("mvcount(list)>1", "count"),
            ("mvfind(list, \"x\")>0", "count or an index"),
            ("replace(a, \"x\", \"y\")=\"z\"", "`replace`"),
            ("match(a, \"(?=x)\")", "look-ahead"),
            ("a + b", "not read"),
            ("a", "condition is expected"),
            ("a=\"x", "not closed"),
            ("text=5", "no number"),
            ("", "too early"),
        ],
    );
}

fn search(text: &str, macros: &Macros) -> Result<Formula, ReadError> {
    read_search(text, macros, &table())
}

#[test]
fn pipelines_keep_what_filters_and_refuse_the_rest() {
    let mut macros = Macros::default();
    macros.insert("source", vec![], "index=main sourcetype=a OR sourcetype=b");
    macros.insert("rule_filter", vec![], "search *");
    macros.insert("is(2)", vec!["f".to_owned(), "v".to_owned()], "$f$=\"$v$\"");
    for (text, event, expected) in [
        ("`source` a=x | `rule_filter`", json!({"index": "main", "sourcetype": "b", "a": "x"}), true),
        ("`source` a=x | `rule_filter`", json!({"index": "main", "sourcetype": "c", "a": "x"}), false),
        ("search `is(a, x)` | where b=\"y\"", json!({"a": "x", "b": "y"}), true),
        ("search a=\"`source`\"", json!({"a": "`source`"}), true),
        ("a=x ```a | comment``` | search b=1 OR c=2", json!({"a": "x", "c": "2"}), true),
        ("* | regex a=\"^x|\\|$\"", json!({"a": "b|"}), true),
        ("a=x | table a, \"b{}.c\" | search NOT \"b{}.c\"=y", json!({"a": "x", "b{}.c": "y"}), false),
        ("a=x | table a, \"b{}.c\" | search NOT \"b{}.c\"=y", json!({"a": "x", "b{}.c": "z"}), true),
        ("a=x | table _time b* | where isnull(bcd) OR bcd!=\"y\"", json!({"a": "x", "bcd": "y"}), false),
        ("a=x | fields - c, d* | search NOT b=y", json!({"a": "x", "b": "y"}), false),
        ("a=x | fields + b | fields b _time | search b=y _time=1", json!({"a": "x", "b": "y", "_time": 1}), true),
        ("a=x | eval t=\"a|b\" | table a, t | `rule_filter`", json!({"a": "x"}), true),
        ("a=x | rename a AS b | sort 0 b", json!({"a": "x"}), true),
        ("a=x | stats count min(n) by _time host", json!({"a": "x"}), true),
    ] {
        let formula = search(text, &macros).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(evaluate(&formula, &event, Reading::Must), expected, "{text} on {event}");
    }
    for (text, reason) in [
        ("a=x | dedup a", "`dedup`"),
        ("a=x | head 1", "`head`"),
        ("a=x | sort a", "10000"),
        ("a=x | stats count", "without `by`"),
        ("a=x | stats count by user", "loses events"),
        ("| tstats count", "and `tstats` is not read in their place"),
        ("a=x | rename a AS b | search b=y", "changes or removes"),
        ("a=x | eval c=1 | where c=\"1\"", "changes or removes"),
        ("a=x | eval {c}=1 | search a=x", "changes or removes"),
        ("a=x | table a | search b=y", "changes or removes"),
        ("a=x | table a b* | table a | search bc=y", "changes or removes"),
        ("a=x | table a | search NOT _raw=y", "changes or removes"),
        ("a=x | table a, B | search b=y", "changes or removes"),
        ("a=x | fields - b* | search bc=y", "changes or removes"),
        ("a=x | fields - _* | search _time=1", "changes or removes"),
        ("a=x | eval b=c | table a b | search b=y", "changes or removes"),
        ("a=x | table a b | rename c AS b | search b=y", "changes or removes"),
        ("a=x | table | search a=y", "names no field"),
        ("a=x | table a | search y", "changes or removes"),
        ("a=x | search [search b]", "subsearches"),
        ("a=x | | search b=1", "no command"),
        ("a=x `nothing`", "no macro"),
        ("a=x `is(a)`", "no macro `is(1)`"),
        ("a=x `open", "not closed"),
    ] {
        let error = search(text, &macros).expect_err(text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn macros_that_use_each_other_in_a_circle_are_refused() {
    let mut macros = Macros::default();
    macros.insert("a", vec![], "`b`");
    macros.insert("b", vec![], "x=1 `a`");
    assert!(search("`a`", &macros).is_err());
    macros.insert("wide", vec![], &"`wide2` ".repeat(200));
    macros.insert("wide2", vec![], &"`wide3` ".repeat(200));
    macros.insert("wide3", vec![], "x=1");
    assert!(search("`wide`", &macros).is_err());
}

#[test]
fn configuration_files_are_read_as_splunk_reads_them() {
    let conf =
        Conf::read("# first\n[a b]\nsearch = x \\\n| where y\nempty =\nhash = a # b\n\n[c]\nsearch=z\n").unwrap();
    assert_eq!(conf.get("a b", "search"), Some("x \n| where y"));
    assert_eq!(conf.get("a b", "empty"), Some(""));
    assert_eq!(conf.get("a b", "hash"), Some("a # b"));
    assert_eq!(conf.get("c", "search"), Some("z"));
    for (text, reason) in [
        ("[a]\n[a]\n", "twice"),
        ("[a]\nx=1\nx=2\n", "twice"),
        ("[a]\nx=1 \\ \ny=2\n", "blanks"),
        ("[a]\nx=1\\", "after the end"),
        ("[a\n", "ends in"),
        ("nonsense\n", "no stanza"),
    ] {
        assert!(Conf::read(text).unwrap_err().reason.contains(reason), "{text}");
    }
    let macros = Macros::from_conf(&Conf::read("[m(1)]\nargs = v\ndefinition = a=$v$\n").unwrap()).unwrap();
    assert_eq!(macros.expand("`m(7)` b").unwrap(), "a=7 b");
}

#[test]
fn nests_are_bounded() {
    let deep = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(9000), close.repeat(9000));
    assert!(read_condition(&deep("(", "a=1", ")"), &table()).is_err());
    assert!(read_where_expression(&deep("(", "a=\"1\"", ")"), &table()).is_err());
    assert!(read_where_expression(&deep("lower(", "a", ")"), &table()).is_err());
    let _ = read_condition(&"NOT ".repeat(50_000), &table());
    let many: Vec<String> = (0..40).map(|i| format!("NOT f{i}=\"x\"")).collect();
    assert!(read_where_expression(&many.join(" AND "), &table()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn arbitrary_text_never_breaks_the_readers(
        text in "(a|'b.c'|\"x\"|=|!=|<|\\(|\\)|,| AND | OR |NOT | IN |match|isnull|mvfilter|coalesce|lower|\\||`|\\*|1| |where |search ){0,24}|.{0,40}",
    ) {
        let _ = read_condition(&text, &table());
        let _ = read_where_expression(&text, &table());
        let _ = search(&text, &Macros::default());
        let _ = Conf::read(&text);
    }
}
