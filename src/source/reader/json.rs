//! JSON objects: which log source each one is an event of, and its id, time and host.
//!
//! [`glance`] says as much of an object that is only on a tape.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::elements::{self, Elements};
use super::exec::{self, Processes};
use super::input::Input;
use super::lines::{Lines, Part};
use super::{Damage, Record, compose, laurel, manifest, pod};
use crate::logic::tape::{Node, Tape};
use crate::logic::tree::{Kind as Shape, Tree};
use crate::source::Catalogue;

/// What comes out of one piece of a log.
pub type Found = VecDeque<Result<Record, Damage>>;

/// Makes records of JSON values.
pub struct Parser {
    file: Arc<str>,
    /// The log source that was asked for.
    source: Option<Arc<str>>,
    processes: Processes,
}

impl Parser {
    pub fn new(file: Arc<str>, source: Option<Arc<str>>) -> Self {
        Self { file, source, processes: Processes::default() }
    }

    pub fn damage(&self, line: u64, reason: impl Into<String>) -> Result<Record, Damage> {
        Err(Damage { file: Arc::clone(&self.file), line, reason: reason.into() })
    }

    /// Parses the text of one value.
    pub fn text(&mut self, text: &[u8], line: u64, found: &mut Found) {
        // Text that is no UTF-8 is read with replacements rather than lost.
        let value = match serde_json::from_slice(text) {
            Ok(value) => Ok(value),
            Err(_) if std::str::from_utf8(text).is_err() => serde_json::from_str(&String::from_utf8_lossy(text)),
            Err(error) => Err(error),
        };
        match value {
            Ok(value) => self.value(value, line, found),
            Err(error) => found.push_back(self.damage(line, format!("this is no JSON: {error}"))),
        }
    }

    /// Makes records of one value: none, one, or several for a list.
    pub fn value(&mut self, value: Value, line: u64, found: &mut Found) {
        let Value::Object(mut object) = value else {
            if !value.is_null() {
                found.push_back(self.damage(line, "this is no object"));
            }
            return;
        };
        // How Elasticsearch and Splunk wrap what they export.
        for (wrapper, beside) in WRAPPERS {
            if object.contains_key(beside)
                && object.get(wrapper).is_some_and(Value::is_object)
                && let Some(Value::Object(inner)) = object.remove(wrapper)
            {
                object = inner;
            }
        }
        if object.get("kind").and_then(Value::as_str) == Some("EventList")
            && let Some(Value::Array(items)) = object.remove("items")
        {
            for item in items {
                self.value(item, line, found);
            }
            return;
        }
        let value = Value::Object(object);
        if laurel::is_laurel(&value) {
            if let Some((event, stamp, host)) = laurel::exec(&value, &mut self.processes) {
                let id = stamp.serial.to_string();
                found.push_back(Ok(self.record("process", event, id, exec::time(stamp), host, line)));
            }
            return;
        }
        let asked = self.source.clone();
        let Some(kind) = kind_of(&value, asked.as_deref()) else {
            let reason = match value.as_object().is_some_and(Map::is_empty) {
                true => return,
                false => "this object is an event of no log source that is known",
            };
            found.push_back(self.damage(line, reason));
            return;
        };
        match kind {
            Kind::ComposeFile => {
                for service in compose::services(&value, &self.file) {
                    found.push_back(match service {
                        Ok((name, event)) => Ok(self.record("compose", event, name, None, None, line)),
                        Err(reason) => self.damage(line, reason),
                    });
                }
            }
            Kind::Manifest => {
                for (id, event) in manifest::objects(value, &self.file) {
                    found.push_back(Ok(self.record("kubernetes_manifest", event, id, None, None, line)));
                }
            }
            Kind::Event(source) => {
                let record = self.event(source, value, line);
                found.push_back(Ok(record));
            }
        }
    }

