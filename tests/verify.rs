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
    assert_eq!(finding.overlays, [LOCAL_MACROS]);

    let search = format!("[{title}]\nsearch = `cresset_process` process=\"nsenter -t 1\"\n");
    assert_eq!(verdict(&with_files("splunk", &[(LOCAL_SEARCHES, &search)])), Verdict::Differs);
    let enabled = format!("[{title}]\ndisabled = 0\ncron_schedule = */6 * * * *\n\n[Mine]\nsearch = index=x y\n");
    assert_eq!(verdict(&with_files("splunk", &[(LOCAL_SEARCHES, &enabled)])), Verdict::Proved);
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
    // Falco ships a file of comments for rules of one's own, and takes several documents and empty entries.
    for nothing in
        ["", "# Your own rules\n", "---\n- list: mine\n  items: []\n---\n# no more\n", "-\n- list: x\n  items: []\n"]
    {
        assert_eq!(verdict(&with_files("falco", &[(local, nothing)])), Verdict::Proved, "{nothing}");
    }
    let second = format!("- list: mine\n  items: []\n---\n{added}");
    assert_eq!(verdict(&with_files("falco", &[(local, &second)])), Verdict::Differs);
    // The engine does not start with a file in which a rule of whomever is none.
    for (rule, reason) in [
        ("condition: a = b\n  output: x\n  priority: INFO", "the rule `Mine`: it has no `desc`"),
        ("desc: x\n  condition: a = b\n  output: x\n  priority: HIGH", "`HIGH` is no priority"),
    ] {
        let report = with_files("falco", &[(local, &format!("- rule: Mine\n  {rule}\n"))]);
        let finding = report.findings.first().expect("a finding");
        assert_eq!(finding.verdict, Verdict::Unreadable, "{rule}");
        assert!(finding.reason.as_ref().is_some_and(|told| told.contains(reason)), "{:?}", finding.reason);
    }
    let elsewhere = "- rule: Mine\n  enabled: false\n- rule: Mine\n  append: true\n  condition: and a = b\n";
    assert_eq!(verdict(&with_files("falco", &[(local, elsewhere)])), Verdict::Proved);
}

#[test]
fn a_copy_of_a_sigma_rule_is_verified_wherever_it_is() {
    let file = "sigma/nsenter_into_host.process.yml";
    let text = String::from_utf8(pack().files.get(file).expect("the rule").clone()).expect("text");
    let report = with_files("sigma", &[("sigma/mine/copy.yml", &text)]);
    assert_eq!((verdict(&report), report.findings.len()), (Verdict::Proved, 2));
    let other = text.replace("|noderoot", "|nodeboot");
    assert_ne!(text, other);
    assert_eq!(verdict(&with_files("sigma", &[("sigma/mine/copy.yml", &other)])), Verdict::Differs);

    let mut files = pack().files.clone();
    files.remove(file);
    files.insert("sigma/renamed.yml".to_owned(), text.into_bytes());
    let report = verified(&rules_of("nsenter_into_host", "process", "sigma"), &files);
    assert_eq!(verdict(&report), Verdict::Proved, "{:?}", report.findings);
}

#[test]
fn elastic_rules_are_read_as_kibana_imports_them() {
    let ndjson = "elastic/rules.ndjson";
    let lines = String::from_utf8(pack().files.get(ndjson).expect("the rules").clone()).expect("text");
    let of = |file: &str, text: &str| {
        let report = with_files("elastic", &[(file, text)]);
        let finding = report.findings.iter().find(|finding| finding.file == file).cloned();
        finding.map(|finding| (finding.verdict, finding.reason.unwrap_or_default())).expect("a finding")
    };
    let (verdict, told) = of(ndjson, &lines.replacen(',', ",\n", 1));
    assert!(verdict == Verdict::Unreadable && told.contains("line 1 is not one JSON document"), "{told}");
    assert_eq!(of(ndjson, &lines.replace('\n', " ")).0, Verdict::Unreadable);
    // A copy is imported like the rules themselves.
    assert_eq!(of("elastic/copy/mine.ndjson", &lines).0, Verdict::Proved);
    assert_eq!(of("elastic/copy/mine.ndjson", &lines.replace("|noderoot", "|nodeboot")).0, Verdict::Differs);
}

