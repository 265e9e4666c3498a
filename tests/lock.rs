//! The lock of versions: what needs a new version, what does not, and what is said.

use std::fs;
use std::path::Path;
use std::process::Command;

use cresset::detection::load;
use cresset::diagnostic::{Code, render};
use cresset::lock::{self, Judged, Lock};
use cresset::project::Project;
use cresset::source::Catalogue;
use tempfile::TempDir;

const DETECTION: &str = r#"id: 3f1c7f7e-5a5e-4b39-9a41-6f0d0a1d2c01
title: Network tool started by a shell
version: 2
status: test
severity: high
confidence: medium
description: A shell starts a tool that opens connections.
author: Somebody
created: 2026-11-01
attack: [T1059]
triage: Who started it?
observe:
  process:
    tool:
      process.name: [nc, ncat]
      process.args|option: { command: [docker run], names: [-v], as: volume, source|path: /etc }
    line:
      process.command_line|contains: tcp
    known:
      user.name: backup
    condition: tool and line and not known
tests:
  - source: process
    matches:
      - { process: { name: nc, command_line: x tcp, args: [docker, run, -v, "/etc:/x", a] }, user: { name: dev } }
    misses: [{ process: { name: nc } }]
"#;

struct Pack(TempDir);

impl Pack {
    /// A project with one detection, locked.
    fn locked() -> Self {
        let pack = Self(tempfile::tempdir().expect("a folder"));
        pack.write("detections/tool.yml", DETECTION);
        pack.judge().write().expect("written");
        pack
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn edit(&self, edits: &[(&str, &str)]) -> &Self {
        let text = edits.iter().fold(DETECTION.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        self.write("detections/tool.yml", &text);
        self
    }

    fn judge(&self) -> Judged {
        let project = Project::find(Some(self.0.path())).expect("a project");
        let loaded = load::load(&project, Catalogue::builtin());
        assert!(!loaded.has_errors(), "{}", render::human(&loaded.problems, false));
        lock::judge(&project, &loaded.detections, true, Catalogue::builtin()).expect("a project has a place for it")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.0.path().join(lock::FILE)).expect("a lock")
    }

    fn codes(&self) -> Vec<Code> {
        self.judge().problems.iter().map(|problem| problem.code).collect()
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        run(self.0.path(), env!("CARGO_BIN_EXE_cresset"), arguments)
    }

    fn git(&self, arguments: &[&str]) {
        let (code, text) = run(self.0.path(), "git", arguments);
        assert_eq!(code, Some(0), "{text}");
    }
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("it runs");
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text")).concat();
    (output.status.code(), text)
}

#[test]
fn a_lock_is_read_as_it_was_written() {
    let project = Project::built_in();
    let loaded = load::load(&project, Catalogue::builtin());
    let mut lock = Lock::default();
    for detection in &loaded.detections {
        for observation in &detection.observations {
            lock.put(detection.id, &observation.source, detection.version, &observation.formula);
        }
    }
    let text = lock.text();
    assert_eq!(Lock::parse(&text).as_ref(), Ok(&lock));
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.is_sorted() && lines.len() > 40, "one line for each, sorted");
    for detection in &loaded.detections {
        for (source, locked) in lock.newest(detection.id) {
            let formula = lock.formula(locked.first().expect("a line")).expect("a condition");
            let observation = detection.observation(source).expect("observed");
            assert_eq!(formula, cresset::logic::normal(&observation.formula), "{} {source}", detection.name);
        }
    }
}

#[test]
fn a_rewrite_that_means_the_same_changes_nothing() {
    let pack = Pack::locked();
    let before = pack.text();
    let rewrites: [&[(&str, &str)]; 7] = [
        &[("[nc, ncat]", "[ncat, nc, nc]")],
        &[("tool and line and not known", "not (not tool or known or not line)")],
        &[
            ("    line:\n      process.command_line|contains: tcp\n", ""),
            ("    known:", "    line: # there\n      process.command_line|contains: tcp\n    known:"),
        ],
        &[("known", "backup_user")],
        &[("process.command_line|contains: tcp", "process.command_line: '*tcp*'")],
        &[("process.command_line|contains: tcp", "process.command_line|contains: [tcp, tcpx]")],
        &[("user.name: backup", "user.name|re: '^backup$'")],
    ];
    for rewrite in rewrites {
        let judged = pack.edit(rewrite).judge();
        assert!(judged.problems.is_empty(), "{rewrite:?}\n{}", render::human(&judged.problems, false));
        assert!(!judged.is_stale(), "{rewrite:?}");
        judged.write().expect("written");
        assert_eq!(pack.text(), before);
    }
    // Metadata is no logic.
    assert!(!pack.edit(&[("severity: high", "severity: low"), ("Who started it?", "Who?")]).judge().is_stale());
}

