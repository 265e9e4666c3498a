//! The catalogue of log sources. It is data (`src/source/catalogue/*.yml`, built into the binary); this file is its
//! shape, and how the name of a field becomes the paths of its values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::commands::{self, Commands};
use crate::logic::decide::{Derivation, Derived, Schema};
use crate::logic::{Case, Grammar, Launchers, Path};

/// The data, file by file. `pod.yml` is part of the sources that ask for it.
const SOURCES: [(&str, &str); 7] = [
    ("process.yml", include_str!("catalogue/process.yml")),
    ("kubernetes_audit.yml", include_str!("catalogue/kubernetes_audit.yml")),
    ("kubernetes_manifest.yml", include_str!("catalogue/kubernetes_manifest.yml")),
    ("compose.yml", include_str!("catalogue/compose.yml")),
    ("docker_inspect.yml", include_str!("catalogue/docker_inspect.yml")),
    ("daemon_config.yml", include_str!("catalogue/daemon_config.yml")),
    ("container_start.yml", include_str!("catalogue/container_start.yml")),
];
const POD_FIELDS: &str = include_str!("catalogue/pod.yml");
const COMMANDS: &str = include_str!("catalogue/commands.yml");

/// All log sources that detections may observe, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// The sources, sorted by name.
    pub sources: BTreeMap<String, Source>,
    commands: Commands,
}

/// One log source: a kind of event, wherever it was recorded.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name in detections: `process`, `kubernetes_audit`.
    pub name: String,
    /// What it is, in a few words.
    pub title: String,
    /// What its events are and where they come from.
    pub description: String,
    /// How the text of its fields compares unless a field or a detection says otherwise.
    pub case: Case,
    /// Its fields, in the order they are documented; unions stand before the fields below them.
    pub fields: Vec<Field>,
    /// The fields that tell an analyst what happened, in the order of a table's columns.
    pub columns: Vec<String>,
    /// Who acts in its events: facts that tell one actor from another, each with the fields that say it, the best
    /// first. The first fact names what caused an event.
    pub actors: Vec<Vec<String>>,
    /// Where its events happen: fields that tell an odd event from others of the same actor.
    pub places: Vec<String>,
    /// Actors who do what others tell them, and so may be anybody: by the first field of the fact, the values or, where
    /// these are paths, their last segments.
    pub deputies: BTreeMap<String, BTreeSet<String>>,
    /// What other formats call its fields, for suggestions.
    pub elsewhere: BTreeMap<String, String>,
    /// Fields whose values follow from another field's.
    pub derived: Vec<Derived>,
    /// Positions of `fields`, by name.
    by_name: BTreeMap<String, usize>,
    unions: BTreeMap<String, Union>,
    /// The names that come next in the paths of fields, by what stands before them.
    below: OnceLock<BTreeMap<String, BTreeSet<Arc<str>>>>,
    /// What was worked out of all this for decisions.
    pub(super) schema: OnceLock<Arc<Schema>>,
}

/// Where the values of a union are.
#[derive(Clone, Debug, Default)]
struct Union {
    /// All places.
    paths: Vec<Path>,
    /// The union that it continues, and by what.
    below: Option<(String, Vec<Path>)>,
    /// Places that are not below that union.
    further: Vec<Path>,
}

/// A field that a detection may test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its canonical name, ECS where ECS has one.
    pub name: String,
    /// Where its values are in an event: one path, or several whose values are taken together (a union).
    pub paths: Vec<Path>,
    /// What its values are.
    pub kind: FieldKind,
    /// Whether one event may hold several values.
    pub multiple: bool,
    /// Whether any name below it is a field too, such as the labels of an object.
    pub open: bool,
    /// Whether it is not in the log: the reader adds it, and a target has it only if `target.yml` names it.
    pub added: bool,
    /// How its text compares unless a detection says otherwise.
    pub case: Case,
    /// What it means.
    pub description: String,
    /// A value it may have; empty if any will do.
    pub example: String,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// An IP address.
    Address,
    /// True or false.
    Boolean,
    /// A process's arguments, in order, the program's name first.
    Arguments,
    /// An object or an array of objects: only tested as a whole (`exists`) or element-wise.
    Object,
    /// Whatever the event's author put there: a field below an open one.
    Any,
}

