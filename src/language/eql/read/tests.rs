use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::logic::{Reading, evaluate};

fn fields() -> FieldTable {
    FieldTable::from([
        ("f", FieldType::Text),
        ("g.h", FieldType::Text),
        ("odd-name", FieldType::Text),
        ("a", FieldType::TextList),
        ("x", FieldType::Exact),
        ("n", FieldType::Number),
        ("ip", FieldType::Address),
        ("b", FieldType::Boolean),
    ])
}

fn matches(query: &str, event: &Value) -> bool {
    let (_, formula) = read(query, &fields()).unwrap_or_else(|error| panic!("{query}: {error}"));
    evaluate(&formula, event, Reading::Must)
}

#[test]
fn queries_mean_what_elasticsearch_says() {
    let cases = [
        (r#"f == "a*""#, json!({"f": "ab"}), false),
        (r#"f == "a*""#, json!({"f": "a*"}), true),
        (r#"f == "A""#, json!({"f": "a"}), false),
        (r#"f : "A*""#, json!({"f": "abc"}), true),
        (r#"f : ("x", "A?c")"#, json!({"f": "abc"}), true),
        (r#"f like "A*""#, json!({"f": "abc"}), false),
        (r#"f like~ "A*""#, json!({"f": "abc"}), true),
        (r#"f like """a\*""""#, json!({"f": r"a\b"}), true),
        (r#"f in ("a", "b")"#, json!({"f": "b"}), true),
        (r#"f in ("B")"#, json!({"f": "b"}), false),
        (r#"f in~ ("B")"#, json!({"f": "b"}), true),
        (r#"f not in ("b")"#, json!({"f": "b"}), false),
        (r#"n in (1, 2)"#, json!({"n": 2}), true),
        // Regular expressions: whole value, Lucene's syntax.
        (r#"f regex "b+""#, json!({"f": "abb"}), false),
        (r#"f regex ".*b+""#, json!({"f": "a\nbb"}), true),
        (r#"f regex "a|b""#, json!({"f": "ab"}), false),
        (r#"f regex "^a""#, json!({"f": "^a"}), true),
        (r#"f regex "a@""#, json!({"f": "abc"}), true),
        (r#"f regex "a#""#, json!({"f": "a"}), false),
        (r#"f regex """"a.c"""""#, json!({"f": "abc"}), false),
        (r#"f regex """a\.c""""#, json!({"f": "a.c"}), true),
        (r#"f regex """[\]a-c]+""""#, json!({"f": "]b"}), true),
        (r#"f regex "[+--x][--a]""#, json!({"f": ",/"}), true),
        (r#"f regex "[a-c-e]""#, json!({"f": "-"}), true),
        (r#"f regex "[a-c-e]""#, json!({"f": "d"}), false),
        (r#"f regex "[Z-]]""#, json!({"f": "["}), true),
        (r#"f regex "a+?""#, json!({"f": ""}), true),
        (r#"f regex "[a-c]{2}?b""#, json!({"f": "b"}), true),
        (r#"f regex~ "AB""#, json!({"f": "ab"}), true),
        (r#"f regex~ "AB""#, json!({"f": "abx"}), false),
        // Case is ignored in single ASCII letters, and nowhere else.
        (r#"f : "ÉA""#, json!({"f": "Éa"}), true),
        (r#"f : "ÉA""#, json!({"f": "éa"}), false),
        (r#"f in~ ("ÉA", "b")"#, json!({"f": "éa"}), false),
        (r#"f in~ ("ÉA", "b")"#, json!({"f": "B"}), true),
        (r#"f like~ "*Éa?""#, json!({"f": "xÉAx"}), true),
        (r#"f like~ "*Éa?""#, json!({"f": "xéax"}), false),
        (r#"f regex~ "éa""#, json!({"f": "éA"}), true),
        (r#"f regex~ "éa""#, json!({"f": "Éa"}), false),
        (r#"f regex~ "[a-c]x""#, json!({"f": "bX"}), true),
        (r#"f regex~ "[a-c]x""#, json!({"f": "BX"}), false),
        (r#"f regex~ "[abc]x""#, json!({"f": "BX"}), true),
        (r#"f regex~ "[^a]x""#, json!({"f": "AX"}), false),
        (r#"f regex~ """"a"\.x""""#, json!({"f": "A.X"}), true),
        (r#"f regex~ "a{2}""#, json!({"f": "aA"}), true),
        // Missing fields.
        (r#"f != "a""#, json!({}), true),
        (r#"not f == "a""#, json!({}), true),
        (r#"not f : "a""#, json!({}), true),
        (r#"f not in ("a")"#, json!({}), true),
        (r#"not not f == "a""#, json!({}), false),
        ("not n > 1", json!({}), false),
        ("not n > 1", json!({"n": 1}), true),
        ("not n > 1", json!({"n": 2}), false),
        ("not (n > 1 or n < 0)", json!({}), false),
        ("not (n > 1 or n < 0)", json!({"n": 1}), true),
        (r#"not (f == "a" and n > 1)"#, json!({}), true),
        (r#"not (f == "a" and n > 1)"#, json!({"f": "a"}), false),
        (r#"not endsWith~(f, "A")"#, json!({}), false),
        (r#"not endsWith~(f, "A")"#, json!({"f": "b"}), true),
        (r#"not endsWith(f, "a")"#, json!({}), true),
        ("f == null", json!({}), true),
        ("f != null", json!({}), false),
        ("not f == null", json!({"f": "a"}), true),
        (r#"f == null or not endsWith~(f, "a")"#, json!({}), true),
        // Functions.
        (r#"startsWith(f, "ab") and endsWith(f, "cd")"#, json!({"f": "abcd"}), true),
        (r#"endswith~(f, "D") and CIDRMATCH(ip, "::/0")"#, json!({"f": "abcd", "ip": "::1"}), true),
        (r#"stringContains~(f, "BC")"#, json!({"f": "abcd"}), true),
        (r#"stringContains(f, "b*c")"#, json!({"f": "abcc"}), false),
        (r#"wildcard(f, "x", "a?c*")"#, json!({"f": "abcd"}), true),
        (r#"cidrMatch(ip, "10.0.0.0/8", "192.168.0.0/16")"#, json!({"ip": "192.168.1.1"}), true),
        (r#"not cidrMatch(ip, "10.0.0.0/8")"#, json!({}), true),
        // Binding, names, literals, comments.
        (r#"f == "a" or f == "b" and n == 1"#, json!({"f": "a"}), true),
        (r#"not f == "a" and n == 1"#, json!({"n": 1}), true),
        (r#"?g.h == "a" and `odd-name` == "b""#, json!({"g.h": "a", "odd-name": "b"}), true),
        (r#""a" == f"#, json!({"f": "a"}), true),
        ("3 < n", json!({"n": 4}), true),
        ("n == -1.5e1", json!({"n": -15}), true),
        (r#"b == true and b"#, json!({"b": true}), true),
        ("not b", json!({}), true),
        (r#"f == "a\n\"\u{1F525}""#, json!({"f": "a\n\"🔥"}), true),
        ("f == /* x */ \"a\" // y", json!({"f": "a"}), true),
        (r#"a == "v""#, json!({"a": ["u", "v"]}), true),
        ("any where true", json!({}), true),
    ];
    for (query, event, expected) in cases {
        assert_eq!(matches(query, &event), expected, "{query} on {event}");
    }
}

#[test]
fn categories_stand_before_where() {
    let category = |query: &str| read(query, &fields()).map(|(category, _)| category);
    assert_eq!(category(r#"process where f == "a""#), Ok(Some("process".into())));
    assert_eq!(category(r#"any where f == "a""#), Ok(None));
    assert_eq!(category(r#"f == "a""#), Ok(None));
    assert_eq!(category("`odd cat` where true"), Ok(Some("odd cat".into())));
}

#[test]
fn what_elasticsearch_refuses_is_an_error_with_a_place() {
    let cases = [
        (r#"u == "a""#, 0, "unknown field"),
        (r#"g.where == "a""#, 0, "keyword"),
        (r#"g.sample == "a""#, 0, "keyword"),
        (r#"g@h == "a""#, 0, "unknown field `g`"),
        (r#"g.1h == "a""#, 2, "next part"),
        (r#"f = "a""#, 2, "`==`"),
        (r#"f == 'a'"#, 5, "double quotes"),
        (r#"f == "a"#, 5, "not closed"),
        (r#"f == "\q""#, 6, "escape"),
        (r#"x : "a""#, 0, "exact values only"),
        (r#"x regex "a""#, 0, "exact values only"),
        (r#"endsWith(a, "v")"#, 9, "arrays"),
        (r#"length(f) > 3"#, 0, "not supported"),
        (r#"number(f) > 3"#, 0, "not supported"),
        (r#"f == f"#, 2, "two fields"),
        (r#"f > "a""#, 0, "numbers only"),
        (r#"f regex "a&b""#, 8, "intersection"),
        (r#"f regex "a||b""#, 8, "empty"),
        (r#"f regex "(a""#, 8, "`(`"),
        (r#"f regex "[0----V]""#, 8, "wrong way round"),
        (r#"f regex "[a-]""#, 8, "wrong way round"),
        (r#"f regex "[a-b""#, 8, "not closed"),
        ("sequence by f [any where true] [any where true]", 0, "several events"),
        ("process where true | head 5", 19, "pipes"),
        (r#"f == "a" f"#, 9, "expected `and`"),
        (r#"(f == "a""#, 9, "expected `)`"),
        ("process where", 13, "expected"),
        ("n + 1 == 2", 2, "arithmetic"),
    ];
    for (query, offset, reason) in cases {
        let error = read(query, &fields()).expect_err(query);
        assert_eq!(error.offset, offset, "{query}: {error}");
        assert!(error.reason.contains(reason), "{query}: {error}");
    }
}

#[test]
fn deep_and_long_queries_end() {
    let deep = format!("{}b{}", "(".repeat(5000), ")".repeat(5000));
    assert!(read(&deep, &fields()).is_err());
    assert!(read(&format!("f regex \"a{}\"", "+".repeat(50_000)), &fields()).is_err());
    assert!(read(&format!("{}b", "not ".repeat(50_000)), &fields()).is_ok());
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"([a-z:*()"?`~.<>= \\]|f |n > |==| and | or |not |"a"|endsWith~\(f, |regex ){0,40}"#) {
        let _ = read(&text, &fields());
    }
    #[test]
    fn nor_does_any_other(text in any::<String>()) {
        let _ = read(&text, &fields());
    }
    #[test]
    fn no_expression_panics(text in r#"[ab\\\[\]()|+?*{},0-9^$.@"-]{0,30}"#) {
        let _ = lucene::translate(&text, false);
    }
}
