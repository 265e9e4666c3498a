//! Reading the detections of a project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{self, Code, Diagnostic, SourceFile};
use crate::project::{DetectionFile, Project};
use crate::source::Catalogue;

use super::check;
use super::lists::{Changes, List, Lists, Used, mentions};
use super::model::Detection;
use super::parse::{self, Parsed};

/// What was read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The detections that can be used, sorted by file.
    pub detections: Vec<Detection>,
    /// Detections that could be read and that the checks refuse; not to be used, only to be looked at.
    pub refused: Vec<Detection>,
    /// What is wrong, sorted by file and line.
    pub problems: Vec<Diagnostic>,
    /// The names of all lists that there are and that are used.
    pub list_names: BTreeSet<String>,
    /// The lists of `lists.yml` on top.
    pub lists: Option<Arc<Lists>>,
}

impl Loaded {
    /// True if some problem is an error.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Diagnostic::is_error)
    }
}

/// Reads and checks all detections of a project.
pub fn load(project: &Project, catalogue: &Catalogue) -> Loaded {
    load_files(project, &project.detection_files(), catalogue)
}

/// Reads all detections of a project for matching: their formulas are not decided, nor their tests and techniques
/// checked, which takes longer than to match them.
pub fn load_to_match(project: &Project, catalogue: &Catalogue) -> Loaded {
    read_files(project, &project.detection_files(), catalogue, false, Arc::default())
}

/// The same, with the lists that a profile changes.
pub fn load_to_match_changed(project: &Project, catalogue: &Catalogue, changes: Arc<Changes>) -> Loaded {
    read_files(project, &project.detection_files(), catalogue, false, changes)
}

/// Reads and checks some files of a project.
pub fn load_files(project: &Project, files: &crate::project::Files, catalogue: &Catalogue) -> Loaded {
    read_files(project, files, catalogue, true, Arc::default())
}

/// Reads and checks some files of a project, with the lists that a profile changes.
pub fn load_changed(
    project: &Project,
    files: &crate::project::Files,
    catalogue: &Catalogue,
    changes: Arc<Changes>,
) -> Loaded {
    read_files(project, files, catalogue, true, changes)
}

fn read_files(
    project: &Project,
    files: &crate::project::Files,
    catalogue: &Catalogue,
    checked: bool,
    changes: Arc<Changes>,
) -> Loaded {
    let mut problems = files.problems.clone();
    let nothing = Arc::new(Lists::changed(changes));
    let lists = read_lists(project, files.lists.iter().chain(&files.lists_above), &nothing, &mut problems);
    let (parsed, refused): (Vec<(&DetectionFile, Parsed)>, Vec<Option<Detection>>) = files
        .detections
        .par_iter()
        .map(|file| {
            let text = match project.read(file) {
                Ok(text) => text,
                Err(problem) => {
                    let nothing = Parsed {
                        detection: None,
                        rest: parse::Rest::default(),
                        problems: vec![problem],
                        used: Used::new(),
                        spans: parse::Spans::default(),
                    };
                    return ((file, nothing), None);
                }
            };
            let name = parse::name_of(&file.shown);
            let mut parsed = parse::parse(
                &text,
                &name,
                Some(nearest_lists(&lists, &file.shown).unwrap_or(nothing.clone())),
                catalogue,
            );
            let refused = if checked { judge(&mut parsed, catalogue, project.tests().as_deref()) } else { None };
            ((file, parsed), refused)
        })
        .unzip();
    // Of those above, there may be detections that are not among these.
    let whole = |folder: &Path| files.lists.iter().any(|file| file.shown.parent() == Some(folder));
    unused_lists(lists.iter().filter(|(folder, _)| whole(folder)), &parsed, &mut problems);
    never_there(&lists, &parsed, &mut problems);
    let mut detections = Vec::new();
    let mut list_names: BTreeSet<String> = lists.values().flat_map(|lists| lists.own().keys().cloned()).collect();
    list_names.extend(parsed.iter().flat_map(|(_, parsed)| parsed.used.iter().map(|(_, name)| name.clone())));
    let lists = lists.into_iter().next().map(|(_, top)| top).or(Some(nothing));
    problems.extend(check::across(parsed.iter().map(|(_, parsed)| parsed)));
    for (_, parsed) in parsed {
        problems.extend(parsed.problems);
        detections.extend(parsed.detection);
    }
    diagnostic::sort(&mut problems);
    Loaded { detections, refused: refused.into_iter().flatten().collect(), problems, list_names, lists }
}

