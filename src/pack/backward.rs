//! From a condition on a target's fields back to one on the event that the target got them from.
//!
//! What `target.yml` says of fields is read the other way round: a field of the target holds the values of a path of
//! the event; one that holds a whole path or a joined command line is the event's own field for that. A field that
//! `target.yml` does not name stands for itself: no event of the source has it for certain, or lacks it for certain.

use std::collections::HashMap;

use crate::logic::decide::{Derivation, Derived, Schema};
use crate::logic::{Case, Comparison, Formula, Glob, Path, Pattern, Predicate, Subject, Test, TextSet};
use crate::source::Source;
use crate::target::Target;
use crate::target::fields::Fields;
use crate::target::settings::Derivation as Basename;

/// The fields of one log source in one target, from their names to the event's paths.
pub struct Backward<'a> {
    target: &'a str,
    fields: &'a Fields<'a>,
    paths: HashMap<String, Path>,
}

impl<'a> Backward<'a> {
    /// The way back for the fields of a source. `asked` are paths that the detection asks: they come first where the
    /// target has one field for several paths.
    pub fn new(target: &'a Target, fields: &'a Fields<'a>, source: &Source, asked: &[Path]) -> Self {
        let known = source.fields.iter().flat_map(|field| field.paths.iter());
        let all: Vec<&Path> = asked.iter().chain(known).collect();
        let mut paths: HashMap<String, Path> = HashMap::new();
        for path in &all {
            if let Some(name) = fields.get(path).and_then(|field| field.name) {
                paths.entry(name).or_insert_with(|| (*path).clone());
            }
        }
        // A field of the target from which another path's values are taken.
        for path in all {
            let Some(field) = fields.get(path) else { continue };
            let related = |how: Derivation| source.derived.iter().filter(move |derived| derived.how == how);
            if let Some(line) = field.joined {
                let whole = related(Derivation::Joined).find(|derived| derived.from == *path);
                paths.extend(whole.filter(|_| !paths.contains_key(&line)).map(|derived| (line, derived.field.clone())));
            }
            if let Some(Basename::Basename(name)) = field.from {
                let whole = related(Derivation::LastSegment).find(|derived| derived.field == *path);
                paths.extend(whole.filter(|_| !paths.contains_key(&name)).map(|derived| (name, derived.from.clone())));
            }
        }
        Self { target: target.name(), fields, paths }
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
            Formula::Test(test) => Formula::Test(self.test(test)),
        }
    }

    fn test(&self, test: &Test) -> Test {
        let subject = match &test.subject {
            Subject::Field(path) => Subject::Field(self.path(path)),
            Subject::Anywhere => Subject::Anywhere,
        };
        let predicate = match &test.predicate {
            Predicate::Field { op, other } => Predicate::Field { op: *op, other: self.path(other) },
            // An id that is a number there is its decimal digits here.
            Predicate::Number { op: Comparison::Equal, value } if self.is_text(&subject) => {
                Predicate::Text(TextSet::new(vec![Pattern::Glob(Glob::equals(value.to_string()))], Case::Sensitive))
            }
            predicate => predicate.clone(),
        };
        Test { subject, predicate, origin: test.origin }
    }

    fn is_text(&self, subject: &Subject) -> bool {
        matches!(subject, Subject::Field(path) if self.fields.is_text(path))
    }

    fn path(&self, path: &Path) -> Path {
        let name = path.segments().iter().map(|segment| &**segment).collect::<Vec<_>>().join(".");
        let known = self.paths.get(&name).cloned().or_else(|| self.fields.path_below(&name));
        known.unwrap_or_else(|| Path::from_segments([format!("{}:{name}", self.target)]))
    }
}

/// `schema` without fields that follow from others, save for those that the condition or the rule asks: what nobody
/// asks needs no deciding.
pub fn relevant(schema: &Schema, formulas: &[&Formula]) -> Schema {
    let mut asked: Vec<Path> = Vec::new();
    for formula in formulas {
        formula.each_test(&mut |path, _| asked.extend(path.cloned()));
    }
    let keep = |derived: &&Derived| asked.contains(&derived.field) && asked.contains(&derived.from);
    Schema { derived: schema.derived.iter().filter(keep).cloned().collect(), ..schema.clone() }
}
