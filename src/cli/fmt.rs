//! `cresset fmt`: detections in canonical layout.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::Exit;
use crate::detection::format::{Left, format_with};
use crate::detection::parse;
use crate::exception;
use crate::project::{Files, Project};

/// Put detections and exceptions into canonical layout: keys in order, even indentation, comments kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset fmt                       all detections and exceptions of the project
  cresset fmt new.yml               one file
  cresset fmt --check               change nothing; exit 1 if a file would change

Quotes, the choice between `[a, b]` and a line for each, and where lines are broken stay as they are: they are the
author's. A file whose meaning would change is left alone, with the reason.")]
pub struct Args {
    /// Files and folders [default: the project's detections and exceptions].
    paths: Vec<PathBuf>,
    /// Only say which files would change.
    #[arg(long)]
    check: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut work: Vec<(Project, Files)> = Vec::new();
    if args.paths.is_empty() {
        let Some(project) = Project::find(None) else {
            bail!("there is no project here: no folder `detections` in this folder or above it");
        };
        let files = project.detection_files();
        let exceptions = project.root().map(|root| root.join(exception::FOLDER)).filter(|folder| folder.is_dir());
        let exceptions = exceptions.map(|folder| project.files_at(&folder));
        work.push((project.clone(), files));
        work.extend(exceptions.map(|files| (project, files)));
    }
    for path in &args.paths {
        path.symlink_metadata().with_context(|| format!("cannot read `{}`", path.display()))?;
        let project = Project::find_or_built_in(Some(path));
        let files = project.files_at(path);
        work.push((project, files));
    }
    let mut out = anstream::stdout();
    let mut errors = anstream::stderr();
    let mut exit = Exit::Clean;
    for (project, files) in &work {
        let exceptions = project.root().map(|root| root.join(exception::FOLDER));
        for file in &files.detections {
            let shown = file.shown.display();
            let text = match project.read(file) {
                Ok(text) => text,
                Err(problem) => {
                    writeln!(errors, "{shown}: left alone: {}", problem.message)?;
                    exit = Exit::Findings;
                    continue;
                }
            };
            let is_exception =
                exceptions.as_ref().zip(file.path.as_ref()).is_some_and(|(all, path)| path.starts_with(all));
            let keys = if is_exception { exception::KEYS.as_slice() } else { parse::KEYS.as_slice() };
            match format_with(&text, keys) {
                Ok(formatted) if formatted == text.text => {}
                Ok(formatted) => {
                    writeln!(out, "{shown}")?;
                    match &file.path {
                        Some(path) if !args.check => replace(path, &formatted)?,
                        _ => exit = Exit::Findings,
                    }
                }
                Err(Left::Kept(reason)) => writeln!(errors, "{shown}: left alone: {reason}")?,
                Err(Left::Broken(problem)) => {
                    writeln!(errors, "{shown}: left alone: {}", problem.message)?;
                    exit = Exit::Findings;
                }
            }
        }
    }
    Ok(exit)
}

/// Writes beside the file and renames, so that a crash leaves one of the two whole.
fn replace(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    let told = || format!("cannot write `{}`", path.display());
    // A link stays one: what it leads to is replaced.
    let path = path.canonicalize().with_context(told)?;
    let folder = path.parent().unwrap_or(std::path::Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(told)?;
    file.write_all(text.as_bytes()).with_context(told)?;
    let permissions = std::fs::metadata(&path).with_context(told)?.permissions();
    std::fs::set_permissions(file.path(), permissions).with_context(told)?;
    file.persist(&path).with_context(told)?;
    Ok(())
}
