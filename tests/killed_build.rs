//! The real program, killed at odd moments: `out/` is a whole pack each time, and what is not the pack's own stays.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

/// A detection whose rules are quickly made.
const DETECTION: &str = include_str!("targets/project/detections/hostile_text.yml");

fn build(project: &Path, version: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cresset"));
    command.args(["build", "--pack-version", version]).current_dir(project);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The pack's version, after looking that every file is what the manifest says and no other is there.
fn version_of_a_whole_pack(out: &Path) -> String {
    let manifest = fs::read(out.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let files = manifest.get("files").and_then(Value::as_object).expect("files");
    assert!(files.len() > 5);
    for (path, digest) in files {
        let bytes = fs::read(out.join(path)).expect(path);
        let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest.as_str(), Some(found.as_str()), "{path} is of another pack");
    }
    for entry in WalkDir::new(out).into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file()) {
        let path = entry.path().strip_prefix(out).expect("inside").to_string_lossy().into_owned();
        let known = files.contains_key(&path) || ["manifest.json", "splunk/mine.conf"].contains(&path.as_str());
        assert!(known, "{path} does not belong to the pack");
    }
    assert_eq!(fs::read_to_string(out.join("splunk/mine.conf")).expect("somebody's own file"), "mine");
    manifest.pointer("/pack/version").and_then(Value::as_str).expect("a version").to_owned()
}

#[test]
fn a_build_killed_at_any_moment_leaves_a_whole_pack() {
    let project = tempfile::tempdir().expect("a folder");
    let (project, out) = (project.path(), project.path().join("out"));
    fs::create_dir(project.join("detections")).expect("a folder");
    fs::write(project.join("detections/hostile_text.yml"), DETECTION).expect("written");
    assert!(build(project, "1.0.0").status().expect("run").success());
    fs::write(out.join("splunk/mine.conf"), "mine").expect("written");
    // How long a build takes here, so that kills fall everywhere in it.
    let start = Instant::now();
    assert!(build(project, "1.0.1").status().expect("run").success());
    let whole = start.elapsed();
    assert_eq!(version_of_a_whole_pack(&out), "1.0.1");

    const ROUNDS: u32 = 40;
    for round in 0..ROUNDS {
        let version = format!("1.1.{round}");
        let before = version_of_a_whole_pack(&out);
        let mut child = build(project, &version).spawn().expect("run");
        // Most of a build is over before anything is written: two thirds of the kills fall into its second half.
        let part = if round % 3 == 0 { f64::from(round) / f64::from(ROUNDS) } else { 0.5 + f64::from(round) / 60.0 };
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * part));
        _ = child.kill();
        child.wait().expect("ended");
        let after = version_of_a_whole_pack(&out);
        assert!(after == before || after == version, "{after} came from nowhere");
    }
    assert!(build(project, "2.0.0").status().expect("run").success());
    assert_eq!(version_of_a_whole_pack(&out), "2.0.0");
    let mut names: Vec<_> = fs::read_dir(project).expect("a folder").map(|e| e.expect("one").file_name()).collect();
    names.sort();
    assert_eq!(names, ["detections", "detections.lock", "out"], "something is left behind");
}

#[test]
fn builds_at_the_same_time_wait_for_each_other() {
    let project = tempfile::tempdir().expect("a folder");
    let (project, out) = (project.path(), project.path().join("out"));
    fs::create_dir(project.join("detections")).expect("a folder");
    fs::write(project.join("detections/hostile_text.yml"), DETECTION).expect("written");
    fs::create_dir_all(out.join("splunk")).expect("a folder");
    fs::write(out.join("splunk/mine.conf"), "mine").expect("written");
    let builds: Vec<_> = (0..8).map(|n| build(project, &format!("1.0.{n}")).spawn().expect("run")).collect();
    for mut child in builds {
        assert!(child.wait().expect("ended").success());
    }
    version_of_a_whole_pack(&out);
}
