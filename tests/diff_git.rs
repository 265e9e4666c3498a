//! `cresset diff` as a command, on git repositories, folders and the work tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const DETECTION: &str = r#"id: 3f1c7f7e-5a5e-4b39-9a41-6f0d0a1d2c01
title: Network tool started
version: 1
status: test
severity: high
confidence: medium
description: A tool that opens connections.
author: Somebody
created: 2026-11-01
attack: [T1059]
triage: Who started it?
observe:
  process:
    tool:
      process.name: [nc, ncat]
    condition: tool
tests:
  - log: logs/events.jsonl
    matches: ["1"]
"#;

const LOG: &str = concat!(
    r#"{"event":{"id":1,"category":"process","type":"start"},"process":{"name":"nc","args":["nc"]}}"#,
    "\n",
    r#"{"event":{"id":2,"category":"process","type":"start"},"process":{"name":"socat","args":["socat"]}}"#,
    "\n"
);

/// A repository whose project lies in `inside`.
struct Repository {
    folder: TempDir,
    inside: &'static str,
}

impl Repository {
    fn new(inside: &'static str) -> Self {
        let repository = Self { folder: tempfile::tempdir().expect("a folder"), inside };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.git(&["config", "user.name", "A Tester"]);
        repository.git(&["config", "user.email", "tester@example.org"]);
        repository.git(&["config", "commit.gpgsign", "false"]);
        repository.write("detections/tool.yml", DETECTION);
        repository.write("tests/logs/events.jsonl", LOG);
        repository
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join(self.inside)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.root().join("detections/tool.yml");
        let text = fs::read_to_string(&path).expect("a detection");
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).expect("a file");
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.folder.path())
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn diff(&self, arguments: &[&str]) -> Ran {
        run(&self.root(), &[&["diff"], arguments].concat())
    }
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_cresset"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("CLICOLOR_FORCE")
        .output()
        .expect("cresset runs");
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

impl Ran {
    #[track_caller]
    fn says(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        for part in parts {
            assert!(self.out.contains(part) || self.err.contains(part), "`{part}` is not in\n{}{}", self.out, self.err);
        }
    }
}

#[test]
fn the_work_tree_is_compared_with_head() {
    let repository = Repository::new("");
    repository.commit("First");
    repository.diff(&[]).says(0, &["no detection changed", "work tree"]);
    repository.edit("[nc, ncat]", "[nc, ncat, socat]");
    let ran = repository.diff(&[]);
    ran.says(
        0,
        &[
            "~ tool",
            "process: wider",
            r#"newly matched: {"process":{"name":"socat"}}"#,
            "1 recorded event newly matched: events.jsonl 2",
            "the logic changed, and the version is still 1",
            "sigma/tool.process.yml",
            "+             - '/socat'",
        ],
    );
    assert!(!ran.out.contains('\x1b'), "no colours where there is no terminal");
    repository.edit("version: 1", "version: 2");
    assert!(!repository.diff(&[]).out.contains("version is still"));
    // Nothing was written, not even to the index.
    assert_eq!(repository.git(&["status", "--porcelain"]), " M detections/tool.yml\n");
}

#[test]
fn gates_decide_the_exit_status() {
    let repository = Repository::new("");
    repository.commit("First");
    repository.edit("[nc, ncat]", "[nc]");
    repository.edit("severity: high", "severity: low");
    repository.diff(&[]).says(0, &["narrower"]);
    repository.diff(&["--fail-on", "wider,both,removed"]).says(0, &["narrower"]);
    repository
        .diff(&["--fail-on", "wider,narrower", "--fail-on", "version,severity-lowered"])
        .says(1, &["stopped by narrower: tool", "stopped by version: tool", "stopped by severity-lowered: tool"]);
    repository.diff(&["--fail-on", "everything"]).says(2, &["possible values", "narrower", "hand-edit"]);
}

