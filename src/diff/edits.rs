//! The committed pack: is it what its detections, templates and profile make, and did somebody edit it by hand?

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::lines::{Line, compare, readable};
use super::side::Side;
use crate::pack;
use crate::source::Catalogue;
use crate::target::{self, Built};

/// A file of the pack that is not what a build makes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edit {
    /// Its path below `out/`.
    pub file: String,
    /// What is the matter with it.
    pub kind: EditKind,
    /// How it differs from what a build makes (removed: built; added: committed).
    pub lines: Vec<Line>,
}

/// What is the matter with a file of the pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EditKind {
    /// It was changed by hand: neither this build nor the one in the manifest made it.
    HandEdited,
    /// It was added by hand: no build made it.
    HandAdded,
    /// It was deleted by hand: the manifest lists it, and a build makes it.
    HandRemoved,
    /// It was not built again after its detection, a template or the profile changed.
    Stale,
}

impl EditKind {
    /// Whether a hand was at work.
    pub fn is_by_hand(self) -> bool {
        self != EditKind::Stale
    }

    /// What is the matter, as the end of a sentence about the file.
    pub fn words(self) -> &'static str {
        match self {
            EditKind::HandEdited => "was edited by hand",
            EditKind::HandAdded => "was added by hand",
            EditKind::HandRemoved => "was deleted by hand",
            EditKind::Stale => "is not up to date; run `cresset build`",
        }
    }
}

/// What became of the pack.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pack {
    /// Files that are not what a build makes.
    pub edits: Vec<Edit>,
    /// Why that could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_checked: Option<String>,
    /// Templates that changed.
    pub templates: Vec<String>,
    /// Whether the profile changed.
    pub profile: bool,
}

impl Pack {
    /// Whether it is known to be what a build makes.
    pub fn is_as_built(&self) -> bool {
        self.edits.is_empty() && self.not_checked.is_none()
    }
}

/// Compares the pack that is committed on `head` with what it would build.
pub fn compare_pack(base: &Side, head: &Side, catalogue: &Catalogue) -> Pack {
    let mut result = Pack {
        templates: changed_keys(&base.templates, &head.templates),
        profile: base.profile != head.profile,
        ..Pack::default()
    };
    if head.out.is_empty() {
        if !base.out.is_empty() {
            result.not_checked = Some("there is no `out/` any more".to_owned());
        }
        return result;
    }
    let Ok(targets) = &head.targets else {
        result.not_checked = Some("the targets have errors".to_owned());
        return result;
    };
    if !head.is_sound() {
        result.not_checked = Some("there are errors, so nothing can be built to compare with".to_owned());
        return result;
    }
    let info = head.pack();
    let made = |built: Built| {
        let mut files = built.files.clone();
        files.insert(pack::MANIFEST.to_owned(), pack::manifest(&built, &info));
        files
    };
    // What the compiler takes rules for is nearly always what they turn out to be; if it is not, they are decided.
    let built = target::compile_all(targets, &head.detections, catalogue, &|| ()).and_then(|compiled| {
        let claimed = target::render_all(targets, &compiled, catalogue, &info, &|_, rule| rule.claim())?;
        let claimed = made(claimed);
        if claimed.iter().all(|(file, bytes)| head.out.get(file) == Some(bytes)) {
            return Ok(claimed);
        }
        let proved = pack::prove(targets, &compiled, catalogue, &info, &|_| Vec::new())?;
        Ok(if proved.report.is_wrong() { claimed } else { made(proved.built) })
    });
    let built = match built {
        Ok(built) => built,
        Err(problems) => {
            let reason = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            result.not_checked = Some(format!("nothing can be built to compare with: {reason}"));
            return result;
        }
    };
    let manifest = head.manifest();
    let digest_of = |file: &str| {
        let files = manifest.as_ref()?.get("files")?;
        files.get(file).and_then(Value::as_str).map(str::to_owned)
    };
    let other_version = manifest.as_ref().and_then(|manifest| manifest.get("cresset")).and_then(Value::as_str)
        != Some(env!("CARGO_PKG_VERSION"));
    let inputs_changed =
        !result.templates.is_empty() || result.profile || base.sources != head.sources || other_version;
    let files: BTreeSet<&String> = head.out.keys().chain(built.keys()).filter(|file| *file != pack::MANIFEST).collect();
    for file in files {
        let (there, wanted) = (head.out.get(file), built.get(file));
        let touched = base.out.get(file) != there;
        // A file that is neither built nor listed is nobody's business unless it is new.
        if there == wanted || (wanted.is_none() && digest_of(file).is_none() && !touched) {
            continue;
        }
        let as_in_manifest = digest_of(file) == there.map(|bytes| digest(bytes));
        let kind = match (there, wanted) {
            _ if !touched => EditKind::Stale,
            _ if as_in_manifest && inputs_changed => EditKind::Stale,
            (None, _) if digest_of(file).is_none() => EditKind::Stale,
            (None, _) => EditKind::HandRemoved,
            (Some(_), None) if digest_of(file).is_none() => EditKind::HandAdded,
            _ => EditKind::HandEdited,
        };
        result.edits.push(head.edit(file, kind, there, wanted));
    }
    // The manifest follows from the rest. Where that is as it is built, nothing but a hand can have changed it.
    let manifest = pack::MANIFEST;
    let (there, wanted) = (head.out.get(manifest), built.get(manifest));
    if result.edits.is_empty() && there != wanted {
        let touched = base.out.get(manifest) != there;
        let kind = match there {
            _ if !touched => EditKind::Stale,
            None => EditKind::HandRemoved,
            Some(_) if other_version => EditKind::Stale,
            Some(_) => EditKind::HandEdited,
        };
        result.edits.push(head.edit(manifest, kind, there, wanted));
    }
    result
}

impl Side {
    /// What became of a file of the pack, which is `there` and ought to be as `wanted`.
    fn edit(&self, file: &str, kind: EditKind, there: Option<&Vec<u8>>, wanted: Option<&Vec<u8>>) -> Edit {
        let text = |bytes: Option<&Vec<u8>>| {
            readable(file, &String::from_utf8_lossy(bytes.map(Vec::as_slice).unwrap_or_default()))
        };
        // All of a file that is gone would say nothing.
        let lines = if there.is_some() { compare(&text(wanted), &text(there)) } else { Vec::new() };
        Edit { file: format!("{}{file}", self.pack_folder), kind, lines }
    }
}

fn changed_keys(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    all.into_iter().filter(|key| before.get(*key) != after.get(*key)).cloned().collect()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