/// What a profile takes out of a list and is in none of its name.
fn never_there(
    lists: &BTreeMap<PathBuf, Arc<Lists>>,
    parsed: &[(&DetectionFile, Parsed)],
    problems: &mut Vec<Diagnostic>,
) {
    let mut all: BTreeMap<&str, Vec<&List>> = BTreeMap::new();
    for (name, list) in lists.values().flat_map(|lists| lists.own()) {
        all.entry(name).or_default().push(list);
    }
    for (name, lists) in all {
        // A detection may have a list of this name for itself.
        let is_own = |path: &PathBuf| !lists.iter().any(|list| Path::new(&list.place.file.path) == path);
        if parsed.iter().any(|(_, parsed)| parsed.used.iter().any(|(path, used)| used == name && is_own(path))) {
            continue;
        }
        let Some((first, rest)) = lists.split_first() else { continue };
        for (value, place) in &first.not_there {
            if rest.iter().all(|list| list.not_there.iter().any(|(other, _)| other == value)) {
                let message = format!("the list `{name}` has no value `{value}`");
                let values = first.values.iter().map(|(value, _)| value.as_str());
                let problem = Diagnostic::new(Code::UnknownList, place.clone(), message);
                let near = nearest(value, values);
                let problem = problem.suggestion(near);
                problems.push(if near.is_some() {
                    problem
                } else {
                    problem.help("only what is written in the list itself can be removed, not what a list in it holds")
                });
            }
        }
    }
}

/// Adds what the checks find; a detection with an error is none, and comes back.
fn judge(parsed: &mut Parsed, catalogue: &Catalogue, tests: Option<&Path>) -> Option<Detection> {
    let found = check::file(parsed, catalogue, tests);
    let refused = if found.iter().any(Diagnostic::is_error) { parsed.detection.take() } else { None };
    parsed.problems.extend(found);
    refused
}

/// The lists of every folder that has a `lists.yml`, each seeing those above it.
fn read_lists<'f>(
    project: &Project,
    files: impl Iterator<Item = &'f DetectionFile>,
    nothing: &Arc<Lists>,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<PathBuf, Arc<Lists>> {
    let mut by_folder: BTreeMap<PathBuf, Arc<Lists>> = BTreeMap::new();
    // Sorted by path, a folder's file comes before those below it.
    let mut sorted: Vec<&DetectionFile> = files.collect();
    sorted.sort_by_key(|file| file.shown.parent().map(Path::to_path_buf));
    for file in sorted {
        let folder = file.shown.parent().unwrap_or(Path::new("")).to_path_buf();
        let outer = folder.parent().and_then(|above| lists_above(&by_folder, above)).or(Some(nothing.clone()));
        let lists = match project.read(file) {
            Ok(text) => {
                let (lists, more) = Lists::read_file(&text, outer);
                problems.extend(more);
                lists
            }
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        by_folder.insert(folder, Arc::new(lists));
    }
    by_folder
}

fn lists_above(lists: &BTreeMap<PathBuf, Arc<Lists>>, folder: &Path) -> Option<Arc<Lists>> {
    folder.ancestors().find_map(|folder| lists.get(folder)).cloned()
}

fn nearest_lists(lists: &BTreeMap<PathBuf, Arc<Lists>>, file: &Path) -> Option<Arc<Lists>> {
    lists_above(lists, file.parent()?)
}

/// Lists of `lists.yml` that no detection below it uses.
fn unused_lists<'l>(
    lists: impl Iterator<Item = (&'l PathBuf, &'l Arc<Lists>)>,
    parsed: &[(&DetectionFile, Parsed)],
    problems: &mut Vec<Diagnostic>,
) {
    for (folder, lists) in lists {
        let below: Vec<&Parsed> =
            parsed.iter().filter(|(file, _)| file.shown.starts_with(folder)).map(|(_, parsed)| parsed).collect();
        let broken = below.iter().filter(|parsed| parsed.problems.iter().any(Diagnostic::is_error));
        let broken: Vec<&str> =
            broken.map(|parsed| parsed.rest.file.as_ref().map_or("", |file| file.text.as_str())).collect();
        // A few of the files cannot tell, and neither can one of which there is no text.
        if below.is_empty() || broken.contains(&"") {
            continue;
        }
        for (name, list) in lists.own() {
            let key = (list.place.file.path.clone(), name.clone());
            // A detection that could not be read may be the one that uses it, itself or through another list.
            let may_be_used = || {
                broken.iter().any(|text| mentions(text, name))
                    || (!broken.is_empty() && mentions(&list.place.file.text, name))
            };
            if !below.iter().any(|parsed| parsed.used.contains(&key)) && !may_be_used() {
                let message = format!("no detection uses the list `{name}`");
                problems.push(Diagnostic::new(Code::UnusedList, list.place.clone(), message).help("delete it"));
            }
        }
    }
}

/// Reads one text as a detection that belongs to no project.
pub fn load_text(text: &Arc<SourceFile>, name: &str, catalogue: &Catalogue) -> Loaded {
    let mut parsed = parse::parse(text, name, None, catalogue);
    let refused = judge(&mut parsed, catalogue, None).into_iter().collect();
    diagnostic::sort(&mut parsed.problems);
    Loaded {
        detections: parsed.detection.into_iter().collect(),
        refused,
        problems: parsed.problems,
        ..Loaded::default()
    }
}
