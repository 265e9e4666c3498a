//! Formulas as the `detection` mapping of a Sigma rule.
//!
//! A formula falls into selections, which hold tests, and a condition, which joins the selections. Selections are made
//! as large as Sigma allows: a map is a conjunction, a list of maps a disjunction, a list of values a disjunction.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::language::fields::FieldTable;
use crate::language::fragment::{Fragment, Strength};
use crate::language::regex::Expressions;
use crate::language::walk::{self, Dialect, Field, Refusal, Words};
use crate::language::{Gap, text};
use crate::logic::{
    Case, Comparison, Formula, Glob, Origin, Path, Pattern, Piece, Predicate, Shape, Subject, Test, TextSet,
};

/// Prints the selections and the condition.
pub(in crate::language) fn print(
    formula: &Formula,
    fields: &FieldTable,
    expressions: &Expressions,
) -> Result<Value, Vec<Gap>> {
    let formula = walk::prepare("Sigma", formula).map_err(|gap| vec![gap])?;
    let mut selections = Selections { document: Map::new(), names: BTreeSet::new(), gaps: Vec::new(), expressions };
    let skeleton = selections.skeleton(&formula, false);
    if !selections.gaps.is_empty() {
        return Err(selections.gaps);
    }
    let condition = walk::print(&Condition, &skeleton, fields, expressions)?;
    selections.document.insert("condition".to_owned(), Value::String(condition.into_text()));
    Ok(Value::Object(selections.document))
}

/// The condition, in which every test is the name of a selection.
struct Condition;

static WORDS: Words = Words {
    or: ("or", Strength(1)),
    and: ("and", Strength(2)),
    not: ("not ", Strength(3)),
    truth: None,
    falsehood: None,
};

impl Dialect for Condition {
    fn name(&self) -> &'static str {
        "Sigma"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, field: Field<'_>, _predicate: &Predicate) -> Result<Fragment, Refusal> {
        Ok(Fragment::atom(field.name))
    }
}

struct Selections<'a> {
    document: Map<String, Value>,
    names: BTreeSet<String>,
    gaps: Vec<Gap>,
    expressions: &'a Expressions,
}

impl Selections<'_> {
    /// The formula with the names of selections for tests.
    fn skeleton(&mut self, formula: &Formula, negated: bool) -> Formula {
        if let Some(selection) = self.selection(formula) {
            return self.named(formula, selection, negated);
        }
        match formula {
            Formula::Not(part) => Formula::not(self.skeleton(part, !negated)),
            Formula::And(parts) => Formula::And(self.grouped(parts, negated, Formula::and)),
            Formula::Or(parts) => Formula::Or(self.grouped(parts, negated, Formula::or)),
            Formula::Element { path, .. } => {
                let name = path.dotted();
                self.gap(
                    Origin::default(),
                    format!("Sigma cannot say that one and the same element of `{name}` satisfies several tests"),
                )
            }
            Formula::Test(_) | Formula::AtLeast { .. } => Formula::TRUE,
        }
    }

    /// Parts of a conjunction or disjunction, neighbours in one selection where Sigma allows it.
    fn grouped(&mut self, parts: &[Formula], negated: bool, join: fn(Vec<Formula>) -> Formula) -> Vec<Formula> {
        let mut out = Vec::new();
        let mut rest = parts;
        while let Some((first, tail)) = rest.split_first() {
            let mut taken = 1;
            let mut best = None;
            while let Some(run) = rest.get(..taken) {
                if !run.iter().all(is_plain) {
                    break;
                }
                let together = join(run.to_vec());
                match self.selection(&together) {
                    Some(selection) => best = Some((taken, together, selection)),
                    None => break,
                }
                taken += 1;
            }
            match best {
                Some((taken, together, selection)) => {
                    out.push(self.named(&together, selection, negated));
                    rest = rest.get(taken..).unwrap_or(&[]);
                }
                None => {
                    out.push(self.skeleton(first, negated));
                    rest = tail;
                }
            }
        }
        out
    }

    /// Records a selection under a new name; the test that stands for it.
    fn named(&mut self, formula: &Formula, selection: Value, negated: bool) -> Formula {
        let kind = if negated { "filter" } else { "selection" };
        let name = match field_of(formula) {
            Some(field) => format!("{kind}_{field}"),
            None => kind.to_owned(),
        };
        let mut unique = name.clone();
        let mut count = 1;
        while !self.names.insert(unique.clone()) {
            count += 1;
            unique = format!("{name}_{count}");
        }
        self.document.insert(unique.clone(), selection);
        Formula::test(&Path::from_segments([unique]), Predicate::Exists)
    }

    fn gap(&mut self, origin: Origin, reason: String) -> Formula {
        let gap = Gap { origin, reason };
        if !self.gaps.iter().any(|known| known.reason == gap.reason && known.origin.0 == gap.origin.0) {
            self.gaps.push(gap);
        }
        Formula::TRUE
    }

    /// The formula as one selection, if it is one. A gap counts as a selection, and is recorded.
    fn selection(&mut self, formula: &Formula) -> Option<Value> {
        match formula {
            Formula::Test(test) => {
                if test.subject == Subject::Anywhere {
                    return Some(self.or_gap(test, keywords(test)));
                }
                let mut maps = self.maps(test);
                Some(match maps.len() {
                    1 => maps.remove(0),
                    _ => Value::Array(maps),
                })
            }
            Formula::And(parts) if !parts.is_empty() => self.map(parts),
            Formula::Or(parts) if !parts.is_empty() => {
                let mut maps = Vec::new();
                for part in parts {
                    match part {
                        Formula::Test(test) if test.subject != Subject::Anywhere => maps.extend(self.maps(test)),
                        Formula::And(inner) if !inner.is_empty() => maps.push(self.map(inner)?),
                        _ => return None,
                    }
                }
                Some(Value::Array(maps))
            }
            _ => None,
        }
    }

    /// The alternatives that a test comes to, each a map of one key.
    fn maps(&mut self, test: &Test) -> Vec<Value> {
        match entries(test, self.expressions) {
            Ok(entries) => entries
                .into_iter()
                .map(|entry| Value::Object(Map::from_iter([(entry.key(""), entry.value())])))
                .collect(),
            Err(reason) => {
                self.gap(test.origin, reason);
                vec![Value::Null]
            }
        }
    }

    /// A conjunction as one map, if no key would have to stand in it twice with different meanings.
    fn map(&mut self, parts: &[Formula]) -> Option<Value> {
        let mut entries_by_key: Vec<Entry> = Vec::new();
        for part in parts {
            let Formula::Test(test) = part else { return None };
            if test.subject == Subject::Anywhere {
                return None;
            }
            let entry = match entries(test, self.expressions) {
                Ok(mut entries) if entries.len() == 1 => entries.remove(0),
                Ok(_) => return None,
                Err(reason) => {
                    self.gap(test.origin, reason);
                    continue;
                }
            };
            match entries_by_key.iter_mut().find(|known| known.key("") == entry.key("")) {
                Some(known)
                    if known.may_be_all
                        && entry.may_be_all
                        && entry.values.len() == 1
                        && (known.all || known.values.len() == 1) =>
                {
                    known.all = true;
                    known.values.extend(entry.values);
                }
                Some(_) => return None,
                None => entries_by_key.push(entry),
            }
        }
        let map = entries_by_key.into_iter().map(|entry| {
            let key = entry.key(if entry.all { "|all" } else { "" });
            (key, entry.value())
        });
        Some(Value::Object(map.collect()))
    }

    fn or_gap(&mut self, test: &Test, value: Result<Value, Refusal>) -> Value {
        value.unwrap_or_else(|reason| {
            self.gap(test.origin, reason);
            Value::Null
        })
    }
}