impl FieldKind {
    /// Its name in lists of fields.
    pub fn name(self) -> &'static str {
        match self {
            FieldKind::Text => "text",
            FieldKind::Number => "number",
            FieldKind::Address => "address",
            FieldKind::Boolean => "boolean",
            FieldKind::Arguments => "arguments",
            FieldKind::Object => "object",
            FieldKind::Any => "any",
        }
    }
}

impl Catalogue {
    /// The catalogue that is built into the program.
    pub fn builtin() -> &'static Catalogue {
        static BUILTIN: OnceLock<Catalogue> = OnceLock::new();
        // The data is fixed when the program is built, and a test reads it; an unreadable one would be empty.
        BUILTIN.get_or_init(|| Catalogue::load(&SOURCES, POD_FIELDS, COMMANDS).unwrap_or_default())
    }

    fn load(sources: &[(&str, &str)], pod_fields: &str, commands: &str) -> Result<Self, String> {
        let pod_fields: Vec<WrittenField> =
            serde_yaml::from_str(pod_fields).map_err(|error| format!("pod.yml: {error}"))?;
        let mut catalogue = Catalogue {
            sources: BTreeMap::new(),
            commands: commands::read(commands).map_err(|error| format!("commands.yml: {error}"))?,
        };
        for (file, text) in sources {
            let source: WrittenSource = serde_yaml::from_str(text).map_err(|error| format!("{file}: {error}"))?;
            let source = source.resolve(&pod_fields).map_err(|error| format!("{file}: {error}"))?;
            catalogue.sources.insert(source.name.clone(), source);
        }
        Ok(catalogue)
    }

    /// The log source of this name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// How a command reads its options. A program of `None` is any program; commands that are not known take options
    /// anywhere, each with a value.
    pub fn grammar(&self, program: Option<&str>, words: &[String]) -> Arc<Grammar> {
        self.commands.grammar(program, words)
    }

    /// The programs that start the command they are given.
    pub fn launchers(&self) -> Arc<Launchers> {
        self.commands.launchers()
    }
}

impl Source {
    /// Where a field of the catalogue stands among the others; `None` for those below an open one.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The field of this name: one that is listed, or one below an open field. The element of an array of objects
    /// has no names of its own: ask for `pod.volumes.hostPath.path`, and see [`Source::within`].
    pub fn field(&self, name: &str) -> Option<Field> {
        if let Some(field) = self.listed(name) {
            return Some(field.clone());
        }
        let path: Path = name.parse().ok()?;
        // The longest listed field above it decides.
        let mut above = None;
        for length in 1..path.segments().len() {
            let head = Path::from_segments(path.segments().get(..length)?.iter().cloned());
            if let Some(field) = self.listed(&head.to_string()) {
                above = Some((field, path.strip_prefix(&head)?));
            }
        }
        let (field, tail) = above.filter(|(field, _)| field.open)?;
        Some(Field {
            name: name.to_owned(),
            paths: field.paths.iter().map(|path| path.join(&tail)).collect(),
            kind: FieldKind::Any,
            multiple: true,
            open: true,
            added: false,
            case: field.case,
            description: field.description.clone(),
            example: String::new(),
        })
    }

    /// Where the values of the field `element_field.tail` are inside one element at `element`, which is one of the
    /// paths of `element_field`; `None` if there is no such field.
    ///
    /// Below a union this is not what is left of the field's own paths: a JSON patch's `requestObject.value` is a
    /// pod in one event and a volume in another, and what is asked of a volume is not asked of a pod.
    pub fn within(&self, element_field: &str, element: &Path, tail: &str) -> Option<Vec<Path>> {
        let name = format!("{element_field}.{tail}");
        let field = self.field(&name)?;
        if !self.unions.contains_key(element_field) {
            let paths = field.paths.iter().filter_map(|path| path.strip_prefix(element));
            return Some(paths.filter(|path| !path.is_empty()).collect());
        }
        let full: Path = name.parse().ok()?;
        let mut heads: Vec<Path> = vec![Path::from_segments::<Arc<str>>([])];
        let mut at = element_field.to_owned();
        // Unions that lie between the element's and the field, from the outside in.
        let mut between: Vec<(&String, &Union)> = Vec::new();
        for (inner, union) in &self.unions {
            let path: Path = inner.parse().ok()?;
            let outer: Path = element_field.parse().ok()?;
            if inner != element_field && path.strip_prefix(&outer).is_some() && full.strip_prefix(&path).is_some() {
                between.push((inner, union));
            }
        }
        between.sort_by_key(|(inner, _)| inner.len());
        for (inner, union) in between {
            let segments =
                union.below.as_ref().filter(|(below, _)| *below == at).map(|(_, segments)| segments.as_slice());
            let continued = heads.iter().flat_map(|head| segments.unwrap_or_default().iter().map(|s| head.join(s)));
            let further = union.further.iter().filter_map(|path| path.strip_prefix(element));
            heads = continued.chain(further.filter(|path| !path.is_empty())).collect();
            at = inner.clone();
        }
        let rest = full.strip_prefix(&at.parse().ok()?)?;
        Some(heads.iter().map(|head| head.join(&rest)).collect())
    }

