//! Small detections of other ideas than the pack's, through all targets: what each rule turns out to mean.

use std::collections::BTreeMap;

use cresset::detection::{Detection, load::load_text};
use cresset::diagnostic::{Diagnostic, SourceFile};
use cresset::pack::{prove, verify};
use cresset::source::Catalogue;
use cresset::target::{self, PackInfo, Target, Verdict};

/// The metadata of a detection; each test gives what it observes.
const HEAD: &str = include_str!("diagnostics/base.yaml");

/// A detection with this under `observe`.
fn detection(observe: &str) -> Detection {
    let head = HEAD.split("observe:").next().unwrap_or_default();
    let file = SourceFile::new("idea.yml", format!("{head}observe:\n{observe}"));
    let mut loaded = load_text(&file, "idea", Catalogue::builtin());
    let errors: Vec<&Diagnostic> = loaded.problems.iter().filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    loaded.detections.pop().expect("a detection")
}

/// The verdict on each rule by log source and target, or why a target cannot say it.
fn verdicts(observe: &str, names: &[&str]) -> BTreeMap<String, String> {
    let detections = [detection(observe)];
    let catalogue = Catalogue::builtin();
    let mut targets = target::load_all(None).expect("targets");
    targets.retain(|target: &Target| names.contains(&target.name()));
    let compiled = match target::compile_all(&targets, &detections, catalogue, &|| ()) {
        Ok(compiled) => compiled,
        Err(problems) => return problems.into_iter().map(|p| (p.message.clone(), p.note.clone())).collect(),
    };
    let proved = prove(&targets, &compiled, catalogue, &PackInfo::default(), &|_| Vec::new()).expect("rendered");
    let report = proved.report;
    let said = |finding: &verify::Finding| match finding.verdict {
        Verdict::Proved => "proved".to_owned(),
        verdict => format!("{verdict:?}: {}", finding.reason.clone().unwrap_or_default()),
    };
    report.findings.iter().map(|f| (format!("{} {}", f.source, f.target), said(f))).collect()
}

/// Says that every rule is proved.
fn proved(observe: &str, names: &[&str]) {
    let verdicts = verdicts(observe, names);
    assert!(!verdicts.is_empty() && verdicts.values().all(|verdict| verdict == "proved"), "{observe}\n{verdicts:#?}");
}

#[test]
fn who_asks_a_field_of_no_known_type_says_what_it_holds() {
    let asked = [
        "requestObject.spec.replicas|gt: 3",
        "requestObject.spec.paused: true",
        "requestObject.spec.clusterIP|cidr: 10.0.0.0/8",
        "requestObject.spec.ports: { nodePort|gte: 30000 }",
    ];
    for test in asked {
        for condition in ["a", "not a"] {
            let observe = format!("  kubernetes_audit:\n    a: {{ {test} }}\n    condition: {condition}\n");
            proved(&observe, &["sigma", "splunk"]);
        }
    }
    let manifest = "  kubernetes_manifest:\n    a: { spec.replicas|gt: 3, spec.paused: true }\n    condition: a\n";
    proved(manifest, &["sigma", "splunk", "elastic"]);
    // Who asks two things says nothing.
    let both = "  kubernetes_audit:\n    a: { requestObject.x|gt: 3 }\n    b: { requestObject.x: abc }\n    condition: a or b\n";
    let verdicts = verdicts(both, &["splunk"]);
    assert!(verdicts.values().all(|why| why.contains("holds text")), "{verdicts:#?}");
}

