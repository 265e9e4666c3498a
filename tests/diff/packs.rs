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
