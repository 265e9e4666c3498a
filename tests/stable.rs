//! Small changes give small diffs: what says nothing changes nothing in `out/`, and one list entry changes one line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use cresset::detection::{Detection, load};
use cresset::diagnostic::render;
use cresset::pack;
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, PackInfo};
use regex::Regex;
use walkdir::WalkDir;

type Files = BTreeMap<String, String>;

/// The texts of the container pack, by path.
fn texts() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("detections");
    let files = WalkDir::new(&root).into_iter().map(|entry| entry.expect("an entry"));
    files
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "yml"))
        .map(|entry| {
            let path = entry.path().strip_prefix(&root).expect("inside").to_string_lossy().into_owned();
            (path, fs::read_to_string(entry.path()).expect("text"))
        })
        .collect()
}

fn load_texts(texts: &Files) -> Vec<Detection> {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in texts {
        let path = folder.path().join("detections").join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    #[cfg(unix)]
    std::os::unix::fs::symlink(tests, folder.path().join("tests")).expect("a link");
    let project = Project::find(Some(folder.path())).expect("a project");
    let loaded = load::load(&project, Catalogue::builtin());
    assert!(!loaded.has_errors(), "{}", render::human(&loaded.problems, false));
    loaded.detections
}

/// Everything that is written for these detections, the manifest included.
fn built(texts: &Files) -> Files {
    let detections = load_texts(texts);
    let targets = target::load_all(None).expect("targets");
    let pack = PackInfo::default();
    let built = target::build(&targets, &detections, Catalogue::builtin(), &pack, &|| ()).expect("a build");
    let manifest = (pack::MANIFEST.to_owned(), pack::manifest(&built, &pack));
    let files = built.files.into_iter().chain([manifest]);
    files.map(|(path, bytes)| (path, String::from_utf8(bytes).expect("text"))).collect()
}

/// Lines that are gone and lines that are new, per file that changed.
fn changed_lines(before: &Files, after: &Files) -> BTreeMap<String, Vec<String>> {
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let mut changed = BTreeMap::new();
    for (path, text) in before {
        let other = after.get(path).expect("the file");
        if text == other {
            continue;
        }
        let diff = similar::TextDiff::from_lines(text, other);
        let lines = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
        changed.insert(path.clone(), lines.map(|line| format!("{}{}", line.tag(), line.value())).collect());
    }
    changed
}

#[track_caller]
fn assert_same(edited: &Files) {
    let (before, after) = (texts(), edited);
    assert_ne!(before, *after, "nothing was edited");
    static BUILT: OnceLock<Files> = OnceLock::new();
    let changed = changed_lines(BUILT.get_or_init(|| built(&before)), &built(after));
    assert!(changed.is_empty(), "{} files changed: {changed:#?}", changed.len());
}

fn edited(edit: impl Fn(&str, &str) -> String) -> Files {
    texts().iter().map(|(path, text)| (path.clone(), edit(path, text))).collect()
}

/// A text in blocks: each begins with a line that is indented by exactly `indent` and is no comment or list entry.
fn blocks(text: &str, indent: usize) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        let depth = line.len() - line.trim_start().len();
        let begins = depth == indent && !line.trim().is_empty() && !line.trim_start().starts_with(['#', '-', ']', '}']);
        match blocks.last_mut() {
            Some(block) if !begins => block.push_str(line),
            _ => blocks.push(line.to_owned()),
        }
    }
    blocks
}

/// The lines below a block's first line, in blocks of their own, in another order.
fn turned(block: &str, indent: usize) -> String {
    let (head, body) = block.split_once('\n').expect("several lines");
    let mut inner = blocks(body, indent);
    inner.reverse();
    inner.iter_mut().filter(|block| !block.ends_with('\n')).for_each(|block| block.push('\n'));
    format!("{head}\n{}", inner.concat())
}

/// Whether a block is a map of keys at this indentation, without comments between them, which would move.
fn is_map(block: &str, indent: usize) -> bool {
    let Some((head, body)) = block.split_once('\n') else { return false };
    let first = body.lines().find(|line| !line.trim().is_empty());
    let depth = first.map(|line| line.len() - line.trim_start().len());
    head.trim_end().ends_with(':')
        && depth == Some(indent)
        && !first.is_some_and(|line| line.trim().starts_with(['-', '#']))
}

#[test]
fn comments_and_white_space_change_nothing() {
    assert_same(&edited(|_, text| {
        let lines = text.lines().map(|line| {
            // Not within a text block, where a line is content.
            let entry = Regex::new(r"^\s*[a-zA-Z_.|]+:( [^|>].*)?$").expect("an expression").is_match(line);
            if entry && !line.contains(" |") && !line.contains('#') && !line.contains("  1. ") {
                format!("{line}   # a comment\n")
            } else {
                format!("{line}\n")
            }
        });
        format!("# first\n\n{}\n\n# last\n", lines.collect::<String>())
    }));
}