#[test]
fn a_rule_that_tells_nobody_of_what_it_finds_differs() {
    let title = "Process moved into the host's namespaces or root directory";
    let splunk = |entry: &str| {
        let report = with_files("splunk", &[(LOCAL_SEARCHES, &format!("[{title}]\n{entry}\n"))]);
        let finding = report.findings.into_iter().next().expect("a finding");
        (finding.verdict, finding.reason.unwrap_or_default())
    };
    for (entry, reason) in [
        ("quantity = 10", "one event that it finds is told to nobody, `counttype = number of events`"),
        ("relation = less than", "told to nobody"),
        ("alert_condition = where count > 3", "`alert_condition` decides"),
        ("enableSched = 0", "`enableSched` is `0`: nothing starts the search"),
        ("cron_schedule = */30 * * * *", "what happens in the 21 minutes between is never searched"),
        ("dispatch.earliest_time = -2m", "(`-2m` to `now`)"),
        ("dispatch.latest_time = -6m@m", "what happens in the 2 minutes between is never searched"),
        ("dispatch.latest_time = -1h", "it looks at no time at all"),
        ("search = `cresset_process` earliest=-2m process=x", "(`-2m` to `now`)"),
        ("search = `cresset_process` latest=11/24/2026:00:00:00 process=x", "a time of its own, `11/24/2026:00:00:00`"),
        ("cron_schedule = 5,65 * * * *", "`5,65 * * * *` is no cron expression"),
        (
            "alert.suppress.fields = user",
            "holds hits back by `user`, so that those of another `dest` are told to nobody",
        ),
        ("alert.suppress.fields =", "holds hits back whatever they are of, so that those of another `dest`, `user`"),
        ("alert.suppress.period = 1d", "holds hits back for 1 day, the detection asks for 1 hour"),
        ("action.notable = 0\naction.risk = 0", "no action is on"),
        ("alert.digest_mode = 1", "holds hits back whatever they are of"),
        ("alert.digest_mode =", "without `alert.digest_mode = 0`, `alert.suppress.fields` counts for nothing"),
        ("alert.suppress.group_name = all", "hits of other searches hold its own back"),
        ("dispatch.index_earliest = -1m", "`dispatch.index_earliest = -1m` leaves out"),
        ("dispatch.max_count = 1", "`dispatch.max_count = 1`: what one run finds beyond"),
        ("dispatch.max_time = 1", "a run that takes longer finds no more"),
        ("dispatch.sample_ratio = 100", "one event of so many is searched"),
        ("dispatch.auto_cancel = 5", "a run that nobody looks at is cancelled"),
        ("quantity = 1", "`quantity = 1` asks for more"),
        ("dispatch.latest_time = 1700000000", "`1700000000`, which is not read"),
    ] {
        let (verdict, told) = splunk(entry);
        assert_eq!(verdict, Verdict::Differs, "{entry}");
        assert!(told.contains(reason), "{entry}: {told}");
    }
    for harmless in [
        "dispatch.earliest_time = -1h",
        "cron_schedule = */2 * * * *",
        "counttype = always",
        "quantity = -1",
        "dispatch.auto_cancel = 0",
        "disabled = 0",
        "alert.suppress = 0",
        "alert.suppress.period = 60",
        "alert.suppress.fields = user, dest, process",
        "action.notable = 0",
        "alert.digest_mode = 1\nalert.suppress = 0",
        "dispatch.earliest_time =",
        "dispatch.earliest_time = rt-5m\ndispatch.latest_time = rt",
        "dispatch.max_count = 500000\ndispatch.max_time = 0\ndispatch.sample_ratio = 1",
        "action.notable = 0\naction.risk = 0\naction.email = 1",
        "action.notable = 0\naction.risk = 0\nalert.track = 1",
    ] {
        assert_eq!(splunk(harmless), (Verdict::Proved, String::new()), "{harmless}");
    }
    // What two hits are told apart by has to be there after all commands.
    let with_tail = |tail: &str| {
        let filter = format!("[nsenter_into_host_process_filter]\ndefinition = search * | {tail}\n");
        let report = with_files("splunk", &[(LOCAL_MACROS, &filter)]);
        report.findings.into_iter().next().and_then(|finding| finding.reason).unwrap_or_default()
    };
    for tail in
        ["table user", "fields - dest", "rename dest as x", "stats values(user) AS user by _time", "fields user, x*"]
    {
        let told = with_tail(tail);
        assert!(
            told.contains("those of another `dest`") && told.contains("the search keeps no other"),
            "{tail}: {told}"
        );
    }
    for tail in ["table *", "fields dest user process*", "fields - process", "rename x as y", "eval x = 1"] {
        assert_eq!(with_tail(tail), "", "{tail}");
    }
    // A macro that is switched off is none.
    let off = "[nsenter_into_host_process_filter]\ndisabled = 1\n";
    assert_eq!(verdict(&with_files("splunk", &[(LOCAL_MACROS, off)])), Verdict::Unreadable);
    let computed =
        "[default]\niseval = 1\n[nsenter_into_host_process_filter]\ndefinition = `mine`\n[mine]\ndefinition = x";
    assert_eq!(verdict(&with_files("splunk", &[(LOCAL_MACROS, computed)])), Verdict::Unreadable);
    // An action that is off is told, while another one is on.
    let report = with_files("splunk", &[(LOCAL_SEARCHES, &format!("[{title}]\naction.notable = 0\n"))]);
    let told: Vec<(&str, &[String])> = report.muted.iter().map(|(_, name, off)| (&**name, &**off)).collect();
    assert_eq!(told, [(title, ["action.notable".to_owned()].as_slice())]);
    // `[default]` holds where the search says nothing itself.
    let of_all = |entry: &str| verdict(&with_files("splunk", &[(LOCAL_SEARCHES, &format!("[default]\n{entry}\n"))]));
    assert_eq!(of_all("alert_condition = where count > 3"), Verdict::Differs);
    assert_eq!(of_all("enableSched = 0"), Verdict::Proved);
    // Both are told: when it does not run, and what it would not find.
    let (_, told) = splunk("enableSched = 0\nsearch = `cresset_process` process=\"nsenter -t 1\"");
    assert!(told.contains("`enableSched` is `0`") && told.contains("an event that it must match"), "{told}");

    let elastic = "elastic/rules/nsenter_into_host.process.json";
    let late =
        changed("nsenter_into_host", "process", "elastic", elastic, "\"interval\": \"5m\"", "\"interval\": \"20m\"");
    assert_eq!(late.verdict, Verdict::Differs);
    assert!(late.reason.as_ref().is_some_and(|told| told.contains("the 11 minutes between")), "{:?}", late.reason);
    for (from, to, reason) in [
        (
            "\"host.name\",",
            "",
            "`alert_suppression` holds hits back by `user.name`, so that those of another `host.name`",
        ),
        (
            "\"value\": 60",
            "\"value\": 300",
            "`alert_suppression` holds hits back for 5 hours, the detection asks for 1 hour",
        ),
        ("\"max_signals\": 100", "\"max_signals\": 1", "`max_signals` is 1"),
        ("\"max_signals\": 100", "\"building_block_type\": \"default\"", "`building_block_type` hides"),
    ] {
        let finding = changed("nsenter_into_host", "process", "elastic", elastic, from, to);
        assert_eq!(finding.verdict, Verdict::Differs, "{from} {to}");
        assert!(finding.reason.as_ref().is_some_and(|told| told.contains(reason)), "{:?}", finding.reason);
    }
    let with = |entry: &str| changed("nsenter_into_host", "process", "elastic", elastic, "{", &format!("{{ {entry},"));
    let strict = with("\"timestamp_override_fallback_disabled\": true");
    assert!(strict.reason.as_ref().is_some_and(|told| told.contains("are never searched")), "{:?}", strict.reason);
    for (from, to, reason) in [
        ("\"interval\": \"5m\"", "\"interval\": 5", "`interval` is `5`: Kibana imports no such rule"),
        ("\"max_signals\": 100", "\"max_signals\": \"100\"", "`max_signals` is `\"100\"`: Kibana imports"),
        ("\"enabled\": false", "\"enabled\": \"no\"", "`enabled` is `\"no\"`: Kibana imports"),
        ("now-9m", "now/d", "it looks at events from or to `now/d`, which is not read"),
        ("now-9m", "yesterday", "`yesterday`, which is not read"),
        ("\"interval\": \"5m\"", "\"interval\": \"never\"", "`interval` is `never`, which is no time"),
        ("\"interval\": \"5m\"", "\"to\": \"2026-01-01\"", "`to` is `2026-01-01`: what happens later"),
    ] {
        let finding = changed("nsenter_into_host", "process", "elastic", elastic, from, to);
        assert!(finding.reason.as_ref().is_some_and(|told| told.contains(reason)), "{:?}", finding.reason);
    }
    for (from, to) in [("now-9m", "2026-01-01T00:00:00Z"), ("\"interval\": \"5m\"", "\"to\": \"now+5m\"")] {
        let finding = changed("nsenter_into_host", "process", "elastic", elastic, from, to);
        assert_eq!(finding.verdict, Verdict::Proved, "{to}: {:?}", finding.reason);
    }
    // What changes which events are asked, in ways that are not read.
    for entry in [
        "\"event_category_override\": \"event.kind\"",
        "\"timestamp_field\": \"event.created\"",
        "\"exceptions_list\": { \"list_id\": \"x\" }",
        "\"data_view_id\": \"x\"",
    ] {
        assert_eq!(with(entry).verdict, Verdict::Unreadable, "{entry}");
    }
    let filter = |filter: &str| with(&format!("\"filters\": [{filter}]"));
    let root = "{ \"meta\": { \"negate\": true }, \"query\": { \"match_phrase\": { \"user.name\": \"backup\" } } }";
    let finding = filter(root);
    assert_eq!(finding.verdict, Verdict::Differs);
    assert!(finding.example.expect("an event").event.to_string().contains("backup"));
    assert_eq!(filter(&root.replace("true", "true, \"disabled\": true")).verdict, Verdict::Proved);
    let linux = "{ \"query\": { \"match_phrase\": { \"host.os.type\": \"linux\" } } }";
    assert_eq!(filter(linux).verdict, Verdict::Proved);
    assert_eq!(filter(&root.replace("match_phrase", "fuzzy")).verdict, Verdict::Unreadable);
    let service = root.replace("match_phrase", "prefix");
    assert!(filter(&service).example.expect("an event").event.to_string().contains("backup"));
    let combined = |relation: &str| {
        format!(
            "{{ \"meta\": {{ \"type\": \"combined\", \"relation\": \"{relation}\", \"params\": [{linux}, {root}] }}, \"query\": {{}} }}"
        )
    };
    assert_eq!(
        (filter(&combined("OR")).verdict, filter(&combined("AND")).verdict),
        (Verdict::Proved, Verdict::Differs)
    );
    for entry in ["\"event_category_override\": \"event.category\"", "\"exceptions_list\": []"] {
        assert_eq!(with(entry).verdict, Verdict::Proved, "{entry}");
    }
    let suppression = "\"alert_suppression\"";
    let more = changed("nsenter_into_host", "process", "elastic", elastic, suppression, "\"once\"");
    assert_eq!(more.verdict, Verdict::Proved);
    let index = changed("nsenter_into_host", "process", "elastic", elastic, "logs-endpoint.events.process-*", "x-*");
    let told = index.reason.unwrap_or_default();
    assert!(
        told.contains("`logs-endpoint.events.process-*` is missing from `index`: the events there are never"),
        "{told}"
    );
    assert!(told.contains("`x-*` was added"), "{told}");
}

