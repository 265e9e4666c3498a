//! Exceptions in the packs: where each target carries them, that every rule is its detection and not the exception, and
//! that whoever drops or changes an exception in an artefact is found out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cresset::detection::{Detection, load};
use cresset::exception;
use cresset::logic::{Reading, evaluate};
use cresset::pack::verify::{self, Finding, Report};
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, Built, Compiled, PackInfo, State, Target, Verdict};

type Files = BTreeMap<String, Vec<u8>>;

/// What rows of values say, and what every target has a word for.
const INVENTORY: &str = "
detections: [socket_read, pod_exec]
reason: The inventory asks every engine once an hour.
owner: platform team
expires: 2027-03-31
ticket: CHG-1234
lists: { inventory: [ansible, puppet] }
observe:
  process:
    account: { process.parent.name: $inventory }
    home: { process.working_directory|startswith: /srv/inventory }
    condition: account and home
  kubernetes_audit:
    agent: { userAgent|startswith: 'inventory/' }
    condition: agent
";

/// What has to be denied, which no row of values does, and an expression, which Splunk's `search` does not know.
const NIGHTLY: &str = "
detections: [socket_read]
reason: |
  Jobs of the night, unless root's.
  # They have a user of their own: \"night\" [1].
owner: operations
expires: 2027-06-30
observe:
  process:
    night: { process.working_directory|re: '^/srv/night/[0-9]+$' }
    root: { user.name: root }
    condition: night and not root
";

/// Values with signs that mean something to some notation.
const SIGNS: &str = r#"
detections: [pod_exec]
reason: "Quotes \" and ' and ` and $x$ and {{ y }} | in the reason."
owner: "o: wner"
expires: 2027-06-30
observe:
  process:
    odd: { process.working_directory: ['/a b', "/c\"d", '/e,f', '/(g)', '/h=i'] }
    condition: odd
"#;

struct Pack {
    targets: &'static [Target],
    compiled: Vec<Compiled<'static>>,
    built: Built,
}

/// The packs of the small project with these exceptions.
fn pack(exceptions: &[(&str, &str)]) -> Pack {
    pack_of(&["socket_read", "pod_exec"], exceptions, None)
}

fn pack_of(detections: &[&str], exceptions: &[(&str, &str)], own: Option<&Path>) -> Pack {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::create_dir(root.join("detections")).expect("a folder");
    fs::create_dir(root.join("exceptions")).expect("a folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles/project/detections");
    for name in detections.iter().chain(&["lists"]) {
        let name = format!("{name}.yml");
        fs::copy(from.join(&name), root.join("detections").join(&name)).expect("copied");
    }
    for (name, text) in exceptions {
        fs::write(root.join(format!("exceptions/{name}.yml")), text).expect("written");
    }
    let (project, catalogue) = (Project::at(root, root), Catalogue::builtin());
    let mut loaded = load::load(&project, catalogue);
    let read = exception::load(&project, loaded.lists.as_ref(), catalogue);
    assert!(read.problems.is_empty() && read.all.len() == exceptions.len(), "{:?}", read.problems);
    exception::apply(&read.all, None, &mut loaded.detections);
    let detections: &'static [Detection] = loaded.detections.leak();
    let targets: &'static [Target] = target::load_all(own).expect("targets").leak();
    let compiled = target::compile_all(targets, detections, catalogue, &|| ()).expect("compiled");
    let claim = |_: &Compiled<'_>, rule: &target::Rule<'_>| rule.claim();
    let built = target::render_all(targets, &compiled, catalogue, &PackInfo::default(), &claim).expect("a build");
    Pack { targets, compiled, built }
}

fn all() -> Pack {
    pack(&[("inventory", INVENTORY), ("nightly", NIGHTLY), ("signs", SIGNS)])
}

impl Pack {
    fn verified(&self, files: &Files) -> Report {
        let budget = verify::budget();
        verify::verify(self.targets, &self.compiled, files, Catalogue::builtin(), &budget, &|_| Vec::new())
    }

    fn text(&self, file: &str) -> String {
        let bytes = self.built.files.get(file).expect("the file is built");
        String::from_utf8(bytes.clone()).expect("text")
    }

    /// The language that an exception is said in beside a rule's query; `None` if the query says it.
    fn beside(&self, target: &str, detection: &str, exception: &str) -> Option<&'static str> {
        let entries = self.built.entries.iter();
        let mut entries = entries.filter(|entry| entry.target == target && entry.detection == detection);
        let entry = entries.find(|entry| entry.source == "process").expect("an entry");
        let made = match &entry.state {
            State::Rule { exceptions, .. } => exceptions.iter().find(|made| made.name == exception),
            _ => None,
        };
        made.expect("a rule with the exception").beside
    }
}

