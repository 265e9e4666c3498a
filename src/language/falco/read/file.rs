//! A Falco rules file: lists, macros and rules, with what later entries add to earlier ones.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use super::lexer::Lexer;
use super::{Definitions, read_condition, words};
use crate::language::{FieldTable, ReadError};
use crate::logic::Formula;

/// What a rules file says.
#[derive(Clone, Debug, Default)]
pub struct RulesFile {
    /// Its lists and those of its macros that can be read.
    pub definitions: Definitions,
    /// Macros that cannot be read, and why. A rule that names one cannot be read either.
    pub broken_macros: Vec<(String, ReadError)>,
    /// Its rules, in order. Falco refuses the whole file when one of the conditions is an error.
    pub rules: Vec<Rule>,
}

/// One rule of a file.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// The event source: `syscall` unless it says otherwise.
    pub source: String,
    /// The priority, as written.
    pub priority: String,
    /// The output, as written.
    pub output: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether Falco evaluates it.
    pub enabled: bool,
    /// What the rule asks of an event, exceptions included. An error's offset is in the rule's condition.
    pub condition: Result<Formula, ReadError>,
}

/// Why a text is no rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The entry of the file, counted from 0, if the fault is in one.
    pub entry: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "entry {}: {}", entry + 1, self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for FileError {}

/// A named entry with the parts that later entries change, and its place in the file.
struct Entry {
    index: usize,
    /// The place of the last entry that changed it: it knows macros and lists that are defined before that.
    last: usize,
    parts: Mapping,
}

/// Entries of one kind, in the order in which they were defined first.
#[derive(Default)]
struct Entries {
    names: HashMap<String, usize>,
    all: Vec<(String, Entry)>,
}

impl Entries {
    fn get(&self, name: &str) -> Option<&Entry> {
        self.names.get(name).and_then(|at| self.all.get(*at)).map(|(_, entry)| entry)
    }

    fn merge(&mut self, name: String, index: usize, new: Mapping, texts: &[&str]) -> Result<(), String> {
        if let Some((_, entry)) = self.names.get(&name).and_then(|at| self.all.get_mut(*at)) {
            entry.last = index;
        }
        let append = new.get("append").and_then(truth).unwrap_or(false);
        let changes = new.get("override").and_then(Value::as_mapping).cloned();
        let known = self.names.get(&name).copied().and_then(|at| self.all.get_mut(at));
        let undefined = || format!("`{name}` is not defined before it is changed");
        if !append && changes.is_none() {
            // `enabled` alone changes a rule that is there.
            let only_enabled = new.len() == 2 && new.contains_key("enabled");
            match known {
                Some((_, entry)) if only_enabled => entry.parts.extend(new),
                Some((_, entry)) => entry.parts = new,
                None if only_enabled => return Err(undefined()),
                None => {
                    self.names.insert(name.clone(), self.all.len());
                    self.all.push((name, Entry { index, last: index, parts: new }));
                }
            }
            return Ok(());
        }
        let Some((_, entry)) = known else { return Err(undefined()) };
        for (key, value) in new {
            let Some(key_text) = key.as_str() else { continue };
            if matches!(key_text, "append" | "override" | "rule" | "macro" | "list") {
                continue;
            }
            let how = match &changes {
                None => "append",
                Some(changes) => changes
                    .get(key_text)
                    .and_then(Value::as_str)
                    .ok_or_else(|| format!("`override` does not say what becomes of `{key_text}`"))?,
            };
            match how {
                "replace" => {
                    entry.parts.insert(key, value);
                }
                "append" => match (entry.parts.get_mut(key_text), value) {
                    (Some(Value::String(old)), Value::String(new)) if texts.contains(&key_text) => {
                        old.push(' ');
                        old.push_str(&new);
                    }
                    (Some(Value::Sequence(old)), Value::Sequence(new)) if key_text == "exceptions" => {
                        append_exceptions(old, new)?;
                    }
                    (Some(Value::Sequence(old)), Value::Sequence(new)) => old.extend(new),
                    (None, value) => {
                        entry.parts.insert(key, value);
                    }
                    _ if changes.is_none() => {}
                    _ => return Err(format!("`{key_text}` cannot be appended to")),
                },
                other => return Err(format!("`override` is `append` or `replace`, not `{other}`")),
            }
        }
        Ok(())
    }
}

/// Adds the values of exceptions to those of the same name.
fn append_exceptions(old: &mut Vec<Value>, new: Vec<Value>) -> Result<(), String> {
    for exception in new {
        let name = exception.get("name").cloned();
        match old.iter_mut().find(|known| known.get("name").cloned() == name) {
            Some(Value::Mapping(known)) => {
                let values = exception.get("values").and_then(Value::as_sequence).cloned().unwrap_or_default();
                match known.get_mut("values") {
                    Some(Value::Sequence(all)) => all.extend(values),
                    Some(_) => return Err("the values of an exception are a list".into()),
                    None => {
                        known.insert("values".into(), Value::Sequence(values));
                    }
                }
            }
            _ => old.push(exception),
        }
    }
    Ok(())
}

