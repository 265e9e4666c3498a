//! Profiles and exceptions, through the program itself: two organisations side by side, what an exception leaves of a
//! rule, and the message that every broken file gets. `CRESSET_BLESS=1` writes the messages anew.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use cresset::detection::load;
use cresset::exception;
use cresset::logic::decide::{Answer, Budget, equivalent};
use cresset::logic::{Formula, Reading};
use cresset::project::Project;
use cresset::source::{Catalogue, Source};
use program::{cresset, said};

/// The day of all tests.
const TODAY: &str = "2026-12-01";

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles")
}

/// A copy of the small project.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("detections")).expect("a folder");
    for entry in fs::read_dir(here().join("project/detections")).expect("detections").flatten() {
        fs::copy(entry.path(), folder.path().join("detections").join(entry.file_name())).expect("copied");
    }
    folder
}

fn write(project: &Path, name: &str, text: &str) {
    let path = project.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}

/// Whether every rule of a pack is proved, or accepted to differ.
fn verdicts(folder: &Path, args: &[&str]) -> Vec<(String, String)> {
    let args: Vec<&str> = ["verify", "--format", "json"].iter().chain(args).copied().collect();
    let report: serde_json::Value = serde_json::from_str(&said(folder, &args, 0)).expect("a report");
    let findings = report.pointer("/packs/0/findings").and_then(|found| found.as_array()).expect("findings").iter();
    let text = |value: Option<&serde_json::Value>| value.and_then(|value| value.as_str()).expect("text").to_owned();
    findings.map(|finding| (text(finding.get("target")), text(finding.get("verdict")))).collect()
}

const ACME: &str = r#"
name: acme
sources: [process]
lists: { docker_socket: { add: [/opt/acme/docker.sock] } }
schedule: { every: 1h, look_back: 70m }
overrides:
  - { for: ["tag:docker"], severity: critical }
naming: { prefix: "ACME:", tags: [acme, tlp.amber, 'a "b" c.d'] }
targets:
  falco: { enabled: false }
  splunk:
    vars: { app: acme_detections, label: ACME detections }
    sources: { process: { binding: { choice: sysmon, index: acme_linux, macro: acme_process } } }
  elastic:
    sources:
      process: { binding: { index: acme-endpoint-* }, fields: { process.executable: acme.program } }
"#;

const BETA: &str = r#"
name: beta
detections: { use: [pod_exec, "tag:docker"], leave_out: [pod_exec] }
lists: { docker_socket: [/beta.sock] }
targets: { splunk: { sources: { process: { binding: laurel } } } }
"#;

