//! Values as YAML text, in the block style that people write: what templates put after `key:`.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Words that YAML 1.1 or 1.2 reads as something other than text.
const WORDS: [&str; 14] =
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ".nan", ".inf", "-.inf", "<<"];

/// `value` as what follows `key:`: a blank and a scalar, or a line break and a block indented by `indent`.
pub fn after_key(value: &Value, indent: usize) -> String {
    let mut out = String::new();
    write(value, indent, &mut out);
    out
}

fn write(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            new_line(indent, out);
            mapping(map, indent, out);
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                new_line(indent, out);
                out.push('-');
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        out.push(' ');
                        mapping(map, indent + 2, out);
                    }
                    // A list in a list, in one line: JSON is YAML.
                    Value::Array(_) => out.extend([" ", &json_as_yaml(item)]),
                    other => write(other, indent + 4, out),
                }
            }
        }
        Value::String(text) => match literal(text, indent) {
            Some(block) => out.extend([" ", &block]),
            None => out.extend([" ", &scalar(text)]),
        },
        other => out.extend([" ", &other.to_string()]),
    }
}

/// The entries of a mapping whose first line is begun.
fn mapping(map: &Map<String, Value>, indent: usize, out: &mut String) {
    for (i, (key, value)) in map.iter().enumerate() {
        if i > 0 {
            new_line(indent, out);
        }
        out.extend([scalar(key).as_ref(), ":"]);
        write(value, indent + 4, out);
    }
}

fn new_line(indent: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

/// A text of several lines as a literal block, if every line survives that.
fn literal(text: &str, indent: usize) -> Option<String> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let fits = body.contains('\n')
        && body.lines().next().is_some_and(|first| !first.is_empty() && !first.starts_with([' ', '\t']))
        && !body.ends_with('\n')
        && body.split('\n').all(|line| !line.ends_with([' ', '\t']) && !line.starts_with('\t'))
        && body.chars().all(|c| c == '\n' || is_printable(c));
    if !fits {
        return None;
    }
    let chomp = if text.ends_with('\n') { "" } else { "-" };
    let pad = " ".repeat(indent);
    let lines = body.split('\n').map(|line| if line.is_empty() { String::new() } else { format!("{pad}{line}") });
    Some(format!("|{chomp}\n{}", lines.collect::<Vec<_>>().join("\n")))
}

/// A text as a scalar in one line: bare where it cannot be read as anything else, else quoted.
pub fn scalar(text: &str) -> Cow<'_, str> {
    if is_bare(text) {
        Cow::Borrowed(text)
    } else if text.chars().all(is_printable) {
        Cow::Owned(format!("'{}'", text.replace('\'', "''")))
    } else {
        Cow::Owned(json_as_yaml(&Value::String(text.to_owned())))
    }
}

/// Characters that YAML takes as they are.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_bare(text: &str) -> bool {
    let bytes = text.as_bytes();
    let starts = bytes.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-./ ,()|+@".contains(b);
    // A key may hold a bar (`Image|endswith`); nothing here may hold `: ` or ` #`.
    starts
        && bytes.iter().all(plain)
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && !looks_like_a_number(text)
}

/// `e5` and the like are text to everybody; `inf` and `nan` are not.
fn looks_like_a_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

/// JSON with the characters escaped that YAML does not take as they are.
fn json_as_yaml(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if is_printable(c) {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn blocks_are_written_as_people_do() {
        let value = json!({"selection": {"Image|endswith": ["/docker", "/podman"], "n": 1, "x": null}, "list": [{"a": "b", "c": ["d"]}]});
        let expected = "\n    selection:\n        Image|endswith:\n            - '/docker'\n            - '/podman'\n        'n': 1\n        x: null\n    list:\n        - a: b\n          c:\n              - d";
        assert_eq!(after_key(&value, 4), expected);
        assert_eq!(serde_yaml::from_str::<Value>(after_key(&value, 4).trim_start_matches('\n')).ok(), Some(value));
        assert_eq!(after_key(&json!("one\ntwo\n"), 2), " |\n  one\n  two");
        assert_eq!(after_key(&json!("it's"), 2), " 'it''s'");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[a-z*/:#'\"\\\\{}$%\n -]{0,12}",
            any::<String>(),
            Just("yes".to_owned()),
            Just("1e3".to_owned())
        ];
        let leaf = prop_oneof![
            text.prop_map(Value::String),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec(("[a-zA-Z0-9.|{}' -]{1,10}", inner), 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any_value(), after in any_value()) {
            let text = format!("first:{}\nsecond:{}\n", after_key(&value, 4), after_key(&after, 4));
            let read: Value = serde_yaml::from_str(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(read, json!({"first": value, "second": after}), "{}", text);
        }
    }
}
