//! The two sides of a comparison, as they are named on the command line: git revisions, folders, the work tree.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::git::Git;
use crate::project::Project;

/// One side: a project in a folder, where its files can be read.
#[derive(Debug)]
pub struct Snapshot {
    /// What reports call it.
    pub label: String,
    /// The commit, if it is one.
    pub commit: Option<String>,
    /// The project's folder.
    pub root: PathBuf,
    /// How messages call that folder.
    pub shown: PathBuf,
    /// What there is to say of it: parts that were passed over, or that there is nothing.
    pub notes: Vec<String>,
    /// Holds the files of a revision for as long as they are needed.
    _folder: Option<TempDir>,
}

/// Both sides, and where the project lies in its repository.
#[derive(Debug)]
pub struct Sides {
    /// What was.
    pub base: Snapshot,
    /// What is.
    pub head: Snapshot,
    /// The project's path from the repository's root: empty, or with `/` at the end.
    pub prefix: String,
}

/// What a word on the command line names.
enum Named {
    Folder(PathBuf),
    Commit(String),
}

/// Finds both sides. `base` may be `A..B` or `A...B` (from where the two part); without `head` it is the work tree,
/// without `base` that is `HEAD`. `working` is where the command runs; `profile` is a file of the project that revisions
/// are read with.
///
/// # Errors
/// If a side cannot be found, or is no project.
pub fn resolve(
    base: Option<&str>,
    head: Option<&str>,
    working: &Path,
    profile: Option<&Path>,
) -> anyhow::Result<Sides> {
    let export =
        |git: &Git, commit: &str, label: String, with_logs: bool| export(git, commit, label, with_logs, profile);
    let project = Project::find(Some(working));
    let here = project.as_ref().and_then(Project::root).unwrap_or(working);
    let git = Git::at(here);
    let need_git = || git.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"));
    let range = base.and_then(|base| {
        let (a, b, merge) = match base.split_once("...") {
            Some((a, b)) => (a, b, true),
            None => base.split_once("..").map(|(a, b)| (a, b, false))?,
        };
        // `../other` is a folder.
        (!working.join(base).exists()).then_some((a, b, merge))
    });
    let or_head = |name: &str| if name.is_empty() { "HEAD".to_owned() } else { name.to_owned() };
    let prefix = git.as_ref().map(|git| git.prefix().to_owned()).unwrap_or_default();
    if let Some((a, b, merge)) = range {
        if head.is_some() {
            bail!("`{}` names both sides already; leave the second one out", base.unwrap_or_default());
        }
        let git = need_git()?;
        let (a, b) = (or_head(a), or_head(b));
        let (from, to) = (git.commit(&a)?, git.commit(&b)?);
        let (from, label) = if merge { (git.merge_base(&from, &to)?, format!("{a}...")) } else { (from, a) };
        return Ok(Sides { base: export(git, &from, label, false)?, head: export(git, &to, b, true)?, prefix });
    }
    let side = |name: &str, with_logs: bool| match named(name, git.as_ref().ok(), working)? {
        Some(Named::Folder(folder)) => Ok(Snapshot {
            label: name.to_owned(),
            commit: None,
            root: folder,
            shown: PathBuf::from(name),
            notes: Vec::new(),
            _folder: None,
        }),
        Some(Named::Commit(commit)) => export(need_git()?, &commit, name.to_owned(), with_logs),
        None => {
            if working.join(name).is_dir() {
                bail!("`{name}` is no project: there is no folder `detections` in it");
            }
            // Nothing git knows either: its words say why.
            export(need_git()?, &need_git()?.commit(name)?, name.to_owned(), with_logs)
        }
    };
    let base = match base {
        // Before the first commit everything is new.
        None if git.as_ref().is_ok_and(|git| git.find("HEAD").is_ok_and(|head| head.is_none())) => {
            nothing("HEAD".to_owned(), None, "there is no commit yet".to_owned())?
        }
        base => side(base.unwrap_or("HEAD"), false)?,
    };
    let head = match head {
        Some(head) => side(head, true)?,
        None => {
            let root = project.as_ref().and_then(Project::root).with_context(|| {
                format!("there is no project in `{}`: no folder `detections` here or above", working.display())
            })?;
            Snapshot {
                label: "work tree".to_owned(),
                commit: None,
                root: root.to_path_buf(),
                shown: PathBuf::new(),
                notes: Vec::new(),
                _folder: None,
            }
        }
    };
    Ok(Sides { base, head, prefix })
}

/// What a name is: a folder with detections, or a revision; an error if it is both.
fn named(name: &str, git: Option<&Git>, working: &Path) -> anyhow::Result<Option<Named>> {
    let folder = working.join(name);
    let folder = folder.join("detections").is_dir().then_some(folder);
    // `./main` and `/srv/main` can only be folders.
    let path = name.starts_with(['.', '/']) || Path::new(name).is_absolute();
    let commit = if path { None } else { git.map(|git| git.find(name)).transpose()?.flatten() };
    match (folder, commit) {
        (Some(_), Some(_)) => {
            bail!(
                "`{name}` is a folder and a revision; write `./{name}` for the folder, or the full name of the branch, as `refs/heads/{name}`"
            )
        }
        (Some(folder), None) => Ok(Some(Named::Folder(folder))),
        (None, Some(commit)) => Ok(Some(Named::Commit(commit))),
        (None, None) => Ok(None),
    }
}

/// A side without detections: what the other one has is new.
fn nothing(label: String, commit: Option<&str>, why: String) -> anyhow::Result<Snapshot> {
    let folder = tempfile::Builder::new().prefix("cresset-diff-").tempdir().context("cannot make a folder")?;
    std::fs::create_dir(folder.path().join("detections")).context("cannot make a folder")?;
    Ok(Snapshot {
        label,
        commit: commit.map(str::to_owned),
        root: folder.path().to_path_buf(),
        shown: PathBuf::new(),
        notes: vec![format!("{why}; every detection is new")],
        _folder: Some(folder),
    })
}

fn export(git: &Git, commit: &str, label: String, with_logs: bool, profile: Option<&Path>) -> anyhow::Result<Snapshot> {
    let folder = tempfile::Builder::new().prefix("cresset-diff-").tempdir().context("cannot make a folder")?;
    let passed_over = git
        .export(commit, folder.path(), with_logs, profile)
        .with_context(|| format!("cannot read the revision `{label}`"))?;
    if !folder.path().join("detections").is_dir() {
        let below = if git.prefix().is_empty() { String::new() } else { format!(" in `{}`", git.prefix()) };
        let why = format!("the revision `{label}` has no folder `detections`{below}");
        // Where a project begins, there was nothing before.
        return if with_logs { Err(anyhow::anyhow!(why)) } else { nothing(label, Some(commit), why) };
    }
    Ok(Snapshot {
        label,
        commit: Some(commit.to_owned()),
        root: folder.path().to_path_buf(),
        shown: PathBuf::new(),
        notes: passed_over.into_iter().map(|what| format!("{what}, and was passed over")).collect(),
        _folder: Some(folder),
    })
}
