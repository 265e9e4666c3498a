//! What a condition says of an event, test by test, for people and for programs.

use serde_json::{Value, json};

use crate::logic::{Event, Explanation, Formula, Reading, Subject, explain};
use crate::target::shown;

/// How many of a field's values are shown.
const MOST_VALUES: usize = 4;
/// How much of a value is shown.
const LONGEST: usize = 160;

/// What `formula` says of `event`, as lines: each part with `+` if it holds and `-` if it does not, its own parts
/// indented below it. Parts that had no say in the verdict are left out.
pub fn lines(formula: &Formula, event: &Event, reading: Reading) -> Vec<String> {
    let mut lines = Vec::new();
    write(&explain(formula, event, reading), 0, &mut lines);
    lines
}

fn write(explanation: &Explanation<'_>, depth: usize, lines: &mut Vec<String>) {
    let sign = if explanation.verdict { '+' } else { '-' };
    let text = match explanation.formula {
        Formula::And(parts) if parts.is_empty() => "always".to_owned(),
        Formula::Or(parts) if parts.is_empty() => "never".to_owned(),
        Formula::And(_) => "all of".to_owned(),
        Formula::Or(_) => "one of".to_owned(),
        Formula::Not(_) => "not".to_owned(),
        Formula::AtLeast { count, .. } => format!("at least {count} of"),
        Formula::Element { path, .. } => format!("one and the same of {path}"),
        Formula::Test(test) => {
            let subject = match &test.subject {
                Subject::Field(path) => path.to_string(),
                Subject::Anywhere => "any field".to_owned(),
            };
            let values = match &explanation.value {
                Some(value) => format!("has {}", quoted(value)),
                None if explanation.seen.is_empty() => "has no value".to_owned(),
                None => {
                    let mut seen: Vec<String> = explanation.seen.iter().take(MOST_VALUES).map(|v| quoted(v)).collect();
                    if explanation.seen.len() > MOST_VALUES {
                        seen.push(format!("… ({} in all)", explanation.seen.len()));
                    }
                    format!("has {}", seen.join(", "))
                }
            };
            // An expression may hold line feeds.
            let asked = shown(&test.predicate).replace('\n', "\\n");
            format!("{subject} {asked}   ({values})")
        }
    };
    lines.push(format!("{}{sign} {text}", "  ".repeat(depth)));
    explanation.parts.iter().filter(|part| decides(explanation, part)).for_each(|part| write(part, depth + 1, lines));
}

/// Whether a part had a say in the verdict of the whole.
fn decides(whole: &Explanation<'_>, part: &Explanation<'_>) -> bool {
    match whole.formula {
        Formula::And(_) => whole.verdict || !part.verdict,
        Formula::Or(_) => !whole.verdict || part.verdict,
        _ => true,
    }
}

fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// The same for programs: every part with `holds`, what it is, and its `parts`.
pub fn value(formula: &Formula, event: &Event, reading: Reading) -> Value {
    of(&explain(formula, event, reading))
}

fn of(explanation: &Explanation<'_>) -> Value {
    let parts = || -> Vec<Value> { explanation.parts.iter().map(of).collect() };
    let holds = explanation.verdict;
    match explanation.formula {
        Formula::And(_) => json!({ "holds": holds, "all": parts() }),
        Formula::Or(_) => json!({ "holds": holds, "any": parts() }),
        Formula::Not(_) => json!({ "holds": holds, "not": parts() }),
        Formula::AtLeast { count, .. } => json!({ "holds": holds, "at_least": count, "of": parts() }),
        Formula::Element { path, .. } => json!({ "holds": holds, "element": path.to_string(), "of": parts() }),
        Formula::Test(test) => {
            let field = match &test.subject {
                Subject::Field(path) => Some(path.to_string()),
                Subject::Anywhere => None,
            };
            let values = explanation.value.iter().chain(&explanation.seen).take(MOST_VALUES);
            let values: Vec<&String> = values.collect();
            json!({ "holds": holds, "field": field, "test": shown(&test.predicate), "values": values })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::{Case, Predicate, TextSet};

    #[test]
    fn only_what_decides_is_shown_and_long_values_are_cut() {
        let test = |field: &str, text: &str| {
            let set = TextSet::equals(text, Case::Sensitive);
            Formula::test(&field.parse().expect("a path"), Predicate::Text(set))
        };
        let formula = Formula::and([test("a", "x"), Formula::not(test("b", "y"))]);
        let event = serde_json::json!({ "a": "x", "b": ["y", "z".repeat(1000)] });
        assert_eq!(lines(&formula, &event, Reading::Must), ["- all of", "  - not", r#"    + b = y   (has "y")"#]);
        let long = lines(&test("b", "w"), &event, Reading::Must).join("\n");
        assert!(long.contains('…') && long.len() < 400, "{long}");
        assert_eq!(value(&formula, &event, Reading::Must)["all"][0]["holds"], true);
    }
}
