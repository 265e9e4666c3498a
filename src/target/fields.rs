//! From the paths of an event to a target's fields.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::load::Target;
use super::settings::{Derivation, FieldRule, Holds, SourceSettings};
use crate::language::{FieldTable, FieldType};
use crate::logic::Encoding;
use crate::logic::{Formula, Path, Predicate};
use crate::source::{Catalogue, Field, FieldKind, Source};

/// What a target has for one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetField {
    /// The field with the values themselves.
    pub name: Option<String>,
    /// A field that the values are a part of.
    pub from: Option<Derivation>,
    /// A field with the arguments joined by single spaces.
    pub joined: Option<String>,
    /// What `name` holds where the event has no value.
    pub none: Option<String>,
    /// What `name` holds where the event has an explicit null.
    pub null: Option<String>,
    /// What `name` holds, if not the values themselves.
    pub holds: Option<Holds>,
    /// The type of `name`.
    pub kind: FieldType,
    /// The platform's own word for the type.
    pub native: Option<String>,
}

/// The fields of all log sources in all targets.
#[derive(Debug)]
pub struct AllFields<'a>(HashMap<&'a str, HashMap<&'a str, Fields<'a>>>);

impl<'a> AllFields<'a> {
    /// The fields that `targets` have, with the types of `catalogue`.
    pub fn new(targets: &'a [Target], catalogue: &'a Catalogue) -> Self {
        let of_target = |target: &'a Target| {
            let names = target.settings.sources.keys();
            names.filter_map(|name| Some((name.as_str(), Fields::of(target, name, catalogue)?))).collect()
        };
        Self(targets.iter().map(|target| (target.name(), of_target(target))).collect())
    }

    /// The fields of the log source `name` in `target`, if the target has the source.
    pub fn get(&self, target: &Target, name: &str) -> Option<&Fields<'a>> {
        self.0.get(target.name())?.get(name)
    }
}

