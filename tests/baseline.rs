//! `cresset baseline` as it is run: what it proposes for logs of which the truth is known, and what becomes of the
//! proposals when they are approved.

#[path = "common/program.rs"]
mod program;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use program::{cresset, said};
use serde_json::{Value, json};

/// The day of all tests.
const TODAY: &str = "2026-11-20";

/// A project with detections and logs.
fn project(detections: &[(&str, &str)], events: &[Value]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("detections")).expect("a folder");
    for (name, text) in detections {
        fs::write(folder.path().join(format!("detections/{name}.yml")), text).expect("written");
    }
    fs::write(folder.path().join("log.jsonl"), lines(events)).expect("written");
    folder
}

fn lines<'e>(events: impl IntoIterator<Item = &'e Value>) -> String {
    events.into_iter().fold(String::new(), |mut text, event| {
        _ = writeln!(text, "{event}");
        text
    })
}

/// A process start.
struct Start<'s> {
    id: u64,
    day: u64,
    host: &'s str,
    user: &'s str,
    parent: &'s str,
    args: &'s [&'s str],
}

impl Start<'_> {
    fn event(&self) -> Value {
        let Start { id, day, host, user, parent, args } = self;
        json!({
            "@timestamp": format!("2026-11-{day:02}T10:{:02}:00Z", id % 60),
            "event": { "id": id, "category": "process", "type": "start" },
            "host": { "name": host },
            "user": { "name": user },
            "process": {
                "pid": id, "executable": format!("/usr/bin/{}", args.first().expect("a program")), "args": args, "command_line": args.join(" "),
                "working_directory": "/", "parent": { "pid": 1, "executable": parent },
            },
        })
    }
}

/// Somebody reads the Docker socket.
const SOCKET: &str = r#"
id: 5b0c1c3e-0c4e-4c57-9a51-2f6c7f0f6b01
title: Docker socket asked
version: 1
status: stable
severity: medium
confidence: medium
description: Whoever talks to the Docker socket has the host.
author: Cresset
created: 2026-11-24
attack: [T1611]
triage: Who started it?
observe:
  process:
    socket: { process.command_line|contains: docker.sock }
    condition: socket
tests:
  - source: process
    matches: [{ process: { args: [curl, --unix-socket, /run/docker.sock, "http://x/info"] } }]
    misses: [{ process: { args: [curl, "http://x/info"] } }]
"#;

/// An agent that asks every day, one odd command of the agent, and an attacker.
fn mixed() -> Vec<Value> {
    let mut events = Vec::new();
    let agent = "/opt/inventory/bin/agent";
    for id in 1..=200 {
        let host = ["node-1", "node-2", "node-3"].get(id as usize % 3).expect("a host");
        let number = id.to_string();
        let args: &[&str] = &["curl", "--unix-socket", "/run/docker.sock", &number];
        events.push(Start { id, day: 1 + id % 14, host, user: "inventory", parent: agent, args }.event());
    }
    let args = &["socat", "-", "UNIX-CONNECT:/var/run/docker.sock"];
    events.push(Start { id: 300, day: 9, host: "node-2", user: "root", parent: "/usr/bin/bash", args }.event());
    events.push(Start { id: 301, day: 9, host: "laptop-7", user: "inventory", parent: agent, args }.event());
    events.push(Start { id: 302, day: 9, host: "node-1", user: "www-data", parent: agent, args }.event());
    events.push(Start { id: 303, day: 9, host: "node-1", user: "inventory", parent: "/tmp/agent", args }.event());
    events
}

const BASELINE: [&str; 4] = ["baseline", "log.jsonl", "--today", TODAY];

fn baseline(folder: &Path, more: &[&str]) -> Value {
    let args: Vec<&str> = BASELINE.iter().chain(more).chain(&["--format", "json"]).copied().collect();
    serde_json::from_str(&said(folder, &args, 0)).expect("JSON")
}

fn proposals(report: &Value) -> &[Value] {
    report.pointer("/baseline/proposals").and_then(Value::as_array).expect("proposals")
}