#[test]
fn rules_that_are_shipped_switched_off_are_told_at_once() {
    let report = verified(&pack().compiled, &pack().files);
    assert_eq!(report.all_off, ["elastic", "splunk"]);
    let title = "Process moved into the host's namespaces or root directory";
    let report = with_files("splunk", &[(LOCAL_SEARCHES, &format!("[{title}]\ndisabled = 0\n"))]);
    let is_ours = |(file, name): &(String, String)| file.starts_with("splunk/") && name == title;
    assert!(!report.all_off.contains(&"splunk".to_owned()) && !report.off.iter().any(is_ours), "{:?}", report.off);
}

#[test]
fn what_the_manuals_leave_open_must_be_right_either_way() {
    let of = |condition: &str| {
        let macros = format!("[nsenter_into_host_process_filter]\ndefinition = {condition}\n");
        let report = with_files("splunk", &[(LOCAL_MACROS, &macros)]);
        report.findings.into_iter().next().expect("a finding")
    };
    // Whether events without a user are found is not known: they must be.
    let missing = of("where NOT user=\"backup\"");
    let example = missing.example.as_ref().expect("an event");
    assert!(missing.verdict == Verdict::Differs && !example.matched);
    let open = of("where NOT user=\"x\" OR isnull(user) OR user=\"x\"");
    assert_eq!(open.verdict, Verdict::Proved, "{:?}", open.reason);
    // What is left open decides here: the reason says so.
    let doubtful = of("where NOT user=\"backup\" OR user=\"backup\"");
    assert_eq!(doubtful.verdict, Verdict::Differs);
    let told = doubtful.reason.unwrap_or_default();
    assert!(told.contains("if that counts as no match") && told.contains("NOT NULL is not documented"), "{told}");
    let told = of("regex user!=\"^backup$\"").reason.unwrap_or_default();
    assert!(!told.contains("if that counts"), "an event of backup is lost for sure: {told}");
}

