//! How long a thousand detections take to become the rules of all targets.

use std::path::Path;

use cresset::detection::{Detection, load};
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, PackInfo};

fn main() {
    divan::main();
}

fn detections(count: usize) -> Vec<Detection> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets/project");
    let project = Project::find(Some(&root)).expect("a project");
    let loaded = load::load(&project, Catalogue::builtin());
    let all = loaded.detections.iter().cycle().take(count).enumerate();
    all.map(|(at, detection)| Detection { name: format!("{}_{at}", detection.name), ..detection.clone() }).collect()
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn thousand_detections(bencher: divan::Bencher<'_, '_>) {
    let detections = detections(1000);
    let targets = target::load_all(None).expect("targets");
    bencher.bench(|| {
        target::build(&targets, &detections, Catalogue::builtin(), &PackInfo::default(), &|| ()).expect("a build")
    });
}