    /// One event of a log source.
    fn event(&self, source: &str, event: Value, line: u64) -> Record {
        let mut event = completed(source, event);
        if source == "daemon_config"
            && let Value::Object(object) = &mut event
        {
            object.entry("file").or_insert_with(|| serde_json::json!({ "path": &*self.file }));
        }
        let at = |path: &[&str]| path.iter().try_fold(&event, |value, key| value.get(key));
        let ids: &[&[&str]] = match source {
            "kubernetes_audit" => &[&["auditID"]],
            "docker_inspect" => &[&["Id"], &["Name"]],
            "daemon_config" => &[&["file", "path"]],
            "compose" => &[&["service", "name"]],
            _ => &[&["event", "id"], &["_id"]],
        };
        let id = ids.iter().find_map(|path| at(path)).and_then(|id| match id {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        });
        let time = time_of(&event);
        let host = at(&["host", "name"]).and_then(Value::as_str).map(str::to_owned);
        let id = id.unwrap_or_else(|| line.to_string());
        self.record(source, event, id, time, host, line)
    }

    fn record(
        &self,
        source: &str,
        event: Value,
        id: String,
        time: Option<Timestamp>,
        host: Option<String>,
        line: u64,
    ) -> Record {
        Record { source: source.into(), event, id, time, host, line, file: Arc::clone(&self.file) }
    }
}

/// How Elasticsearch and Splunk wrap what they export, and what stands beside it.
const WRAPPERS: [(&str, &str); 2] = [("_source", "_index"), ("result", "preview")];

/// When an event happened.
fn time_of<'e>(event: impl Tree<'e>) -> Option<Timestamp> {
    let keys = ["requestReceivedTimestamp", "stageTimestamp", "@timestamp", "Created"];
    keys.iter().find_map(|key| event.get(key)?.text()?.parse().ok())
}

/// What an object is.
enum Kind<'s> {
    /// A Compose file with its services.
    ComposeFile,
    /// A Kubernetes object.
    Manifest,
    /// An event of this log source.
    Event(&'s str),
}

fn kind_of<'e, 's>(value: impl Tree<'e>, asked: Option<&'s str>) -> Option<Kind<'s>> {
    let has = |key: &str| value.get(key).is_some();
    let text = |key: &str| value.get(key).and_then(|value| value.text()).unwrap_or_default();
    let asks = |source: &str| asked.is_none_or(|asked| asked == source);
    let begins = |prefix: &str| value.any_child(&mut |key, _| key.is_some_and(|key| key.starts_with(prefix)));
    if asks("compose") && value.get("services").is_some_and(|services| services.kind() == Shape::Object) {
        return Some(Kind::ComposeFile);
    }
    let is_audit = text("apiVersion").starts_with("audit.k8s.io/") || has("auditID");
    if asks("kubernetes_manifest") && !is_audit && has("apiVersion") && has("kind") {
        return Some(Kind::Manifest);
    }
    if let Some(asked) = asked {
        return Some(Kind::Event(asked));
    }
    let source = if is_audit {
        "kubernetes_audit"
    } else if has("HostConfig") || (has("Id") && has("Config")) {
        "docker_inspect"
    } else if has("service") && !has("process") {
        "compose"
    } else if value.at(&["container", "privileged"]).is_some() || begins("container.") && !begins("process.args") {
        "container_start"
    } else if has("process") || begins("process.") {
        "process"
    } else if has("container") {
        "container_start"
    } else {
        let known = Catalogue::builtin().source("daemon_config")?;
        let is_known = value.any_child(&mut |key, _| key.is_some_and(|key| known.field(key).is_some()));
        is_known.then_some("daemon_config")?
    };
    Some(Kind::Event(source))
}

/// What a line is, as far as that can be said without building it.
pub enum Glance<'t, 's> {
    /// An event that is read as it stands, as far as anybody looks at it.
    Event {
        /// Its log source.
        source: &'s str,
        /// The event.
        event: Node<'t>,
        /// When it happened.
        time: Option<Timestamp>,
    },
    /// Something that has to be parsed: [`Parser`] knows.
    Unclear,
}

