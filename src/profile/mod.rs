//! Profiles: what one organisation, or one environment of it, makes of the detections without touching them.
//!
//! A `cresset.yml` says which detections and log sources are in use, how bad they are there, which values its lists
//! have, and where its consoles keep their logs. `read` makes a [`Profile`] of the file and checks it against the
//! catalogue and the targets; `apply` changes targets and detections before anything is compiled, so that what is built
//! is proved like everything else.

mod apply;
mod read;
mod schema;
mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::detection::lists::Changes;
use crate::detection::{Accept, Schedule, Severity, yaml};
use crate::diagnostic::{Diagnostic, Place, SourceFile};
use crate::project::Project;
use crate::target::settings::SourceSettings;

pub(crate) use read::selectors as read_selectors;
pub use read::{KEYS, read};
pub use schema::schema;

/// The name of a profile's file that is found by itself.
pub const FILE: &str = "cresset.yml";

/// One organisation's view.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name: that of the folder its packs go to.
    pub name: String,
    /// Which detections are in use; all if absent.
    pub used: Option<Vec<Selector>>,
    /// Which of them are not.
    pub left_out: Vec<Selector>,
    /// Which log sources are in use; all if absent.
    pub sources: Option<Vec<String>>,
    /// What becomes of named lists.
    pub lists: Arc<Changes>,
    /// When searches run whose detections do not say it.
    pub schedule: Option<Schedule>,
    /// What is different for some detections, in order; what comes later wins.
    pub overrides: Vec<Override>,
    /// What stands before every title.
    pub prefix: String,
    /// Tags that every detection gets.
    pub tags: Vec<String>,
    /// What is different in targets, by their names.
    pub targets: BTreeMap<String, TargetProfile>,
}

/// Some detections, as a profile or an exception names them.
#[derive(Clone, Debug)]
pub struct Selector {
    /// A name, an id, or `tag:` and a tag.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// What is different for some detections.
#[derive(Clone, Debug)]
pub struct Override {
    /// For which.
    pub detections: Vec<Selector>,
    /// How bad they are.
    pub severity: Option<Severity>,
    /// What one hit adds.
    pub risk: Option<u8>,
    /// When they run.
    pub schedule: Option<Schedule>,
}

/// What is different in a target.
#[derive(Clone, Debug, Default)]
pub struct TargetProfile {
    /// False: it is not in use.
    pub enabled: Option<bool>,
    /// What templates see as `target.vars`, where it differs.
    pub vars: IndexMap<String, serde_json::Value>,
    /// The log sources as they are there, whole.
    pub sources: BTreeMap<String, SourceSettings>,
    /// Deviations that are accepted for all rules of a log source.
    pub accept: BTreeMap<String, Accept>,
}

/// The profile that is found by itself: `cresset.yml` in the working directory or above it, not above the project; else
/// in the project's folder.
pub fn find(project: &Project) -> Option<PathBuf> {
    let working = std::env::current_dir().ok()?;
    let working = working.canonicalize().unwrap_or(working);
    match project.root() {
        Some(root) if working.starts_with(root) => {
            let within = working.ancestors().take_while(|folder| folder.starts_with(root));
            within.map(|folder| folder.join(FILE)).find(|file| file.is_file())
        }
        Some(root) => Some(root.join(FILE)).filter(|file| file.is_file()),
        None => working.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file()),
    }
}

/// The text of a profile's file, named in messages as short as it can be.
///
/// # Errors
/// If it cannot be read.
pub fn open(path: &Path) -> Result<Arc<SourceFile>, Diagnostic> {
    let working = std::env::current_dir().ok().and_then(|working| working.canonicalize().ok());
    let shown = working.and_then(|working| path.strip_prefix(working).ok()).unwrap_or(path);
    yaml::read_file(path, shown)
}
