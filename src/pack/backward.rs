//! From a condition on a target's fields back to one on the event that the target got them from.
//!
//! What `target.yml` says of fields is read the other way round: a field of the target holds the values of a path of
//! the event; one that holds a whole path or a joined command line is the event's own field for that. A field that
//! `target.yml` does not name stands for itself: no event of the source has it for certain, or lacks it for certain.

use std::collections::HashMap;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::language::{FieldType, folded};
use crate::logic::decide::{Derivation, Derived, Schema};
use crate::logic::{Case, Comparison, Formula, Glob, Path, Pattern, Predicate, Shape, Subject, Test, TextSet};
use crate::source::Source;
use crate::target::Target;
use crate::target::fields::Fields;
use crate::target::settings::{Derivation as Basename, Holds};

/// Names of a target's fields, and the path of the event whose values each holds.
#[derive(Default)]
pub struct Names {
    /// Fields that hold a path's values.
    own: HashMap<String, Path>,
    /// Fields from which another path's values are taken.
    related: HashMap<String, Path>,
}

impl Names {
    /// The names of the fields for some paths of a source. The first path counts of those that have one field together.
    pub fn of<'p>(paths: impl IntoIterator<Item = &'p Path>, fields: &Fields<'_>, source: &Source) -> Self {
        let mut names = Self::default();
        for path in paths {
            let Some(field) = fields.get(path) else { continue };
            for name in field.name.iter().flat_map(|name| Holds::names(field.holds, name)) {
                names.own.entry(name).or_insert_with(|| path.clone());
            }
            let related = |how: Derivation| source.derived.iter().filter(move |derived| derived.how == how);
            if let Some(line) = field.joined
                && let Some(derived) = related(Derivation::Joined).find(|derived| derived.from == *path)
            {
                names.related.entry(line).or_insert_with(|| derived.field.clone());
            }
            if let Some(Basename::Basename(name)) = field.from
                && let Some(derived) = related(Derivation::LastSegment).find(|derived| derived.field == *path)
            {
                names.related.entry(name).or_insert_with(|| derived.from.clone());
            }
        }
        names
    }
}

/// The fields of one log source in one target, from their names to the event's paths.
pub struct Backward<'a> {
    target: &'a str,
    fields: &'a Fields<'a>,
    /// Of the paths that the detection asks, and of all paths of the source.
    names: [&'a Names; 2],
}

impl<'a> Backward<'a> {
    /// The way back for the fields of a source. `asked` are the names for the paths that the detection asks: they come
    /// first where the target has one field for several paths. `known` are those for all paths of the source.
    pub fn new(target: &'a Target, fields: &'a Fields<'a>, asked: &'a Names, known: &'a Names) -> Self {
        Self { target: target.name(), fields, names: [asked, known] }
    }

    /// A condition on the target's fields as one on the event's.
    pub fn formula(&self, formula: &Formula) -> Formula {
        let each = |parts: &[Formula]| parts.iter().map(|part| self.formula(part)).collect();
        match formula {
            Formula::And(parts) => Formula::And(each(parts)),
            Formula::Or(parts) => Formula::Or(each(parts)),
            Formula::Not(part) => Formula::Not(Box::new(self.formula(part))),
            Formula::AtLeast { count, of } => Formula::AtLeast { count: *count, of: each(of) },
            Formula::Element { path, body } => Formula::Element { path: self.path(path), body: body.clone() },
            Formula::Test(test) => self.encoded(test).unwrap_or_else(|| self.tested(test)),
        }
    }

    fn tested(&self, test: &Test) -> Formula {
        self.held(test).unwrap_or_else(|| self.with_none(self.test(test)))
    }

    /// A test of a field in which texts are spelled in another way: it is one of how they are spelled. What else is asked
    /// of the spelling tells nothing of the text, and the field stands for itself.
    fn encoded(&self, test: &Test) -> Option<Formula> {
        let Subject::Field(field) = &test.subject else { return None };
        let spelling = |field: &Path| self.fields.encoded(&field.dotted());
        let own = spelling(field);
        match (&test.predicate, own) {
            (Predicate::Exists, _) => None,
            // Texts that are spelled alike are equal.
            (Predicate::Field { op: Comparison::Equal, other }, own) if spelling(other) == own => None,
            (Predicate::Field { other, .. }, None) if spelling(other).is_none() => None,
            (Predicate::Text(set), Some(encoding)) => {
                let predicate = Predicate::Encoded(encoding, set.clone());
                Some(self.tested(&Test { predicate, ..test.clone() }))
            }
            (Predicate::Field { .. }, _) | (_, Some(_)) => {
                let subject = Subject::Field(self.stranger(&field.dotted()));
                Some(Formula::Test(Test { subject, ..test.clone() }))
            }
            (_, None) => None,
        }
    }

