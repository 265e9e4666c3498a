//! A detection's text to a [`Detection`]: every value typed, every selection lowered, every problem found.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use uuid::Uuid;

use crate::diagnostic::suggest::{all_of, nearest};
use crate::diagnostic::{Code, Diagnostic, Place, SourceFile};
use crate::logic::Formula;
use crate::source::{Catalogue, Source};

use super::blank::{self, BLANK};
use super::condition::{self, FaultKind};
use super::lists::{Lists, Used, is_name, mentions};
use super::lower::{Lowering, MAX_TESTS, count};
use super::model::{CONFIDENCES, Detection, DetectionTest, Observation, SEVERITIES, STATUSES, Schedule, Throttle};
use super::shape::{A_DEVICE, Map, Reader, is_device};
use super::yaml::{self, Node};
use super::{parse_targets, parse_tests};

/// The keys of a detection, in canonical order.
pub const KEYS: [&str; 22] = [
    "id",
    "title",
    "version",
    "status",
    "severity",
    "confidence",
    "description",
    "author",
    "owner",
    "created",
    "modified",
    "attack",
    "references",
    "false_positives",
    "triage",
    "tags",
    "risk",
    "schedule",
    "throttle",
    "lists",
    "observe",
    "targets",
];

/// What was read from one file.
#[derive(Debug)]
pub struct Parsed {
    /// The detection, unless something is so wrong that it cannot be used.
    pub detection: Option<Detection>,
    /// What could be read of a detection that cannot be used, for the checks.
    pub rest: Rest,
    /// What is wrong.
    pub problems: Vec<Diagnostic>,
    /// The lists that were used.
    pub used: Used,
    /// Places of keys and selections, for the checks.
    pub spans: Spans,
}

/// Parts of a detection that something is wrong with elsewhere. A part with an error is not here.
#[derive(Debug, Default)]
pub struct Rest {
    /// The file; none if it could not be read.
    pub file: Option<Arc<SourceFile>>,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Option<Uuid>,
    /// Its title.
    pub title: Option<String>,
    /// What it observes.
    pub observations: Option<Vec<Observation>>,
    /// Its tests.
    pub tests: Option<Vec<DetectionTest>>,
}

/// Where things of a detection were written.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    /// The values of top keys.
    pub keys: IndexMap<String, Range<usize>>,
    /// Each technique of `attack`.
    pub attack: Vec<(String, Place)>,
    /// Per observed source: its key, its selections' keys, its condition.
    pub observe: Vec<ObserveSpans>,
    /// Each test: where it begins, and its log's path.
    pub tests: Vec<TestSpans>,
}

/// Where the parts of an observation were written.
#[derive(Clone, Debug, Default)]
pub struct ObserveSpans {
    /// The source's name.
    pub source: Range<usize>,
    /// Each selection's name.
    pub selections: IndexMap<String, Range<usize>>,
    /// The condition's text.
    pub condition: Range<usize>,
}

/// Where the parts of a test were written.
#[derive(Clone, Debug, Default)]
pub struct TestSpans {
    /// Its first key.
    pub start: Range<usize>,
    /// The log's path, or the source's name.
    pub subject: Range<usize>,
}

