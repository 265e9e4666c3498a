//! YAML and JSON documents: Compose files, Kubernetes manifests, daemon.json. A file may hold several.

use std::sync::Arc;

use serde_json::{Map, Value};
use serde_yaml::Value as Yaml;

use super::compose;
use super::input::Input;
use super::json::{Found, Parser};
use super::{Damage, Record};

/// Files longer than this are not read: people write them.
const MAX_FILE: usize = 16 << 20;
/// How many values a document may have once its aliases are put in.
const MAX_VALUES: usize = 1 << 20;

/// The events of a file of documents.
pub fn documents(
    mut input: Input,
    file: Arc<str>,
    source: Option<Arc<str>>,
) -> impl Iterator<Item = Result<Record, Damage>> {
    let mut parser = Parser::new(file, source);
    let mut found = Found::new();
    match input.rest(MAX_FILE) {
        Ok(Some(bytes)) => read(&String::from_utf8_lossy(&bytes), &mut parser, &mut found),
        Ok(None) => found.push_back(parser.damage(1, "the file is too long for a file of documents")),
        Err(error) => found.push_back(parser.damage(1, format!("the file cannot be read: {error}"))),
    }
    found.into_iter()
}

fn read(text: &str, parser: &mut Parser, found: &mut Found) {
    if text.trim_start().starts_with('{') {
        let start = first_line(text);
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        loop {
            let at = values.byte_offset();
            let line = 1 + text.get(..at).map_or(0, |before| before.matches('\n').count() as u64);
            match values.next() {
                None => return,
                Some(Ok(value)) => parser.value(value, if at == 0 { start } else { line }, found),
                // Flow style YAML begins with a brace too.
                Some(Err(_)) if at == 0 => break,
                Some(Err(error)) => {
                    found.push_back(parser.damage(line, format!("this is no JSON: {error}")));
                    return;
                }
            }
        }
    }
    for (line, document) in split(text) {
        match parse(document) {
            Ok(Value::Null) => {}
            Ok(value) => {
                let before = found.len();
                parser.value(value, line + first_line(document) - 1, found);
                point_at_services(document, line, found, before);
            }
            Err(reason) => found.push_back(parser.damage(line, reason)),
        }
    }
}

/// Gives the services of a Compose file, the records from `before` on, the lines where they begin.
fn point_at_services(document: &str, line: u64, found: &mut Found, before: usize) {
    let mut services = found.iter_mut().skip(before).flatten().filter(|record| &*record.source == "compose").peekable();
    if services.peek().is_none() {
        return;
    }
    let lines = compose::lines(document);
    for record in services {
        if let Some(at) = lines.get(record.id.as_str()) {
            record.line = line + at - 1;
        }
    }
}

/// The first line, from 1, that is not blank or a comment.
fn first_line(text: &str) -> u64 {
    let is_content = |line: &str| !line.trim().is_empty() && !line.starts_with(['#', '%']) && line.trim_end() != "---";
    1 + text.lines().position(is_content).unwrap_or_default() as u64
}

/// The documents of a file with the line where each begins. Cut by hand, so that one that is broken does not hide
/// the others.
fn split(text: &str) -> Vec<(u64, &str)> {
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 1, 0);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let is_mark =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if is_mark && at > start {
            documents.extend(text.get(start..at).filter(|text| !is_preamble(text)).map(|text| (start_line, text)));
            (start, start_line) = (at, number);
        }
        at += line.len();
    }
    documents.extend(text.get(start..).map(|document| (start_line, document)));
    documents
}

/// Whether nothing but directives (`%YAML 1.2`), comments and blank lines stands here: what comes before a document.
fn is_preamble(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.starts_with(['#', '%']))
}

/// Reads one YAML document, with its anchors and merge keys put in.
fn parse(text: &str) -> Result<Value, String> {
    let mut yaml: Yaml = serde_yaml::from_str(text).map_err(|error| format!("this is no YAML: {error}"))?;
    let mut left = MAX_VALUES;
    count(&yaml, &mut left)?;
    yaml.apply_merge().map_err(|error| format!("a merge key cannot be resolved: {error}"))?;
    let mut left = MAX_VALUES;
    count(&yaml, &mut left)?;
    Ok(to_json(yaml))
}

fn count(yaml: &Yaml, left: &mut usize) -> Result<(), String> {
    *left = left.checked_sub(1).ok_or("the document is too large once its aliases are put in")?;
    match yaml {
        Yaml::Sequence(items) => items.iter().try_for_each(|item| count(item, left)),
        Yaml::Mapping(map) => map.values().try_for_each(|value| count(value, left)),
        Yaml::Tagged(tagged) => count(&tagged.value, left),
        _ => Ok(()),
    }
}

fn to_json(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .or_else(|| number.as_f64().and_then(serde_json::Number::from_f64).map(Value::Number))
            .unwrap_or_else(|| Value::String(number.to_string())),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(to_json).collect()),
        Yaml::Mapping(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (name(key), to_json(value))).collect::<Map<_, _>>())
        }
        Yaml::Tagged(tagged) => to_json(tagged.value),
    }
}

fn name(key: Yaml) -> String {
    match to_json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Choice, read as open};
    use super::*;
    use serde_json::json;

    fn brief(text: &str) -> Vec<(String, u64)> {
        let records = open(Box::new(std::io::Cursor::new(text.to_owned())), "f", &Choice::default()).expect("known");
        records.map(|r| r.map(|r| (r.id, r.line)).unwrap_or_else(|d| ("damage".into(), d.line))).collect()
    }

    #[test]
    fn documents_are_separate() {
        let text = "# two\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n{{ broken\n---\n\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n---\n";
        assert_eq!(brief(text), [("Pod/a".into(), 2), ("damage".into(), 5), ("Pod/b".into(), 9)]);
        let text = "%YAML 1.1\n# one\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
        assert_eq!(brief(text), [("Pod/a".into(), 4)]);
        let text = "{\n \"apiVersion\": \"v1\", \"kind\": \"Pod\"\n}\n{\n\"hosts\": []\n}";
        assert_eq!(brief(text), [("Pod/".into(), 1), ("f".into(), 3)]);
    }

    #[test]
    fn anchors_and_merge_keys_are_put_in() {
        let text = "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n1: !t yes";
        assert_eq!(parse(text), Ok(json!({"a": {"x": 1, "y": 2}, "b": {"y": 3, "x": 1}, "1": "yes"})));
    }

    #[test]
    fn aliases_cannot_fill_the_memory() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let one = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", [one.as_str(); 10].join(", "));
        }
        assert!(parse(&text).is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
