//! Conditions as compact JSON, and back, to keep them where text is kept.
//!
//! Every part is a list that begins with a word: `["and", …]`, `["text", "process.name", "either", ["gdocker"]]`. What
//! conditions share, long lists of patterns, how a command reads its options and which programs start others, is kept
//! beside them in [`Tables`], by a digest of its content.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::encoding::Encoding;
use super::formula::{Comparison, Formula, Number, Predicate, Subject, Test};
use super::option::{Command, Grammar, Launchers, OptionTest, OptionValue, ValueForm, ValueTest};
use super::path::Path;
use super::pattern::{Case, Glob, Pattern, Piece, TextSet};

/// How many digits of a digest name a table: enough to tell all tables of the world apart.
const DIGITS: usize = 16;
/// Patterns that are longer than this as JSON get a table.
const LONG_LIST: usize = 100;

/// What conditions share, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    tables: BTreeMap<String, Value>,
    /// Nothing goes to a table: every list is spelled out.
    spelled_out: bool,
}

impl Tables {
    /// The tables, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.tables.iter().map(|(name, table)| (name.as_str(), table))
    }

    /// A table that was read. False if its name is not its content's.
    pub fn insert(&mut self, name: &str, table: Value) -> bool {
        let sound = digest(&table.to_string(), DIGITS) == name;
        if sound {
            self.tables.insert(name.to_owned(), table);
        }
        sound
    }

    /// Adds all of another's.
    pub fn extend(&mut self, other: Tables) {
        self.tables.extend(other.tables);
    }

    fn add(&mut self, table: Value) -> Value {
        let name = digest(&table.to_string(), DIGITS);
        self.tables.insert(name.clone(), table);
        Value::String(name)
    }
}

/// The first hexadecimal digits of a text's SHA-256.
pub fn digest(text: &str, digits: usize) -> String {
    let mut digest: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    digest.truncate(digits);
    digest
}

/// A text that is the same for equal formulas alone; to sort them by.
pub(super) fn key(formula: &Formula) -> String {
    write(formula, &mut Tables::default()).to_string()
}

/// What conditions are put in order by where their order says nothing: first what they ask about, then what they ask.
/// An entry more at the end of a list leaves the order as it is.
pub fn order(formula: &Formula) -> (String, String) {
    let mut tables = Tables { spelled_out: true, ..Tables::default() };
    (subjects(formula), write(formula, &mut tables).to_string())
}

/// The fields of a condition, and the names of options, in its order.
fn subjects(formula: &Formula) -> String {
    let mut text = String::new();
    formula.each_test(&mut |path, test| {
        text.push_str(&path.map(Path::to_string).unwrap_or_default());
        text.push(' ');
        if let Predicate::Option(option) = &test.predicate {
            text.push_str(&option.names.join(" "));
        }
        text.push(' ');
    });
    text
}

/// A condition as JSON; what it shares with others goes to `tables`.
pub fn write(formula: &Formula, tables: &mut Tables) -> Value {
    let list = |word: &str, parts: &[Formula], tables: &mut Tables| {
        let mut all = vec![json!(word)];
        all.extend(parts.iter().map(|part| write(part, tables)));
        Value::Array(all)
    };
    match formula {
        Formula::And(parts) => list("and", parts, tables),
        Formula::Or(parts) => list("or", parts, tables),
        Formula::Not(part) => json!(["not", write(part, tables)]),
        Formula::AtLeast { count, of } => {
            let mut all = vec![json!("least"), json!(count)];
            all.extend(of.iter().map(|part| write(part, tables)));
            Value::Array(all)
        }
        Formula::Element { path, body } => json!(["in", write_path(path), write(body, tables)]),
        Formula::Test(test) => {
            let subject = match &test.subject {
                Subject::Field(path) => write_path(path),
                Subject::Anywhere => Value::Null,
            };
            match &test.predicate {
                Predicate::Text(set) => {
                    let (case, any) = write_set(set, tables);
                    json!(["text", subject, case, any])
                }
                Predicate::Encoded(encoding, set) => {
                    let (case, any) = write_set(set, tables);
                    json!(["encoded", subject, encoding.name(), case, any])
                }
                Predicate::Number { op, value } => json!(["number", subject, op.sign(), value.to_string()]),
                Predicate::Network(network) => json!(["network", subject, network]),
                Predicate::Boolean(value) => json!(["is", subject, value]),
                Predicate::Exists => json!(["exists", subject]),
                Predicate::Field { op, other } => json!(["field", subject, op.sign(), write_path(other)]),
                Predicate::Option(option) => json!(["option", subject, write_option(option, tables)]),
            }
        }
    }
}