    /// The names that a part of an event has below `prefix`, such as `process`, in the paths of its fields.
    pub fn below(&self, prefix: &str) -> Option<&BTreeSet<Arc<str>>> {
        let below = self.below.get_or_init(|| {
            let mut below: BTreeMap<String, BTreeSet<Arc<str>>> = BTreeMap::new();
            for path in self.fields.iter().flat_map(|field| &field.paths) {
                let mut before = String::new();
                for segment in path.segments() {
                    below.entry(before.clone()).or_default().insert(segment.clone());
                    before = join(&before, segment);
                }
            }
            below
        });
        below.get(prefix)
    }

    /// The field that others call so: Sigma, Falco, auditd.
    pub fn called_elsewhere(&self, name: &str) -> Option<&str> {
        let known = self.elsewhere.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        known.map(|(_, field)| field.as_str())
    }

    fn listed(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).and_then(|at| self.fields.get(*at))
    }

    /// All names that are listed, in the order of the documentation: for suggestions.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }
}

/// The dotted name of what is called `name` below `prefix`.
pub fn join(prefix: &str, name: &str) -> String {
    match prefix.is_empty() {
        true => name.to_owned(),
        false => format!("{prefix}.{name}"),
    }
}

impl Field {
    /// Whether a text may be compared with its values.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, FieldKind::Text | FieldKind::Arguments | FieldKind::Any | FieldKind::Address)
    }
}

/// A log source as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSource {
    name: String,
    title: String,
    description: String,
    case: WrittenCase,
    columns: Vec<String>,
    actors: Vec<Vec<String>>,
    places: Vec<String>,
    #[serde(default)]
    deputies: BTreeMap<String, BTreeSet<String>>,
    #[serde(default)]
    elsewhere: BTreeMap<String, String>,
    #[serde(default)]
    unions: Vec<WrittenUnion>,
    /// Whether the fields of `pod.yml` are among its own.
    #[serde(default)]
    pod_fields: bool,
    fields: Vec<WrittenField>,
}

/// Several places whose values are taken together, for a field and all fields below it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUnion {
    name: String,
    description: String,
    /// Another union; its places, each continued by one of `segments`, are places of this one.
    below: Option<String>,
    #[serde(default)]
    segments: Vec<String>,
    /// Further places.
    #[serde(default)]
    paths: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenField {
    name: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default = "text_kind")]
    kind: FieldKind,
    #[serde(default)]
    multiple: bool,
    #[serde(default)]
    open: bool,
    #[serde(default)]
    added: bool,
    case: Option<WrittenCase>,
    /// The field of which it is the last segment.
    last_segment_of: Option<String>,
    /// The field whose arguments it joins by single blanks.
    joins: Option<String>,
    description: String,
    #[serde(default)]
    example: String,
}

