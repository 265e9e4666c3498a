//! One side of a comparison, read: detections, targets, what is broken, and the pack that it committed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;
use walkdir::WalkDir;

use super::revision::Snapshot;
use crate::detection::lists::Lists;
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

/// Which profile a side is seen with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProfileChoice {
    /// Its own `cresset.yml`, if it has one.
    #[default]
    Own,
    /// The file at this path below its folder; its pack is in `out/<name>/`.
    Inside(PathBuf),
    /// A file beside both sides; their packs are in `out/<name>/`.
    Beside(PathBuf),
}

/// One side.
#[derive(Debug)]
pub struct Side {
    /// What reports call it.
    pub label: String,
    /// The commit, if it is one.
    pub commit: Option<String>,
    /// How messages call its folder.
    shown: PathBuf,
    /// All detections that could be read, also those with errors of meaning or metadata, as the profile and the
    /// exceptions make them.
    pub detections: Vec<Detection>,
    /// The same as they are written.
    pub written: Vec<Detection>,
    /// Those with errors.
    pub broken: Vec<Broken>,
    /// Errors that belong to no detection: of lists and folders.
    pub faults: Vec<String>,
    /// The targets as the profile makes them, or what is wrong with them.
    pub targets: Result<Vec<Target>, Vec<String>>,
    /// The files of detections, lists and exceptions, by path, to see whether they changed.
    pub sources: BTreeMap<String, Vec<u8>>,
    /// The files of the project's own targets, by path, to see whether they changed.
    pub templates: BTreeMap<String, Vec<u8>>,
    /// The profile's text, if there is one.
    pub profile: Option<Vec<u8>>,
    /// The files of exceptions by the exceptions' names.
    pub exceptions: BTreeMap<String, String>,
    /// The exceptions whose files cannot be read: what they take away is not known.
    pub unread_exceptions: BTreeSet<String>,
    /// The committed pack, by path below its folder.
    pub out: BTreeMap<String, Vec<u8>>,
    /// That folder below `out/`: empty, or with `/` at the end.
    pub pack_folder: String,
}

impl Side {
    /// Reads a snapshot.
    pub fn of(snapshot: &Snapshot, profile: &ProfileChoice, catalogue: &Catalogue) -> Self {
        let Snapshot { label, commit, root, shown, .. } = snapshot;
        Self { commit: commit.clone(), ..Self::read(label, root, shown, profile, catalogue) }
    }

    /// Reads the project in `root`; reports call it `label`, and messages its folder `shown`.
    pub fn read(label: &str, root: &Path, shown: &Path, profile: &ProfileChoice, catalogue: &Catalogue) -> Self {
        let project = Project::at(root, shown);
        let loaded = load::load(&project, catalogue);
        let mut written = loaded.detections;
        let errors: Vec<&Diagnostic> = loaded.problems.iter().filter(|problem| problem.is_error()).collect();
        let mut by_file: BTreeMap<String, Vec<&Diagnostic>> = BTreeMap::new();
        for error in errors {
            by_file.entry(error.place.file.shown()).or_default().push(error);
        }
        let (mut broken, mut faults) = (Vec::new(), Vec::new());
        for (file, errors) in by_file {
            let lines = errors.iter().map(|error| line(error)).collect();
            let text = errors.first().map(|error| error.place.file.text.as_str()).unwrap_or_default();
            let known = written.iter().chain(&loaded.refused).find(|detection| detection.source.shown() == file);
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
        written.extend(loaded.refused);
        written.sort_by(|a, b| a.file.cmp(&b.file));
        let templates = project.templates();
        let targets = target::load_all(templates.as_deref())
            .map_err(|problems| problems.iter().map(|problem| problem.message.clone()).collect());
        let (file, out) = match profile {
            ProfileChoice::Own => (root.join(profile::FILE), String::new()),
            ProfileChoice::Inside(path) => (root.join(path), stem(path)),
            ProfileChoice::Beside(path) => (path.clone(), stem(path)),
        };
        let text = fs::read(&file).ok();
        let mut side = Self {
            label: label.to_owned(),
            commit: None,
            shown: shown.to_path_buf(),
            detections: written.clone(),
            written,
            broken,
            faults,
            targets,
            sources: files(&root.join("detections")),
            templates: templates.map(|folder| files(&folder)).unwrap_or_default(),
            profile: text,
            exceptions: BTreeMap::new(),
            unread_exceptions: BTreeSet::new(),
            out: BTreeMap::new(),
            pack_folder: String::new(),
        };
        let exceptions = files(&root.join(exception::FOLDER));
        side.sources.extend(exceptions.into_iter().map(|(path, text)| (format!("{}/{path}", exception::FOLDER), text)));
        let file = side.profile.as_ref().map(|_| file.as_path());
        let name = match side.look(&project, file, loaded.lists, catalogue) {
            Ok(name) => name,
            Err(problem) => {
                side.faults.push(line(&problem));
                None
            }
        };
        // A pack of a profile that was asked for lies in a folder of the profile's name.
        let out = name.filter(|_| *profile != ProfileChoice::Own).unwrap_or(out);
        side.out = files(&root.join("out").join(&out));
        side.pack_folder = if out.is_empty() { out } else { format!("{out}/") };
        side
    }

    /// Sees detections and targets as the profile and the exceptions make them. The name of the profile, if there is one.
    fn look(
        &mut self,
        project: &Project,
        profile: Option<&Path>,
        lists: Option<Arc<Lists>>,
        catalogue: &Catalogue,
    ) -> Result<Option<String>, Box<Diagnostic>> {
        let first = |problems: Vec<Diagnostic>| {
            problems.into_iter().find(Diagnostic::is_error).map_or(Ok(()), |problem| Err(Box::new(problem)))
        };
        // Targets with faults are told apart from this.
        let profile = match (profile, &self.targets) {
            (Some(path), Ok(targets)) => {
                let file = profile::open(path).map_err(Box::new)?;
                let (profile, problems) = profile::read(&file, catalogue, targets);
                first(problems)?;
                profile
            }
            _ => None,
        };
        let mut lists = lists;
        if let Some(profile) = profile.as_ref().filter(|profile| !profile.lists.is_empty()) {
            let files = project.detection_files();
            let changed = load::load_changed(project, &files, catalogue, profile.lists.clone());
            self.detections = changed.detections;
            self.detections.extend(changed.refused);
            self.detections.sort_by(|a, b| a.file.cmp(&b.file));
            lists = changed.lists;
        }
        let exceptions = exception::load(project, lists.as_ref(), catalogue);
        // One that cannot be read does not make the others go.
        for problem in exceptions.problems.iter().filter(|problem| problem.is_error()) {
            self.faults.push(line(problem));
            self.unread_exceptions.insert(stem(&problem.place.file.path));
        }
        let of_file = |exception: &exception::Exception| relative(&exception.source.shown(), &self.shown);
        self.exceptions = exceptions.all.iter().map(|one| (one.name.clone(), of_file(one))).collect();
        let name = profile.as_ref().map(|profile| profile.name.clone());
        exception::apply(&exceptions.all, name.as_deref(), &mut self.detections);
        if let Some(profile) = &profile {
            profile.apply_to_detections(&mut self.detections);
            if let Ok(targets) = &mut self.targets {
                profile.apply_to_targets(targets);
            }
        }
        Ok(name)
    }

    /// A detection as it is written, by what it is as the profile and the exceptions make it.
    pub fn as_written(&self, detection: &Detection) -> Option<&Detection> {
        self.written.iter().find(|written| written.id == detection.id && written.name == detection.name)
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

/// What a profile's file is called without its extension.
fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
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
