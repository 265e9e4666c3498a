//! A project that `cresset init` laid out, and every command in it, through the program itself.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::Path;

use program::{cresset, said};

fn told(folder: &Path, args: &[&str], status: i32) -> String {
    let output = cresset(folder, args);
    assert_eq!(output.status.code(), Some(status), "cresset {}", args.join(" "));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Everything that works in a project without a word against it.
fn walk(project: &Path, log: &str) {
    said(project, &["check", "--deny-warnings"], 0);
    said(project, &["fmt", "--check"], 0);
    assert!(said(project, &["test"], 0).ends_with(" passed, 0 failed\n"));
    said(project, &["build", "--check"], 1);
    said(project, &["build"], 0);
    said(project, &["build", "--check"], 0);
    for target in ["elastic", "falco", "sigma", "splunk"] {
        assert!(project.join("out").join(target).is_dir(), "{target} is missing");
        let archive = format!("dist/cresset-{target}-1.0.0.tar.gz");
        assert!(!project.join(&archive).exists());
    }
    let archives = said(project, &["package"], 0);
    assert_eq!(archives.lines().count(), 4, "{archives}");
    assert!(archives.lines().all(|archive| project.join(archive).is_file()), "{archives}");
    for shape in ["canonical", "elastic", "falco", "sigma", "splunk"] {
        let events = said(project, &["events", log, "--as", shape], 0);
        let first = events.lines().next().expect("an event");
        assert!(serde_json::from_str::<serde_json::Value>(first).is_ok_and(|event| event.is_object()), "{first}");
    }
    let hits = said(project, &["hunt", log, "--format", "jsonl"], 0);
    assert!(hits.lines().count() > 0, "nothing was found in {log}");
    said(project, &["schema"], 0);
    // A detection of one's own: sound once it is filled in, and refused until then.
    said(project, &["new", "mine/first"], 0);
    let path = project.join("detections/mine/first.yml");
    let scaffold = fs::read_to_string(&path).expect("a scaffold");
    let blanks = said(project, &["check"], 1).matches("this is still to be filled in").count();
    assert_eq!(blanks, scaffold.matches("TODO").count());
    said(project, &["build"], 1);
    fs::write(&path, scaffold.replace("TODO", "word")).expect("filled in");
    said(project, &["check"], 0);
    said(project, &["test", "first"], 0);
    said(project, &["build", "--check"], 1);
    said(project, &["build"], 0);
    assert!(project.join("out/sigma/first.process.yml").is_file());
    // Taken away, it leaves nothing.
    fs::remove_dir_all(project.join("detections/mine")).expect("removed");
    said(project, &["build"], 0);
    assert!(!project.join("out/sigma/first.process.yml").exists());
}

#[test]
fn a_project_with_the_pack() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = said(folder.path(), &["init", "soc"], 0);
    assert!(told.contains("15 of them detections") && told.contains("cd soc && cresset check"), "{told}");
    let project = folder.path().join("soc");
    // Everything else is tried in the small project below, where it takes less long.
    said(&project, &["check", "--deny-warnings"], 0);
    said(&project, &["fmt", "--check"], 0);
    assert!(said(&project, &["test"], 0).ends_with(" passed, 0 failed\n"));
    said(&project, &["build"], 0);
    let hits = said(&project, &["hunt", "tests/logs/raw/audit.log.zst", "--format", "jsonl"], 0);
    assert!(hits.lines().count() > 10, "{hits}");
    // It is the pack that is built here, file for file.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["sigma/privileged_container.process.yml", "falco/cresset_container_rules.yaml"] {
        let read = |root: &Path| fs::read_to_string(root.join("out").join(file)).expect("a file");
        assert_eq!(read(&project), read(here), "{file}");
    }
}

