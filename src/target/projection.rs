//! Events as a target's rules see them: with the target's field names, and the shapes that its values have there.
//!
//! The names are those of the field table in `target.yml`, so that a rule and the events it is tried on agree or differ
//! for one reason alone: whether the rule means what its detection says.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::fields::{Fields, TargetField};
use super::load::Target;
use super::settings::{Derivation, Holds, SourceSettings};
use crate::language::FieldType;
use crate::language::spl::read::{Macros, read_search};
use crate::logic::event::{self, Event};
use crate::logic::{Formula, Path, Pattern, Predicate, Shape, Subject};
use crate::source::Source;

/// Turns canonical events of one log source into those of one target.
#[derive(Debug)]
pub struct Projection<'a> {
    settings: &'a SourceSettings,
    fields: Fields<'a>,
    /// What the search behind the target's macro for the source finds: fields and the values that each has to have.
    asked: Vec<(String, Vec<String>)>,
}

/// `event` of `source` as the rules of `target` see it: an object with one key for each field of the target, whose
/// names hold dots and are not taken apart. `None` if the target does not have the source.
pub fn project(target: &Target, source: &Source, event: &Event) -> Option<Event> {
    Projection::new(target, source).map(|projection| projection.project(event))
}

impl<'a> Projection<'a> {
    /// For the events of `source` in `target`; `None` if the target does not have the source.
    pub fn new(target: &'a Target, source: &'a Source) -> Option<Self> {
        let settings = target.settings.sources.get(&source.name)?;
        let search = settings.binding.get("search").and_then(Value::as_str);
        let asked = search.map(asked).unwrap_or_default();
        Some(Self { settings, fields: Fields::new(settings, Some(source)), asked })
    }

    /// An event as the target's rules see it: an object with one key for each field of the target.
    pub fn project(&self, event: &Event) -> Event {
        let mut seen = Seen::default();
        self.walk(event, &mut Place::default(), &mut seen);
        self.join_arguments(event, &mut seen);
        self.complete_paths(event, &mut seen);
        self.all_or_nothing(event, &mut seen);
        self.spell(&mut seen);
        self.fill(&mut seen);
        self.belong(&mut seen);
        seen.into_event()
    }

    /// Every scalar of the event, under the target's name for its path.
    fn walk<'e>(&self, node: &'e Value, place: &mut Place<'e>, seen: &mut Seen) {
        match node {
            Value::Null => {
                let field = self.fields.get(&place.path());
                if let Some(TargetField { name: Some(name), null: Some(word), .. }) = field {
                    seen.push(name, false, Value::from(word));
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    place.segments.push(key);
                    place.depths.push(0);
                    self.walk(value, place, seen);
                    place.segments.pop();
                    place.depths.pop();
                }
            }
            Value::Array(items) => {
                if let Some((name, is_one_of_many, text)) = self.list(items, place) {
                    return seen.push(name, is_one_of_many, Value::from(text));
                }
                if let Some(depth) = place.depths.last_mut() {
                    *depth += 1;
                }
                for (number, item) in items.iter().enumerate() {
                    place.numbers.push(number);
                    self.walk(item, place, seen);
                    place.numbers.pop();
                }
                if let Some(depth) = place.depths.last_mut() {
                    *depth -= 1;
                }
            }
            scalar => {
                let path = place.path();
                let Some(field) = self.fields.get_in(&path, &place.depths) else { return };
                if let Some(name) = field.name {
                    let is_typed = field.native.is_some() || self.fields.is_known(&path);
                    seen.push(name, !place.numbers.is_empty(), shaped(scalar, is_typed, field.kind));
                }
            }
        }
    }

    /// A list of values, if the target has it as one text, and whether the target has one for each of several lists.
    fn list(&self, items: &[Value], place: &Place<'_>) -> Option<(String, bool, String)> {
        let field = self.fields.get(&place.path())?;
        let holds = field.holds?;
        let text = match holds {
            Holds::JsonLists | Holds::JsonListsByNumber => Value::Array(items.to_vec()).to_string(),
            Holds::JoinedLists => items.iter().map(event::text).collect::<Vec<_>>().join(" "),
            Holds::First => event::text(items.first()?).into_owned(),
            Holds::AllOrNothing | Holds::Words => return None,
        };
        let number = if holds == Holds::JsonListsByNumber { *place.numbers.last()? } else { 0 };
        Some((
            Holds::names(Some(holds), &field.name?).into_iter().nth(number)?,
            field.kind == FieldType::TextList,
            text,
        ))
    }

    /// Fields that have nothing where one element of a list has no value.
    fn all_or_nothing(&self, event: &Event, seen: &mut Seen) {
        for (path, rule) in &self.settings.fields {
            let (Some(Holds::AllOrNothing), Some(name), Ok(path)) = (rule.0.holds, &rule.0.name, path.parse::<Path>())
            else {
                continue;
            };
            if !has_everywhere(event, path.segments()) {
                seen.0.shift_remove(name);
            }
        }
    }

    /// Texts in the way that the target spells them.
    fn spell(&self, seen: &mut Seen) {
        for (name, field) in &mut seen.0 {
            let Some(encoding) = self.fields.encoded(name) else { continue };
            for value in &mut field.values {
                if let Value::String(text) = value {
                    *text = encoding.text(text).into_owned();
                }
            }
        }
    }

    /// Fields that hold a word of their own where the event has no value.
    fn fill(&self, seen: &mut Seen) {
        for rule in self.settings.fields.values() {
            if let (Some(name), Some(word)) = (&rule.0.name, &rule.0.none)
                && !seen.0.contains_key(name)
            {
                seen.push(name.clone(), false, Value::from(word.as_str()));
            }
        }
    }

    /// What makes it an event of the source there: the tests that every rule begins with, and what the macro asks.
    fn belong(&self, seen: &mut Seen) {
        let has = |field: &Collected, wanted: &[String]| {
            field.values.iter().any(|value| wanted.iter().any(|text| event::text(value).eq_ignore_ascii_case(text)))
        };
        for (name, values) in &self.settings.base {
            let field = seen.0.entry(name.clone()).or_default();
            if !has(field, &values.0) {
                field.values = values.0.iter().take(1).map(|value| Value::from(value.as_str())).collect();
            }
        }
        for (name, values) in &self.asked {
            let field = seen.0.entry(name.clone()).or_default();
            if !has(field, values) {
                field.values.extend(values.iter().take(1).map(|value| Value::from(value.as_str())));
            }
        }
    }

    /// Argument vectors that the target has as one line: the arguments joined by single spaces.
    fn join_arguments(&self, event: &Event, seen: &mut Seen) {
        for (path, rule) in &self.settings.fields {
            let (Some(line), Ok(path)) = (&rule.0.joined, path.parse::<Path>()) else { continue };
            let arguments: Vec<_> = event::values(event, &path).into_iter().map(event::text).collect();
            if !arguments.is_empty() {
                // The source may have a line of its own for it, with quotes; the target has this one.
                let field = seen.0.entry(line.clone()).or_default();
                field.values = vec![Value::from(arguments.join(" "))];
            }
        }
    }

    /// Paths of which an event knows the last segment alone: the shortest that ends so.
    fn complete_paths(&self, event: &Event, seen: &mut Seen) {
        for (path, rule) in &self.settings.fields {
            let (Some(Derivation::Basename(whole)), Ok(path)) = (&rule.0.from, path.parse::<Path>()) else { continue };
            let names = event::values(event, &path);
            if !seen.0.contains_key(whole) {
                for name in names {
                    seen.push(whole.clone(), false, Value::from(format!("/{}", event::text(name))));
                }
            }
        }
    }
}

