//! Detections that come, go, are renamed, broken, or changed in what they say beside their conditions.

use super::*;

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