/// The fields of one log source in one target.
#[derive(Debug)]
pub struct Fields<'a> {
    exact: HashMap<Path, &'a FieldRule, RandomState>,
    /// Rules for everything below a path, the longest path first.
    below: Vec<(Path, &'a FieldRule)>,
    /// The target's fields with the platform's own words for their types, the longest name first.
    natives: Vec<(&'a str, &'a str)>,
    nulls: Option<&'a str>,
    /// The target's fields whose values are spelled in another way.
    encoded: Vec<(&'a str, Encoding)>,
    catalogue: HashMap<&'a Path, &'a Field, RandomState>,
}

impl<'a> Fields<'a> {
    /// The fields of a source as `settings` name them; types that it does not give are those of the catalogue.
    pub fn new(settings: &'a SourceSettings, source: Option<&'a Source>) -> Self {
        let (mut exact, mut below, mut natives) = (HashMap::default(), Vec::new(), Vec::new());
        let mut encoded = Vec::new();
        for (path, rule) in &settings.fields {
            let rule = &rule.0;
            if let Some(encoding) = rule.encoded {
                let from = rule.from.as_ref().map(|Derivation::Basename(name)| name);
                encoded.extend(
                    [&rule.name, &rule.joined].into_iter().flatten().chain(from).map(|name| (name.as_str(), encoding)),
                );
            }
            if let Some(native) = &rule.native {
                let names = [rule.name.as_deref(), rule.joined.as_deref()].into_iter().flatten();
                natives.extend(names.map(|name| (name, native.as_str())));
            }
            if path == "*" {
                below.push((Path::from_segments(Vec::<&str>::new()), rule));
            } else if let Some(path) = path.strip_suffix(".*").and_then(|path| path.parse().ok()) {
                below.push((path, rule));
            } else if let Ok(path) = path.parse() {
                exact.insert(path, rule);
            }
        }
        below.sort_by_key(|(path, _): &(Path, _)| std::cmp::Reverse(path.segments().len()));
        natives.sort_unstable_by(|a, b| (b.0.len(), b.1).cmp(&(a.0.len(), a.1)));
        encoded.sort_by_key(|(name, _): &(&str, Encoding)| std::cmp::Reverse(name.len()));
        let fields = source.into_iter().flat_map(|source| &source.fields);
        let catalogue = fields.flat_map(|field| field.paths.iter().map(move |path| (path, field))).collect();
        Self { exact, below, natives, nulls: settings.nulls.as_deref(), encoded, catalogue }
    }

    /// The fields of the log source `name` in `target`; `None` if the target does not have the source.
    pub fn of(target: &'a Target, name: &str, catalogue: &'a Catalogue) -> Option<Self> {
        Some(Self::new(target.settings.sources.get(name)?, catalogue.sources.get(name)))
    }

    /// What the target has for `path`, if anything.
    pub fn get(&self, path: &Path) -> Option<TargetField> {
        self.get_in(path, &[])
    }

    /// What the target has for `path` in one event, whose segments are as many arrays as `depths` says, one in another:
    /// a target that names arrays names those that are there, too.
    pub fn get_in(&self, path: &Path, depths: &[usize]) -> Option<TargetField> {
        let (rule, rest) = self.rule(path)?;
        let name = rule.name.as_ref().map(|name| match &rest {
            None => name.clone(),
            Some(rest) => {
                let below = depths.get(path.segments().len() - rest.segments().len()..).unwrap_or_default();
                name.replace('*', &dotted(rest, rule, below))
            }
        });
        let kind = rule.kind.unwrap_or_else(|| self.kind(path));
        let null = self.nulls.filter(|_| has_nulls(rule, kind)).map(str::to_owned);
        Some(TargetField {
            name,
            from: rule.from.clone(),
            joined: rule.joined.clone(),
            none: rule.none.clone(),
            null,
            holds: rule.holds,
            kind,
            native: rule.native.clone(),
        })
    }

    /// What `target.yml` says of a path, and what is left of it below the path that it says that of.
    fn rule(&self, path: &Path) -> Option<(&'a FieldRule, Option<Path>)> {
        match self.exact.get(path) {
            Some(rule) => Some((*rule, None)),
            // What readers add is in no event of a platform, whatever else it has there.
            None if self.catalogue.get(path).is_some_and(|field| field.added) => None,
            None => self.below.iter().find_map(|(head, rule)| {
                let is_below = path.segments().len() > head.segments().len();
                Some((*rule, Some(path.strip_prefix(head).filter(|_| is_below)?)))
            }),
        }
    }

    /// The platform's own word for the type of its field `name`: that of the longest name that fits.
    pub fn native(&self, name: &str) -> Option<&'a str> {
        self.natives.iter().find(|(known, _)| fits(known, name)).map(|(_, native)| *native)
    }

    /// How the values of the target's field `name` are spelled, if not as they are.
    pub fn encoded(&self, name: &str) -> Option<Encoding> {
        self.encoded.iter().find(|(known, _)| fits(known, name)).map(|(_, encoding)| *encoding)
    }

    /// The word that stands for no value at `path`, if the target has one.
    pub fn none(&self, path: &Path) -> Option<&'a str> {
        self.rule(path).and_then(|(rule, _)| rule.none.as_deref())
    }

    /// The word for an explicit null at `path`, if the target has one.
    pub fn null(&self, path: &Path) -> Option<&'a str> {
        let (rule, _) = self.rule(path)?;
        self.nulls.filter(|_| has_nulls(rule, rule.kind.unwrap_or_else(|| self.kind(path))))
    }

    /// What the target's field for `path` holds, if not the path's values.
    pub fn holds(&self, path: &Path) -> Option<Holds> {
        self.rule(path).and_then(|(rule, _)| rule.holds)
    }

    /// The types of all fields that the target has for the source, by their names there: for reading a rule back.
    pub fn table(&self) -> FieldTable {
        let mut table = FieldTable::default();
        // Names of single fields come last, because they are the most certain.
        for (head, rule) in &self.below {
            if let Some(prefix) = rule.name.as_ref().and_then(|name| name.strip_suffix('*')) {
                table.insert(format!("{prefix}*"), rule.kind.unwrap_or_else(|| self.kind(head)));
            }
        }
        let mut paths: Vec<&Path> = self.catalogue.keys().copied().chain(self.exact.keys()).collect();
        paths.sort_unstable();
        for path in paths {
            let Some(field) = self.get(path) else { continue };
            let Some(from) = field.from.map(|Derivation::Basename(name)| name) else {
                table.extend(field.joined.map(|name| (name, FieldType::Text)));
                let names = field.name.map(|name| Holds::names(field.holds, &name));
                table.extend(names.into_iter().flatten().map(|name| (name, field.kind)));
                continue;
            };
            table.extend([(from, FieldType::Text)]);
        }
        table
    }

    /// The path whose values the target's field `name` holds, by the rules for whole parts of an event.
    pub fn path_below(&self, name: &str) -> Option<Path> {
        self.below.iter().find_map(|(head, rule)| {
            let (before, after) = rule.name.as_ref()?.split_once('*')?;
            let middle = name.strip_prefix(before)?.strip_suffix(after)?;
            let rest = Path::from_segments(middle.split('.').map(|segment| segment.trim_end_matches("{}")));
            let path = head.join(&rest);
            (self.get(&path)?.name.as_deref() == Some(name)).then_some(path)
        })
    }

    /// Whether the objects at `path` are at most one, so that any two conditions on them hold for the same.
    pub fn is_single(&self, path: &Path) -> bool {
        self.catalogue.get(path).is_some_and(|field| !field.multiple)
    }

    /// The types of fields of which neither the target nor the log source knows one, such as those below an open field:
    /// who asks a number, an address or a truth value of a field, and nothing else, says that it holds such values.
    pub fn types_asked(&self, condition: &Formula) -> HashMap<Path, FieldType, RandomState> {
        let mut asked: HashMap<Path, Option<FieldType>, RandomState> = HashMap::default();
        condition.each_test(&mut |path, test| {
            let Some(path) = path else { return };
            let kind = match &test.predicate {
                Predicate::Number { .. } => FieldType::Number,
                Predicate::Network(_) => FieldType::Address,
                Predicate::Boolean(_) => FieldType::Boolean,
                Predicate::Exists => return,
                Predicate::Text(_) | Predicate::Encoded(..) | Predicate::Option(_) | Predicate::Field { .. } => {
                    FieldType::Text
                }
            };
            let known = asked.entry(path.clone()).or_insert(Some(kind));
            *known = known.filter(|known| *known == kind);
        });
        let is_unknown = |path: &Path| {
            self.rule(path).is_some_and(|(rule, _)| rule.kind.is_none())
                && self.catalogue.get(path).is_none_or(|field| field.kind == FieldKind::Any)
        };
        let asked = asked.into_iter().filter_map(|(path, kind)| Some((path, kind.filter(|k| *k != FieldType::Text)?)));
        asked.filter(|(path, _)| is_unknown(path)).collect()
    }

    /// Whether the catalogue has a field of this path, and so a type.
    pub fn is_known(&self, path: &Path) -> bool {
        self.catalogue.contains_key(path)
    }

    /// Whether the log source's own events have text at this path.
    pub fn is_text(&self, path: &Path) -> bool {
        self.catalogue.get(path).is_some_and(|field| field.kind == FieldKind::Text)
    }

    /// The type that the catalogue gives a field.
    fn kind(&self, path: &Path) -> FieldType {
        let Some(field) = self.catalogue.get(path) else { return FieldType::Text };
        match field.kind {
            FieldKind::Number => FieldType::Number,
            FieldKind::Address => FieldType::Address,
            FieldKind::Boolean => FieldType::Boolean,
            FieldKind::Object => FieldType::Object,
            FieldKind::Arguments => FieldType::TextList,
            FieldKind::Text | FieldKind::Any if field.multiple => FieldType::TextList,
            FieldKind::Text | FieldKind::Any => FieldType::Text,
        }
    }
}

