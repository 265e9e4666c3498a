//! The lock of versions: the logic of a detection cannot change without its `version`.
//!
//! `cresset build` writes `detections.lock` beside the detections. A condition whose normal form has the locked digest
//! is the same; one with another is compared with the locked one over all events, and only if it does not mean the
//! same does it need a higher version. A rewrite that means the same changes nothing in the lock.

mod file;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

pub use file::{Lock, LockError, Locked};

use crate::detection::Detection;
use crate::diagnostic::{Code, Diagnostic, Place, SourceFile};
use crate::diff::git::Git;
use crate::diff::meaning::{self, Moved, Sides};
use crate::logic::decide::Budget;
use crate::project::Project;
use crate::source::{Catalogue, Source};

/// The name of the file, in the project's folder.
pub const FILE: &str = "detections.lock";

/// What one comparison may cost. It is rarely needed, so there is time.
const BUDGET: Budget = Budget { states: 4_000_000, nodes: 2_000_000, time: Duration::from_secs(20) };

/// What is to be done about the lock of a project.
#[derive(Clone, Debug)]
pub struct Judged {
    path: PathBuf,
    /// What the file holds; none if there is no file.
    there: Option<String>,
    /// Whether there was neither a file nor a committed one: no version was compared with anything.
    pub is_first: bool,
    /// What it should hold.
    wanted: String,
    /// Detections that break the lock.
    pub problems: Vec<Diagnostic>,
}

impl Judged {
    /// Whether there is a file and it is not what it should be.
    pub fn is_stale(&self) -> bool {
        self.there.as_ref().is_none_or(|there| there.replace("\r\n", "\n") != self.wanted)
    }

    /// Whether there is a file.
    pub fn exists(&self) -> bool {
        self.there.is_some()
    }

    /// A remark that the file is not up to date, if it is not.
    pub fn stale(&self) -> Option<Diagnostic> {
        if !self.is_stale() || !self.problems.is_empty() {
            return None;
        }
        let file = SourceFile::unread(Path::new(FILE));
        Some(
            Diagnostic::new(Code::LockStale, Place { file, span: 0..0 }, "the lock of versions is not up to date")
                .help("run `cresset build`, and commit `detections.lock` with the detections"),
        )
    }

    /// Writes the file, if that changes anything.
    pub fn write(&self) -> io::Result<()> {
        if !self.is_stale() {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".cresset-").tempfile_in(folder)?;
        file.write_all(self.wanted.as_bytes())?;
        file.as_file().sync_all()?;
        // What a temporary file may be read by is too little for one that others build from.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        }
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Judges `detections` by the lock of their project; `None` if the project has no folder. With `whole`, they are all
/// that there are, and what is locked beyond them is to go.
pub fn judge(project: &Project, detections: &[Detection], whole: bool, catalogue: &Catalogue) -> Option<Judged> {
    let root = project.root()?;
    let path = root.join(FILE);
    let there = match fs::read(&path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Some(unreadable(path, None, 0..0, &error.to_string())),
    };
    let committed = Committed { root, lock: std::sync::OnceLock::new() };
    let old = match there.as_deref().map(Lock::parse) {
        Some(Ok(lock)) => lock,
        // To delete the file does not make forgotten what was committed.
        None => committed.lock().cloned().unwrap_or_default(),
        Some(Err(error)) => {
            let text = there.as_deref().unwrap_or_default();
            let start = text.split_inclusive('\n').take(error.line - 1).map(str::len).sum::<usize>();
            return Some(unreadable(path, there.clone(), start..start + 1, &error.reason));
        }
    };
    let is_first = there.is_none() && committed.lock().is_none();
    let judged: Vec<(Decision, Option<Diagnostic>)> =
        detections.par_iter().map(|detection| one(detection, &old, &committed, catalogue)).collect();
    let (mut new, mut problems) = (Lock::default(), Vec::new());
    let given: BTreeSet<_> = detections.iter().map(|detection| detection.id).collect();
    for id in old.ids().into_iter().filter(|id| !whole && !given.contains(id)) {
        for (source, locked) in old.newest(id) {
            new.keep(id, source, &locked);
        }
    }
    for (detection, (decision, problem)) in detections.iter().zip(judged) {
        problems.extend(problem);
        match decision {
            Decision::Keep => {
                for (source, locked) in old.newest(detection.id) {
                    new.keep(detection.id, source, &locked);
                }
            }
            Decision::Lock => {
                for observation in &detection.observations {
                    new.put(detection.id, &observation.source, detection.version, &observation.formula);
                }
            }
        }
    }
    new.take_tables(&old);
    crate::diagnostic::sort(&mut problems);
    Some(Judged { path, there, is_first, wanted: new.text(), problems })
}

fn unreadable(path: PathBuf, there: Option<String>, span: std::ops::Range<usize>, reason: &str) -> Judged {
    let file = SourceFile::new(FILE, there.clone().unwrap_or_default());
    let problem = Diagnostic::new(Code::LockUnreadable, Place { file, span }, "the lock of versions cannot be read")
        .note(reason)
        .help("take the file as it was last committed (`git checkout HEAD -- detections.lock`), and build again");
    Judged { path, wanted: there.clone().unwrap_or_default(), is_first: false, there, problems: vec![problem] }
}

/// What the lock should hold of a detection.
enum Decision {
    /// What it holds.
    Keep,
    /// What the detection says now.
    Lock,
}

/// The lock that was committed last, read when it is first asked for.
struct Committed<'p> {
    root: &'p Path,
    lock: std::sync::OnceLock<Option<Lock>>,
}

impl Committed<'_> {
    fn lock(&self) -> Option<&Lock> {
        let read = || {
            let text = Git::at(self.root).ok()?.file("HEAD", FILE)?;
            Lock::parse(&String::from_utf8_lossy(&text)).ok()
        };
        self.lock.get_or_init(read).as_ref()
    }
}

