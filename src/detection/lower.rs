//! Selections to formulas: fields through the catalogue, values through lists and modifiers.

use std::ops::Range;

use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::logic::{Case, Comparison, Formula, Number, Origin, Path, Pattern, Predicate, Subject, Test, TextSet};
use crate::source::{Catalogue, Field, FieldKind, Source};

use super::lists::{Lists, Used, reference};
use super::modifier::{self, Key, Operation, kind_name};
use super::option;
use super::shape::Reader;
use super::value::{self, Fault};
use super::yaml::{Entry, Kind, Node, is_boolean};

/// How many tests one detection may come to.
pub const MAX_TESTS: usize = 20_000;
/// How many values one detection may name, lists included.
const MAX_VALUES: usize = 100_000;

/// What selections of one detection are lowered with.
#[derive(Debug)]
pub struct Lowering<'a> {
    /// Where problems go.
    pub reader: &'a mut Reader,
    /// The log sources.
    pub catalogue: &'a Catalogue,
    /// The lists that the detection sees.
    pub lists: &'a Lists,
    /// Which lists were used.
    pub used: Used,
    /// Where the tests were written, by their origin.
    pub places: Vec<Range<usize>>,
    /// How many values there were so far.
    pub values: usize,
}

/// Where in an event the names of a map begin.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    pub source: &'a Source,
    /// The object that the map is about: its name, and one of its paths.
    pub inside: Option<(String, Path)>,
}

/// One value of a test.
#[derive(Clone, Debug)]
pub(super) struct Value<'n> {
    pub text: String,
    /// False for a value out of a list, or between quotes.
    pub null: bool,
    pub node: &'n Node,
    /// False if the text is not the node's own.
    pub own: bool,
}

