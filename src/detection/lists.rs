//! Named lists of values: `$name` in a detection.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Code, Diagnostic, Place, SourceFile};

use super::shape::Reader;
use super::yaml::{self, Kind, Node};

/// How many values the lists of one file may hold.
const MAX_VALUES: usize = 50_000;

/// The lists that a detection sees: its own, then those of `lists.yml` beside it and above.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    own: BTreeMap<String, List>,
    outer: Option<Arc<Lists>>,
    changes: Arc<Changes>,
}

/// What a profile makes of lists, by their names, wherever they are defined.
pub type Changes = BTreeMap<String, Change>;

/// What a profile makes of one list.
#[derive(Clone, Debug)]
pub struct Change {
    /// Where the list's name stands in the profile.
    pub place: Place,
    /// Its values, instead of those that it has.
    pub replace: Option<Vec<(String, Place)>>,
    /// Values that go.
    pub remove: Vec<(String, Place)>,
    /// Values that come.
    pub add: Vec<(String, Place)>,
}

impl Change {
    fn apply(&self, values: &mut Vec<(String, Place)>) {
        if let Some(replace) = &self.replace {
            values.clone_from(replace);
        }
        values.retain(|(value, _)| !self.remove.iter().any(|(gone, _)| gone == value));
        for (value, place) in &self.add {
            if !values.iter().any(|(known, _)| known == value) {
                values.push((value.clone(), place.clone()));
            }
        }
    }
}

/// One list.
#[derive(Clone, Debug)]
pub struct List {
    /// Where its name was written.
    pub place: Place,
    /// Its values and where they were written.
    pub values: Vec<(String, Place)>,
    /// What a profile takes out of it and was never in it.
    pub not_there: Vec<(String, Place)>,
}

/// Which lists were used: by the file that defines them and their name.
pub type Used = BTreeSet<(std::path::PathBuf, String)>;

impl Lists {
    /// No lists, and what becomes of those that are read below it.
    pub fn changed(changes: Arc<Changes>) -> Self {
        Self { changes, ..Self::default() }
    }

    /// The lists of a map `name: [values]`, seen before those of `outer`.
    pub fn read(node: Option<&Node>, reader: &mut Reader, outer: Option<Arc<Lists>>) -> Self {
        let mut own = BTreeMap::new();
        let changes = outer.as_ref().map(|outer| outer.changes.clone()).unwrap_or_default();
        let entries = node.and_then(|node| reader.entries(node, "`lists`")).unwrap_or_default();
        for entry in entries {
            if !is_name(&entry.key) {
                let problem = reader
                    .problem(Code::BadName, entry.key_span.clone(), format!("`{}` cannot name a list", entry.key))
                    .help("a name is a letter or `_`, then letters, digits, `_` and `-`");
                reader.report(problem);
                continue;
            }
            let mut values = Vec::new();
            for item in reader.items(&entry.value) {
                match &item.kind {
                    Kind::Scalar { text, .. } if !item.is_null() && !text.is_empty() => {
                        values.push((text.clone(), reader.place(item.span.clone())));
                    }
                    _ => reader.wrong_type(item, "a value of a list", "text"),
                }
            }
            let mut place = reader.place(entry.key_span.clone());
            let mut not_there = Vec::new();
            if let Some(change) = changes.get(&entry.key) {
                let was_empty = values.is_empty();
                let before: Vec<String> = values.iter().map(|(value, _)| value.clone()).collect();
                not_there = change.remove.iter().filter(|(value, _)| !before.contains(value)).cloned().collect();
                change.apply(&mut values);
                if values.is_empty() && !was_empty {
                    place = change.place.clone();
                }
            }
            if values.is_empty() {
                let problem =
                    Diagnostic::new(Code::EmptyValue, place, format!("the list `{}` has no values", entry.key))
                        .help("a test against an empty list would never be true");
                reader.report(problem);
            }
            own.insert(entry.key.clone(), List { place: reader.place(entry.key_span.clone()), values, not_there });
        }
        Self { own, outer, changes }
    }

    /// The lists of a `lists.yml`: one top key `lists`.
    pub fn read_file(file: &Arc<SourceFile>, outer: Option<Arc<Lists>>) -> (Self, Vec<Diagnostic>) {
        let mut reader = Reader::new(file.clone());
        let Some(root) = yaml::parse_into(file, &mut reader.problems) else {
            return (Self { outer, ..Self::default() }, reader.problems);
        };
        let map = reader.map(&root, "a file of lists", &["lists"]);
        let node = map.and_then(|map| map.need(&mut reader, "the file", "lists", "which values each name stands for"));
        let lists = Self::read(node, &mut reader, outer);
        (lists, reader.problems)
    }

    /// The lists of this level alone.
    pub fn own(&self) -> &BTreeMap<String, List> {
        &self.own
    }

    fn find(&self, name: &str) -> Option<(&Lists, &List)> {
        match self.own.get(name) {
            Some(list) => Some((self, list)),
            None => self.outer.as_ref()?.find(name),
        }
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.own.keys().map(String::as_str).collect();
        if let Some(outer) = &self.outer {
            names.extend(outer.names());
        }
        names
    }

    /// The values of `$name`, with lists inside lists put in, or what is wrong. `at` is where the name was used.
    pub fn expand(&self, name: &str, at: &Place, used: &mut Used) -> Result<Vec<String>, Diagnostic> {
        let mut values = Vec::new();
        self.expand_into(name, at, &mut Vec::new(), &mut values, used)?;
        Ok(values)
    }

    fn expand_into(
        &self,
        name: &str,
        at: &Place,
        path: &mut Vec<String>,
        values: &mut Vec<String>,
        used: &mut Used,
    ) -> Result<(), Diagnostic> {
        let Some((level, list)) = self.find(name) else {
            let known = self.names();
            let nearest = nearest(name, known.iter().copied()).map(|name| format!("${name}"));
            return Err(Diagnostic::new(Code::UnknownList, at.clone(), format!("there is no list `{name}`"))
                .suggestion(nearest.as_deref())
                .help(format!(
                    "lists stand under `lists` in the detection or in a `lists.yml` beside or above it; \
                     the text `${name}` itself is written `'\\${name}'`"
                )));
        };
        if path.iter().any(|outer| outer == name) || path.len() > 20 {
            path.push(name.to_owned());
            let message = format!("the list `{name}` contains itself: {}", path.join(" -> "));
            return Err(Diagnostic::new(Code::ListCycle, list.place.clone(), message));
        }
        used.insert((list.place.file.path.clone(), name.to_owned()));
        path.push(name.to_owned());
        for (value, place) in &list.values {
            match reference(value) {
                // A list sees what its own file sees, not what a detection below puts in front of it.
                Some(inner) => level.expand_into(inner, place, path, values, used)?,
                None => values.push(value.clone()),
            }
            if values.len() > MAX_VALUES {
                let message = format!("the list `{name}` has more than {MAX_VALUES} values");
                return Err(Diagnostic::new(Code::TooLong, list.place.clone(), message));
            }
        }
        path.pop();
        Ok(())
    }
}

/// The name in `$name`.
pub fn reference(text: &str) -> Option<&str> {
    text.strip_prefix('$').filter(|name| is_name(name))
}

/// Whether a text says `$name` somewhere: it may use the list of that name, whatever else it says.
pub fn mentions(text: &str, name: &str) -> bool {
    text.match_indices('$').any(|(at, _)| {
        let rest = text.get(at + 1..).and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-'))
    })
}

/// True for what may name a list or a selection.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.len() <= 100
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
