//! The files of exceptions, read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Exception, Exceptions, FOLDER};
use crate::detection::blank;
use crate::detection::lists::{Lists, Used};
use crate::detection::lower::Lowering;
use crate::detection::parse::{Spans, name_of, observe, read_date};
use crate::detection::shape::Reader;
use crate::detection::yaml;
use crate::diagnostic::{self, Code, Diagnostic, Place, SourceFile};
use crate::profile::read_selectors;
use crate::project::Project;
use crate::source::Catalogue;

/// The keys of an exception.
pub const KEYS: [&str; 9] =
    ["detections", "profiles", "reason", "owner", "expires", "ticket", "status", "lists", "observe"];

/// Reads all exceptions of a project. `lists` are those of its detections.
pub fn load(project: &Project, lists: Option<&Arc<Lists>>, catalogue: &Catalogue) -> Exceptions {
    let mut exceptions = Exceptions::default();
    let Some(folder) = project.root().map(|root| root.join(FOLDER)) else { return exceptions };
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(&folder)
        .max_depth(8)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml"))
        .filter(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')))
        .collect();
    files.sort();
    for path in files {
        exceptions.files += 1;
        match yaml::read_file(&path, &project.file(&path).shown) {
            Ok(file) => {
                let (exception, problems) = read(&file, lists, catalogue);
                exceptions.all.extend(exception);
                exceptions.problems.extend(problems);
            }
            Err(problem) => exceptions.problems.push(problem),
        }
    }
    // Artefacts are called like exceptions, in whatever folder their files are.
    for (at, exception) in exceptions.all.iter().enumerate() {
        if exceptions.all.iter().take(at).any(|other| other.name == exception.name) {
            let place = Place { file: exception.source.clone(), span: 0..0 };
            let message = format!("another file of an exception is called `{}`, too", exception.name);
            let problem = Diagnostic::new(Code::DuplicateName, place, message);
            exceptions.problems.push(problem.help("rules call exceptions like their files; rename one of the two"));
        }
    }
    diagnostic::sort(&mut exceptions.problems);
    exceptions
}

/// Reads one exception.
pub fn read(
    file: &Arc<SourceFile>,
    lists: Option<&Arc<Lists>>,
    catalogue: &Catalogue,
) -> (Option<Exception>, Vec<Diagnostic>) {
    let mut reader = Reader::new(file.clone());
    let Some(root) = yaml::parse_into(file, &mut reader.problems) else { return (None, reader.problems) };
    let exception = read_exception(&mut reader, &root, lists, catalogue);
    diagnostic::sort(&mut reader.problems);
    let sound = !reader.problems.iter().any(Diagnostic::is_error);
    (exception.filter(|_| sound), reader.problems)
}

fn read_exception(
    reader: &mut Reader,
    root: &yaml::Node,
    lists: Option<&Arc<Lists>>,
    catalogue: &Catalogue,
) -> Option<Exception> {
    const WHOLE: &str = "the exception";
    let map = reader.map(root, "an exception", &KEYS)?;
    let detections = map
        .need(reader, WHOLE, "detections", "from which detections it takes something away: names, ids, or `tag:…`")
        .map(|node| read_selectors(reader, node, "`detections`"));
    let profiles = map.get("profiles").map(|node| reader.lines(node, "`profiles`"));
    let reason =
        map.need(reader, WHOLE, "reason", "why these events are all right").and_then(|n| reader.text(n, "`reason`"));
    let owner = map.need(reader, WHOLE, "owner", "who answers for it").and_then(|node| reader.line(node, "`owner`"));
    let expires = map
        .need(reader, WHOLE, "expires", "the last day on which it holds: `2027-03-31`")
        .and_then(|node| Some((read_date(reader, node)?, reader.place(node.span.clone()))));
    let ticket = map.get("ticket").and_then(|node| reader.line(node, "`ticket`"));
    let words = [("approved", true), ("proposed", false)];
    let approved = map.get("status").map_or(Some(true), |node| reader.word(node, "status", &words));
    // What a proposal leaves open is filled in before it counts.
    for key in ["reason", "owner"].into_iter().filter(|_| approved == Some(true)) {
        let Some(span) = map.get(key).and_then(|node| blank::find(&reader.file.text, node)) else { continue };
        let message = format!("`{key}` is still to be filled in, and the exception is approved");
        let problem = reader.problem(Code::EmptyValue, span, message);
        reader.report(problem.help("say it, or leave the exception as it is with `status: proposed`"));
    }
    let lists = Lists::read(map.get("lists"), reader, lists.cloned());
    let mut spans = Spans::default();
    let mut lowering =
        Lowering { reader: &mut *reader, catalogue, lists: &lists, used: Used::new(), places: Vec::new(), values: 0 };
    let observations = map
        .need(lowering.reader, WHOLE, "observe", "which events are meant, per log source, as in a detection")
        .map(|node| observe(&mut lowering, node, &mut spans))
        .unwrap_or_default();
    let mut sources: Vec<std::ops::Range<usize>> = Vec::new();
    let read: BTreeSet<&str> = observations.iter().map(|observation| observation.source.as_str()).collect();
    for at in &spans.observe {
        if read.contains(reader.file.text.get(at.source.clone()).unwrap_or_default().trim_matches(['"', '\''])) {
            sources.push(at.source.clone());
        }
    }
    let (expires, expires_at) = expires?;
    Some(Exception {
        name: name_of(Path::new(&reader.file.path)),
        detections: detections?,
        profiles,
        reason: reason?,
        owner: owner?,
        expires,
        expires_at,
        ticket,
        approved: approved?,
        observations,
        sources,
        source: reader.file.clone(),
    })
}