fn text_kind() -> FieldKind {
    FieldKind::Text
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenCase {
    Sensitive,
    Insensitive,
    Either,
}

impl From<WrittenCase> for Case {
    fn from(case: WrittenCase) -> Self {
        match case {
            WrittenCase::Sensitive => Case::Sensitive,
            WrittenCase::Insensitive => Case::Insensitive,
            WrittenCase::Either => Case::Either,
        }
    }
}

impl WrittenSource {
    fn resolve(self, pod_fields: &[WrittenField]) -> Result<Source, String> {
        let case = Case::from(self.case);
        let mut unions: BTreeMap<String, Union> = BTreeMap::new();
        let mut fields = Vec::new();
        let mut derived = Vec::new();
        for union in self.unions {
            let mut paths: Vec<Path> = Vec::new();
            let segments: Vec<Path> = union.segments.iter().map(|s| Path::from_segments([s.as_str()])).collect();
            let further = union.paths.iter().map(|path| parse(path)).collect::<Result<Vec<_>, _>>()?;
            if let Some(below) = &union.below {
                let outer = unions.get(below).ok_or_else(|| format!("{}: no union {below} before it", union.name))?;
                for segment in &segments {
                    paths.extend(outer.paths.iter().map(|head| head.join(segment)));
                }
            }
            paths.extend(further.iter().cloned());
            fields.push(Field {
                name: union.name.clone(),
                paths: paths.clone(),
                kind: FieldKind::Object,
                multiple: true,
                open: false,
                added: false,
                case,
                description: union.description,
                example: String::new(),
            });
            let below = union.below.map(|below| (below, segments));
            unions.insert(union.name, Union { paths, below, further });
        }
        let shared = if self.pod_fields { pod_fields } else { &[] };
        for field in self.fields.into_iter().chain(shared.iter().cloned()) {
            let paths = match (field.paths.as_slice(), union_above(&unions, &field.name)?) {
                ([], None) => vec![parse(&field.name)?],
                ([], Some((heads, tail))) => heads.iter().map(|head| head.join(&tail)).collect(),
                (paths, _) => paths.iter().map(|path| parse(path)).collect::<Result<_, _>>()?,
            };
            for (from, how) in [(&field.last_segment_of, Derivation::LastSegment), (&field.joins, Derivation::Joined)] {
                if let Some(from) = from {
                    derived.push(Derived { field: parse(&field.name)?, from: parse(from)?, how });
                }
            }
            fields.push(Field {
                name: field.name,
                multiple: field.multiple || paths.len() > 1 || field.open,
                paths,
                kind: field.kind,
                open: field.open,
                added: field.added,
                case: field.case.map_or(case, Case::from),
                description: field.description,
                example: field.example,
            });
        }
        let mut by_name = BTreeMap::new();
        for (at, field) in fields.iter().enumerate() {
            if by_name.insert(field.name.clone(), at).is_some() {
                return Err(format!("{} is listed twice", field.name));
            }
        }
        let known: BTreeSet<&str> = by_name.keys().map(String::as_str).collect();
        let unknown = |derived: &&Derived| !known.contains(derived.from.to_string().as_str());
        if let Some(derived) = derived.iter().find(unknown) {
            return Err(format!("{} follows from {}, which is no field", derived.field, derived.from));
        }
        if let Some(name) = self.elsewhere.values().find(|name| !known.contains(name.as_str())) {
            return Err(format!("{name}, which is called otherwise elsewhere, is no field"));
        }
        if let Some(column) = self.columns.iter().find(|column| !known.contains(column.as_str())) {
            return Err(format!("the column {column} is no field"));
        }
        Ok(Source {
            name: self.name,
            title: self.title,
            description: self.description,
            case,
            fields,
            columns: self.columns,
            actors: self.actors,
            places: self.places,
            deputies: self.deputies,
            elsewhere: self.elsewhere,
            derived,
            by_name,
            below: OnceLock::new(),
            unions,
            schema: OnceLock::new(),
        })
    }
}

/// The paths of the longest union above a field, and what the field's name adds to them.
fn union_above<'u>(unions: &'u BTreeMap<String, Union>, name: &str) -> Result<Option<(&'u Vec<Path>, Path)>, String> {
    let path = parse(name)?;
    let mut longest: Option<(&Vec<Path>, Path)> = None;
    for (above, union) in unions {
        if let Some(tail) = path.strip_prefix(&parse(above)?)
            && longest.as_ref().is_none_or(|(_, known)| tail.segments().len() < known.segments().len())
        {
            longest = Some((&union.paths, tail));
        }
    }
    Ok(longest.filter(|(_, tail)| !tail.is_empty()))
}

