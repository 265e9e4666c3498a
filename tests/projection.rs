//! Every rule of the pack, on every recorded event as its target sees it, says what the detection says.

use std::path::PathBuf;

use cresset::detection::{Detection, Deviation, load};
use cresset::logic::{Event, Matcher, Scratch};
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::source::reader::{self, Choice, Record};
use cresset::target::{self, Outcome, Projection, Target, compile, project};
use rayon::prelude::*;
use serde_json::json;
use walkdir::WalkDir;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn targets() -> Vec<Target> {
    target::load_all(None).expect("the built-in targets")
}

fn records() -> Vec<Record> {
    let logs = root().join("tests/logs");
    let mut records = Vec::new();
    for entry in WalkDir::new(&logs).sort_by_file_name() {
        let entry = entry.expect("a file");
        let name = entry.file_name().to_string_lossy().into_owned();
        // `process.jsonl` holds the events of the audit logs once more.
        if entry.file_type().is_file() && !name.ends_with(".tsv") && !name.starts_with("process.jsonl") {
            let log = reader::open(entry.path(), &Choice::default()).expect("a log that is known");
            records.extend(log.map(|record| record.expect("a sound record")));
        }
    }
    records
}

#[test]
fn every_rule_says_of_recorded_events_what_its_detection_says() {
    let catalogue = Catalogue::builtin();
    let project = Project::find(Some(&root())).expect("a project");
    let detections = load::load(&project, catalogue).detections;
    let records = records();
    let targets = targets();
    let (mut rules, mut matched, mut wrong) = (0, 0, Vec::new());
    let results: Vec<(usize, usize, Vec<String>)> =
        targets.par_iter().map(|target| judge(target, &detections, &records)).collect();
    for (some_rules, some_matched, some_wrong) in results {
        rules += some_rules;
        matched += some_matched;
        wrong.extend(some_wrong);
    }
    // A line with an argument that holds a blank cannot be taken apart again; that no rule of the pack misses an event
    // for it is what this test is for.
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(rules > 50 && matched > 500, "{rules} rules matched {matched} times: the test sees nothing");
}

/// Of one target: how many rules it has, how often they matched, and where one says what its detection does not.
fn judge(target: &Target, detections: &[Detection], records: &[Record]) -> (usize, usize, Vec<String>) {
    let catalogue = Catalogue::builtin();
    let (mut rules, mut matched, mut wrong) = (0, 0, Vec::new());
    for source in catalogue.sources.values() {
        let Some(projection) = Projection::new(target, source) else { continue };
        let events: Vec<(&Record, Event)> = records
            .iter()
            .filter(|record| *record.source == *source.name)
            .map(|record| (record, projection.project(&record.event)))
            .collect();
        let mut compiled = Vec::new();
        for detection in detections {
            let Some(observation) = detection.observation(&source.name) else { continue };
            let outcome = compile(target, detection, observation, catalogue);
            if let Outcome::Rule(rule) = outcome.expect("the pack builds") {
                compiled.push((&observation.formula, rule));
            }
        }
        rules += compiled.len();
        // The matcher says what the reference evaluator says, and is fast enough for all events.
        let conditions: Vec<_> = compiled.iter().map(|(condition, _)| *condition).enumerate().collect();
        let printed: Vec<_> = compiled.iter().map(|(_, rule)| &rule.formula).enumerate().collect();
        let (conditions, printed) = (Matcher::with_may(&conditions), Matcher::with_may(&printed));
        let (mut one, mut other) = (Scratch::default(), Scratch::default());
        for (record, projected) in &events {
            let condition = conditions.readings(&record.event, &mut one);
            let rule_says = printed.readings(projected, &mut other);
            for (at, (_, rule)) in compiled.iter().enumerate() {
                let (must, may) = (condition.must.contains(&at), condition.may.contains(&at));
                let (sure, perhaps) = (rule_says.must.contains(&at), rule_says.may.contains(&at));
                matched += usize::from(sure);
                let deviation = rule.accepted.as_ref().map(|accept| accept.deviation);
                // What every event the detection must match needs, and what no event beyond *may* may have.
                let misses = must && !sure && deviation != Some(Deviation::Narrower);
                let exceeds = (sure || perhaps) && !must && !may && deviation != Some(Deviation::Wider);
                if misses || exceeds {
                    let word = if misses { "misses" } else { "exceeds" };
                    let (name, target) = (&rule.detection.name, target.name());
                    wrong.push(format!("{target} {name} {word} {}:{}", record.file, record.line));
                }
            }
        }
    }
    (rules, matched, wrong)
}