impl Lowering<'_> {
    /// A selection: a map is AND, a list of maps is OR, plain text is a keyword anywhere in the event.
    pub fn selection(&mut self, source: &Source, node: &Node) -> Formula {
        let scope = Scope { source, inside: None };
        match &node.kind {
            Kind::Mapping(entries) => self.map(&scope, entries, node),
            Kind::Sequence(items) => {
                if items.is_empty() {
                    self.empty(node, "the selection");
                }
                let (maps, keywords): (Vec<&Node>, Vec<&Node>) =
                    items.iter().partition(|item| matches!(item.kind, Kind::Mapping(_)));
                let mut parts: Vec<Formula> = maps.into_iter().map(|item| self.element_or_map(&scope, item)).collect();
                if !keywords.is_empty() {
                    let values: Vec<Value<'_>> = keywords.into_iter().flat_map(|item| self.value_of(item)).collect();
                    parts.push(self.keywords(&values, node.span.clone()));
                }
                Formula::or(parts)
            }
            Kind::Scalar { .. } => {
                let values = self.value_of(node);
                self.keywords(&values, node.span.clone())
            }
        }
    }

    fn element_or_map(&mut self, scope: &Scope<'_>, node: &Node) -> Formula {
        match &node.kind {
            Kind::Mapping(entries) => self.map(scope, entries, node),
            _ => {
                self.reader.wrong_type(node, "each entry of the list", "a map, as the others are");
                Formula::TRUE
            }
        }
    }

    fn map(&mut self, scope: &Scope<'_>, entries: &[Entry], node: &Node) -> Formula {
        if entries.is_empty() {
            self.empty(node, "the map of tests");
        }
        // The order of keys says nothing; the catalogue's order of fields is one that people know.
        let mut ordered: Vec<&Entry> = entries.iter().collect();
        ordered.sort_by_cached_key(|entry| {
            let name = modifier::split(&entry.key).into_iter().next().unwrap_or_default();
            let position = match &scope.inside {
                Some((outer, _)) => scope.source.position(&format!("{outer}.{name}")),
                None => scope.source.position(name),
            };
            (position.unwrap_or(usize::MAX), entry.key.clone())
        });
        let parts: Vec<Formula> = ordered.into_iter().map(|entry| self.entry(scope, entry)).collect();
        Formula::and(parts)
    }

    /// Text anywhere in the event.
    fn keywords(&mut self, values: &[Value<'_>], span: Range<usize>) -> Formula {
        let patterns: Vec<Pattern> =
            values.iter().filter(|value| !value.null).map(|value| value::text(&value.text, true, true)).collect();
        let origin = self.origin(span);
        Formula::Test(Test {
            subject: Subject::Anywhere,
            predicate: Predicate::Text(TextSet::new(patterns, Case::Either)),
            origin,
        })
    }

    /// One `field|modifier: values`.
    fn entry(&mut self, scope: &Scope<'_>, entry: &Entry) -> Formula {
        let Some(key) = modifier::parse(self.reader, &entry.key, &entry.key_span) else { return Formula::TRUE };
        let origin = self.origin(entry.key_span.start..entry.value.span.end.max(entry.key_span.end));
        if key.field.is_empty() {
            return self.keyword_entry(&key, &entry.value, origin);
        }
        let Some(field) = self.field(scope, &key.field, &key.field_span) else { return Formula::TRUE };
        if let Some((span, message)) = key.misfit(field.kind) {
            let mut problem = self.reader.problem(Code::ModifierMisfit, span, message);
            problem = match (key.operation, field.kind) {
                (Operation::Option, _) => {
                    problem.help("options are read from a list of arguments, such as `process.args`")
                }
                (_, FieldKind::Address) => problem.help("addresses are compared whole, or with `cidr`"),
                (_, FieldKind::Number) => problem.help("numbers are compared whole, or with `gt`, `gte`, `lt`, `lte`"),
                (_, FieldKind::Object) => problem.help("write a map of tests on its fields below it"),
                _ => problem,
            };
            self.reader.report(problem);
            return Formula::TRUE;
        }
        let paths = paths(scope, &field);
        let subject = |path: &Path| Subject::Field(path.clone());
        let union = |predicate: Predicate| {
            Formula::or(
                paths
                    .iter()
                    .map(|path| Formula::Test(Test { subject: subject(path), predicate: predicate.clone(), origin })),
            )
        };
        match key.operation {
            Operation::Exists => {
                let there = if field.kind == FieldKind::Object {
                    Formula::or(paths.iter().map(|path| Formula::element(path.clone(), Formula::TRUE)))
                } else {
                    union(Predicate::Exists)
                };
                match self.reader.boolean(&entry.value, "`exists`") {
                    Some(false) => Formula::not(there),
                    _ => there,
                }
            }
            Operation::Option => {
                let items = self.reader.items(&entry.value);
                let options: Vec<Formula> = items
                    .iter()
                    .filter_map(|item| option::lower(self, item, field.case))
                    .map(|test| union(Predicate::Option(test)))
                    .collect();
                if key.all { Formula::and(options) } else { Formula::or(options) }
            }
            _ if field.kind == FieldKind::Object => self.object(scope, &key, &field, &entry.value),
            // Below an open field it is the detection that says where the objects are.
            Operation::Plain if field.kind == FieldKind::Any && holds_map(&entry.value) => {
                self.object(scope, &key, &field, &entry.value)
            }
            _ if key.other_field => self.other_field(scope, &key, &paths, &entry.value, origin),
            _ => {
                let values = self.values(&entry.value, &key.field);
                let (nulls, values): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| value.null);
                let mut parts = self.predicates(&key, &field, &values).into_iter().map(union).collect::<Vec<_>>();
                if let Some(null) = nulls.first() {
                    if key.operation == Operation::Plain {
                        parts.push(Formula::not(union(Predicate::Exists)));
                    } else {
                        let problem = self
                            .reader
                            .problem(
                                Code::ValueMisfit,
                                null.node.span.clone(),
                                "`null` stands for no value, which holds nothing",
                            )
                            .help(format!("to ask for a missing field write `{}: null`", key.field));
                        self.reader.report(problem);
                    }
                }
                if key.all { Formula::and(parts) } else { Formula::or(parts) }
            }
        }
    }

    /// Keywords with modifiers: `'|all': [...]`.
    fn keyword_entry(&mut self, key: &Key, node: &Node, origin: Origin) -> Formula {
        let values: Vec<Value<'_>> = self.values(node, "keywords").into_iter().filter(|value| !value.null).collect();
        let mut patterns = Vec::new();
        for value in &values {
            match key.operation {
                Operation::Plain | Operation::Contains => patterns.push(value::text(&value.text, true, true)),
                Operation::Regex { multi_line, dot_all } => match value::regex(&value.text, multi_line, dot_all) {
                    Ok(pattern) => patterns.push(pattern),
                    Err(fault) => self.fault(Code::BadRegex, value, fault),
                },
                _ => {
                    let problem = self
                        .reader
                        .problem(
                            Code::ModifierMisfit,
                            key.modifier_span.clone(),
                            "this modifier needs a field before it",
                        )
                        .help("keywords without a field know `all`, `re`, `cased` and `nocase`");
                    self.reader.report(problem);
                    return Formula::TRUE;
                }
            }
        }
        let case = key.case.unwrap_or(Case::Either);
        let sets: Vec<Vec<Pattern>> =
            if key.all { patterns.into_iter().map(|pattern| vec![pattern]).collect() } else { vec![patterns] };
        Formula::and(sets.into_iter().map(|any| {
            let predicate = Predicate::Text(TextSet::new(any, case));
            Formula::Test(Test { subject: Subject::Anywhere, predicate, origin })
        }))
    }

    /// Tests on one and the same element of an array of objects.
    fn object(&mut self, scope: &Scope<'_>, key: &Key, field: &Field, node: &Node) -> Formula {
        if node.is_null() {
            let there = paths(scope, field).into_iter().map(|path| Formula::element(path, Formula::TRUE));
            return Formula::not(Formula::or(there));
        }
        let items = self.reader.items(node);
        if items.is_empty() {
            self.empty(node, &format!("`{}`", key.field));
        }
        let mut alternatives = Vec::new();
        for item in items {
            let Kind::Mapping(entries) = &item.kind else {
                let problem = self
                    .reader
                    .problem(
                        Code::ValueMisfit,
                        item.span.clone(),
                        format!("`{}` is an object with fields of its own", key.field),
                    )
                    .note(format!("this is {}", item.what()))
                    .help("write a map of tests on its fields below it: they hold for one and the same element");
                self.reader.report(problem);
                continue;
            };
            let branches: Vec<Formula> = paths(scope, field)
                .into_iter()
                .filter_map(|relative| {
                    let path = match &scope.inside {
                        Some((_, base)) => base.join(&relative),
                        None => relative.clone(),
                    };
                    let inner = Scope { source: scope.source, inside: Some((field.name.clone(), path)) };
                    let body = self.map(&inner, entries, item);
                    (body != Formula::FALSE).then(|| Formula::element(relative, body))
                })
                .collect();
            alternatives.push(Formula::or(branches));
        }
        if key.all { Formula::and(alternatives) } else { Formula::or(alternatives) }
    }

    /// `fieldref`: the value names another field.
    fn other_field(&mut self, scope: &Scope<'_>, key: &Key, own: &[Path], node: &Node, origin: Origin) -> Formula {
        let op = match key.operation {
            Operation::Compare(op) => op,
            _ => Comparison::Equal,
        };
        let mut parts = Vec::new();
        for item in self.reader.items(node) {
            let Some(name) = self.reader.line(item, "the other field") else { continue };
            let Some(other) = self.field(scope, &name, &item.span) else { continue };
            for path in own {
                for other in paths(scope, &other) {
                    let predicate = Predicate::Field { op, other };
                    parts.push(Formula::Test(Test { subject: Subject::Field(path.clone()), predicate, origin }));
                }
            }
        }
        Formula::or(parts)
    }

    /// What is asked of a field's values: one predicate for all alternatives where one can hold them.
    fn predicates(&mut self, key: &Key, field: &Field, values: &[Value<'_>]) -> Vec<Predicate> {
        // Where the event's author decides what a field holds, the detection's does too.
        let kind = match (field.kind, key.operation) {
            (FieldKind::Any, Operation::Compare(_)) => FieldKind::Number,
            (FieldKind::Any, Operation::Cidr) => FieldKind::Address,
            (FieldKind::Any, Operation::Plain) if !values.is_empty() && values.iter().all(|v| is_boolean(&v.text)) => {
                FieldKind::Boolean
            }
            (FieldKind::Any, _) => FieldKind::Text,
            (kind, _) => kind,
        };
        match kind {
            FieldKind::Text | FieldKind::Arguments => self.texts(key, field, values),
            FieldKind::Number => values
                .iter()
                .filter_map(|value| {
                    let op = match key.operation {
                        Operation::Compare(op) => op,
                        _ => Comparison::Equal,
                    };
                    match value.text.parse::<f64>().ok().and_then(Number::new) {
                        Some(number) => Some(Predicate::Number { op, value: number }),
                        None => {
                            self.misfit(key, field, value);
                            None
                        }
                    }
                })
                .collect(),
            FieldKind::Boolean => values
                .iter()
                .filter_map(|value| match is_boolean(&value.text) {
                    true => Some(Predicate::Boolean(value.text.eq_ignore_ascii_case("true"))),
                    false => {
                        self.misfit(key, field, value);
                        None
                    }
                })
                .collect(),
            FieldKind::Address if key.operation == Operation::Cidr => values
                .iter()
                .filter_map(|value| match value::network(&value.text) {
                    Ok(network) => Some(Predicate::Network(network)),
                    Err(fault) => {
                        self.fault(Code::BadNetwork, value, fault);
                        None
                    }
                })
                .collect(),
            FieldKind::Address => {
                let mut patterns = Vec::new();
                for value in values {
                    match value.text.parse::<std::net::IpAddr>() {
                        Ok(address) => patterns.push(Pattern::Glob(crate::logic::Glob::equals(address.to_string()))),
                        Err(_) => self.misfit(key, field, value),
                    }
                }
                if key.all {
                    patterns.into_iter().map(|p| Predicate::Text(TextSet::new(vec![p], field.case))).collect()
                } else if patterns.is_empty() {
                    Vec::new()
                } else {
                    vec![Predicate::Text(TextSet::new(patterns, field.case))]
                }
            }
            FieldKind::Object | FieldKind::Any => Vec::new(),
        }
    }

    fn texts(&mut self, key: &Key, field: &Field, values: &[Value<'_>]) -> Vec<Predicate> {
        let patterns: Vec<Pattern> = values.iter().filter_map(|value| self.pattern(key.operation, value)).collect();
        let case = key.case.unwrap_or(field.case);
        if patterns.is_empty() {
            Vec::new()
        } else if key.all {
            patterns.into_iter().map(|pattern| Predicate::Text(TextSet::new(vec![pattern], case))).collect()
        } else {
            vec![Predicate::Text(TextSet::new(patterns, case))]
        }
    }

    /// One pattern of text; `None` after a fault, which is reported.
    pub(super) fn pattern(&mut self, operation: Operation, value: &Value<'_>) -> Option<Pattern> {
        let (code, made) = match operation {
            Operation::Regex { multi_line, dot_all } => {
                (Code::BadRegex, value::regex(&value.text, multi_line, dot_all))
            }
            Operation::Path { below } => (Code::BadPath, value::path(&value.text, below)),
            Operation::Contains | Operation::StartsWith | Operation::EndsWith if value.text.is_empty() => {
                let problem = self
                    .reader
                    .problem(Code::EmptyValue, value.node.span.clone(), "every text holds the empty one")
                    .help("to ask whether there is a value at all write `exists: true`");
                self.reader.report(problem);
                return None;
            }
            Operation::Contains => return Some(value::text(&value.text, true, true)),
            Operation::StartsWith => return Some(value::text(&value.text, false, true)),
            Operation::EndsWith => return Some(value::text(&value.text, true, false)),
            _ => return Some(value::text(&value.text, false, false)),
        };
        match made {
            Ok(pattern) => Some(pattern),
            Err(fault) => {
                self.fault(code, value, fault);
                None
            }
        }
    }

    fn fault(&mut self, code: Code, value: &Value<'_>, fault: Fault) {
        let code = if fault.beyond { Code::Lookaround } else { code };
        let span = if value.own { self.reader.within(value.node, fault.range) } else { value.node.span.clone() };
        let mut problem = self.reader.problem(code, span, fault.message);
        if !value.own {
            problem = problem.note(format!("the list holds `{}`", value.text));
        }
        if !fault.help.is_empty() {
            problem = problem.help(fault.help);
        }
        if let (Some(instead), true) = (fault.instead, value.own) {
            problem.patch = Some(crate::diagnostic::Patch { span: problem.place.span.clone(), replacement: instead });
        }
        self.reader.report(problem);
    }

    fn misfit(&mut self, key: &Key, field: &Field, value: &Value<'_>) {
        let message = format!("`{}` is {}, which `{}` is not", key.field, kind_name(field.kind), value.text);
        let mut problem = self.reader.problem(Code::ValueMisfit, value.node.span.clone(), message);
        if field.kind == FieldKind::Address {
            problem = problem.help("for a range of addresses write a network: `|cidr: 10.0.0.0/8`");
        }
        self.reader.report(problem);
    }

    /// The field called `name` inside of the scope, or a problem.
    fn field(&mut self, scope: &Scope<'_>, name: &str, span: &Range<usize>) -> Option<Field> {
        let full = match &scope.inside {
            Some((prefix, _)) => format!("{prefix}.{name}"),
            None => name.to_owned(),
        };
        if let Some(field) = scope.source.field(&full) {
            if scope.source.position(&full).is_none() {
                self.odd_name(scope, name, &full, span);
            }
            return Some(field);
        }
        let names: Vec<String> = scope.source.field_names().map(|name| name.to_string()).collect();
        let prefix = scope.inside.as_ref().map(|(prefix, _)| format!("{prefix}."));
        let known: Vec<&str> = match &prefix {
            Some(prefix) => names.iter().filter_map(|name| name.strip_prefix(prefix.as_str())).collect(),
            None => names.iter().map(String::as_str).collect(),
        };
        let owner = match &scope.inside {
            Some((prefix, _)) => format!("`{prefix}`"),
            None => format!("the log source `{}`", scope.source.name),
        };
        let mut problem =
            self.reader.problem(Code::UnknownField, span.clone(), format!("{owner} has no field `{name}`"));
        if let Err(fault) = full.parse::<Path>() {
            problem.note = fault.to_string();
        }
        // Inside of an element the name is often written in full.
        let shortened =
            prefix.as_deref().and_then(|prefix| name.strip_prefix(prefix)).filter(|rest| known.contains(rest));
        let elsewhere = scope.source.called_elsewhere(name).filter(|_| scope.inside.is_none());
        // Elastic's `kubernetes.audit.verb` is `verb` here.
        let last = || {
            let ends_so = |known: &&str| name.strip_suffix(*known).is_some_and(|before| before.ends_with('.'));
            known.iter().copied().filter(ends_so).max_by_key(|known| known.len())
        };
        let meant = shortened.or(elsewhere).or_else(last).map(str::to_owned);
        let meant = meant.or_else(|| longer(scope, name, &known));
        problem = problem.suggestion(meant.as_deref().or_else(|| nearest(name, known.iter().copied())));
        if problem.patch.is_none() {
            let elsewhere: Vec<&str> = self
                .catalogue
                .sources
                .values()
                .filter(|source| source.field(&full).is_some())
                .map(|source| source.name.as_str())
                .collect();
            let help = match (elsewhere.is_empty(), known.len()) {
                (false, _) => format!("it is a field of {}", elsewhere.join(", ")),
                (true, 0) => "no fields are known below it".to_owned(),
                (true, count) if count <= 24 => format!("its fields are {}", known.join(", ")),
                (true, _) => {
                    format!("`cresset schema` and `cresset events --fields {}` list its fields", scope.source.name)
                }
            };
            problem = problem.help(help);
        }
        self.reader.report(problem);
        None
    }

    /// Tells of a name below an open field that is read, but hardly as it is meant.
    fn odd_name(&mut self, scope: &Scope<'_>, name: &str, full: &str, span: &Range<usize>) {
        let segments = segments(name);
        let plain = |segment: &&&str| !segment.starts_with('"');
        if let Some(odd) = segments.iter().filter(plain).find(|segment| segment.contains(['*', '[', ']', '{', '}'])) {
            let kept = segments.iter().filter_map(|segment| {
                let bare = segment.split(['[', '{']).next().unwrap_or_default();
                (!bare.is_empty() && bare != "*").then_some(bare)
            });
            let instead = kept.collect::<Vec<_>>().join(".");
            let message = format!("`{odd}` is a name like any other here, and hardly the name of anything");
            let problem = self.reader.problem(Code::OddName, span.clone(), message);
            self.reader.report(problem.help(format!("lists are walked through: write `{instead}`")));
            return;
        }
        let Some(at) = segments.iter().rposition(|segment| plain(&segment) && segment.contains('/')) else { return };
        // A label's name is all that stands below the labels; else what is below the field that is listed.
        const OF_NAMES: [&str; 7] =
            ["labels", "annotations", "nodeSelector", "matchLabels", "limits", "requests", "extra"];
        let is_listed = |length: usize| {
            let head = segments.get(..length).unwrap_or_default().join(".");
            let head = full.strip_suffix(name).map_or(head.clone(), |outer| format!("{outer}{head}"));
            scope.source.position(&head).is_some()
        };
        let begins = (1..=at)
            .rev()
            .find(|length| segments.get(length - 1).is_some_and(|segment| OF_NAMES.contains(segment)))
            .or_else(|| (0..=at).rev().find(|length| is_listed(*length)))
            .unwrap_or(0);
        let (head, tail) = segments.split_at(begins);
        if tail.len() < 2 {
            return;
        }
        let quoted = head.iter().copied().map(str::to_owned).chain([format!("\"{}\"", tail.join("."))]);
        let quoted = quoted.collect::<Vec<_>>().join(".");
        let message = format!("`{}` is read as {} names, one below the other", tail.join("."), tail.len());
        let own = quoted.parse::<Path>().ok().and_then(|path| {
            let same = |field: &&Field| field.paths.contains(&path);
            scope.source.fields.iter().find(same).filter(|_| scope.inside.is_none()).map(|field| field.name.clone())
        });
        let help = match own {
            Some(own) => format!("the field is called `{own}` here"),
            None => format!("a name that holds dots is quoted: `'{quoted}'`"),
        };
        let problem = self.reader.problem(Code::OddName, span.clone(), message).help(help);
        self.reader.report(problem);
    }

    /// The values of a node, lists put in.
    pub(super) fn values<'n>(&mut self, node: &'n Node, name: &str) -> Vec<Value<'n>> {
        let items = self.reader.items(node);
        if items.is_empty() {
            self.empty(node, &format!("`{name}`"));
        }
        let mut values = Vec::new();
        for item in items {
            values.extend(self.value_of(item));
        }
        values
    }

    fn value_of<'n>(&mut self, node: &'n Node) -> Vec<Value<'n>> {
        let Kind::Scalar { text, .. } = &node.kind else {
            let modifier = match &node.kind {
                Kind::Mapping(entries) => entries.iter().find(|e| modifier::MODIFIERS.contains(&e.key.as_str())),
                _ => None,
            };
            let help = modifier.map(|entry| format!("a modifier stands behind the field: `field|{0}: …`", entry.key));
            self.reader.wrong_type_with(node, "a value", "text, a number, `true`, `false` or `null`", help);
            return Vec::new();
        };
        let texts = match reference(text) {
            Some(name) => match self.lists.expand(name, &self.reader.place(node.span.clone()), &mut self.used) {
                Ok(texts) => Some(texts),
                Err(problem) => {
                    self.reader.report(problem);
                    return Vec::new();
                }
            },
            None => None,
        };
        self.values += texts.as_ref().map_or(1, Vec::len);
        if self.values > MAX_VALUES {
            let message = format!("the detection names more than {MAX_VALUES} values");
            let problem = self.reader.problem(Code::TooLong, node.span.clone(), message);
            self.reader.report(problem.help("split the detection, or use wildcards"));
            self.values = 0;
            self.reader.problems.dedup();
            return Vec::new();
        }
        match texts {
            Some(texts) => texts.into_iter().map(|text| Value { text, null: false, node, own: false }).collect(),
            None => vec![Value { text: text.clone(), null: node.is_null(), node, own: true }],
        }
    }

    fn empty(&mut self, node: &Node, name: &str) {
        let problem = self
            .reader
            .problem(Code::EmptyValue, node.span.clone(), format!("{name} is empty"))
            .help("a test without values would never be true, a selection without tests always");
        self.reader.report(problem);
    }

    /// A place for tests to come from.
    pub(super) fn origin(&mut self, span: Range<usize>) -> Origin {
        let index = u32::try_from(self.places.len()).ok();
        self.places.push(span);
        Origin(index)
    }

    /// Reports a formula that grew too large.
    pub fn too_large(&mut self, span: Range<usize>, what: &str) -> Diagnostic {
        self.reader
            .problem(Code::TooLong, span, format!("{what} comes to more than {MAX_TESTS} tests"))
            .help("a field that stands for several places is tested in each of them; split the detection")
    }
}

