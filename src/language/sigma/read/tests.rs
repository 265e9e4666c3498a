//! Rules judged by hand, and the public corpus.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::language::FieldType;
use crate::logic::{Reading, evaluate};

fn rule(detection: &str) -> String {
    let indented: String = detection.lines().map(|line| format!("  {line}\n")).collect();
    format!("title: t\nlogsource: {{ product: linux }}\ndetection:\n{indented}")
}

fn holds(detection: &str, event: &Value) -> bool {
    let formula = read(&rule(detection), &FieldTable::default()).unwrap_or_else(|error| panic!("{detection}: {error}"));
    evaluate(&formula, event, Reading::Must)
}

#[test]
fn rules_mean_what_sigma_says() {
    for (selection, event, expected) in [
        ("{ a: x }", json!({"a": "X"}), true),
        ("{ a|cased: x }", json!({"a": "X"}), false),
        ("{ a|contains: [x, y], b: 1 }", json!({"a": "ayb", "b": "1"}), true),
        ("{ a|contains|all: [x, y] }", json!({"a": "ayb"}), false),
        ("[ { a: x }, { b: y } ]", json!({"b": "y"}), true),
        ("[ one, two ]", json!({"q": "has Two here"}), true),
        ("{ '|all': [ one, two ] }", json!({"q": "two here", "r": "one"}), true),
        ("{ '|all': [ one, two ] }", json!({"q": "two here"}), false),
        ("{ a: null }", json!({}), true),
        ("{ a: null }", json!({"a": ""}), true),
        ("{ a: null }", json!({"a": "x"}), false),
        ("{ a: '' }", json!({}), false),
        ("{ a|exists: false }", json!({"a": ""}), false),
        (r"{ a: 'x\*' }", json!({"a": "x*"}), true),
        (r"{ a: 'x\*' }", json!({"a": "xy"}), false),
        (r"{ a: 'x\\*' }", json!({"a": r"x\y"}), true),
        (r"{ a: 'x\y?' }", json!({"a": r"x\yz"}), true),
        (r"{ a: 'x\y?' }", json!({"a": r"x\y"}), false),
        ("{ a|re: '^ab+$' }", json!({"a": "abb"}), true),
        ("{ a|re: 'B' }", json!({"a": "abb"}), false),
        ("{ a|re|i: 'B' }", json!({"a": "abb"}), true),
        ("{ a|cidr: 10.0.0.0/8 }", json!({"a": "10.1.1.1"}), true),
        ("{ a|gte: 5 }", json!({"a": "5"}), true),
        ("{ a|lt: 5 }", json!({"a": "5"}), false),
        ("{ a|fieldref: b }", json!({"a": "q", "b": "q"}), true),
        ("{ a|windash|contains: ' -x ' }", json!({"a": "y /x z"}), true),
        ("{ a|contains|windash: ' -x ' }", json!({"a": "y —x z"}), true),
        ("{ a|windash: 'a-x' }", json!({"a": "a/x"}), false),
        ("{ a|base64offset|contains: /bin/bash }", json!({"a": "IC9iaW4vYmFzaA=="}), true),
        ("{ a|base64: foobar }", json!({"a": "Zm9vYmFy"}), true),
        ("{ a|wide|base64: ab }", json!({"a": "YQBiAA=="}), true),
    ] {
        assert_eq!(holds(&format!("s: {selection}\ncondition: s"), &event), expected, "{selection} on {event}");
    }
}