#[test]
fn the_order_of_keys_changes_nothing() {
    /// Turns the maps at one depth: log sources, selections, tests, tests within an object.
    fn at(block: &str, indent: usize, depth: usize) -> String {
        if !is_map(block, indent) {
            return block.to_owned();
        }
        if indent == depth {
            return turned(block, indent);
        }
        let (head, body) = block.split_once('\n').expect("several lines");
        let inner: String = blocks(body, indent).iter().map(|block| at(block, indent + 2, depth)).collect();
        format!("{head}\n{inner}")
    }
    assert_same(&edited(|path, text| {
        if path.ends_with("lists.yml") {
            return text.to_owned();
        }
        let mut top = blocks(text, 0);
        top.reverse();
        top.iter_mut().filter(|block| !block.ends_with('\n')).for_each(|block| block.push('\n'));
        for block in top.iter_mut().filter(|block| block.starts_with("observe:")) {
            for depth in [2, 4, 6, 8] {
                *block = at(block, 2, depth);
            }
        }
        top.concat()
    }));
}

#[test]
fn the_names_of_selections_change_nothing() {
    let detections = load_texts(&texts());
    let condition = Regex::new(r"(?m)^    condition:.*(?:\n      .*)*$").expect("an expression");
    let mut renamed = 0;
    let edited: Files = texts()
        .iter()
        .map(|(path, text)| {
            let Some(detection) = detections.iter().find(|d| path.ends_with(&format!("/{}.yml", d.name))) else {
                return (path.clone(), text.clone());
            };
            let top = blocks(text, 0);
            let parts = top.iter().map(|block| {
                if !block.starts_with("observe:") {
                    return block.clone();
                }
                let (head, body) = block.split_once('\n').expect("several lines");
                let sources = blocks(body, 2).into_iter().map(|mut source| {
                    let name = source.trim_start().split(':').next().expect("a name").to_owned();
                    let observation = detection.observation(&name).expect("observed");
                    // Wildcards over names are about names.
                    if observation.condition.contains('*') {
                        return source;
                    }
                    for (at, selection) in observation.selections.keys().enumerate() {
                        let key = Regex::new(&format!(r"(?m)^    {selection}:")).expect("an expression");
                        source = key.replace_all(&source, format!("    zz{}_x:", 90 - at)).into_owned();
                        let word = Regex::new(&format!(r"\b{selection}\b")).expect("an expression");
                        let new = condition
                            .replace(&source, |found: &regex::Captures<'_>| {
                                word.replace_all(found.get(0).expect("all").as_str(), format!("zz{}_x", 90 - at))
                                    .into_owned()
                            })
                            .into_owned();
                        source = new;
                        renamed += 1;
                    }
                    source
                });
                format!("{head}\n{}", sources.collect::<String>())
            });
            (path.clone(), parts.collect::<String>())
        })
        .collect();
    assert!(renamed > 60, "{renamed}");
    assert_same(&edited);
}

#[test]
fn one_list_entry_changes_one_line_where_a_format_has_lines_for_it() {
    let one = |values: &str| -> Files {
        let text = format!(
            "id: 3f1c7f7e-5a5e-4b39-9a41-6f0d0a1d2c01\ntitle: Tools\nversion: 1\nstatus: test\nseverity: high\n\
             confidence: low\ndescription: x\nauthor: x\ncreated: 2026-11-01\nattack: [T1611]\ntriage: x\nobserve:\n  \
             process:\n    tool:\n      process.name: [{values}]\n    known:\n      user.name: [a, b]\n    condition: \
             tool and not known\ntests: []\n"
        );
        built(&[("tools.yml".to_owned(), text)].into())
    };
    let names: Vec<String> = (0..12).map(|n| format!("a-tool-of-number-{n}")).collect();
    for (at, place) in [(0, "first"), (6, "in the middle"), (12, "last")] {
        let mut more = names.clone();
        more.insert(at, "one-tool-more".to_owned());
        let changed = changed_lines(&one(&names.join(", ")), &one(&more.join(", ")));
        for (path, lines) in &changed {
            // The line itself; beside a first or last one, the line that begins or ends the list; the manifest has a
            // digest per file.
            let most = match path.as_str() {
                "manifest.json" => 2 * (changed.len() - 1),
                // One line is one rule there.
                "elastic/rules.ndjson" => 2,
                path if path.starts_with("elastic/rules/") => 2,
                _ if at == 0 || at == 12 => 3,
                _ => 1,
            };
            assert!(lines.len() <= most, "{place}: {path}: {lines:#?}");
        }
        assert!(changed.len() >= 5, "{:?}", changed.keys());
    }
}