/// A target that says a segment is an array names it so everywhere: the logs have to agree.
#[test]
fn what_a_target_calls_an_array_is_one() {
    fn walk<'e>(node: &'e Event, path: &mut Vec<&'e str>, visit: &mut impl FnMut(&[&str], &Event)) {
        match node {
            Event::Object(map) => {
                for (key, value) in map {
                    path.push(key);
                    visit(path, value);
                    walk(value, path, visit);
                    path.pop();
                }
            }
            Event::Array(items) => items.iter().for_each(|item| walk(item, path, visit)),
            _ => {}
        }
    }
    let records = records();
    let (mut seen, mut wrong) = (0, Vec::new());
    for target in &targets() {
        for (source, settings) in &target.settings.sources {
            let Some(rule) = settings.fields.get("*").filter(|rule| !rule.0.arrays.is_empty()) else { continue };
            for record in records.iter().filter(|record| *record.source == **source) {
                walk(&record.event, &mut Vec::new(), &mut |path, value| {
                    let name = path.last().copied().unwrap_or_default();
                    // The strategy of a PodSecurityPolicy; everywhere else these are numbers.
                    if path.ends_with(&["spec", "supplementalGroups"]) {
                        return;
                    }
                    let declared = rule.0.arrays.iter().any(|array| array == name);
                    seen += usize::from(declared);
                    if declared && value.is_object() {
                        wrong.push(path.join("."));
                    }
                });
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "no arrays:\n{}", wrong.join("\n"));
    assert!(seen > 1000, "only {seen} arrays seen");
}

#[test]
fn fields_have_the_names_and_shapes_of_the_target() {
    let event = json!({
        "process": { "args": ["docker", "run", "a b"], "name": "docker", "executable": "/usr/bin/docker", "pid": 7 },
        "user": { "name": "eve" },
    });
    let of = |name: &str, source: &str, event: &Event| {
        let targets = targets();
        let target = targets.iter().find(|target| target.name() == name).expect("a target");
        let source = Catalogue::builtin().source(source).expect("a source");
        project(target, source, event).expect("the target has the source")
    };
    assert_eq!(
        of("sigma", "process", &event),
        json!({ "CommandLine": "docker run a b", "Image": "/usr/bin/docker", "ProcessId": 7, "User": "eve" })
    );
    assert_eq!(
        of("splunk", "process", &event),
        json!({
            "process": "docker run a b", "process_name": "docker", "process_path": "/usr/bin/docker", "process_id": 7,
            "user": "eve", "tag": ["process", "report"],
        })
    );
    assert_eq!(
        of("elastic", "process", &event),
        json!({
            "process.args": ["docker", "run", "a b"], "process.command_line": "docker run a b", "process.pid": 7,
            "process.name": "docker", "process.executable": "/usr/bin/docker", "user.name": "eve",
            "host.os.type": "linux", "event.category": "process", "event.type": "start",
        })
    );
    assert_eq!(
        of("falco", "process", &event),
        json!({
            "proc.exeline": "docker run a b", "proc.exepath": "/usr/bin/docker", "proc.pid": 7, "user.name": "eve",
            "evt.type": "execve", "container.id": "host", "container.name": "host",
        })
    );
    // The name of a program that is known without its path, and nothing else.
    assert_eq!(of("sigma", "process", &json!({"process": {"name": "docker"}})), json!({ "Image": "/docker" }));

    let request = json!({
        "verb": "create",
        "user": { "groups": ["a"] },
        "annotations": { "authorization.k8s.io/decision": "allow" },
        "requestObject": { "spec": { "hostPID": true, "containers": [{ "image": "x" }, { "image": null }] } },
    });
    assert_eq!(
        of("splunk", "kubernetes_audit", &request),
        json!({
            "verb": "create", "user.groups{}": ["a"], "annotations.authorization.k8s.io/decision": "allow",
            "requestObject.spec.hostPID": true, "requestObject.spec.containers{}.image": ["x"],
            "sourcetype": "kube:apiserver-audit",
        })
    );
    assert_eq!(
        of("elastic", "kubernetes_audit", &request),
        json!({
            "kubernetes.audit.verb": "create", "kubernetes.audit.user.groups": ["a"],
            "kubernetes.audit.annotations.authorization_k8s_io/decision": "allow",
            "kubernetes.audit.requestObject.spec.hostPID": "true",
            "kubernetes.audit.requestObject.spec.containers.image": ["x"],
            "data_stream.dataset": "kubernetes.audit_logs",
        })
    );
    assert_eq!(
        of("falco", "kubernetes_audit", &request),
        json!({
            "ka.verb": "create", "ka.user.groups": ["a"], "ka.auth.decision": "allow",
            "ka.req.pod.host_pid": "true",
        })
    );
    let patch = json!({ "requestObject": [{ "op": "add", "value": { "containers": [{ "image": "x" }] } }] });
    assert_eq!(
        of("splunk", "kubernetes_audit", &patch),
        json!({
            "requestObject{}.op": ["add"], "requestObject{}.value.containers{}.image": ["x"],
            "sourcetype": "kube:apiserver-audit",
        })
    );
}

#[test]
fn an_event_is_made_one_of_its_source() {
    let targets = targets();
    let elastic = targets.iter().find(|target| target.name() == "elastic").expect("a target");
    let source = Catalogue::builtin().source("process").expect("a source");
    // What makes it an event of the source is put right; what the target does not have is left out.
    let event = json!({ "event": { "type": "end" }, "compose": { "x": 1 } });
    let projected = project(elastic, source, &event).expect("an event");
    assert_eq!(projected, json!({ "host.os.type": "linux", "event.category": "process", "event.type": "start" }));
    assert!(project(elastic, Catalogue::builtin().source("container_start").expect("a source"), &event).is_none());
}