/// Reads a rules file over the fields of an event source.
pub fn read_file(text: &str, fields: &FieldTable) -> Result<RulesFile, FileError> {
    read_entries(entries(text)?, fields)
}

/// The entries of a rules file, of all its YAML documents. Where there is nothing, the engine takes nothing.
pub fn entries(text: &str) -> Result<Vec<Value>, FileError> {
    let outside = |reason: String| FileError { entry: None, reason };
    let mut entries = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        match Value::deserialize(document).map_err(|error| outside(error.to_string()))? {
            Value::Null => {}
            Value::Sequence(items) => entries.extend(items.into_iter().filter(|item| !item.is_null())),
            _ => return Err(outside("a rules file is a list of rules, macros and lists".into())),
        }
    }
    Ok(entries)
}

/// The engine version that an entry asks for, if it does: major, minor and patch; or what it says instead. A number alone
/// is a minor version.
pub fn engine_asked(entry: &Value) -> Option<Result<[u64; 3], String>> {
    let asked = entry.get("required_engine_version")?;
    let text = scalar(asked).unwrap_or_default();
    let parts: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok()).collect();
    Some(match parts.as_deref() {
        Some([minor]) => Ok([0, *minor, 0]),
        Some([major, minor, patch]) => Ok([*major, *minor, *patch]),
        _ => Err(text),
    })
}

/// Why the engine loads no file with this entry, if it defines a rule that lacks something.
pub fn rule_refused(entry: &Value) -> Option<String> {
    let rule = entry.as_mapping().filter(|entry| entry.contains_key("rule"))?;
    if is_change(entry) {
        return None;
    }
    let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or("").trim();
    lacks(&text)
}

/// Whether an entry changes one that is there, and defines nothing.
pub fn is_change(entry: &Value) -> bool {
    let Some(entry) = entry.as_mapping() else { return false };
    let appends = entry.contains_key("override") || entry.get("append").and_then(truth).unwrap_or(false);
    appends || (entry.contains_key("rule") && entry.len() == 2 && entry.contains_key("enabled"))
}

/// What a rule with these texts lacks or has wrong.
fn lacks<T: AsRef<str>>(text: &dyn Fn(&str) -> T) -> Option<String> {
    if let Some(key) = NEEDED.into_iter().find(|key| text(key).as_ref().is_empty()) {
        return Some(format!("it has no `{key}`, and Falco loads no file with such a rule"));
    }
    let priority = text("priority");
    let priority = priority.as_ref();
    let is_known = PRIORITIES.into_iter().chain(["Info"]).any(|known| priority.eq_ignore_ascii_case(known));
    (!is_known).then(|| format!("`{priority}` is no priority, and Falco loads no file with such a rule"))
}

/// Reads the entries of one rules file, or of several in the order in which Falco loads them.
pub fn read_entries(items: Vec<Value>, fields: &FieldTable) -> Result<RulesFile, FileError> {
    let (mut lists, mut macros, mut rules) = (Entries::default(), Entries::default(), Entries::default());
    for (index, item) in items.into_iter().enumerate() {
        let inside = |reason: String| FileError { entry: Some(index), reason };
        let Value::Mapping(item) = item else { return Err(inside("an entry is a mapping".into())) };
        let name = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        let merged = if let Some(name) = name("rule") {
            rules.merge(name, index, item, &["condition", "output", "desc"])
        } else if let Some(name) = name("macro") {
            macros.merge(name, index, item, &["condition"])
        } else if let Some(name) = name("list") {
            lists.merge(name, index, item, &[])
        } else if item
            .keys()
            .any(|key| matches!(key.as_str(), Some("required_engine_version" | "required_plugin_versions")))
        {
            Ok(())
        } else {
            Err("expected a `rule`, a `macro` or a `list`".into())
        };
        merged.map_err(inside)?;
    }
    let mut file = RulesFile::default();
    // A list that names one behind it has that one's values: the engine looks for names of lists in their order.
    for (at, (name, entry)) in lists.all.iter().enumerate().rev() {
        let items = list_items(at, &lists, &file.definitions.lists)
            .map_err(|reason| FileError { entry: Some(entry.index), reason: format!("list `{name}`: {reason}") })?;
        file.definitions.lists.insert(name.clone(), items);
    }
    read_macros(&macros, &mut file, fields);
    for (name, entry) in rules.all {
        let text = |key: &str| entry.parts.get(key).and_then(Value::as_str).unwrap_or("").trim().to_owned();
        let priority = text("priority");
        let condition = match lacks(&text) {
            Some(reason) => Err(missing(&reason)),
            None if entry.parts.get("enabled").is_some_and(|enabled| truth(enabled).is_none()) => {
                Err(missing("`enabled` is true or false, and Falco loads no file with such a rule"))
            }
            None => printable(&text("output"), fields)
                .map_err(|reason| missing(&reason))
                .and_then(|()| whole_condition(&entry, &file.definitions, fields)),
        };
        let tags = entry.parts.get("tags").and_then(Value::as_sequence).cloned().unwrap_or_default();
        let source = text("source");
        file.rules.push(Rule {
            name,
            source: if source.is_empty() { "syscall".into() } else { source },
            priority,
            output: text("output"),
            tags: tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            enabled: entry.parts.get("enabled").and_then(truth).unwrap_or(true),
            condition,
        });
    }
    Ok(file)
}

