//! The container pack, compiled and rendered in memory.

use std::collections::BTreeMap;
use std::path::Path;

use cresset::detection::{Detection, load};
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, Compiled, PackInfo, Target};

/// Artefacts by their paths below the pack.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The pack. It lives as long as the test.
pub struct Pack {
    pub targets: &'static [Target],
    pub compiled: Vec<Compiled<'static>>,
    pub files: Files,
}

/// The pack as it is built.
pub fn container() -> Pack {
    let project = Project::find(Some(Path::new(env!("CARGO_MANIFEST_DIR")))).expect("a project");
    let catalogue = Catalogue::builtin();
    let detections: &'static [Detection] = load::load(&project, catalogue).detections.leak();
    let targets: &'static [Target] = target::load_all(None).expect("targets").leak();
    let compiled = target::compile_all(targets, detections, catalogue, &|| ()).expect("compiled");
    let claim = |_: &Compiled<'_>, rule: &target::Rule<'_>| rule.claim();
    let built = target::render_all(targets, &compiled, catalogue, &PackInfo::default(), &claim).expect("a build");
    Pack { targets, compiled, files: built.files }
}