/// Glances at a line of JSON. `asked` is the log source that was asked for; `looks_at` says whether anybody looks at
/// fields of this name in events of a source.
pub fn glance<'t, 's>(
    line: &'t [u8],
    tape: &'t mut Tape,
    asked: Option<&'s str>,
    looks_at: impl Fn(&str, &str) -> bool,
) -> Glance<'t, 's> {
    let Some(mut event) = tape.read(line).filter(|node| node.kind() == Shape::Object) else { return Glance::Unclear };
    for (wrapper, beside) in WRAPPERS {
        if event.get(beside).is_some()
            && let Some(inner) = event.get(wrapper).filter(|inner| inner.kind() == Shape::Object)
        {
            event = inner;
        }
    }
    if event.get("kind").and_then(Tree::text) == Some("EventList") || laurel::is_laurel(event) {
        return Glance::Unclear;
    }
    let Some(Kind::Event(source)) = kind_of(event, asked) else { return Glance::Unclear };
    let as_it_stands = match source {
        "process" => !event.has_dotted_key() && is_complete_process(event, |key| looks_at(source, key)),
        "container_start" => !event.has_dotted_key(),
        "kubernetes_audit" => event.get("requestObject").is_none_or(pod::is_complete),
        // Gets the file's name.
        "daemon_config" => false,
        _ => true,
    };
    if as_it_stands { Glance::Event { source, event, time: time_of(event) } } else { Glance::Unclear }
}

/// Whether [`complete_process`] changes nothing that anybody looks at.
fn is_complete_process(event: Node<'_>, looks_at: impl Fn(&str) -> bool) -> bool {
    let Some(process) = event.get("process").filter(|process| process.kind() == Shape::Object) else { return true };
    let lacks = |key: &str| process.get(key).is_none() && looks_at(key);
    if process.get("args").is_some_and(|args| args.kind() == Shape::Array)
        && (lacks("args_count") || lacks("command_line"))
    {
        return false;
    }
    if process.get("command_line").and_then(Tree::text).is_some() && (lacks("args") || lacks("args_count")) {
        return false;
    }
    let has_path = |of: Node<'_>| of.get("executable").and_then(Tree::text).is_some();
    if has_path(process) && lacks("name") {
        return false;
    }
    if process.get("parent").is_some_and(|parent| has_path(parent) && parent.get("name").is_none())
        && looks_at("parent")
    {
        return false;
    }
    process.get("ppid").is_none() || !(looks_at("ppid") || looks_at("pid") || lacks("parent"))
}

/// Turns keys with dots into objects: `{"process.args": …}` into `{"process": {"args": …}}`.
fn unfold(value: Value) -> Value {
    let Value::Object(object) = value else { return value };
    let mut whole = Map::new();
    for (key, value) in object {
        merge(&mut whole, &key, unfold(value));
    }
    Value::Object(whole)
}

fn merge(object: &mut Map<String, Value>, key: &str, value: Value) {
    if let Some((head, tail)) = key.split_once('.').filter(|(head, tail)| !head.is_empty() && !tail.is_empty()) {
        let inner = object.entry(head).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            merge(inner, tail, value);
            return;
        }
    }
    match (object.get_mut(key), value) {
        (Some(Value::Object(known)), Value::Object(more)) => {
            for (key, value) in more {
                merge(known, &key, value);
            }
        }
        (_, value) => {
            object.insert(key.to_owned(), value);
        }
    }
}

/// An event of a log source with its keys unfolded, and with what its other fields say already.
pub(super) fn completed(source: &str, mut event: Value) -> Value {
    if matches!(source, "process" | "container_start") {
        event = unfold(event);
    }
    if source == "process" {
        complete_process(&mut event);
    }
    match source {
        "kubernetes_audit" => event.get_mut("requestObject").into_iter().for_each(pod::complete),
        "kubernetes_manifest" => pod::complete(&mut event),
        _ => {}
    }
    event
}

/// The name of a program by its path.
fn program(process: &Map<String, Value>) -> Option<String> {
    process.get("executable")?.as_str().map(exec::last_segment)
}