fn write_path(path: &Path) -> Value {
    let text = path.to_string();
    // A segment that holds a quote has no spelling.
    if text.parse().is_ok_and(|same: Path| same == *path) {
        Value::String(text)
    } else {
        Value::Array(path.segments().iter().map(|segment| json!(**segment)).collect())
    }
}

fn write_set(set: &TextSet, tables: &mut Tables) -> (&'static str, Value) {
    let case = match set.case {
        Case::Sensitive => "cased",
        Case::Insensitive => "nocase",
        Case::Either => "either",
    };
    let pattern = |pattern: &Pattern| match pattern {
        Pattern::Glob(_) => format!("g{pattern}"),
        Pattern::Regex(source) => format!("r{source}"),
        Pattern::Path { path, below: false } => format!("p{path}"),
        Pattern::Path { path, below: true } => format!("u{path}"),
    };
    let any = Value::Array(set.any.iter().map(|one| Value::String(pattern(one))).collect());
    (case, if !tables.spelled_out && any.to_string().len() > LONG_LIST { tables.add(any) } else { any })
}

fn write_option(option: &OptionTest, tables: &mut Tables) -> Value {
    let commands: Vec<Value> = option
        .commands
        .iter()
        .map(|command| {
            let Grammar { flags, values, interspersed } = &*command.grammar;
            let mut grammar = json!({ "flags": flags, "interspersed": interspersed });
            with_more(&mut grammar, "values", values);
            let grammar = tables.add(grammar);
            json!([command.program, command.words.join(" "), grammar])
        })
        .collect();
    let Launchers { wrappers, shells, texts } = &*option.launchers;
    let mut launchers = json!({ "wrappers": wrappers, "shells": shells });
    with_more(&mut launchers, "texts", texts);
    let launchers = tables.add(launchers);
    let value = match &option.value {
        OptionValue::Switch => json!("switch"),
        OptionValue::Given { form, tests } => {
            let form = match form {
                ValueForm::Plain => "plain",
                ValueForm::Volume => "volume",
                ValueForm::Keys => "keys",
            };
            let tests: Vec<Value> = tests
                .iter()
                .map(|test| match test {
                    ValueTest::Whole(set) => {
                        let (case, any) = write_set(set, tables);
                        json!(["whole", case, any])
                    }
                    ValueTest::Key(keys, set) => {
                        let (case, any) = write_set(set, tables);
                        json!(["key", keys, case, any])
                    }
                    ValueTest::ReadOnly(value) => json!(["readonly", value]),
                })
                .collect();
            let mut all = vec![json!(form)];
            all.extend(tests);
            Value::Array(all)
        }
    };
    json!([commands, option.names, value, launchers])
}

/// Adds words to a table, if there are any: tables from before there were such words have none.
fn with_more(table: &mut Value, name: &str, words: &BTreeSet<String>) {
    if let (Value::Object(table), false) = (table, words.is_empty()) {
        table.insert(name.to_owned(), json!(words));
    }
}

/// The condition that `value` says; `None` if it is none, or needs a table that is not there.
pub fn read(value: &Value, tables: &Tables) -> Option<Formula> {
    read_at(value, tables, 0)
}

/// Nothing that is written is nested deeper.
const DEEPEST: usize = 200;

