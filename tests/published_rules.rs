//! The readers on rules that others published. They are not part of the project: say where they are.
//!
//! - `CRESSET_FALCO_RULES`: a directory with Falco rules files.
//! - `CRESSET_ELASTIC_RULES`: a directory with rules as Elastic's `detection-rules` repository keeps them.
//! - `CRESSET_SPLUNK_RULES`: a directory with the `detections` and `macros` of Splunk's `security_content` repository.

#![allow(clippy::indexing_slicing, reason = "a wrong index fails the test, as it should")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use cresset::language::{FieldTable, FieldType, ReadError, eql, falco, kql, spl};
use serde_yaml::Value;

fn files(variable: &str, extension: &str) -> Option<Vec<PathBuf>> {
    let Some(root) = std::env::var_os(variable) else {
        eprintln!("NOT RUN: {variable} is not set");
        return None;
    };
    let files: Vec<PathBuf> = walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.expect("a readable directory").into_path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    assert!(!files.is_empty(), "{variable} names a directory without .{extension} files");
    Some(files)
}

/// Types a field could have, tried in turn when what a rule asks does not fit.
const TYPES: [FieldType; 5] =
    [FieldType::Text, FieldType::Number, FieldType::Address, FieldType::Boolean, FieldType::TextList];

/// Reads with types of fields that make sense of the rule: rules come without their schema.
fn with_types<T>(read: impl Fn(&FieldTable) -> Result<T, ReadError>) -> Result<T, ReadError> {
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        let mut fields = FieldTable::default();
        fields.insert("*", FieldType::Text);
        for (name, at) in &tried {
            fields.insert(name.as_str(), TYPES[*at]);
        }
        let error = match read(&fields) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let named =
            error.reason.split('`').skip(1).step_by(2).filter(|name| name.contains('.')).last().map(str::to_owned);
        let at = named.map(|name| tried.entry(name).or_insert(0));
        match at {
            Some(at) if *at + 1 < TYPES.len() => *at += 1,
            _ => return Err(error),
        }
    }
}

#[derive(Default)]
struct Count {
    read: usize,
    reasons: BTreeMap<String, Vec<String>>,
}

impl Count {
    fn add<T>(&mut self, name: &str, result: Result<T, ReadError>) {
        match result {
            Ok(_) => self.read += 1,
            Err(error) => {
                let general = error.reason.split('`').step_by(2).collect::<Vec<_>>().join("…");
                self.reasons.entry(general).or_default().push(format!("{name}: {error}"));
            }
        }
    }

    fn report(&self, what: &str, least: f64) {
        let total = self.read + self.reasons.values().map(Vec::len).sum::<usize>();
        let share = 100.0 * self.read as f64 / total.max(1) as f64;
        eprintln!("{what}: {} of {total} read ({share:.1} %)", self.read);
        for (reason, rules) in &self.reasons {
            eprintln!("  {} × {reason}, such as {}", rules.len(), rules[0]);
        }
        assert!(share >= least, "{what}: fewer rules are read than before");
    }
}

#[test]
fn falco_rules_are_read() {
    let Some(files) = files("CRESSET_FALCO_RULES", "yaml") else { return };
    let mut count = Count::default();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a text");
        let mut table = FieldTable::default();
        table.insert("*", FieldType::Text);
        let names: Vec<String> = match falco::read::read_file(&text, &table) {
            Ok(file) => file.rules.into_iter().map(|rule| rule.name).collect(),
            Err(error) => panic!("{}: {error}", path.display()),
        };
        for name in names {
            count.add(
                &name,
                with_types(|fields| {
                    let file = falco::read::read_file(&text, fields).expect("it was read before");
                    let rule = file.rules.into_iter().find(|rule| rule.name == name).expect("the same rules");
                    rule.condition.map_err(|mut error| {
                        // A macro's own fault says more than that it is unknown.
                        while let Some((_, cause)) = file
                            .broken_macros
                            .iter()
                            .find(|(name, _)| error.reason == format!("unknown macro `{name}`"))
                        {
                            error = cause.clone();
                        }
                        error
                    })
                }),
            );
        }
    }
    count.report("Falco", 80.0);
}

#[test]
fn elastic_rules_are_read() {
    let Some(files) = files("CRESSET_ELASTIC_RULES", "toml") else { return };
    let (mut kuery, mut eql_rules) = (Count::default(), Count::default());
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a text");
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let Some(query) = multi_line(&text, "\nquery = ") else { continue };
        if text.contains("\nlanguage = \"kuery\"") {
            kuery.add(&name, with_types(|fields| kql::read::read(&query, fields)));
        } else if text.contains("\nlanguage = \"eql\"") {
            eql_rules.add(&name, with_types(|fields| eql::read::read(&query, fields)));
        }
    }
    kuery.report("KQL", 90.0);
    eql_rules.report("EQL", 60.0);
}

/// A TOML string over several lines.
fn multi_line(text: &str, key: &str) -> Option<String> {
    // Investigation guides hold queries too, of another language; the rule's own comes last.
    let value = &text[text.rfind(key)? + key.len()..];
    if let Some(raw) = value.strip_prefix("'''") {
        return raw.split_once("'''").map(|(query, _)| query.to_owned());
    }
    let escaped = value.strip_prefix("\"\"\"")?.split_once("\"\"\"")?.0;
    Some(escaped.replace("\\\\", "\u{1}").replace("\\\"", "\"").replace('\u{1}', "\\"))
}

/// Most of what Splunk publishes counts, joins or summarises events, or reads summaries (`tstats`): no condition on one
/// event says that, and the reader refuses it by the command's name. What is left are searches that pick events.
#[test]
fn splunk_searches_are_read() {
    let Some(files) = files("CRESSET_SPLUNK_RULES", "yml") else { return };
    let documents: Vec<(PathBuf, Value)> = files
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            Some((path, serde_yaml::from_str(&text).ok()?))
        })
        .collect();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut macros = spl::read::Macros::default();
    for (_, document) in &documents {
        let (Some(name), Some(definition)) = (text(document, "name"), text(document, "definition")) else { continue };
        let arguments = document.get("arguments").and_then(Value::as_sequence).cloned().unwrap_or_default();
        let arguments: Vec<String> = arguments.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let name = if arguments.is_empty() { name } else { format!("{name}({})", arguments.len()) };
        macros.insert(&name, arguments, &definition);
    }
    let (mut all, mut events) = (Count::default(), Count::default());
    for (path, document) in &documents {
        let Some(search) = text(document, "search") else { continue };
        let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
        // The app makes one of these for every search.
        let mut macros = macros.clone();
        macros.insert(&format!("{name}_filter"), Vec::new(), "search *");
        let read = || with_types(|fields| spl::read::read_search(&search, &macros, fields));
        all.add(&name, read());
        // Whether what picks the events is understood, whatever is counted of them afterwards.
        if !search.trim_start().starts_with('|') {
            let first = search.split('|').next().unwrap_or_default().to_owned();
            events.add(&name, with_types(|fields| spl::read::read_search(&first, &macros, fields)));
        }
    }
    all.report("SPL, whole searches", 0.5);
    events.report("SPL, the terms before the first command", 85.0);
}