#[test]
fn two_organisations_side_by_side() {
    let folder = project();
    let root = folder.path();
    write(root, "profiles/acme.yml", ACME);
    write(root, "profiles/beta.yml", BETA);
    let both = ["--profile", "profiles/acme.yml", "--profile", "profiles/beta.yml"];
    let with = |command: &'static str| [command].into_iter().chain(both).collect::<Vec<_>>();
    said(root, &with("check"), 0);
    said(root, &with("build"), 0);
    said(root, &[&["build", "--check"], both.as_slice()].concat(), 0);
    let read = |path: &str| fs::read_to_string(root.join("out").join(path)).unwrap_or_else(|_| panic!("{path}"));
    // ACME: its own app, index, source type, title, severity, schedule and list.
    let searches = read("acme/splunk/acme_detections/default/savedsearches.conf");
    for wanted in [
        "[ACME: Docker socket named on a command line]",
        "`acme_process` ",
        "/opt/acme/docker.sock",
        "severity = critical",
        "cron_schedule = 0 * * * *",
        "dispatch.earliest_time = -70m@m",
        "Image",
    ] {
        assert!(searches.contains(wanted), "{wanted} is not in\n{searches}");
    }
    assert!(!searches.contains("process_name") && !searches.contains("Kubernetes audit"), "{searches}");
    // Its tags are in every place that there is for them; Sigma's are words of its own namespaces.
    let tagged = r#""tags": ["acme","tlp.amber","a \"b\" c.d"]}"#;
    assert!(searches.contains(tagged), "{searches}");
    let sigma = read("acme/sigma/pod_exec.process.yml");
    assert!(sigma.contains("    - attack.t1609\n    - tlp.amber\n"), "{sigma}");
    assert!(sigma.ends_with("custom:\n    tags:\n        - acme\n        - 'a \"b\" c.d'\n"), "{sigma}");
    assert!(!read("beta/sigma/socket_read.process.yml").contains("custom"));
    let app = read("acme/splunk/acme_detections/default/app.conf");
    assert!(app.contains("\ndescription = ACME detections (built by Cresset"), "{app}");
    let macros = read("acme/splunk/acme_detections/default/macros.conf");
    assert!(macros.contains("[acme_process]\ndefinition = index=acme_linux sourcetype=\"sysmon:linux\""), "{macros}");
    let elastic = read("acme/elastic/rules/pod_exec.process.json");
    assert!(elastic.contains("\"acme-endpoint-*\"") && elastic.contains("\"acme\""), "{elastic}");
    assert!(!root.join("out/acme/falco").exists());
    // Beta: one detection, with its list alone.
    let searches = read("beta/splunk/cresset_container/default/savedsearches.conf");
    assert!(searches.contains("EXECVE.ARGV_STR") && searches.contains("/beta.sock"), "{searches}");
    assert!(!searches.contains("/run/docker.sock") && !searches.contains("Pods administered"), "{searches}");
    for profile in ["profiles/acme.yml", "profiles/beta.yml"] {
        let verdicts = verdicts(root, &["--profile", profile]);
        assert!(verdicts.len() > 3 && verdicts.iter().all(|(_, verdict)| verdict == "proved"), "{verdicts:?}");
    }
    // What is built for one is not what the other asks.
    said(root, &["verify", "out/beta", "--profile", "profiles/acme.yml"], 1);
    // The hunt sees the same.
    let event = r#"{"process": {"name": "curl", "executable": "/usr/bin/curl", "command_line": "curl /opt/acme/docker.sock", "args": ["curl", "/opt/acme/docker.sock"]}}"#;
    write(root, "events.json", event);
    let hunt = |more: &[&str]| {
        said(root, &[&["hunt", "events.json", "--source", "process", "--format", "json"], more].concat(), 0)
            .lines()
            .count()
    };
    assert_eq!((hunt(&[]), hunt(&["--profile", "profiles/acme.yml"])), (0, 1));
    // A profile changes no detection: the lock of versions is what it is without one.
    let lock = fs::read(root.join("detections.lock")).expect("a lock");
    said(root, &["build"], 0);
    assert_eq!(fs::read(root.join("detections.lock")).expect("a lock"), lock);
}

/// laurel percent-encodes a plus: a rule asks for that, and one that asks for the plus itself finds nothing.
#[test]
fn what_laurel_encodes_is_asked_for_as_it_is_encoded() {
    let folder = project();
    let root = folder.path();
    let detection = fs::read_to_string(root.join("detections/pod_exec.yml")).expect("a detection");
    let head = detection.split_once("\nobserve:").expect("observations").0.replace("title: ", "title: Set-uid and ");
    let head: Vec<&str> = head.lines().filter(|line| !line.starts_with("id:")).collect();
    let detection = format!(
        "id: 6f4d0b8e-3f58-4c9e-9d0a-6e3a8a2f9b77\n{}\nobserve:\n  process:\n    chmod:\n      process.executable|endswith: /chmod\n      process.command_line|contains: \" +s \"\n    condition: chmod\n",
        head.join("\n")
    );
    for entry in fs::read_dir(root.join("detections")).expect("detections").flatten() {
        fs::remove_file(entry.path()).expect("removed");
    }
    write(root, "detections/set_uid.yml", &detection);
    write(root, "laurel.yml", "name: laurel\ntargets: { splunk: { sources: { process: { binding: laurel } } } }\n");
    let with = ["--profile", "laurel.yml", "--target", "splunk"];
    said(root, &[&["build"], with.as_slice()].concat(), 0);
    let path = root.join("out/laurel/splunk/cresset_container/default/savedsearches.conf");
    let searches = fs::read_to_string(&path).expect("searches");
    assert!(searches.contains("* %2bs *"), "{searches}");
    assert_eq!(verdicts(root, &with), [("splunk".to_owned(), "proved".to_owned())]);
    fs::write(&path, searches.replace("* %2bs *", "* +s *")).expect("written");
    said(root, &[&["verify"], with.as_slice()].concat(), 1);
}

