//! How long a thousand detections take to become the rules of all targets.

use cresset::detection::{Detection, load};
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, PackInfo};
use uuid::Uuid;

fn main() {
    divan::main();
}

/// The built-in detections, over and over, each with a name and an identity of its own.
fn detections(count: usize) -> Vec<Detection> {
    let loaded = load::load(&Project::built_in(), Catalogue::builtin());
    assert!(!loaded.has_errors(), "the built-in detections are right");
    let all = loaded.detections.iter().cycle().take(count).enumerate();
    all.map(|(at, detection)| Detection {
        name: format!("{}_{at}", detection.name),
        title: format!("{} {at}", detection.title),
        id: Uuid::new_v5(&detection.id, at.to_string().as_bytes()),
        ..detection.clone()
    })
    .collect()
}

/// What reading the built-in detections takes, without deciding them.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn reading_the_pack(bencher: divan::Bencher<'_, '_>) {
    bencher.bench(|| load::load_to_match(&Project::built_in(), Catalogue::builtin()));
}

/// Detections in memory into artefacts in memory.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn thousand_detections(bencher: divan::Bencher<'_, '_>) {
    let detections = detections(1000);
    let targets = target::load_all(None).expect("targets");
    bencher.bench(|| {
        target::build(&targets, &detections, Catalogue::builtin(), &PackInfo::default(), &|| ()).expect("a build")
    });
}