#[test]
fn an_empty_project_with_targets_to_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path();
    let told = said(project, &["init", ".", "--empty", "--with-templates"], 0);
    assert!(told.contains("1 of them detections") && told.contains("next: cresset check"), "{told}");
    let log =
        r#"{"@timestamp":"2026-11-24T00:00:00Z","process":{"args":["docker","run","--pid=host","x"],"name":"docker"}}"#;
    fs::write(project.join("tests/logs/mine.jsonl"), format!("{log}\n")).expect("written");
    walk(project, "tests/logs/mine.jsonl");
    // A changed template is the one that is used, whole folders below the project, too.
    let template = project.join("templates/sigma/rule.yml.tera");
    let text = fs::read_to_string(&template).expect("a template");
    fs::write(&template, format!("# ours\n{text}")).expect("written");
    fs::create_dir(project.join("deeper")).expect("a folder");
    said(&project.join("deeper"), &["build"], 0);
    let rule = fs::read_to_string(project.join("out/sigma/host_process_namespace.process.yml")).expect("a rule");
    assert!(rule.starts_with("# ours\n"), "{rule}");
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let there = |path: &str| folder.path().join(path);
    fs::create_dir_all(there("soc/.github/workflows")).expect("a folder");
    fs::write(there("soc/README.md"), "mine").expect("written");
    fs::write(there("soc/.github/workflows/detections.yml"), "mine").expect("written");
    fs::write(there("soc/tests"), "mine").expect("written");
    let message = told(folder.path(), &["init", "soc"], 2);
    for path in ["soc/.github/workflows/detections.yml", "soc/README.md", "soc/tests\n"] {
        assert!(message.contains(path), "{path} is not named:\n{message}");
    }
    assert_eq!(fs::read_to_string(there("soc/README.md")).expect("a file"), "mine");
    assert!(!there("soc/detections").exists() && !there("soc/.gitignore").exists());
    // What is no project's file is in nobody's way.
    fs::create_dir(there("repository")).expect("a folder");
    fs::write(there("repository/LICENSE"), "mine").expect("written");
    said(folder.path(), &["init", "repository", "--empty"], 0);
    // A second time, the project itself is.
    let message = told(folder.path(), &["init", "repository", "--empty"], 2);
    assert!(message.contains("repository/detections\n"), "{message}");
    let message = told(folder.path(), &["init", "repository/LICENSE"], 2);
    assert!(message.contains("in the way"), "{message}");
}

#[test]
fn events_as_something_that_is_no_target() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("log"), "{\"process\":{\"args\":[\"x\"]}}\n").expect("written");
    let message = told(folder.path(), &["events", "log", "--as", "splunc"], 2);
    assert!(message.contains("canonical, elastic, falco, sigma, splunk"), "{message}");
    let compose = "services:\n  web:\n    image: nginx\n    privileged: true\n";
    fs::write(folder.path().join("compose.yml"), compose).expect("written");
    let message = told(folder.path(), &["events", "compose.yml", "--as", "falco"], 0);
    assert!(message.contains("1 event of `compose` left out: falco has no such log source"), "{message}");
    // A target of one's own is one, too.
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets/templates");
    let events =
        said(folder.path(), &["events", "log", "--as", "lucene", "--templates", templates.to_str().expect("text")], 0);
    assert!(events.contains("process.command_line\":\"x\""), "{events}");
}

#[cfg(unix)]
#[test]
fn a_file_whose_name_is_no_text_is_not_passed_over() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    said(folder.path(), &["init", "soc", "--empty"], 0);
    let project = folder.path().join("soc");
    let name = OsStr::from_bytes(b"detections/n\xffc.yml");
    fs::write(project.join(name), "title: Nothing else\n").expect("written");
    let problems = said(&project, &["check"], 1);
    assert!(problems.contains("E0212"), "{problems}");
}