#[test]
fn two_revisions_and_the_place_where_they_part() {
    let repository = Repository::new("");
    repository.commit("First");
    repository.git(&["tag", "v1"]);
    repository.git(&["switch", "--quiet", "--create", "topic"]);
    repository.edit("[nc, ncat]", "[nc, ncat, socat]");
    repository.commit("Wider");
    repository.git(&["switch", "--quiet", "main"]);
    repository.edit("severity: high", "severity: critical");
    repository.commit("Severer");

    let both = repository.diff(&["main", "topic"]);
    both.says(0, &["wider", "severity: critical -> high", "was lowered"]);
    assert_eq!(both.out, repository.diff(&["main..topic"]).out);
    for range in [&["main...topic"][..], &["v1", "topic"]] {
        let ran = repository.diff(range);
        ran.says(0, &["wider"]);
        assert!(!ran.out.contains("severity"), "{}", ran.out);
    }
    repository.git(&["switch", "--quiet", "topic"]);
    repository.diff(&["main..."]).says(0, &["main...", "wider"]);
    repository.diff(&["topic", "topic"]).says(0, &["no detection changed"]);
}

#[test]
fn a_project_in_a_folder_of_the_repository() {
    let repository = Repository::new("rules/linux");
    repository.commit("First");
    repository.edit("[nc, ncat]", "[nc]");
    let ran = repository.diff(&["--format", "github"]);
    ran.says(
        0,
        &["file=rules/linux/detections/tool.yml,line=13", "::error file=rules/linux/detections/tool.yml,line=3"],
    );
    // From a folder below the project, too.
    run(&repository.root().join("tests"), &["diff"]).says(0, &["narrower"]);
    // The repository's root is no project, and has none above it.
    run(repository.folder.path(), &["diff"]).says(2, &["detections"]);
}

#[test]
fn attributes_of_archives_hide_nothing_and_links_stay_inside() {
    let repository = Repository::new("");
    repository.write(".gitattributes", "tests export-ignore\n*.yml export-subst\n");
    repository.edit("triage: Who started it?", "triage: Who started it? $Format:%H$");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../../outside", repository.root().join("detections/outside.yml")).expect("a link");
        std::os::unix::fs::symlink("logs/events.jsonl", repository.root().join("tests/again.jsonl")).expect("a link");
    }
    repository.commit("First");
    repository.edit("[nc, ncat]", "[nc, ncat, socat]");
    repository.commit("Wider");
    let ran = repository.diff(&["HEAD~1", "HEAD"]);
    ran.says(0, &["wider", "2 recorded events of 1 log replayed"]);
    assert!(!ran.out.contains("triage"), "{}", ran.out);
    #[cfg(unix)]
    ran.says(0, &["`detections/outside.yml` is a link to `../../outside`, and was passed over"]);
}