#[test]
fn tests_below_an_open_field_hold_for_one_element() {
    let subjects = |tests: &str| {
        detection(&format!("  kubernetes_audit:\n    a:\n      requestObject.subjects: {tests}\n    condition: a\n"))
    };
    let event = |text: &str| serde_json::from_str(text).expect("an event");
    let one = event(r#"{"requestObject":{"subjects":[{"kind":"User","name":"eve"}]}}"#);
    let two = event(r#"{"requestObject":{"subjects":[{"kind":"User","name":"bob"},{"kind":"Group","name":"eve"}]}}"#);
    let matches = |tests: &str, event| {
        let detection = subjects(tests);
        let observation = detection.observations.first().expect("an observation");
        cresset::logic::evaluate(&observation.formula, event, cresset::logic::Reading::Must)
    };
    assert!(matches("{ kind: User, name: eve }", &one));
    assert!(!matches("{ kind: User, name: eve }", &two));
    assert!(matches("[{ kind: Group }, { name: nobody }]", &two));
    assert!(!matches("[{ kind: Group }, { name: nobody }]", &one));
}

#[test]
fn an_expression_on_a_file_name_is_said_of_the_whole_path() {
    for expression in [r"^python[23]?(\.[0-9]+)?$", "^nc|ncat$", "miner", "^a.b$", r"^[^.]+\.sh$"] {
        let observe = format!("  process:\n    a:\n      process.name|re: '{expression}'\n    condition: a\n");
        if expression == "^nc|ncat$" {
            let verdicts = verdicts(&observe, &["falco"]);
            assert!(verdicts.values().all(|why| why.contains("no counterpart")), "{verdicts:#?}");
        } else {
            proved(&observe, &["sigma", "falco", "splunk"]);
        }
    }
}

#[test]
fn an_id_that_is_a_number_in_a_target_is_its_digits() {
    for value in ["0", "\"0\"", "[0, 1000]"] {
        for condition in ["a", "not a"] {
            proved(&format!("  process:\n    a: {{ user.id: {value} }}\n    condition: {condition}\n"), &["falco"]);
        }
    }
    let fields = "  process:\n    a: { user.id|fieldref: user.name }\n    condition: a\n";
    let verdicts = verdicts(fields, &["falco"]);
    assert!(verdicts.values().all(|why| why.contains("of different types")), "{verdicts:#?}");
}

#[test]
fn a_field_that_another_is_compared_with_may_have_dots_in_its_name() {
    let observe = "  docker_inspect:\n    a: { HostConfig.Binds|fieldref: 'Config.Labels.\"com.example/x\"' }\n    condition: a\n";
    proved(observe, &["sigma"]);
}

/// What is told of an observation that a target cannot say, with `accept` for it.
fn told(observe: &str, target: &str, accept: &str) -> (String, String) {
    let accept = match accept {
        "" => String::new(),
        accept => format!("targets:\n  {target}:\n    accept:\n      process: {{ {accept}: \"of no matter here\" }}\n"),
    };
    let detections = [detection(&format!("{observe}{accept}"))];
    let mut targets = target::load_all(None).expect("targets");
    targets.retain(|one: &Target| one.name() == target);
    let problems = target::compile_all(&targets, &detections, Catalogue::builtin(), &|| ()).expect_err("a problem");
    let problem = problems.first().expect("a problem");
    (problem.note.clone(), format!("{:?} {:?}", problem.labels, problem.help))
}

#[test]
fn only_a_direction_that_works_is_proposed_and_what_does_not_work_is_refused() {
    let either = "  process:\n    a: { process.name: ncat }\n    b: { process.command_line|re: '^\\d+$' }\n    condition: a or b\n";
    let (_, help) = told(either, "elastic", "");
    assert!(help.contains("match less (`narrower`);") && !help.contains("wider"), "{help}");
    // All that would be left of it is that there is a line.
    let (_, help) = told(either, "elastic", "wider");
    assert!(help.contains("every event that has `process.command_line`"), "{help}");
    assert!(help.contains("narrower: "), "{help}");
    let both = "  process:\n    a: { process.name: ncat }\n    b: { process.command_line|re: '^\\d+$' }\n    condition: a and not b\n";
    let (_, help) = told(both, "elastic", "narrower");
    assert!(help.contains("no event that has `process.command_line`"), "{help}");
}

#[test]
fn what_stays_of_an_expression_that_cannot_be_said_is_its_text() {
    let observe = "  process:\n    a: { process.command_line|re: 'wget\\s+-O\\s' }\n    condition: a\ntargets:\n  elastic:\n    \
                   accept:\n      process: { wider: \"the blanks do not matter\" }\n";
    let detections = [detection(observe)];
    let mut targets = target::load_all(None).expect("targets");
    targets.retain(|one: &Target| one.name() == "elastic");
    let compiled = target::compile_all(&targets, &detections, Catalogue::builtin(), &|| ()).expect("compiled");
    let rule = compiled.first().and_then(|one| one.rule()).expect("a rule");
    let text = format!("{:?}", rule.query);
    assert!(text.contains("wget") && text.contains("-O"), "{text}");
}

#[test]
fn a_test_is_not_blamed_for_what_another_one_of_its_field_asks() {
    let observe = "  process:\n    a: { process.command_line|re: 'pool:\\d+' }\n    b:\n      process.args|option: \
                   { names: [-o], value|contains: pool }\n    condition: a or b\n";
    let (note, labels) = told(observe, "falco", "");
    assert!(note.contains("every script"), "{note}");
    assert!(labels.starts_with("[]"), "{labels}");
}

#[test]
fn who_asks_joined_arguments_is_told_what_can_be_asked_of_them() {
    let (_, help) = told("  process:\n    a: { process.args: -x }\n    condition: a\n", "splunk", "");
    assert!(help.contains("process.args|option"), "{help}");
}

#[test]
fn a_rule_that_cannot_be_decided_must_still_be_the_one_that_was_made() {
    let observe = "  process:\n    a:\n      process.args|option: { command: ssh, names: [-R], value|re: '^(\\S+:)?[0-9]+' }\n    \
                   b: { process.name: [chisel, gost] }\n    condition: a or b\ntargets:\n  elastic:\n    accept:\n      \
                   process: { narrower: \"ports are asked elsewhere\" }\n";
    let detections = [detection(observe)];
    let catalogue = Catalogue::builtin();
    let mut targets = target::load_all(None).expect("targets");
    targets.retain(|one: &Target| one.name() == "elastic");
    let compiled = target::compile_all(&targets, &detections, catalogue, &|| ()).expect("compiled");
    let proved = prove(&targets, &compiled, catalogue, &PackInfo::default(), &|_| Vec::new()).expect("rendered");
    let verdict = |files: &BTreeMap<String, Vec<u8>>| {
        let budget = verify::budget();
        let report = verify::verify(&targets, &compiled, files, catalogue, &budget, &|_| Vec::new());
        report.findings.first().map(|finding| finding.verdict)
    };
    assert_eq!(verdict(&proved.built.files), Some(Verdict::Tested));
    let mut files = proved.built.files.clone();
    let rules = files.get_mut("elastic/rules.ndjson").expect("rules");
    let text = String::from_utf8(rules.clone()).expect("text");
    let cut = text.replace(r#"\"gost\""#, r#"\"ghost\""#);
    assert_ne!(cut, text);
    *rules = cut.into_bytes();
    assert_eq!(verdict(&files), Some(Verdict::Differs));
}

#[test]
fn a_word_for_no_value_is_no_value() {
    let tests =
        ["container.id|exists: true", "container.id: null", "container.name|contains: o", "container.id: 3ad7b26ded6d"];
    for test in tests {
        for condition in ["a", "not a"] {
            proved(&format!("  process:\n    a: {{ {test} }}\n    condition: {condition}\n"), &["falco"]);
        }
    }
    let host = "  process:\n    a: { container.id: host }\n    condition: a\n";
    let verdicts = verdicts(host, &["falco"]);
    assert!(verdicts.values().all(|why| why.contains("ask `exists`")), "{verdicts:#?}");

    // Falco's own way to say it is read, and one that forgets the host is told.
    let inside = "  process:\n    a: { container.id|exists: true }\n    condition: a\n";
    let said = "container.id exists and not container.id = host";
    for (instead, expected) in
        [(said, Verdict::Proved), ("container.id != host", Verdict::Proved), ("container.id exists", Verdict::Differs)]
    {
        assert_eq!(falco_verdict(inside, "rules", said, instead), expected, "{instead}");
    }
    let event = serde_json::json!({ "process": { "name": "x" } });
    let source = Catalogue::builtin().source("process").expect("a source");
    let seen = target::project(&falco(), source, &event).expect("an event");
    assert_eq!(seen.get("container.id").and_then(|id| id.as_str()), Some("host"));
}

#[test]
fn what_is_compared_with_another_field_is_there() {
    let tests = "    a: { process.name: x }\n    s: { process.parent.executable|fieldref: process.executable }\n";
    for condition in ["a and s", "a and not s", "not s", "not (a or s)"] {
        proved(&format!("  process:\n{tests}    condition: {condition}\n"), &["falco", "splunk"]);
    }
}

/// The event as the rules of a target see it.
fn seen(target: &str, source: &str, event: &serde_json::Value) -> serde_json::Value {
    let targets = target::load_all(None).expect("targets");
    let target = targets.iter().find(|one| one.name() == target).expect("a target");
    target::project(target, Catalogue::builtin().source(source).expect("a source"), event).expect("an event")
}

#[test]
fn what_a_platform_makes_of_lists_is_not_taken_for_their_values() {
    let accept = "targets:\n  falco: { accept: { kubernetes_audit: { narrower: one } } }\n";
    let asked =
        ["command: nsenter", "args: x", "name: web", "image: nginx", "securityContext.capabilities.add: SYS_ADMIN"];
    let observe = |test: &str| {
        format!("  kubernetes_audit:\n    a: {{ requestObject.spec.containers.{test} }}\n    condition: a\n")
    };
    for test in asked {
        let alone = verdicts(&observe(test), &["falco"]);
        assert!(alone.values().all(|verdict| verdict != "proved"), "{test}: {alone:#?}");
        let accepted = verdicts(&format!("{}{accept}", observe(test)), &["falco"]);
        assert!(accepted.values().all(|verdict| verdict == "Narrower: one"), "{test}: {accepted:#?}");
    }

    // What a person would write there matches nothing, or parts of other values, and is told.
    let asked = format!("{}{accept}", observe("securityContext.capabilities.add: SYS_ADMIN"));
    let said = r#"regex "(.|\n)*[,\\[]\"SYS_ADMIN\"(.|\n)*""#;
    for instead in ["= SYS_ADMIN", "contains SYS_ADMIN", r#"regex "(.|\n)*SYS_ADMIN\"(.|\n)*""#] {
        assert_eq!(falco_verdict(&asked, "k8s_audit_rules", said, instead), Verdict::Differs, "{instead}");
    }

    let containers = serde_json::json!([
        { "image": "x", "command": ["sh", "-c"], "securityContext": { "capabilities": { "add": ["A", "B"] } } },
        { "name": "b", "command": ["id"], "securityContext": { "capabilities": { "add": ["SYS_ADMIN"] } } },
    ]);
    let event = serde_json::json!({ "requestObject": { "spec": { "containers": containers } } });
    assert_eq!(
        seen("falco", "kubernetes_audit", &event),
        serde_json::json!({
            "ka.req.pod.containers.command": ["sh -c", "id"],
            "jevt.value[/requestObject/spec/containers/0/securityContext/capabilities/add]": "[\"A\",\"B\"]",
            "jevt.value[/requestObject/spec/containers/1/securityContext/capabilities/add]": "[\"SYS_ADMIN\"]",
        })
    );
}

#[test]
fn names_that_people_give_are_no_arrays_and_arrays_are_known_wherever_they_are() {
    let event = serde_json::json!({
        "metadata": { "labels": { "env": "prod", "command": "x" } },
        "spec": { "accessModes": ["f"] },
        "data": { "args": "y" },
        "rules": [{ "apiGroups": ["*"], "verbs": ["*"], "nonResourceURLs": ["/metrics"] }],
    });
    let names = |target: &str, source: &str, event: &serde_json::Value| -> Vec<String> {
        let seen = seen(target, source, event);
        let names = seen.as_object().into_iter().flat_map(|seen| seen.keys().cloned());
        names.filter(|name| name != "sourcetype").collect()
    };
    // What a rule asks has the name that an event gives it.
    for test in [
        "metadata.labels.env: prod",
        "metadata.labels.command: x",
        "spec.accessModes: f",
        "data.args: y",
        "rules.apiGroups: \"*\"",
        "rules.nonResourceURLs: /metrics",
    ] {
        let observe = format!("  kubernetes_manifest:\n    a: {{ {test} }}\n    condition: a\n");
        proved(&observe, &["splunk"]);
        let asked = asked_by_splunk(&observe);
        assert!(names("splunk", "kubernetes_manifest", &event).contains(&asked), "{test}: {asked}");
    }
    let audit = serde_json::json!({ "user": { "extra": { "scopes.authorization.openshift.io": ["user:full"] } } });
    let observe = "  kubernetes_audit:\n    a: { user.extra.\"scopes.authorization.openshift.io\": user:full }\n    condition: a\n";
    proved(observe, &["splunk"]);
    assert_eq!(names("splunk", "kubernetes_audit", &audit), [asked_by_splunk(observe)]);
    let inspected = serde_json::json!({ "HostConfig": { "PortBindings": { "80/tcp": [{ "HostPort": "80" }] } } });
    let observe =
        "  docker_inspect:\n    a: { HostConfig.PortBindings.\"80/tcp\".HostPort: \"80\" }\n    condition: a\n";
    proved(observe, &["splunk"]);
    assert_eq!(names("splunk", "docker_inspect", &inspected), [asked_by_splunk(observe)]);
}

#[test]
fn dots_in_the_names_of_annotations_are_underscores_in_elastic() {
    let name = "mutation.webhook.admission.k8s.io/round_0_index_0";
    let observe = format!("  kubernetes_audit:\n    a: {{ annotations.\"{name}\": x }}\n    condition: a\n");
    proved(&observe, &["elastic"]);
    let event = serde_json::json!({ "annotations": { name: "x" } });
    assert_eq!(
        seen("elastic", "kubernetes_audit", &event),
        serde_json::json!({
            "kubernetes.audit.annotations.mutation_webhook_admission_k8s_io/round_0_index_0": "x",
            "data_stream.dataset": "kubernetes.audit_logs",
        })
    );
}

#[test]
fn elastic_has_no_networks_in_what_is_text_there() {
    let observe = |test: &str| format!("  kubernetes_audit:\n    a: {{ sourceIPs{test} }}\n    condition: a\n");
    proved(&observe(": 10.0.0.7"), &["elastic"]);
    let verdicts = verdicts(&observe("|cidr: 10.0.0.0/8"), &["elastic"]);
    assert!(verdicts.values().all(|verdict| verdict != "proved"), "{verdicts:#?}");
}

/// The one field that Splunk's rule asks.
fn asked_by_splunk(observe: &str) -> String {
    let detections = [detection(observe)];
    let mut targets = target::load_all(None).expect("targets");
    targets.retain(|one: &Target| one.name() == "splunk");
    let compiled = target::compile_all(&targets, &detections, Catalogue::builtin(), &|| ()).expect("compiled");
    let rules = compiled.iter().filter_map(|one| one.rule());
    let mut fields: Vec<String> = Vec::new();
    for rule in rules {
        rule.meaning().each_field(&mut |path| {
            fields.push(path.segments().iter().map(|segment| &**segment).collect::<Vec<_>>().join("."));
        });
    }
    fields.dedup();
    assert_eq!(fields.len(), 1, "{fields:?}");
    fields.remove(0)
}

#[test]
fn fields_that_both_have_no_value_are_not_the_same() {
    let same = "  process:\n    a: { container.name|fieldref: container.id }\n    condition: ";
    for condition in ["a", "not a"] {
        proved(&format!("{same}{condition}\n"), &["falco"]);
    }
    // On the host both fields have Falco's word for no container.
    let (said, forgotten) = (" and not container.name = host and not container.id = host", "");
    assert_eq!(falco_verdict(&format!("{same}a\n"), "rules", said, forgotten), Verdict::Differs);
    let other = "  process:\n    a: { container.name|fieldref: process.executable }\n    condition: a\n";
    proved(other, &["falco"]);
}

#[test]
fn what_a_target_spells_in_its_own_way_is_not_the_events_text() {
    for test in ["'@timestamp|startswith': 2026-11", "'@timestamp': 2026-11-23T17:10:30.412Z"] {
        let verdicts =
            verdicts(&format!("  process:\n    a: {{ {test} }}\n    condition: a\n"), &["splunk", "elastic", "falco"]);
        assert!(verdicts.values().all(|why| why.contains("spells times in its own way")), "{verdicts:#?}");
    }
    proved(
        "  process:\n    a: { '@timestamp|exists': true, process.name: x }\n    condition: a\n",
        &["splunk", "elastic", "falco"],
    );
    // Falco's `proc.pcmdline` begins with the name of the process: `python3 x.py`.
    let parent =
        "  process:\n    a: { process.parent.command_line|startswith: '/usr/bin/python3 ' }\n    condition: a\n";
    let verdicts = verdicts(parent, &["falco"]);
    assert!(verdicts.values().all(|why| why.contains("has no field")), "{verdicts:#?}");
    let name = "  process:\n    a: { process.title: x }\n    condition: a\n";
    assert_eq!(falco_verdict(name, "rules", "proc.name = x", "evt.time.iso8601 = x"), Verdict::Differs);
}

fn falco() -> Target {
    let targets = target::load_all(None).expect("targets");
    targets.into_iter().find(|target| target.name() == "falco").expect("a target")
}

/// The verdict on the rule of a detection in a file of Falco, in which something is replaced.
fn falco_verdict(observe: &str, file: &str, said: &str, instead: &str) -> Verdict {
    let (detections, targets) = ([detection(observe)], [falco()]);
    let catalogue = Catalogue::builtin();
    let compiled = target::compile_all(&targets, &detections, catalogue, &|| ()).expect("compiled");
    let mut files =
        prove(&targets, &compiled, catalogue, &PackInfo::default(), &|_| Vec::new()).expect("rendered").built.files;
    let rules = files.get_mut(&format!("falco/cresset_container_{file}.yaml")).expect("rules");
    let text = String::from_utf8(rules.clone()).expect("text");
    let flat = text.replace("\n    and ", " and ");
    assert!(flat.contains(said), "{text}");
    *rules = flat.replace(said, instead).into_bytes();
    let report = verify::verify(&targets, &compiled, &files, catalogue, &verify::budget(), &|_| Vec::new());
    report.findings.first().expect("a finding").verdict
}

#[test]
fn numbers_that_are_text_in_falco_are_in_the_order_of_texts() {
    let observe = |test: &str| format!("  kubernetes_audit:\n    a: {{ {test} }}\n    condition: a\n");
    proved(&observe("responseStatus.code|lt: 300"), &["falco", "splunk", "elastic"]);
    proved(&observe("responseStatus.code: 201"), &["falco"]);
    for test in ["responseStatus.code|lt: 1000", "responseStatus.code|gt: 99", "responseStatus.code|gte: 0"] {
        let verdicts = verdicts(&observe(test), &["falco"]);
        assert!(verdicts.values().all(|why| why.contains("as text")), "{test}: {verdicts:#?}");
    }
    let said = "jevt.value[/responseStatus/code] < 300";
    for (instead, expected) in
        [("< 30", Verdict::Unreadable), ("< 301", Verdict::Differs), (">= 300", Verdict::Differs)]
    {
        let instead = format!("jevt.value[/responseStatus/code] {instead}");
        let verdict = falco_verdict(&observe("responseStatus.code|lt: 300"), "k8s_audit_rules", said, &instead);
        assert_eq!(verdict, expected, "{instead}");
    }
}

#[test]
fn a_null_is_no_value_in_falco() {
    let kind = "requestObject.spec.template.spec.securityContext.seccompProfile.type";
    for test in ["|exists: true", "|exists: false", ": null", "|startswith: n", ": Unconfined"] {
        for condition in ["a", "not a"] {
            let observe = format!("  kubernetes_audit:\n    a: {{ {kind}{test} }}\n    condition: {condition}\n");
            proved(&observe, &["falco"]);
        }
    }
    let observe = format!("  kubernetes_audit:\n    a: {{ {kind}|exists: true }}\n    condition: a\n");
    let field = "jevt.value[/requestObject/spec/template/spec/securityContext/seccompProfile/type]";
    let (said, forgotten) = (format!(" and not {field} = null"), "");
    assert_eq!(falco_verdict(&observe, "k8s_audit_rules", &said, forgotten), Verdict::Differs);
    let event = serde_json::json!({ "verb": "patch", "objectRef": { "name": null } });
    assert_eq!(seen("falco", "kubernetes_audit", &event)["ka.target.name"], "null");
}

#[test]
fn elastic_finds_words_in_what_is_text_there() {
    let observe = |test: &str| format!("  kubernetes_audit:\n    a: {{ {test} }}\n    condition: a\n");
    let wider = "targets:\n  elastic: { accept: { kubernetes_audit: { wider: words } } }\n";
    for (test, asked) in [
        ("user.groups: 'system:masters'", r#"kubernetes.audit.user.groups: "system:masters""#),
        ("user.groups|startswith: 'system:serviceaccounts:'", "kubernetes.audit.user.groups: *serviceaccounts*"),
        ("responseStatus.message|contains: 'is forbidden'", "kubernetes.audit.responseStatus.message: *forbidden*"),
    ] {
        let alone = verdicts(&observe(test), &["elastic"]);
        assert!(alone.values().all(|why| why.contains("has the words")), "{test}: {alone:#?}");
        let accepted = verdicts(&format!("{}{wider}", observe(test)), &["elastic"]);
        assert!(accepted.values().all(|verdict| verdict == "Wider: words"), "{test}: {accepted:#?}");
        assert!(elastic_query(&format!("{}{wider}", observe(test))).contains(asked), "{test}");
    }
    proved(&observe("userAgent|startswith: curl/"), &["elastic"]);
}

#[test]
fn what_elastic_does_not_keep_is_not_asked() {
    let observe = "  kubernetes_audit:\n    a: { requestObject.metadata.labels.app: x }\n    condition: a\n";
    let verdicts = verdicts(observe, &["elastic"]);
    assert!(verdicts.values().all(|why| why.contains("has no field")), "{verdicts:#?}");
}

/// The query of the one rule for Elastic.
fn elastic_query(observe: &str) -> String {
    let detections = [detection(observe)];
    let mut targets = target::load_all(None).expect("targets");
    targets.retain(|one: &Target| one.name() == "elastic");
    let compiled = target::compile_all(&targets, &detections, Catalogue::builtin(), &|| ()).expect("compiled");
    let query =
        compiled.iter().filter_map(|one| one.rule()).map(|rule| format!("{:?}", rule.query)).collect::<String>();
    query.replace("\\\"", "\"")
}

#[test]
fn falco_knows_who_is_bound_to_what_and_where_a_request_came_from() {
    let observe = |test: &str| format!("  kubernetes_audit:\n    a: {{ {test} }}\n    condition: a\n");
    for test in [
        "requestObject.roleRef.name: cluster-admin",
        "requestObject.rules.verbs: '*'",
        "objectRef.apiGroup: rbac.authorization.k8s.io",
        "requestObject.spec.serviceAccountName|startswith: admin-",
        "requestObject.spec.containers.securityContext.runAsUser: 0",
        "requestObject.spec.containers.securityContext.readOnlyRootFilesystem: false",
        "requestObject.spec.template.spec.shareProcessNamespace: true",
        "level: Request",
    ] {
        proved(&observe(test), &["falco"]);
    }
    let narrower = "targets:\n  falco: { accept: { kubernetes_audit: { narrower: first } } }\n";
    for test in ["sourceIPs: 10.0.0.7", "impersonatedUser.groups: 'system:masters'"] {
        let verdicts = verdicts(&format!("{}{narrower}", observe(test)), &["falco"]);
        assert!(verdicts.values().all(|verdict| verdict == "Narrower: first"), "{test}: {verdicts:#?}");
    }
    let event = serde_json::json!({ "verb": "get", "sourceIPs": ["10.0.0.7", "10.0.0.8"] });
    assert_eq!(seen("falco", "kubernetes_audit", &event)["jevt.value[/sourceIPs/0]"], "10.0.0.7");
}

/// Classes that only the `regex` crate can put together are said as what they are.
#[test]
fn a_difference_of_classes_is_without_the_case_of_letters_where_its_test_is() {
    for expression in ["^[A-Z--b]x$", "^[a-k&&[^C-E]]+$", "^[[^A-Z]--7](?-i:Q)$"] {
        for field in ["process.name", "process.command_line"] {
            let observe = format!("  process:\n    a: {{ '{field}|re|i': '{expression}' }}\n    condition: a\n");
            proved(&observe, &["elastic", "falco", "sigma", "splunk"]);
        }
    }
}

/// Whatever people call their labels: a rule names them as the platform reads them, or it is told that it cannot.
#[test]
fn labels_of_any_name_are_said_or_refused() {
    for label in
        ["my label", "it's", "a{}b", "a.b/c", "a$b", "a`b", "a*b", "a|b", "a::b", "a,b=(c)", "a[b]", "a#b", "AND", "é"]
    {
        for test in ["|nocase", "", "|re"] {
            let observe = format!(
                "  compose:\n    a: {{ 'service.labels.\"{}\"{test}': x }}\n    condition: a\n",
                label.replace('\'', "''")
            );
            for target in ["sigma", "splunk"] {
                for (what, said) in verdicts(&observe, &[target]) {
                    assert!(said == "proved" || what.contains("cannot say"), "{observe}{what}: {said}");
                }
            }
        }
    }
    proved("  compose:\n    a: { 'service.labels.\"my label\"': x }\n    condition: a\n", &["sigma", "splunk"]);
    let (note, _) = told("  compose:\n    a: { 'service.labels.\"it''s\"': x }\n    condition: a\n", "splunk", "");
    assert!(note.contains("cannot name the field `service.labels.it's`"), "{note}");
}
