//! One side of a comparison, read: detections, targets, what is broken, and the pack that it committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;
use walkdir::WalkDir;

use super::revision::Snapshot;
use crate::detection::{Detection, load};
use crate::diagnostic::Diagnostic;
use crate::pack;
use crate::project::Project;
use crate::source::Catalogue;
use crate::target::{self, PackInfo, Target};
use crate::{exception, profile};

/// A detection that has errors on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its file.
    pub file: String,
    /// Its id, as far as that can be told.
    pub id: Option<Uuid>,
    /// What is wrong, one line each.
    pub errors: Vec<String>,
    /// Whether it could be read and is compared all the same.
    pub compared: bool,
}

/// Detections and targets that a pack is built from.
pub type View = (Vec<Detection>, Vec<Target>);

/// One side.
#[derive(Debug)]
pub struct Side {
    /// What reports call it.
    pub label: String,
    /// The commit, if it is one.
    pub commit: Option<String>,
    /// How messages call its folder.
    shown: PathBuf,
    /// All detections that could be read, also those with errors of meaning or metadata.
    pub detections: Vec<Detection>,
    /// Those with errors.
    pub broken: Vec<Broken>,
    /// Errors that belong to no detection: of lists and folders.
    pub faults: Vec<String>,
    /// The targets, or what is wrong with them.
    pub targets: Result<Vec<Target>, Vec<String>>,
    /// The files of detections, lists and exceptions, by path, to see whether they changed.
    pub sources: BTreeMap<String, Vec<u8>>,
    /// The files of the project's own targets, by path, to see whether they changed.
    pub templates: BTreeMap<String, Vec<u8>>,
    /// The profile's text, if there is one.
    pub profile: Option<Vec<u8>>,
    /// What the committed pack is built from, if a profile or exceptions make that something else.
    pub view: Option<View>,
    /// The committed pack, by path below `out/`.
    pub out: BTreeMap<String, Vec<u8>>,
}

impl Side {
    /// Reads a snapshot.
    pub fn of(snapshot: &Snapshot, catalogue: &Catalogue) -> Self {
        let Snapshot { label, commit, root, shown, .. } = snapshot;
        Self { commit: commit.clone(), ..Self::read(label, root, shown, catalogue) }
    }

    /// Reads the project in `root`; reports call it `label`, and messages its folder `shown`.
    pub fn read(label: &str, root: &Path, shown: &Path, catalogue: &Catalogue) -> Self {
        let project = Project::at(root, shown);
        let loaded = load::load(&project, catalogue);
        let mut detections = loaded.detections;
        let errors: Vec<&Diagnostic> = loaded.problems.iter().filter(|problem| problem.is_error()).collect();
        let mut by_file: BTreeMap<String, Vec<&Diagnostic>> = BTreeMap::new();
        for error in errors {
            by_file.entry(error.place.file.shown()).or_default().push(error);
        }
        let (mut broken, mut faults) = (Vec::new(), Vec::new());
        for (file, errors) in by_file {
            let lines = errors.iter().map(|error| line(error)).collect();
            let text = errors.first().map(|error| error.place.file.text.as_str()).unwrap_or_default();
            let known = detections.iter().chain(&loaded.refused).find(|detection| detection.source.shown() == file);
            if known.is_none() && file.ends_with("lists.yml") {
                faults.extend(errors.iter().map(|error| line(error)));
                continue;
            }
            broken.push(Broken {
                id: known.map(|detection| detection.id).or_else(|| id_in(text)),
                compared: known.is_some(),
                file: relative(&file, shown),
                errors: lines,
            });
        }
        detections.extend(loaded.refused);
        detections.sort_by(|a, b| a.file.cmp(&b.file));
        let templates = project.templates();
        let targets = target::load_all(templates.as_deref())
            .map_err(|problems| problems.iter().map(|problem| problem.message.clone()).collect());
        let profile = fs::read(root.join(profile::FILE)).ok();
        let view = match view(&project, catalogue, profile.is_some()) {
            Ok(view) => view,
            Err(problem) => {
                faults.push(line(&problem));
                None
            }
        };
        let mut sources = files(&root.join("detections"));
        let exceptions = files(&root.join(exception::FOLDER));
        sources.extend(exceptions.into_iter().map(|(path, text)| (format!("{}/{path}", exception::FOLDER), text)));
        Self {
            label: label.to_owned(),
            commit: None,
            shown: shown.to_path_buf(),
            detections,
            broken,
            faults,
            targets,
            sources,
            templates: templates.map(|folder| files(&folder)).unwrap_or_default(),
            profile,
            view,
            out: files(&root.join("out")),
        }
    }

