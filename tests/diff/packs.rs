//! The rules of targets, and the pack that lies in `out/`.

use super::*;

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
    let diff = compared(&before, &stale);
    assert!(stopped(&diff, &[Gate::HandEdit]).is_empty());
    // The verdicts of its manifest are about other rules than those of this detection.
    let rules: Vec<_> = only(&diff).targets.iter().flat_map(|target| &target.rules).collect();
    assert!(!rules.is_empty() && rules.iter().all(|rule| rule.verdict.is_none()), "{rules:?}");
    // One command mends all of it, and one annotation tells so.
    let annotations = show::github::annotations(&diff, "");
    assert_eq!(annotations.matches("run `cresset build`").count(), 1, "{annotations}");
    stale.build();
    let diff = compared(&before, &stale);
    let mut rules = only(&diff).targets.iter().flat_map(|target| &target.rules);
    assert!(rules.all(|rule| rule.verdict.as_deref() == Some("proved")), "{diff:?}");

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
fn a_gate_does_not_let_through_what_could_not_be_looked_at() {
    let before = one(BASE);
    before.build();
    let after = one(BASE);
    after.build();
    let rule = "out/sigma/tool.process.yml";
    let text = fs::read_to_string(after.0.path().join(rule)).expect("a rule");
    after.write(rule, &text.replace("level: high", "level: low"));
    after.write("detections/other.yml", "id: [\n");
    let diff = compared(&before, &after);
    for gate in [Gate::HandEdit, Gate::Stale, Gate::Risk] {
        let [reason] = stopped(&diff, &[gate]).try_into().expect("one reason");
        assert!(reason.ends_with("out/ was not checked: there are errors, so nothing can be built to compare with"));
    }
    let annotations = show::github::annotations(&diff, "");
    assert!(annotations.contains("::warning title=the pack::out/ was not checked"), "{annotations}");
}

#[test]
fn only_rules_of_which_something_changed_are_told() {
    let two =
        BASE.replace("tests:\n", "  compose:\n    web: { service.privileged: true }\n    condition: web\ntests:\n");
    let diff = compared(&one(&two), &one(&two.replace("[nc, ncat]", "[nc]").replace("status: test", "status: stable")));
    let [text, comment] = [show::human::text(&diff, None), show::markdown::comment(&diff, &[])];
    assert!(text.contains("sigma process: sigma: says exactly") && !text.contains("sigma compose"), "{text}");
    assert!(comment.contains("- `process`: `sigma: says exactly") && !comment.contains("- `compose`"), "{comment}");
}
