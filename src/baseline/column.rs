//! Columns: the fields by which the hits of a detection are told apart, and what an event holds in them.
//!
//! Which fields those are is not written here. The catalogue names for each log source who acts and where; the detection
//! itself names what was done: the fields that it asks by an open pattern (a path below a directory, part of a text, an
//! option's value), because there hits differ. What it asks by a plain list of values is the act as its author put it,
//! and tells nothing apart.

use std::collections::BTreeSet;

use crate::detection::Observation;
use crate::logic::decide::Derivation;
use crate::logic::{Event, Formula, Path, Pattern, Piece, Predicate, Subject};
use crate::printable::is_hidden;
use crate::source::{Field, FieldKind, Source};

/// How many fields of what was done are looked at.
const MOST_ACTS: usize = 4;
/// A longer value is none that an exception could name.
const MAX_VALUE: usize = 512;
/// So many values of one event are kept.
const MOST_VALUES: usize = 64;

/// Folders where anybody may write: what lies there is no name to know somebody by, and no place to trust.
const ANYBODY: [&str; 6] = ["/tmp", "/var/tmp", "/dev/shm", "/run/user", "/proc", "/var/lock"];

/// A field by which hits are told apart.
#[derive(Clone, Debug)]
pub struct Column {
    /// The field.
    pub field: Field,
    /// What it tells.
    pub role: Role,
    /// Its values are file system paths.
    pub is_path: bool,
    /// Its values are programs, or paths of programs.
    pub is_program: bool,
}

/// What a field tells of a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Who acted: the fact of this number among those of the log source.
    Actor(usize),
    /// What was done.
    Act,
    /// Where.
    Place,
    /// What was done, word for word.
    Line,
}

/// What an event holds in a column: its values, sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// The values, cut where they are very long or many.
    pub values: Vec<Box<str>>,
    /// Whether an exception may name all of them.
    pub named: bool,
}

impl Column {
    /// What an event with these values holds. Programs in a folder where anybody may write are all one, and nobody: build
    /// tools make up thousands of their names, and attackers as many as they like.
    pub fn cell(&self, values: Vec<String>) -> Cell {
        let is_actor = matches!(self.role, Role::Actor(_)) && self.is_program;
        if let Some(folder) = values.iter().find_map(|value| anybodys(value)).filter(|_| is_actor) {
            return Cell { values: vec![folder.into()], named: false };
        }
        Cell::new(values)
    }
}

impl Cell {
    /// The cell of these values.
    fn new(mut values: Vec<String>) -> Self {
        values.sort();
        values.dedup();
        let named = !values.is_empty() && values.len() <= MOST_VALUES && values.iter().all(|value| is_nameable(value));
        values.truncate(MOST_VALUES);
        for value in &mut values {
            let end = (0..=value.len().min(MAX_VALUE + 1)).rev().find(|at| value.is_char_boundary(*at));
            value.truncate(end.unwrap_or_default());
        }
        Self { values: values.into_iter().map(String::into_boxed_str).collect(), named }
    }
}

/// The columns of a detection in a log source, the most telling first.
pub fn columns(source: &Source, observation: &Observation) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    let mut add = |field: Option<Field>, role: Role| {
        let Some(field) = field.filter(|field| field.kind == FieldKind::Text) else { return };
        if columns.iter().any(|column| column.field.name == field.name) {
            return;
        }
        let is_path = field.example.starts_with('/');
        let is_program = source
            .derived
            .iter()
            .filter(|derived| derived.how == Derivation::LastSegment)
            .any(|derived| field.paths.contains(&derived.field) || field.paths.contains(&derived.from));
        columns.push(Column { field, role, is_path, is_program });
    };
    for (fact, names) in source.actors.iter().enumerate() {
        names.iter().for_each(|name| add(source.field(name), Role::Actor(fact)));
    }
    let mut asked = BTreeSet::new();
    open_tests(&observation.formula, None, true, &mut asked);
    let joined = || source.derived.iter().filter(|derived| derived.how == Derivation::Joined);
    let is_line = |field: &Field| joined().any(|joined| field.paths.contains(&joined.field));
    let is_asked = |field: &Field| field.paths.iter().all(|path| asked.contains(path));
    // What readers add is in no platform's events, so that no rule there can except it.
    let is_act = |field: &&Field| field.kind == FieldKind::Text && !field.added && is_asked(field) && !is_line(field);
    let acts = source.fields.iter().filter(is_act);
    acts.take(MOST_ACTS).for_each(|field| add(Some(field.clone()), Role::Act));
    source.places.iter().for_each(|name| add(source.field(name), Role::Place));
    // Arguments are told apart by the line that joins them. It has the most values, and goes first if there are too many.
    for joined in joined().filter(|joined| asked.contains(&joined.from) || asked.contains(&joined.field)) {
        add(source.field(&joined.field.to_string()), Role::Line);
    }
    columns
}