/// Reads a detection. `name` is what the file is called without its extension, `lists` what `lists.yml` beside and
/// above it hold.
pub fn parse(file: &Arc<SourceFile>, name: &str, lists: Option<Arc<Lists>>, catalogue: &Catalogue) -> Parsed {
    let mut reader = Reader::new(file.clone());
    let mut spans = Spans::default();
    let mut used = Used::new();
    let mut rest = Rest { file: Some(file.clone()), name: name.to_owned(), ..Rest::default() };
    let Some(root) = yaml::parse_into(file, &mut reader.problems) else {
        return Parsed { detection: None, rest, problems: reader.problems, used, spans };
    };
    let known: Vec<&str> = KEYS.iter().copied().chain(["tests"]).collect();
    let Some(map) = reader.map(&root, "a detection", &known) else {
        return Parsed { detection: None, rest, problems: reader.problems, used, spans };
    };
    for entry in map.entries() {
        spans.keys.insert(entry.key.clone(), entry.value.span.clone());
    }
    check_name(&mut reader, name, &map);
    let lists = Lists::read(map.get("lists"), &mut reader, lists);
    let detection = read(&mut reader, &map, &mut rest, &lists, catalogue, &mut used, &mut spans);
    // Where something could not be read, it may be that which uses a list.
    let is_broken = reader.problems.iter().any(Diagnostic::is_error);
    for (name, list) in lists.own() {
        let may_be_used = is_broken && mentions(&file.text, name);
        if !may_be_used && !used.contains(&(list.place.file.path.clone(), name.clone())) {
            let message = format!("the list `{name}` is not used");
            reader.report(
                Diagnostic::new(Code::UnusedList, list.place.clone(), message)
                    .help(format!("use it as `${name}`, or delete it")),
            );
        }
    }
    open_blanks(&mut reader, &root);
    crate::diagnostic::sort(&mut reader.problems);
    let sound = !reader.problems.iter().any(Diagnostic::is_error);
    Parsed { detection: detection.filter(|_| sound), rest, problems: reader.problems, used, spans }
}

/// Reports what a scaffold left to be filled in.
fn open_blanks(reader: &mut Reader, root: &Node) {
    let mut queue = vec![root];
    while let Some(node) = queue.pop() {
        match &node.kind {
            yaml::Kind::Sequence(items) => queue.extend(items),
            yaml::Kind::Mapping(entries) => queue.extend(entries.iter().map(|entry| &entry.value)),
            yaml::Kind::Scalar { .. } => {
                if let Some(span) = blank::find(&reader.file.text, node) {
                    let problem = reader.problem(Code::EmptyValue, span, "this is still to be filled in");
                    reader.report(problem.help(format!("write it; the word itself is written `'{BLANK}'`")));
                }
            }
        }
    }
}

/// Files and rules get the name, so it has to be one that every system takes.
fn check_name(reader: &mut Reader, name: &str, map: &Map<'_>) {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if !name.is_empty()
        && name.len() <= 80
        && name.bytes().all(fits)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !is_device(name)
    {
        return;
    }
    let span = map.entries().first().map_or(0..0, |entry| entry.key_span.clone());
    let help = match is_device(name) {
        true => A_DEVICE,
        false => "rules and files are called like the detection's file: small letters, digits, `_` and `-`",
    };
    let problem = reader.problem(Code::BadName, span, format!("`{name}` cannot name a detection")).help(help);
    reader.report(problem);
}

