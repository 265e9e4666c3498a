//! Problems as text: snippets for people, JSON, SARIF 2.1.0 and GitHub annotations for programs.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Code, Diagnostic, Place, Severity};

/// Text for people: the lines with the exact stretch underlined. With `colour`, with the escape sequences of terminals.
pub fn human(problems: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for problem in problems {
        let level = match problem.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(visible(&problem.message)).id(problem.code.id());
        let mut elements: Vec<Element<'_>> = Vec::new();
        elements.extend(snippet(&problem.place, &problem.note, AnnotationKind::Primary, problem));
        for label in problem.labels.iter().filter(|label| label.place.file != problem.place.file) {
            elements.extend(snippet(&label.place, &label.text, AnnotationKind::Context, problem));
        }
        for help in &problem.help {
            elements.push(Level::HELP.message(visible(help)).into());
        }
        let group: Group<'_> = title.elements(elements);
        text.push_str(&renderer.render(&[group]));
        text.push_str("\n\n");
    }
    text
}

/// The lines around a place; the path alone where there is no text to show.
fn snippet<'p>(place: &'p Place, note: &str, kind: AnnotationKind, problem: &'p Diagnostic) -> Option<Element<'p>> {
    let path = place.file.shown();
    if place.file.text.is_empty() {
        return Some(Origin::path(path).into());
    }
    let mut annotation = kind.span(on_one_line(&place.file.text, &place.span));
    if !note.is_empty() {
        annotation = annotation.label(visible(note));
    }
    let mut snippet = Snippet::source(&*place.file.text).line_start(1).path(path).annotation(annotation);
    if kind == AnnotationKind::Primary {
        for label in problem.labels.iter().filter(|label| label.place.file == place.file) {
            let span = on_one_line(&place.file.text, &label.place.span);
            snippet = snippet.annotation(AnnotationKind::Context.span(span).label(visible(&label.text)));
        }
    }
    Some(snippet.into())
}

/// The stretch, or its first line if it goes over several: that is enough to find it.
fn on_one_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = span.start.min(text.len());
    let end = span.end.clamp(start, text.len());
    let stretch = text.get(start..end).unwrap_or_default();
    let first = stretch.split('\n').next().unwrap_or_default().trim_end();
    start..start + first.len()
}

