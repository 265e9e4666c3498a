//! What build, package, verify and explain begin with: the detections and targets of a project, compiled.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::bail;
use indicatif::ProgressBar;

use super::hunt_report::counted;
use crate::detection::{Detection, Loaded, load};
use crate::diagnostic::Diagnostic;
use crate::exception::{self, Exception, Exceptions};
use crate::lock::{self, Judged};
use crate::pack::{Proved, Recorded, prove};
use crate::profile::{self, Profile};
use crate::project::Project;
use crate::source::Catalogue;
use crate::target::{self, Compiled, PackInfo, Target};

/// How many detections are compiled without a word about progress.
const QUIET: usize = 200;

/// Which targets, as which organisation has them: what all commands ask that need rules.
#[derive(Debug, clap::Args)]
pub(super) struct Chosen {
    /// Only this target; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) target: Vec<String>,

    /// Targets of your own, a folder each [default: the project's templates/]
    #[arg(long, value_name = "DIR")]
    pub(super) templates: Option<PathBuf>,

    /// A profile [default: the `cresset.yml` found from here upwards]
    #[arg(long, value_name = "FILE")]
    pub(super) profile: Option<PathBuf>,
}

/// Detections and targets.
pub(super) struct Workshop {
    pub(super) detections: Vec<Detection>,
    pub(super) targets: Vec<Target>,
    /// The lock of versions, if the project has a place for one.
    pub(super) lock: Option<Judged>,
    /// Recorded events of the project.
    pub(super) recorded: Recorded,
    /// The profile by which they were changed.
    pub(super) profile: Option<Profile>,
    /// The exceptions that hold.
    pub(super) exceptions: Vec<Exception>,
}

/// The profile of the file at `path`, else the one that is found by itself; or what is wrong with it.
pub(super) fn profile(
    project: &Project,
    path: Option<&Path>,
    targets: &[Target],
) -> Result<Option<Profile>, Vec<Diagnostic>> {
    let Some(path) = path.map(Path::to_path_buf).or_else(|| profile::find(project)) else { return Ok(None) };
    let file = profile::open(&path).map_err(|problem| vec![problem])?;
    match profile::read(&file, Catalogue::builtin(), targets) {
        (Some(profile), _) => Ok(Some(profile)),
        (None, problems) => Err(problems),
    }
}

/// The detections of a project for matching, as they are in its profile and with its exceptions; or what is wrong with
/// these. What is wrong with detections is in what comes back.
pub(super) fn to_match(project: &Project, path: Option<&Path>) -> Result<Loaded, Vec<Diagnostic>> {
    // Targets are read for the sake of a profile alone, and that takes longer than to read the detections.
    let profile = match path.is_some() || profile::find(project).is_some() {
        true => self::profile(project, path, &target::load_all(project.templates().as_deref())?)?,
        false => None,
    };
    to_match_in(project, profile.as_ref())
}

/// The same in a profile that was read already, or in none.
pub(super) fn to_match_in(project: &Project, profile: Option<&Profile>) -> Result<Loaded, Vec<Diagnostic>> {
    let catalogue = Catalogue::builtin();
    let changes = profile.map(|profile| profile.lists.clone()).unwrap_or_default();
    let mut loaded = load::load_to_match_changed(project, catalogue, changes);
    let exceptions = exception::load(project, loaded.lists.as_ref(), catalogue);
    let problems: Vec<Diagnostic> = exceptions.problems.into_iter().filter(Diagnostic::is_error).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    exception::apply(&exceptions.all, profile.map(|profile| profile.name.as_str()), &mut loaded.detections);
    if let Some(profile) = profile {
        profile.apply_to_detections(&mut loaded.detections);
    }
    Ok(loaded)
}

/// Makes detections and targets what they are in a profile and with the exceptions that hold there.
pub(super) fn put_to_use(
    exceptions: &[Exception],
    profile: Option<&Profile>,
    detections: &mut Vec<Detection>,
    targets: &mut Vec<Target>,
) {
    exception::apply(exceptions, profile.map(|profile| profile.name.as_str()), detections);
    if let Some(profile) = profile {
        profile.apply_to_detections(detections);
        profile.apply_to_targets(targets);
    }
}

/// Says how many detections are left out because of errors.
pub(super) fn tell_broken(loaded: &Loaded) -> anyhow::Result<()> {
    let broken = loaded.problems.iter().filter(|problem| problem.is_error()).count();
    if broken > 0 {
        let errors = counted(broken as u64, "error", "errors");
        writeln!(anstream::stderr(), "warning: {errors} in detections; `cresset check` shows what is left out")?;
    }
    Ok(())
}