/// The detection and the event of every hit.
fn hits(folder: &Path, log: &str) -> BTreeSet<(String, String)> {
    let text = |hit: &Value, key: &str| hit.get(key).and_then(Value::as_str).expect("text").to_owned();
    let hits = said(folder, &["hunt", log, "--format", "json"], 0);
    let hits = hits.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    hits.map(|hit| (text(&hit, "name"), text(&hit, "event"))).collect()
}

/// The detection of every hit, and all that is told of it.
fn hit_lines(folder: &Path, log: &str) -> BTreeSet<(String, String)> {
    let hits = said(folder, &["hunt", log, "--format", "json"], 0);
    let name = |line: &str| {
        let hit: Value = serde_json::from_str(line).expect("JSON");
        hit.get("name").and_then(Value::as_str).expect("a name").to_owned()
    };
    hits.lines().map(|line| (name(line), line.to_owned())).collect()
}

/// Approves all files of exceptions.
fn approve(folder: &Path) {
    for entry in fs::read_dir(folder.join("exceptions")).expect("exceptions").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a text");
        let approved = text
            .replace("\nreason: TODO why", "\nreason: I know why")
            .replace("\nowner: TODO\n", "\nowner: ops\n")
            .replace("\nstatus: proposed\n", "\nstatus: approved\n");
        assert_ne!(approved, text);
        fs::write(entry.path(), approved).expect("written");
    }
}

/// Writes the proposals, looks that they change nothing yet, approves them, and looks that just the hits that were
/// counted are gone. Gives back which those are.
fn approved(folder: &Path, log: &str, more: &[&str]) -> BTreeSet<(String, String)> {
    let args = ["baseline", log, "--today", TODAY, "--out", "exceptions", "--format", "json"];
    let args: Vec<&str> = args.iter().chain(more).copied().collect();
    let report: Value = serde_json::from_str(&said(folder, &args, 0)).expect("JSON");
    assert!(!proposals(&report).is_empty(), "{report:#}");
    said(folder, &["check", "--today", TODAY], 0);
    said(folder, &["fmt", "--check", "exceptions"], 0);
    let (before, lines_before) = (hits(folder, log), hit_lines(folder, log));
    approve(folder);
    said(folder, &["check", "--today", TODAY], 0);
    let (after, lines_after) = (hits(folder, log), hit_lines(folder, log));
    assert!(after.is_subset(&before));
    // Both stages of a request are hits, and have one id.
    let lines_gone: Vec<_> = lines_before.difference(&lines_after).collect();
    let gone: BTreeSet<_> = before.difference(&after).cloned().collect();
    for summary in report.pointer("/baseline/detections").and_then(Value::as_array).expect("detections") {
        let of_it = lines_gone.iter().filter(|(name, _)| summary["detection"] == name.as_str()).count() as u64;
        let explained: u64 = report
            .pointer("/baseline/detections")
            .and_then(Value::as_array)
            .expect("detections")
            .iter()
            .filter(|other| other["detection"] == summary["detection"])
            .filter_map(|other| other["explained"].as_u64())
            .sum();
        assert_eq!(of_it, explained, "{summary:#}");
    }
    gone
}

#[test]
fn what_is_frequent_is_explained_and_what_is_rare_stays() {
    let folder = project(&[("socket", SOCKET)], &mixed());
    let root = folder.path();
    let report = baseline(root, &[]);
    let [proposal] = proposals(&report) else { panic!("{report:#}") };
    assert_eq!((&report["totals"]["events"], &report["totals"]["hits"]), (&json!(204), &json!(204)));
    assert_eq!(proposal["seen"]["hits"], 200);
    assert_eq!(proposal["detections"], json!([{ "detection": "socket", "hits": 200, "of": 204 }]));
    let asked = |field: &str| {
        let conditions = proposal["conditions"].as_array().expect("conditions");
        conditions.iter().find(|asked| asked["field"] == field).map(|asked| asked["is"].clone())
    };
    assert_eq!(asked("process.parent.executable"), Some(json!({ "one_of": ["/opt/inventory/bin/agent"] })));
    assert_eq!(asked("user.name"), Some(json!({ "one_of": ["inventory"] })));
    // One hit on a strange host is what the place tells apart.
    assert_eq!(asked("host.name"), Some(json!({ "one_of": ["node-1", "node-2", "node-3"] })));
    assert_eq!(asked("process.command_line"), None);
    let yaml = proposal["yaml"].as_str().expect("text");
    for wanted in ["status: proposed\n", "owner: TODO\n", "reason: TODO", "expires: 2027-02-12\n", "200 of 204 hits"] {
        assert!(yaml.contains(wanted), "{wanted} is not in\n{yaml}");
    }
    let gone = approved(root, "log.jsonl", &[]);
    let left: BTreeSet<String> = hits(root, "log.jsonl").into_iter().map(|(_, event)| event).collect();
    assert_eq!(left.iter().map(String::as_str).collect::<Vec<_>>(), ["300", "301", "302", "303"]);
    assert_eq!(gone.len(), 200);
    // What is excepted is no hit any more, so there is nothing to propose again; and the pack is still proved.
    assert!(proposals(&baseline(root, &[])).is_empty());
    said(root, &["build"], 0);
    said(root, &["verify"], 0);
}

