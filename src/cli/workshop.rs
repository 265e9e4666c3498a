//! What build, package, verify and explain begin with: the detections and targets of a project, compiled.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::bail;
use indicatif::ProgressBar;

use crate::detection::{Detection, load};
use crate::diagnostic::Diagnostic;
use crate::lock::{self, Judged};
use crate::pack::{Proved, Recorded, prove};
use crate::project::Project;
use crate::source::Catalogue;
use crate::target::{self, Compiled, PackInfo, Target};

/// How many detections are compiled without a word about progress.
const QUIET: usize = 200;

/// Detections and targets.
pub(super) struct Workshop {
    pub(super) detections: Vec<Detection>,
    pub(super) targets: Vec<Target>,
    /// The lock of versions, if the project has a place for one.
    pub(super) lock: Option<Judged>,
    /// Recorded events of the project.
    pub(super) recorded: Recorded,
}

impl Workshop {
    /// The detections at `path` (else all of the project) and the targets called `only` (else all); or what is wrong with
    /// them.
    ///
    /// # Errors
    /// If there is no target of a name in `only`.
    pub(super) fn open(
        project: &Project,
        path: Option<&Path>,
        templates: Option<&Path>,
        only: &[String],
    ) -> anyhow::Result<Result<Self, Vec<Diagnostic>>> {
        let catalogue = Catalogue::builtin();
        let part = path.filter(|path| project.root() != path.canonicalize().ok().as_deref());
        let files = part.map_or_else(|| project.detection_files(), |path| project.files_at(path));
        let loaded = load::load_files(project, &files, catalogue);
        if loaded.has_errors() {
            return Ok(Err(loaded.problems));
        }
        let mut lock = lock::judge(project, &loaded.detections, part.is_none(), catalogue);
        if let Some(lock) = lock.as_mut().filter(|lock| !lock.problems.is_empty()) {
            return Ok(Err(std::mem::take(&mut lock.problems)));
        }
        let own = templates.map(Path::to_path_buf).or_else(|| project.templates());
        let mut targets = match target::load_all(own.as_deref()) {
            Ok(targets) => targets,
            Err(problems) => return Ok(Err(problems)),
        };
        for name in only {
            if !targets.iter().any(|target| target.name() == name) {
                let known: Vec<&str> = targets.iter().map(Target::name).collect();
                bail!("there is no target `{name}`; there are {}", known.join(", "));
            }
        }
        targets.retain(|target| only.is_empty() || only.iter().any(|name| name == target.name()));
        let recorded = Recorded::new(project.tests());
        Ok(Ok(Self { detections: loaded.detections, targets, lock, recorded }))
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
        let recorded = |source: &str| self.recorded.events(source);
        prove(&self.targets, &self.compile()?, Catalogue::builtin(), pack, &recorded)
    }
}