#[test]
fn what_is_shown_is_what_the_profile_makes_of_the_pack() {
    let folder = project();
    let root = folder.path();
    write(root, "acme.yml", ACME);
    let with = |command: &'static str, args: &[&'static str]| {
        said(root, &[&[command, "--profile", "acme.yml"], args].concat(), 0)
    };
    let (plain, acme) = (said(root, &["coverage"], 0), with("coverage", &[]));
    assert!(plain.contains("falco") && !acme.contains("falco"), "{plain}\n{acme}");
    assert!(plain.contains("kubernetes_audit") && !acme.contains("kubernetes_audit"), "{plain}\n{acme}");
    let layer: serde_json::Value = serde_json::from_str(&with("coverage", &["--format", "navigator"])).expect("JSON");
    assert!(layer["techniques"].as_array().is_some_and(|techniques| !techniques.is_empty()), "{layer}");
    with("report", &["--out", "site"]);
    let pages: Vec<String> = walkdir::WalkDir::new(root.join("site"))
        .into_iter()
        .filter_map(|entry| fs::read_to_string(entry.expect("a file").path()).ok())
        .collect();
    let says = |what: &str| pages.iter().any(|page| page.contains(what));
    assert!(says("acme_process") && says("/opt/acme/docker.sock"), "the pages are not ACME's");
}

#[test]
fn a_profile_is_found_upwards() {
    let folder = project();
    let root = folder.path();
    write(root, "cresset.yml", "naming: { prefix: HERE }\n");
    said(&root.join("detections"), &["build", "--target", "sigma"], 0);
    let rule = fs::read_to_string(root.join("out/sigma/socket_read.process.yml")).expect("a rule");
    assert!(rule.contains("title: HERE Docker socket"), "{rule}");
    let verdicts = verdicts(root, &["--target", "sigma"]);
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "proved"), "{verdicts:?}");
}

/// Elastic with auditd has the arguments as a list: a condition on all of them cannot be said there.
#[test]
fn a_choice_that_cannot_say_it_needs_to_be_accepted() {
    let folder = project();
    let root = folder.path();
    let with = |accept: &str| {
        format!("name: auditd\ntargets: {{ elastic: {{ sources: {{ process: {{ binding: auditd{accept} }} }} }} }}\n")
    };
    write(root, "auditd.yml", &with(""));
    let build = ["build", "--target", "elastic", "--profile", "auditd.yml"];
    let told = cresset(root, &build);
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(
        told.contains("error[E0804]") && told.contains("Elastic has no field for `process.command_line`"),
        "{told}"
    );
    write(root, "auditd.yml", &with(", accept: { wider: any socket will do }"));
    said(root, &build, 0);
    let rules = fs::read_to_string(root.join("out/auditd/elastic/rules.ndjson")).expect("rules");
    assert!(rules.contains("logs-auditd_manager.auditd-*") && rules.contains("executed"), "{rules}");
    let found = verdicts(root, &["--target", "elastic", "--profile", "auditd.yml"]);
    let has = |wanted: &str| found.iter().any(|(_, verdict)| verdict == wanted);
    assert!(has("proved") && has("wider"), "{found:?}");
}

