//! Kibana's exception lists: what stands in one is excepted from the rules that name it. Exports of rules have them
//! beside the rules, and they are exported by themselves.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::elastic::documents;
use super::query::{Query, all, any, scalar, wildcard};
use crate::language::kql::read::Term;

/// How a rule names a list: its id, and whether it is one of a space or of all spaces.
type Name = (String, String);

/// The lists of a pack, from all of its files.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    lists: BTreeSet<Name>,
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    list: Name,
    /// What is excepted, or why that is not read.
    query: Result<Query, String>,
}

/// Whether a document is a list of exceptions, or an item of one.
pub(super) fn is_exception(document: &Map<String, Value>) -> bool {
    document.contains_key("list_id")
}

/// Whether a file looks like it has exceptions, wherever it is.
pub(super) fn has_exceptions(path: &str, bytes: &[u8]) -> bool {
    let has = |name: &[u8]| bytes.windows(name.len()).any(|part| part == name);
    (path.ends_with(".json") || path.ends_with(".ndjson")) && has(b"\"list_id\"")
}

impl Exceptions {
    /// Adds those of a file that hold at a time.
    pub fn add(&mut self, text: &str, now: Timestamp) {
        let documents = documents(text).filter_map(Result::ok);
        for document in documents.filter_map(|document| document.as_object().cloned()) {
            if !is_exception(&document) {
                continue;
            }
            let list = name(&document);
            match document.get("entries") {
                None => _ = self.lists.insert(list),
                Some(_) if has_expired(&document, now) => {}
                Some(entries) => self.items.push(Item { list, query: item(&document, entries) }),
            }
        }
    }

    /// What is excepted from a rule with these `exceptions_list`, or why that is not read.
    pub fn of(&self, named: &Value) -> Result<Vec<Query>, String> {
        let named = match named {
            Value::Null => return Ok(Vec::new()),
            Value::Array(named) => named,
            _ => return Err("`exceptions_list` is no list".to_owned()),
        };
        let mut excepted = Vec::new();
        for list in named {
            let list = name(list.as_object().ok_or("`exceptions_list` names a list that is none")?);
            for item in self.items.iter().filter(|item| item.list == list) {
                excepted.push(item.query.clone()?);
            }
            if !self.lists.contains(&list) {
                excepted.push(Query::Unknown(format!("the exception list `{}` is in no file of the pack", list.0)));
            }
        }
        Ok(excepted)
    }
}

fn name(document: &Map<String, Value>) -> Name {
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    (text("list_id").unwrap_or_default().to_owned(), text("namespace_type").unwrap_or("single").to_owned())
}

fn has_expired(item: &Map<String, Value>, now: Timestamp) -> bool {
    let end = item.get("expire_time").and_then(Value::as_str).and_then(|end| end.parse::<Timestamp>().ok());
    end.is_some_and(|end| end < now)
}

/// What an item excepts: what fits all of its entries, on one of its operating systems.
fn item(item: &Map<String, Value>, entries: &Value) -> Result<Query, String> {
    let shown = item.get("name").and_then(Value::as_str).unwrap_or_default();
    let unread = |what: &str| format!("{what} of the exception `{shown}` is not read");
    let entries =
        entries.as_array().filter(|entries| !entries.is_empty()).ok_or_else(|| unread("the list of entries"))?;
    let read = |one: &Value| entry(one, 0).ok_or_else(|| unread(&format!("the entry `{one}`")));
    let mut parts = entries.iter().map(read).collect::<Result<Vec<Query>, String>>()?;
    let systems = item.get("os_types").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !systems.is_empty() {
        // Kibana asks `host.os.name.caseless` besides, which whoever writes it writes together with this one.
        let is = |system: &Value| Some(Query::field("host.os.type", Term::Is(scalar(system)?)));
        let on = systems.iter().map(is).collect::<Option<Vec<_>>>();
        parts.push(any(on.ok_or_else(|| unread("`os_types`"))?));
    }
    Ok(all(parts))
}

fn entry(entry: &Value, depth: usize) -> Option<Query> {
    let text = |key: &str| entry.get(key)?.as_str();
    let (field, value) = (text("field")?, entry.get("value"));
    let query = match text("type")? {
        "match" => Query::field(field, Term::Is(scalar(value?)?)),
        "match_any" => {
            let values = value?.as_array().filter(|values| !values.is_empty())?;
            let is = |value| Some(Query::field(field, Term::Is(scalar(value)?)));
            any(values.iter().map(is).collect::<Option<_>>()?)
        }
        "wildcard" => Query::field(field, Term::Like(wildcard(value?.as_str()?))),
        "exists" => Query::field(field, Term::Exists),
        "list" => {
            let list = entry.get("list")?.get("id")?.as_str()?;
            Query::Unknown(format!("the values of the list `{list}`, by which events are excepted, are in no pack"))
        }
        // Such an entry has no operator.
        "nested" if depth == 0 => {
            let entries = entry.get("entries")?.as_array().filter(|entries| !entries.is_empty())?;
            let parts = entries.iter().map(|one| self::entry(one, depth + 1)).collect::<Option<Vec<_>>>()?;
            return Some(Query::Element { name: field.to_owned(), body: Box::new(all(parts)) });
        }
        _ => return None,
    };
    match text("operator")? {
        "included" => Some(query),
        "excluded" => Some(query.negated()),
        _ => None,
    }
}
