//! Formulas as the `exceptions` of a Falco rule: lists of fields, operators and rows of values. A row excepts an event
//! when all of its comparisons hold; a comparison is false without a value, so that a missing field excepts nothing.
//!
//! An exception cannot deny anything and has no transformers; what needs them is left to the rule's condition.

use serde_json::{Value, json};

use super::print::{Check, Operand, checks};
use crate::language::Gap;
use crate::language::fields::{FieldTable, FieldType};
use crate::language::regex::Expressions;
use crate::language::walk::{self, Field};
use crate::logic::{Formula, Origin, Predicate, Subject, Test};

/// How many rows of values one exception may come to.
const MOST_ROWS: usize = 64;

/// Prints a formula as a list of items, each with `fields`, `comps` and `values`, of which one has to hold. Names are
/// up to who writes them down.
pub(in crate::language) fn print(
    formula: &Formula,
    fields: &FieldTable,
    expressions: &Expressions,
) -> Result<Value, Vec<Gap>> {
    let formula = walk::prepare("Falco", formula).map_err(|gap| vec![gap])?;
    let printer = Rows { fields, expressions };
    let mut items: Vec<Item> = Vec::new();
    for row in printer.rows(&formula).map_err(|gap| vec![gap])? {
        if row.is_empty() {
            return Err(vec![gap(Origin::default(), "an exception of Falco compares at least one field")]);
        }
        let (heads, values): (Vec<_>, Vec<_>) =
            row.into_iter().map(|check| ((check.subject, check.operator), check.operand)).unzip();
        match items.iter_mut().find(|item| item.heads == heads) {
            Some(item) => item.rows.push(values),
            None => items.push(Item { heads, rows: vec![values] }),
        }
    }
    if items.is_empty() {
        return Err(vec![gap(Origin::default(), "an exception of Falco needs values")]);
    }
    Ok(items.into_iter().map(|item| item.value(fields)).collect())
}

fn gap(origin: Origin, reason: impl Into<String>) -> Gap {
    Gap { origin, reason: reason.into() }
}

/// Rows of values for the same fields and operators.
struct Item {
    heads: Vec<(String, &'static str)>,
    rows: Vec<Vec<Operand>>,
}

impl Item {
    fn value(self, fields: &FieldTable) -> Value {
        let of_one_field = match self.heads.as_slice() {
            // `in` is false of some fields that are no text, and means all values of those with several.
            [(name, "=" | "in")] if fields.get(name) == Some(FieldType::Text) => Some((name, "in")),
            [(name, "intersects")] => Some((name, "intersects")),
            _ => None,
        };
        if let Some((name, operator)) = of_one_field {
            let values: Vec<&String> = self.rows.iter().flatten().flat_map(Operand::values).collect();
            return json!({ "fields": name, "comps": operator, "values": values });
        }
        let (names, operators): (Vec<&String>, Vec<&str>) = self.heads.iter().map(|(name, op)| (name, *op)).unzip();
        let rows: Vec<Vec<Value>> = self
            .rows
            .iter()
            .map(|row| {
                let values = row.iter().map(|operand| match operand {
                    Operand::Several(values) => json!(values),
                    Operand::One(value) => json!(value),
                    Operand::Nothing => Value::Null,
                });
                values.collect()
            })
            .collect();
        json!({ "fields": names, "comps": operators, "values": rows })
    }
}

impl Operand {
    fn values(&self) -> &[String] {
        match self {
            Operand::Nothing => &[],
            Operand::One(value) => std::slice::from_ref(value),
            Operand::Several(values) => values,
        }
    }
}

/// The comparisons of one row.
type Row = Vec<Check>;

struct Rows<'a> {
    fields: &'a FieldTable,
    expressions: &'a Expressions,
}

