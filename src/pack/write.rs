//! Writing a pack: next to the old one first, then in its place, so that a build that is killed changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::target::{Built, PackInfo};

/// The file that says what a pack is made of.
pub const MANIFEST: &str = "manifest.json";

/// A file that is not what a build would make it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// It is not there.
    Missing(String),
    /// It is something else.
    Changed(String),
    /// It is no longer made.
    Stale(String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Difference::Missing(file) => write!(f, "missing  {file}"),
            Difference::Changed(file) => write!(f, "changed  {file}"),
            Difference::Stale(file) => write!(f, "stale    {file}"),
        }
    }
}

/// What the pack is made of: versions, languages, deviations, and a digest of every file.
pub fn manifest(built: &Built, pack: &PackInfo) -> Vec<u8> {
    let files: serde_json::Map<String, Value> = built
        .files
        .iter()
        .map(|(path, bytes)| {
            let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            (path.clone(), json!(digest))
        })
        .collect();
    let manifest = json!({
        "cresset": env!("CARGO_PKG_VERSION"),
        "pack": pack,
        "rules": built.entries,
        "files": files,
    });
    format!("{manifest:#}\n").into_bytes()
}

/// Writes `built` to `out`. Files of the pack before that are no longer made are removed; other files stay. With
/// `targets`, only what is below their folders is written and removed.
pub fn write(out: &Path, built: &Built, pack: &PackInfo, targets: Option<&[String]>) -> io::Result<()> {
    let (files, stale) = plan(out, built, pack, targets);
    fs::create_dir_all(out)?;
    // On the same file system, so that renaming is one step per file.
    let staging = tempfile::Builder::new().prefix(".cresset-").tempdir_in(out)?;
    let changed: Vec<(&String, &Vec<u8>)> =
        files.iter().filter(|(path, bytes)| fs::read(place(out, path)).ok().as_ref() != Some(*bytes)).collect();
    for (path, bytes) in &changed {
        let staged = place(staging.path(), path);
        if let Some(folder) = staged.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::File::create(&staged)?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    // Everything is on disk; the manifest comes last, because it says what the rest is.
    let manifest_last = |(path, _): &&(&String, &Vec<u8>)| path.as_str() == MANIFEST;
    let (last, first): (Vec<_>, Vec<_>) = changed.iter().partition(manifest_last);
    for (path, _) in first.into_iter().chain(last) {
        let (staged, there) = (place(staging.path(), path), place(out, path));
        if let Some(folder) = there.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(staged, there)?;
    }
    for path in stale {
        let there = place(out, &path);
        match fs::remove_file(&there) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => remove_empty_folders(out, &there),
        }
    }
    Ok(())
}

/// What `write` would change in `out`, sorted.
pub fn check(out: &Path, built: &Built, pack: &PackInfo, targets: Option<&[String]>) -> Vec<Difference> {
    let (files, stale) = plan(out, built, pack, targets);
    let mut found: Vec<Difference> = files
        .iter()
        .filter_map(|(path, bytes)| match fs::read(place(out, path)) {
            Ok(there) if there == *bytes => None,
            Ok(_) => Some(Difference::Changed(path.clone())),
            Err(_) => Some(Difference::Missing(path.clone())),
        })
        .collect();
    found.extend(stale.into_iter().filter(|path| place(out, path).exists()).map(Difference::Stale));
    found.sort();
    found
}

/// The files to be there afterwards, and those of the old manifest that are not among them.
fn plan(
    out: &Path,
    built: &Built,
    pack: &PackInfo,
    targets: Option<&[String]>,
) -> (BTreeMap<String, Vec<u8>>, Vec<String>) {
    let concerned = |path: &str| {
        targets.is_none_or(|targets| targets.iter().any(|name| path.split('/').next() == Some(name.as_str())))
    };
    let mut files: BTreeMap<String, Vec<u8>> = built
        .files
        .iter()
        .filter(|(path, _)| concerned(path))
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect();
    let old: Option<Value> = fs::read(out.join(MANIFEST)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let listed = old.as_ref().and_then(|old| old.get("files")).and_then(Value::as_object);
    let stale: Vec<String> = listed
        .into_iter()
        .flat_map(|listed| listed.keys())
        // A manifest can be edited: only what lies below the pack is ever removed.
        .filter(|path| is_inside(path) && !built.files.contains_key(*path) && concerned(path))
        .cloned()
        .collect();
    files.insert(MANIFEST.to_owned(), manifest(built, pack));
    (files, stale)
}

fn is_inside(path: &str) -> bool {
    path != MANIFEST
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.contains('\\'))
}

fn place(folder: &Path, path: &str) -> PathBuf {
    folder.join(path.split('/').collect::<PathBuf>())
}

/// Removes the folders above a file that has been removed, as long as they are empty.
fn remove_empty_folders(out: &Path, file: &Path) {
    for folder in file.ancestors().skip(1).take_while(|folder| *folder != out && folder.starts_with(out)) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(files: &[(&str, &str)]) -> Built {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        Built { files, entries: Vec::new() }
    }

    #[test]
    fn a_build_replaces_its_own_files_and_no_others() {
        let out = tempfile::tempdir().expect("a folder");
        let pack = PackInfo::default();
        let first = built(&[("sigma/a.yml", "a"), ("sigma/old/b.yml", "b")]);
        write(out.path(), &first, &pack, None).expect("written");
        assert_eq!(check(out.path(), &first, &pack, None), []);
        fs::write(out.path().join("sigma/mine.yml"), "mine").expect("written");
        let second = built(&[("sigma/a.yml", "changed")]);
        assert_eq!(
            check(out.path(), &second, &pack, None),
            [
                Difference::Changed("manifest.json".into()),
                Difference::Changed("sigma/a.yml".into()),
                Difference::Stale("sigma/old/b.yml".into())
            ]
        );
        write(out.path(), &second, &pack, None).expect("written");
        assert_eq!(check(out.path(), &second, &pack, None), []);
        assert_eq!(fs::read_to_string(out.path().join("sigma/a.yml")).expect("a file"), "changed");
        assert!(out.path().join("sigma/mine.yml").exists() && !out.path().join("sigma/old").exists());
    }

    #[test]
    fn an_edited_manifest_removes_nothing_outside() {
        let out = tempfile::tempdir().expect("a folder");
        let folder = out.path().join("out");
        fs::create_dir(&folder).expect("a folder");
        fs::write(out.path().join("precious"), "x").expect("written");
        fs::write(folder.join(MANIFEST), r#"{"files": {"../precious": "", "/etc/passwd": "", "a//b": ""}}"#)
            .expect("written");
        write(&folder, &built(&[]), &PackInfo::default(), None).expect("written");
        assert!(out.path().join("precious").exists());
    }
}