/// Adds what other fields of a process event say already. A line of all arguments is taken apart at its blanks, which
/// is what the rules of targets make of it.
fn complete_process(event: &mut Value) {
    let Some(Value::Object(process)) = event.get_mut("process") else { return };
    let line = process.get("command_line").and_then(Value::as_str).filter(|_| !process.contains_key("args"));
    if let Some(words) = line.map(|line| line.split_whitespace().map(Value::from).collect::<Vec<_>>()) {
        process.insert("args".to_owned(), words.into());
    }
    if let Some(Value::Array(args)) = process.get("args") {
        let words: Vec<&str> = args.iter().filter_map(Value::as_str).collect();
        let (count, line) = (args.len(), words.join(" "));
        process.entry("args_count").or_insert_with(|| count.into());
        process.entry("command_line").or_insert_with(|| line.into());
    }
    if let (false, Some(name)) = (process.contains_key("name"), program(process)) {
        process.insert("name".to_owned(), name.into());
    }
    if let Some(parent) = process.remove("ppid") {
        let known = process.entry("parent").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(known) = known {
            known.entry("pid").or_insert(parent);
        }
    }
    if let Some(Value::Object(parent)) = process.get_mut("parent")
        && let (false, Some(name)) = (parent.contains_key("name"), program(parent))
    {
        parent.insert("name".to_owned(), name.into());
    }
}

/// JSON objects, one for each line.
pub fn lines(log: Lines) -> impl Iterator<Item = Result<Record, Damage>> {
    log.flat_map(|part| match part {
        Part::Records(records) => Found::from(records),
        Part::Lines(batch) => {
            let mut parser = batch.parser();
            let mut found = Found::new();
            batch.each(|line, number| parser.text(line, number, &mut found));
            found
        }
    })
}