fn read(
    reader: &mut Reader,
    map: &Map<'_>,
    rest: &mut Rest,
    lists: &Lists,
    catalogue: &Catalogue,
    used: &mut Used,
    spans: &mut Spans,
) -> Option<Detection> {
    const WHOLE: &str = "the detection";
    let id = map
        .need(reader, WHOLE, "id", "which detection this is, for ever: a UUID")
        .and_then(|node| read_id(reader, node));
    let title =
        map.need(reader, WHOLE, "title", "what it finds, in a few words").and_then(|n| reader.line(n, "`title`"));
    rest.id = id;
    rest.title = title.clone();
    let version = map.get("version").map_or(Some(1), |node| reader.whole(node, "`version`", 1..=u32::MAX));
    let status = map
        .need(reader, WHOLE, "status", "how finished it is: stable, test, experimental or deprecated")
        .and_then(|node| reader.word(node, "status", &STATUSES));
    let severity = map
        .need(reader, WHOLE, "severity", "how bad it is when it is right: informational to critical")
        .and_then(|node| reader.word(node, "severity", &SEVERITIES));
    let confidence = map
        .need(reader, WHOLE, "confidence", "how often it is right when it fires: low, medium or high")
        .and_then(|node| reader.word(node, "confidence", &CONFIDENCES));
    let description = map
        .need(reader, WHOLE, "description", "what it finds and why that matters")
        .and_then(|node| reader.text(node, "`description`"));
    let author = map.need(reader, WHOLE, "author", "who wrote it").and_then(|node| reader.line(node, "`author`"));
    let owner = map.get("owner").and_then(|node| reader.line(node, "`owner`"));
    let created =
        map.need(reader, WHOLE, "created", "when it was written: `2026-11-24`").and_then(|n| read_date(reader, n));
    let modified = map.get("modified").and_then(|node| read_date(reader, node));
    if let (Some(created), Some(modified), Some(node)) = (created, modified, map.get("modified"))
        && modified < created
    {
        let message = format!("it was changed on {modified}, before it was written on {created}");
        let problem = reader.problem(Code::DatesReversed, node.span.clone(), message);
        reader.report(problem);
    }
    let attack = map.need(reader, WHOLE, "attack", "which ATT&CK techniques it finds; `[]` if none").map(|node| {
        if let yaml::Kind::Sequence(items) = &node.kind {
            for item in items {
                if let yaml::Kind::Scalar { text, .. } = &item.kind {
                    spans.attack.push((text.clone(), reader.place(item.span.clone())));
                }
            }
        }
        reader.lines(node, "`attack`")
    });
    let references = map.get("references").map(|node| read_references(reader, node)).unwrap_or_default();
    let false_positives = map.get("false_positives").map(|n| reader.lines(n, "`false_positives`")).unwrap_or_default();
    let triage = map
        .need(reader, WHOLE, "triage", "what an analyst does when it fires")
        .and_then(|node| reader.text(node, "`triage`"));
    let tags = map.get("tags").map(|node| reader.lines(node, "`tags`")).unwrap_or_default();
    let risk =
        map.get("risk").and_then(|node| reader.whole(node, "`risk`", 0..=100)).and_then(|n| u8::try_from(n).ok());
    let schedule = map.get("schedule").map_or(Some(Schedule::default()), |node| read_schedule(reader, node));
    let errors = |reader: &Reader| reader.problems.iter().filter(|problem| problem.is_error()).count();
    let lists_are_sound = reader.problems.iter().all(|problem| {
        let within = |node: &Node| node.span.contains(&problem.place.span.start);
        !problem.is_error() || !map.get("lists").is_some_and(within)
    });
    let before = errors(reader);
    let mut lowering =
        Lowering { reader: &mut *reader, catalogue, lists, used: std::mem::take(used), places: Vec::new(), values: 0 };
    let observations = map
        .need(lowering.reader, WHOLE, "observe", "what it looks for, per log source")
        .map(|node| observe(&mut lowering, node, spans))
        .unwrap_or_default();
    let Lowering { used: now_used, places, .. } = lowering;
    *used = now_used;
    let observed_well = errors(reader) == before;
    // What the author observes, also where its condition is broken: one fault is told once.
    let observed: Vec<String> = match map.get("observe").map(|node| &node.kind) {
        Some(yaml::Kind::Mapping(entries)) => entries.iter().map(|entry| entry.key.clone()).collect(),
        _ => Vec::new(),
    };
    let throttle = match map.get("throttle") {
        Some(node) => read_throttle(reader, node, catalogue, &observed),
        None => None,
    };
    let (targets, target_names) =
        map.get("targets").map(|node| parse_targets::read(reader, node, &observed)).unwrap_or_default();
    let before = errors(reader);
    let tests =
        map.get("tests").map(|node| parse_tests::read(reader, node, &observed, catalogue, spans)).unwrap_or_default();
    if reader.problems.iter().any(Diagnostic::is_error) {
        // A test of a log source that there is none of is left out without a word.
        let written = match map.get("tests").map(|node| &node.kind) {
            Some(yaml::Kind::Sequence(items)) => items.len(),
            _ => 0,
        };
        rest.tests = (errors(reader) == before && tests.len() == written).then(|| tests.clone());
        rest.observations = (observed_well && lists_are_sound).then(|| observations.clone());
    }
    let severity = severity?;
    Some(Detection {
        file: reader.file.path.clone(),
        name: rest.name.clone(),
        id: id?,
        title: title?,
        version: version?,
        status: status?,
        severity,
        confidence: confidence?,
        description: description?,
        author: author?,
        owner,
        created: created?,
        modified,
        attack: attack?,
        references,
        false_positives,
        triage: triage?,
        tags,
        risk: risk.unwrap_or_else(|| severity.risk()),
        schedule: schedule?,
        throttle,
        observations,
        targets,
        target_names,
        tests,
        source: reader.file.clone(),
        places,
    })
}