#[test]
fn equal_logs_give_equal_bytes() {
    let events = mixed();
    let folder = project(&[("socket", SOCKET)], &events);
    let root = folder.path();
    let wanted = said(root, &BASELINE, 0);
    assert!(wanted.contains("process.parent.executable: /opt/inventory/bin/agent"), "{wanted}");
    for round in 0..3_usize {
        let mut state = round as u64 + 7;
        let mut shuffled: Vec<&Value> = events.iter().collect();
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(at, (state >> 33) as usize % (at + 1));
        }
        let (a, b) = shuffled.split_at(shuffled.len() / (round + 2));
        fs::write(root.join("a.jsonl"), lines(a.iter().copied())).expect("written");
        fs::write(root.join("b.jsonl"), lines(b.iter().copied())).expect("written");
        for names in [["a.jsonl", "b.jsonl"], ["b.jsonl", "a.jsonl"], ["b.jsonl", "[ab].jsonl"]] {
            assert_eq!(said(root, &["baseline", names[0], names[1], "--today", TODAY], 0), wanted);
        }
    }
}

#[test]
fn no_event_that_must_match_is_covered() {
    // The agent's command on one host is what the detection's own test is about.
    let wanted = mixed().into_iter().find(|event| event["host"]["name"] == "node-2").expect("an event");
    let test = format!("tests:\n  - source: process\n    matches: [{wanted}]\n    misses: [{{}}]\n");
    let (logic, _) = SOCKET.split_once("tests:").expect("tests");
    let folder = project(&[("socket", &format!("{logic}{test}"))], &mixed());
    let root = folder.path();
    let report = baseline(root, &[]);
    let [proposal] = proposals(&report) else { panic!("{report:#}") };
    let hosts = json!({ "field": "host.name", "is": { "one_of": ["node-1", "node-3"] } });
    assert!(proposal["conditions"].as_array().expect("conditions").contains(&hosts), "{proposal:#}");
    let gone = approved(root, "log.jsonl", &[]);
    assert!(gone.len() > 100 && gone.len() < 200, "{}", gone.len());
    said(root, &["test"], 0);
    let explained = ["explain", "socket", &wanted.to_string(), "--source", "process"].map(str::to_owned);
    let explained: Vec<&str> = explained.iter().map(String::as_str).collect();
    assert!(said(root, &explained, 0).contains("matches"));

    // Nothing but what the test shows: there is nothing to propose.
    let only: Vec<Value> = mixed().into_iter().filter(|event| event["host"]["name"] == "node-2").collect();
    fs::remove_dir_all(root.join("exceptions")).expect("removed");
    fs::write(root.join("log.jsonl"), lines(&only)).expect("written");
    let report = baseline(root, &[]);
    assert!(proposals(&report).is_empty(), "{report:#}");
    let reason = report.pointer("/baseline/detections/0/refused/0/reason").and_then(Value::as_str).expect("a reason");
    assert!(reason.contains("an event that must match"), "{reason}");
}