    /// A test of a field from whose values those of a path follow, and not the other way round. The field stands for
    /// itself, and what follows from it is said beside it.
    fn held(&self, test: &Test) -> Option<Formula> {
        let Subject::Field(field) = &test.subject else { return None };
        let known = self.test(test);
        let Subject::Field(path) = &known.subject else { return None };
        let holds = self.fields.holds(path)?;
        let field = self.stranger(&field.dotted());
        let itself = Formula::Test(Test {
            subject: Subject::Field(field.clone()),
            predicate: known.predicate.clone(),
            origin: test.origin,
        });
        match holds {
            Holds::Words => return Some(in_words(path, &known, itself)),
            Holds::JsonListsByNumber => return Some(in_lists(path, &known, &field, itself)),
            _ => {}
        }
        let follows = match &known.predicate {
            predicate if matches!(holds, Holds::AllOrNothing | Holds::First) => Some(predicate.clone()),
            Predicate::Text(set) => {
                let values = set.any.iter().map(|pattern| match pattern {
                    Pattern::Glob(glob) => match glob.shape() {
                        Shape::Equals(text) => Some(Pattern::Glob(Glob::equals(holds.value_of(text)?))),
                        _ => None,
                    },
                    _ => None,
                });
                let values = values.collect::<Option<Vec<_>>>();
                values.map(|values| Predicate::Text(TextSet::new(values, set.case)))
            }
            _ => None,
        };
        Some(match follows {
            Some(predicate) => Formula::and([Formula::Test(Test { predicate, ..known }), itself]),
            None => itself,
        })
    }

    /// A test of a field that holds a word of its own where the event has no value.
    fn with_none(&self, test: Test) -> Formula {
        let Subject::Field(path) = &test.subject else { return Formula::Test(test) };
        if let Predicate::Field { op: Comparison::Equal, other } = &test.predicate {
            return self.same_or_both_none(path, other, &test);
        }
        let Some((missing, word)) = self.missing(path) else { return Formula::Test(test) };
        match &test.predicate {
            Predicate::Exists => Formula::or([missing, Formula::Test(test)]),
            // The word itself is written as it is.
            Predicate::Text(set) | Predicate::Encoded(_, set) if set.is_match(word, false) => {
                Formula::or([missing, Formula::Test(test)])
            }
            _ => Formula::Test(test),
        }
    }

    /// Where the target's field for `path` holds a word of its own in the place of a value, and which.
    fn missing(&self, path: &Path) -> Option<(Formula, &'a str)> {
        if let Some(word) = self.fields.none(path) {
            return Some((Formula::not(Formula::test(path, Predicate::Exists)), word));
        }
        Some((Formula::test(&self.null(path), Predicate::Exists), self.fields.null(path)?))
    }

    /// What exists where an event has an explicit null at `path`: conditions on an event's values cannot tell.
    fn null(&self, path: &Path) -> Path {
        self.stranger(&format!("null:{}", path.dotted()))
    }

    /// A comparison of two fields, of which one or both hold a word of their own where the event has no value.
    fn same_or_both_none(&self, path: &Path, other: &Path, test: &Test) -> Formula {
        let mut parts = vec![Formula::Test(test.clone())];
        for (path, other) in [(path, other), (other, path)] {
            let Some((missing, word)) = self.missing(path) else { continue };
            let is_word = Predicate::Text(TextSet::equals(word, Case::Sensitive));
            let is_word =
                self.with_none(Test { subject: Subject::Field(other.clone()), predicate: is_word, ..test.clone() });
            parts.push(Formula::and([missing, is_word]));
        }
        Formula::or(parts)
    }