/// The objects of a JSON array.
pub fn elements(
    input: Input,
    file: Arc<str>,
    source: Option<Arc<str>>,
) -> impl Iterator<Item = Result<Record, Damage>> {
    let mut parser = Parser::new(file, source);
    let mut found = Found::new();
    let mut elements = Elements::new(input);
    let mut ended = false;
    std::iter::from_fn(move || {
        loop {
            if let Some(next) = found.pop_front() {
                return Some(next);
            }
            if ended {
                return None;
            }
            match elements.next() {
                Ok(Some(elements::Element { text: Some(text), line })) => parser.text(&text, line, &mut found),
                Ok(Some(elements::Element { text: None, line })) => {
                    found.push_back(parser.damage(line, "the element is too long"));
                }
                Ok(None) => ended = true,
                Err(error) => {
                    ended = true;
                    found.push_back(parser.damage(elements.line(), format!("the log cannot be read on: {error}")));
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Choice, read};
    use super::*;
    use serde_json::json;

    fn all(text: &str) -> Vec<Result<Record, Damage>> {
        read(Box::new(std::io::Cursor::new(text.to_owned())), "test", &Choice::default()).expect("known").collect()
    }

    fn brief(text: &str) -> Vec<(String, String)> {
        all(text)
            .into_iter()
            .map(|r| r.map(|r| (r.source.to_string(), r.id)).unwrap_or_else(|d| ("damage".into(), d.line.to_string())))
            .collect()
    }

    fn pair(source: &str, id: &str) -> (String, String) {
        (source.to_owned(), id.to_owned())
    }

    #[test]
    fn a_process_has_what_its_other_fields_say() {
        let event = |process: Value| completed("process", json!({ "process": process }));
        assert_eq!(
            event(json!({ "executable": "/usr/bin/ls", "args": ["ls", "-l"], "parent": { "executable": "/bin/sh" } })),
            json!({ "process": {
                "executable": "/usr/bin/ls", "args": ["ls", "-l"],
                "parent": { "executable": "/bin/sh", "name": "sh" },
                "args_count": 2, "command_line": "ls -l", "name": "ls",
            } })
        );
        let own = json!({ "executable": "/usr/bin/ls", "name": "dir", "parent": { "executable": "/", "name": null } });
        assert_eq!(event(own.clone()), json!({ "process": own }));
        assert_eq!(completed("process", json!({ "process.executable": "/x/y" }))["process"]["name"], "y");
        assert_eq!(
            completed("compose", json!({ "process": { "executable": "/x" } }))["process"],
            json!({ "executable": "/x" })
        );
    }

    #[test]
    fn each_object_is_of_its_source() {
        let text = concat!(
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","verb":"get"}"#,
            "\n\n",
            r#"{"process":{"args":["ls"]},"event":{"id":7}}"#,
            "\n",
            r#"{"process.args":["ls"],"event.id":"8"}"#,
            "\n",
            r#"{"broken"#,
            "\n",
            r#"{"HostConfig":{},"Id":"c"}"#,
            "\n",
            r#"{"kind":"EventList","items":[{"auditID":"b"},{"auditID":"c"}]}"#,
            "\n",
            r#"{"service":{"name":"web"}}"#,
            "\n",
            r#"{"container":{"id":"x","privileged":true}}"#,
            "\n",
            r#"{"hosts":["tcp://0.0.0.0"]}"#,
            "\n",
            r#"{"nothing":"known"}"#,
            "\n",
        );
        let expected = [
            ("kubernetes_audit", "a"),
            ("process", "7"),
            ("process", "8"),
            ("damage", "5"),
            ("docker_inspect", "c"),
            ("kubernetes_audit", "b"),
            ("kubernetes_audit", "c"),
            ("compose", "web"),
            ("container_start", "9"),
            ("daemon_config", "test"),
            ("damage", "11"),
        ];
        assert_eq!(brief(text), expected.map(|(source, id)| pair(source, id)));
    }

    #[test]
    fn keys_with_dots_are_unfolded_for_processes_only() {
        let text = concat!(
            r#"{"process.args":["a","b c"],"process.parent.pid":3,"process":{"pid":4,"ppid":9},"@timestamp":"2026-11-23T17:10:30.412Z","host.name":"h"}"#,
            "\n",
            r#"{"auditID":"x","annotations":{"authorization.k8s.io/decision":"allow"}}"#,
            "\n",
        );
        let records: Vec<Record> = all(text).into_iter().map(|r| r.expect("an event")).collect();
        assert_eq!(
            records[0].event["process"],
            json!({"args": ["a", "b c"], "parent": {"pid": 3}, "pid": 4, "args_count": 2, "command_line": "a b c"})
        );
        assert_eq!(records[0].host.as_deref(), Some("h"));
        assert!(records[0].time.is_some());
        assert_eq!(records[1].event["annotations"]["authorization.k8s.io/decision"], "allow");
    }

    #[test]
    fn a_line_of_arguments_alone_is_taken_apart_at_its_blanks() {
        let text = concat!(
            r#"{"process":{"command_line":"docker run  --privileged x"}}"#,
            "\n",
            r#"{"process":{"command_line":"docker run","args":["docker","run"]}}"#,
            "\n",
        );
        let records: Vec<Record> = all(text).into_iter().map(|r| r.expect("an event")).collect();
        assert_eq!(
            records[0].event["process"],
            json!({
                "command_line": "docker run  --privileged x",
                "args": ["docker", "run", "--privileged", "x"],
                "args_count": 4
            })
        );
        assert_eq!(records[1].event["process"]["args"], json!(["docker", "run"]));
    }

    #[test]
    fn lists_are_taken_apart() {
        assert_eq!(
            brief("[\n {\"Id\": \"a\", \"HostConfig\": {\"x\": \"}]\\\"\"}},\n {\"Id\": \"b\", \"HostConfig\": {}}\n]"),
            [pair("docker_inspect", "a"), pair("docker_inspect", "b")]
        );
        let list = "{\"kind\":\"EventList\",\"metadata\":{\"items\":[{\"a\":1}]},\"items\":[{\"auditID\":\"1\"},{\"auditID\":\"2\"}]}";
        assert_eq!(brief(list), [pair("kubernetes_audit", "1"), pair("kubernetes_audit", "2")]);
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(list).expect("JSON")).expect("JSON");
        assert_eq!(brief(&pretty), [pair("kubernetes_audit", "1"), pair("kubernetes_audit", "2")]);
        assert_eq!(
            brief("[1, {\"Id\": \"a\", \"HostConfig\": {}}, [2], {\"cut"),
            [pair("docker_inspect", "a"), pair("damage", "1")]
        );
    }
}