impl Workshop {
    /// The detections at `path` (else all of the project) and the targets that are chosen (else all); or what is wrong
    /// with them.
    ///
    /// # Errors
    /// If there is no target of a name that was chosen.
    pub(super) fn open(
        project: &Project,
        path: Option<&Path>,
        chosen: &Chosen,
    ) -> anyhow::Result<Result<Self, Vec<Diagnostic>>> {
        let catalogue = Catalogue::builtin();
        let Chosen { target: only, templates, profile } = chosen;
        let part = path.filter(|path| project.root() != path.canonicalize().ok().as_deref());
        let files = part.map_or_else(|| project.detection_files(), |path| project.files_at(path));
        let own = templates.clone().or_else(|| project.templates());
        let mut targets = match target::load_all(own.as_deref()) {
            Ok(targets) => targets,
            Err(problems) => return Ok(Err(problems)),
        };
        let profile = match self::profile(project, profile.as_deref(), &targets) {
            Ok(profile) => profile,
            Err(problems) => return Ok(Err(problems)),
        };
        let changes = profile.as_ref().map(|profile| profile.lists.clone()).unwrap_or_default();
        let mut loaded = load::load_changed(project, &files, catalogue, changes.clone());
        if loaded.has_errors() {
            return Ok(Err(loaded.problems));
        }
        // What is locked is the detection as it was written, whatever a profile makes of its lists.
        let written = (!changes.is_empty()).then(|| load::load_files(project, &files, catalogue));
        let written = written.as_ref().unwrap_or(&loaded);
        if written.has_errors() {
            return Ok(Err(written.problems.clone()));
        }
        let mut lock = lock::judge(project, &written.detections, part.is_none(), catalogue);
        if let Some(lock) = lock.as_mut().filter(|lock| !lock.problems.is_empty()) {
            return Ok(Err(std::mem::take(&mut lock.problems)));
        }
        let Exceptions { all: mut exceptions, mut problems, .. } =
            exception::load(project, loaded.lists.as_ref(), catalogue);
        // A part of the detections cannot tell what there is not.
        if part.is_none() {
            problems.extend(exception::judge(&exceptions, &loaded.detections, None, catalogue));
            problems.extend(profile.iter().flat_map(|p| p.dangling(&loaded.detections, &loaded.list_names)));
        }
        problems.retain(Diagnostic::is_error);
        if !problems.is_empty() {
            return Ok(Err(problems));
        }
        let name = profile.as_ref().map(|profile| profile.name.as_str());
        exceptions.retain(|exception| exception.is_for(name));
        put_to_use(&exceptions, profile.as_ref(), &mut loaded.detections, &mut targets);
        for name in only {
            if !targets.iter().any(|target| target.name() == name) {
                let known: Vec<&str> = targets.iter().map(Target::name).collect();
                bail!("there is no target `{name}`; there are {}", known.join(", "));
            }
        }
        targets.retain(|target| only.is_empty() || only.iter().any(|name| name == target.name()));
        let recorded = Recorded::new(project.tests());
        Ok(Ok(Self { detections: loaded.detections, targets, lock, recorded, profile, exceptions }))
    }

    /// All rules, or what is wrong.
    pub(super) fn compile(&self) -> Result<Vec<Compiled<'_>>, Vec<Diagnostic>> {
        let bar = if std::io::stderr().is_terminal() && self.detections.len() > QUIET {
            ProgressBar::new(self.detections.len() as u64)
        } else {
            ProgressBar::hidden()
        };
        let compiled = target::compile_all(&self.targets, &self.detections, Catalogue::builtin(), &|| bar.inc(1));
        bar.finish_and_clear();
        compiled
    }

    /// The pack, compiled and proved, or what is wrong. Whether it may be written is in its report.
    pub(super) fn build(&self, pack: &PackInfo) -> Result<Proved, Vec<Diagnostic>> {
        self.prove(&self.compile()?, pack)
    }

    /// The same of rules that are compiled already.
    pub(super) fn prove(&self, compiled: &[Compiled<'_>], pack: &PackInfo) -> Result<Proved, Vec<Diagnostic>> {
        let recorded = |source: &str| self.recorded.events(source);
        prove(&self.targets, compiled, Catalogue::builtin(), pack, &recorded)
    }
}