/// Whether a formula may stand in a selection beside others.
fn is_plain(formula: &Formula) -> bool {
    match formula {
        Formula::Test(test) => test.subject != Subject::Anywhere,
        Formula::And(parts) => parts.iter().all(|part| matches!(part, Formula::Test(_))),
        _ => false,
    }
}

/// What a selection is called after: the last part of the field's name, if it is about one field.
fn field_of(formula: &Formula) -> Option<String> {
    let mut fields = BTreeSet::new();
    let mut anywhere = false;
    formula.each_test(&mut |path, _| match path {
        Some(path) => _ = fields.insert(path.dotted()),
        None => anywhere = true,
    });
    if anywhere {
        return Some("keywords".to_owned());
    }
    let [field] = <[String; 1]>::try_from(fields.into_iter().collect::<Vec<_>>()).ok()?;
    let last = field.rsplit(['.', '/']).find(|part| part.chars().any(|c| c.is_ascii_alphanumeric()))?;
    let clean: String =
        last.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    Some(clean.trim_matches('_').to_owned())
}

/// One key of a selection.
struct Entry {
    field: String,
    modifiers: &'static str,
    suffix: &'static str,
    values: Vec<Value>,
    /// Whether `all` can be said of it.
    may_be_all: bool,
    all: bool,
}

impl Entry {
    fn key(&self, all: &str) -> String {
        format!("{}{}{}{all}", self.field, self.modifiers, self.suffix)
    }

    fn value(&self) -> Value {
        match self.values.as_slice() {
            [one] => one.clone(),
            many => Value::Array(many.to_vec()),
        }
    }
}