/// Text without characters that would move a terminal's cursor or change its colours.
fn visible(text: &str) -> String {
    let hidden = |c: char| c.is_control() && c != '\n';
    if !text.contains(hidden) {
        return text.to_owned();
    }
    text.chars().map(|c| if hidden(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// A count of what was found: `2 errors and 1 warning`; `None` if there was nothing.
pub fn summary(problems: &[Diagnostic]) -> Option<String> {
    let errors = problems.iter().filter(|p| p.is_error()).count();
    let count = |n: usize, word: &str| match n {
        0 => None,
        1 => Some(format!("1 {word}")),
        n => Some(format!("{n} {word}s")),
    };
    match (count(errors, "error"), count(problems.len() - errors, "warning")) {
        (Some(errors), Some(warnings)) => Some(format!("{errors} and {warnings}")),
        (one, other) => one.or(other),
    }
}

/// Start and end as lines and columns from 1, columns in characters.
fn region(place: &Place) -> [usize; 4] {
    let (line, column) = place.file.position(place.span.start);
    let (end_line, end_column) = place.file.position(place.span.end.max(place.span.start));
    [line, column, end_line, end_column]
}

fn place_as_json(place: &Place) -> Value {
    let [line, column, end_line, end_column] = region(place);
    json!({
        "file": place.file.shown(), "line": line, "column": column, "end_line": end_line, "end_column": end_column,
        "start": place.span.start, "end": place.span.end,
    })
}

/// One JSON document: `{"problems": [...]}`.
pub fn json(problems: &[Diagnostic]) -> Value {
    let problems: Vec<Value> = problems
        .iter()
        .map(|problem| {
            let labels: Vec<Value> = problem
                .labels
                .iter()
                .map(|label| json!({"text": label.text, "place": place_as_json(&label.place)}))
                .collect();
            let patch = problem.patch.as_ref().map(
                |patch| json!({"start": patch.span.start, "end": patch.span.end, "replacement": patch.replacement}),
            );
            json!({
                "code": problem.code.id(), "severity": problem.severity().name(), "message": problem.message,
                "note": problem.note, "place": place_as_json(&problem.place), "labels": labels,
                "help": problem.help, "patch": patch,
            })
        })
        .collect();
    json!({ "problems": problems })
}

/// A SARIF 2.1.0 log, as GitHub, GitLab and editors read it.
pub fn sarif(problems: &[Diagnostic]) -> Value {
    let location = |place: &Place| {
        let [line, column, end_line, end_column] = region(place);
        json!({
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&place.file.shown()) },
                "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
            }
        })
    };
    let mut used: Vec<Code> = problems.iter().map(|problem| problem.code).collect();
    used.sort_unstable();
    used.dedup();
    let rules: Vec<Value> = used
        .iter()
        .map(|code| {
            json!({
                "id": code.id(),
                "shortDescription": { "text": code.title() },
                "fullDescription": { "text": code.title() },
                "help": { "text": code.explanation(), "markdown": code.explanation() },
                "defaultConfiguration": { "level": code.severity().name() },
            })
        })
        .collect();
    let results: Vec<Value> = problems
        .iter()
        .map(|problem| {
            let mut text = problem.message.clone();
            for more in std::iter::once(&problem.note).filter(|note| !note.is_empty()).chain(&problem.help) {
                _ = write!(text, "; {more}");
            }
            let mut result = json!({
                "ruleId": problem.code.id(),
                "ruleIndex": used.iter().position(|code| *code == problem.code),
                "level": problem.severity().name(),
                "message": { "text": text },
                "locations": [location(&problem.place)],
            });
            if let (false, Some(result)) = (problem.labels.is_empty(), result.as_object_mut()) {
                let related: Vec<Value> = problem
                    .labels
                    .iter()
                    .map(|label| {
                        let mut at = location(&label.place);
                        if let Some(at) = at.as_object_mut() {
                            at.insert("message".to_owned(), json!({ "text": label.text }));
                        }
                        at
                    })
                    .collect();
                result.insert("relatedLocations".to_owned(), Value::Array(related));
            }
            if let (Some(patch), Some(result)) = (&problem.patch, result.as_object_mut()) {
                let place = Place { file: problem.place.file.clone(), span: patch.span.clone() };
                let [line, column, end_line, end_column] = region(&place);
                result.insert(
                    "fixes".to_owned(),
                    json!([{
                        "description": { "text": problem.help.last().cloned().unwrap_or_default() },
                        "artifactChanges": [{
                            "artifactLocation": { "uri": uri(&place.file.shown()) },
                            "replacements": [{
                                "deletedRegion": {
                                    "startLine": line, "startColumn": column,
                                    "endLine": end_line, "endColumn": end_column,
                                },
                                "insertedContent": { "text": patch.replacement },
                            }],
                        }],
                    }]),
                );
            }
            result
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "cresset", "version": env!("CARGO_PKG_VERSION"), "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(byte)),
            byte => _ = write!(uri, "%{byte:02X}"),
        }
    }
    uri
}

/// Workflow commands that GitHub shows beside the lines of a pull request.
pub fn github(problems: &[Diagnostic]) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut text = String::new();
    for problem in problems {
        let [line, column, end_line, end_column] = region(&problem.place);
        let mut message = problem.message.clone();
        if !problem.note.is_empty() {
            _ = write!(message, "\n{}", problem.note);
        }
        for label in &problem.labels {
            let (line, _) = label.place.file.position(label.place.span.start);
            let at = match (label.place.file == problem.place.file, label.place == problem.place) {
                (_, true) => String::new(),
                (true, _) => format!("line {line}: "),
                (false, _) => format!("{}:{line}: ", label.place.file.shown()),
            };
            _ = write!(message, "\n{at}{}", label.text);
        }
        for help in &problem.help {
            _ = write!(message, "\n{help}");
        }
        // GitHub drops annotations whose end column lies on another line than the column.
        let columns = if line == end_line && end_column > column {
            format!(",col={column},endColumn={}", end_column - 1)
        } else {
            String::new()
        };
        _ = writeln!(
            text,
            "::{} file={},line={line},endLine={end_line}{columns},title={}::{}",
            problem.severity().name(),
            property(&problem.place.file.shown()),
            property(&format!("{} {}", problem.code.id(), problem.code.title())),
            data(&message),
        );
    }
    text
}