fn read_at(value: &Value, tables: &Tables, depth: usize) -> Option<Formula> {
    if depth > DEEPEST {
        return None;
    }
    let (word, rest) = value.as_array()?.split_first()?;
    let part = |value: &Value| read_at(value, tables, depth + 1);
    let all = |values: &[Value]| values.iter().map(part).collect::<Option<Vec<Formula>>>();
    let predicate = |predicate: Option<Predicate>| {
        let subject = match rest.first()? {
            Value::Null => Subject::Anywhere,
            path => Subject::Field(read_path(path)?),
        };
        Some(Formula::Test(Test { subject, predicate: predicate?, origin: Default::default() }))
    };
    match (word.as_str()?, rest) {
        ("and", parts) => Some(Formula::And(all(parts)?)),
        ("or", parts) => Some(Formula::Or(all(parts)?)),
        ("not", [one]) => Some(Formula::Not(Box::new(part(one)?))),
        ("least", [count, of @ ..]) => {
            Some(Formula::AtLeast { count: usize::try_from(count.as_u64()?).ok()?, of: all(of)? })
        }
        ("in", [path, body]) => Some(Formula::element(read_path(path)?, part(body)?)),
        ("text", [_, case, any]) => predicate(read_set(case, any, tables).map(Predicate::Text)),
        ("encoded", [_, encoding, case, any]) => {
            let encoding = Encoding::deserialize(encoding).ok()?;
            predicate(read_set(case, any, tables).map(|set| Predicate::Encoded(encoding, set)))
        }
        ("number", [_, op, number]) => {
            let value = Number::new(number.as_str()?.parse().ok()?)?;
            predicate(Some(Predicate::Number { op: read_op(op)?, value }))
        }
        ("network", [_, network]) => predicate(network.as_str()?.parse().ok().map(Predicate::Network)),
        ("is", [_, value]) => predicate(value.as_bool().map(Predicate::Boolean)),
        ("exists", [_]) => predicate(Some(Predicate::Exists)),
        ("field", [_, op, other]) => predicate(Some(Predicate::Field { op: read_op(op)?, other: read_path(other)? })),
        ("option", [_, option]) => predicate(read_option(option, tables).map(|o| Predicate::Option(Arc::new(o)))),
        _ => None,
    }
}

fn read_path(value: &Value) -> Option<Path> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Array(segments) => {
            let segments: Option<Vec<&str>> = segments.iter().map(Value::as_str).collect();
            Some(Path::from_segments(segments?))
        }
        _ => None,
    }
}

fn read_op(value: &Value) -> Option<Comparison> {
    let all =
        [Comparison::Equal, Comparison::Less, Comparison::LessOrEqual, Comparison::Greater, Comparison::GreaterOrEqual];
    all.into_iter().find(|op| Some(op.sign()) == value.as_str())
}

fn read_set(case: &Value, any: &Value, tables: &Tables) -> Option<TextSet> {
    let case = match case.as_str()? {
        "cased" => Case::Sensitive,
        "nocase" => Case::Insensitive,
        "either" => Case::Either,
        _ => return None,
    };
    let pattern = |value: &Value| {
        let text = value.as_str()?;
        let (kind, rest) = text.split_at_checked(1)?;
        match kind {
            "g" => read_glob(rest).map(Pattern::Glob),
            "r" => Some(Pattern::Regex(rest.to_owned())),
            "p" | "u" => Some(Pattern::Path { path: rest.to_owned(), below: kind == "u" }),
            _ => None,
        }
    };
    let any = any.as_str().map_or(Some(any), |name| tables.tables.get(name))?;
    Some(TextSet::new(any.as_array()?.iter().map(pattern).collect::<Option<_>>()?, case))
}

/// A glob in the spelling that its `Display` has.
fn read_glob(text: &str) -> Option<Glob> {
    let mut pieces = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Literal(rest.next()?.to_string()),
            c => Piece::Literal(c.to_string()),
        });
    }
    Some(Glob::new(pieces))
}