    /// What holds of every event because the target has words for values that are missing: none of them is a value,
    /// and a null is none.
    pub fn no_words(&self, formulas: &[&Formula]) -> Vec<Formula> {
        let mut asked: Vec<Path> = Vec::new();
        for formula in formulas {
            formula.each_field(&mut |path| asked.push(path.clone()));
        }
        asked.sort_unstable();
        asked.dedup();
        let mut given: Vec<Formula> = Vec::new();
        for path in &asked {
            let null = self.null(path);
            let is_told = asked.binary_search(&null).is_ok();
            let word = self.fields.none(path).or_else(|| self.fields.null(path).filter(|_| is_told));
            given.extend(word.map(|word| {
                Formula::not(Formula::test(path, Predicate::Text(TextSet::equals(word, Case::Sensitive))))
            }));
            if is_told {
                let exists = |path| Formula::test(path, Predicate::Exists);
                given.push(Formula::not(Formula::and([exists(path), exists(&null)])));
            }
        }
        given
    }

    fn test(&self, test: &Test) -> Test {
        // How the target spells a time tells nothing of how the event does.
        let path = |path: &Path| match self.path(path) {
            known if test.predicate != Predicate::Exists && self.is_time(&known) => self.stranger(&path.dotted()),
            known => known,
        };
        let subject = match &test.subject {
            Subject::Field(field) => Subject::Field(path(field)),
            Subject::Anywhere => Subject::Anywhere,
        };
        let predicate = match &test.predicate {
            Predicate::Field { op, other } => Predicate::Field { op: *op, other: path(other) },
            // An id that is a number there is its decimal digits here.
            Predicate::Number { op: Comparison::Equal, value } if self.is_text(&subject) => {
                Predicate::Text(TextSet::equals(value.to_string(), Case::Sensitive))
            }
            predicate => predicate.clone(),
        };
        Test { subject, predicate, origin: test.origin }
    }

    fn is_text(&self, subject: &Subject) -> bool {
        matches!(subject, Subject::Field(path) if self.fields.is_text(path))
    }

    fn is_time(&self, path: &Path) -> bool {
        self.fields.get(path).is_some_and(|field| field.kind == FieldType::Time)
    }

    fn path(&self, path: &Path) -> Path {
        let name = path.dotted();
        // A field's own values come before what another field is taken from.
        let own = self.names.iter().find_map(|names| names.own.get(&name));
        let known = own.or_else(|| self.names.iter().find_map(|names| names.related.get(&name)));
        let known = known.cloned().or_else(|| self.fields.path_below(&name));
        known.unwrap_or_else(|| self.stranger(&name))
    }

    /// A field that stands for itself.
    fn stranger(&self, name: &str) -> Path {
        Path::from_segments([format!("{}:{name}", self.target)])
    }
}

/// A test of `field`, which holds a list of values at `path` as JSON: of every expression follows a value of its own.
fn in_lists(path: &Path, test: &Test, field: &Path, itself: Formula) -> Formula {
    let Predicate::Text(set) = &test.predicate else { return itself };
    let text = |path: &Path, pattern| Formula::test(path, Predicate::Text(TextSet::new(vec![pattern], set.case)));
    let each = set.any.iter().map(|pattern| {
        let itself = text(field, pattern.clone());
        let Pattern::Regex(source) = pattern else { return itself };
        match values_listed(source) {
            Some(values) => Formula::and([text(path, Pattern::Regex(values)), itself]),
            None => itself,
        }
    });
    Formula::or(each)
}