impl Rows<'_> {
    /// Rows of which one has to hold.
    fn rows(&self, formula: &Formula) -> Result<Vec<Row>, Gap> {
        let rows = match formula {
            Formula::Test(test) => self.of_test(test)?,
            Formula::Or(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.rows(part)?);
                }
                all
            }
            Formula::And(parts) => {
                let mut all: Vec<Row> = vec![Vec::new()];
                for part in parts {
                    let next = self.rows(part)?;
                    if all.len().saturating_mul(next.len()) > MOST_ROWS {
                        return Err(gap(Origin::default(), "an exception of Falco would need too many rows of values"));
                    }
                    let mut joined = Vec::new();
                    for row in &all {
                        joined.extend(next.iter().map(|more| [row.as_slice(), more].concat()));
                    }
                    all = joined;
                }
                all
            }
            Formula::Not(part) => {
                let mut origin = Origin::default();
                part.each_test(&mut |_, test| origin.0 = origin.0.or(test.origin.0));
                return Err(gap(origin, "an exception of Falco cannot deny a test"));
            }
            Formula::Element { .. } | Formula::AtLeast { .. } => {
                return Err(gap(Origin::default(), "an exception of Falco compares single fields"));
            }
        };
        if rows.len() > MOST_ROWS {
            return Err(gap(Origin::default(), "an exception of Falco would need too many rows of values"));
        }
        Ok(rows)
    }

    fn of_test(&self, test: &Test) -> Result<Vec<Row>, Gap> {
        let refuse = |reason: String| gap(test.origin, reason);
        let Subject::Field(path) = &test.subject else {
            return Err(refuse("Falco cannot look for text in every field of an event".to_owned()));
        };
        let name = path.dotted();
        let field =
            Field { name: &name, kind: self.fields.get(&name), table: self.fields, expressions: self.expressions };
        if matches!(test.predicate, Predicate::Field { .. }) {
            return Err(refuse("an exception of Falco compares fields with values only".to_owned()));
        }
        let checks = checks(field, &test.predicate).map_err(refuse)?;
        for check in &checks {
            if matches!(check.operand, Operand::Nothing) {
                return Err(refuse(format!("an exception of Falco cannot ask whether `{name}` exists")));
            }
            if check.subject.contains('(') {
                return Err(refuse(format!("an exception of Falco cannot ignore the case of `{name}`")));
            }
        }
        Ok(checks.into_iter().map(|check| vec![check]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::{Case, Glob, Path, Pattern, TextSet};

    fn text(field: &str, globs: &[Glob], case: Case) -> Formula {
        let any = globs.iter().cloned().map(Pattern::Glob).collect();
        Formula::test(&Path::from_segments([field]), Predicate::Text(TextSet::new(any, case)))
    }

    fn printed(formula: &Formula) -> Result<Value, String> {
        let mut fields = FieldTable::default();
        fields.insert("ka.user.groups", FieldType::TextList);
        fields.insert("proc.pid", FieldType::Number);
        fields.insert("proc.name", FieldType::Text);
        print(formula, &fields, &Expressions::default()).map_err(|gaps| gaps[0].reason.clone())
    }

    #[test]
    fn alternatives_are_values_or_rows() {
        let (is, starts) = (|text: &str| Glob::equals(text), |text: &str| Glob::starts_with(text));
        let names = text("proc.name", &[is("my sh"), is("<"), is("zsh")], Case::Either);
        assert_eq!(
            printed(&names),
            Ok(json!([{ "fields": "proc.name", "comps": "in", "values": ["\"my sh\"", "\"<\"", "zsh"] }]))
        );
        let homes = text("proc.cwd", &[starts("/srv/"), starts("/opt/")], Case::Either);
        assert_eq!(
            printed(&Formula::and([names, homes.clone()])),
            Ok(json!([{
                "fields": ["proc.name", "proc.cwd"],
                "comps": ["in", "startswith"],
                "values": [[["\"my sh\"", "\"<\"", "zsh"], "/srv/"], [["\"my sh\"", "\"<\"", "zsh"], "/opt/"]],
            }]))
        );
        // One field, but no list of values: the operator is not `in`.
        assert_eq!(
            printed(&homes),
            Ok(json!([{ "fields": ["proc.cwd"], "comps": ["startswith"], "values": [["/srv/"], ["/opt/"]] }]))
        );
        let groups = text("ka.user.groups", &[is("a")], Case::Sensitive);
        assert_eq!(
            printed(&groups),
            Ok(json!([{ "fields": "ka.user.groups", "comps": "intersects", "values": ["a"] }]))
        );
        // Different fields are different items.
        let either = Formula::or([groups, homes]);
        assert_eq!(printed(&either).map(|items| items.as_array().map(Vec::len)), Ok(Some(2)));
    }

    #[test]
    fn what_exceptions_have_no_words_for_is_refused() {
        let is = text("proc.name", &[Glob::equals("sh")], Case::Either);
        let many: Vec<Glob> = (0..20).map(|i| Glob::starts_with(format!("/{i}"))).collect();
        let cases = [
            (Formula::not(is.clone()), "cannot deny"),
            (Formula::test(&Path::from_segments(["proc.name"]), Predicate::Exists), "exists"),
            (text("proc.name", &[Glob::equals("SH")], Case::Insensitive), "ignore the case"),
            (Formula::and(["a.a", "b.b"].map(|field| text(field, &many, Case::Either))), "too many rows"),
            (Formula::FALSE, "needs values"),
        ];
        for (formula, wanted) in cases {
            let reason = printed(&formula).expect_err("a gap");
            assert!(reason.contains(wanted), "{reason}");
        }
        // What every event satisfies is no row without comparisons.
        assert!(printed(&Formula::TRUE).is_err());
    }
}
