//! Files of a pack that nothing reads back, and that are not those that its manifest names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::write::{MANIFEST, digest};

/// What became of a file that nothing reads back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strayed {
    /// It is not what was built.
    Changed,
    /// It is not there any more.
    Gone,
    /// No build has made it.
    New,
    /// It is the manifest, and says nothing.
    Unreadable,
}

impl Strayed {
    /// The state in one word, as JSON has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::New => "new",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Those of `files` (by their paths below the pack) that are not what the manifest among them says, and those of the
/// manifest that are not among them: below the folders of `targets`, and only where `is_read` does not tell what they
/// come to. Nothing where there is no manifest.
pub(super) fn strayed(
    files: &BTreeMap<String, Vec<u8>>,
    targets: &BTreeSet<&str>,
    is_read: &dyn Fn(&str) -> bool,
) -> Vec<(String, Strayed)> {
    let Some(manifest) = files.get(MANIFEST) else { return Vec::new() };
    let manifest: Option<Value> = serde_json::from_slice(manifest).ok();
    let Some(known) = manifest.as_ref().and_then(|manifest| manifest.get("files")).and_then(Value::as_object) else {
        return vec![(MANIFEST.to_owned(), Strayed::Unreadable)];
    };
    let state = |path: &str| match (files.get(path), known.get(path)) {
        (Some(bytes), Some(known)) => (known.as_str() != Some(&digest(bytes))).then_some(Strayed::Changed),
        (None, Some(_)) => Some(Strayed::Gone),
        (Some(_), None) => Some(Strayed::New),
        (None, None) => None,
    };
    let all: BTreeSet<&str> = files.keys().chain(known.keys()).map(String::as_str).collect();
    let meant = all.into_iter().filter(|path| path.split('/').next().is_some_and(|target| targets.contains(target)));
    meant.filter(|path| !is_read(path)).filter_map(|path| Some((path.to_owned(), state(path)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_reads_is_measured_by_the_manifest() {
        let manifest = format!(
            r#"{{ "files": {{ "a/kept": "{}", "a/changed": "00", "a/gone": "00", "a/read": "00", "b/other": "00" }} }}"#,
            digest(b"x")
        );
        let mut files: BTreeMap<String, Vec<u8>> = ["a/kept", "a/changed", "a/new", "a/read", "c/new"]
            .map(|path| (path.to_owned(), b"x".to_vec()))
            .into_iter()
            .collect();
        let of = |files: &BTreeMap<String, Vec<u8>>| strayed(files, &BTreeSet::from(["a"]), &|path| path == "a/read");
        assert_eq!(of(&files), [], "without a manifest, nothing is known");
        files.insert(MANIFEST.to_owned(), manifest.into_bytes());
        let found = of(&files);
        let found: Vec<(&str, Strayed)> = found.iter().map(|(path, state)| (path.as_str(), *state)).collect();
        assert_eq!(found, [("a/changed", Strayed::Changed), ("a/gone", Strayed::Gone), ("a/new", Strayed::New)]);
        files.insert(MANIFEST.to_owned(), b"{".to_vec());
        assert_eq!(of(&files), [(MANIFEST.to_owned(), Strayed::Unreadable)]);
    }
}