/// What one of the values of a list is if its JSON matches: if the expression asks for a text between quotation marks,
/// behind `[` or `,`, in which nothing has to be escaped and none of the signs between values is.
fn values_listed(source: &str) -> Option<String> {
    let anything = [regex_syntax::parse("(?s:.*)").ok()?, regex_syntax::parse("(?:.|\n)*").ok()?];
    let opens = regex_syntax::parse(r"[\[,]").ok()?;
    let tree = regex_syntax::parse(source).ok()?;
    let HirKind::Concat(parts) = tree.kind() else { return None };
    let is_edge =
        |part: &&Hir| matches!(part.kind(), HirKind::Look(Look::Start | Look::End)) || anything.contains(part);
    let first = parts.iter().take_while(is_edge).count();
    let last = parts.len() - parts.iter().rev().take_while(is_edge).count();
    let (opening, text) = parts.get(first..last)?.split_first()?;
    if *opening != opens {
        return None;
    }
    let mut text = text.to_vec();
    let bare = |part: &mut Hir, strip: fn(&[u8]) -> Option<&[u8]>| {
        let HirKind::Literal(literal) = part.kind() else { return None };
        *part = Hir::literal(strip(&literal.0)?);
        Some(())
    };
    bare(text.first_mut()?, |literal| literal.strip_prefix(b"\""))?;
    bare(text.last_mut()?, |literal| literal.strip_suffix(b"\""))?;
    let text = Hir::concat(text);
    let is_some = text.properties().minimum_len().is_some_and(|least| least > 0);
    (is_some && is_plain(&text)).then(|| format!("^(?:{text})$"))
}

/// Whether a text that matches has nothing but letters, digits and signs that JSON does not use.
fn is_plain(tree: &Hir) -> bool {
    let is_plain_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:*".contains(&byte);
    match tree.kind() {
        HirKind::Empty => true,
        HirKind::Literal(literal) => literal.0.iter().copied().all(is_plain_byte),
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().all(|range| (range.start()..=range.end()).all(|c| u8::try_from(c).is_ok_and(is_plain_byte)))
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Look(_) => false,
        HirKind::Repetition(repetition) => is_plain(&repetition.sub),
        HirKind::Capture(capture) => is_plain(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(is_plain),
    }
}

/// A test of the words of the texts at `path`, which conditions on whole texts cannot tell: `itself`. A text that is
/// asked for as a whole is found by its words, and so is one that has letters and digits alone that stand in a word.
fn in_words(path: &Path, test: &Test, itself: Formula) -> Formula {
    let is_part = |c: char| c.is_ascii_alphanumeric();
    let found: Vec<Glob> = match &test.predicate {
        Predicate::Text(set) => {
            let globs = set.any.iter().filter_map(|pattern| match pattern {
                Pattern::Glob(glob) => Some(glob),
                _ => None,
            });
            let is_found = |glob: &&Glob| match glob.shape() {
                Shape::Equals(text) => text.contains(is_part),
                Shape::Contains(text) => !text.is_empty() && text.chars().all(is_part),
                _ => false,
            };
            globs.filter(is_found).cloned().collect()
        }
        _ => Vec::new(),
    };
    let some = Formula::and([Formula::test(path, Predicate::Exists), itself]);
    if found.is_empty() { some } else { Formula::or([Formula::test(path, Predicate::Text(folded(found))), some]) }
}

/// `schema` without fields that follow from others, save for those that the condition or the rule asks: what nobody
/// asks needs no deciding.
pub fn relevant(schema: &Schema, formulas: &[&Formula]) -> Schema {
    let mut asked: Vec<Path> = Vec::new();
    for formula in formulas {
        formula.each_field(&mut |path| asked.push(path.clone()));
    }
    let keep = |derived: &&Derived| asked.contains(&derived.field) && asked.contains(&derived.from);
    Schema { derived: schema.derived.iter().filter(keep).cloned().collect(), ..schema.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_list_between_quotation_marks_is_one_of_its_values() {
        let listed = |text: &str| values_listed(&format!("^(?:{text})$"));
        let any = "(?:.|\n)*";
        let found = listed(&format!("{any}[,\\[]\"(?:CAP_BPF|CAP_SYSLOG)\"{any}")).expect("values");
        let found = regex::Regex::new(&found).expect("an expression");
        assert!(found.is_match("CAP_BPF") && found.is_match("CAP_SYSLOG") && !found.is_match("BPF"));
        assert!(listed(&format!("{any}[,\\[]\"ALL\"{any}")).is_some());
        // What may be another text's end, a part of a value, several values or none.
        for other in
            ["\"ALL\"", "[,\\[]\"ALL", "[,\\[]\"A.*L\"", "[,\\[]\"A\",\"B\"", "[,\\[]\"(?:ALL)?\"", "[,\\[]\",\"", "."]
        {
            assert_eq!(listed(&format!("{any}{other}{any}")), None, "{other}");
        }
        assert_eq!(listed("[,\\[]\"(?:A|B\"C)\"|x"), None);
    }
}
