//! Every rule of the container pack is read back from its file and proved; a rule that was changed is found out.

#[path = "common/pack.rs"]
mod pack;

use std::sync::OnceLock;

use cresset::pack::verify::{self, Report};
use cresset::source::Catalogue;
use cresset::target::{Compiled, Verdict};
use pack::{Files, Pack, container};

/// The container pack, compiled once for all tests.
fn pack() -> &'static Pack {
    static PACK: OnceLock<Pack> = OnceLock::new();
    PACK.get_or_init(container)
}

fn verified(compiled: &[Compiled<'_>], files: &Files) -> Report {
    let (targets, catalogue) = (pack().targets, Catalogue::builtin());
    verify::verify(targets, compiled, files, catalogue, &verify::budget(), &|_| Vec::new())
}

/// The rules of one detection in one log source of one target.
fn rules_of(detection: &str, source: &str, target: &str) -> Vec<Compiled<'static>> {
    let is_meant = |one: &&Compiled<'_>| {
        one.detection.name == detection && one.observation.source == source && one.target.name() == target
    };
    pack().compiled.iter().filter(is_meant).cloned().collect()
}

#[test]
fn the_container_pack_is_proved() {
    let report = verified(&pack().compiled, &pack().files);
    for finding in &report.findings {
        let accepted = matches!(finding.verdict, Verdict::Wider | Verdict::Narrower);
        assert!(
            finding.verdict == Verdict::Proved || accepted,
            "{} in {} for {}: {} {:?} {:?}",
            finding.detection,
            finding.source,
            finding.target,
            finding.verdict,
            finding.reason,
            finding.example.as_ref().map(|example| &example.event)
        );
        assert_eq!(accepted, finding.example.is_some(), "an accepted difference is shown with an event");
    }
    assert!(report.findings.len() > 150 && report.foreign.is_empty(), "{:?}", report.foreign);
}

/// Changes one text in one file of a rule and gives what is found out.
fn changed(detection: &str, source: &str, target: &str, file: &str, from: &str, to: &str) -> verify::Finding {
    let mut files = pack().files.clone();
    let text = String::from_utf8(files.get(file).expect("the file is built").clone()).expect("text");
    assert!(text.contains(from), "{from:?} stands in {file}:\n{text}");
    files.insert(file.to_owned(), text.replacen(from, to, 1).into_bytes());
    let report = verified(&rules_of(detection, source, target), &files);
    let finding = report.findings.into_iter().find(|finding| finding.file == file);
    finding.expect("the rule is looked for in the file")
}

#[test]
fn what_is_changed_by_hand_is_found_out() {
    let falco = "falco/cresset_container_rules.yaml";
    let splunk = "splunk/cresset_container/default/savedsearches.conf";
    let nsenter = |target, file, from, to| changed("nsenter_into_host", "process", target, file, from, to);

    let renamed = nsenter("sigma", "sigma/nsenter_into_host.process.yml", "CommandLine", "CommandLines");
    assert_eq!(renamed.verdict, Verdict::Differs);
    let example = renamed.example.expect("an event");
    assert!(!example.matched, "the rule does not match what it must: {}", example.event);

    let elsewhere = nsenter("sigma", "sigma/nsenter_into_host.process.yml", "product: linux", "product: windows");
    assert_eq!(elsewhere.verdict, Verdict::Differs);
    assert!(elsewhere.reason.expect("a reason").contains("logsource.product"));

    let broken = nsenter("sigma", "sigma/nsenter_into_host.process.yml", "condition:", "conditions:");
    assert_eq!(broken.verdict, Verdict::Unreadable);

    let gone =
        nsenter("elastic", "elastic/rules/nsenter_into_host.process.json", "\"rule_id\": \"", "\"rule_id\": \"x");
    assert_eq!(gone.verdict, Verdict::Missing);

    let index =
        nsenter("elastic", "elastic/rules/nsenter_into_host.process.json", "logs-endpoint.events.process-*", "logs-*");
    assert_eq!(index.verdict, Verdict::Differs);

    let events = nsenter("falco", falco, "evt.type in (execve, execveat)", "evt.type in (execve)");
    assert_ne!(events.verdict, Verdict::Unreadable);

    // A filter that lets nothing through silences the rule.
    let macros = "splunk/cresset_container/default/macros.conf";
    let mut files = pack().files.clone();
    let text = String::from_utf8(files.get(macros).expect("macros").clone()).expect("text");
    let from = "[nsenter_into_host_process_filter]\ndefinition = search *";
    assert!(text.contains(from), "{text}");
    let to = "[nsenter_into_host_process_filter]\ndefinition = search NOT process=*";
    files.insert(macros.to_owned(), text.replace(from, to).into_bytes());
    let report = verified(&rules_of("nsenter_into_host", "process", "splunk"), &files);
    assert!(report.findings.iter().all(|finding| finding.verdict.is_wrong()), "{:?}", report.findings);
    // Where the data is may be changed.
    let to = text.replace("tag=process", "index=linux tag=process");
    assert_ne!(to, text);
    files.insert(macros.to_owned(), to.into_bytes());
    let report = verified(&rules_of("nsenter_into_host", "process", "splunk"), &files);
    assert!(report.findings.iter().all(|finding| finding.verdict == Verdict::Proved), "{:?}", report.findings);

    let emptied = {
        let mut files = pack().files.clone();
        files.remove(splunk);
        verified(&rules_of("nsenter_into_host", "process", "splunk"), &files)
    };
    assert!(emptied.findings.iter().all(|finding| finding.verdict == Verdict::Missing));
}

#[test]
fn a_rule_that_nobody_knows_is_told() {
    let mut files = pack().files.clone();
    let file = "falco/cresset_container_rules.yaml";
    let mut text = String::from_utf8(files.get(file).expect("rules").clone()).expect("text");
    text.push_str("\n- rule: Mine\n  desc: x\n  condition: evt.type = execve\n  output: x\n  priority: NOTICE\n");
    files.insert(file.to_owned(), text.into_bytes());
    let report = verified(&rules_of("nsenter_into_host", "process", "falco"), &files);
    assert!(report.foreign.iter().any(|(_, name)| name == "Mine"), "{:?}", report.foreign);
}