/// The built-in pack with every place of events that a target offers to choose: all of it is proved, or accepted.
#[test]
fn the_pack_is_proved_for_every_choice() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    said(root, &["init", "."], 0);
    let mut count = 0;
    for target in cresset::target::load_all(None).expect("the built-in targets") {
        for (source, settings) in &target.settings.sources {
            for choice in settings.choices.keys() {
                let binding = format!("{{ binding: {choice}, accept: {{ unsupported: it has no such field }} }}");
                let targets = format!("targets: {{ {}: {{ sources: {{ {source}: {binding} }} }} }}", target.name());
                write(root, "choice.yml", &format!("name: choice\nsources: [{source}]\n{targets}\n"));
                let with = ["--profile", "choice.yml", "--target", target.name()];
                said(root, &[&["build"], with.as_slice()].concat(), 0);
                let manifest = fs::read_to_string(root.join("out/choice/manifest.json")).expect("a manifest");
                let rules = manifest.matches("\"verdict\": ").count();
                assert_eq!(manifest.matches("\"verdict\": \"proved\"").count(), rules, "{choice}");
                count += rules;
            }
        }
    }
    assert!(count > 20, "{count} rules");
}

const EXCEPTION: &str = r#"
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
"#;

#[test]
fn a_rule_is_its_detection_and_not_the_exception() {
    let folder = project();
    let root = folder.path();
    let catalogue = Catalogue::builtin();
    let load = || load::load(&Project::at(root, root), catalogue);
    let before = load().detections;
    write(root, "exceptions/inventory.yml", EXCEPTION);
    let loaded = load();
    let exceptions = exception::load(&Project::at(root, root), loaded.lists.as_ref(), catalogue);
    assert!(exceptions.problems.is_empty(), "{:?}", exceptions.problems);
    let mut after = loaded.detections;
    exception::apply(&exceptions.all, None, &mut after);
    let excepted = &exceptions.all[0].observations[0].formula;
    for (before, after) in before.iter().zip(&after) {
        let (before, after) = (before.observation("process").expect("it"), after.observation("process").expect("it"));
        assert_eq!(after.formula, before.formula);
        let (before, after) = (before.formula.clone(), after.meaning());
        let wanted = Formula::and([before.clone(), Formula::not(excepted.clone())]);
        let schema = catalogue.source("process").map(Source::schema).unwrap_or_default();
        for reading in [Reading::Must, Reading::May] {
            assert!(equivalent(&after, &wanted, reading, &schema, &Budget::default()) == Answer::Holds);
            assert!(equivalent(&after, &before, reading, &schema, &Budget::default()) != Answer::Holds);
        }
    }
    // And every target's rule is that, in both directions.
    let summary = said(root, &["build"], 0);
    assert!(
        summary.contains("exception inventory, until 2027-03-31 (platform team): socket_read, pod_exec"),
        "{summary}"
    );
    let verdicts = verdicts(root, &[]);
    assert!(verdicts.len() > 8 && verdicts.iter().all(|(_, verdict)| verdict == "proved"), "{verdicts:?}");
    for (file, wanted) in [
        ("sigma/exceptions/inventory.process.yml", "puppet"),
        (
            "sigma/exceptions/inventory.process.yml",
            "Excepted until 2027-03-31 (platform team, CHG-1234): The inventory asks",
        ),
        ("splunk/cresset_container/default/macros.conf", "/srv/inventory"),
        ("falco/cresset_container_rules.yaml", "/srv/inventory"),
        ("elastic/rules/socket_read.process.json", "/srv/inventory"),
    ] {
        let text = fs::read_to_string(root.join("out").join(file)).expect("a file");
        assert!(text.contains(wanted), "{wanted} is not in {file}:\n{text}");
    }
    // Without the exception, the rules are not what the detections say.
    fs::rename(root.join("exceptions"), root.join("gone")).expect("renamed");
    said(root, &["verify"], 1);
    fs::rename(root.join("gone"), root.join("exceptions")).expect("renamed");
    // One that is proposed, or of another profile, changes nothing.
    let summary_of = |line: &str| {
        write(root, "exceptions/inventory.yml", &format!("{EXCEPTION}{line}\n"));
        said(root, &["build", "--target", "sigma", "--out", "elsewhere"], 0)
    };
    assert!(!summary_of("status: proposed").contains("exception inventory"));
    assert!(!summary_of("profiles: [acme]").contains("exception inventory"));
    assert!(summary_of("status: approved").contains("exception inventory"));
}

