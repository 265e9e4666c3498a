use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::logic::{Reading, evaluate};

fn fields() -> FieldTable {
    FieldTable::from([
        ("f", FieldType::Text),
        ("g", FieldType::Text),
        ("a", FieldType::TextList),
        ("x", FieldType::Exact),
        ("n", FieldType::Number),
        ("ip", FieldType::Address),
        ("b", FieldType::Boolean),
        ("o", FieldType::Object),
        ("o.k", FieldType::Text),
        ("o.l", FieldType::Text),
    ])
}

fn matches(query: &str, event: &Value) -> bool {
    let formula = read(query, &fields()).unwrap_or_else(|error| panic!("{query}: {error}"));
    evaluate(&formula, event, Reading::Must)
}

#[test]
fn queries_mean_what_kibana_says() {
    let cases = [
        // Whole value, case-sensitive; stars cross everything; `?` is text.
        ("f: docker", json!({"f": "docker"}), true),
        ("f: docker", json!({"f": "Docker"}), false),
        ("f: dock", json!({"f": "docker"}), false),
        ("f: *ck*r", json!({"f": "do\nck/er"}), true),
        ("f: d?cker", json!({"f": "docker"}), false),
        ("f: d?cker", json!({"f": "d?cker"}), true),
        // Quotes switch wildcards off; so does a backslash.
        ("f: \"a*\"", json!({"f": "abc"}), false),
        ("f: \"a*\"", json!({"f": "a*"}), true),
        (r"f: a\*", json!({"f": "abc"}), false),
        (r"f: a\*", json!({"f": "a*"}), true),
        ("f: \"*\"", json!({"f": "abc"}), false),
        ("f: \"\"", json!({"f": ""}), true),
        // Escapes.
        (r"f: a\:b\(c\)\<\>\{\}\\", json!({"f": r"a:b(c)<>{}\"}), true),
        (r#"f: "a\"b\\c\d""#, json!({"f": "a\"b\\c\\d"}), true),
        (r"f: \and", json!({"f": "and"}), true),
        (r"f: a\not", json!({"f": "a\not"}), true),
        (r"f: \u0041b", json!({"f": "Ab"}), true),
        // Binding: not, and, or.
        ("f: a or f: b and g: c", json!({"f": "a"}), true),
        ("f: a or f: b and g: c", json!({"f": "b"}), false),
        ("not f: a and g: c", json!({"g": "c"}), true),
        ("not (f: a or g: c)", json!({"g": "c"}), false),
        ("f: a AND g: c", json!({"f": "a", "g": "c"}), true),
        // A missing operator merges values; a trailing one is text.
        ("f: (a b or c)", json!({"f": "a"}), false),
        ("f: (a b or c)", json!({"f": "a b"}), true),
        ("f: a or", json!({"f": "a or"}), true),
        ("f: a  b", json!({"f": "a  b"}), true),
        // Lists of values.
        ("f: (a or b)", json!({"f": "b"}), true),
        ("a: (v and w)", json!({"a": ["v", "w"]}), true),
        ("a: (v and w)", json!({"a": ["v"]}), false),
        ("f: (* and not z)", json!({}), false),
        ("f: (* and not z)", json!({"f": "y"}), true),
        ("not f: z", json!({}), true),
        ("f: (not z)", json!({}), true),
        ("not a: v", json!({"a": ["u", "v"]}), false),
        // Presence.
        ("f: *", json!({"f": ""}), true),
        ("f: *", json!({"f": [null]}), false),
        ("x: *", json!({"x": "v"}), true),
        ("o: *", json!({}), false),
        ("*: *", json!({}), true),
        ("", json!({}), true),
        // Other types.
        ("n > 5 and n <= 7", json!({"n": 7}), true),
        ("n > 5", json!({"n": 5}), false),
        ("n: 5", json!({"n": 5.0}), true),
        ("ip: 10.0.0.0/8", json!({"ip": "10.1.2.3"}), true),
        ("ip: \"::1\"", json!({"ip": "0:0::1"}), true),
        ("b: true", json!({"b": true}), true),
        ("b: (not false)", json!({"b": false}), false),
        ("x: v", json!({"x": "v"}), true),
        // One element.
        ("o: { k: 1 and l: 2 }", json!({"o": [{"k": "1", "l": "3"}, {"k": "2", "l": "2"}]}), false),
        ("o: { k: 1 and l: 2 }", json!({"o": [{"k": "1", "l": "2"}]}), true),
    ];
    for (query, event, expected) in cases {
        assert_eq!(matches(query, &event), expected, "{query} on {event}");
    }
}

#[test]
fn what_kibana_refuses_is_an_error_with_a_place() {
    let cases = [
        ("f: *cannot open*", 7, "expected `and`"),
        ("unknown: a", 0, "unknown field"),
        ("f: a and", 0, ""),
        ("x: v*", 3, "exact values only"),
        ("n: 1*", 3, "wildcard"),
        ("ip: 10.*", 4, "wildcard"),
        ("n: ten", 3, "a number"),
        ("b: yes", 3, "`true`"),
        ("f: null", 3, "cannot be searched"),
        ("f > 5", 4, "no number"),
        ("word", 0, "without a field"),
        ("f*: a", 0, "wildcard"),
        ("f: (a or b", 10, "expected `)`"),
        ("f: \"a", 3, "not closed"),
        (r"f: a\q", 4, "backslash"),
        ("not not f: a", 4, "expected"),
        ("f: a) or g: b", 4, "expected"),
        ("f:", 2, "expected"),
        ("o: { f: a }", 5, "unknown field `o.f`"),
    ];
    for (query, offset, reason) in cases {
        if reason.is_empty() {
            // A trailing operator is text, and no error.
            assert!(read(query, &fields()).is_ok(), "{query}");
            continue;
        }
        let error = read(query, &fields()).expect_err(query);
        assert_eq!(error.offset, offset, "{query}: {error}");
        assert!(error.reason.contains(reason), "{query}: {error}");
    }
}

#[test]
fn deep_and_long_queries_end() {
    let deep = format!("{}f: a{}", "(".repeat(5000), ")".repeat(5000));
    assert!(read(&deep, &fields()).is_err());
    let long = format!("f: a{}b", " ".repeat(200_000));
    assert!(read(&long, &fields()).is_ok());
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"([a-z:*()"{}<>= \\]|f: | and | or |not ){0,60}"#) {
        let _ = read(&text, &fields());
    }
    #[test]
    fn nor_does_any_other(text in any::<String>()) {
        let _ = read(&text, &fields());
    }
}
