//! What must hold of every input, one function for each reader: the fuzz targets ask it of inputs that the fuzzer makes,
//! `tests/fuzz_corpus.rs` of those that are kept.
//!
//! A reader never panics. What it accepts is printed again in the same language where the language can say it, and what
//! is printed reads as the same: on no event do the two differ.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::LazyLock;
use std::time::Duration;

use cresset::detection::format::format;
use cresset::detection::load::load_text;
use cresset::diagnostic::SourceFile;
use cresset::language::{FieldTable, FieldType, Language, Query, ReadError, eql, falco, kql, print, sigma, spl};
use cresset::logic::decide::{Answer, Budget, Kind, Schema, between};
use cresset::logic::{Formula, Subject};
use cresset::pack::read::read_target;
use cresset::source::Catalogue;
use cresset::source::reader::{Choice, Format, read};
use cresset::target::{Target, load_all};

/// Fields of every type, by the beginnings of their names; all others are text.
static FIELDS: LazyLock<FieldTable> = LazyLock::new(|| {
    FieldTable::from([
        ("*", FieldType::Text),
        ("n*", FieldType::Number),
        ("b*", FieldType::Boolean),
        ("i*", FieldType::Address),
        ("l*", FieldType::TextList),
        ("x*", FieldType::Exact),
        ("o*", FieldType::Object),
    ])
});

static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| load_all(None).expect("the built-in targets load"));

/// One value a field, of the field's kind, as the printers take for granted.
fn schema(formula: &Formula) -> Schema {
    let mut schema = Schema::default();
    formula.each_test(&mut |inside, test| {
        let Subject::Field(path) = &test.subject else { return };
        let path = inside.map_or_else(|| path.clone(), |inside| inside.join(path));
        let name: Vec<&str> = path.segments().iter().map(|segment| &**segment).collect();
        match FIELDS.get(&name.join(".")) {
            Some(FieldType::TextList) => return,
            Some(FieldType::Number) => _ = schema.kinds.insert(path.clone(), Kind::Number),
            Some(FieldType::Boolean) => _ = schema.kinds.insert(path.clone(), Kind::Boolean),
            _ => {}
        }
        schema.single.insert(path);
    });
    schema
}

/// Asks that `text`, if it is read, is printed as something that reads as the same.
fn survives_printing(text: &str, language: Language, read: impl Fn(&Query) -> Result<Formula, ReadError>) {
    let formula = match read(&Query::Text(text.to_owned())) {
        Ok(formula) => formula,
        Err(error) => {
            assert!(error.offset <= text.len(), "{error} at {} of {}", error.offset, text.len());
            return;
        }
    };
    prints_as_it_means(&formula, language, read);
}

fn prints_as_it_means(formula: &Formula, language: Language, read: impl Fn(&Query) -> Result<Formula, ReadError>) {
    let Ok(query) = print(language, formula, &FIELDS) else { return };
    let again = read(&query).unwrap_or_else(|error| panic!("what is printed cannot be read: {error}\n{query:?}"));
    let budget = Budget { states: 20_000, nodes: 20_000, time: Duration::from_millis(200) };
    let verdict = between(formula, &again, &schema(formula), &budget);
    for answer in [verdict.must, verdict.may] {
        if let Answer::Fails(event) = answer {
            panic!("what is printed means something else on {event}\n{query:?}\n{formula:?}\n{again:?}");
        }
    }
}

fn text(query: &Query) -> &str {
    match query {
        Query::Text(text) => text,
        Query::Document(_) => "",
    }
}

/// Splunk: a whole search, terms of `search`, an expression of `where`.
pub fn spl(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    _ = spl::read::read_search(input, &Default::default(), &FIELDS);
    survives_printing(input, Language::Spl, |query| spl::read::read_condition(text(query), &FIELDS));
    survives_printing(input, Language::SplWhere, |query| spl::read::read_where_expression(text(query), &FIELDS));
}