#[test]
fn explain_shows_what_an_exception_does() {
    let folder = project();
    let root = folder.path();
    write(root, "exceptions/inventory.yml", EXCEPTION);
    let event = r#"{"process": {"name": "kubectl", "executable": "/usr/bin/kubectl", "working_directory": "/srv/inventory/x", "parent": {"name": "ansible", "executable": "/usr/bin/ansible"}}, "user": {"name": "root"}}"#;
    let text = said(root, &["explain", "pod_exec", event, "--source", "process"], 0);
    assert!(text.contains("ansible") && text.contains("/srv/inventory"), "{text}");
}

/// Judges every case of a folder; `check` gets the case's name and path and says what it is told.
fn judge(folder: &str, least: usize, prepare: &dyn Fn(&Path, &str) -> Vec<String>) {
    let mut cases: Vec<PathBuf> =
        fs::read_dir(here().join(folder)).expect("cases").flatten().map(|e| e.path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    cases.sort();
    assert!(cases.len() >= least, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for path in cases {
        let project = project();
        let args = prepare(project.path(), &fs::read_to_string(&path).expect("a case"));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let text = String::from_utf8_lossy(&cresset(project.path(), &args).stdout).into_owned();
        if !text.contains("error[") && !text.contains("warning[") {
            wrong.push(format!("{}: nothing is said about it", path.display()));
        }
        let out = path.with_extension("out");
        if std::env::var_os("CRESSET_BLESS").is_some() {
            fs::write(&out, &text).expect("written");
        }
        if fs::read_to_string(&out).ok().as_ref() != Some(&text) {
            wrong.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn args(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

#[test]
fn broken_profiles_get_the_message_that_is_written_down() {
    judge("broken", 15, &|project, text| {
        write(project, "acme.yml", text);
        args(&["check", "--profile", "acme.yml"])
    });
}

#[test]
fn broken_exceptions_get_the_message_that_is_written_down() {
    judge("exceptions", 9, &|project, text| {
        write(project, "exceptions/e.yml", text);
        args(&["check", "--today", TODAY])
    });
}

/// An expired exception fails the check and no build: what is built depends on no clock.
#[test]
fn an_exception_ends_on_its_day() {
    let folder = project();
    let root = folder.path();
    write(root, "exceptions/inventory.yml", EXCEPTION);
    said(root, &["check", "--today", "2027-03-31"], 0);
    said(root, &["check", "--today", "2027-04-01"], 1);
    write(root, "exceptions/inventory.yml", &EXCEPTION.replace("2027-03-31", "2020-01-01"));
    said(root, &["build", "--target", "sigma"], 0);
    said(root, &["check"], 1);
}

/// Exceptions that hold in one profile leave nothing together, though each leaves something.
#[test]
fn exceptions_of_one_profile_are_judged_together() {
    let folder = project();
    let root = folder.path();
    let exception = |profiles: &str, condition: &str| {
        format!(
            "detections: [socket_read]\nreason: x\nowner: ops\nexpires: 2027-01-31\n{profiles}observe: {{ process: {{ \
             named: {{ user.name|exists: true }}, condition: {condition} }} }}\n"
        )
    };
    write(root, "exceptions/a.yml", &exception("profiles: [acme, beta]\n", "named"));
    for (profiles, status) in [("profiles: [other]\n", 0), ("profiles: [beta]\n", 1), ("", 1)] {
        write(root, "exceptions/b.yml", &exception(profiles, "not named"));
        let told = said(root, &["check", "--today", TODAY], status);
        assert_eq!(told.contains("together with the others of the profile `"), status == 1, "{told}");
    }
}

/// The example of the README works.
#[test]
fn the_profile_and_the_exception_of_the_readme_are_sound() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README");
    let (_, section) = readme.split_once("## Your own view: profiles and exceptions").expect("the section");
    let blocks: Vec<&str> = section.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    let [profile, exception, ..] = blocks.as_slice() else { panic!("two examples") };
    let folder = tempfile::tempdir().expect("a folder");
    said(folder.path(), &["init", "soc"], 0);
    let root = folder.path().join("soc");
    write(&root, "cresset.yml", profile);
    write(&root, "exceptions/ci_runner.yml", exception);
    said(&root, &["check", "--today", TODAY], 0);
    said(&root, &["build", "--target", "splunk"], 0);
    assert!(root.join("out/splunk").is_dir());
}

/// What a profile and an exception make of `out/` is no edit by hand.
#[test]
fn diff_builds_with_the_profile_and_the_exceptions() {
    let (old, new) = (project(), project());
    for (root, prefix) in [(old.path(), "OLD"), (new.path(), "NEW")] {
        write(
            root,
            "cresset.yml",
            &format!("naming: {{ prefix: {prefix} }}\nlists: {{ docker_socket: [/{prefix}] }}\n"),
        );
        write(root, "exceptions/inventory.yml", EXCEPTION);
        said(root, &["build"], 0);
    }
    let diff = || {
        let sides = [old.path(), new.path()].map(|side| side.to_string_lossy().into_owned());
        let output = cresset(new.path(), &["diff", &sides[0], &sides[1], "--fail-on", "hand-edit,stale"]);
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (status, text) = diff();
    assert_eq!(status, Some(0), "{text}");
    write(new.path(), "out/sigma/socket_read.process.yml", "title: mine\n");
    let (status, text) = diff();
    assert_eq!(status, Some(1), "{text}");
}

#[test]
fn there_are_schemas_of_all_keys() {
    let folder = project();
    for (of, keys) in [("profile", cresset::profile::KEYS.as_slice()), ("exception", exception::KEYS.as_slice())] {
        let schema: serde_json::Value =
            serde_json::from_str(&said(folder.path(), &["schema", "--of", of], 0)).expect("JSON");
        let properties = schema.get("properties").and_then(|found| found.as_object()).expect("properties");
        assert_eq!(properties.len(), keys.len(), "{of}");
        assert!(keys.iter().all(|key| properties.contains_key(*key)), "{of}: {properties:?}");
        assert_eq!(schema.get("additionalProperties"), Some(&serde_json::Value::Bool(false)));
    }
}

/// What a target cannot except is told where the exception is written; a rule that is accepted to be wider there is built.
#[test]
fn an_exception_that_a_target_cannot_say_is_told_at_its_place() {
    let folder = project();
    let root = folder.path();
    let exception = "detections: [pod_exec]\nreason: The bastion.\nowner: platform\nexpires: 2027-03-31\nobserve:\n  \
                     kubernetes_audit:\n    net: { sourceIPs|cidr: 10.0.0.0/8 }\n    condition: net\n";
    write(root, "exceptions/bastion.yml", exception);
    let output = cresset(root, &["build", "--target", "falco"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for wanted in [
        "error[E0804]: Falco cannot except this from what `pod_exec` looks for in `kubernetes_audit`",
        "exceptions/bastion.yml:6:3",
        "in falco: `jevt.value[/sourceIPs/0]` in Falco has the first value alone",
        "{ falco: { accept: { kubernetes_audit: { wider:",
    ] {
        assert!(told.contains(wanted), "{wanted} is not in\n{told}");
    }
    let path = root.join("detections/pod_exec.yml");
    let accepted = "targets:\n  falco: { accept: { kubernetes_audit: { wider: no addresses there } } }\n  \
                    elastic: { accept: { kubernetes_audit: { wider: addresses are text there } } }\n";
    let text = fs::read_to_string(&path).expect("a detection") + accepted;
    fs::write(path, text).expect("written");
    said(root, &["build"], 0);
    let found = verdicts(root, &[]);
    let count = |verdict: &str| found.iter().filter(|(_, found)| found == verdict).count();
    assert!(count("wider") == 3 && count("proved") + 3 == found.len(), "{found:?}");
}

/// A profile is read as data: what it says of places and names changes no rule's structure, and what hangs on a field's
/// name follows it.
#[test]
fn names_that_a_profile_gives_are_used_everywhere_and_stay_data() {
    let project = project();
    let folder = project.path();
    write(
        folder,
        "cresset.yml",
        r#"
name: acme
overrides:
  - { for: [socket_read], risk: 88 }
naming: { tags: [acme] }
targets:
  splunk:
    sources:
      process:
        binding: { index: "linux | delete" }
        fields: { host.name: dvc }
"#,
    );
    said(folder, &["build"], 0);
    let read = |file: &str| fs::read_to_string(folder.join("out").join(file)).expect(file);
    let macros = read("splunk/cresset_container/default/macros.conf");
    assert!(macros.contains("definition = index=\"linux | delete\" tag=process"), "{macros}");
    let searches = read("splunk/cresset_container/default/savedsearches.conf");
    let process: String = searches.split("\n[").filter(|stanza| stanza.contains("`cresset_process`")).collect();
    for text in
        ["\"risk_object_field\": \"dvc\"", ": $dvc$", "dvc=\\\"$dvc$\\\"", "table _time, dvc", "\"risk_score\": 88"]
    {
        assert!(process.contains(text), "{text}:\n{process}");
    }
    assert!(!process.contains("$dest$"), "{process}");
    let rule: serde_json::Value =
        serde_json::from_str(&read("elastic/rules/socket_read.process.json")).expect("a rule");
    assert_eq!(rule.get("risk_score"), Some(&88.into()));
    assert!(read("falco/cresset_container_rules.yaml").contains("    - acme\n"));

    // Where the data is may be said in the profile's own words, but nothing more than that.
    write(
        folder,
        "cresset.yml",
        "name: x\ntargets: { splunk: { sources: { process: { binding: { search: 'a=b | head 1' } } } } }\n",
    );
    let output = cresset(folder, &["build"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("says more than where the data is"), "{errors}");
}

/// Events that a test writes out are completed as those of a log are: `process.name` follows from the executable.
#[test]
fn what_the_small_project_says_of_itself_holds() {
    let project = project();
    let told = said(project.path(), &["test"], 0);
    assert!(told.contains("socket_read: process events (1 of 2 events match)"), "{told}");
    // So are those of a log, where a name that is there counts.
    let of = |names: &str| format!("{{\"process\":{{{names},\"command_line\":\"x /run/docker.sock\"}}}}\n");
    let log = [
        of(r#""executable":"/usr/bin/curl""#),
        of(r#""executable":"/usr/bin/docker","name":"curl""#),
        of(r#""executable":"/usr/bin/curl","name":"docker""#),
        of(r#""executable":"/usr/bin/docker""#),
    ];
    write(project.path(), "log.jsonl", &log.concat());
    let hits = said(project.path(), &["hunt", "log.jsonl", "--format", "json"], 0);
    let lines: Vec<Option<u64>> =
        hits.lines().map(|hit| serde_json::from_str::<serde_json::Value>(hit).ok()?.get("line")?.as_u64()).collect();
    assert_eq!(lines, [Some(1), Some(2)], "{hits}");
}
