//! The conditions of a proposal: what it asks of a column, which cells satisfy it, and how it is written.
//!
//! Values are generalised in three ways only: to a list of values that were seen, to several that all have to be there,
//! and to a directory that all of them lie under. No wildcard, no part of a text, no expression is ever made up.

use std::fmt::Write as _;

use serde::Serialize;

use super::column::Cell;
use crate::logic::{Case, Formula, Glob, Pattern, Predicate, TextSet};
use crate::printable::one_line;
use crate::source::Field;

/// What is asked of one column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// Which.
    pub column: usize,
    /// What.
    pub form: Form,
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A value is one of these.
    OneOf(Vec<Box<str>>),
    /// All of these are among the values.
    All(Vec<Box<str>>),
    /// A value is a path under this directory.
    Under(String),
}

impl Form {
    /// What a cell holds, word for word.
    pub fn of(cell: &Cell) -> Self {
        match cell.values.as_slice() {
            [_] => Form::OneOf(cell.values.clone()),
            _ => Form::All(cell.values.clone()),
        }
    }

    /// The sets of texts, each of which has to hold some value.
    fn sets(&self, case: Case) -> Vec<TextSet> {
        let equals = |text: &str| Pattern::Glob(Glob::equals(text));
        match self {
            Form::OneOf(values) => vec![TextSet::new(values.iter().map(|value| equals(value)).collect(), case)],
            Form::All(values) => values.iter().map(|value| TextSet::new(vec![equals(value)], case)).collect(),
            Form::Under(path) => vec![TextSet::new(vec![Pattern::Path { path: path.clone(), below: true }], case)],
        }
    }

    /// Whether each of `cells` satisfies it. What a rule is free to except counts: that is what may be lost.
    pub fn satisfied<'c>(&self, case: Case, cells: impl IntoIterator<Item = &'c Cell>) -> Vec<bool> {
        let sets = self.sets(case);
        let has = |cell: &Cell, set: &TextSet| {
            cell.values.iter().any(|value| self.may_ask_for(value) && set.is_match(value, true))
        };
        cells.into_iter().map(|cell| sets.iter().all(|set| has(cell, set))).collect()
    }

    /// False for most texts that are not asked for, at the price of a comparison: there are thousands. In ASCII only the
    /// case of letters may differ.
    fn may_ask_for(&self, text: &str) -> bool {
        match self {
            Form::OneOf(values) | Form::All(values) => {
                let mut values = values.iter();
                values.any(|value| value.eq_ignore_ascii_case(text) || !(value.is_ascii() && text.is_ascii()))
            }
            Form::Under(_) => true,
        }
    }

    /// The condition on the events of a log source.
    pub fn formula(&self, field: &Field) -> Formula {
        Formula::and(
            self.sets(field.case).into_iter().map(|set| {
                Formula::or(field.paths.iter().map(|path| Formula::test(path, Predicate::Text(set.clone()))))
            }),
        )
    }

    /// The key and the value of a selection, as YAML.
    pub fn yaml(&self, field: &str) -> String {
        let list = |values: &[Box<str>]| {
            values.iter().fold(String::new(), |mut text, value| {
                _ = write!(text, "\n        - {}", quoted(&literal(value)));
                text
            })
        };
        match self {
            Form::OneOf(values) => match values.as_slice() {
                [value] => format!("{field}: {}", quoted(&literal(value))),
                values => format!("{field}:{}", list(values)),
            },
            Form::All(values) => format!("{field}|all:{}", list(values)),
            Form::Under(path) => format!("{field}|under: {}", quoted(path)),
        }
    }

    /// It in one line, for people.
    pub fn words(&self, field: &str) -> String {
        let list = |values: &[Box<str>], between: &str| {
            values.iter().map(|value| one_line(value)).collect::<Vec<_>>().join(between)
        };
        match self {
            Form::OneOf(values) => format!("{field} = {}", list(values, " | ")),
            Form::All(values) => format!("{field} = {}", list(values, " & ")),
            Form::Under(path) => format!("{field} under {}", one_line(path)),
        }
    }
}

/// A text as a value that means it and nothing else: without wildcards, and no name of a list.
fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    if text.starts_with('$') {
        escaped.push('\\');
    }
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '?') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A YAML scalar on one line; between quotes unless it is a plain word or path. Everything but ASCII is escaped, so that
/// no letter can pass for another.
pub fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.@-".contains(&b))
        && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word));
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            ' '..='~' => quoted.push(c),
            c => _ = write!(quoted, "\\U{:08x}", u32::from(c)),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::detection::yaml;
    use crate::diagnostic::SourceFile;

    fn read_back(text: &str) -> serde_json::Value {
        let file: Arc<SourceFile> = SourceFile::new("x.yml", format!("a: {}\n", quoted(text)));
        yaml::parse(&file).expect("YAML").to_json()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever a log holds, the value that is written is that text and nothing else.
        #[test]
        fn values_are_written_as_they_are(text in r#"[\\*?$"' :#a-z0-9\[\]{}&|>%@`!,~ä\u{430}\u{1F600}-]{1,12}"#) {
            let form = Form::OneOf(vec![text.clone().into_boxed_str()]);
            let value = read_back(&literal(&text));
            let written = value.get("a").and_then(|value| value.as_str()).expect("text").to_owned();
            let pattern = crate::detection::value::text(&written, false, false);
            prop_assert_eq!(pattern, Pattern::Glob(Glob::equals(text.as_str())));
            prop_assert!(!written.starts_with('$'));
            prop_assert!(form.yaml("f").starts_with("f: "));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        /// What is seen by a comparison is what the sets say.
        #[test]
        fn a_cell_satisfies_what_the_sets_say(
            asked in prop::collection::vec("[aAkKs\u{17f}\u{212a}\u{e4}\u{c4}/]{1,2}", 1..3),
            held in prop::collection::vec("[aAkKs\u{17f}\u{212a}\u{e4}\u{c4}/]{1,2}", 0..3),
        ) {
            let boxed = |texts: &[String]| texts.iter().map(|text| text.clone().into_boxed_str()).collect::<Vec<_>>();
            let cell = Cell { values: boxed(&held), named: true };
            for form in [Form::OneOf(boxed(&asked)), Form::All(boxed(&asked))] {
                for case in [Case::Sensitive, Case::Insensitive, Case::Either] {
                    let sets = form.sets(case);
                    let wanted = sets.iter().all(|set| cell.values.iter().any(|value| set.is_match(value, true)));
                    prop_assert_eq!(form.satisfied(case, [&cell]), [wanted]);
                }
            }
        }
    }

    #[test]
    fn words_that_yaml_would_take_for_something_else_are_quoted() {
        for (text, written) in [
            ("null", "\"null\""),
            ("No", "\"No\""),
            ("0", "\"0\""),
            ("1e3", "\"1e3\""),
            ("~", "\"~\""),
            ("a b", "\"a b\""),
            ("nginx:1.27", "\"nginx:1.27\""),
            ("/usr/bin/x-y", "/usr/bin/x-y"),
            ("pаypal", "\"p\\U00000430ypal\""),
        ] {
            assert_eq!(quoted(text), written);
        }
    }
}
