//! Readers against recorded logs: what they decode is what was run.
#![expect(clippy::panic, clippy::indexing_slicing, reason = "a test says what is wrong by failing")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cresset::source::Catalogue;
use cresset::source::reader::{Choice, Record, open};
use serde_json::Value;

fn logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

/// All events of a log, which has no damage.
fn records(path: &Path) -> Vec<Record> {
    open(path, &Choice::default())
        .expect("a log")
        .map(|record| record.unwrap_or_else(|damage| panic!("{damage}")))
        .collect()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The recording's arguments. It writes bytes that are no UTF-8 as `\xff`; we replace them.
fn replaced(theirs: &Value, ours: &Value) -> Vec<String> {
    let has_replaced = texts(ours).iter().any(|arg| arg.contains('\u{fffd}'));
    let escape = regex::Regex::new(r"\\x[89a-f][0-9a-f]").expect("a pattern");
    let args = texts(theirs).into_iter();
    args.map(|arg| if has_replaced { escape.replace_all(&arg, "\u{fffd}").into_owned() } else { arg }).collect()
}

/// Every exec of the recording, against the decoding that was made independently when it was recorded.
fn agree(folder: &str, at_least: usize) {
    let folder = logs().join(folder);
    let mut decoded: BTreeMap<String, Record> = BTreeMap::new();
    for record in records(&folder.join("audit.log.zst")) {
        assert!(decoded.insert(record.id.clone(), record).is_none(), "an event came twice");
    }
    let mut compared = 0;
    for expected in records(&folder.join("process.jsonl.zst")) {
        let id = &expected.id;
        let record = decoded.remove(id).unwrap_or_else(|| panic!("event {id} is missing"));
        let (ours, theirs) = (&record.event["process"], &expected.event["process"]);
        assert_eq!(record.event["event"]["outcome"], expected.event["event"]["outcome"], "{id}");
        assert_eq!(record.event["event"]["action"], expected.event["event"]["action"], "{id}");
        assert_eq!(record.event["@timestamp"], expected.event["@timestamp"], "{id}");
        assert_eq!(texts(&ours["args"]), replaced(&theirs["args"], &ours["args"]), "{id}");
        for field in ["executable", "pid", "working_directory"] {
            assert_eq!(ours[field], theirs[field], "{field} of {id}");
        }
        assert_eq!(ours["parent"]["pid"], theirs["parent"]["pid"], "{id}");
        // The recording calls a process by its comm; so does the kernel, in `process.title`.
        assert_eq!(ours["title"], theirs["name"], "{id}");
        if record.event["event"]["outcome"] == "success" {
            assert_eq!(ours["args_count"], theirs["args_count"], "{id}");
            assert_eq!(ours["command_line"], texts(&ours["args"]).join(" "), "{id}");
        } else {
            assert_eq!(ours.get("args"), None, "{id}");
        }
        let user = |event: &Value| cresset::logic::event::text(&event["user"]["id"]).into_owned();
        assert_eq!(user(&record.event), user(&expected.event), "{id}");
        compared += 1;
    }
    assert!(decoded.is_empty(), "events that the recording has not: {:?}", decoded.keys());
    assert!(compared >= at_least, "{compared} events");
}

#[test]
fn enriched_audit_logs_decode_as_recorded() {
    agree("enriched", 1900);
}

#[test]
fn raw_audit_logs_decode_as_recorded() {
    agree("raw", 280);
}

#[test]
fn names_of_users_come_from_enriched_records() {
    let records = records(&logs().join("enriched/audit.log.zst"));
    let names: BTreeSet<&str> = records.iter().filter_map(|r| r.event["user"]["name"].as_str()).collect();
    assert!(names.contains("root") && names.contains("dev"), "{names:?}");
}

/// The ids in one column of a truth table, of the scenarios that are not benign.
fn truth(folder: &str, column: &str) -> Vec<String> {
    let text = std::fs::read_to_string(logs().join(folder).join("truth.tsv")).expect("a table");
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    let at = |column: &str| head.iter().position(|name| *name == column).expect("a column");
    let (ids, malicious) = (at(column), at("malicious"));
    let risky = lines.filter(|row| row.get(malicious) != Some(&"no"));
    risky
        .flat_map(|row| row.get(ids).copied().unwrap_or_default().split(',').map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|id| id.trim().split(':').next().map(str::to_owned))
        .filter(|id| !id.is_empty())
        .collect()
}

#[test]
fn every_event_to_detect_is_in_the_logs() {
    for (folder, log, column) in [
        ("enriched", "audit.log.zst", "trigger_serials"),
        ("raw", "audit.log.zst", "trigger_serials"),
        ("kubernetes", "audit.jsonl.zst", "auditIDs"),
    ] {
        let known: BTreeSet<String> = records(&logs().join(folder).join(log)).into_iter().map(|r| r.id).collect();
        let wanted = truth(folder, column);
        assert!(wanted.len() > 20, "{folder}: {}", wanted.len());
        for id in wanted {
            assert!(known.contains(&id), "{folder}: {id}");
        }
    }
}

#[test]
fn kubernetes_audit_events_keep_their_shape() {
    let records = records(&logs().join("kubernetes/audit.jsonl.zst"));
    assert!(records.len() > 300, "{}", records.len());
    assert!(records.iter().all(|r| &*r.source == "kubernetes_audit" && r.time.is_some()));
    let source = Catalogue::builtin().source("kubernetes_audit").expect("a source");
    let reaches = |field: &str, value: &str| {
        let field = source.field(field).expect("a field");
        records
            .iter()
            .filter(|record| {
                let reached = |path| {
                    cresset::logic::event::any_value(&record.event, path, |found| {
                        cresset::logic::event::text(found) == value
                    })
                };
                field.paths.iter().any(reached)
            })
            .count()
    };
    assert!(reaches("pod.containers.securityContext.privileged", "true") > 10);
    assert!(reaches("pod.hostPID", "true") > 3);
    assert!(reaches("authorization.decision", "forbid") > 0);
}

fn ids(file: &str) -> Vec<(String, String)> {
    let records = records(&logs().join("config").join(file));
    records.into_iter().map(|record| (record.source.to_string(), record.id)).collect()
}

fn values(record: &Record, field: &str) -> Vec<String> {
    let field = Catalogue::builtin().source(&record.source).and_then(|s| s.field(field)).expect("a field");
    let values = field.paths.iter().flat_map(|path| cresset::logic::event::values(&record.event, path));
    values.map(|value| cresset::logic::event::text(value).into_owned()).collect()
}

#[test]
fn configuration_files_become_events() {
    let services = ["portainer", "socket-long", "agent", "agent-caps", "variable"];
    assert_eq!(ids("compose-risky.yml"), services.map(|name| ("compose".to_owned(), name.to_owned())));
    assert_eq!(ids("compose-benign.yml").len(), 2);
    let inspected = ids("inspect.json");
    assert_eq!(inspected.len(), 5);
    assert!(inspected.iter().all(|(source, id)| source == "docker_inspect" && id.len() == 64));
    for file in ["daemon-exposed.json", "daemon-tls.json"] {
        assert_eq!(ids(file).first().map(|(source, _)| source.as_str()), Some("daemon_config"));
    }
    let compose = records(&logs().join("config/compose-risky.yml"));
    assert_eq!(values(&compose[2], "service.privileged"), ["true"]);
    assert_eq!(values(&compose[2], "service.pid"), ["host"]);
    assert_eq!(values(&compose[2], "service.volumes.read_only"), ["false", "true"]);
    assert_eq!(values(&compose[3], "service.devices"), ["/dev/sda:/dev/sda", "/dev/kmsg:/dev/kmsg:r"]);
    assert_eq!(values(&compose[4], "service.volumes.source"), ["/var/run/docker.sock", "/"]);
    assert_eq!(values(&compose[4], "service.image"), ["alpine:3.20"]);
}

#[test]
fn manifests_become_events_whose_pods_are_found() {
    let folder = logs().join("config/manifests");
    let mut pods = 0;
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|extension| extension != "yaml") {
            continue;
        }
        files += 1;
        for record in records(&path) {
            assert_eq!(&*record.source, "kubernetes_manifest", "{}", path.display());
            pods += usize::from(!values(&record, "pod.containers.image").is_empty());
        }
    }
    assert!(files > 20 && pods > 18, "{pods} pods in {files} files");
}