fn read_id(reader: &mut Reader, node: &Node) -> Option<Uuid> {
    let text = reader.line(node, "`id`")?;
    // Only the usual spelling: other tools would not recognise the others.
    let id = Uuid::parse_str(&text).ok().filter(|id| id.hyphenated().to_string() == text && !id.is_nil());
    if id.is_none() {
        let mut problem = reader
            .problem(Code::NotAUuid, node.span.clone(), format!("`{text}` is no UUID"))
            .help("`uuidgen` or `cresset new` makes one: 8-4-4-4-12 digits from 0 to f");
        if let Ok(other) = Uuid::parse_str(&text)
            && !other.is_nil()
        {
            problem = problem.suggestion(Some(&other.hyphenated().to_string()));
        }
        reader.report(problem);
    }
    id
}

pub(crate) fn read_date(reader: &mut Reader, node: &Node) -> Option<jiff::civil::Date> {
    let text = reader.line(node, "the date")?;
    let date = text.parse::<jiff::civil::Date>().ok().filter(|date| date.to_string() == text);
    if date.is_none() {
        let slashes = text.replace('/', "-");
        let instead = (slashes != text && slashes.parse::<jiff::civil::Date>().is_ok()).then_some(slashes);
        let problem = reader
            .problem(Code::NotADate, node.span.clone(), format!("`{text}` is no date"))
            .suggestion(instead.as_deref())
            .help("a date is a year, a month and a day that exist: `2026-11-24`");
        reader.report(problem);
    }
    date
}

fn read_references(reader: &mut Reader, node: &Node) -> Vec<String> {
    let yaml::Kind::Sequence(items) = &node.kind else {
        reader.wrong_type(node, "`references`", "a list");
        return Vec::new();
    };
    let mut references = Vec::new();
    for item in items {
        let Some(line) = reader.line(item, "a reference") else { continue };
        let rest = line.strip_prefix("https://").or_else(|| line.strip_prefix("http://"));
        if rest.is_none_or(|rest| !rest.contains('.') || rest.contains(char::is_whitespace)) {
            let problem = reader
                .problem(Code::NotAnAddress, item.span.clone(), format!("`{line}` is no web address"))
                .help("a reference begins with `https://`; put other sources into `description`");
            reader.report(problem);
        }
        references.push(line);
    }
    references
}

pub(crate) fn read_schedule(reader: &mut Reader, node: &Node) -> Option<Schedule> {
    let map = reader.map(node, "`schedule`", &["every", "look_back"])?;
    let default = Schedule::default();
    let every = match map.get("every") {
        Some(node) => reader.minutes(node, "`every`")?,
        None => default.every,
    };
    let look_back = match map.get("look_back") {
        Some(node) => reader.minutes(node, "`look_back`")?,
        None => every.saturating_add(every.min(60)).max(default.look_back),
    };
    if look_back < every {
        let span = map.get("look_back").map_or(node.span.clone(), |node| node.span.clone());
        let problem = reader
            .problem(
                Code::LookBackTooShort,
                span,
                format!("it runs every {every} minutes and looks back {look_back}: events in between are never seen"),
            )
            .help("look back over more than `every`, because events arrive late");
        reader.report(problem);
        return None;
    }
    Some(Schedule { every, look_back })
}