/// Where a value stands in an event.
#[derive(Default)]
struct Place<'e> {
    segments: Vec<&'e str>,
    /// Of every segment how many arrays stand there, one in another.
    depths: Vec<usize>,
    /// The number of the element in every array on the way.
    numbers: Vec<usize>,
}

impl Place<'_> {
    fn path(&self) -> Path {
        Path::from_segments(self.segments.iter().copied())
    }
}

/// Whether there is something at a path in every element of all lists on its way.
fn has_everywhere(node: &Value, path: &[Arc<str>]) -> bool {
    match (node, path.split_first()) {
        (Value::Array(items), _) => items.iter().all(|item| has_everywhere(item, path)),
        (Value::Null, _) => false,
        (_, None) => true,
        (Value::Object(map), Some((key, rest))) => map.get(&**key).is_some_and(|value| has_everywhere(value, rest)),
        _ => false,
    }
}

/// A value as a target of that type holds it.
fn shaped(value: &Value, is_typed: bool, kind: FieldType) -> Value {
    match kind {
        // A flattened object and a list of texts hold nothing but texts; else a type that nobody gave says nothing.
        FieldType::Exact | FieldType::TextList => Value::from(event::text(value)),
        FieldType::Text if is_typed => Value::from(event::text(value)),
        _ => value.clone(),
    }
}

/// The fields that a search asks for, and the values they have in all that it finds.
fn asked(search: &str) -> Vec<(String, Vec<String>)> {
    fn collect(formula: &Formula, found: &mut Vec<(String, Vec<String>)>) {
        match formula {
            Formula::And(parts) => parts.iter().for_each(|part| collect(part, found)),
            Formula::Test(test) => {
                if let (Subject::Field(path), Predicate::Text(set)) = (&test.subject, &test.predicate) {
                    let name = path.dotted();
                    let equals = set.any.iter().filter_map(|pattern| match pattern {
                        Pattern::Glob(glob) => match glob.shape() {
                            Shape::Equals(text) => Some(text.to_owned()),
                            _ => None,
                        },
                        _ => None,
                    });
                    found.push((name, equals.collect()));
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    // What is not Splunk's is somebody else's and tells nothing.
    if let Ok(formula) = read_search(search, &Macros::default(), &crate::language::FieldTable::default()) {
        collect(&formula, &mut found);
    }
    found
}

/// The target's fields while they are collected, in the order of the event.
#[derive(Debug, Default)]
struct Seen(IndexMap<String, Collected>);

#[derive(Debug, Default)]
struct Collected {
    values: Vec<Value>,
    is_list: bool,
}

impl Seen {
    /// Adds a value; `is_list` if it stands in a list in the event, where it may be the only one.
    fn push(&mut self, name: String, is_list: bool, value: Value) {
        let field = self.0.entry(name).or_default();
        field.is_list |= is_list;
        field.values.push(value);
    }

    fn into_event(self) -> Event {
        let fields = self.0.into_iter().filter_map(|(name, field)| {
            let mut values = field.values;
            let value = match values.len() {
                0 => return None,
                1 if !field.is_list => values.remove(0),
                _ => Value::Array(values),
            };
            Some((name, value))
        });
        Value::Object(fields.collect::<Map<_, _>>())
    }
}