#[test]
fn what_was_read_can_be_read_again() {
    for log in ["raw/audit.log.zst", "kubernetes/audit.jsonl.zst", "config/inspect.json", "config/compose-risky.yml"] {
        let first = records(&logs().join(log));
        let text: String = first.iter().map(|record| format!("{}\n", record.event)).collect();
        let from = Box::new(std::io::Cursor::new(text));
        let again = cresset::source::reader::read(from, "again", &Choice::default()).expect("a log");
        let again: Vec<Record> = again.map(|record| record.expect("an event")).collect();
        let events = |records: &[Record]| records.iter().map(|r| (r.id.clone(), r.event.clone())).collect::<Vec<_>>();
        assert_eq!(events(&first), events(&again), "{log}");
    }
}

/// Rules of targets that have the path alone ask for its last segment: that is the name, even where it is empty.
#[test]
fn a_program_is_called_by_the_last_segment_of_its_path() {
    let name = |process: &Value, field: &str| process.pointer(field).and_then(Value::as_str).map(str::to_owned);
    let mut unnamed = 0;
    for folder in ["enriched", "raw"] {
        for Record { id, event, .. } in records(&logs().join(folder).join("audit.log.zst")) {
            for process in ["/process", "/process/parent"] {
                let Some(process) = event.pointer(process) else { continue };
                let segment = name(process, "/executable").and_then(|path| path.rsplit('/').next().map(str::to_owned));
                assert_eq!(name(process, "/name"), segment, "{id}");
                unnamed += usize::from(segment.is_some_and(|segment| segment.is_empty()));
            }
        }
    }
    assert!(unnamed > 0, "the recordings have `runc init`, which runs as `/`");
    let line = "{\"process\":{\"executable\":\"/\",\"parent\":{\"executable\":\"/bin/sh\"}}}\n";
    let read = cresset::source::reader::read(Box::new(line.as_bytes()), "events", &Choice::default()).expect("a log");
    let read: Vec<Record> = read.map(|record| record.expect("an event")).collect();
    let [Record { event, .. }] = read.as_slice() else { panic!("one event") };
    assert_eq!((&event["process"]["name"], &event["process"]["parent"]["name"]), (&"".into(), &"sh".into()));
}