#[test]
fn operators_in_small_letters_are_words_to_look_for() {
    let macros = "[nsenter_into_host_process_filter]\ndefinition = search user=* or user=root\n";
    let report = with_files("splunk", &[(LOCAL_MACROS, macros)]);
    let finding = report.findings.first().expect("a finding");
    assert!(finding.verdict == Verdict::Differs && finding.example.is_some(), "{finding:?}");
}

#[test]
fn a_sigma_file_may_have_several_documents() {
    let file = "sigma/nsenter_into_host.process.yml";
    let text = String::from_utf8(pack().files.get(file).expect("the rule").clone()).expect("text");
    let id = text.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id");
    let filter = |id: &str, user: &str| {
        format!(
            "title: {user}\nlogsource: {{ product: linux, category: process_creation }}\n\
             filter: {{ rules: [\"{id}\"], selection: {{ User: {user} }}, condition: not selection }}\n"
        )
    };
    let other = filter("00000000-0000-0000-0000-000000000000", "nobody");
    let both = format!("{other}---\n{}", filter(id, "backup"));
    let lost = |files: &[(&str, &str)]| {
        let report = with_files("sigma", files);
        let found = report.findings.iter().find(|finding| finding.verdict == Verdict::Differs);
        found.and_then(|found| Some(found.example.as_ref()?.event.to_string())).unwrap_or_default()
    };
    assert!(lost(&[("sigma/mine.yml", &both)]).contains("backup"));
    assert_eq!(verdict(&with_files("sigma", &[("sigma/mine.yml", &other)])), Verdict::Proved);
    // However its YAML is written.
    let mine = filter(id, "backup");
    let indented: String = mine.lines().map(|line| format!("  {line}\n")).collect();
    let merged = format!("base: &base\n{indented}<<: *base\n");
    for text in [&indented, &mine.replace("filter:", "filter :"), &mine.replace("filter:", "\"filter\":"), &merged] {
        assert!(lost(&[("sigma/mine.yml", text)]).contains("backup"), "{text}");
    }
    let weaker: String = text.replace("|noderoot", "|nodeboot").lines().map(|line| format!("  {line}\n")).collect();
    assert_eq!(verdict(&with_files("sigma", &[("sigma/copy.yml", &weaker)])), Verdict::Differs);
    // A filter and a rule in one file, too.
    assert!(lost(&[(file, &format!("{text}\n---\n{}", filter(id, "backup")))]).contains("backup"));
    let second = text.replace(id, "11111111-1111-4111-8111-111111111111");
    let report = with_files("sigma", &[(file, &format!("{second}\n---\n{text}"))]);
    assert_eq!(verdict(&report), Verdict::Proved, "{:?}", report.findings);
    assert!(report.foreign.iter().any(|(known, _)| known == file), "{:?}", report.foreign);
    assert_eq!(verdict(&with_files("sigma", &[(file, &format!("action: global\n---\n{text}"))])), Verdict::Unreadable);
    // A rule that a correlation takes as its part is told only as a part, unless the correlation says otherwise.
    let correlation = |more: &str| {
        format!(
            "title: many\ncorrelation:\n  type: event_count\n  rules: [\"{id}\"]\n  group-by: [User]\n  timespan: 5m\n  \
             condition: {{ gte: 3 }}\n{more}"
        )
    };
    let report = with_files("sigma", &[("sigma/mine.yml", &correlation(""))]);
    let told =
        report.findings.iter().find(|finding| finding.verdict == Verdict::Differs).and_then(|f| f.reason.clone());
    assert!(told.is_some_and(|told| told.contains("a correlation takes it as a part")));
    let single = correlation("").replace(&format!("[\"{id}\"]"), &id.to_uppercase());
    assert_eq!(verdict(&with_files("sigma", &[("sigma/mine.yml", &single)])), Verdict::Differs);
    let after = format!("{text}\n---\n{}", correlation(""));
    assert_eq!(verdict(&with_files("sigma", &[(file, &after)])), Verdict::Differs);
    let both = with_files("sigma", &[("sigma/mine.yml", &correlation("generate: true\n"))]);
    assert_eq!(verdict(&both), Verdict::Proved);
}