/// The priorities, from the gravest on; the engine takes them in any case, and `Info` for the last but one.
pub const PRIORITIES: [&str; 8] =
    ["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"];

/// Whether the engine finds all fields that an output names: `%` and the longest name of a field that follows. What
/// fields there are is known where the platform's are.
fn printable(output: &str, fields: &FieldTable) -> Result<(), String> {
    for part in output.split('%').skip(1) {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_')).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        // A transformer, or text; and a word that the engine takes out before.
        if name.is_empty() || rest.starts_with('(') || name.starts_with("container.info") {
            continue;
        }
        if !(1..=name.len()).any(|end| name.get(..end).is_some_and(|name| fields.has(name) || fields.may_have(name))) {
            return Err(format!("there is no field `{name}` for the output, and Falco loads no file with such a rule"));
        }
    }
    Ok(())
}

/// What Falco wants of a rule.
const NEEDED: [&str; 4] = ["condition", "desc", "output", "priority"];

/// The most values that lists may come to when they are spelled out.
const MAX_ITEMS: usize = 100_000;

/// Reads macros. Each knows those that were defined before it was changed last.
fn read_macros(macros: &Entries, file: &mut RulesFile, fields: &FieldTable) {
    let mut left: Vec<&(String, Entry)> = macros.all.iter().collect();
    let mut is_first = true;
    loop {
        let before = left.len();
        let mut broken = Vec::new();
        for one in std::mem::take(&mut left) {
            let (name, entry) = one;
            // The first time, nothing but what stands before it has been read.
            let read = if is_first {
                condition(entry, &file.definitions, fields)
            } else {
                let is_known = |known: &str| macros.get(known).is_some_and(|known| known.index < entry.last);
                let mut known = file.definitions.clone();
                known.macros.retain(|name, _| is_known(name));
                condition(entry, &known, fields)
            };
            match read {
                Ok(formula) => _ = file.definitions.macros.insert(name.clone(), formula),
                Err(error) => {
                    broken.push((name.clone(), error));
                    left.push(one);
                }
            }
        }
        // Only one that was changed later may know more than what stands before it.
        is_first = false;
        if left.is_empty() || left.len() == before || macros.all.iter().all(|(_, entry)| entry.last == entry.index) {
            file.broken_macros = broken;
            return;
        }
    }
}

/// The items of a list as they are written.
fn written_items(entry: &Entry) -> Result<Vec<String>, String> {
    let items = entry.parts.get("items").and_then(Value::as_sequence).ok_or("it has no items")?;
    items.iter().map(|item| scalar(item).ok_or_else(|| "an item is a text or a number".into())).collect()
}

/// The values of the list at `at`. A list before it that it names gives what is written there; one behind it, in `known`,
/// all its values. Where a list before it names one before that, the engine leaves that one's name for a value.
fn list_items(at: usize, lists: &Entries, known: &HashMap<String, Vec<String>>) -> Result<Vec<String>, String> {
    let Some((_, entry)) = lists.all.get(at) else { return Ok(Vec::new()) };
    let mut written = Vec::new();
    for item in written_items(entry)? {
        match lists.get(&item).filter(|named| named.index < entry.last) {
            Some(named) => written.extend(written_items(named)?),
            None => written.push(item),
        }
        if written.len() > MAX_ITEMS {
            return Err("it has too many values".into());
        }
    }
    let mut found = Vec::new();
    for text in written {
        match known.get(&text) {
            Some(items) => found.extend(items.iter().cloned()),
            None => match known.keys().find(|name| words(&text, name).next().is_some()) {
                Some(name) => return Err(format!("`{name}` in `{text}` is a list: the engine puts its values there")),
                None => found.push(plain_value(&text)?),
            },
        }
        if found.len() > MAX_ITEMS {
            return Err("it has too many values".into());
        }
    }
    Ok(found)
}