/// A word for a target that there is not would go unnoticed: nothing is said there, and nothing is switched off.
#[test]
fn settings_for_a_target_that_there_is_not_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    said(folder.path(), &["init", "project"], 0);
    let project = folder.path().join("project");
    let path = project.join("detections/container/privileged_container.yml");
    let text = fs::read_to_string(&path).expect("a detection");
    fs::write(&path, text.replace("\ntargets:\n", "\ntargets:\n  splnk: { enabled: false }\n")).expect("written");
    let found = said(&project, &["check"], 0);
    assert!(found.contains("warning[W0805]: there is no target `splnk`, so this is of no effect"), "{found}");
    assert!(found.contains("did you mean `splunk`?"), "{found}");
    said(&project, &["check", "detections/container", "--deny-warnings"], 1);
    // A folder of the project's own is a target.
    let own = project.join("templates/splnk");
    fs::create_dir_all(&own).expect("a folder");
    let target = "name: splnk\ntitle: Another\nlanguages: [{ name: sigma }]\nsources: {}\nartefacts: []\n\
                  severity: { informational: 0, low: 1, medium: 2, high: 3, critical: 4 }\n";
    fs::write(own.join("target.yml"), target).expect("written");
    let found = said(&project, &["check"], 0);
    assert!(!found.contains("W0805"), "{found}");
}

/// A detection that is being written does not keep the others from being tested.
#[test]
fn a_broken_detection_does_not_keep_others_from_being_tested() {
    let folder = tempfile::tempdir().expect("a folder");
    said(folder.path(), &["init", "project"], 0);
    let project = folder.path().join("project");
    said(&project, &["new", "mine/first"], 0);
    let tested = said(&project, &["test"], 1);
    assert!(tested.ends_with(" passed, 0 failed\n"), "{tested}");
    assert!(told(&project, &["test"], 1).contains("`cresset check` shows what is left out"));
    said(&project, &["test", "privileged_container"], 0);
    assert!(told(&project, &["test", "first"], 2).contains("there is no detection `first`"));
}

/// A target may see an event of a test otherwise than its `target.yml` says: the proof takes that for granted.
#[test]
fn the_rules_of_targets_are_tested_with_the_detection() {
    let folder = tempfile::tempdir().expect("a folder");
    said(folder.path(), &["init", "project"], 0);
    let project = folder.path().join("project");
    // Of an argument with a blank in it, a line has several words: here a script.
    let pack = ["test", "privileged_container"];
    assert!(said(&project, &pack, 0).contains("note: event matches["));
    let report = said(&project, &[&pack[..], &["--format", "json"]].concat(), 0);
    let report: serde_json::Value = serde_json::from_str(&report).expect("a report");
    let outcomes = || report.as_array().into_iter().flatten();
    assert!(outcomes().any(|outcome| outcome["notes"][0]["targets"][0].is_string()), "{report}");
    assert!(outcomes().all(|outcome| outcome["failures"] == serde_json::json!([])), "{report}");
    fs::remove_dir_all(project.join("detections")).expect("removed");
    let path = project.join("detections/mine.yml");
    let scaffold = |observe: &str, tests: &str| {
        let text = "id: 6f4d0b8e-3f58-4c9e-9d0a-6e3a8a2f9b77\ntitle: Mine\nstatus: experimental\nversion: 1\n\
                    severity: low\nconfidence: low\ndescription: Mine.\nattack: [T1611]\ncreated: 2026-12-01\n\
                    author: Mine\nowner: mine\nreferences: [https://example.org]\nfalse_positives: [None.]\n\
                    triage: Look.\nschedule: { every: 5m, look_back: 6m }\n\
                    targets: { elastic: { enabled: false }, falco: { enabled: false } }\n";
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, format!("{text}observe:\n{observe}\ntests:\n{tests}\n")).expect("written");
    };
    scaffold(
        "  kubernetes_audit:\n    s: { requestObject.spec.sidecars.image|startswith: evil }\n    condition: s",
        "  - source: kubernetes_audit\n    matches:\n      - { requestObject: { spec: { sidecars: { image: evil/x } } } }\n      \
         - { requestObject: { spec: { sidecars: [{ image: evil/x }] } } }\n    misses:\n      - { verb: get }",
    );
    let found = said(&project, &["test"], 1);
    let failure = "event matches[1] is not matched by the rule for splunk, and should be";
    assert!(found.contains(failure) && found.matches("event ").count() == 1, "{found}");
}