/// Whether `name` is one of the target's fields that are `known` by this name.
fn fits(known: &str, name: &str) -> bool {
    match known.split_once('*') {
        Some((before, after)) => name.starts_with(before) && name.ends_with(after),
        None => known == name,
    }
}

/// Whether a field has a word for a null where the platform has words for nulls: one that holds one text as it is.
fn has_nulls(rule: &FieldRule, kind: FieldType) -> bool {
    rule.name.is_some()
        && rule.none.is_none()
        && rule.holds.is_none()
        && matches!(kind, FieldType::Text | FieldType::HttpStatus)
}

/// The segments of a path joined by dots, with `{}` after those that are arrays, if the target names arrays.
fn dotted(path: &Path, rule: &FieldRule, depths: &[usize]) -> String {
    let is_array =
        |at: usize, segment: &str| rule.arrays.iter().any(|array| array == segment || (at == 0 && array == "*"));
    let mut is_named_by_people = false;
    let mut segments: Vec<String> = Vec::new();
    for (at, segment) in path.segments().iter().enumerate() {
        let depth = match depths.get(at) {
            _ if rule.arrays.is_empty() => 0,
            Some(depth) if *depth > 0 => *depth,
            _ => usize::from(!is_named_by_people && is_array(at, segment)),
        };
        let key = rule.dots.as_ref().map_or_else(|| segment.to_string(), |sign| segment.replace('.', sign));
        segments.push(format!("{key}{}", "{}".repeat(depth)));
        is_named_by_people |= rule.maps.iter().any(|map| **map == **segment);
    }
    segments.join(".")
}