#[test]
fn the_line_of_a_wrong_rule_is_told() {
    let of = |target, file, from, to| {
        let finding = changed("nsenter_into_host", "process", target, file, from, to);
        assert_eq!(finding.verdict, Verdict::Differs, "{file}");
        let text = String::from_utf8(pack().files.get(file).expect("the file").clone()).expect("text");
        text.lines().nth(finding.line.expect("a line") - 1).expect("the line is there").to_owned()
    };
    let falco = of("falco", "falco/cresset_container_rules.yaml", "|rootfs", "|rootf");
    assert!(falco.starts_with("- rule: 'Process moved"), "{falco}");
    let sigma = of("sigma", "sigma/nsenter_into_host.process.yml", "|rootfs", "|rootf");
    assert!(sigma.starts_with("title: 'Process moved"), "{sigma}");
    let elastic = of("elastic", "elastic/rules.ndjson", "|rootfs", "|rootf");
    assert!(elastic.contains("Process moved"), "{elastic}");
}

#[test]
fn a_rule_that_makes_less_of_its_finds_is_told() {
    let remarks = |target: &str, file: &str, from: &str, to: &str| {
        let finding = changed("nsenter_into_host", "process", target, file, from, to);
        assert!(!finding.verdict.is_wrong(), "{:?}", finding.reason);
        finding.remarks.join("; ")
    };
    let sigma = |from: &str, to: &str| remarks("sigma", "sigma/nsenter_into_host.process.yml", from, to);
    assert_eq!(sigma("level: high", "level: low"), "`level` is `low`, the detection asks for `high`");
    assert_eq!(sigma("level: high\n", ""), "`level` is missing, the detection asks for `high`");
    assert_eq!(sigma("level: high", "level: critical"), "");
    for status in ["deprecated", "unsupported"] {
        let told = sigma("status: stable", &format!("status: {status}"));
        assert_eq!(told, format!("`status` is `{status}`: tools may leave it out"));
    }
    assert_eq!(sigma("status: stable", "status: test"), "");
    assert!(sigma("status: stable", "status: production").contains("which Sigma does not know: tools refuse it"));
    assert_eq!(sigma("title: ", "titel: "), "it has no `title`: tools refuse it");

    let elastic = |from: &str, to: &str| remarks("elastic", "elastic/rules/nsenter_into_host.process.json", from, to);
    let severity = "\"severity\": \"high\"";
    assert!(elastic(severity, "\"severity\": \"medium\"").contains("`severity` is `medium`"));
    assert!(
        elastic("\"risk_score\": 73", "\"risk_score\": 21").contains("`risk_score` is 21, the detection asks for 73")
    );
    assert_eq!(elastic("\"risk_score\": 73", "\"risk_score\": 80"), "");
    let late = "events that come in later than a run looks back are never searched";
    let ingested = "\"timestamp_override\": \"event.ingested\"";
    assert_eq!(elastic(ingested, "\"x\": 1"), format!("`timestamp_override` is missing: {late}"));
    let created = elastic(ingested, "\"timestamp_override\": \"event.created\"");
    assert_eq!(created, format!("`timestamp_override` is `event.created`, not `event.ingested`: {late}"));
    let mapped = format!("{severity}, \"severity_mapping\": [{{ \"field\": \"host.name\" }}]");
    assert!(elastic(severity, &mapped).contains("`severity_mapping` makes something else of it"));

    let title = "Process moved into the host's namespaces or root directory";
    let splunk = |entry: &str| {
        let report = with_files("splunk", &[(LOCAL_SEARCHES, &format!("[{title}]\n{entry}\n"))]);
        report.findings.iter().flat_map(|finding| finding.remarks.clone()).collect::<Vec<_>>().join("; ")
    };
    assert!(splunk("action.notable.param.severity = low").contains("`action.notable.param.severity` is `low`"));
    assert!(splunk("action.risk.param._risk = [{\"risk_score\": 1}]").contains("`risk_score` is 1"));
    for none in ["", "[]", "x"] {
        let told = splunk(&format!("action.risk.param._risk = {none}"));
        assert_eq!(told, "`action.risk.param._risk` has no score: `action.risk` adds none", "{none}");
    }
    assert_eq!(splunk("disabled = 0"), "");
    let correlation =
        "`action.correlationsearch.enabled` is `0`: Enterprise Security does not take it for a correlation";
    assert!(splunk("action.correlationsearch.enabled = 0").starts_with(correlation));

    let falco = |priority: &str| {
        let local = format!("- rule: {title}\n  priority: {priority}\n  override: {{ priority: replace }}\n");
        let report = with_files("falco", &[("falco/local.yaml", &local)]);
        let told = report.findings.iter().flat_map(|finding| finding.remarks.clone()).collect::<Vec<_>>().join("; ");
        (verdict(&report), told)
    };
    let lowered = "`priority` is `Warning`, the detection asks for `ERROR`";
    assert_eq!(falco("Warning"), (Verdict::Proved, lowered.to_owned()));
    assert_eq!(falco("alert"), (Verdict::Proved, String::new()));
    // The engine loads no file with such a word.
    assert_eq!(falco("high").0, Verdict::Unreadable);

    let engine = |version: &str| {
        let report = with_files("falco", &[("falco/local.yaml", &format!("- required_engine_version: {version}\n"))]);
        (verdict(&report), report.findings.iter().flat_map(|finding| finding.remarks.clone()).collect::<String>())
    };
    let (held, told) = engine("99");
    assert_eq!(held, Verdict::Proved);
    assert!(told.starts_with("falco/local.yaml: `required_engine_version` is 0.99.0, and the newest engine"), "{told}");
    assert_eq!((engine("31"), engine("0.57.0")), ((Verdict::Proved, String::new()), (Verdict::Proved, String::new())));
    assert_eq!(engine("newest").0, Verdict::Unreadable);
    let own = "required_engine_version: 0.57.0";
    let told = remarks("falco", "falco/cresset_container_rules.yaml", own, &own.replace("57", "99"));
    assert!(told.starts_with("`required_engine_version` is 0.99.0"), "{told}");

    let report = verified(&pack().compiled, &pack().files);
    assert!(report.findings.iter().all(|finding| finding.remarks.is_empty()), "nothing is lowered in the pack itself");
}

