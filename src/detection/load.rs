//! Reading the detections of a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::diagnostic::{self, Code, Diagnostic, SourceFile};
use crate::project::{DetectionFile, Project};
use crate::source::Catalogue;

use super::check;
use super::lists::{Lists, Used};
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
    read_files(project, &project.detection_files(), catalogue, false)
}

/// Reads and checks some files of a project.
pub fn load_files(project: &Project, files: &crate::project::Files, catalogue: &Catalogue) -> Loaded {
    read_files(project, files, catalogue, true)
}

fn read_files(project: &Project, files: &crate::project::Files, catalogue: &Catalogue, checked: bool) -> Loaded {
    let mut problems = files.problems.clone();
    let lists = read_lists(project, &files.lists, &mut problems);
    let (parsed, refused): (Vec<(&DetectionFile, Parsed)>, Vec<Option<Detection>>) = files
        .detections
        .par_iter()
        .map(|file| {
            let text = match project.read(file) {
                Ok(text) => text,
                Err(problem) => {
                    let nothing = Parsed {
                        detection: None,
                        problems: vec![problem],
                        used: Used::new(),
                        spans: parse::Spans::default(),
                    };
                    return ((file, nothing), None);
                }
            };
            let name = parse::name_of(&file.shown);
            let mut parsed = parse::parse(&text, &name, nearest_lists(&lists, &file.shown), catalogue);
            let refused = if checked { judge(&mut parsed, catalogue, project.tests().as_deref()) } else { None };
            ((file, parsed), refused)
        })
        .unzip();
    unused_lists(&lists, &parsed, &mut problems);
    let mut detections = Vec::new();
    problems.extend(check::across(parsed.iter().map(|(_, parsed)| parsed)));
    for (_, parsed) in parsed {
        problems.extend(parsed.problems);
        detections.extend(parsed.detection);
    }
    diagnostic::sort(&mut problems);
    Loaded { detections, refused: refused.into_iter().flatten().collect(), problems }
}

/// Adds what the checks find; a detection with an error is none, and comes back.
fn judge(parsed: &mut Parsed, catalogue: &Catalogue, tests: Option<&Path>) -> Option<Detection> {
    let found = check::file(parsed, catalogue, tests);
    let refused = if found.iter().any(Diagnostic::is_error) { parsed.detection.take() } else { None };
    parsed.problems.extend(found);
    refused
}

/// The lists of every folder that has a `lists.yml`, each seeing those above it.
fn read_lists(
    project: &Project,
    files: &[DetectionFile],
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<PathBuf, Arc<Lists>> {
    let mut by_folder: BTreeMap<PathBuf, Arc<Lists>> = BTreeMap::new();
    // Sorted by path, a folder's file comes before those below it.
    let mut sorted: Vec<&DetectionFile> = files.iter().collect();
    sorted.sort_by_key(|file| file.shown.parent().map(Path::to_path_buf));
    for file in sorted {
        let folder = file.shown.parent().unwrap_or(Path::new("")).to_path_buf();
        let outer = folder.parent().and_then(|above| lists_above(&by_folder, above));
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
fn unused_lists(
    lists: &BTreeMap<PathBuf, Arc<Lists>>,
    parsed: &[(&DetectionFile, Parsed)],
    problems: &mut Vec<Diagnostic>,
) {
    for (folder, lists) in lists {
        let below: Vec<&Parsed> =
            parsed.iter().filter(|(file, _)| file.shown.starts_with(folder)).map(|(_, parsed)| parsed).collect();
        // A detection that could not be read may be the one that uses it; a few of the files cannot tell.
        if below.is_empty() || below.iter().any(|parsed| parsed.problems.iter().any(Diagnostic::is_error)) {
            continue;
        }
        for (name, list) in lists.own() {
            let key = (list.place.file.path.clone(), name.clone());
            if !below.iter().any(|parsed| parsed.used.contains(&key)) {
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
    Loaded { detections: parsed.detection.into_iter().collect(), refused, problems: parsed.problems }
}