#[test]
fn a_detection_is_never_silenced() {
    // All that the detection finds is two agents with two users.
    let logic = |observe: &str| {
        let (head, _) = SOCKET.split_once("observe:").expect("a condition");
        format!("{head}observe:\n  process:\n    it: {observe}\n    condition: it\n")
    };
    let observe = "{ process.parent.executable: [/opt/a, /opt/b], user.name: [root, svc] }";
    let mut events = Vec::new();
    for id in 1..=160 {
        let (user, parent) =
            [("root", "/opt/a"), ("svc", "/opt/a"), ("root", "/opt/b"), ("svc", "/opt/b")][id as usize % 4];
        let day = 1 + (id / 4) % 10;
        let number = id.to_string();
        let args: &[&str] = &["curl", &number];
        events.push(Start { id, day, host: "h", user, parent, args }.event());
    }
    let folder = project(&[("agents", &logic(observe))], &events);
    let report = baseline(folder.path(), &[]);
    let refused = report.pointer("/baseline/refused/0/reason").and_then(Value::as_str).unwrap_or_default();
    assert!(refused.contains("nothing would be left of `agents`"), "{report:#}");
    assert_eq!(proposals(&report).len(), 1, "{report:#}");
    // Nor together with what is in force, be it of the profile alone.
    fs::write(folder.path().join("cresset.yml"), "name: acme\n").expect("written");
    baseline(folder.path(), &["--out", "exceptions"]);
    approve(folder.path());
    let report = baseline(folder.path(), &[]);
    let refused = report.pointer("/baseline/refused/0/reason").and_then(Value::as_str).unwrap_or_default();
    assert!(refused.contains("nothing would be left of `agents`"), "{report:#}");
    assert!(proposals(&report).is_empty(), "{report:#}");

    // What the detection asks itself tells nothing, however often it is so.
    let observe = "{ process.parent.executable: /opt/a, user.name: root }";
    let folder = project(&[("agents", &logic(observe))], &events);
    let report = baseline(folder.path(), &[]);
    assert!(proposals(&report).is_empty(), "{report:#}");
    assert!(!report.pointer("/baseline/detections/0/refused").and_then(Value::as_array).expect("a list").is_empty());
}

#[test]
fn a_burst_is_no_baseline_and_a_shell_is_nobody() {
    let mut events = Vec::new();
    for id in 1..=500 {
        let number = id.to_string();
        let args: &[&str] = &["curl", "--unix-socket", "/run/docker.sock", &number];
        events.push(Start { id, day: 9, host: "h", user: "root", parent: "/opt/worm", args }.event());
        let day = 1 + id % 10;
        events.push(Start { id: 1000 + id, day, host: "h", user: "root", parent: "/usr/bin/bash", args }.event());
        events.push(Start { id: 2000 + id, day, host: "h", user: "node", parent: "/usr/bin/python3.11", args }.event());
    }
    let folder = project(&[("socket", SOCKET)], &events);
    let report = baseline(folder.path(), &[]);
    assert!(proposals(&report).is_empty(), "{report:#}");
    let report = baseline(folder.path(), &["--min-days", "1"]);
    let [worm] = proposals(&report) else { panic!("{report:#}") };
    assert_eq!(worm["seen"]["hits"], 500);
    assert!(proposals(&baseline(folder.path(), &["--min-days", "1", "--min-count", "501"])).is_empty());
    assert!(proposals(&baseline(folder.path(), &["--min-days", "1", "--min-hosts", "2"])).is_empty());
    assert!(proposals(&baseline(folder.path(), &["--min-days", "1", "--min-share", "34"])).is_empty());
}

