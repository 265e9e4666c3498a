//! Which logs are meant: files, patterns, and folders with all that is in them.

use std::path::{Component, Path, PathBuf};
use std::{fmt, io};

use glob::{MatchOptions, Pattern};
use walkdir::WalkDir;

/// A log to hunt in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// True if it was found in a folder: then it need not be a log at all.
    pub found: bool,
    /// Its length in bytes, if it has one.
    pub size: Option<u64>,
}

impl Log {
    fn new(path: PathBuf, found: bool) -> Self {
        let size = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        Self { path, found, size }
    }
}

/// The logs that `names` mean, in their order, those of a folder or pattern by name. A name that is no file is taken
/// for a pattern if it holds `*`, `?` or `[`.
///
/// # Errors
/// If a pattern is none or matches nothing, or a folder cannot be read.
pub fn find(names: &[PathBuf]) -> io::Result<Vec<Log>> {
    let mut logs = Vec::new();
    for name in names {
        if name.as_os_str() == "-" {
            logs.push(Log { path: name.clone(), found: false, size: None });
        } else if name.is_dir() {
            in_folder(name, &mut logs)?;
        } else if let Some(pattern) =
            name.to_str().filter(|name| name.contains(['*', '?', '['])).filter(|_| !name.exists())
        {
            let before = logs.len();
            matching(pattern, &mut logs)?;
            if logs.len() == before {
                return Err(invalid(pattern, "no file matches the pattern"));
            }
        } else {
            logs.push(Log::new(name.clone(), false));
        }
    }
    Ok(logs)
}

fn invalid(pattern: &str, reason: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{pattern}: {reason}"))
}

/// The files that match a pattern, and those below folders that do.
fn matching(text: &str, logs: &mut Vec<Log>) -> io::Result<()> {
    let pattern = Pattern::new(text).map_err(|error| invalid(text, format!("this is no pattern: {error}")))?;
    let has_wildcard = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let parts: Vec<Component<'_>> = Path::new(text).components().collect();
    let fixed = parts.iter().position(has_wildcard).unwrap_or(parts.len());
    let (base, open) = parts.split_at_checked(fixed).unwrap_or_default();
    let base: PathBuf = base.iter().collect();
    let from = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
    let deepest = if open.iter().any(|part| part.as_os_str() == "**") { usize::MAX } else { open.len() };
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
    let mut entries = WalkDir::new(from).follow_links(true).max_depth(deepest).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        // What cannot be read, or leads in a circle, matches nothing.
        let Ok(entry) = entry else { continue };
        let path = base.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        if !pattern.matches_path_with(&path, options) {
            continue;
        }
        if entry.file_type().is_file() {
            logs.push(Log::new(path, false));
        } else if entry.file_type().is_dir() && deepest != usize::MAX {
            entries.skip_current_dir();
            in_folder(&path, logs)?;
        }
    }
    Ok(())
}

/// The files below a folder. Links are followed, but never in circles; pipes and devices are left alone.
fn in_folder(folder: &Path, logs: &mut Vec<Log>) -> io::Result<()> {
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() => logs.push(Log::new(entry.into_path(), true)),
            Ok(_) => {}
            // A loop is left out; so is a link to nothing.
            Err(error) if error.depth() > 0 => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_folders_and_patterns_are_found_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("d/e")).expect("folders");
        for name in ["b.log", "a.log", "c[1].log", "d/2.log", "d/1.log", "d/e/3.log"] {
            std::fs::write(at(name), "x").expect("a file");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(at("d"), at("d/e/circle")).expect("a link");
        let found = |names: &[&str]| -> Vec<(String, bool)> {
            let names: Vec<PathBuf> = names.iter().map(|name| at(name)).collect();
            let short = |log: Log| {
                (log.path.strip_prefix(folder.path()).expect("below").to_string_lossy().into_owned(), log.found)
            };
            find(&names).expect("logs").into_iter().map(short).collect()
        };
        let expect =
            |list: &[(&str, bool)]| list.iter().map(|(name, found)| ((*name).to_owned(), *found)).collect::<Vec<_>>();
        assert_eq!(
            found(&["d", "?.log"]),
            expect(&[("d/1.log", true), ("d/2.log", true), ("d/e/3.log", true), ("a.log", false), ("b.log", false)])
        );
        assert_eq!(found(&["c[1].log", "none.log"]), expect(&[("c[1].log", false), ("none.log", false)]));
        assert_eq!(found(&["**/*.log"]).len(), 6);
        assert!(find(&[at("*.none")]).is_err_and(|error| error.to_string().contains("no file matches")));
        assert!(find(&[at("[")]).is_err_and(|error| error.to_string().contains("this is no pattern")));
        assert_eq!(find(&[at("a.log")]).expect("a log")[0].size, Some(1));
    }
}
