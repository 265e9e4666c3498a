//! What an expression of `where` says, NULL included.
//!
//! A comparison with a missing field is NULL, and what Splunk makes of NOT NULL is not documented. So every expression
//! has four sets of events: where it is TRUE, where FALSE, where NULL (or FALSE: it is not TRUE, for sure), and where
//! nobody knows. `where` keeps the first; that an expression has events in the last is said of it.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::{self, Kind, Node};
use super::{Extent, fault, holds_several, path};
use crate::language::pcre::{self, Flavor};
use crate::language::{FieldTable, FieldType, ReadError};
use crate::logic::{Case, Comparison, Formula, Glob, Number, Pattern, Piece, Predicate, Subject, TextSet};

/// How much may be looked at to show that no event is unknown.
const WORK: usize = 2_000_000;

/// Reads an expression: the events for which it is TRUE.
pub(super) fn read(text: &str, fields: &FieldTable) -> Result<Extent, ReadError> {
    let node = expression::read(text)?;
    let mut reader = Reader { fields, each_value: false, doublings: 0 };
    let truth = reader.truth(&node)?;
    let Some(field) = some_event(&truth.unknown) else { return Ok(Extent::certain(truth.yes)) };
    Ok(Extent {
        most: Formula::or([truth.yes.clone(), truth.unknown]),
        least: truth.yes,
        doubt: Some(fault(
            0,
            format!("`{field}` may be missing under NOT, and what Splunk makes of NOT NULL is not documented"),
        )),
    })
}

/// The events for which an expression is TRUE, FALSE, NULL; and those of which it is unknown.
struct Truth {
    yes: Formula,
    no: Formula,
    null: Formula,
    unknown: Formula,
}

impl Truth {
    fn sure(yes: Formula) -> Self {
        let no = Formula::not(yes.clone());
        Self { yes, no, null: Formula::FALSE, unknown: Formula::FALSE }
    }
}

/// One of the values that an expression may have, and when it does. A field's value also needs the field.
struct Alternative {
    when: Formula,
    is: Atom,
}

#[derive(Clone)]
enum Atom {
    Field { name: String, fold: Fold },
    Text(String),
    Number(f64),
}

#[derive(Clone, Copy, PartialEq)]
enum Fold {
    None,
    Lower,
    Upper,
}

enum Meaning {
    Truth(Truth),
    Value(Vec<Alternative>),
    /// Values that are there exactly for these events (`mvfilter`); only their presence can be asked.
    Filtered(Formula),
    /// How many values there are; NULL rather than zero.
    Count(Formula),
    /// The index of the first value found, NULL if none is.
    Index(Formula),
}

struct Reader<'t> {
    fields: &'t FieldTable,
    /// Inside `mvfilter`, where a field stands for one of its values.
    each_value: bool,
    doublings: usize,
}

fn exists(name: &str) -> Formula {
    Formula::test(&path(name), Predicate::Exists)
}

/// When the value is there.
fn present(alternative: &Alternative) -> Formula {
    match &alternative.is {
        Atom::Field { name, .. } => Formula::and([alternative.when.clone(), exists(name)]),
        _ => alternative.when.clone(),
    }
}

fn any_present(alternatives: &[Alternative]) -> Formula {
    Formula::or(alternatives.iter().map(present))
}