#[test]
fn falco_reads_all_of_its_files_together() {
    let own = "falco/cresset_container_k8s_audit_rules.yaml";
    let text = String::from_utf8(pack().files.get(own).expect("the file").clone()).expect("text");
    let title = "Process moved into the host's namespaces or root directory";
    // Whatever stands in the pack's other file: what is defined twice is what the last file says.
    let with = |entry: &str| with_files("falco", &[(own, &format!("{text}\n{entry}"))]);
    let report = with("- macro: nsenter_into_host_process_exceptions\n  condition: (evt.type = execve)\n");
    assert_eq!(verdict(&report), Verdict::Differs);
    assert_eq!(report.findings.first().expect("a finding").overlays, [own]);
    assert_eq!(verdict(&with("- macro: mine\n  condition: (evt.type = execve)\n")), Verdict::Proved);
    let report = with(&format!("- rule: {title}\n  enabled: \"no\"\n"));
    assert!(report.off.iter().any(|(_, name)| name == title), "{:?}", report.off);

    // The engine puts a list's values wherever its name is a word.
    let list = |name: &str| verdict(&with(&format!("- list: {name}\n  items: [foo]\n")));
    assert_eq!((list("/grep"), list("/gre")), (Verdict::Unreadable, Verdict::Proved));

    let output = |output: &str| {
        let local = format!("- rule: {title}\n  output: \"{output}\"\n  override: {{ output: replace }}\n");
        verdict(&with_files("falco", &[("falco/local.yaml", &local)]))
    };
    assert_eq!(output("%proc.name at %evt.time.iso8601, %proc.aname[2], %container.info"), Verdict::Proved);
    assert_eq!(output("%proc.name %no.such"), Verdict::Unreadable);
}

#[test]
fn files_that_nothing_reads_back_are_measured_by_the_manifest() {
    let built = cresset::target::Built { files: pack().files.clone(), entries: Vec::new() };
    let manifest = cresset::pack::manifest(&built, &cresset::target::PackInfo::default());
    let manifest = String::from_utf8(manifest).expect("text");
    let of = |target: &str, more: &[(&str, &str)]| -> Vec<(String, &str)> {
        let mut files = pack().files.clone();
        files.insert("manifest.json".to_owned(), manifest.clone().into_bytes());
        files.extend(more.iter().map(|(file, text)| ((*file).to_owned(), text.as_bytes().to_vec())));
        let report = verified(&rules_of("nsenter_into_host", "process", target), &files);
        report.strayed.into_iter().map(|(file, state)| (file, state.word())).collect()
    };
    assert_eq!(of("splunk", &[]), []);
    let (app, props) = ("splunk/cresset_container/default/app.conf", "splunk/cresset_container/local/props.conf");
    let off = [(app, "[install]\nstate = disabled\n"), (props, "[x]\nEVAL-process = 1\n")];
    assert_eq!(of("splunk", &off), [(app.to_owned(), "changed"), (props.to_owned(), "new")]);
    // What is read back, is told by what it means.
    let title = "Process moved into the host's namespaces or root directory";
    let read = [(LOCAL_SEARCHES, &*format!("[{title}]\ndisabled = 0\n")), (LOCAL_MACROS, "[x]\ndefinition = y\n")];
    assert_eq!(of("splunk", &read), []);
    assert_eq!(of("falco", &[("falco/mine.yaml", "- list: x\n  items: []\n")]), []);
    let below = "falco/rules.d/mine.yaml";
    assert_eq!(of("falco", &[(below, "- list: x\n  items: []\n")]), [(below.to_owned(), "new")]);
    let filter = "title: x\nlogsource: { product: linux }\nfilter: { rules: [x], s: { a: b }, condition: not s }\n";
    assert_eq!(of("sigma", &[("sigma/mine/x.yml", filter)]), []);
}