/// Many accounts of one runner are one cause, although none of them is frequent; two agents are two.
#[test]
fn causes_are_few_and_have_one_name_each() {
    let mut events = Vec::new();
    for id in 1..=100 {
        let (user, number) = (format!("ci{}", id % 50), id.to_string());
        let args: &[&str] = &["curl", "--unix-socket", "/run/docker.sock", &number];
        events.push(Start { id, day: 1 + id % 9, host: "ci-1", user: &user, parent: "/opt/runner", args }.event());
        for (at, (user, parent)) in [("a", "/opt/one"), ("b", "/opt/one"), ("a", "/opt/two")].into_iter().enumerate() {
            let id = id + 1000 * (1 + at as u64);
            events.push(Start { id, day: 1 + id % 9, host: "h", user, parent, args }.event());
        }
    }
    let folder = project(&[("socket", SOCKET)], &events);
    let report = baseline(folder.path(), &[]);
    let conditions: BTreeSet<String> =
        proposals(&report).iter().map(|proposal| proposal["conditions"].to_string()).collect();
    assert_eq!(conditions.len(), 3, "{conditions:#?}");
    assert!(conditions.iter().any(|c| c.contains("/opt/one") && c.contains(r#"["a","b"]"#)), "{conditions:#?}");
    assert!(conditions.iter().any(|c| c.contains("/opt/runner") && c.contains("ci-1") && !c.contains("user")));
    assert_eq!(approved(folder.path(), "log.jsonl", &[]).len(), 400);
}

#[test]
fn why_nothing_is_proposed_is_said_as_it_is() {
    let agent = |id| {
        let args = &["curl", "--unix-socket", "/run/docker.sock"];
        Start { id, day: 1 + id % 5, host: "node-1", user: "svc", parent: "/opt/a/run", args }.event()
    };
    let told = |detection: &str, hits: u64| {
        let events: Vec<Value> = (0..hits).map(agent).collect();
        let folder = project(&[("socket", detection)], &events);
        String::from_utf8_lossy(&cresset(folder.path(), &BASELINE).stderr).into_owned()
    };
    // The detection is about these very hits.
    let own = SOCKET.replace(
        "process.command_line|contains: docker.sock }",
        "process.command_line|contains: docker.sock, process.parent.executable: /opt/a/run, user.name: svc }",
    );
    let why = told(&own, 50);
    assert!(why.contains("the detection itself asks for all that these hits have in common"), "{why}");
    assert!(why.ends_with("no exception is proposed\n"), "{why}");
    assert!(told(SOCKET, 3).ends_with("nothing is frequent enough to propose an exception\n"));
}

#[test]
fn proposals_that_are_too_many_are_told_once() {
    let names: Vec<[String; 2]> = (0..60).map(|at| [format!("/opt/a{at}/run"), format!("u{at}")]).collect();
    let mut events = Vec::new();
    for (at, [parent, user]) in names.iter().enumerate() {
        for id in 0..10 {
            let args = &["curl", "--unix-socket", "/run/docker.sock"];
            let id = 100 * at as u64 + id;
            events.push(Start { id, day: 1 + id % 5, host: "node-1", user, parent, args }.event());
        }
    }
    let folder = project(&[("socket", SOCKET)], &events);
    let report = baseline(folder.path(), &[]);
    assert_eq!(proposals(&report).len(), 40);
    let refused = report.pointer("/baseline/detections/0/refused").and_then(Value::as_array).expect("a list");
    let [one] = refused.as_slice() else { panic!("{refused:?}") };
    assert_eq!((&one["hits"], &one["conditions"]), (&json!(200), &json!([])));
    assert!(one["reason"].as_str().expect("text").starts_with("20 proposals more could be made"), "{one}");
    let output = cresset(folder.path(), &BASELINE);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("no proposal for 200 hits of socket in process: 20 proposals more"), "{told}");
}

#[test]
fn groups_without_a_proposal_are_not_all_listed() {
    // Shells do what others tell them, and each of these commands is another one.
    let users: Vec<String> = (0..30).map(|at| format!("u{at}")).collect();
    let mut events = Vec::new();
    for (at, user) in users.iter().enumerate() {
        for id in 0..10 {
            let command = format!("http://x/{}", 100 * at + id);
            let args = &["curl", "--unix-socket", "/run/docker.sock", &command];
            let id = (100 * at + id) as u64;
            let host = format!("h{id}");
            events.push(Start { id, day: 1 + id % 5, host: &host, user, parent: "/bin/sh", args }.event());
        }
    }
    let folder = project(&[("socket", SOCKET)], &events);
    let report = baseline(folder.path(), &[]);
    let refused = report.pointer("/baseline/detections/0/refused").and_then(Value::as_array).expect("a list");
    let output = cresset(folder.path(), &BASELINE);
    let told = String::from_utf8_lossy(&output.stderr);
    let groups = told.lines().filter(|line| line.starts_with("no proposal")).count();
    assert!(refused.len() > 11 && groups == 11, "{} {told}", refused.len());
    assert!(told.contains(&format!("in {} groups more; `--format json` lists them", refused.len() - 10)), "{told}");
}

#[test]
fn whatever_a_log_holds_is_text() {
    let hostile = [
        "/opt/*",
        "/opt/a?",
        "/opt/back\\slash\\*",
        "$docker_socket",
        "\\$x",
        "x: y # z",
        "- [a, {b: c}] & *alias !tag %",
        "\"'`",
        "null",
        "0",
        "/opt/p\u{430}th",
        "TODO",
        "\u{1F600}",
        " blank ",
    ];
    let hidden = ["a\nstatus: approved", "b\u{202e}c", "d\u{7}", "e\u{200b}", ""];
    let mut events = Vec::new();
    let args = &["curl", "--unix-socket", "/run/docker.sock"];
    let mut id = 0;
    for (kind, parent) in hostile.iter().chain(&hidden).enumerate() {
        for _ in 0..20 {
            id += 1;
            let user = format!("user: {kind} # \"");
            events.push(Start { id, day: 1 + id % 5, host: "h\n# x", user: &user, parent, args }.event());
        }
    }
    // What a wildcard would cover.
    for parent in ["/opt/evil", "/opt/ab", "/opt/path", "/OPT/*"] {
        id += 1;
        events.push(Start { id, day: 1, host: "h", user: "user: 0 # \"", parent, args }.event());
    }
    let folder = project(&[("socket", SOCKET)], &events);
    let root = folder.path();
    let text = said(root, &BASELINE, 0);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
    assert!(text.is_ascii() || !text.contains('\u{202e}'), "{text}");
    let gone = approved(root, "log.jsonl", &[]);
    let left: BTreeSet<u64> = hits(root, "log.jsonl").into_iter().filter_map(|(_, event)| event.parse().ok()).collect();
    let first_hidden = 20 * hostile.len() as u64;
    // Who cannot be named by the parent's name may still be known by the rest, or stays.
    assert!((1..=first_hidden).all(|id| !left.contains(&id)), "{left:?}");
    // The last one is the first in another case, which a rule may not tell apart; the count knew it.
    assert!((id - 3..id).all(|id| left.contains(&id)), "{left:?}");
    assert!(gone.len() as u64 > first_hidden);
}

#[test]
fn no_file_is_replaced() {
    let folder = project(&[("socket", SOCKET)], &mixed());
    let root = folder.path();
    let write = ["baseline", "log.jsonl", "--today", TODAY, "--out", "exceptions"];
    let listed = said(root, &write, 0);
    let path = root.join(listed.trim_end());
    let text = fs::read_to_string(&path).expect("a file");
    assert_eq!(format!("# {listed}{text}"), said(root, &BASELINE, 0));
    assert!(said(root, &write, 0).contains("(unchanged)"));
    fs::write(&path, text.replace("owner: TODO", "owner: mine")).expect("written");
    let output = cresset(root, &write);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("says something else"));
    assert!(fs::read_to_string(&path).expect("a file").contains("owner: mine"));
    let owner = ["baseline", "log.jsonl", "--owner", "platform: team", "--ticket", "CHG-1", "--expires", "2027-01-31"];
    let text = said(root, &owner, 0);
    for wanted in ["owner: \"platform: team\"\n", "ticket: CHG-1\n", "expires: 2027-01-31\n"] {
        assert!(text.contains(wanted), "{text}");
    }
    assert_eq!(cresset(root, &["baseline", "log.jsonl", "--owner", "a\nb"]).status.code(), Some(2));
    assert_eq!(cresset(root, &["baseline", "none.jsonl"]).status.code(), Some(2));
}

/// Memory is bounded: fields of too many values are left out, and whoever reviews is told.
#[test]
fn fields_of_too_many_values_are_left_out() {
    let mut events = mixed();
    for id in 1000..6000 {
        let number = id.to_string();
        let args: &[&str] = &["curl", "--unix-socket", "/run/docker.sock", &number];
        let parent = "/opt/inventory/bin/agent";
        events.push(Start { id, day: 1 + id % 14, host: "node-1", user: "inventory", parent, args }.event());
    }
    let folder = project(&[("socket", SOCKET)], &events);
    let report = baseline(folder.path(), &[]);
    assert_eq!(report.pointer("/baseline/detections/0/dropped"), Some(&json!(["process.command_line"])), "{report:#}");
    let [proposal] = proposals(&report) else { panic!("{report:#}") };
    let yaml = proposal["yaml"].as_str().expect("text");
    assert!(yaml.contains("\n# Not looked at, because there were too many different values: process.command_line.\n"));
    assert_eq!(approved(folder.path(), "log.jsonl", &[]).len(), 5200);
}

/// A date that an attacker writes does not make an exception last.
#[test]
fn the_end_does_not_follow_dates_to_come() {
    let mut events = mixed();
    events[0]["@timestamp"] = json!("2098-01-01T00:00:00Z");
    let folder = project(&[("socket", SOCKET)], &events);
    assert!(said(folder.path(), &BASELINE, 0).contains("expires: 2027-02-12\n"));
}

#[test]
fn a_proposal_is_of_its_profile() {
    let folder = project(&[("socket", SOCKET)], &mixed());
    let root = folder.path();
    fs::write(root.join("cresset.yml"), "name: acme\ntargets: { falco: { enabled: false } }\n").expect("written");
    assert!(said(root, &BASELINE, 0).contains("profiles: [acme]\n"));
    approved(root, "log.jsonl", &[]);
}

/// The example of the README is what the command prints.
#[test]
fn the_readme_shows_what_is_printed() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README");
    let (_, section) = readme.split_once("**Propose** exceptions").expect("the section");
    let example = section.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let folder = tempfile::tempdir().expect("a folder");
    said(folder.path(), &["init", "soc"], 0);
    let root = folder.path().join("soc");
    fs::write(root.join("log.jsonl"), lines(&mixed())).expect("written");
    let printed = said(&root, &BASELINE, 0);
    let (name, text) = printed.split_once('\n').expect("a line");
    assert_eq!((name, text), ("# exceptions/docker_socket_used_agent.yml", example));
}