const MACROS: &str = "splunk/cresset_container/default/macros.conf";
const SEARCHES: &str = "splunk/cresset_container/default/savedsearches.conf";
const FALCO: &str = "falco/cresset_container_rules.yaml";

#[test]
fn each_target_carries_them_its_own_way_and_every_rule_is_proved() {
    let pack = all();
    for finding in pack.verified(&pack.built.files).findings {
        assert_eq!(finding.verdict, Verdict::Proved, "{finding:?}");
    }
    for (target, exception, detection, beside) in [
        ("falco", "inventory", "socket_read", Some("falco_exceptions")),
        ("falco", "nightly", "socket_read", None),
        ("falco", "signs", "pod_exec", Some("falco_exceptions")),
        ("splunk", "inventory", "socket_read", Some("search")),
        ("splunk", "nightly", "socket_read", Some("where")),
        ("splunk", "signs", "pod_exec", Some("search")),
        ("sigma", "inventory", "pod_exec", Some("sigma")),
        ("sigma", "nightly", "socket_read", Some("sigma")),
        ("elastic", "inventory", "pod_exec", None),
    ] {
        assert_eq!(pack.beside(target, detection, exception), beside, "{exception} in {target}");
    }
    let elastic: serde_json::Value =
        serde_json::from_str(&pack.text("elastic/rules/socket_read.process.json")).expect("JSON");
    assert!(elastic["false_positives"][0].as_str().is_some_and(|text| text.starts_with("Excepted until 2027-03-31")));
    insta::assert_snapshot!("falco", pack.text(FALCO));
    insta::assert_snapshot!("splunk_macros", pack.text(MACROS));
    insta::assert_snapshot!("sigma_filters", {
        let filters = pack.built.files.keys().filter(|file| file.starts_with("sigma/exceptions/"));
        filters.map(|file| format!("== {file}\n{}", pack.text(file))).collect::<String>()
    });
    insta::assert_snapshot!("elastic_query", elastic["query"].as_str().expect("a query"));
}

/// A reviewer reads the exception and nothing else.
#[test]
fn an_exception_changes_nothing_but_its_own_part() {
    let (without, with) = (pack(&[]), pack(&[("inventory", INVENTORY), ("signs", SIGNS)]));
    let gone: Vec<&String> = without.built.files.keys().filter(|file| !with.built.files.contains_key(*file)).collect();
    assert!(gone.is_empty(), "{gone:?}");
    for (file, bytes) in &with.built.files {
        if file.starts_with("elastic/") || file.starts_with("sigma/exceptions/") {
            continue;
        }
        let before = without.text(file);
        let after = String::from_utf8(bytes.clone()).expect("text");
        if file.starts_with("falco/") {
            // Lines are added, and none is changed.
            let mut rest = after.lines();
            assert!(before.lines().all(|line| rest.any(|other| other == line)), "{file}");
            assert!(after.lines().count() > before.lines().count(), "{file}");
        } else if file == MACROS {
            let (old, new) = (before.lines().collect::<Vec<_>>(), after.lines().collect::<Vec<_>>());
            let lost: Vec<&&str> = old.iter().filter(|line| !new.contains(line)).collect();
            assert!(lost.iter().all(|line| **line == "definition = search *"), "{lost:?}");
        } else {
            assert_eq!(before, after, "{file}");
        }
    }
}

