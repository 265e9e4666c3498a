//! What is said about broken targets, and about detections that a target cannot say: message, code and place.

use std::fs;
use std::path::Path;

use cresset::detection::Detection;
use cresset::detection::load::load_text;
use cresset::diagnostic::{Code, Diagnostic, SourceFile, render};
use cresset::source::Catalogue;
use cresset::target::{self, PackInfo, Target};

const SETTINGS: &str = include_str!("../templates/sigma/target.yml");
const TEMPLATE: &str = include_str!("../templates/sigma/rule.yml.tera");

/// A detection with the keys of `case` in place of its own.
fn detection(case: &str) -> Detection {
    let mut text = case.to_owned();
    let mut keep = true;
    for line in include_str!("diagnostics/base.yaml").lines() {
        if let Some((key, _)) = line.split_once(':').filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase())) {
            keep = !case.lines().any(|line| line.starts_with(&format!("{key}:")));
        }
        if keep {
            text.push_str(line);
            text.push('\n');
        }
    }
    let loaded = load_text(&SourceFile::new("detections/example.yml", text), "example", Catalogue::builtin());
    let severe: Vec<Diagnostic> = loaded.problems.into_iter().filter(Diagnostic::is_error).collect();
    assert!(severe.is_empty(), "{}", render::human(&severe, false));
    loaded.detections.into_iter().next().expect("a detection")
}

/// What is said about a target of these files, all of it, from loading to the last rule.
fn said(files: &[(&str, &str)], detection: &Detection) -> Vec<Diagnostic> {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }
    let mut problems = match target::load_all((!files.is_empty()).then_some(folder.path())) {
        Ok(targets) => of_build(&targets, detection),
        Err(problems) => problems,
    };
    // Messages without the name of a folder that is another one each time.
    for problem in &mut problems {
        let inside =
            problem.place.file.path.strip_prefix(folder.path()).ok().map(|inside| Path::new("my").join(inside));
        if let Some(inside) = inside {
            problem.place.file = SourceFile::new(inside, problem.place.file.text.clone());
        }
    }
    problems
}

fn of_build(targets: &[Target], detection: &Detection) -> Vec<Diagnostic> {
    let detections = std::slice::from_ref(detection);
    target::build(targets, detections, Catalogue::builtin(), &PackInfo::default(), &|| ()).err().unwrap_or_default()
}

/// In which file, what, and what in its place.
type Change<'t> = (&'t str, &'t str, &'t str);