fn read_throttle(reader: &mut Reader, node: &Node, catalogue: &Catalogue, observed: &[String]) -> Option<Throttle> {
    let map = reader.map(node, "`throttle`", &["for", "by"])?;
    let minutes = map
        .need(reader, "`throttle`", "for", "for how long a repeated hit is not reported: `1h`")
        .and_then(|node| reader.minutes(node, "`for`"));
    let by = map.need(reader, "`throttle`", "by", "which fields make two hits the same").map(|node| {
        let yaml::Kind::Sequence(items) = &node.kind else {
            reader.wrong_type(node, "`by`", "a list of fields");
            return Vec::new();
        };
        let sources: Vec<&Source> = observed.iter().filter_map(|name| catalogue.sources.get(name)).collect();
        let mut by = Vec::new();
        for item in items {
            let Some(name) = reader.line(item, "a field") else { continue };
            if !sources.is_empty() && !sources.iter().any(|source| source.field(&name).is_some()) {
                let known: Vec<String> =
                    sources.iter().flat_map(|s| s.field_names().map(|name| name.to_string())).collect();
                let message = format!("none of the observed log sources has a field `{name}`");
                let problem = reader
                    .problem(Code::UnknownField, item.span.clone(), message)
                    .suggestion(nearest(&name, known.iter().map(String::as_str)));
                reader.report(problem);
            }
            by.push(name);
        }
        if by.is_empty() {
            let problem = reader.problem(Code::EmptyValue, node.span.clone(), "`by` is empty");
            reader.report(problem.help("name the fields that make two hits the same, for example the host"));
        }
        by
    });
    Some(Throttle { minutes: minutes?, by: by? })
}

/// The observed log sources with their selections and conditions.
pub(crate) fn observe(lowering: &mut Lowering<'_>, node: &Node, spans: &mut Spans) -> Vec<Observation> {
    let Some(entries) = lowering.reader.entries(node, "`observe`") else { return Vec::new() };
    if entries.is_empty() {
        let problem = lowering.reader.problem(Code::EmptyValue, node.span.clone(), "`observe` is empty");
        lowering.reader.report(problem.help("name at least one log source and what to look for in it"));
    }
    let catalogue = lowering.catalogue;
    let mut observations = Vec::new();
    for entry in entries {
        let Some(source) = catalogue.sources.get(&entry.key) else {
            let known = || catalogue.sources.keys().map(String::as_str);
            let mut problem = lowering
                .reader
                .problem(Code::UnknownSource, entry.key_span.clone(), format!("there is no log source `{}`", entry.key))
                .suggestion(nearest(&entry.key, known()));
            if problem.patch.is_none() {
                problem = problem.help(format!("the log sources are {}", all_of(known())));
            }
            lowering.reader.report(problem);
            continue;
        };
        let mut at = ObserveSpans { source: entry.key_span.clone(), ..ObserveSpans::default() };
        let name = format!("`{}`", entry.key);
        let Some(parts) = lowering.reader.entries(&entry.value, &name) else { continue };
        let mut selections = IndexMap::new();
        let mut condition = None;
        for part in parts {
            if part.key == "condition" {
                condition = Some(&part.value);
                continue;
            }
            if !is_name(&part.key) || ["and", "or", "not", "of", "them", "all", "any"].contains(&part.key.as_str()) {
                let message = format!("`{}` cannot name a selection", part.key);
                let problem = lowering
                    .reader
                    .problem(Code::BadName, part.key_span.clone(), message)
                    .help(match part.key.split_once('|') {
                        Some((name, modifiers)) => format!(
                            "a modifier stands behind a field; with keywords it stands alone: `{name}: {{ '|{modifiers}': [...] }}`"
                        ),
                        None => "a name is a letter or `_`, then letters, digits, `_` and `-`, and no word of the condition"
                            .to_owned(),
                    });
                lowering.reader.report(problem);
            }
            at.selections.insert(part.key.clone(), part.key_span.clone());
            let formula = lowering.selection(source, &part.value);
            let formula = if count(&formula) > MAX_TESTS {
                let problem = lowering.too_large(part.key_span.clone(), &format!("the selection `{}`", part.key));
                lowering.reader.report(problem);
                Formula::TRUE
            } else {
                formula
            };
            selections.insert(part.key.clone(), formula);
        }
        let Some(node) = condition else {
            let problem = lowering
                .reader
                .problem(Code::MissingKey, entry.key_span.clone(), format!("{name} has no `condition`"))
                .help(match selections.keys().next() {
                    Some(first) if selections.len() == 1 => format!("with one selection it is `condition: {first}`"),
                    _ => "it says how the selections are joined: `a and not b`".to_owned(),
                });
            lowering.reader.report(problem);
            continue;
        };
        at.condition = node.span.clone();
        let Some(text) = lowering.reader.line(node, "`condition`") else { continue };
        if let Some(formula) = read_condition(lowering.reader, node, &text, &selections, &at) {
            observations.push(Observation {
                source: entry.key.clone(),
                selections,
                condition: text,
                formula,
                exceptions: Vec::new(),
            });
        }
        spans.observe.push(at);
    }
    observations
}