/// A test as alternatives of one key each.
fn entries(test: &Test, expressions: &Expressions) -> Result<Vec<Entry>, Refusal> {
    let Subject::Field(path) = &test.subject else { return Err("a keyword has no field".to_owned()) };
    let field = path.dotted();
    if field.is_empty() || field.contains('|') {
        return Err(format!("Sigma cannot name the field `{}`", text::shown(&field)));
    }
    let one = |modifiers: &'static str, value: Value| {
        Ok(vec![Entry {
            field: field.clone(),
            modifiers,
            suffix: "",
            values: vec![value],
            may_be_all: false,
            all: false,
        }])
    };
    match &test.predicate {
        Predicate::Text(set) => texts(&field, set, expressions),
        Predicate::Number { op, value } => {
            let modifier = match op {
                Comparison::Equal => "",
                Comparison::Less => "|lt",
                Comparison::LessOrEqual => "|lte",
                Comparison::Greater => "|gt",
                Comparison::GreaterOrEqual => "|gte",
            };
            // Read again from its text, so that whole numbers have no fraction.
            let number = value.to_string();
            one(modifier, number.parse::<i64>().map_or_else(|_| value.get().into(), Value::from))
        }
        Predicate::Network(network) => one("|cidr", network.to_string().into()),
        Predicate::Boolean(value) => one("", (*value).into()),
        Predicate::Exists => one("|exists", true.into()),
        Predicate::Field { op: Comparison::Equal, other } => one("|fieldref", other.dotted().into()),
        Predicate::Field { .. } => Err("Sigma compares two fields for equality only".to_owned()),
        Predicate::Encoded(..) => Err("a text was not spelled as the field has it before printing".to_owned()),
        Predicate::Option(_) => Err("an option was not lowered to text before printing".to_owned()),
    }
}

fn texts(field: &str, set: &TextSet, expressions: &Expressions) -> Result<Vec<Entry>, Refusal> {
    if set.any.is_empty() {
        return Err("Sigma has no word for an empty list".to_owned());
    }
    let case = text::case(set);
    let cased = if case == Case::Sensitive && !text::is_caseless(set) { "|cased" } else { "" };
    let folded = if case == Case::Insensitive { "|i" } else { "" };
    let entry = |modifiers, suffix, value| Entry {
        field: field.to_owned(),
        modifiers,
        suffix,
        values: vec![Value::String(value)],
        // pySigma's validator takes `all` for a mistake without `contains`.
        may_be_all: modifiers == "|contains",
        all: false,
    };
    let mut entries: Vec<Entry> = Vec::new();
    let modifier = common_modifier(set);
    for pattern in set.any.iter() {
        let next = match pattern {
            Pattern::Glob(glob) => match modifier {
                Some(modifier) => entry(modifier, cased, plain(inner(glob))),
                None => entry("", cased, plain(glob.pieces())),
            },
            pattern => entry("|re", folded, expressions.found(pattern, !folded.is_empty(), "$")?.to_string()),
        };
        match entries.last_mut() {
            Some(last) if last.key("") == next.key("") => last.values.extend(next.values),
            _ => entries.push(next),
        }
    }
    Ok(entries)
}

/// The modifier that says what all globs of the set say beside their text.
fn common_modifier(set: &TextSet) -> Option<&'static str> {
    let mut common = None;
    let globs = set.any.iter().filter_map(|pattern| match pattern {
        Pattern::Glob(glob) => Some(glob),
        _ => None,
    });
    for glob in globs {
        let modifier = match glob.pieces() {
            [Piece::Any, middle @ .., Piece::Any] if !middle.is_empty() => "|contains",
            [Piece::Any, rest @ ..] if rest.last().is_some_and(|piece| *piece != Piece::Any) => "|endswith",
            [rest @ .., Piece::Any] if rest.first().is_some_and(|piece| *piece != Piece::Any) => "|startswith",
            _ => return None,
        };
        match common {
            None => common = Some(modifier),
            Some(known) if known == modifier => {}
            Some(_) => return None,
        }
    }
    common
}

/// The pieces without the wildcards at the ends.
fn inner(glob: &Glob) -> &[Piece] {
    let pieces = glob.pieces();
    let pieces = pieces.strip_prefix(&[Piece::Any]).unwrap_or(pieces);
    pieces.strip_suffix(&[Piece::Any]).unwrap_or(pieces)
}

/// A value in Sigma's spelling. A backslash is itself unless what follows could make it an escape; then, and at the
/// end of a piece, it is doubled.
fn plain(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Any => out.push('*'),
            Piece::One => out.push('?'),
            Piece::Literal(text) => {
                let mut rest = text.chars().peekable();
                let mut after_backslash = false;
                while let Some(c) = rest.next() {
                    let next = rest.peek();
                    let doubled =
                        c == '\\' && (after_backslash || next.is_none_or(|next| matches!(next, '\\' | '*' | '?')));
                    if doubled || matches!(c, '*' | '?') {
                        out.push('\\');
                    }
                    out.push(c);
                    after_backslash = c == '\\';
                }
            }
        }
    }
    out
}

/// A keyword is found anywhere in the event.
fn keywords(test: &Test) -> Result<Value, Refusal> {
    let Predicate::Text(set) = &test.predicate else {
        return Err("Sigma can only look for text in every field of an event".to_owned());
    };
    if text::case(set) == Case::Sensitive && !text::is_caseless(set) {
        return Err("Sigma's keywords ignore case".to_owned());
    }
    let words = set.any.iter().map(|pattern| match pattern {
        Pattern::Glob(glob) if matches!(glob.shape(), Shape::Contains(_)) => Ok(Value::String(plain(inner(glob)))),
        _ => Err("Sigma's keywords are texts found anywhere, without anchors and expressions".to_owned()),
    });
    Ok(Value::Array(words.collect::<Result<_, _>>()?))
}
