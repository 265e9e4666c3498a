//! What a change means: pairs of small projects, compared through the library.

use std::fs;
use std::path::Path;

use cresset::diff::edits::EditKind;
use cresset::diff::gate::{Gate, stopped};
use cresset::diff::meaning::{Change, Moved};
use cresset::diff::risk::RiskKind;
use cresset::diff::rules::{Follows, RuleState};
use cresset::diff::side::{ProfileChoice, Side};
use cresset::diff::{self, Cause, DetectionChange, Diff, Options, SourceState, State, show};
use cresset::logic::decide::Budget;
use cresset::logic::{Reading, evaluate};
use cresset::pack;
use cresset::source::Catalogue;
use cresset::target::{self, PackInfo};
use tempfile::TempDir;

/// A detection that all tests start from.
const BASE: &str = r#"id: 3f1c7f7e-5a5e-4b39-9a41-6f0d0a1d2c01
title: Network tool started by a shell
version: 1
status: test
severity: high
confidence: medium
description: A shell starts a tool that opens connections.
author: Somebody
created: 2026-11-01
attack: [T1059]
triage: Who started it?
tags: [network]
observe:
  process:
    tool:
      process.name: [nc, ncat]
    shell:
      process.parent.name: [bash, sh]
    known:
      user.name: backup
    condition: tool and shell and not known
tests:
  - source: process
    matches:
      - { process: { name: nc, parent: { name: bash } }, user: { name: dev } }
    misses:
      - { process: { name: nc, parent: { name: bash } }, user: { name: backup } }
"#;

struct Project(TempDir);

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Self(folder);
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn side(&self) -> Side {
        Side::read("side", self.0.path(), Path::new(""), &ProfileChoice::Own, Catalogue::builtin())
    }

    /// Builds the pack into `out/`, as `cresset build` does.
    fn build(&self) {
        let side = self.side();
        assert!(side.is_sound(), "{:?}", side.broken);
        let targets = target::load_all(None).expect("targets");
        let pack = PackInfo::default();
        let built = target::build(&targets, &side.detections, Catalogue::builtin(), &pack, &|| ()).expect("a build");
        pack::write(&self.0.path().join("out"), &built, &pack, None).expect("written");
    }
}

fn one(text: &str) -> Project {
    Project::new(&[("detections/tool.yml", text)])
}

fn compared(before: &Project, after: &Project) -> Diff {
    diff::compare(&before.side(), &after.side(), Catalogue::builtin(), &Options { rules: true, ..Options::default() })
}

/// What became of [`BASE`] when texts in it are replaced.
fn changed(edits: &[(&str, &str)]) -> Diff {
    compared(&one(BASE), &one(&edited(edits)))
}

fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(BASE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

fn only(diff: &Diff) -> &DetectionChange {
    assert_eq!(diff.detections.len(), 1, "{:?} {:?}", diff.base.broken, diff.head.broken);
    diff.detections.first().expect("a change")
}

fn risks(diff: &Diff) -> Vec<RiskKind> {
    diff.detections.iter().flat_map(|change| &change.risks).map(|risk| risk.kind).collect()
}

fn change_of(diff: &Diff) -> Change {
    only(diff).sources.first().and_then(|source| source.change).expect("a change of logic")
}

#[test]
fn a_text_that_means_the_same_is_no_change_at_all() {
    let same = changed(&[
        ("    tool:\n      process.name: [nc, ncat]\n", ""),
        (
            "    condition: tool and shell and not known",
            "    program:   # another name, another place\n      process.name: [ncat, nc]\n    \
             condition: not known and (shell and program)",
        ),
    ]);
    // The formulas differ in their order, and are decided to mean the same.
    let source = only(&same).sources.first().expect("a source");
    assert_eq!(source.change, Some(Change::Unchanged));
    assert!(risks(&same).is_empty() && source.meaning.as_ref().expect("a meaning").is_unchanged());
    let comments = changed(&[("status: test", "# a comment\nstatus:    'test'")]);
    assert!(comments.detections.is_empty() && comments.unchanged == 1, "{comments:?}");
}

#[test]
fn wider_narrower_and_both_come_with_events_that_show_it() {
    let wider = ("[nc, ncat]", "[nc, ncat, socat]");
    let narrower = ("[bash, sh]", "[bash]");
    let before = one(BASE).side();
    for (edits, expected) in [
        (vec![wider], Change::Wider),
        (vec![narrower], Change::Narrower),
        (vec![wider, narrower], Change::Both),
        // De Morgan.
        (vec![("tool and shell and not known", "not (not tool or not shell or known)")], Change::Unchanged),
    ] {
        let diff = changed(&edits);
        assert_eq!(change_of(&diff), expected, "{edits:?}");
        let after = one(&edited(&edits)).side();
        let meaning = only(&diff).sources.first().and_then(|source| source.meaning.as_ref()).expect("a meaning");
        let says = |side: &Side, event| {
            let formula = &side.detections.first().and_then(|d| d.observation("process")).expect("observed").formula;
            evaluate(formula, event, Reading::Must)
        };
        if let Moved::Some { event, .. } = &meaning.must.gained {
            assert!(says(&after, event) && !says(&before, event), "{event}");
        }
        if let Moved::Some { event, .. } = &meaning.must.lost {
            assert!(says(&before, event) && !says(&after, event), "{event}");
        }
        let version = risks(&diff).contains(&RiskKind::Version);
        assert_eq!(version, expected != Change::Unchanged);
    }
}

#[test]
fn events_are_as_small_as_they_can_be() {
    let diff = changed(&[("[nc, ncat]", "[nc, ncat, socat]")]);
    let meaning = only(&diff).sources.first().and_then(|source| source.meaning.as_ref()).expect("a meaning");
    let Moved::Some { event, .. } = &meaning.must.gained else { panic!("{meaning:?}") };
    assert_eq!(*event, serde_json::json!({"process": {"name": "socat", "parent": {"name": "sh"}}}));
    assert_eq!(meaning.must.lost, Moved::None);
}

#[test]
fn what_only_rules_may_match_is_told_apart() {
    let diff = changed(&[("process.name: [nc, ncat]", "process.name|cased: [nc, ncat]")]);
    let source = only(&diff).sources.first().expect("a source");
    assert_eq!((source.change, source.only_may), (Some(Change::Unchanged), true));
    assert_eq!(source.meaning.as_ref().expect("a meaning").may.change(), Change::Narrower);
    assert!(risks(&diff).contains(&RiskKind::Version), "the logic changed all the same");
    assert_eq!(stopped(&diff, &[Gate::May, Gate::Wider, Gate::Narrower]), ["may: tool"]);
}

#[test]
fn every_risky_change_stands_out() {
    const KNOWN: &str = "    known:\n      user.name: backup\n";
    type Edits = &'static [(&'static str, &'static str)];
    let cases: [(Edits, RiskKind, Gate); 10] = [
        (&[(KNOWN, "    known:\n      process.name: [nc, ncat, socat]\n")], RiskKind::Swallowed, Gate::Swallowed),
        (&[(KNOWN, "    known:\n      process.name: n*\n")], RiskKind::NeverMatches, Gate::NeverMatches),
        (
            &[
                ("tool and shell and not known", "tool and shell and not known and more"),
                (KNOWN, "    known:\n      user.name: backup\n    more:\n      process.name: socat\n"),
            ],
            RiskKind::NeverMatches,
            Gate::NeverMatches,
        ),
        (&[("severity: high", "severity: low")], RiskKind::SeverityLowered, Gate::SeverityLowered),
        (&[("3f1c7f7e", "4f1c7f7e")], RiskKind::IdChanged, Gate::IdChanged),
        (&[("[bash, sh]", "[bash]")], RiskKind::Version, Gate::Version),
        (&[("process.parent.name: [", "process.parent.executable: [")], RiskKind::FieldRenamed, Gate::FieldRenamed),
        (
            &[("    misses:\n      - { process: { name: nc, parent: { name: bash } }, user: { name: backup } }\n", "")],
            RiskKind::TestsWeakened,
            Gate::Tests,
        ),
        (&[("tests:\n", "targets: { splunk: { enabled: false } }\ntests:\n")], RiskKind::RuleGone, Gate::RuleGone),
        (
            &[("tests:\n", "targets: { splunk: { severity: low } }\ntests:\n")],
            RiskKind::SeverityLowered,
            Gate::SeverityLowered,
        ),
    ];
    for (edits, kind, gate) in cases {
        let diff = changed(edits);
        assert!(risks(&diff).contains(&kind), "{kind:?}: {:?}\n{:?}", risks(&diff), diff.head.broken);
        assert_eq!(stopped(&diff, &[gate]).len(), 1, "{gate:?}");
        assert!(!stopped(&diff, &[Gate::Risk]).is_empty());
        // The same change the other way round is another one.
        let none = compared(&one(BASE), &one(BASE));
        assert!(stopped(&none, &[gate, Gate::Risk]).is_empty());
    }
}

#[test]
fn an_exception_that_swallows_one_alternative_is_found_though_the_rest_still_matches() {
    let condition = "    condition: tool and shell and not known";
    let diff = changed(&[
        (
            condition,
            "    other:\n      process.name: socat\n    condition: (tool and shell and not tools) or (other and not known)",
        ),
        ("    known:", "    tools:\n      process.name: [nc, ncat]\n    known:"),
    ]);
    let swallowed: Vec<&str> =
        only(&diff).risks.iter().filter(|risk| risk.kind == RiskKind::Swallowed).map(|r| r.message.as_str()).collect();
    assert_eq!(swallowed, ["the exception `tools` covers a whole alternative of the condition"]);
    assert!(!risks(&diff).contains(&RiskKind::NeverMatches));
}

#[test]
fn a_raised_version_is_no_risk_and_a_log_source_more_asks_for_one() {
    let raised = changed(&[("[bash, sh]", "[bash]"), ("version: 1", "version: 2")]);
    assert!(!risks(&raised).contains(&RiskKind::Version));
    let fallen = compared(&one(&edited(&[("version: 1", "version: 2")])), &one(BASE));
    assert_eq!(risks(&fallen), [RiskKind::Version]);
    let source = "  compose:\n    privileged:\n      service.privileged: true\n    condition: privileged\ntests:\n";
    let more = changed(&[("tests:\n", source)]);
    let added = only(&more).sources.first().expect("a source");
    assert_eq!((added.source.as_str(), added.state), ("compose", SourceState::Added));
    assert!(risks(&more).contains(&RiskKind::Version));
    let less = compared(&one(&edited(&[("tests:\n", source)])), &one(BASE));
    assert!(risks(&less).contains(&RiskKind::SourceRemoved) && !stopped(&less, &[Gate::Removed]).is_empty());
}

#[test]
fn detections_come_go_and_are_renamed() {
    let other = BASE.replace("3f1c7f7e", "5f1c7f7e").replace("Network tool", "Another tool");
    let both = Project::new(&[("detections/tool.yml", BASE), ("detections/other.yml", &other)]);
    let moved = Project::new(&[("detections/new/netcat.yml", BASE)]);
    let diff = compared(&both, &moved);
    let names: Vec<(&str, State, Option<&str>)> =
        diff.detections.iter().map(|c| (c.name.as_str(), c.state, c.renamed_from.as_deref())).collect();
    assert_eq!(names, [("netcat", State::Changed, Some("tool")), ("other", State::Removed, None)]);
    assert_eq!(risks(&diff), [RiskKind::RuleRenamed, RiskKind::Removed]);
    // A renamed detection's rules are those that it had.
    let renamed = diff.detections.first().expect("a change");
    let sigma = renamed.targets.iter().find(|target| target.target == "sigma");
    assert!(sigma.is_none(), "nothing in the rule says the detection's name: {sigma:?}");
    let back = compared(&moved, &both);
    assert_eq!(back.detections.iter().filter(|change| change.state == State::Added).count(), 1);
    assert_eq!(stopped(&back, &[Gate::Added]), ["added: other"]);
}

#[test]
fn metadata_is_compared_key_by_key() {
    let diff = changed(&[
        ("tags: [network]", "tags: [network, shell]"),
        ("severity: high", "severity: critical"),
        ("confidence: medium", "confidence: low"),
        ("author: Somebody", "author: Somebody\nowner: The team"),
    ]);
    let keys: Vec<&str> = only(&diff).metadata.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(keys, ["severity", "confidence", "risk", "owner", "tags"]);
    assert!(only(&diff).sources.is_empty() && risks(&diff).is_empty(), "{:?}", risks(&diff));
    let text = show::human::text(&diff, None);
    assert!(text.contains("severity: high -> critical") && text.contains("+ shell"), "{text}");
}

#[test]
fn a_list_that_several_detections_use_changes_all_of_them() {
    let with_list = BASE.replace("[nc, ncat]", "$tools");
    let other = with_list.replace("3f1c7f7e", "5f1c7f7e").replace("Network tool", "Another tool");
    let project = |tools: &str| {
        let lists = format!("lists:\n  tools: {tools}\n");
        Project::new(&[
            ("detections/tool.yml", with_list.as_str()),
            ("detections/other.yml", other.as_str()),
            ("detections/lists.yml", lists.as_str()),
        ])
    };
    let diff = compared(&project("[nc, ncat]"), &project("[nc, ncat, socat]"));
    assert_eq!(diff.detections.len(), 2);
    assert_eq!(stopped(&diff, &[Gate::Wider]), ["wider: other", "wider: tool"]);
}

#[test]
fn a_broken_detection_is_told_and_the_others_are_compared() {
    let other = BASE.replace("3f1c7f7e", "5f1c7f7e").replace("Network tool", "Another tool");
    let before = Project::new(&[("detections/tool.yml", BASE), ("detections/other.yml", &other)]);
    let broken = BASE.replace("process.name:", "process.nmae:");
    let narrower = other.replace("[bash, sh]", "[bash]");
    let after = Project::new(&[("detections/tool.yml", &broken), ("detections/other.yml", &narrower)]);
    let diff = compared(&before, &after);
    assert_eq!(only(&diff).name, "other");
    assert_eq!(change_of(&diff), Change::Narrower);
    let told = diff.head.broken.first().expect("a broken one");
    assert!(told.file == "detections/tool.yml" && !told.compared, "{told:?}");
    assert!(told.errors.first().is_some_and(|error| error.contains("E0302")), "{told:?}");
    assert_eq!(stopped(&diff, &[Gate::Broken]), ["broken: detections/tool.yml"]);
    assert_eq!(stopped(&diff, &[Gate::Removed]), Vec::<String>::new(), "broken is not removed");
    for text in
        [show::human::text(&diff, Some(80)), show::markdown::comment(&diff, &[]), show::github::annotations(&diff, "")]
    {
        assert!(text.contains("process.nmae"), "{text}");
    }
}

#[test]
fn rules_follow_the_change_and_say_so() {
    let diff = changed(&[("[nc, ncat]", "[nc, ncat, socat]")]);
    let change = only(&diff);
    assert_eq!(change.targets.len(), 4, "{:?}", change.targets);
    for target in &change.targets {
        let rule = target.rules.first().expect("a rule");
        assert_eq!(rule.follows, Follows::Exactly, "{}", target.target);
        assert!(matches!(&rule.after, Some(RuleState::Rule { deviation: None, .. })), "{rule:?}");
        assert_eq!((rule.before == rule.after, rule.verdict.as_deref()), (true, None));
        let lines: Vec<_> = target.files.iter().flat_map(|file| &file.lines).collect();
        assert!(lines.iter().any(|line| line.text.contains("socat")), "{target:?}");
        assert!(lines.iter().all(|line| line.text.chars().count() < 400), "{target:?}");
    }
    let elastic = change.targets.iter().find(|target| target.target == "elastic").expect("Elastic");
    assert_eq!(elastic.files.len(), 1, "the rule's own file and the one with all rules say the same: {elastic:?}");
}

#[test]
fn a_pack_edited_by_hand_is_told_from_one_that_is_not_up_to_date() {
    let before = one(BASE);
    before.build();
    let kinds = |after: &Project| -> Vec<(String, EditKind)> {
        let diff = compared(&before, after);
        assert_eq!(diff.pack.not_checked, None);
        diff.pack.edits.iter().map(|edit| (edit.file.clone(), edit.kind)).collect()
    };
    let after = one(BASE);
    after.build();
    assert_eq!(kinds(&after), []);

    let rule = "sigma/tool.process.yml";
    let text = fs::read_to_string(after.0.path().join("out").join(rule)).expect("a rule");
    after.write(&format!("out/{rule}"), &text.replace("level: high", "level: low"));
    after.write("out/sigma/mine.yml", "title: mine\n");
    fs::remove_file(after.0.path().join("out/splunk/cresset_container/default/app.conf")).expect("removed");
    assert_eq!(
        kinds(&after),
        [
            ("sigma/mine.yml".to_owned(), EditKind::HandAdded),
            (rule.to_owned(), EditKind::HandEdited),
            ("splunk/cresset_container/default/app.conf".to_owned(), EditKind::HandRemoved),
        ]
    );
    let diff = compared(&before, &after);
    assert_eq!(stopped(&diff, &[Gate::HandEdit]).len(), 3);
    let edit = diff.pack.edits.iter().find(|edit| edit.file == rule).expect("the rule");
    assert!(edit.lines.iter().any(|line| line.text == "level: low"), "{edit:?}");

    // A detection that changed without a build.
    let stale = one(&BASE.replace("[nc, ncat]", "[nc]"));
    for (path, bytes) in &before.side().out {
        stale.write(&format!("out/{path}"), std::str::from_utf8(bytes).expect("text"));
    }
    let found = kinds(&stale);
    assert!(!found.is_empty() && found.iter().all(|(_, kind)| *kind == EditKind::Stale), "{found:?}");
    assert!(stopped(&compared(&before, &stale), &[Gate::HandEdit]).is_empty());

    // An edit that keeps the manifest right is one all the same: nothing else changed.
    let sly = one(BASE);
    sly.build();
    let edited = text.replace("level: high", "level: low");
    let digest = |text: &str| {
        use sha2::{Digest as _, Sha256};
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    sly.write(&format!("out/{rule}"), &edited);
    let manifest = fs::read_to_string(sly.0.path().join("out/manifest.json")).expect("a manifest");
    sly.write("out/manifest.json", &manifest.replace(&digest(&text), &digest(&edited)));
    assert_eq!(kinds(&sly), [(rule.to_owned(), EditKind::HandEdited)]);
}

#[test]
fn recorded_events_that_change_sides_are_named() {
    let logs = tempfile::tempdir().expect("a folder");
    let line = |id: u32, name: &str, parent: &str| {
        serde_json::json!({
            "event": {"id": id, "category": "process", "type": "start"},
            "process": {"name": name, "args": [name], "parent": {"name": parent}}, "user": {"name": "dev"},
        })
        .to_string()
    };
    let log = [line(1, "nc", "sh"), line(2, "socat", "bash"), line(3, "nc", "bash"), line(4, "ls", "sh")].join("\n");
    fs::write(logs.path().join("events.jsonl"), log).expect("a log");
    fs::write(logs.path().join("notes.txt"), "no log\n").expect("a file");
    let after = one(&edited(&[("[nc, ncat]", "[nc, ncat, socat]"), ("[bash, sh]", "[bash]")]));
    let options = Options { logs: vec![logs.path().to_path_buf()], ..Options::default() };
    let diff = diff::compare(&one(BASE).side(), &after.side(), Catalogue::builtin(), &options);
    let recorded = &only(&diff).sources.first().expect("a source").recorded;
    let ids = |events: &diff::recorded::Events| -> Vec<String> {
        events.events.iter().map(|event| format!("{}:{} {}", event.file, event.line, event.id)).collect()
    };
    assert_eq!(recorded.looked, 4);
    assert_eq!(ids(&recorded.gained), ["events.jsonl:2 2"]);
    assert_eq!(ids(&recorded.lost), ["events.jsonl:1 1"]);
    assert!(only(&diff).targets.is_empty(), "rules were not asked for");
    let text = show::human::text(&diff, None);
    assert!(text.contains("1 recorded event newly matched: events.jsonl 2"), "{text}");
}

#[test]
fn what_is_not_decided_is_said_in_every_output() {
    let nothing = Budget { states: 0, nodes: 0, ..Budget::default() };
    let options = Options { budget: nothing, ..Options::default() };
    // A spelling of the same: nothing can be found, and nothing is proved.
    let after = one(&BASE.replace("process.name: [nc, ncat]", "process.name|re: '^n(?:c|cat)$'"));
    let diff = diff::compare(&one(BASE).side(), &after.side(), Catalogue::builtin(), &options);
    assert_eq!(change_of(&diff), Change::Undecided);
    assert_eq!(stopped(&diff, &[Gate::Undecided]), ["undecided: tool"]);
    assert!(only(&diff).risks.iter().any(|risk| risk.message.contains("may have changed")), "{:?}", only(&diff).risks);
    let json = show::json(&diff, &[]).to_string();
    for text in [
        show::human::text(&diff, None),
        show::markdown::comment(&diff, &[]),
        show::github::annotations(&diff, ""),
        json,
    ] {
        assert!(text.contains("undecided"), "{text}");
    }
}

#[test]
fn a_comment_fits_and_nothing_of_it_is_obeyed() {
    let hostile = "x` @team <img src=x> | **b** ``` #1 \\u202e";
    let mut before: Vec<(String, String)> = Vec::new();
    let mut after = Vec::new();
    for number in 0..90 {
        let id = format!("3f1c7f7e-5a5e-4b39-9a41-6f0d0a1d{number:04}");
        let text = BASE
            .replace("3f1c7f7e-5a5e-4b39-9a41-6f0d0a1d2c01", &id)
            .replace("Network tool started by a shell", &format!("'Tool {number} {hostile}'"));
        before.push((format!("detections/tool_{number}.yml"), text.clone()));
        after.push((format!("detections/tool_{number}.yml"), text.replace("[nc, ncat]", "[nc, '<b>`@you`', socat]")));
    }
    let project = |files: &[(String, String)]| {
        Project::new(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
    };
    let diff = compared(&project(&before), &project(&after));
    assert_eq!(diff.detections.len(), 90);
    let comment = show::markdown::comment(&diff, &[]);
    assert!(comment.len() <= show::markdown::LIMIT, "{}", comment.len());
    assert!(comment.len() > 50_000, "what fits is told: {}", comment.len());
    assert!(comment.contains("left out") && comment.contains("65,536"), "{}", &comment[comment.len() - 400..]);
    assert_eq!(comment.matches("<details>").count(), comment.matches("</details>").count());
    // Outside of code, nobody is called and no markup is left.
    let mut plain = String::new();
    let mut fence: Option<String> = None;
    for line in comment.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if ticks == *open && line == open => fence = None,
            Some(_) => {}
            None if ticks.len() > 2 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None => {
                let mut rest = line;
                while let Some(start) = rest.find('`') {
                    let run = rest[start..].chars().take_while(|c| *c == '`').count();
                    let close = "`".repeat(run);
                    let body = start + run;
                    plain.push_str(&rest[..start]);
                    let mut end = body;
                    loop {
                        let at = end + rest[end..].find(&close).expect("a code span ends on its line");
                        let length = rest[at..].chars().take_while(|c| *c == '`').count();
                        end = at + length;
                        if length == run {
                            break;
                        }
                    }
                    rest = &rest[end..];
                }
                plain.push_str(rest);
                plain.push('\n');
            }
        }
    }
    assert_eq!(fence, None);
    assert!(!plain.contains("@team") && !plain.contains("@you") && !plain.contains("<img"), "{plain}");
}

#[test]
fn the_terminal_s_width_is_kept_and_lines_are_whole_without_one() {
    let diff =
        changed(&[("[nc, ncat]", "[nc, ncat, a-tool-with-a-very-long-name-that-fills-most-of-a-line-by-itself]")]);
    let visible = |line: &str| {
        let mut count: usize = 0;
        let mut escape = false;
        for c in line.chars() {
            match c {
                '\x1b' => escape = true,
                'm' if escape => escape = false,
                _ if escape => {}
                _ => count += 1,
            }
        }
        count
    };
    let narrow = show::human::text(&diff, Some(60));
    assert!(narrow.lines().all(|line| visible(line) <= 60), "{narrow}");
    assert!(show::human::text(&diff, None).lines().any(|line| visible(line) > 60));
}

const BACKUP: &str = "
detections: [tool]
reason: The backup copies itself with ncat.
owner: storage team
expires: 2027-03-31
ticket: CHG-7
observe:
  process:
    backup: { process.working_directory|startswith: /srv/backup }
    condition: backup
";

/// [`BASE`] with other files beside it.
fn with(files: &[(&str, &str)]) -> Project {
    let project = one(BASE);
    files.iter().for_each(|(path, text)| project.write(path, text));
    project
}

/// Whether the event that changes sides is one that satisfies `field: prefix…` in the exception of these tests.
fn is_in_backup(moved: &Moved) -> bool {
    let Moved::Some { event, .. } = moved else { return false };
    let folder = event.pointer("/process/working_directory").and_then(|value| value.as_str());
    folder.is_some_and(|folder| folder.starts_with("/srv/"))
}

#[test]
fn an_exception_is_told_as_a_change_of_meaning_that_is_its_own() {
    let (without, excepted) = (one(BASE), with(&[("exceptions/backup.yml", BACKUP)]));
    let diff = compared(&without, &excepted);
    let source = only(&diff).sources.first().expect("a source");
    assert_eq!((source.change, source.causes.as_slice()), (Some(Change::Narrower), [Cause::Exceptions].as_slice()));
    assert!(is_in_backup(&source.meaning.as_ref().expect("a meaning").must.lost), "{source:?}");
    // The detection's version has nothing to do with it, nor any of its own keys.
    assert!(risks(&diff).is_empty() && only(&diff).metadata.is_empty(), "{:?}", only(&diff));
    assert_eq!(stopped(&diff, &[Gate::Narrower, Gate::Version]), ["narrower: tool"]);
    let [exception] = source.exceptions.as_slice() else { panic!("one exception: {source:?}") };
    assert_eq!((exception.state, exception.change), (State::Added, Change::Narrower));
    insta::assert_snapshot!(
        "an_exception_is_new",
        anstream::adapter::strip_str(&show::human::text(&diff, Some(120))).to_string()
    );
    let comment = show::markdown::comment(&diff, &[]);
    assert!(comment.contains("**narrower** by exceptions") && comment.contains("exceptions/backup.yml"), "{comment}");
    let annotations = show::github::annotations(&diff, "soc/");
    assert!(
        annotations.contains("::notice file=soc/exceptions/backup.yml,title=tool::process: narrower"),
        "{annotations}"
    );

    // Gone again, and about more.
    let back = compared(&excepted, &without);
    let source = only(&back).sources.first().expect("a source");
    assert_eq!((source.change, source.exceptions[0].state), (Some(Change::Wider), State::Removed));
    let more = with(&[("exceptions/backup.yml", &BACKUP.replace("/srv/backup", "/srv/"))]);
    let wider = compared(&excepted, &more);
    let source = only(&wider).sources.first().expect("a source");
    assert_eq!((source.change, source.exceptions[0].state), (Some(Change::Narrower), State::Changed));
    assert!(is_in_backup(&source.meaning.as_ref().expect("a meaning").must.lost));

    // Written anew, or for longer, it is no change of meaning.
    let reworded = BACKUP.replace("|startswith: /srv/backup", ": /srv/backup*").replace("2027-03-31", "2027-09-30");
    let longer = compared(&excepted, &with(&[("exceptions/backup.yml", &reworded)]));
    let keys: Vec<&str> = only(&longer).metadata.iter().map(|change| change.key.as_str()).collect();
    assert_eq!(keys, ["exceptions.backup.expires"]);
    assert!(only(&longer).sources.is_empty(), "{:?}", only(&longer).sources);
    // One that is proposed is none.
    let proposed = with(&[("exceptions/backup.yml", &format!("{BACKUP}status: proposed\n"))]);
    assert!(compared(&without, &proposed).detections.is_empty());
}

#[test]
fn a_detection_and_its_exceptions_are_told_apart() {
    let before = with(&[("exceptions/backup.yml", BACKUP)]);
    let after = with(&[("exceptions/night.yml", &BACKUP.replace("/srv/backup", "/srv/night"))]);
    after.write("detections/tool.yml", &edited(&[("[nc, ncat]", "[nc, ncat, socat]")]));
    let diff = compared(&before, &after);
    let source = only(&diff).sources.first().expect("a source");
    assert_eq!(source.causes, [Cause::Detection, Cause::Exceptions]);
    assert_eq!(source.change, Some(Change::Both));
    assert_eq!(source.own.as_ref().map(|own| own.change()), Some(Change::Wider));
    let each: Vec<_> = source.exceptions.iter().map(|one| (one.name.as_str(), one.state, one.change)).collect();
    assert_eq!(each, [("night", State::Added, Change::Narrower), ("backup", State::Removed, Change::Wider)]);
    assert_eq!(risks(&diff), [RiskKind::Version]);
    insta::assert_snapshot!(
        "a_detection_and_exceptions",
        anstream::adapter::strip_str(&show::human::text(&diff, Some(120))).to_string()
    );
}

#[test]
fn an_exception_file_that_swallows_the_detection_stands_out() {
    let all =
        BACKUP.replace("process.working_directory|startswith: /srv/backup", "process.parent.name: [sh, bash, zsh]");
    let diff = compared(&one(BASE), &with(&[("exceptions/all.yml", &all)]));
    assert_eq!(risks(&diff), [RiskKind::Swallowed, RiskKind::NeverMatches]);
    let told = &only(&diff).risks[0].message;
    assert_eq!(told, "the exception `all` covers everything that the detection finds");
    assert_eq!(stopped(&diff, &[Gate::Swallowed]), ["swallowed: tool"]);
    // Two that do so together.
    let half = |name: &str| {
        BACKUP.replace("process.working_directory|startswith: /srv/backup", &format!("process.parent.name: {name}"))
    };
    let diff = compared(&one(BASE), &with(&[("exceptions/a.yml", &half("sh")), ("exceptions/b.yml", &half("bash"))]));
    assert_eq!(only(&diff).risks[0].message, "the exceptions together cover everything that the detection finds");
    // One that leaves something is no risk.
    assert!(risks(&compared(&one(BASE), &with(&[("exceptions/a.yml", &half("sh"))]))).is_empty());
}

#[test]
fn what_a_profile_changes_is_told_as_the_profile_s() {
    let lists = "lists:\n  shells: [bash, sh]\n";
    let listed = edited(&[("[bash, sh]", "$shells")]);
    let project = |profile: &str| {
        let project = one(&listed);
        project.write("detections/lists.yml", lists);
        project.write("cresset.yml", profile);
        project
    };
    let plain = project("name: soc\n");
    let diff = compared(
        &plain,
        &project("name: soc\noverrides: [{ for: [tool], severity: low }]\nlists: { shells: { add: [zsh] } }\n"),
    );
    let change = only(&diff);
    let keys: Vec<(&str, bool)> = change.metadata.iter().map(|key| (key.key.as_str(), key.by_profile)).collect();
    assert_eq!(keys, [("severity", true), ("risk", true)]);
    let source = change.sources.first().expect("a source");
    assert_eq!((source.change, source.causes.as_slice()), (Some(Change::Wider), [Cause::Profile].as_slice()));
    assert_eq!(risks(&diff), [RiskKind::SeverityLowered]);
    assert_eq!(change.risks[0].message, "the severity was lowered by the profile from high to low");
    insta::assert_snapshot!(
        "a_profile_changed",
        anstream::adapter::strip_str(&show::human::text(&diff, Some(120))).to_string()
    );
    // What the file says itself is its own, whatever the profile says beside it.
    let own = project("name: soc\nnaming: { prefix: SOC }\n");
    own.write("detections/tool.yml", &listed.replace("status: test", "status: stable"));
    let diff = compared(&plain, &own);
    let keys: Vec<(&str, bool)> = only(&diff).metadata.iter().map(|key| (key.key.as_str(), key.by_profile)).collect();
    assert_eq!(keys, [("title", true), ("status", false)]);
    // Left out, and back.
    let without = project("name: soc\ndetections: { leave_out: [tool] }\n");
    let gone = compared(&plain, &without);
    assert!(only(&gone).state == State::Removed && only(&gone).by_profile);
    assert_eq!(only(&gone).risks[0].message, "the profile leaves the detection out now; nothing finds what it found");
    let back = compared(&without, &plain);
    assert!(only(&back).state == State::Added && only(&back).by_profile);
}

#[test]
fn the_manifest_is_a_part_of_the_pack() {
    let project = Project::new(&[("detections/tool.yml", BASE)]);
    project.build();
    let before = project.side();
    let against = |before: &Side| {
        diff::compare(before, &project.side(), Catalogue::builtin(), &Options { rules: false, ..Options::default() })
    };
    let manifest = project.0.path().join("out/manifest.json");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    project.write("out/manifest.json", &text.replacen("proved", "tested", 1));
    let diff = against(&before);
    let edits: Vec<(&str, EditKind)> = diff.pack.edits.iter().map(|edit| (&*edit.file, edit.kind)).collect();
    assert_eq!(edits, [("manifest.json", EditKind::HandEdited)]);
    assert!(!stopped(&diff, &[Gate::HandEdit]).is_empty());
    fs::remove_file(&manifest).expect("removed");
    let diff = against(&before);
    assert!(diff.pack.edits.iter().any(|edit| edit.kind == EditKind::HandRemoved), "{:?}", diff.pack.edits);
}

#[test]
fn keys_of_an_event_have_no_order() {
    let event = "{ process: { name: nc, parent: { name: bash } }, user: { name: dev } }";
    let diff = changed(&[(event, "{ user: { name: dev }, process: { parent: { name: bash }, name: nc } }")]);
    assert!(diff.detections.is_empty(), "{:?}", diff.detections);
    let diff = changed(&[(event, "{ user: { name: ops }, process: { parent: { name: bash }, name: nc } }")]);
    assert!(risks(&diff).contains(&RiskKind::TestsWeakened));
}

#[test]
fn a_rule_that_platforms_know_by_its_name_stands_out_when_that_changes() {
    let diff = changed(&[("title: Network tool", "title: A network tool")]);
    assert_eq!(risks(&diff), [RiskKind::RuleRenamed]);
    assert_eq!(stopped(&diff, &[Gate::RuleRenamed]).len(), 1);
    let moved =
        compared(&Project::new(&[("detections/tool.yml", BASE)]), &Project::new(&[("detections/nc.yml", BASE)]));
    assert_eq!(risks(&moved), [RiskKind::RuleRenamed]);
    assert_eq!(risks(&changed(&[("severity: high", "severity: low")])), [RiskKind::SeverityLowered]);
}