fn parse(path: &str) -> Result<Path, String> {
    path.parse().map_err(|error| format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> &'static Source {
        Catalogue::builtin().source(name).expect("a source")
    }

    fn paths(source: &Source, field: &str) -> Vec<String> {
        source.field(field).map(|field| field.paths.iter().map(Path::to_string).collect()).unwrap_or_default()
    }

    #[test]
    fn the_data_is_in_order() {
        if let Err(error) = Catalogue::load(&SOURCES, POD_FIELDS, COMMANDS) {
            panic!("{error}");
        }
        let catalogue = Catalogue::builtin();
        assert_eq!(catalogue.sources.len(), SOURCES.len());
        for source in catalogue.sources.values() {
            for field in &source.fields {
                assert!(!field.paths.is_empty(), "{}: {}", source.name, field.name);
                assert!(field.description.ends_with('.') || field.description.ends_with("failure."), "{}", field.name);
                assert_eq!(source.field(&field.name).as_ref(), Some(field));
            }
            assert!(!source.actors.is_empty(), "{}: nobody acts", source.name);
            for name in source.actors.iter().flatten().chain(&source.places) {
                let field = source.field(name).unwrap_or_else(|| panic!("{}: no field {name}", source.name));
                assert_eq!(field.kind, FieldKind::Text, "{}: {name}", source.name);
            }
            for name in source.deputies.keys() {
                assert!(source.actors.iter().any(|fields| fields.first() == Some(name)), "{}: {name}", source.name);
            }
        }
    }

    #[test]
    fn unknown_keys_are_errors() {
        let [(file, text), ..] = SOURCES;
        for wrong in [text.replace("title:", "titel:"), text.replace("    kind: number", "    knid: number")] {
            assert_ne!(wrong, text);
            assert!(Catalogue::load(&[(file, &wrong)], POD_FIELDS, COMMANDS).is_err());
        }
        let commands = COMMANDS.replace("interspersed:", "interspresed:");
        assert!(Catalogue::load(&SOURCES, POD_FIELDS, &commands).is_err());
    }

    #[test]
    fn a_union_continues_each_of_its_places() {
        let audit = source("kubernetes_audit");
        let privileged = paths(audit, "pod.containers.securityContext.privileged");
        for path in [
            "requestObject.spec.containers.securityContext.privileged",
            "requestObject.spec.jobTemplate.spec.template.spec.initContainers.securityContext.privileged",
            "requestObject.spec.ephemeralContainers.securityContext.privileged",
            "requestObject.ephemeralContainers.securityContext.privileged",
            "requestObject.value.securityContext.privileged",
            "requestObject.value.privileged",
        ] {
            assert!(privileged.iter().any(|known| known == path), "{path} in {privileged:#?}");
        }
        assert!(paths(audit, "pod.hostPID").contains(&"requestObject.spec.template.spec.hostPID".to_owned()));
        assert_eq!(audit.field("pod").map(|field| field.kind), Some(FieldKind::Object));
        assert_eq!(audit.field("pod.containers.securityContext.priviliged"), None);
    }

    #[test]
    fn paths_within_an_element_lose_the_element() {
        let audit = source("kubernetes_audit");
        let within = |element_field: &str, element: &Path, tail: &str| -> Vec<String> {
            audit.within(element_field, element, tail).expect("a field").iter().map(Path::to_string).collect()
        };
        for element in audit.field("pod.volumes").expect("a field").paths {
            assert_eq!(within("pod.volumes", &element, "hostPath.path"), ["hostPath.path"], "{element}");
        }
        let path = |text: &str| text.parse::<Path>().expect("a path");
        assert_eq!(
            within("pod", &path("requestObject.spec.template.spec"), "containers.image"),
            ["containers.image", "initContainers.image"]
        );
        assert_eq!(
            within("pod", &path("requestObject.spec"), "containers.securityContext.privileged"),
            [
                "containers.securityContext.privileged",
                "initContainers.securityContext.privileged",
                "ephemeralContainers.securityContext.privileged"
            ]
        );
        assert_eq!(within("requestObject", &path("requestObject"), "path"), ["path"]);
        let compose = source("compose");
        let volume = path("service.volumes");
        assert_eq!(compose.within("service.volumes", &volume, "source"), Some(vec![path("source")]));
        assert_eq!(compose.within("service.volumes", &volume, "sauce"), None);
    }

    #[test]
    fn below_an_open_field_any_name_is_one() {
        let audit = source("kubernetes_audit");
        let field = audit.field("requestObject.metadata.labels.app").expect("a field");
        assert_eq!((field.kind, field.case), (FieldKind::Any, Case::Sensitive));
        assert_eq!(
            paths(audit, "authorization.decision"),
            [r#"annotations."authorization.k8s.io/decision""#.to_owned()]
        );
        assert_eq!(source("process").field("process.argz"), None);
        assert_eq!(source("process").field("process"), None);
        assert_eq!(
            source("process").field("process.args").map(|f| (f.kind, f.case)),
            Some((FieldKind::Arguments, Case::Either))
        );
        // `requestObject.value` is listed and not open itself: what lies below it is a pod's.
        assert_eq!(paths(audit, "requestObject.spec.x").len(), 1);
    }
}