/// A field of which only the end was written, itself or that of an open field above it: `labels.x`.
fn longer(scope: &Scope<'_>, name: &str, known: &[&str]) -> Option<String> {
    let segments = segments(name);
    (1..=segments.len()).rev().find_map(|length| {
        let (head, rest) = segments.split_at(length);
        let end = format!(".{}", head.join("."));
        let above = known.iter().filter(|known| known.ends_with(&end)).min_by_key(|known| known.len())?;
        let meant = [&[*above], rest].concat().join(".");
        let full = scope.inside.as_ref().map_or(meant.clone(), |(outer, _)| format!("{outer}.{meant}"));
        scope.source.field(&full).map(|_| meant)
    })
}

/// The segments of a name, each as it was written.
fn segments(name: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let split = |c: char| {
        is_quoted ^= c == '"';
        c == '.' && !is_quoted
    };
    name.split(split).collect()
}

/// Whether a value is a map, or a list with one.
fn holds_map(node: &Node) -> bool {
    match &node.kind {
        Kind::Mapping(_) => true,
        Kind::Sequence(items) => items.iter().any(|item| matches!(item.kind, Kind::Mapping(_))),
        Kind::Scalar { .. } => false,
    }
}

/// The paths of a field as the scope sees them.
fn paths(scope: &Scope<'_>, field: &Field) -> Vec<Path> {
    let Some((prefix, base)) = &scope.inside else { return field.paths.clone() };
    let tail = field.name.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('.'));
    tail.and_then(|tail| scope.source.within(prefix, base, tail)).unwrap_or_default()
}

/// How many tests a formula holds.
pub fn count(formula: &Formula) -> usize {
    match formula {
        Formula::And(parts) | Formula::Or(parts) | Formula::AtLeast { of: parts, .. } => parts.iter().map(count).sum(),
        Formula::Not(part) => count(part),
        Formula::Element { body, .. } => count(body) + 1,
        Formula::Test(_) => 1,
    }
}
