//! A small project that reports are made of.

use std::fs;

use cresset::detection::{Detection, load};
use cresset::pack::{Proved, prove};
use cresset::project::Project;
use cresset::report::Coverage;
use cresset::source::Catalogue;
use cresset::target::{self, PackInfo, Target};

/// A project with its pack.
pub struct Made {
    /// Where it is.
    pub folder: tempfile::TempDir,
    pub detections: Vec<Detection>,
    pub targets: Vec<Target>,
    pub proved: Proved,
}

/// The text of a detection; `lines` take the place of what would stand there else.
pub fn detection(name: &str, lines: &str) -> String {
    let given = |key: &str| lines.lines().any(|line| line.starts_with(&format!("{key}:")));
    let mut text = String::new();
    for (key, value) in [
        ("id", uuid(name)),
        ("title", format!("Title of {name}")),
        ("version", "1".to_owned()),
        ("status", "test".to_owned()),
        ("severity", "high".to_owned()),
        ("confidence", "medium".to_owned()),
        ("description", "What it finds.".to_owned()),
        ("author", "somebody".to_owned()),
        ("created", "2026-11-24".to_owned()),
        ("attack", "[T1611]".to_owned()),
        ("triage", "Look.".to_owned()),
        ("observe", format!("\n  compose:\n    named:\n      service.image: \"{name}:1\"\n    condition: named")),
        (
            "tests",
            format!(
                "\n  - source: compose\n    matches: [{{ service: {{ image: \"{name}:1\" }} }}]\n    misses: [{{ service: {{ image: other }} }}]"
            ),
        ),
    ] {
        if !given(key) {
            text.push_str(&format!("{key}: {value}\n"));
        }
    }
    text.push_str(lines);
    text.push('\n');
    text
}

fn uuid(name: &str) -> String {
    let digits: String = name.bytes().chain([0; 16]).take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| digits[from..to].to_owned();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

impl Made {
    /// Detections by their names, each with lines of its own.
    pub fn new(detections: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("detections")).expect("a folder");
        for (name, lines) in detections {
            let file = folder.path().join("detections").join(format!("{name}.yml"));
            fs::write(file, detection(name, lines)).expect("written");
        }
        let catalogue = Catalogue::builtin();
        let project = Project::at(folder.path(), folder.path());
        let loaded = load::load(&project, catalogue);
        assert!(!loaded.has_errors(), "{:#?}", loaded.problems);
        let targets = target::load_all(None).expect("targets");
        let compiled = target::compile_all(&targets, &loaded.detections, catalogue, &|| ()).expect("compiled");
        let proved = prove(&targets, &compiled, catalogue, &PackInfo::default(), &|_| Vec::new()).expect("proved");
        drop(compiled);
        Self { folder, detections: loaded.detections, targets, proved }
    }

    /// What its pack covers.
    pub fn coverage(&self) -> Coverage {
        Coverage::of(&self.targets, &self.detections, &self.proved)
    }
}
