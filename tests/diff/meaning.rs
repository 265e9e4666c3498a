//! What a change of a condition means, and the events that show it.

use super::*;

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
fn keys_of_an_event_have_no_order() {
    let event = "{ process: { name: nc, parent: { name: bash } }, user: { name: dev } }";
    let diff = changed(&[(event, "{ user: { name: dev }, process: { parent: { name: bash }, name: nc } }")]);
    assert!(diff.detections.is_empty(), "{:?}", diff.detections);
    let diff = changed(&[(event, "{ user: { name: ops }, process: { parent: { name: bash }, name: nc } }")]);
    assert!(risks(&diff).contains(&RiskKind::TestsWeakened));
}
