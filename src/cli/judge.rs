//! What `check` judges: the detections of a project or some of them, whether its targets can say them as its profiles
//! and exceptions make them, and these themselves.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::workshop;
use crate::detection::{Detection, Loaded, load, yaml};
use crate::diagnostic::Diagnostic;
use crate::exception::{self, Exception};
use crate::lock;
use crate::profile::{self, Profile};
use crate::project::{Files, Project};
use crate::source::Catalogue;
use crate::target::{self, Target};

/// What is judged of one project.
pub(super) struct Task {
    project: Project,
    files: Files,
    /// Whether these are all its detections.
    is_whole: bool,
    /// Whether its targets, exceptions and profiles are judged by themselves, too.
    with_rest: bool,
    /// The profiles that detections are judged in; else the one that is found.
    profiles: Vec<PathBuf>,
}

/// How it is judged.
pub(super) struct Measure<'a> {
    /// The folder of targets, if it is not the project's own.
    pub(super) templates: Option<&'a Path>,
    /// The day by which exceptions have expired or not.
    pub(super) today: jiff::civil::Date,
}

/// What there is to judge at `paths`, a task for each project; without paths, the project here. Paths may be projects,
/// folders, detections, lists, exceptions and profiles.
///
/// # Errors
/// If there is nothing at a path.
pub(super) fn tasks(paths: &[PathBuf], profiles: &[PathBuf]) -> anyhow::Result<Vec<Task>> {
    let mut tasks: Vec<Task> = Vec::new();
    if paths.is_empty() {
        tasks.push(Task::whole(Project::find_or_built_in(None)));
    }
    for path in paths {
        if let Err(error) = path.symlink_metadata() {
            bail!("cannot read `{}`: {}", path.display(), yaml::reason(&error));
        }
        let task = Task::at(path);
        match tasks.iter_mut().find(|known| known.project.root() == task.project.root()) {
            Some(known) => known.join(task),
            None => tasks.push(task),
        }
    }
    for task in tasks.iter_mut().filter(|_| !profiles.is_empty()) {
        task.profiles = profiles.to_vec();
        task.with_rest = true;
    }
    Ok(tasks)
}

impl Task {
    /// All of a project.
    fn whole(project: Project) -> Self {
        let files = project.detection_files();
        Self { project, files, is_whole: true, with_rest: true, profiles: Vec::new() }
    }

    /// What is at a path.
    fn at(path: &Path) -> Self {
        let project = Project::find_or_built_in(Some(path));
        let absolute = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let root = project.root();
        if root == Some(&absolute) {
            return Self::whole(project);
        }
        let is_exception = root.is_some_and(|root| absolute.starts_with(root.join(exception::FOLDER)));
        let is_profile = path.file_name().is_some_and(|name| name == profile::FILE);
        let files = if is_exception || is_profile { Files::default() } else { project.files_at(path) };
        let profiles = if is_profile { vec![path.to_path_buf()] } else { Vec::new() };
        Self { project, files, is_whole: false, with_rest: is_exception || is_profile, profiles }
    }

    /// Both.
    fn join(&mut self, other: Self) {
        self.files.join(other.files);
        self.is_whole |= other.is_whole;
        self.with_rest |= other.with_rest;
        self.profiles.extend(other.profiles);
    }

    /// How many detections are judged.
    pub(super) fn count(&self) -> usize {
        self.files.detections.len()
    }

    /// Everything that is wrong.
    pub(super) fn problems(&self, measure: &Measure<'_>) -> Vec<Diagnostic> {
        let catalogue = Catalogue::builtin();
        let loaded = load::load_files(&self.project, &self.files, catalogue);
        let mut problems = loaded.problems.clone();
        problems.extend(self.versions(&loaded));
        let own = measure.templates.map(Path::to_path_buf).or_else(|| self.project.templates());
        let targets = match target::load_all(own.as_deref()) {
            Ok(targets) => targets,
            Err(faults) => {
                problems.extend(faults.into_iter().filter(|_| self.with_rest));
                Vec::new()
            }
        };
        if !targets.is_empty() {
            problems.extend(target::unknown_targets(&loaded.detections, &targets));
        }
        // What stands beside detections refers to all of them, and with a broken one nothing can be said of that.
        let all = self.with_rest.then(|| load::load_to_match(&self.project, catalogue));
        let sound = all.as_ref().filter(|all| !all.has_errors());
        let exceptions = exception::load(&self.project, loaded.lists.as_ref(), catalogue);
        if self.with_rest {
            problems.extend(exceptions.problems);
        }
        if let Some(all) = sound {
            problems.extend(exception::judge(&exceptions.all, &all.detections, Some(measure.today), catalogue));
        }
        let profiles = match self.profiles.as_slice() {
            [] => profile::find(&self.project).into_iter().collect(),
            given => given.to_vec(),
        };
        if profiles.is_empty() {
            problems.extend(refused(targets, loaded.detections, &exceptions.all, None));
            return problems;
        }
        for path in profiles {
            let (profile, found) = match profile::open(&path) {
                Ok(file) => profile::read(&file, catalogue, &targets),
                Err(problem) => (None, vec![problem]),
            };
            problems.extend(found.into_iter().filter(|_| self.with_rest));
            let Some(profile) = profile else { continue };
            problems.extend(sound.iter().flat_map(|all| profile.dangling(&all.detections, &all.list_names)));
            let mut detections = loaded.detections.clone();
            if !profile.lists.is_empty() {
                let changed = load::load_changed(&self.project, &self.files, catalogue, profile.lists.clone());
                // What its lists make of the detections; what is wrong without them is told already.
                problems.extend(changed.problems.into_iter().filter(Diagnostic::is_error));
                detections = changed.detections;
            }
            // Each profile changes targets in its own way.
            let targets = target::load_all(own.as_deref()).unwrap_or_default();
            problems.extend(refused(targets, detections, &exceptions.all, Some(&profile)));
        }
        problems
    }

    /// What the lock of versions says, if there is one. With errors, not all detections are there to be judged.
    fn versions(&self, loaded: &Loaded) -> Vec<Diagnostic> {
        let is_whole = self.is_whole && !loaded.has_errors();
        let lock = lock::judge(&self.project, &loaded.detections, is_whole, Catalogue::builtin());
        let Some(lock) = lock.filter(|lock| lock.exists()) else { return Vec::new() };
        lock.stale().into_iter().chain(lock.problems).collect()
    }
}

/// What targets cannot say of detections that are right by themselves: for that, a build would refuse them.
fn refused(
    mut targets: Vec<Target>,
    mut detections: Vec<Detection>,
    exceptions: &[Exception],
    profile: Option<&Profile>,
) -> Vec<Diagnostic> {
    workshop::put_to_use(exceptions, profile, &mut detections, &mut targets);
    target::compile_all(&targets, &detections, Catalogue::builtin(), &|| ()).err().unwrap_or_default()
}