impl Reader<'_> {
    fn truth(&mut self, node: &Node) -> Result<Truth, ReadError> {
        match self.meaning(node)? {
            Meaning::Truth(truth) => Ok(truth),
            _ => Err(fault(node.offset, "a condition is expected here, not a value")),
        }
    }

    fn value(&mut self, node: &Node) -> Result<Vec<Alternative>, ReadError> {
        match self.meaning(node)? {
            Meaning::Value(alternatives) => Ok(alternatives),
            Meaning::Truth(_) => Err(fault(node.offset, "a value is expected here, not a condition")),
            _ => Err(fault(node.offset, "of this, only the presence or count can be asked")),
        }
    }

    fn meaning(&mut self, node: &Node) -> Result<Meaning, ReadError> {
        let value = |is| Ok(Meaning::Value(vec![Alternative { when: Formula::TRUE, is }]));
        match &node.kind {
            Kind::Text(text) => value(Atom::Text(text.clone())),
            Kind::Number(number) => value(Atom::Number(*number)),
            Kind::Field(name) => value(Atom::Field { name: name.clone(), fold: Fold::None }),
            Kind::Not(part) => {
                let part = self.truth(part)?;
                let unknown = Formula::or([part.unknown, part.null]);
                Ok(Meaning::Truth(Truth { yes: part.no, no: part.yes, null: Formula::FALSE, unknown }))
            }
            Kind::And(parts) => {
                let parts = self.truths(parts)?;
                Ok(Meaning::Truth(conjunction(parts)))
            }
            Kind::Or(parts) => {
                let swap = |truth: Truth| Truth { yes: truth.no, no: truth.yes, ..truth };
                let parts = self.truths(parts)?;
                // TRUE wins in OR as FALSE does in AND.
                Ok(Meaning::Truth(swap(conjunction(parts.into_iter().map(swap).collect()))))
            }
            Kind::Xor(parts) => {
                let mut parts = self.truths(parts)?.into_iter();
                let Some(mut whole) = parts.next() else { return Ok(Meaning::Truth(Truth::sure(Formula::FALSE))) };
                for part in parts {
                    self.doublings += 1;
                    if self.doublings > 6 {
                        return Err(fault(node.offset, "too many XOR"));
                    }
                    let both = |a: &Formula, b: &Formula| Formula::and([a.clone(), b.clone()]);
                    whole = Truth {
                        yes: Formula::or([both(&whole.yes, &part.no), both(&whole.no, &part.yes)]),
                        no: Formula::or([both(&whole.yes, &part.yes), both(&whole.no, &part.no)]),
                        null: Formula::FALSE,
                        unknown: Formula::or([whole.null, whole.unknown, part.null, part.unknown]),
                    };
                }
                Ok(Meaning::Truth(whole))
            }
            Kind::Compare(left, sign, right) => self.comparison(node.offset, left, sign, right).map(Meaning::Truth),
            Kind::Call(name, arguments) => self.call(node.offset, name, arguments),
        }
    }

    fn truths(&mut self, parts: &[Node]) -> Result<Vec<Truth>, ReadError> {
        parts.iter().map(|part| self.truth(part)).collect()
    }

    fn call(&mut self, offset: usize, name: &str, arguments: &[Node]) -> Result<Meaning, ReadError> {
        let wrong = || fault(offset, format!("`{name}` does not take {} arguments here", arguments.len()));
        match (name, arguments) {
            ("true", []) => Ok(Meaning::Truth(Truth::sure(Formula::TRUE))),
            ("false", []) => Ok(Meaning::Truth(Truth::sure(Formula::FALSE))),
            ("isnull" | "isnotnull", [part]) => {
                let there = match self.meaning(part)? {
                    Meaning::Value(alternatives) => any_present(&alternatives),
                    Meaning::Filtered(there) | Meaning::Count(there) | Meaning::Index(there) => there,
                    Meaning::Truth(_) => {
                        return Err(fault(offset, format!("what `{name}` makes of a condition is not documented")));
                    }
                };
                let yes = if name == "isnull" { Formula::not(there) } else { there };
                Ok(Meaning::Truth(Truth::sure(yes)))
            }
            ("match", [value, pattern]) => {
                let source = constant(pattern)?;
                let source = pcre::translate(source, Flavor::Pcre).map_err(|r| fault(pattern.offset, r))?;
                self.patterns(offset, value, vec![Pattern::Regex(source)]).map(Meaning::Truth)
            }
            ("like", [value, pattern]) => {
                let source = constant(pattern)?;
                if source.contains('\\') {
                    return Err(fault(pattern.offset, "what a backslash means to `like` is not documented"));
                }
                self.patterns(offset, value, vec![Pattern::Glob(like(source))]).map(Meaning::Truth)
            }
            ("in", [value, list @ ..]) if !list.is_empty() => {
                let mut texts = Vec::new();
                for item in list {
                    match &item.kind {
                        Kind::Text(text) => texts.push(text),
                        _ => return Err(fault(item.offset, "`in` is read with texts only")),
                    }
                }
                let patterns = texts.into_iter().map(|text| Pattern::Glob(Glob::equals(text.as_str()))).collect();
                self.patterns(offset, value, patterns).map(Meaning::Truth)
            }
            ("cidrmatch", [network, value]) => {
                let text = constant(network)?;
                let network = text.parse().map_err(|_| fault(network.offset, format!("`{text}` is no network")))?;
                let alternatives = self.value(value)?;
                self.tested(offset, alternatives, |atom| match atom {
                    Atom::Field { name, .. } => Ok(Formula::test(&path(name), Predicate::Network(network))),
                    _ => Err("`cidrmatch` asks a field".to_owned()),
                })
                .map(Meaning::Truth)
            }
            ("lower" | "upper", [value]) => {
                let fold = if name == "lower" { Fold::Lower } else { Fold::Upper };
                let mut alternatives = self.value(value)?;
                for alternative in &mut alternatives {
                    match &mut alternative.is {
                        Atom::Field { fold: known, .. } => *known = fold,
                        Atom::Text(text) if fold == Fold::Lower => *text = text.to_lowercase(),
                        Atom::Text(text) => *text = text.to_uppercase(),
                        Atom::Number(_) => return Err(fault(offset, format!("`{name}` of a number is not read"))),
                    }
                }
                Ok(Meaning::Value(alternatives))
            }
            ("coalesce", [first, rest @ ..]) => self.coalesce(offset, first, rest),
            ("mvfilter", [condition]) => self.filter(offset, condition).map(Meaning::Filtered),
            ("mvcount", [values]) => match self.meaning(values)? {
                Meaning::Filtered(there) => Ok(Meaning::Count(there)),
                Meaning::Value(alternatives) => Ok(Meaning::Count(any_present(&alternatives))),
                _ => Err(fault(offset, "`mvcount` counts values")),
            },
            ("mvfind", [values, pattern]) => {
                let Kind::Field(name) = &values.kind else { return Err(fault(offset, "`mvfind` asks a field")) };
                let source = constant(pattern)?;
                let source = pcre::translate(source, Flavor::Pcre).map_err(|r| fault(pattern.offset, r))?;
                let set = TextSet::new(vec![Pattern::Regex(source)], Case::Sensitive);
                Ok(Meaning::Index(Formula::test(&path(name), Predicate::Text(set))))
            }
            (
                "true" | "false" | "isnull" | "isnotnull" | "match" | "like" | "in" | "cidrmatch" | "lower" | "upper"
                | "coalesce" | "mvfilter" | "mvcount" | "mvfind",
                _,
            ) => Err(wrong()),
            _ => Err(fault(offset, format!("the function `{name}` is not read"))),
        }
    }

    fn coalesce(&mut self, offset: usize, first: &Node, rest: &[Node]) -> Result<Meaning, ReadError> {
        let mut whole = self.meaning(first)?;
        for node in rest {
            whole = match (whole, self.meaning(node)?) {
                (Meaning::Value(mut known), Meaning::Value(next)) => {
                    let missing = Formula::not(any_present(&known));
                    known.extend(next.into_iter().map(|alternative| Alternative {
                        when: Formula::and([missing.clone(), alternative.when]),
                        is: alternative.is,
                    }));
                    if known.len() > 8 {
                        return Err(fault(offset, "`coalesce` of too many values"));
                    }
                    Meaning::Value(known)
                }
                (Meaning::Truth(known), Meaning::Truth(next)) => {
                    let where_null = |formula: Formula| Formula::and([known.null.clone(), formula]);
                    // Where the first is NULL or FALSE, FALSE is sure only if the second is FALSE too.
                    let unknown = Formula::or([known.unknown, where_null(next.yes), where_null(next.unknown)]);
                    Meaning::Truth(Truth {
                        yes: known.yes,
                        no: Formula::or([known.no, where_null(next.no)]),
                        null: where_null(next.null),
                        unknown,
                    })
                }
                _ => return Err(fault(offset, "`coalesce` is read of values or of conditions, not of both")),
            };
        }
        Ok(whole)
    }

    /// `mvfilter`: the condition is asked of one value after the other.
    fn filter(&mut self, offset: usize, condition: &Node) -> Result<Formula, ReadError> {
        if self.each_value {
            return Err(fault(offset, "`mvfilter` stands in `mvfilter`"));
        }
        self.each_value = true;
        let truth = self.truth(condition);
        self.each_value = false;
        let yes = truth?.yes;
        let tests = match &yes {
            Formula::Or(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut names = BTreeSet::new();
        for test in tests {
            match test {
                Formula::Test(test) if !matches!(test.predicate, Predicate::Field { .. }) => match &test.subject {
                    Subject::Field(path) => _ = names.insert(path.clone()),
                    Subject::Anywhere => return Err(fault(offset, "`mvfilter` asks a field")),
                },
                _ => return Err(fault(offset, "`mvfilter` is read of tests that OR joins; AND and NOT are not")),
            }
        }
        if names.len() == 1 { Ok(yes) } else { Err(fault(offset, "`mvfilter` asks exactly one field")) }
    }

    fn patterns(&mut self, offset: usize, value: &Node, patterns: Vec<Pattern>) -> Result<Truth, ReadError> {
        let alternatives = self.value(value)?;
        let fields = self.fields;
        self.tested(offset, alternatives, |atom| text_test(atom, &patterns, fields))
    }

    /// A test of a value: NULL where the value is missing.
    fn tested(
        &self,
        offset: usize,
        alternatives: Vec<Alternative>,
        test: impl Fn(&Atom) -> Result<Formula, String>,
    ) -> Result<Truth, ReadError> {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for alternative in &alternatives {
            self.may_ask(&alternative.is).map_err(|reason| fault(offset, reason))?;
            let holds = test(&alternative.is).map_err(|reason| fault(offset, reason))?;
            no.push(Formula::and([present(alternative), Formula::not(holds.clone())]));
            // A test of a missing field is false by itself.
            yes.push(Formula::and([alternative.when.clone(), holds]));
        }
        Ok(Truth {
            yes: Formula::or(yes),
            no: Formula::or(no),
            null: Formula::not(any_present(&alternatives)),
            unknown: Formula::FALSE,
        })
    }

    fn may_ask(&self, atom: &Atom) -> Result<(), String> {
        match atom {
            Atom::Field { name, .. } if !self.each_value && holds_several(name, self.fields) => Err(format!(
                "what a test makes of several values of `{name}` is not documented; `mvfilter` asks each of them"
            )),
            _ => Ok(()),
        }
    }

    fn comparison(&mut self, offset: usize, left: &Node, sign: &str, right: &Node) -> Result<Truth, ReadError> {
        let (op, is_negated) = match sign {
            "!=" => (Comparison::Equal, true),
            "<" => (Comparison::Less, false),
            "<=" => (Comparison::LessOrEqual, false),
            ">" => (Comparison::Greater, false),
            ">=" => (Comparison::GreaterOrEqual, false),
            _ => (Comparison::Equal, false),
        };
        let left = match self.meaning(left)? {
            Meaning::Count(there) if is_at_least(sign, right, 1.0) => {
                let null = Formula::not(there.clone());
                return Ok(Truth { yes: there, no: Formula::FALSE, null, unknown: Formula::FALSE });
            }
            Meaning::Index(there) if is_at_least(sign, right, 0.0) => {
                let null = Formula::not(there.clone());
                return Ok(Truth { yes: there, no: Formula::FALSE, null, unknown: Formula::FALSE });
            }
            Meaning::Value(alternatives) => alternatives,
            Meaning::Count(_) | Meaning::Index(_) => {
                return Err(fault(offset, "of a count or an index, only whether there is one can be asked"));
            }
            _ => return Err(fault(offset, "a value is expected here")),
        };
        let right = self.value(right)?;
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for a in &left {
            for b in &right {
                for atom in [&a.is, &b.is] {
                    self.may_ask(atom).map_err(|reason| fault(offset, reason))?;
                }
                let holds = self.compared(&a.is, op, &b.is).map_err(|reason| fault(offset, reason))?;
                no.push(Formula::and([present(a), present(b), Formula::not(holds.clone())]));
                yes.push(Formula::and([a.when.clone(), b.when.clone(), holds]));
            }
        }
        let null = Formula::not(Formula::and([any_present(&left), any_present(&right)]));
        let (yes, no) = (Formula::or(yes), Formula::or(no));
        let (yes, no) = if is_negated { (no, yes) } else { (yes, no) };
        Ok(Truth { yes, no, null, unknown: Formula::FALSE })
    }

    fn compared(&self, left: &Atom, op: Comparison, right: &Atom) -> Result<Formula, String> {
        match (left, right) {
            (Atom::Text(_) | Atom::Number(_), Atom::Field { .. }) => self.compared(right, turned(op), left),
            (Atom::Field { .. }, Atom::Text(text)) => {
                if op != Comparison::Equal {
                    return Err("texts are read with `=` and `!=` only".to_owned());
                }
                text_test(left, &[Pattern::Glob(Glob::equals(text.as_str()))], self.fields)
            }
            (Atom::Field { name, fold: Fold::None }, Atom::Number(value)) => match self.fields.get(name) {
                None | Some(FieldType::Number) => {
                    let value = Number::new(*value).ok_or("the number is too large")?;
                    Ok(Formula::test(&path(name), Predicate::Number { op, value }))
                }
                Some(_) => Err(format!("`{name}` is no number: text takes double quotes")),
            },
            (Atom::Field { name, fold: Fold::None }, Atom::Field { name: other, fold: Fold::None }) => {
                Ok(Formula::test(&path(name), Predicate::Field { op, other: path(other) }))
            }
            (Atom::Number(a), Atom::Number(b)) => {
                Ok(a.partial_cmp(b).map_or(Formula::FALSE, |order| sure(op.holds(order))))
            }
            (Atom::Text(a), Atom::Text(b)) if op == Comparison::Equal && !(is_number(a) && is_number(b)) => {
                Ok(sure(a == b))
            }
            _ => Err("this comparison is not read".to_owned()),
        }
    }
}

fn sure(truth: bool) -> Formula {
    if truth { Formula::TRUE } else { Formula::FALSE }
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

fn turned(op: Comparison) -> Comparison {
    match op {
        Comparison::Equal => Comparison::Equal,
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
    }
}

fn constant(node: &Node) -> Result<&str, ReadError> {
    match &node.kind {
        Kind::Text(text) => Ok(text),
        _ => Err(fault(node.offset, "a text in double quotes is expected here")),
    }
}

/// FALSE wins, then what is unknown, then NULL.
fn conjunction(parts: Vec<Truth>) -> Truth {
    let no = Formula::or(parts.iter().map(|part| part.no.clone()));
    let null = Formula::and([
        Formula::or(parts.iter().map(|part| part.null.clone())),
        Formula::and(parts.iter().map(|part| match &part.null {
            Formula::Or(inner) if inner.is_empty() => part.yes.clone(),
            null => Formula::or([part.yes.clone(), null.clone()]),
        })),
    ]);
    let unknown = Formula::and([Formula::or(parts.iter().map(|part| part.unknown.clone())), Formula::not(no.clone())]);
    Truth { yes: Formula::and(parts.into_iter().map(|part| part.yes)), no, null, unknown }
}

/// Whether a comparison with a number says no more than that a whole number is `least` or more.
fn is_at_least(sign: &str, right: &Node, least: f64) -> bool {
    match (sign, &right.kind) {
        (">", Kind::Number(value)) => *value == least - 1.0,
        (">=", Kind::Number(value)) => *value == least,
        _ => false,
    }
}

/// `%` is any text and `_` any character.
fn like(source: &str) -> Glob {
    Glob::new(source.chars().map(|c| match c {
        '%' => Piece::Any,
        '_' => Piece::One,
        c => Piece::Literal(c.to_string()),
    }))
}

/// Patterns asked of a value.
fn text_test(atom: &Atom, patterns: &[Pattern], fields: &FieldTable) -> Result<Formula, String> {
    let set = |case| TextSet::new(patterns.to_vec(), case);
    let (name, fold) = match atom {
        Atom::Text(text) => return Ok(sure(set(Case::Sensitive).is_match(text, false))),
        Atom::Number(_) => return Err("a number is asked like a text".to_owned()),
        Atom::Field { name, fold } => (name, *fold),
    };
    if let [Pattern::Glob(glob)] = patterns
        && let crate::logic::Shape::Equals(text) = glob.shape()
        && fold == Fold::None
    {
        match (fields.get(name), text, text.parse().ok().and_then(Number::new)) {
            (Some(FieldType::Boolean), "true" | "false", _) => {
                return Ok(Formula::test(&path(name), Predicate::Boolean(text == "true")));
            }
            (Some(FieldType::Number), _, Some(value)) => {
                return Ok(Formula::test(&path(name), Predicate::Number { op: Comparison::Equal, value }));
            }
            _ => {}
        }
    }
    if fold == Fold::None {
        return Ok(Formula::test(&path(name), Predicate::Text(set(Case::Sensitive))));
    }
    // A value in one case can only meet a pattern in that case; then, folding says the same.
    let folded = |text: &str| match fold {
        Fold::Lower => text.to_lowercase() == text,
        _ => text.to_uppercase() == text,
    };
    let mut kept = Vec::new();
    for pattern in patterns {
        match pattern {
            Pattern::Glob(glob) => {
                let fits = glob.pieces().iter().all(|piece| !matches!(piece, Piece::Literal(text) if !folded(text)));
                if fits {
                    kept.push(pattern.clone());
                }
            }
            Pattern::Regex(source) if source.chars().any(char::is_uppercase) || fold == Fold::Upper => {
                return Err("an expression with capitals, asked of text in one case, is not read".to_owned());
            }
            other => kept.push(other.clone()),
        }
    }
    if kept.is_empty() {
        return Ok(Formula::FALSE);
    }
    Ok(Formula::test(&path(name), Predicate::Text(TextSet::new(kept, Case::Insensitive))))
}

/// A field whose absence some event needs to satisfy `unknown`; none if no event does.
fn some_event(unknown: &Formula) -> Option<String> {
    if *unknown == Formula::FALSE {
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    unknown.each_test(&mut |path, test| {
        let other = match &test.predicate {
            Predicate::Field { other, .. } => Some(other),
            _ => None,
        };
        for path in path.into_iter().chain(other) {
            let name = path.segments().first().map_or("", |name| name);
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    });
    let mut work = WORK;
    let mut there = BTreeMap::new();
    possible(unknown, &names, &mut there, &mut work).then(|| names.first().cloned().unwrap_or_default())
}

/// Whether some choice of missing fields leaves `formula` possible. Runs out of work towards yes.
fn possible<'n>(formula: &Formula, names: &'n [String], there: &mut BTreeMap<&'n str, bool>, work: &mut usize) -> bool {
    let verdict = known(formula, there, work);
    if *work == 0 {
        return true;
    }
    match (verdict, names.split_first()) {
        (Some(verdict), _) => verdict,
        (None, None) => true,
        (None, Some((name, rest))) => [true, false].into_iter().any(|is_there| {
            there.insert(name, is_there);
            let found = possible(formula, rest, there, work);
            there.remove(name.as_str());
            found
        }),
    }
}

/// The verdict on a formula as far as it follows from which fields are there.
fn known(formula: &Formula, there: &BTreeMap<&str, bool>, work: &mut usize) -> Option<bool> {
    *work = work.saturating_sub(1);
    if *work == 0 {
        return None;
    }
    let mut each = |parts: &[Formula], decides: bool| {
        let mut all = Some(!decides);
        for part in parts {
            match known(part, there, work) {
                Some(verdict) if verdict == decides => return Some(decides),
                None => all = None,
                _ => {}
            }
        }
        all
    };
    match formula {
        Formula::And(parts) => each(parts, false),
        Formula::Or(parts) => each(parts, true),
        Formula::Not(part) => known(part, there, work).map(|verdict| !verdict),
        Formula::Test(test) => {
            let Subject::Field(path) = &test.subject else { return None };
            let is_there =
                |path: &crate::logic::Path| path.segments().first().and_then(|name| there.get(name.as_ref())).copied();
            match (&test.predicate, is_there(path)) {
                (_, Some(false)) => Some(false),
                (Predicate::Exists, known) => known,
                (Predicate::Field { other, .. }, _) if is_there(other) == Some(false) => Some(false),
                _ => None,
            }
        }
        _ => None,
    }
}