/// The pack on the logs that it is tested on: what its tests show is not excepted, whatever is asked for.
#[test]
fn the_tests_of_the_pack_hold_on_recorded_logs() {
    let folder = tempfile::tempdir().expect("a folder");
    said(folder.path(), &["init", "soc"], 0);
    let root = folder.path().join("soc");
    let report = said(
        &root,
        &["baseline", "tests/logs", "--min-days", "1", "--min-count", "3", "--format", "json", "--today", TODAY],
        0,
    );
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let summaries = report.pointer("/baseline/detections").and_then(Value::as_array).expect("detections");
    let sum = |key: &str| -> u64 { summaries.iter().filter_map(|summary| summary[key].as_u64()).sum() };
    assert!(sum("hits") > 300, "{}", sum("hits"));
    assert!(summaries.iter().any(|summary| summary["refused"].as_array().is_some_and(|refused| !refused.is_empty())));
    // All but a few of the hits are events of tests.
    assert!(sum("explained") * 20 < sum("hits"), "{} of {}", sum("explained"), sum("hits"));
}

/// The same logs without the tests that name their events: proposals are made for several log sources, and the rules of
/// all targets can say them.
#[test]
fn recorded_logs_without_their_tests_give_proposals_that_hold() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    said(folder.path(), &["init", "soc"], 0);
    let root = folder.path().join("soc");
    for entry in fs::read_dir(root.join("detections/container")).expect("detections").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a text");
        // The tests on recorded logs go: they name their log, and run to the next test.
        let (head, tests) = text.split_once("\ntests:\n").unwrap_or((&text, ""));
        let tests = tests.split("\n  - ").map(|test| test.trim_start_matches("  - ").trim_end());
        let inline = tests.filter(|test| !test.starts_with("log:") && !test.is_empty());
        let inline: Vec<String> = inline.map(|test| format!("  - {test}\n")).collect();
        if !inline.is_empty() {
            fs::write(entry.path(), format!("{head}\ntests:\n{}", inline.concat())).expect("written");
        }
    }
    let log = here.join("tests/logs/kubernetes/audit.jsonl.zst");
    let args = ["--min-days", "1", "--min-count", "4"];
    let gone = approved(&root, log.to_str().expect("UTF-8"), &args);
    assert!(gone.len() > 20, "{}", gone.len());
}