fn one(
    detection: &Detection,
    lock: &Lock,
    committed: &Committed<'_>,
    catalogue: &Catalogue,
) -> (Decision, Option<Diagnostic>) {
    let judged = by(lock, detection, catalogue);
    if judged.1.is_none() {
        return judged;
    }
    // What was locked since the last commit has not left this machine: it may still change, as long as what was
    // committed is held.
    let committed = committed.lock().filter(|committed| *committed != lock);
    match committed.map(|committed| by(committed, detection, catalogue)) {
        Some((_, None)) => (Decision::Lock, None),
        _ => judged,
    }
}

/// Judges a detection by one lock.
fn by(lock: &Lock, detection: &Detection, catalogue: &Catalogue) -> (Decision, Option<Diagnostic>) {
    let newest = lock.newest(detection.id);
    let Some(version) = newest.iter().flat_map(|(_, locked)| locked).map(|locked| locked.version).max() else {
        return (Decision::Lock, None);
    };
    if detection.version < version {
        let message = format!("version {} is lower than {version}, which is locked", detection.version);
        let problem = Diagnostic::new(Code::VersionFell, version_place(detection), message)
            .help(format!("what is deployed as version {version} would not be replaced; raise it"));
        return (Decision::Keep, Some(problem));
    }
    if detection.version > version {
        return (Decision::Lock, None);
    }
    let several = newest.iter().any(|(_, locked)| locked.len() > 1);
    match difference(detection, lock, &newest, catalogue) {
        Some(difference) => (Decision::Keep, Some(difference.diagnostic(detection, version))),
        // A merge that kept both sides is tidied up.
        None if several => (Decision::Lock, None),
        None => (Decision::Keep, None),
    }
}

/// How a detection differs from what is locked.
struct Difference {
    source: String,
    what: String,
    help: Vec<String>,
}

impl Difference {
    fn diagnostic(self, detection: &Detection, version: u32) -> Diagnostic {
        let message = format!("the logic of `{}` changed since version {version} was locked", detection.name);
        let mut problem = Diagnostic::new(Code::VersionNotRaised, version_place(detection), message)
            .note(format!("in `{}`: {}", self.source, self.what));
        for help in self.help {
            problem = problem.help(help);
        }
        let mut problem = problem.help(format!("raise the version to {}", version + 1));
        problem.patch =
            Some(crate::diagnostic::Patch { span: problem.place.span.clone(), replacement: (version + 1).to_string() });
        problem
    }
}

/// The first difference in meaning from what is locked.
fn difference(
    detection: &Detection,
    lock: &Lock,
    newest: &[(&str, Vec<&Locked>)],
    catalogue: &Catalogue,
) -> Option<Difference> {
    let found = |source: &str, what: &str, help: Vec<String>| {
        Some(Difference { source: source.to_owned(), what: what.to_owned(), help })
    };
    for (source, _) in newest {
        if detection.observation(source).is_none() {
            return found(source, "it is no longer observed", Vec::new());
        }
    }
    for observation in &detection.observations {
        let source = observation.source.as_str();
        let Some((_, locked)) = newest.iter().find(|(known, _)| *known == source) else {
            return found(source, "it was not observed before", Vec::new());
        };
        let (now, _) = file::lock(detection.version, &observation.formula);
        for locked in locked.iter().filter(|locked| locked.digest != now.digest) {
            let Some(before) = lock.formula(locked) else {
                return found(source, "what is locked cannot be read by this version of Cresset", Vec::new());
            };
            let schema = catalogue.source(source).map(Source::schema).unwrap_or_default();
            let meaning = meaning::compare(&before, &observation.formula, &schema, &BUDGET);
            for (sides, verbs) in [
                (&meaning.must, ["is matched now and was not", "was matched and is not any more"]),
                (
                    &meaning.may,
                    ["may be matched by rules now and could not", "could be matched by rules and may not any more"],
                ),
            ] {
                if let Some(what) = told(sides, verbs) {
                    return found(source, what.0, what.1);
                }
            }
        }
    }
    None
}

/// What changed sides, and the event that shows it.
fn told<'v>(sides: &Sides, verbs: [&'v str; 2]) -> Option<(&'static str, Vec<String>)> {
    let shown: Vec<String> = [&sides.gained, &sides.lost]
        .into_iter()
        .zip(verbs)
        .filter_map(|(moved, verb): (&Moved, &'v str)| match moved {
            Moved::Some { event, .. } => Some(format!("this event {verb}: {event}")),
            _ => None,
        })
        .collect();
    match (shown.is_empty(), sides.reason()) {
        (false, _) => Some(("it does not mean the same", shown)),
        (true, Some(reason)) => Some((
            "it could not be decided whether it means the same",
            vec![format!("{reason}; no event was found that tells them apart")],
        )),
        (true, None) => None,
    }
}

/// Where a detection's version is written.
fn version_place(detection: &Detection) -> Place {
    let text = &detection.source.text;
    let mut start = 0;
    let mut span = 0..0;
    for line in text.split_inclusive('\n') {
        if let Some(value) = line.strip_prefix("version:") {
            let from = start + line.len() - value.trim_start().len();
            let number = value.trim_start().chars().take_while(char::is_ascii_digit).count();
            span = from..from + number;
            break;
        }
        start += line.len();
    }
    let file: Arc<SourceFile> = detection.source.clone();
    Place { file, span }
}