/// Elastic's KQL.
pub fn kql(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    survives_printing(input, Language::Kql, |query| kql::read::read(text(query), &FIELDS));
}

/// Elastic's EQL.
pub fn eql(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    survives_printing(input, Language::Eql, |query| eql::read::read(text(query), &FIELDS).map(|(_, formula)| formula));
}

/// A condition of a Falco rule.
pub fn falco(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    let definitions = falco::read::Definitions::default();
    survives_printing(input, Language::Falco, |query| falco::read::read_condition(text(query), &definitions, &FIELDS));
}

/// A Sigma rule: a YAML document.
pub fn sigma(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    let Ok(formula) = sigma::read::read(input, &FIELDS) else { return };
    prints_as_it_means(&formula, Language::Sigma, |query| match query {
        Query::Document(document) => sigma::read::read_detection(document, &FIELDS),
        Query::Text(text) => sigma::read::read(text, &FIELDS),
    });
}

/// Reads files as those of a target's pack, and the condition of every rule in them.
fn pack(target: &str, files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) {
    let target = TARGETS.iter().find(|found| found.name() == target).expect("a built-in target");
    let files: BTreeMap<String, Vec<u8>> = files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect();
    for content in read_target(target, &files, &|_| FIELDS.clone()).values() {
        for rule in &content.rules {
            for settings in target.settings.sources.values() {
                _ = rule.text.condition(settings, &FIELDS);
                _ = (rule.text.assumed(settings, &FIELDS), rule.text.given());
            }
        }
    }
}

/// A file of Falco rules with its macros, lists and exceptions.
pub fn falco_file(data: &[u8]) {
    pack("falco", [("falco/cresset_container_rules.yaml", data.to_vec())]);
    if let Ok(input) = std::str::from_utf8(data) {
        _ = falco::read::read_file(input, &FIELDS);
    }
}

/// The two files of a Splunk app that hold searches, with a NUL between them.
pub fn splunk_app(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default().to_vec();
    let (searches, macros) = (next(), next());
    pack(
        "splunk",
        [
            ("splunk/cresset_container/default/savedsearches.conf", searches),
            ("splunk/cresset_container/default/macros.conf", macros),
        ],
    );
}

/// Lines of Elastic's rules.
pub fn elastic_rules(data: &[u8]) {
    pack("elastic", [("elastic/rules.ndjson", data.to_vec())]);
}

/// A detection: checked, and laid out in a way that checks the same and stays as it is.
pub fn detection(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    let file = |text: &str| SourceFile::new("fuzz.yml", text);
    let loaded = load_text(&file(input), "fuzz", Catalogue::builtin());
    let Ok(formatted) = format(&file(input)) else { return };
    let again = load_text(&file(&formatted), "fuzz", Catalogue::builtin());
    assert_eq!(loaded.detections.len(), again.detections.len(), "the layout changes what is read\n{formatted}");
    for (before, after) in loaded.detections.iter().zip(&again.detections) {
        for (before, after) in before.observations.iter().zip(&after.observations) {
            assert_eq!(before.formula, after.formula, "the layout changes the meaning\n{formatted}");
        }
    }
    let twice = format(&file(&formatted)).ok();
    assert_eq!(twice.as_ref(), Some(&formatted), "the layout does not keep its own result");
}

/// A log, in whatever format.
pub fn logs(data: &[u8]) {
    let formats =
        [None, Some(Format::Auditd), Some(Format::JsonLines), Some(Format::JsonArray), Some(Format::Documents)];
    for format in formats {
        let choice = Choice { format, source: None };
        if let Ok(records) = read(Box::new(Cursor::new(data.to_vec())), "fuzz", &choice) {
            // More records than bytes would be made up; packed ones may hold more.
            let packed = data.starts_with(&[0x1f, 0x8b]) || data.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
            let most = if packed { 100_000 } else { data.len() + 1 };
            assert!(records.take(most + 1).count() <= most || packed, "more records than bytes");
        }
    }
}