#[test]
fn conditions_bind_not_before_and_before_or() {
    let selections = "a: { a: 1 }\nb: { b: 1 }\nc: { c: 1 }\n_d: { d: 1 }\n";
    for (condition, events) in [
        ("a or b and c", [("a", true), ("b", false), ("bc", true), ("", false)]),
        ("(a or b) and c", [("a", false), ("ac", true), ("bc", true), ("c", false)]),
        ("not a and b", [("b", true), ("ab", false), ("", false), ("c", false)]),
        ("not (a and b)", [("a", true), ("ab", false), ("", true), ("c", true)]),
        ("1 of them", [("d", false), ("a", true), ("", false), ("c", true)]),
        ("all of them", [("abc", true), ("ab", false), ("", false), ("c", false)]),
        ("1 of _*", [("d", true), ("ab", false), ("ad", true), ("c", false)]),
        ("a and not 1 of b*", [("a", true), ("ab", false), ("ad", true), ("c", false)]),
    ] {
        for (fields, expected) in events {
            let event: Value = fields.chars().map(|c| (c.to_string(), json!(1))).collect::<Map<_, _>>().into();
            assert_eq!(holds(&format!("{selections}condition: {condition}"), &event), expected, "{condition} {fields}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    for (detection, reason) in [
        ("s: { a|re: '(?!x)a' }\ncondition: s", "look-ahead"),
        ("s: { a|expand: '%x%' }\ncondition: s", "expand"),
        ("s: { a: x }\ncondition: s | count() > 5", "counts"),
        ("s: { a: x }\ncondition: t", "no selection `t`"),
        ("s: { a: x }\ncondition: s s", "should end"),
        ("s: { a: x }\nt: { a: y }\ncondition: s OR t", "`OR` stands where the condition should end"),
        ("s: { a: x }\ncondition: NOT s", "operators are small: `not`"),
        ("s: { a: x }\n_t: { b: x }\ncondition: 1 of *", "is not the same in all tools"),
        ("s: { a: x }\ncondition: 1 of x*", "no selection fits"),
        ("s: { a: x }\nt: { a: y }\ncondition: 2 of them", "`2 of` is none of `1 of`, `any of` and `all of`"),
        ("s: { a|contains|startswith: x }\ncondition: s", "contradicts"),
        ("s: { a: { b: c } }\ncondition: s", "map"),
        ("s: { a: [] }\ncondition: s", "empty"),
        ("s: { a|nonsense: x }\ncondition: s", "nonsense"),
        ("s: { a: x }\ns: { b: x }\ncondition: s", "duplicate"),
        ("s: { a: x }\ntimeframe: 5m\ncondition: s", "timeframe"),
    ] {
        let error = read(&rule(detection), &FieldTable::default()).expect_err(detection).to_string();
        assert!(error.contains(reason), "{detection}: {error}");
    }
}

#[test]
fn the_log_source_is_read_and_numbers_follow_the_field() {
    let text = "logsource: { product: linux, category: process_creation }\ndetection: { s: { a: 5 }, condition: s }\n";
    let mut fields = FieldTable::default();
    let rule = read_rule(text, &fields).unwrap();
    assert_eq!(rule.logsource.category.as_deref(), Some("process_creation"));
    assert!(evaluate(&rule.condition, &json!({"a": "5.0"}), Reading::Must));
    fields.insert("a", FieldType::Text);
    assert!(!evaluate(&read_rule(text, &fields).unwrap().condition, &json!({"a": "5.0"}), Reading::Must));
}

#[test]
fn the_public_corpus_is_read_or_refused_with_a_reason() {
    let Some(root) = std::env::var_os("CRESSET_SIGMA_CORPUS") else {
        eprintln!("not run: CRESSET_SIGMA_CORPUS is not set to a directory of Sigma rules");
        return;
    };
    let mut read_count = 0usize;
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.expect("a readable directory");
        if entry.path().extension().is_none_or(|end| end != "yml") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).expect("a readable rule");
        match read_rule(&text, &FieldTable::default()) {
            Ok(_) => read_count += 1,
            Err(error) => {
                assert!(!error.reason.is_empty());
                refused.entry(error.reason).or_default().push(entry.path().display().to_string());
            }
        }
    }
    let refused_count: usize = refused.values().map(Vec::len).sum();
    let total = read_count + refused_count;
    eprintln!("{read_count} of {total} rules read ({:.2} %)", 100.0 * read_count as f64 / total as f64);
    for (reason, paths) in &refused {
        eprintln!("{:4}  {reason}  {}", paths.len(), paths[0]);
    }
    assert!(total > 0, "the directory holds no rules");
    assert!(read_count * 100 >= total * 97, "fewer rules are read than before");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn arbitrary_text_never_breaks_the_reader(
        condition in "(a|b|not|and|or|\\(|\\)|1 of|all of|them|\\*| ){0,20}|.{0,20}",
        key in "[a|a-z]{0,20}", value in ".{0,20}",
    ) {
        let detection = json!({"a": {key: value.clone()}, "b": [value], "condition": condition});
        let _ = read_detection(&detection, &FieldTable::default());
        let _ = read(&condition, &FieldTable::default());
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(read_detection(&json!({"a": {"a": 1}, "condition": deep}), &FieldTable::default()).is_err());
}