#[test]
fn a_manifest_that_says_another_verdict_is_told() {
    let remarks = |verdict: &str| {
        let rule = ["detection", "source", "target", "verdict"]
            .into_iter()
            .zip(["nsenter_into_host", "process", "falco", verdict])
            .map(|(key, value)| format!("\"{key}\": \"{value}\""));
        let manifest = format!("{{\"files\": {{}}, \"rules\": [{{{}}}]}}", rule.collect::<Vec<_>>().join(", "));
        let mut files = pack().files.clone();
        files.insert("manifest.json".to_owned(), manifest.into_bytes());
        let report = verified(&rules_of("nsenter_into_host", "process", "falco"), &files);
        report.findings.iter().flat_map(|finding| finding.remarks.clone()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(remarks("proved"), "");
    assert_eq!(remarks("wider"), "manifest.json says `wider` of it, and it is proved");
}

#[test]
fn what_exception_lists_except_is_read() {
    let (export, rule) = ("elastic/mine/export.ndjson", "elastic/rules/nsenter_into_host.process.json");
    let lines = String::from_utf8(pack().files.get("elastic/rules.ndjson").expect("the rules").clone()).expect("text");
    let line = lines.lines().find(|line| line.contains("Process moved into the host")).expect("the rule");
    let named = |list: &str| line.replacen('{', &format!("{{\"exceptions_list\": [{list}],"), 1);
    let mine = "{\"id\": \"1\", \"list_id\": \"mine\", \"type\": \"rule_default\", \"namespace_type\": \"single\"}";
    let list =
        "{\"list_id\": \"mine\", \"name\": \"Mine\", \"namespace_type\": \"single\", \"type\": \"rule_default\"}";
    let item = |entries: &str, more: &str| {
        format!(
            "{{\"list_id\": \"mine\", \"item_id\": \"i\", \"name\": \"Backups\", \"namespace_type\": \"single\", \
             \"type\": \"simple\", \"os_types\": [], \"entries\": [{entries}]{more}}}"
        )
    };
    let of = |documents: &[&str]| {
        let report = with_files("elastic", &[(export, &documents.join("\n"))]);
        assert!(!report.foreign.iter().any(|(file, _)| file == export), "what stands beside a rule is none");
        let finding = report.findings.into_iter().find(|finding| finding.file == export).expect("a finding");
        let event = finding.example.map(|example| example.event.to_string()).unwrap_or_default();
        (finding.verdict, event, finding.reason.unwrap_or_default())
    };
    let excepted = |entries: &str, more: &str| of(&[&named(mine), list, &item(entries, more)]);
    let entry = |kind: &str, operator: &str, field: &str, value: &str| {
        format!("{{\"type\": \"{kind}\", \"operator\": \"{operator}\", \"field\": \"{field}\", \"value\": {value}}}")
    };
    let backup = entry("match", "included", "user.name", "\"backup\"");
    let summary = "{\"exported_count\": 3, \"exported_rules_count\": 1, \"missing_rules\": []}";
    assert_eq!(of(&[&named(mine), list, summary]).0, Verdict::Proved, "a list without items excepts nothing");
    for (entries, event) in [
        (backup.clone(), "backup"),
        (entry("match_any", "included", "user.name", "[\"ci\", \"backup\"]"), "\"user\""),
        (entry("wildcard", "included", "process.name", "\"ns?nter*\""), "nter"),
        (entry("exists", "included", "user.name", "null"), "\"user\""),
        (format!("{backup}, {}", entry("match", "included", "host.os.type", "\"linux\"")), "backup"),
    ] {
        let (verdict, shown, told) = excepted(&entries, "");
        assert!(verdict == Verdict::Differs && shown.contains(event), "{entries}: {shown} {told}");
        assert!(!told.contains("if that counts"), "{told}");
    }
    // Those without the value are excepted, too.
    let (verdict, event, _) = excepted(&entry("match", "excluded", "user.name", "\"root\""), "");
    assert!(verdict == Verdict::Differs && !event.contains("\"user\""), "{event}");
    for harmless in [
        entry("match", "included", "host.os.type", "\"windows\""),
        entry("match", "excluded", "host.os.type", "\"linux\""),
        format!("{backup}, {}", entry("match", "included", "event.type", "\"end\"")),
    ] {
        // Values of a list are what other values of it are not, but of these fields there is one.
        let (verdict, event, _) = excepted(&harmless, "");
        assert!(verdict == Verdict::Proved || event.contains('['), "{harmless}: {event}");
    }
    let past = ", \"expire_time\": \"2020-01-01T00:00:00.000Z\"";
    assert_eq!(excepted(&backup, past).0, Verdict::Proved);
    assert_eq!(excepted(&backup, &past.replace("2020", "2999")).0, Verdict::Differs);
    let windows = item(&backup, "").replace("\"os_types\": []", "\"os_types\": [\"windows\"]");
    let shown = of(&[&named(mine), list, &windows]);
    assert!(shown.1.contains("windows"), "{shown:?}");
    // Lists that the rule does not name, or that are of another space, change nothing.
    assert_eq!(of(&[line, list, &item(&backup, "")]).0, Verdict::Proved);
    let agnostic = item(&backup, "").replace("single", "agnostic");
    assert_eq!(of(&[&named(mine), list, &agnostic]).0, Verdict::Proved);
    // What is not known may be all.
    let (verdict, _, told) = of(&[&named(mine)]);
    assert!(verdict == Verdict::Differs && told.contains("the exception list `mine` is in no file"), "{told}");
    let values = "{\"type\": \"list\", \"operator\": \"included\", \"field\": \"user.name\", \
                  \"list\": {\"id\": \"admins\", \"type\": \"keyword\"}}";
    let (verdict, _, told) = excepted(values, "");
    assert!(verdict == Verdict::Differs && told.contains("the values of the list `admins`"), "{told}");
    let fuzzy = entry("fuzzy", "included", "user.name", "\"x\"");
    assert_eq!(excepted(&fuzzy, "").0, Verdict::Unreadable);
    // Lists may be exported by themselves, and are no stray files.
    let alone = format!("{list}\n{}", item(&backup, ""));
    let mut files = pack().files.clone();
    files.insert("elastic/exceptions.ndjson".to_owned(), alone.into_bytes());
    files.insert(rule.to_owned(), named(mine).into_bytes());
    let report = verified(&rules_of("nsenter_into_host", "process", "elastic"), &files);
    let finding = report.findings.iter().find(|finding| finding.file == rule).expect("a finding");
    assert_eq!(finding.verdict, Verdict::Differs);
    assert!(finding.example.as_ref().is_some_and(|example| example.event.to_string().contains("backup")));
}

#[test]
fn what_falco_is_configured_to_load_is_read() {
    let title = "Process moved into the host's namespaces or root directory";
    let own = "cresset_container_rules.yaml";
    let with = |config: &str, more: &[(&str, &str)]| {
        let files: Vec<(&str, &str)> = more.iter().copied().chain([("falco/falco.yaml", config)]).collect();
        let report = with_files("falco", &files);
        let is_off = report.off.iter().any(|(file, name)| file.starts_with("falco/") && name == title);
        let finding = report.findings.into_iter().next().expect("a finding");
        (finding.verdict, is_off, finding.reason.unwrap_or_default() + &finding.remarks.join("; "))
    };
    let harmless =
        "rules_files: [/etc/falco/rules.d]\npriority: error\nrule_matching: all\nstdout_output: { enabled: true }\n";
    assert_eq!(with(harmless, &[]), (Verdict::Proved, false, String::new()));
    assert_eq!(with("", &[]), (Verdict::Proved, false, String::new()));
    for (config, reason) in [
        (
            "rules_files: [/etc/falco/falco_rules.yaml]",
            "`rules_files` in falco.yaml names neither its file nor a folder",
        ),
        ("priority: critical", "`priority` in falco.yaml is `Critical`: a rule of less is not loaded"),
        ("engine: { kind: nodriver }", "no system call is looked at"),
        ("stdout_output: { enabled: false }\nsyslog_output: { enabled: false }", "no output is on"),
    ] {
        let (verdict, _, told) = with(config, &[]);
        assert!(verdict == Verdict::Differs && told.contains(reason), "{config}: {told}");
    }
    assert_eq!(with("priority: loud", &[]).0, Verdict::Unreadable);
    let off = |rules: &str| with(&format!("rules: [{rules}]"), &[]).1;
    assert!(off("{ disable: { rule: Process moved* } }") && off("{ disable: { tag: T1611 } }"));
    assert!(!off("{ disable: { rule: '*' } }, { enable: { tag: container } }") && !off("{ disable: { tag: T9 } }"));

    // What is loaded before is what the rules define anew; what changes them must come after.
    let none = "- macro: nsenter_into_host_process_exceptions\n  condition: (evt.type = execve)\n";
    let local = [("falco/local.yaml", none)];
    let order = |first: &str, second: &str| with(&format!("rules_files: [x/{first}, x/{second}]"), &local).0;
    assert_eq!((order(own, "local.yaml"), order("local.yaml", own)), (Verdict::Differs, Verdict::Proved));
    assert_eq!(with(&format!("rules_files: [{own}]"), &local).0, Verdict::Proved, "it is not loaded");
    let changed = format!("- rule: {title}\n  enabled: false\n");
    let before = with(&format!("rules_files: [local.yaml, {own}]"), &[("falco/local.yaml", &changed)]);
    assert_eq!(before.0, Verdict::Unreadable, "{before:?}");
}

#[test]
fn what_keeps_falco_from_starting_is_told() {
    let remarks = |local: &str| {
        let report = with_files("falco", &[("falco/local.yaml", local)]);
        assert_eq!(verdict(&report), Verdict::Proved, "{:?}", report.findings);
        report.findings.iter().flat_map(|finding| finding.remarks.clone()).collect::<Vec<_>>().join("; ")
    };
    let rule =
        |condition: &str| format!("- rule: Mine\n  desc: x\n  condition: {condition}\n  output: x\n  priority: INFO\n");
    let broken = remarks(&rule("(evt.type = execve"));
    assert!(broken.starts_with("the rule `Mine` is not read:") && broken.contains("does not start"), "{broken}");
    assert_eq!(remarks(&rule("evt.type = execve and proc.name = x")), "");
    assert_eq!(remarks(&format!("{}  source: mine\n", rule("mine.field = x"))), "", "another source has other fields");
    let strange = remarks("- rule: Terminal shell\n  append: true\n  condition: and proc.name != x\n");
    assert!(
        strange.starts_with("the rule `Terminal shell` is changed, and no file here defines it before"),
        "{strange}"
    );
    assert_eq!(remarks(&format!("{}- rule: Mine\n  enabled: false\n", rule("evt.type = execve"))), "");
}