pub(crate) fn read_condition(
    reader: &mut Reader,
    node: &Node,
    text: &str,
    selections: &IndexMap<String, Formula>,
    at: &ObserveSpans,
) -> Option<Formula> {
    let faults = match condition::parse(text, selections) {
        Ok(condition) => {
            for (name, span) in at.selections.iter().filter(|(name, _)| !condition.used.contains(*name)) {
                report_unused(reader, name, span, at);
            }
            return Some(condition.formula);
        }
        Err(faults) => faults,
    };
    // With a name misspelt, the selection that was meant is not unused; the others can be told all the same.
    if faults.iter().all(|fault| matches!(fault.kind, FaultKind::Unknown(_))) {
        let words: Vec<&str> = text.split(|c: char| !(c.is_alphanumeric() || "_-*?.".contains(c))).collect();
        let meant: Vec<&str> =
            words.iter().filter_map(|word| nearest(word, selections.keys().map(String::as_str))).collect();
        for (name, span) in &at.selections {
            let counted = words.iter().any(|word| *word == "them" || condition::fits(word, name));
            if !counted && !meant.contains(&name.as_str()) {
                report_unused(reader, name, span, at);
            }
        }
    }
    for fault in faults {
        let problem = condition_problem(reader, node, fault, selections);
        reader.report(problem);
    }
    None
}

fn report_unused(reader: &mut Reader, name: &str, span: &Range<usize>, at: &ObserveSpans) {
    let problem = reader
        .problem(Code::UnusedSelection, span.clone(), format!("the condition does not use `{name}`"))
        .label(reader.place(at.condition.clone()), "the condition")
        .help("use it, or delete it");
    reader.report(problem);
}

fn condition_problem(
    reader: &Reader,
    node: &Node,
    fault: condition::Fault,
    selections: &IndexMap<String, Formula>,
) -> Diagnostic {
    let span = reader.within(node, fault.range);
    match fault.kind {
        FaultKind::Syntax(found, wanted) => {
            let help = if wanted.contains(' ') && !wanted.starts_with(['`', 'a']) {
                wanted
            } else {
                format!("expected {wanted}")
            };
            reader.problem(Code::ConditionSyntax, span, found).help(help)
        }
        FaultKind::Foreign(found, hint) => reader.problem(Code::ConditionSyntax, span, found).help(hint),
        FaultKind::Unknown(name) => {
            let known = || selections.keys().map(String::as_str);
            let message = if name.contains(['*', '?']) {
                format!("no selection is called like `{name}`")
            } else {
                format!("there is no selection `{name}`")
            };
            let problem = reader.problem(Code::UnknownSelection, span, message).suggestion(nearest(&name, known()));
            match problem.patch.is_none() && !selections.is_empty() {
                true => problem.help(format!("the selections are {}", all_of(known()))),
                false => problem,
            }
        }
        FaultKind::TooLarge => reader
            .problem(Code::TooLong, span, format!("the condition comes to more than {MAX_TESTS} tests"))
            .help("every use of a selection counts; split the detection"),
    }
}

/// The name of a detection from its path.
pub fn name_of(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