#[test]
fn another_meaning_needs_a_higher_version_and_an_event_shows_why() {
    let pack = Pack::locked();
    let source = "  compose:\n    privileged:\n      service.privileged: true\n    condition: privileged\ntests:";
    let changes: [(&[(&str, &str)], &str); 6] = [
        (&[("[nc, ncat]", "[nc, ncat, socat]")], r#""name":"socat""#),
        (&[("[nc, ncat]", "[nc]")], r#""name":"ncat""#),
        (&[("user.name: backup", "user.name: [backup, other]")], "was matched and is not any more"),
        // What only rules may match.
        (&[("process.name: [", "process.name|cased: [")], "could be matched by rules"),
        (&[("source|path: /etc", "source|path: [/etc, /srv]")], "/srv"),
        (&[("tests:", source)], "in `compose`: it was not observed before"),
    ];
    for (edits, told) in changes {
        let judged = pack.edit(edits).judge();
        let text = render::human(&judged.problems, false);
        assert!(text.contains("error[E0704]") && text.contains(told), "{edits:?}\n{text}");
        assert!(text.contains("detections/tool.yml:3:10") || text.contains("tool.yml:3:10"), "{text}");
        assert!(text.contains("raise the version to 3"), "{text}");
        assert!(!judged.is_stale(), "what is locked stays locked");
        let raised: Vec<(&str, &str)> = edits.iter().copied().chain([("version: 2", "version: 3")]).collect();
        let judged = pack.edit(&raised).judge();
        assert!(judged.problems.is_empty() && judged.is_stale(), "{edits:?}");
    }
    assert_eq!(pack.edit(&[("version: 2", "version: 1")]).codes(), [Code::VersionFell]);
}

#[test]
fn what_is_gone_leaves_nothing_behind() {
    let pack = Pack::locked();
    let before = pack.text();
    let other = DETECTION.replace("3f1c", "4f1c").replace("Network", "Other").replace(
        "[nc, ncat]",
        "[a-program-with-a-long-name, another-program-with-a-long-name, a-third-program-with-a-long-name]",
    );
    pack.write("detections/other.yml", &other);
    pack.judge().write().expect("written");
    let both = pack.text();
    assert_eq!(both.lines().filter(|line| line.contains("4f1c")).count(), 1);
    assert!(both.lines().count() > before.lines().count() + 1, "a long list has a line of its own");
    // Lines of one detection do not move those of another.
    assert!(before.lines().all(|line| both.lines().any(|other| other == line)));
    fs::remove_file(pack.0.path().join("detections/other.yml")).expect("removed");
    pack.judge().write().expect("written");
    assert_eq!(pack.text(), before);
}

#[test]
fn after_a_merge_both_sides_are_held() {
    let pack = Pack::locked();
    let lock_of = |edits: &[(&str, &str)]| {
        let side = Pack::locked();
        side.edit(edits).judge().write().expect("written");
        side.text()
    };
    let raised = ("version: 2", "version: 3");
    let (ours, theirs) = (("[nc, ncat]", "[nc, ncat, socat]"), ("user.name: backup", "user.name: [backup, other]"));
    let union = |a: &str, b: &str| {
        let more: Vec<&str> = b.lines().filter(|line| !a.lines().any(|known| known == *line)).collect();
        format!("{a}{}\n", more.join("\n"))
    };
    let merged = union(&lock_of(&[ours, raised]), &lock_of(&[theirs, raised]));
    pack.write(lock::FILE, &merged);
    // Both changes under one version: what is deployed as version 3 may be either of them.
    for edits in [&[ours, theirs, raised][..], &[ours, raised], &[theirs, raised]] {
        assert_eq!(pack.edit(edits).codes(), [Code::VersionNotRaised]);
    }
    let judged = pack.edit(&[ours, theirs, ("version: 2", "version: 4")]).judge();
    assert!(judged.problems.is_empty());
    judged.write().expect("written");
    assert_eq!(pack.text().matches("3f1c").count(), 1);
    // One side that is older is simply the past.
    pack.write(lock::FILE, &union(&Pack::locked().text(), &lock_of(&[ours, raised])));
    let judged = pack.edit(&[ours, raised]).judge();
    assert!(judged.problems.is_empty() && judged.is_stale());
    judged.write().expect("written");
    assert_eq!(pack.text(), lock_of(&[ours, raised]));
}

#[test]
fn a_damaged_lock_is_told_with_its_line() {
    let pack = Pack::locked();
    let text = pack.text();
    let cases = [
        (format!("{text}<<<<<<< HEAD\n"), "merge conflict"),
        (text.replace("\"gnc\"", "\"gnx\""), "the condition was edited"),
        (text.replace("\"interspersed\":false", "\"interspersed\":true"), "the table was edited"),
        (text.replace(" v2 ", " vv "), "the version cannot be read"),
        (format!("{text}nonsense\n"), "this is no locked detection"),
        (text.trim_end().trim_end_matches('}').to_owned(), "cut or edited"),
    ];
    for (damaged, told) in cases {
        assert_ne!(damaged, text);
        pack.write(lock::FILE, &damaged);
        let judged = pack.judge();
        let shown = render::human(&judged.problems, false);
        assert!(
            shown.contains("error[E0706]") && shown.contains(told) && shown.contains("detections.lock:"),
            "{shown}"
        );
        judged.write().expect("nothing to write");
        assert_eq!(pack.text(), damaged, "nothing is overwritten");
    }
    // Line ends of another system are no damage.
    pack.write(lock::FILE, &text.replace('\n', "\r\n"));
    assert!(pack.codes().is_empty() && !pack.judge().is_stale());
}

#[test]
fn build_and_check_hold_to_the_lock() {
    let pack = Pack(tempfile::tempdir().expect("a folder"));
    pack.write("detections/tool.yml", DETECTION);
    let (code, text) = pack.run(&["check"]);
    assert!(code == Some(0) && !text.contains("W0707"), "without a lock there is nothing to keep: {text}");
    let (code, text) = pack.run(&["build", "--check"]);
    assert!(code == Some(1) && text.contains("missing  detections.lock"), "{text}");
    let (code, text) = pack.run(&["build"]);
    assert!(code == Some(0) && !text.contains("note"), "the first build has nothing to compare: {text}");
    assert_eq!(pack.run(&["build", "--check"]).0, Some(0));
    // One that is gone is told: nobody knows then what the versions stood for.
    fs::remove_file(pack.0.path().join(lock::FILE)).expect("removed");
    let (code, text) = pack.run(&["build", "--check"]);
    assert!(code == Some(1) && text.contains("missing  detections.lock"), "{text}");
    let (code, text) = pack.run(&["build"]);
    assert!(code == Some(0) && text.contains("note: there was no detections.lock"), "{text}");
    let (before, out) = (pack.text(), fs::read(pack.0.path().join("out/manifest.json")).expect("a manifest"));

    pack.edit(&[("[nc, ncat]", "[nc, ncat, socat]")]);
    for command in [&["check"][..], &["build"], &["build", "--check"], &["package"]] {
        let (code, text) = pack.run(command);
        assert!(code == Some(1) && text.contains("E0704") && text.contains("socat"), "{command:?}: {text}");
    }
    assert_eq!(pack.text(), before);
    assert_eq!(fs::read(pack.0.path().join("out/manifest.json")).expect("a manifest"), out, "nothing was written");

    pack.edit(&[("[nc, ncat]", "[nc, ncat, socat]"), ("version: 2", "version: 3")]);
    let (code, text) = pack.run(&["check"]);
    assert!(code == Some(0) && text.contains("W0707"), "{text}");
    assert_eq!(pack.run(&["check", "--deny-warnings"]).0, Some(1));
    let (code, text) = pack.run(&["build", "--check"]);
    assert!(code == Some(1) && text.contains("stale    detections.lock"), "{text}");
    assert_eq!(pack.run(&["build"]).0, Some(0));
    assert_eq!(pack.run(&["build", "--check"]).0, Some(0));

    // Building a part locks that part and leaves the rest.
    let other = DETECTION.replace("3f1c", "4f1c").replace("Network", "Other");
    pack.write("detections/more/other.yml", &other);
    assert_eq!(pack.run(&["build", "detections/more", "--out", "elsewhere"]).0, Some(0));
    assert!(pack.text().contains("3f1c") && pack.text().contains("4f1c"));
    assert_eq!(pack.run(&["check"]).0, Some(0));
}

#[test]
fn what_was_not_committed_yet_may_still_change() {
    let pack = Pack::locked();
    pack.git(&["init", "--quiet"]);
    let commit = || {
        pack.git(&["add", "--all"]);
        let identity =
            ["-c", "user.name=A Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"];
        pack.git(&[&identity[..], &["commit", "--quiet", "--message", "A step"]].concat());
    };
    commit();
    let raised = ("version: 2", "version: 3");
    pack.edit(&[("[nc, ncat]", "[nc, ncat, socat]"), raised]).judge().write().expect("written");
    // Built, thought again, built again: still version 3 of one commit to come.
    let again = [("[nc, ncat]", "[nc, ncat, telnet]"), raised];
    let judged = pack.edit(&again).judge();
    assert!(judged.problems.is_empty() && judged.is_stale());
    judged.write().expect("written");
    // Taken back altogether.
    assert!(pack.edit(&[]).codes().is_empty() && pack.judge().is_stale());
    pack.edit(&again);
    commit();
    assert_eq!(pack.edit(&[("[nc, ncat]", "[nc, ncat, socat]"), raised]).codes(), [Code::VersionNotRaised]);
    // To delete the lock does not make forgotten what was committed.
    fs::remove_file(pack.0.path().join(lock::FILE)).expect("removed");
    assert_eq!(pack.codes(), [Code::VersionNotRaised]);
    assert!(!pack.judge().is_first);
    assert!(pack.edit(&[("[nc, ncat]", "[nc, ncat, socat]"), ("version: 2", "version: 4")]).codes().is_empty());
}