/// A pull request that brings the first detections is compared, too.
#[test]
fn where_a_project_begins_everything_is_new() {
    let repository = Repository::new("soc/");
    repository.diff(&["--fail-on", "added"]).says(1, &["1 detection added", "there is no commit yet", "added: tool"]);
    fs::write(repository.folder.path().join("README"), "x").expect("written");
    repository.git(&["add", "README"]);
    repository.git(&["commit", "--quiet", "--message", "Nothing yet"]);
    repository.git(&["tag", "nothing"]);
    repository.commit("First");
    repository.diff(&["nothing..."]).says(0, &["1 detection added", "has no folder `detections` in `soc/`"]);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let repository = Repository::new("");
    fs::create_dir_all(repository.folder.path().join("empty")).expect("a folder");
    repository.git(&["commit", "--quiet", "--allow-empty", "--message", "Nothing yet"]);
    repository.git(&["tag", "nothing"]);
    repository.commit("First");
    repository.diff(&["no-such-thing"]).says(2, &["there is no revision or folder `no-such-thing`"]);
    repository.diff(&["HEAD", "no-such-thing"]).says(2, &["no-such-thing"]);
    repository.diff(&["main...no-such-thing"]).says(2, &["no-such-thing"]);
    repository.diff(&["^HEAD"]).says(2, &["there is no revision or folder `^HEAD`"]);
    repository
        .diff(&["--no-rules", "--fail-on", "narrower,rule-gone"])
        .says(2, &["`--no-rules` leaves out what `--fail-on rule-gone` asks for"]);
    repository.diff(&["HEAD", "nothing"]).says(2, &["the revision `nothing` has no folder `detections`"]);
    repository.diff(&["empty"]).says(2, &["`empty` is no project: there is no folder `detections` in it"]);
    repository.diff(&["--", "--output=x"]).says(2, &["there is no revision or folder `--output=x`"]);
    repository.diff(&["main..main", "main"]).says(2, &["names both sides already"]);
    repository.diff(&["--logs", "no-such-log"]).says(2, &["cannot read `no-such-log`"]);
    repository.write("main/detections/tool.yml", DETECTION);
    repository.diff(&["main"]).says(2, &["`main` is a folder and a revision", "./main", "refs/heads/main"]);
    repository.diff(&["./main"]).says(0, &["no detection changed"]);
    repository.diff(&["refs/heads/main"]).says(0, &["no detection changed"]);

    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["diff"]).says(2, &["is in no git repository"]);
    run(folder.path(), &["diff", "HEAD"]).says(2, &["is in no git repository"]);
    fs::create_dir(folder.path().join("detections")).expect("a folder");
    let mut without_git = std::process::Command::new(env!("CARGO_BIN_EXE_cresset"));
    let output = without_git.arg("diff").current_dir(folder.path()).env("PATH", "").output().expect("it runs");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("cannot run `git`") && !message.contains("in no git repository"), "{message}");
}

#[test]
fn two_folders_need_no_repository() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("old", DETECTION.to_owned()), ("new", DETECTION.replace("[nc, ncat]", "[nc]"))] {
        let detections = folder.path().join(name).join("detections");
        let logs = folder.path().join(name).join("tests/logs");
        fs::create_dir_all(&detections).and_then(|()| fs::create_dir_all(&logs)).expect("folders");
        fs::write(detections.join("tool.yml"), text).expect("a file");
        fs::write(logs.join("events.jsonl"), LOG).expect("a file");
    }
    run(folder.path(), &["diff", "old", "new"]).says(0, &["old -> new", "narrower"]);
    run(folder.path(), &["diff", "old", "new", "--no-rules", "--no-logs"]).says(0, &["narrower"]);
    run(&folder.path().join("new"), &["diff", "../old"]).says(0, &["../old -> work tree", "narrower"]);
}

