//! What a pack consists of, and what a build changes about the one that is there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::lock::Lock;
use super::replace::{Site, place, recover, replace};
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
    let manifest = json!({
        "cresset": env!("CARGO_PKG_VERSION"),
        "pack": pack,
        "rules": built.entries,
        "files": digests(&built.files),
    });
    format!("{manifest:#}\n").into_bytes()
}

/// The digest of a file as the manifest has it.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A digest of every file.
fn digests(files: &BTreeMap<String, Vec<u8>>) -> serde_json::Map<String, Value> {
    files.iter().map(|(path, bytes)| (path.clone(), json!(digest(bytes)))).collect()
}

/// Writes `built` to `out`, in one step: whoever looks, and whenever it is killed, finds the old pack or the new one.
/// Files of the pack before that are no longer made are removed; other files stay. With `targets`, only what is below
/// their folders is written and removed.
pub fn write(out: &Path, built: &Built, pack: &PackInfo, targets: Option<&[String]>) -> io::Result<()> {
    let site = Site::of(out)?;
    let _lock = Lock::on(&site.out)?;
    recover(&site, &mut |_| Ok(()))?;
    let (files, stale) = plan(&site.out, built, pack, targets);
    let written = replace(&site, &files, &stale, &mut |_| Ok(()));
    if written.is_err() {
        // The first fault is the one to tell; what stays behind, the next build removes.
        _ = recover(&site, &mut |_| Ok(()));
    }
    written
}

/// Writes the pages of a site to `out`, in one step, as `write` does with a pack. Pages of the site before that are no
/// longer made are removed; other files stay.
///
/// # Errors
/// If `out` cannot be written, or has a manifest that is not a site's: it is a pack.
pub fn write_site(out: &Path, pages: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    let site = Site::of(out)?;
    let _lock = Lock::on(&site.out)?;
    recover(&site, &mut |_| Ok(()))?;
    let old = match fs::read(site.out.join(MANIFEST)) {
        Ok(text) => Some(serde_json::from_slice::<Value>(&text).unwrap_or_default()),
        Err(_) => None,
    };
    if old.as_ref().is_some_and(|old| old.get("site").is_none()) {
        let reason = format!("its {MANIFEST} is not a site's; choose another folder");
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
    }
    let listed = old.as_ref().and_then(|old| old.get("files")).and_then(Value::as_object);
    let listed = listed.into_iter().flat_map(|listed| listed.keys());
    let stale: Vec<String> = listed.filter(|path| is_inside(path) && !pages.contains_key(*path)).cloned().collect();
    let mut files = pages.clone();
    let manifest = json!({ "cresset": env!("CARGO_PKG_VERSION"), "site": "report", "files": digests(pages) });
    files.insert(MANIFEST.to_owned(), format!("{manifest:#}\n").into_bytes());
    let written = replace(&site, &files, &stale, &mut |_| Ok(()));
    if written.is_err() {
        _ = recover(&site, &mut |_| Ok(()));
    }
    written
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
    let mut new = manifest(built, pack);
    if let Some(old) = old.filter(|_| targets.is_some()) {
        new = with_the_rest(&new, &old, &concerned).unwrap_or(new);
    }
    files.insert(MANIFEST.to_owned(), new);
    (files, stale)
}

/// The manifest of a build of some targets, with what the old manifest says of the others: they are still there.
fn with_the_rest(new: &[u8], old: &Value, concerned: &dyn Fn(&str) -> bool) -> Option<Vec<u8>> {
    let mut new: Value = serde_json::from_slice(new).ok()?;
    let kept = old.get("files")?.as_object()?.iter().filter(|(path, _)| is_inside(path) && !concerned(path));
    let kept: Vec<(String, Value)> = kept.map(|(path, digest)| (path.clone(), digest.clone())).collect();
    let files = new.get_mut("files")?.as_object_mut()?;
    files.extend(kept);
    files.sort_keys();
    let fresh = new.get("rules")?.as_array()?.clone();
    let key = |rule: &Value| ["detection", "source", "target"].map(|key| rule.get(key).cloned());
    let of_others = |rule: &&Value| rule.get("target").and_then(Value::as_str).is_some_and(|name| !concerned(name));
    // The order of the old one, so that little changes; what it does not know follows.
    let mut rules: Vec<Value> = Vec::new();
    for rule in old.get("rules")?.as_array()? {
        if of_others(&rule) {
            rules.push(rule.clone());
        } else if let Some(rule) = fresh.iter().find(|fresh| key(fresh) == key(rule)) {
            rules.push(rule.clone());
        }
    }
    for rule in fresh {
        if !rules.iter().any(|known| key(known) == key(&rule)) {
            rules.push(rule);
        }
    }
    *new.get_mut("rules")? = Value::Array(rules);
    Some(format!("{new:#}\n").into_bytes())
}

fn is_inside(path: &str) -> bool {
    path != MANIFEST
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.contains('\\'))
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
    fn a_build_of_one_target_leaves_the_others_in_the_manifest() {
        let out = tempfile::tempdir().expect("a folder");
        let pack = PackInfo::default();
        let entry = |target: &str| crate::target::Entry {
            detection: "a".to_owned(),
            source: "process".to_owned(),
            target: target.to_owned(),
            state: crate::target::State::NotApplicable,
        };
        let mut all = built(&[("elastic/a.json", "a"), ("sigma/a.yml", "a"), ("sigma/b.yml", "b")]);
        all.entries = vec![entry("elastic"), entry("sigma")];
        write(out.path(), &all, &pack, None).expect("written");
        let before = fs::read(out.path().join(MANIFEST)).expect("a manifest");
        let mut one = built(&[("sigma/a.yml", "a"), ("sigma/b.yml", "b")]);
        one.entries = vec![entry("sigma")];
        let only = ["sigma".to_owned()];
        assert_eq!(check(out.path(), &one, &pack, Some(&only)), []);
        one.files.remove("sigma/b.yml");
        write(out.path(), &one, &pack, Some(&only)).expect("written");
        assert!(out.path().join("elastic/a.json").exists() && !out.path().join("sigma/b.yml").exists());
        // Back to all of it: nothing has been forgotten.
        write(out.path(), &all, &pack, Some(&only)).expect("written");
        assert_eq!(fs::read(out.path().join(MANIFEST)).expect("a manifest"), before);
        assert_eq!(check(out.path(), &all, &pack, None), []);
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