fn read_option(value: &Value, tables: &Tables) -> Option<OptionTest> {
    let [commands, names, value, launchers] = value.as_array()?.as_slice() else { return None };
    let texts = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let set = |value: Option<&Value>| -> Option<BTreeSet<String>> { Some(texts(value?)?.into_iter().collect()) };
    let more = |value: Option<&Value>| value.map_or(Some(BTreeSet::new()), |value| set(Some(value)));
    let table = |name: &Value| tables.tables.get(name.as_str()?);
    let command = |value: &Value| {
        let [program, words, grammar] = value.as_array()?.as_slice() else { return None };
        let grammar = table(grammar)?;
        let words = words.as_str()?.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let program = match program {
            Value::Null => None,
            program => Some(program.as_str()?.to_owned()),
        };
        let grammar = Grammar {
            flags: set(grammar.get("flags"))?,
            values: more(grammar.get("values"))?,
            interspersed: grammar.get("interspersed")?.as_bool()?,
        };
        Some(Command { program, words, grammar: Arc::new(grammar) })
    };
    let launchers = table(launchers)?;
    let launchers = Launchers {
        wrappers: set(launchers.get("wrappers"))?,
        shells: set(launchers.get("shells"))?,
        texts: more(launchers.get("texts"))?,
    };
    let value = match value {
        Value::String(word) if word == "switch" => OptionValue::Switch,
        given => {
            let (form, tests) = given.as_array()?.split_first()?;
            let form = match form.as_str()? {
                "plain" => ValueForm::Plain,
                "volume" => ValueForm::Volume,
                "keys" => ValueForm::Keys,
                _ => return None,
            };
            let test = |test: &Value| match test.as_array()?.as_slice() {
                [word, case, any] if word == "whole" => read_set(case, any, tables).map(ValueTest::Whole),
                [word, keys, case, any] if word == "key" => {
                    Some(ValueTest::Key(texts(keys)?, read_set(case, any, tables)?))
                }
                [word, value] if word == "readonly" => value.as_bool().map(ValueTest::ReadOnly),
                _ => None,
            };
            OptionValue::Given { form, tests: tests.iter().map(test).collect::<Option<_>>()? }
        }
    };
    Some(OptionTest {
        commands: commands.as_array()?.iter().map(command).collect::<Option<_>>()?,
        names: texts(names)?,
        value,
        launchers: Arc::new(launchers),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logic::decide::oracle::formula;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn what_is_written_is_read_back(formula in formula()) {
            let mut tables = Tables::default();
            let text = write(&formula, &mut tables).to_string();
            let value = serde_json::from_str(&text).expect("JSON");
            prop_assert_eq!(read(&value, &tables), Some(formula));
        }
    }

    #[test]
    fn the_built_in_detections_survive() {
        use crate::detection::load;
        use crate::project::Project;
        use crate::source::Catalogue;
        let loaded = load(&Project::built_in(), Catalogue::builtin());
        let mut options = 0;
        for observation in loaded.detections.iter().flat_map(|detection| &detection.observations) {
            let mut tables = Tables::default();
            let value = write(&observation.formula, &mut tables);
            assert_eq!(read(&value, &tables).as_ref(), Some(&observation.formula));
            observation
                .formula
                .each_test(&mut |_, test| options += usize::from(matches!(test.predicate, Predicate::Option(_))));
        }
        assert!(options > 20, "{options}");
    }

    #[test]
    fn what_is_no_condition_is_none() {
        let tables = Tables::default();
        for text in [
            "null",
            "[]",
            "[1]",
            r#"["nand"]"#,
            r#"["not"]"#,
            r#"["text", "a", "loud", []]"#,
            r#"["text", "", "cased", []]"#,
            r#"["text", "a", "cased", ["xb"]]"#,
            r#"["number", "a", "=", "much"]"#,
            r#"["option", "a", [[["x", "run", "0"]], [], "switch", "0"]]"#,
        ] {
            assert_eq!(read(&serde_json::from_str(text).expect("JSON"), &tables), None, "{text}");
        }
        let deep =
            format!("{}{}", r#"["not","#.repeat(DEEPEST + 20), "[\"and\"]".to_owned() + &"]".repeat(DEEPEST + 20));
        assert_eq!(serde_json::from_str(&deep).map(|value: Value| read(&value, &tables)).unwrap_or_default(), None);
        let mut tables = Tables::default();
        assert!(!tables.insert("0123456789abcdef", serde_json::json!({"flags": []})));
    }
}