#[test]
fn json_is_one_document_with_everything_in_it() {
    let repository = Repository::new("");
    repository.commit("First");
    repository.edit("[nc, ncat]", "[nc, socat]");
    let ran = repository.diff(&["--format", "json", "--fail-on", "both"]);
    assert_eq!(ran.code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let at = |pointer: &str| json.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/detections/0/sources/0/change"), "both");
    assert_eq!(
        at("/detections/0/sources/0/meaning/must/gained/event"),
        serde_json::json!({"process": {"name": "socat"}})
    );
    assert_eq!(at("/detections/0/sources/0/meaning/must/lost/event/process/name"), "ncat");
    assert_eq!(at("/detections/0/sources/0/recorded/gained/events/0/id"), "2");
    assert_eq!(at("/detections/0/targets/0/rules/0/verdict"), serde_json::Value::Null);
    assert_eq!(at("/detections/0/targets/0/rules/0/follows"), "exactly");
    assert_eq!(at("/stopped"), serde_json::json!(["both: tool"]));
    assert_eq!(at("/head/name"), "work tree");
}

#[test]
fn a_broken_side_is_reported_and_the_rest_compared() {
    let repository = Repository::new("");
    repository.write("detections/other.yml", &DETECTION.replace("3f1c", "4f1c").replace("Network", "Other"));
    repository.commit("First");
    repository.write("detections/other.yml", "id: [\n");
    repository.edit("[nc, ncat]", "[nc]");
    repository
        .diff(&[])
        .says(0, &["detections/other.yml has errors now, and cannot be compared", "~ tool", "narrower"]);
    repository.diff(&["--fail-on", "broken"]).says(1, &["stopped by broken: detections/other.yml"]);
    repository.diff(&["--fail-on", "removed"]).says(0, &[]);
}

#[test]
fn a_hand_edit_of_the_pack_is_found_between_revisions() {
    let repository = Repository::new("");
    run(&repository.root(), &["build"]).says(0, &[]);
    repository.commit("First");
    let rule = repository.root().join("out/sigma/tool.process.yml");
    let text = fs::read_to_string(&rule).expect("a rule");
    fs::write(&rule, text.replace("level: high", "level: low")).expect("a rule");
    repository.commit("Calmer");
    repository.diff(&["HEAD~1", "HEAD", "--fail-on", "hand-edit"]).says(
        1,
        &["out/sigma/tool.process.yml was edited by hand", "+ level: low", "hand-edit: out/sigma/tool.process.yml"],
    );
    run(&repository.root(), &["build"]).says(0, &[]);
    repository.commit("Built again");
    repository.diff(&["HEAD~2", "HEAD", "--fail-on", "hand-edit,stale,risk"]).says(0, &["no detection changed"]);
    let back = repository.diff(&["HEAD~1", "HEAD", "--fail-on", "hand-edit"]);
    back.says(0, &["no detection changed"]);
}

#[test]
fn a_profile_is_each_side_s_own_or_the_one_that_is_named() {
    let repository = Repository::new("soc");
    repository.write("profiles/acme.yml", "name: acme\n");
    repository.write("views/beta.yml", "name: beta\n");
    run(&repository.root(), &["build", "--profile", "profiles/acme.yml"]).says(0, &[]);
    repository.commit("First");
    repository.write(
        "exceptions/lab.yml",
        "detections: [tool]\nprofiles: [acme]\nreason: The lab.\nowner: lab\nexpires: 2027-01-01\n\
         observe: { process: { lab: { user.name: lab }, condition: lab } }\n",
    );
    repository.write("profiles/acme.yml", "name: acme\noverrides: [{ for: [tool], severity: low }]\n");
    // The exception holds in one profile alone, and nothing is found by itself.
    repository.diff(&[]).says(0, &["no detection changed"]);
    let acme = ["--profile", "profiles/acme.yml", "--no-rules"];
    repository.diff(&[&acme[..], &["--fail-on", "narrower,severity-lowered,stale"]].concat()).says(
        1,
        &[
            "process: narrower, by the exception lab",
            r#"no longer matched: {"process":{"name":"nc"},"user":{"name":"lab"}}"#,
            "severity (by the profile): high -> low",
            "stopped by narrower: tool",
            "stale: out/acme/sigma/tool.process.yml",
        ],
    );
    // From elsewhere, and for revisions; a profile that is in no known folder is read from them, too.
    repository.commit("Second");
    repository.write("profiles/acme.yml", "name: acme\n");
    let root = repository.root();
    let there = root.join("detections");
    run(&there, &["diff", "HEAD~1", "HEAD", "--profile", "../profiles/acme.yml", "--no-rules"])
        .says(0, &["severity (by the profile): high -> low", "narrower"]);
    repository.diff(&["HEAD~1", "HEAD", "--profile", "views/beta.yml"]).says(0, &["no detection changed"]);
    // A file outside is read for both sides.
    let outside = tempfile::tempdir().expect("a folder");
    let file = outside.path().join("acme.yml");
    fs::write(&file, "name: acme\n").expect("written");
    let outside = file.to_string_lossy();
    let ran = repository.diff(&["HEAD~1", "HEAD", "--profile", &outside, "--no-rules"]);
    ran.says(0, &["process: narrower, by the exception lab"]);
    assert!(!ran.out.contains("severity"), "{}", ran.out);
    repository.diff(&["--profile", "profiles/gamma.yml"]).says(2, &["neither side has the profile"]);
    // The own one is found without being named.
    repository.write("cresset.yml", "name: acme\noverrides: [{ for: [tool], severity: low }]\n");
    repository
        .diff(&["--no-rules"])
        .says(0, &["narrower, by the exception lab", "severity (by the profile): high -> low"]);
}
