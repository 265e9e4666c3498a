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

/// The examples of an explanation that are YAML: the wrong one, then the right one.
fn examples(explanation: &str) -> Vec<String> {
    let blocks = explanation.split("```yaml\n").skip(1);
    blocks.filter_map(|block| Some(block.split("```").next()?.to_owned())).collect()
}

#[test]
fn the_wrong_example_of_an_explanation_gets_its_code_and_the_right_one_does_not() {
    let mut judged = 0;
    // Those about targets are judged in `target_problems.rs`.
    for code in Code::ALL.iter().filter(|code| !code.id().starts_with("E08")) {
        let examples = examples(code.explanation());
        let [wrong, right] = examples.as_slice() else {
            assert!(code.explanation().contains("```text"), "{} has no examples", code.id());
            continue;
        };
        let codes = |example: &str| -> (Vec<Code>, String) {
            let file = cresset::diagnostic::SourceFile::new("example.yml", complete(example));
            let problems = load_text(&file, "example", Catalogue::builtin()).problems;
            (problems.iter().map(|problem| problem.code).collect(), render::human(&problems, false))
        };
        let (found, text) = codes(wrong);
        assert!(found.contains(code), "{}: the wrong example gets\n{text}", code.id());
        let (found, text) = codes(right);
        let severe: Vec<&Code> = found.iter().filter(|c| *c == code || c.id().starts_with('E')).collect();
        assert!(severe.is_empty(), "{}: the right example gets\n{text}", code.id());
        judged += 1;
    }
    assert!(judged > 40, "only {judged} explanations have examples that can be judged");
}

#[test]
fn the_page_about_the_language_has_examples_that_are_right_and_all_modifiers() {
    let page = include_str!("../docs/detections.md");
    let examples = examples(page);
    assert!(examples.len() > 4);
    for example in examples {
        let file = cresset::diagnostic::SourceFile::new("example.yml", complete(&example));
        let mut problems = load_text(&file, "example", Catalogue::builtin()).problems;
        problems.retain(|problem| !problem.code.id().starts_with("W06"));
        assert!(problems.is_empty(), "{}", render::human(&problems, false));
    }
    for modifier in cresset::detection::modifier::MODIFIERS {
        assert!(page.contains(&format!("`{modifier}`")), "{modifier} is not told");
    }
}

#[test]
fn hostile_texts_get_an_error_in_little_time() {
    let deep_block: String = (0..20_000).map(|depth| format!("{}a:\n", " ".repeat(depth % 900))).collect();
    let cases = [
        ("brackets", "[".repeat(1 << 20)),
        ("braces", "{a: ".repeat(1 << 18)),
        ("dashes", "- ".repeat(1 << 19)),
        ("questions", "? ".repeat(1 << 19)),
        ("steps", deep_block),
        ("one long line", format!("title: {}", "x".repeat(1 << 20))),
        ("colons", ":".repeat(1 << 20)),
        ("anchors", "&a ".repeat(1 << 18)),
        ("quotes", "\"".repeat(1 << 20)),
        ("blanks", " ".repeat(1 << 20)),
        ("null", "title: a\0b".to_owned()),
        (
            "parentheses",
            format!("observe:\n  process:\n    a: {{ process.name: x }}\n    condition: {}", "(".repeat(500_000)),
        ),
    ];
    for (name, text) in cases {
        let start = std::time::Instant::now();
        let file = cresset::diagnostic::SourceFile::new("hostile.yml", text);
        let loaded = load_text(&file, "hostile", Catalogue::builtin());
        assert!(loaded.problems.iter().any(|problem| problem.is_error()), "{name}: nothing is said about it");
        let text = render::human(&loaded.problems, false);
        assert!(text.len() < 1 << 20, "{name}: a message of {} bytes", text.len());
        assert!(start.elapsed().as_secs() < 20, "{name}: {:?}", start.elapsed());
    }
}

#[test]
fn hostile_files_and_folders_get_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let detections = folder.path().join("detections");
    std::fs::create_dir_all(detections.join("inner")).expect("folders");
    std::fs::write(detections.join("large.yml"), vec![b'x'; 10 << 20]).expect("a file");
    std::os::unix::fs::symlink(&detections, detections.join("inner/loop")).expect("a link");
    std::os::unix::fs::symlink("/nowhere", detections.join("gone.yml")).expect("a link");
    let project = cresset::project::Project::find(Some(folder.path())).expect("a project");
    let loaded = cresset::detection::load(&project, Catalogue::builtin());
    let codes: Vec<(Code, String)> = loaded
        .problems
        .iter()
        .map(|p| (p.code, p.place.file.path.file_name().unwrap_or_default().to_string_lossy().into_owned()))
        .collect();
    for wanted in [(Code::TooLarge, "large.yml"), (Code::Unreadable, "loop"), (Code::Unreadable, "gone.yml")] {
        assert!(codes.iter().any(|(code, name)| (*code, name.as_str()) == wanted), "{wanted:?} is not in {codes:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn reading_never_panics(text in "[ -~\\n\\t\u{e9}\u{4e2d}]{0,300}") {
        let file = cresset::diagnostic::SourceFile::new("any.yml", text);
        let loaded = load_text(&file, "any", Catalogue::builtin());
        render::human(&loaded.problems, true);
        render::sarif(&loaded.problems);
        render::github(&loaded.problems);
    }

    #[test]
    fn selections_never_panic(key in "(process[.](name|args|pid)|[a-z.]{0,9})([|][a-z]{1,8}){0,3}", value in "[ -~]{0,40}", condition in "[a-z()* 0-9]{0,30}") {
        let value = value.replace('\'', "''");
        let text = complete(&format!("observe:\n  process:\n    sel: {{ '{key}': '{value}' }}\n    condition: '{condition}'\n"));
        let file = cresset::diagnostic::SourceFile::new("any.yml", text);
        render::human(&load_text(&file, "any", Catalogue::builtin()).problems, false);
    }
}