/// A target that says nothing of exceptions has them in its queries.
#[test]
fn a_target_without_a_mechanism_denies_them_in_the_query() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets/templates");
    let exception = INVENTORY
        .replace("[socket_read, pod_exec]", "[pod_exec]")
        .replace("home: { process.working_directory|startswith: /srv/inventory }", "")
        .replace("account and home", "account")
        .replace("process.parent.name: $inventory", "user.name: $inventory");
    let pack = pack_of(&["pod_exec"], &[("inventory", &exception)], Some(&own));
    assert_eq!(pack.beside("lucene", "pod_exec", "inventory"), None);
    let query = pack.text("lucene/pod_exec.process.txt");
    assert!(query.contains(r#"NOT user.name:("ansible" OR "puppet")"#), "{query}");
}

/// Whether a finding's event shows what it is said to show.
fn is_shown(finding: &Finding) -> bool {
    finding.example.as_ref().is_some_and(|example| {
        let says = |formula, reading| evaluate(formula, &example.event, reading);
        match example.matched {
            true => says(&example.rule, Reading::May) && !says(&example.condition, Reading::May),
            false => !says(&example.rule, Reading::Must) && says(&example.condition, Reading::Must),
        }
    })
}

/// One change to an artefact: the file, what stands there, and what is put in its place.
type Change = (&'static str, &'static str, &'static str);

/// The findings about rules of a pack in which something was changed.
fn changed(pack: &Pack, (file, from, to): Change) -> Vec<Finding> {
    let text = pack.text(file);
    assert!(text.contains(from), "{from:?} is not in {file}:\n{text}");
    let mut files = pack.built.files.clone();
    files.insert(file.to_owned(), text.replace(from, to).into_bytes());
    let (target, _) = file.split_once('/').expect("a target");
    pack.verified(&files).findings.into_iter().filter(|finding| finding.target == target).collect()
}

#[test]
fn a_changed_exception_is_found_out_with_an_event() {
    let pack = pack(&[("inventory", INVENTORY)]);
    const FILTER: &str = "sigma/exceptions/inventory.process.yml";
    const ELASTIC: &str = "elastic/rules/pod_exec.process.json";
    // The change, and whether the rule then matches too much or too little, if it does one of the two only.
    let changes: [(Change, Option<bool>); 20] = [
        // Dropped.
        ((FALCO, "  exceptions:\n", "  warn_evttypes:\n"), Some(true)),
        ((MACROS, "search NOT (parent_process_name", "search * OR (parent_process_name"), Some(true)),
        ((FILTER, "condition: not filter", "condition: filter or not filter"), Some(true)),
        (
            (
                ELASTIC,
                "\\nand not (process.parent.name: (\\\"ansible\\\" or \\\"puppet\\\") and process.working_directory: /srv/inventory*)",
                "",
            ),
            Some(true),
        ),
        // A row or a value is lost, or another one.
        ((FALCO, "        - [\"/puppet\",\"/srv/inventory\"]\n", ""), Some(true)),
        ((FALCO, "\"/ansible\"", "\"/ansible2\""), None),
        ((MACROS, "\"ansible\", ", ""), Some(true)),
        ((FILTER, "            - '/puppet'\n", ""), Some(true)),
        // Wider: it excepts more than it should.
        ((FALCO, "        - startswith\n", "        - contains\n"), Some(false)),
        ((FALCO, "\"/srv/inventory\"", "\"/\""), Some(false)),
        ((MACROS, " AND process_current_directory=\"/srv/inventory*\"", ""), Some(false)),
        ((MACROS, "\") AND ", "\") OR "), Some(false)),
        ((FILTER, "        CurrentDirectory|startswith: '/srv/inventory'\n", ""), Some(false)),
        // Another field.
        ((FALCO, "        - proc.cwd\n", "        - proc.exepath\n"), None),
        ((MACROS, "process_current_directory", "process_path"), None),
        ((FILTER, "CurrentDirectory", "Image"), None),
        // Turned round.
        ((MACROS, "search NOT (", "search ("), None),
        ((FILTER, "condition: not filter", "condition: filter"), None),
        // A filter of another log source, and one that names other rules, are none of the rule's.
        ((FILTER, "product: linux", "product: windows"), Some(true)),
        (
            (
                FILTER,
                "        - 59779429-6f72-50ae-a263-756ed9230c00",
                "        - 59779429-6f72-50ae-a263-756ed9230c01",
            ),
            Some(true),
        ),
    ];
    for (change, exceeds) in changes {
        let findings = changed(&pack, change);
        let wrong: Vec<&Finding> = findings.iter().filter(|finding| finding.verdict == Verdict::Differs).collect();
        assert!(!wrong.is_empty(), "{change:?} was not found out");
        assert!(findings.iter().all(|f| matches!(f.verdict, Verdict::Differs | Verdict::Proved)), "{change:?}");
        for finding in &wrong {
            assert!(is_shown(finding), "{change:?}: {finding:?}");
        }
        let found = |wanted: bool| wrong.iter().any(|f| f.example.as_ref().is_some_and(|e| e.matched == wanted));
        if let Some(exceeds) = exceeds {
            assert!(found(exceeds) && !found(!exceeds), "{change:?}: {wrong:?}");
        }
    }
    // A filter that somebody put somewhere, as tools read the whole folder.
    let mut files = pack.built.files.clone();
    let more = pack.text(FILTER).replace("/srv/inventory", "/srv/more");
    files.insert("sigma/more/by.hand.yml".to_owned(), more.into_bytes());
    let wrong = pack.verified(&files).findings.into_iter().filter(|finding| finding.verdict == Verdict::Differs);
    let wrong: Vec<Finding> = wrong.collect();
    assert!(wrong.len() == 2 && wrong.iter().all(|f| is_shown(f) && f.target == "sigma"), "{wrong:?}");
    files.insert("sigma/more/by.hand.yml".to_owned(), b"filter: [".to_vec());
    let broken = pack.verified(&files).findings.into_iter().find(|f| f.verdict == Verdict::Unreadable);
    assert!(broken.and_then(|f| f.reason).is_some_and(|r| r.contains("the filter `sigma/more/by.hand.yml`")));
    // A filter that is gone.
    let mut files = pack.built.files.clone();
    files.remove(FILTER);
    let wrong = pack.verified(&files).findings.into_iter().filter(|finding| finding.verdict == Verdict::Differs);
    assert_eq!(wrong.map(|finding| finding.detection).collect::<Vec<_>>(), ["pod_exec", "socket_read"]);
}

#[test]
fn an_exception_written_in_other_words_is_the_same() {
    let pack = pack(&[("inventory", INVENTORY)]);
    const FILTER: &str = "sigma/exceptions/inventory.process.yml";
    let changes: [Change; 6] = [
        (
            FALCO,
            "        - [\"/ansible\",\"/srv/inventory\"]\n        - [\"/puppet\",\"/srv/inventory\"]\n",
            "        - ['/puppet', /srv/inventory]\n        - [/ansible, '\"/srv/inventory\"']\n",
        ),
        (FALCO, "        - [\"/puppet\"", "        - [\"/puppet\",\"/srv/inventory/x\"]\n        - [\"/puppet\""),
        (MACROS, "\"ansible\", \"puppet\"", "\"puppet\", \"ansible\""),
        (
            MACROS,
            "NOT (parent_process_name IN (\"ansible\", \"puppet\") AND ",
            "NOT (parent_process_name=puppet OR parent_process_name=ansible ",
        ),
        (FILTER, "condition: not filter", "condition: not (1 of them)"),
        (FILTER, "            - '/ansible'\n", "            - '/puppet'\n            - '/ansible'\n"),
    ];
    for change in changes {
        let findings = changed(&pack, change);
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Proved), "{change:?}: {findings:?}");
    }
}