/// The built-in target with one change in each of some files.
fn changed(changes: &[Change<'_>]) -> Vec<Diagnostic> {
    let mut files = [("sigma/target.yml", SETTINGS.to_owned()), ("sigma/rule.yml.tera", TEMPLATE.to_owned())];
    for (file, from, to) in changes {
        let (_, text) = files.iter_mut().find(|(name, _)| name.ends_with(file)).expect("a file");
        assert!(text.contains(from), "{file} does not hold {from:?}");
        *text = text.replacen(from, to, 1);
    }
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    said(&files, &detection(""))
}

#[test]
fn messages_about_broken_targets() {
    let yml = "target.yml";
    let cases: &[(&str, &[Change<'_>])] = &[
        ("an unknown key", &[(yml, "\nseverity:", "\nseveritee:")]),
        ("an unknown key of a field", &[(yml, "joined: CommandLine", "joind: CommandLine")]),
        ("an unknown language", &[(yml, "name: sigma, options", "name: sygma, options")]),
        ("a field without anything", &[(yml, "{ joined: CommandLine }", "{ type: text }")]),
        ("a derivation that is none", &[(yml, "basename of Image", "dirname of Image")]),
        ("a list for a map", &[(yml, "severity: {", "severity: [")]),
        ("not YAML", &[(yml, "title: Sigma", "title: \"Sigma")]),
        (
            "several at once",
            &[
                (yml, "name: sigma\n", "name: sygma\n"),
                (yml, "low: low, ", ""),
                (yml, "process.pid:", "process..pid:"),
                (yml, "{name}.{source}.yml", "{name}.yml"),
                (yml, "rule.yml.tera", "rule.yaml.tera"),
            ],
        ),
        ("exceptions that say something else", &[(yml, "says: rest", "says: left")]),
        (
            "exceptions without a language",
            &[(
                yml,
                "  languages:\n    - { name: sigma, options: [wildcard, regex] }\nseverity",
                "  languages: []\nseverity",
            )],
        ),
        (
            "files of exceptions that are one file",
            &[(yml, "exceptions/{exception}.{source}.yml", "exceptions/{source}.yml")],
        ),
        (
            "published names that are not there",
            &[(yml, "\n    fields:\n      \"*\"", "\n    published: names.txt\n    fields:\n      \"*\"")],
        ),
        ("tags that are no expression", &[(yml, "pattern: '[1-5]", "pattern: '([1-5]")]),
        ("tags whose example is none", &[(yml, "example: 3k", "example: 6k")]),
        ("tags that are neither words nor an expression", &[(yml, "tlp: [clear,", "tlp: {words: clear}\n  x: [a,")]),
        ("a path that leads out", &[(yml, "{name}.{source}.yml", "../{name}.{source}.yml")]),
        ("a template that ends early", &[("rule.yml.tera", TEMPLATE, "{% if rule.title %}\ntitle\n")]),
        (
            "an unknown filter",
            &[("rule.yml.tera", TEMPLATE, "a: é\n{{ rule.id | nofilter }}\nb: {{ rule.id | neither }}\n")],
        ),
        ("an unknown field of a rule", &[("rule.yml.tera", TEMPLATE, "title: {{ rule.titel }}\n")]),
        ("text without a filter", &[("rule.yml.tera", TEMPLATE, "title: {{ rule.title }}\n")]),
        ("an argument of the wrong type", &[("rule.yml.tera", TEMPLATE, "{{ rule.id | replace(from=1, to=2) }}\n")]),
    ];
    let mut text = String::new();
    for (name, changes) in cases {
        let problems = changed(changes);
        assert!(!problems.is_empty(), "{name}: nothing is said");
        for problem in &problems {
            let wanted = if name.contains("template") || changes.iter().any(|(file, ..)| *file != yml) {
                Code::TargetTemplate
            } else {
                Code::TargetSettings
            };
            assert_eq!(problem.code, wanted, "{name}");
            // Every message points into the file; of one fault the engine does not tell where it is.
            let is_placed = !problem.place.file.text.is_empty() && problem.place.span.end > 1;
            assert!(is_placed || *name == "text without a filter", "{name}: {:?}", problem.message);
        }
        text.push_str(&format!("## {name}\n\n{}", render::human(&problems, false)));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_folder_without_a_target_and_one_that_is_not_there() {
    let problems = said(&[("mine/rule.tera", "x")], &detection(""));
    assert!(render::human(&problems, false).contains("the target `mine` has no `target.yml`"));
    let problems = target::load_all(Some(Path::new("no/such/folder"))).expect_err("not there");
    assert_eq!(problems.first().map(|problem| problem.code), Some(Code::Unreadable));
}

/// Each reason is told at the test that it is about, whatever that became on the way.
#[test]
fn what_a_target_cannot_say_is_told_at_its_place() {
    let detection = detection(
        "observe:
  process:
    parent: { process.parent.args|contains: docker.sock }
    count:
      process.args_count: 3
    name: { process.name: sh }
    condition: (parent or count) and name
  kubernetes_audit:
    mount:
      pod.containers:
        image: x
        securityContext.privileged: true
    condition: mount
tests: []
",
    );
    let problems = said(&[], &detection);
    assert!(problems.iter().all(|problem| problem.code == Code::CannotSay));
    insta::assert_snapshot!(render::human(&problems, false));
    let falco = problems.iter().find(|p| p.message.contains("Falco") && p.message.contains("`process`"));
    let falco = falco.expect("told");
    let places = std::iter::once(&falco.place).chain(falco.labels.iter().map(|label| &label.place));
    let mut places: Vec<&str> = places.map(|place| place.file.text.get(place.span.clone()).expect("a place")).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places, ["process.args_count: 3", "process.parent.args|contains: docker.sock"]);
    let github = render::github(&problems);
    assert!(github.lines().all(|line| line.starts_with("::error file=detections/example.yml,line=")), "{github}");
}

#[test]
fn the_examples_of_explanations_are_judged() {
    fn examples<'c>(code: Code, word: &str) -> [&'c str; 2] {
        let blocks = code.explanation().split("```").skip(1).step_by(2);
        let blocks: Vec<&str> = blocks.filter_map(|block| block.strip_prefix(word)).collect();
        blocks.try_into().expect("a wrong and a right example")
    }
    let [_, settings] = examples(Code::TargetSettings, "yaml\n");
    let plain = detection("");
    let judge = |code: Code, settings: &str, template: &str, is_wrong: bool| {
        let problems = said(&[("example/target.yml", settings), ("example/rule.tera", template)], &plain);
        let codes: Vec<Code> = problems.iter().map(|problem| problem.code).collect();
        let wanted: &[Code] = if is_wrong { &[code] } else { &[] };
        assert_eq!(codes, wanted, "{}", render::human(&problems, false));
    };
    for code in [Code::TargetSettings, Code::SameFile] {
        let [wrong, right] = examples(code, "yaml\n");
        judge(code, wrong, "{{ rule.query | line | safe }}", true);
        judge(code, right, "{{ rule.query | line | safe }}", false);
    }
    let [wrong, right] = examples(Code::TargetTemplate, "jinja\n");
    judge(Code::TargetTemplate, settings, wrong, true);
    judge(Code::TargetTemplate, settings, right, false);
    let [wrong, right] = examples(Code::CannotSay, "yaml\n");
    let codes = |case: &str| said(&[], &detection(case)).iter().map(|problem| problem.code).collect::<Vec<_>>();
    assert_eq!((codes(wrong), codes(right)), (vec![Code::CannotSay], vec![]));
}

#[test]
fn the_example_of_the_documentation_is_a_target() {
    let page = include_str!("../docs/targets.md");
    let block = |kind: &str| {
        let start = page.split_once(&format!("```{kind}\n")).expect("a block").1;
        start.split_once("```").expect("its end").0
    };
    let files = [("mini/target.yml", block("yaml")), ("mini/query.txt.tera", block("jinja"))];
    let problems = said(&files, &detection(""));
    assert!(problems.is_empty(), "{}", render::human(&problems, false));
    // The page tells of every key.
    let unknown = |text: String| {
        let problems = said(&[("mini/target.yml", &*text), ("mini/query.txt.tera", block("jinja"))], &detection(""));
        let told = render::human(&problems, false);
        told.split_once("known here: ").expect("the known keys").1.lines().next().unwrap_or_default().to_owned()
    };
    let settings = block("yaml");
    for known in [
        unknown(format!("{settings}unheard: 1\n")),
        unknown(settings.replace("    fields:", "    unheard: 1\n    fields:")),
    ] {
        for key in known.split('`').skip(1).step_by(2) {
            assert!(page.contains(&format!("`{key}`")), "{key}");
        }
    }
}
