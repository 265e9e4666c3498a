//! `cresset hunt` as it is run: its options, formats, streams and exit codes, over recorded logs.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

fn hunt(args: &[&str]) -> Output {
    hunt_with(args, b"")
}

/// Runs the command where there is no project, so that it hunts with the built-in detections.
fn hunt_with(args: &[&str], input: &[u8]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    // Nearer than any that lies above the temporary folder, and it changes nothing.
    std::fs::write(folder.path().join("cresset.yml"), "name: test\n").expect("written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cresset"))
        .current_dir(folder.path())
        .arg("hunt")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn objects(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn log(name: &str) -> String {
    logs().join(name).to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_hit_says_what_an_analyst_asks_first() {
    let file = log("enriched/audit.log.zst");
    let output = hunt(&[&file, "--format", "json", "--detection", "docker_socket_mounted"]);
    assert_eq!(output.status.code(), Some(0));
    let hits = objects(&output);
    assert!(hits.len() > 5, "{}", hits.len());
    for hit in &hits {
        assert_eq!(hit["name"], "docker_socket_mounted");
        assert_eq!((hit["source"].as_str(), hit["file"].as_str()), (Some("process"), Some(file.as_str())));
        assert!(hit["time"].as_str().is_some_and(|time| time.starts_with("2026-11-23T")), "{hit}");
        assert!(hit["line"].as_u64().is_some_and(|line| line > 0), "{hit}");
        assert!(hit["event"].as_str().is_some_and(|id| id.parse::<u64>().is_ok()), "{hit}");
        assert!(hit["user"].is_string() && hit["command"].is_string(), "{hit}");
        assert!(hit["selections"].as_array().is_some_and(|names| !names.is_empty()), "{hit}");
        assert!(hit.get("host").is_some() && hit["detection"].is_string() && hit["severity"] == "high", "{hit}");
    }
}

#[test]
fn the_same_process_starts_give_the_same_hits_from_either_log() {
    let found = |name: &str| -> BTreeSet<(String, String)> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        objects(&hunt(&[&log(name), "--format", "json"]))
            .iter()
            .map(|hit| (text(&hit["name"]), text(&hit["event"])))
            .collect()
    };
    let (audit, lines) = (found("enriched/audit.log.zst"), found("enriched/process.jsonl.zst"));
    assert!(audit.len() > 100 && audit == lines, "{:?}", audit.symmetric_difference(&lines).collect::<Vec<_>>());
}

#[test]
fn formats_agree_with_one_another() {
    let file = log("kubernetes/audit.jsonl.zst");
    let json = objects(&hunt(&[&file, "--format", "json"]));
    let csv = text(&hunt(&[&file, "--format", "csv"]).stdout);
    let mut rows = csv.lines();
    assert!(rows.next().is_some_and(|names| names.starts_with("time,severity,name,title,host,user,command,")));
    assert_eq!(rows.clone().count(), json.len());
    for (row, hit) in rows.zip(&json) {
        let start = format!(
            "{},{},{},",
            hit["time"].as_str().unwrap_or(""),
            hit["severity"].as_str().unwrap_or(""),
            hit["name"].as_str().unwrap_or("")
        );
        assert!(row.starts_with(&start), "{row}\n{hit}");
        // What happened says no more than once when it happened and who did it.
        assert!(!row.contains("requestReceivedTimestamp=") && !row.contains(" user.username="), "{row}");
    }
    let table = hunt(&[&file]);
    let rows = text(&table.stdout).matches("audit.jsonl.zst:").count();
    assert!(rows > 0 && text(&table.stderr).contains(&format!("{} hits", json.len())), "{}", text(&table.stderr));
}

#[test]
fn counts_are_those_of_the_hits() {
    let file = log("enriched/audit.log.zst");
    let hits = objects(&hunt(&[&file, "--format", "json"]));
    let counts = objects(&hunt(&[&file, "--format", "json", "--count"]));
    assert!(counts.len() > 5, "{}", counts.len());
    for count in &counts {
        let of_it = hits.iter().filter(|hit| hit["name"] == count["name"]).count() as u64;
        assert_eq!(count["hits"], of_it, "{count}");
    }
    let sum: u64 = counts.iter().filter_map(|count| count["hits"].as_u64()).sum();
    assert_eq!(sum, hits.len() as u64);
    let table = text(&hunt(&[&file, "--count"]).stdout);
    assert!(counts.iter().all(|count| table.contains(count["name"].as_str().expect("a name"))), "{table}");
    let csv = text(&hunt(&[&file, "--count", "--format", "csv"]).stdout);
    assert_eq!(csv.lines().count(), counts.len() + 1);
}

#[test]
fn a_period_cuts_by_time_in_every_format() {
    for name in ["enriched/process.jsonl.zst", "enriched/audit.log.zst", "kubernetes/audit.jsonl.zst"] {
        let file = log(name);
        let all = objects(&hunt(&[&file, "--format", "json"]));
        let mut times: Vec<&str> = all.iter().filter_map(|hit| hit["time"].as_str()).collect();
        times.sort_unstable();
        let middle = times[times.len() / 2];
        let before = objects(&hunt(&[&file, "--format", "json", "--until", middle]));
        let after = hunt(&[&file, "--format", "json", "--since", middle]);
        let is_before = |hit: &&Value| hit["time"].as_str().is_some_and(|time| time < middle);
        assert!(all.iter().filter(is_before).eq(&before), "{name}");
        assert!(all.iter().filter(|hit| !is_before(hit)).eq(&objects(&after)), "{name}");
        assert!(!before.is_empty() && text(&after.stderr).contains("of another time left out"), "{name}");
    }
    let nothing = hunt(&[&log("raw/audit.log.zst"), "--since", "2026-11-24", "--until", "2026-11-23"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert_eq!(hunt(&[&log("raw/audit.log.zst"), "--since", "tomorrow"]).status.code(), Some(2));
}

#[test]
fn detections_are_chosen_by_name_and_tag() {
    let file = log("enriched/audit.log.zst");
    let names = |args: &[&str]| -> BTreeSet<String> {
        let args: Vec<&str> = [file.as_str(), "--format", "json"].iter().chain(args).copied().collect();
        objects(&hunt(&args)).iter().map(|hit| hit["name"].as_str().expect("a name").to_owned()).collect()
    };
    let all = names(&[]);
    let kubernetes = names(&["--tag", "Kubernetes"]);
    assert!(!kubernetes.is_empty() && kubernetes.is_subset(&all) && kubernetes != all, "{kubernetes:?}");
    let by_technique = names(&["--tag", "t1611"]);
    assert!(by_technique.contains("privileged_container") && by_technique != all, "{by_technique:?}");
    assert_eq!(names(&["--detection", "privileged_container"]), BTreeSet::from(["privileged_container".to_owned()]));
    for (args, said) in [
        (["--detection", "privileged_contaner"], "did you mean `privileged_container`?"),
        (["--tag", "kubernets"], "did you mean `kubernetes`?"),
    ] {
        let output = hunt(&[&file, args[0], args[1]]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
}

#[test]
fn folders_patterns_and_standard_input_are_read() {
    let folder = logs();
    let raw = text(&hunt(&[&log("raw/audit.log.zst"), "--format", "json"]).stdout);
    let packed = std::fs::read(log("raw/audit.log.zst")).expect("a log");
    let piped = text(&hunt_with(&["-", "--format", "json"], &packed).stdout);
    assert!(!raw.is_empty() && raw.lines().count() == piped.lines().count());
    let pattern = folder.join("r*/audit.*");
    assert_eq!(text(&hunt(&[pattern.to_str().expect("UTF-8"), "--format", "json"]).stdout), raw);
    let all = hunt(&[&log("raw"), "--format", "json"]);
    let both = text(&hunt(&[&log("raw/audit.log.zst"), &log("raw/process.jsonl.zst"), "--format", "json"]).stdout);
    assert_eq!((all.status.code(), text(&all.stdout)), (Some(0), both));
    assert!(text(&all.stderr).contains("1 file that is no log left alone"), "{}", text(&all.stderr));
    let none = hunt(&[&log("raw/truth.tsv")]);
    assert_eq!(none.status.code(), Some(2));
    assert_eq!(hunt(&[&log("raw/*.none")]).status.code(), Some(2));
}

#[test]
fn damage_is_counted_and_hits_can_fail() {
    let hit = r#"{"process":{"name":"docker","args":["docker","run","--privileged","x"]},"event":{"id":1}}"#;
    let input = format!("{hit}\n{{\"cut\n\n[1]\n{hit}\n\"x\"\n{hit}");
    let output = hunt_with(&["-", "--format", "json"], input.as_bytes());
    assert_eq!((output.status.code(), objects(&output).len()), (Some(0), 3));
    let said = text(&output.stderr);
    assert!(said.contains("3 events: 3 hits, 3 damaged lines skipped"), "{said}");
    assert!(["-:2: ", "-:4: ", "-:6: "].iter().all(|place| said.contains(place)), "{said}");
    let lines: Vec<u64> = objects(&output).iter().filter_map(|hit| hit["line"].as_u64()).collect();
    assert_eq!(lines, [1, 5, 7]);
    assert_eq!(hunt_with(&["-", "--fail-on-hit"], input.as_bytes()).status.code(), Some(1));
    assert_eq!(
        hunt_with(&["-", "--fail-on-hit", "--tag", "kubernetes", "--until", "2020-01-01"], b"").status.code(),
        Some(0)
    );
}

#[test]
fn what_is_packed_in_a_way_that_is_not_unpacked_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    write("audit.log.xz", b"\xfd7zXZ\0\0\x04\xe6\xd6");
    write("audit.log.bz2", b"BZh91AY&SY");
    write("plain.jsonl", b"{\"process\": {\"name\": \"id\"}}\n");
    write("notes.txt", b"no log");
    let output = hunt(&[folder.path().to_str().expect("UTF-8")]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    for wanted in ["packed with xz", "`xz -dc FILE | cresset", "packed with bzip2", "1 file that is no log left alone"]
    {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
}
