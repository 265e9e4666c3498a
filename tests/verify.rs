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

/// What is found out about `nsenter_into_host` in a target, with more files in the pack.
fn with_files(target: &str, more: &[(&str, &str)]) -> Report {
    let mut files = pack().files.clone();
    files.extend(more.iter().map(|(file, text)| ((*file).to_owned(), text.as_bytes().to_vec())));
    verified(&rules_of("nsenter_into_host", "process", target), &files)
}

fn verdict(report: &Report) -> Verdict {
    report.findings.iter().map(|finding| finding.verdict).max().expect("a finding")
}

const LOCAL_MACROS: &str = "splunk/cresset_container/local/macros.conf";
const LOCAL_SEARCHES: &str = "splunk/cresset_container/local/savedsearches.conf";

#[test]
fn what_an_admin_lays_over_an_app_is_read() {
    let title = "Process moved into the host's namespaces or root directory";
    let filter = "[nsenter_into_host_process_filter]\ndefinition = search NOT user=backup\n";
    let report = with_files("splunk", &[(LOCAL_MACROS, filter)]);
    let finding = report.findings.first().expect("a finding");
    assert_eq!(finding.verdict, Verdict::Differs);
    let event = finding.example.as_ref().expect("an event").event.to_string();
    assert!(event.contains("backup"), "{event}");

    let search = format!("[{title}]\nsearch = `cresset_process` process=\"nsenter -t 1\"\n");
    assert_eq!(verdict(&with_files("splunk", &[(LOCAL_SEARCHES, &search)])), Verdict::Differs);
    let enabled = format!("[{title}]\ndisabled = 0\ncron_schedule = */10 * * * *\n\n[Mine]\nsearch = index=x y\n");
    assert_eq!(verdict(&with_files("splunk", &[(LOCAL_SEARCHES, &enabled)])), Verdict::Proved);
    // One event has to be enough.
    let silenced = format!("[{title}]\nquantity = 10\n");
    assert_eq!(verdict(&with_files("splunk", &[(LOCAL_SEARCHES, &silenced)])), Verdict::Differs);
    assert_eq!(verdict(&with_files("splunk", &[(LOCAL_MACROS, "[broken\n")])), Verdict::Unreadable);
}

#[test]
fn the_macro_of_a_log_source_says_where_the_data_is_and_no_more() {
    let place = |definition: &str| {
        let text = format!("[cresset_process]\ndefinition = {definition}\n[linux]\ndefinition = index IN (a, b)\n");
        verdict(&with_files("splunk", &[(LOCAL_MACROS, &text)]))
    };
    for harmless in ["index=linux sourcetype=\"mine\" EventCode=1", "`linux` (host=web* OR tag=x) NOT source=y"] {
        assert_eq!(place(harmless), Verdict::Proved, "{harmless}");
    }
    for narrower in ["index=linux dest=web*", "index=linux NOT user=evil", "(index=a process=x) OR index=b"] {
        assert_eq!(place(narrower), Verdict::Differs, "{narrower}");
    }
    for unknown in ["index=a | head 5", "index=a [search index=b]", "`elsewhere`"] {
        assert_eq!(place(unknown), Verdict::Unreadable, "{unknown}");
    }
}

#[test]
fn what_falco_loads_after_a_rules_file_is_read() {
    let local = "falco/local_rules.yaml";
    let title = "Process moved into the host's namespaces or root directory";
    let macros = "- list: mine\n  items: [backup]\n\n\
                  - macro: nsenter_into_host_process_exceptions\n  condition: (user.name in (mine))\n";
    let report = with_files("falco", &[(local, macros)]);
    let finding = report.findings.first().expect("a finding");
    assert_eq!(finding.verdict, Verdict::Differs);
    let event = finding.example.as_ref().expect("an event").event.to_string();
    assert!(event.contains("backup"), "{event}");

    let added = format!("- rule: {title}\n  condition: and user.name = root\n  override: {{ condition: append }}\n");
    assert_eq!(verdict(&with_files("falco", &[(local, &added)])), Verdict::Differs);
    // Rules of one's own beside it, about whatever they are, change nothing and are told.
    // What they ask need not be a field of our log sources, whatever they are called.
    let own = "- macro: host\n  condition: (mine.field = 1)\n- macro: mine\n  condition: evt.type = openat and host\n\
               - rule: Mine\n  desc: x\n  condition: mine\n  output: x\n  priority: INFO\n";
    let report = with_files("falco", &[(local, own)]);
    assert_eq!(verdict(&report), Verdict::Proved, "{:?}", report.findings);
    assert!(report.foreign.contains(&(local.to_owned(), "Mine".to_owned())), "{:?}", report.foreign);

    // A macro of ours that uses such a one cannot be read, and so cannot what asks it.
    let broken = "- macro: host\n  condition: (mine.field = 1)\n\
                  - macro: nsenter_into_host_process_exceptions\n  condition: host\n";
    assert_eq!(verdict(&with_files("falco", &[(local, broken)])), Verdict::Unreadable);

    let off = format!("- rule: {title}\n  enabled: false\n");
    let report = with_files("falco", &[(local, &off)]);
    assert_eq!(verdict(&report), Verdict::Proved);
    assert!(report.off.iter().any(|(_, name)| name == title), "{:?}", report.off);
    assert_eq!(verdict(&with_files("falco", &[(local, "- rule: [\n")])), Verdict::Unreadable);
}

#[test]
fn a_copy_of_a_sigma_rule_is_verified_wherever_it_is() {
    let file = "sigma/nsenter_into_host.process.yml";
    let text = String::from_utf8(pack().files.get(file).expect("the rule").clone()).expect("text");
    let report = with_files("sigma", &[("sigma/mine/copy.yml", &text)]);
    assert_eq!((verdict(&report), report.findings.len()), (Verdict::Proved, 2));
    let other = text.replace("chroot /mnt", "chroot /media");
    assert_ne!(text, other);
    assert_eq!(verdict(&with_files("sigma", &[("sigma/mine/copy.yml", &other)])), Verdict::Differs);

    let mut files = pack().files.clone();
    files.remove(file);
    files.insert("sigma/renamed.yml".to_owned(), text.into_bytes());
    let report = verified(&rules_of("nsenter_into_host", "process", "sigma"), &files);
    assert_eq!(verdict(&report), Verdict::Proved, "{:?}", report.findings);
}