    /// The file of a detection, relative to the project.
    pub fn file_of(&self, detection: &Detection) -> String {
        relative(&detection.source.shown(), &self.shown)
    }

    /// Whether everything is in order, so that the pack can be built.
    pub fn is_sound(&self) -> bool {
        self.broken.is_empty() && self.faults.is_empty() && self.targets.is_ok()
    }

    /// What the committed pack says it is.
    pub fn manifest(&self) -> Option<Value> {
        serde_json::from_slice(self.out.get(pack::MANIFEST)?).ok()
    }

    /// The version and author that the pack was built with.
    pub fn pack(&self) -> PackInfo {
        let default = PackInfo::default();
        let manifest = self.manifest().unwrap_or_default();
        let text = |key: &str, other: String| {
            manifest.pointer(&format!("/pack/{key}")).and_then(Value::as_str).map_or(other, str::to_owned)
        };
        PackInfo { version: text("version", default.version.clone()), author: text("author", default.author.clone()) }
    }
}

/// Detections and targets as the project's profile and exceptions make them; none where there are neither.
fn view(project: &Project, catalogue: &Catalogue, has_profile: bool) -> Result<Option<View>, Box<Diagnostic>> {
    let first = |problems: Vec<Diagnostic>| {
        problems.into_iter().find(Diagnostic::is_error).map_or(Ok(()), |p| Err(Box::new(p)))
    };
    let has_exceptions = project.root().is_some_and(|root| root.join(exception::FOLDER).is_dir());
    // Targets with faults are told apart from this.
    let targets = target::load_all(project.templates().as_deref());
    let (true, Ok(mut targets)) = (has_profile || has_exceptions, targets) else { return Ok(None) };
    let profile = match project.root().filter(|_| has_profile) {
        Some(root) => {
            let file = profile::open(&root.join(profile::FILE)).map_err(Box::new)?;
            let (profile, problems) = profile::read(&file, catalogue, &targets);
            first(problems)?;
            profile
        }
        None => None,
    };
    let changes = profile.as_ref().map(|profile| profile.lists.clone()).unwrap_or_default();
    let mut loaded = load::load_to_match_changed(project, catalogue, changes);
    let exceptions = exception::load(project, loaded.lists.as_ref(), catalogue);
    first(exceptions.problems)?;
    let name = profile.as_ref().map(|profile| profile.name.as_str());
    exception::apply(&exceptions.all, name, &mut loaded.detections);
    if let Some(profile) = &profile {
        profile.apply_to_detections(&mut loaded.detections);
        profile.apply_to_targets(&mut targets);
    }
    Ok(Some((loaded.detections, targets)))
}

fn relative(file: &str, shown: &Path) -> String {
    Path::new(file).strip_prefix(shown).map_or(file.to_owned(), |inside| inside.to_string_lossy().replace('\\', "/"))
}

/// `E0302 file:line:column: what is wrong`.
fn line(problem: &Diagnostic) -> String {
    let (line, column) = problem.place.file.position(problem.place.span.start);
    format!("{} {}:{line}:{column}: {}", problem.code.id(), problem.place.file.shown(), problem.message)
}

/// The id in a text that is no detection, or not one that can be read.
fn id_in(text: &str) -> Option<Uuid> {
    let value = text.lines().find_map(|line| line.strip_prefix("id:"))?;
    let value = value.split('#').next().unwrap_or_default();
    Uuid::parse_str(value.trim().trim_matches(['"', '\''])).ok()
}

/// All files below a folder, with `/` between the segments of their paths.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| {
            let inside = entry.path().strip_prefix(folder).ok()?.to_string_lossy().replace('\\', "/");
            Some((inside, fs::read(entry.path()).ok()?))
        })
        .collect()
}