/// The paths that `formula` asks by an open pattern where it has to hold.
fn open_tests(formula: &Formula, base: Option<&Path>, positive: bool, found: &mut BTreeSet<Path>) {
    match formula {
        Formula::And(parts) | Formula::Or(parts) | Formula::AtLeast { of: parts, .. } => {
            parts.iter().for_each(|part| open_tests(part, base, positive, found));
        }
        Formula::Not(part) => open_tests(part, base, !positive, found),
        Formula::Element { path, body } => {
            let here = base.map_or_else(|| path.clone(), |base| base.join(path));
            open_tests(body, Some(&here), positive, found);
        }
        Formula::Test(test) => {
            let is_open = match &test.predicate {
                Predicate::Text(set) => set.any.iter().any(|pattern| match pattern {
                    Pattern::Glob(glob) => glob.pieces().iter().any(|piece| !matches!(piece, Piece::Literal(_))),
                    Pattern::Regex(_) | Pattern::Path { .. } => true,
                }),
                Predicate::Option(_) => true,
                _ => false,
            };
            if let (true, true, Subject::Field(path)) = (positive, is_open, &test.subject) {
                found.insert(base.map_or_else(|| path.clone(), |base| base.join(path)));
            }
        }
    }
}

/// What an event holds in each column.
pub fn cells(columns: &[Column], event: &Event) -> Vec<Cell> {
    columns.iter().map(|column| column.cell(crate::hunt::values(event, &column.field))).collect()
}

/// The folder where anybody may write that a path is or lies under.
pub fn anybodys(path: &str) -> Option<&'static str> {
    let under = |folder: &&str| path.strip_prefix(*folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ANYBODY.into_iter().find(under)
}

/// Whether an exception may name this value: what people cannot see they cannot review.
fn is_nameable(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_VALUE && !value.contains(is_hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::load;
    use crate::project::Project;
    use crate::source::Catalogue;

    #[test]
    fn catalogue_and_detection_say_what_tells_hits_apart() {
        let catalogue = Catalogue::builtin();
        let detections = load::load_to_match(&Project::built_in(), catalogue).detections;
        let of = |name: &str, source: &str| {
            let detection = detections.iter().find(|detection| detection.name == name).expect("a detection");
            let columns = columns(
                catalogue.source(source).expect("a source"),
                detection.observation(source).expect("an observation"),
            );
            columns.into_iter().map(|column| (column.field.name, column.role)).collect::<Vec<_>>()
        };
        let process = of("docker_socket_mounted", "process");
        assert_eq!(process.first(), Some(&("process.parent.executable".to_owned(), Role::Actor(0))));
        assert_eq!(process.last(), Some(&("process.command_line".to_owned(), Role::Line)));
        let audit = of("docker_socket_mounted", "kubernetes_audit");
        assert!(audit.contains(&("pod.volumes.hostPath.path".to_owned(), Role::Act)), "{audit:?}");
        // What is only asked not to be so, or asked for by plain values, is no act.
        let names: Vec<&str> = audit.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.contains(&"requestURI") && !names.contains(&"verb"), "{names:?}");
        let mounts = of("sensitive_host_path_mounted_rw", "kubernetes_audit");
        assert!(mounts.contains(&("pod.volumes.hostPath.path".to_owned(), Role::Act)), "{mounts:?}");
        assert!(!mounts.iter().any(|(name, _)| name == "pod.containers.volumeMounts.hostPath"), "{mounts:?}");
        let compose = of("docker_socket_mounted", "compose");
        assert!(compose.contains(&("service.volumes.source".to_owned(), Role::Act)), "{compose:?}");
    }

    #[test]
    fn what_cannot_be_seen_is_not_named() {
        let named = |values: &[&str]| Cell::new(values.iter().map(|value| (*value).to_owned()).collect()).named;
        assert!(named(&["/usr/bin/x"]) && named(&["a", "b*", "$c", "ä"]));
        for hidden in ["", "a\nb", "a\u{202e}b", "a\u{200b}", "\u{fffd}", &"x".repeat(600)] {
            assert!(!named(&[hidden]) && !named(&["a", hidden]), "{hidden:?}");
        }
        assert!(!named(&[]));
        let catalogue = Catalogue::builtin();
        let field = catalogue.source("process").and_then(|source| source.field("process.parent.executable"));
        let column = Column { field: field.expect("a field"), role: Role::Actor(0), is_path: true, is_program: true };
        let cell = |value: &str| column.cell(vec![value.to_owned()]);
        assert_eq!(cell("/tmp/go-build1/x"), cell("/tmp/go-build2/y"));
        assert!(!cell("/tmp/x").named && cell("/tmpx/x").named && cell("/opt/tmp/x").named);
        let long = Cell::new(vec!["ä".repeat(600)]);
        assert!(long.values.first().is_some_and(|value| value.len() <= MAX_VALUE + 1));
    }
}
