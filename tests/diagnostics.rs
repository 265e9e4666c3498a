//! Every broken detection in `tests/diagnostics/` gives the message beside it. `CRESSET_BLESS=1` writes them anew.

use std::path::{Path, PathBuf};

use cresset::detection::load::load_text;
use cresset::detection::yaml;
use cresset::diagnostic::{Code, render};
use cresset::source::Catalogue;

/// A sound detection; the cases give what is different.
const BASE: &str = include_str!("diagnostics/base.yaml");

/// Puts the top keys of `case` in place of those of the base, unless the case is a whole file.
fn complete(case: &str) -> String {
    if case.starts_with("# whole file") {
        return case.to_owned();
    }
    let key = |line: &str| {
        let name = line.split(':').next().unwrap_or_default();
        (line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(':')).then(|| name.to_owned())
    };
    let given: Vec<String> = case.lines().filter_map(key).collect();
    let mut text = case.trim_end().to_owned();
    let mut keep = true;
    for line in BASE.lines() {
        if let Some(name) = key(line) {
            keep = !given.contains(&name);
        }
        if keep {
            text.push('\n');
            text.push_str(line);
        }
    }
    text.push('\n');
    text
}

/// What is said about a case.
fn said(path: &Path, shown: &str) -> (String, Vec<Code>) {
    let name = "broken";
    let problems = match std::fs::read_to_string(path) {
        Ok(case) => {
            let file = cresset::diagnostic::SourceFile::new(shown, complete(&case));
            load_text(&file, name, Catalogue::builtin()).problems
        }
        Err(_) => match yaml::read_file(path, Path::new(shown)) {
            Ok(_) => Vec::new(),
            Err(problem) => vec![problem],
        },
    };
    let codes = problems.iter().map(|problem| problem.code).collect();
    (render::human(&problems, false), codes)
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of cases")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    cases.sort();
    cases
}

#[test]
fn broken_detections_get_the_message_that_is_written_down() {
    let cases = cases();
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let bless = std::env::var_os("CRESSET_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in cases {
        let shown = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (text, codes) = said(&path, &shown);
        if codes.is_empty() {
            wrong.push(format!("{shown}: nothing is said about it"));
        }
        let out = path.with_extension("out");
        if bless {
            std::fs::write(&out, &text).expect("the message is written");
        }
        match std::fs::read_to_string(&out) {
            Ok(expected) if expected == text => {}
            Ok(expected) => {
                let diff = similar::TextDiff::from_lines(&expected, &text);
                wrong.push(format!("{shown}:\n{}", diff.unified_diff()));
            }
            Err(_) => wrong.push(format!("{shown}: its .out is missing; this is said:\n{text}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_base_of_the_cases_is_sound() {
    let file = cresset::diagnostic::SourceFile::new("base.yml", BASE);
    let loaded = load_text(&file, "base", Catalogue::builtin());
    assert!(loaded.problems.is_empty(), "{}", render::human(&loaded.problems, false));
    assert_eq!(loaded.detections.len(), 1);
}