/// What the engine takes for true or false, in quotes or not.
fn truth(value: &Value) -> Option<bool> {
    let text = scalar(value)?;
    let lower = text.to_ascii_lowercase();
    let is_plain = text == lower || text == text.to_ascii_uppercase() || text.get(1..) == lower.get(1..);
    match lower.as_str() {
        "y" | "yes" | "true" | "on" if is_plain => Some(true),
        "n" | "no" | "false" | "off" if is_plain => Some(false),
        _ => None,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// What a value of a list or an exception stands for, once the engine has put it into the condition's text.
fn plain_value(text: &str) -> Result<String, String> {
    let quoted = in_condition(text);
    let mut lexer = Lexer::new(&quoted);
    match lexer.value() {
        Ok(Some(value)) if lexer.at_end() => Ok(value.text),
        Ok(_) => Err(format!("`{text}` has to be quoted")),
        Err(error) => Err(error.reason),
    }
}

/// A value as the engine writes it into a condition: in quotes if there are blanks in it.
fn in_condition(text: &str) -> String {
    if (text.contains(' ') || text.is_empty()) && !text.starts_with(['"', '\'']) {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    }
}

fn missing(what: &str) -> ReadError {
    ReadError { offset: 0, reason: what.into() }
}

fn condition(entry: &Entry, definitions: &Definitions, fields: &FieldTable) -> Result<Formula, ReadError> {
    let text = entry.parts.get("condition").and_then(Value::as_str).ok_or_else(|| missing("it has no condition"))?;
    read_condition(text, definitions, fields)
}

/// The condition of a rule with its exceptions. Rules know all macros of the file, macros only those before them.
fn whole_condition(entry: &Entry, definitions: &Definitions, fields: &FieldTable) -> Result<Formula, ReadError> {
    let formula = condition(entry, definitions, fields)?;
    let mut parts = vec![formula];
    if let Some(exceptions) = entry.parts.get("exceptions") {
        let list = exceptions.as_sequence().ok_or_else(|| missing("`exceptions` is a list"))?;
        for exception in list {
            let text = exception_text(exception).map_err(|reason| missing(&reason))?;
            if !text.is_empty() {
                let read = read_condition(&text, definitions, fields)
                    .map_err(|error| missing(&format!("exception: {} in `{text}`", error.reason)))?;
                parts.push(Formula::not(read));
            }
        }
    }
    Ok(Formula::and(parts))
}

/// Operators with a list on their right.
fn is_of_lists(operator: &str) -> bool {
    matches!(operator, "in" | "intersects" | "pmatch")
}

/// An exception as a condition, the way the engine writes it; empty for an exception without values.
fn exception_text(exception: &Value) -> Result<String, String> {
    let Some(values) = exception.get("values").and_then(Value::as_sequence).filter(|values| !values.is_empty()) else {
        return Ok(String::new());
    };
    let fields = exception.get("fields").ok_or("an exception names its `fields`")?;
    let comps = exception.get("comps");
    let several = |items: &[Value]| -> Result<String, String> {
        let texts: Option<Vec<String>> =
            items.iter().map(|item| scalar(item).map(|text| in_condition(&text))).collect();
        texts.map(|texts| format!("({})", texts.join(", "))).ok_or_else(|| "a value is a text or a number".into())
    };
    if let Some(field) = fields.as_str() {
        let operator = comps.map_or(Some("in"), Value::as_str).ok_or("`comps` of one field is one operator")?;
        if !is_of_lists(operator) {
            return Err("`comps` of one field is `in`, `pmatch` or `intersects`".into());
        }
        return Ok(format!("{field} {operator} {}", several(values)?));
    }
    let names: Vec<&str> =
        fields.as_sequence().map(|names| names.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
    let operators: Vec<&str> = match comps {
        None => vec!["="; names.len()],
        Some(comps) => {
            comps.as_sequence().map(|comps| comps.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
        }
    };
    if names.is_empty() || names.len() != operators.len() {
        return Err("an exception has as many `comps` as `fields`".into());
    }
    let mut any = Vec::new();
    for tuple in values {
        let tuple = tuple.as_sequence().filter(|tuple| tuple.len() == names.len());
        let tuple = tuple.ok_or("each entry of an exception has as many values as there are fields")?;
        let mut all = Vec::new();
        for ((name, operator), value) in names.iter().zip(&operators).zip(tuple) {
            let written = match value {
                Value::Sequence(items) => several(items)?,
                // What stands in brackets is taken as it is: a list's name, or values with commas and quotes of their own.
                value if is_of_lists(operator) => {
                    let text = scalar(value).ok_or("a value is a text or a number")?;
                    if text.starts_with('(') { text } else { format!("({text})") }
                }
                value => in_condition(&scalar(value).ok_or("a value is a text or a number")?),
            };
            all.push(format!("{name} {operator} {written}"));
        }
        any.push(format!("({})", all.join(" and ")));
    }
    Ok(any.join(" or "))
}