/// A SOC's own macro may ask whatever Falco has; what that makes of the rule is told, and not that it cannot be read.
#[test]
fn a_local_exception_about_a_field_of_falco_is_read_and_told() {
    let pack = pack(&[]);
    let local = |condition: &str| {
        let empty = "- macro: pod_exec_process_exceptions\n  condition: (evt.num = 0)\n";
        let change = (FALCO, empty, format!("- macro: pod_exec_process_exceptions\n  condition: ({condition})\n"));
        changed(&pack, (change.0, change.1, change.2.leak())).remove(1)
    };
    for condition in [
        "proc.aname[2] = sshd",
        "proc.sname in (cron, atd) or proc.tty > 0",
        "group.gid = val(proc.vpid)",
        "container.label[team] exists",
        "proc.pcmdline contains x and not fd.name startswith /srv and proc.env icontains Y",
    ] {
        let finding = local(condition);
        assert_eq!((finding.detection.as_str(), finding.verdict), ("pod_exec", Verdict::Differs), "{finding:?}");
        assert!(is_shown(&finding) && finding.example.as_ref().is_some_and(|example| !example.matched), "{finding:?}");
        let reason = finding.reason.expect("a reason");
        assert!(reason.contains("of which the log source knows nothing"), "{reason}");
    }
    assert!(local("proc.aname[2] = sshd").reason.is_some_and(|reason| reason.contains("`proc.aname[2]`")));
    // What is asked makes no difference where something else is never true.
    assert_eq!(local("evt.num = 0 and proc.tty = 0").verdict, Verdict::Proved);
    // Falco has no such field.
    let unknown = local("proc.nome = sshd");
    assert_eq!(unknown.verdict, Verdict::Unreadable);
    assert!(unknown.reason.is_some_and(|reason| reason.contains("unknown field `proc.nome`")));
}

/// A filter after the table may ask what the table keeps.
#[test]
fn a_filter_macro_works_after_the_table_if_that_keeps_what_it_asks() {
    let exception = INVENTORY
        .replace("account and home", "account")
        .replace("    home: { process.working_directory|startswith: /srv/inventory }\n", "");
    let pack = pack(&[("inventory", &exception)]);
    let order = (
        " | `pod_exec_process_filter`\\\n | table _time, dest, user, parent_process_name, process_path, process",
        " | table _time, dest, user, parent_process_name, process_path, process\\\n | `pod_exec_process_filter`",
    );
    let of = |findings: Vec<Finding>| {
        let of_it = |finding: &Finding| finding.detection == "pod_exec" && finding.source == "process";
        findings.into_iter().find(of_it).expect("a finding")
    };
    assert_eq!(of(changed(&pack, (SEARCHES, order.0, order.1))).verdict, Verdict::Proved);
    let lost = order.1.replace("parent_process_name, ", "");
    let finding = of(changed(&pack, (SEARCHES, order.0, lost.leak())));
    assert_eq!(finding.verdict, Verdict::Unreadable);
    assert!(finding.reason.is_some_and(|reason| reason.contains("`parent_process_name` is asked after a command")));
}
