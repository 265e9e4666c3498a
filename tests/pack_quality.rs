//! How well the container pack finds what it looks for: recall and false positives over the recorded logs, against their
//! ground truth. The tables in the pack's README are what this test computes; `CRESSET_BLESS=1` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use cresset::detection::{Detection, load};
use cresset::logic::{Formula, Matcher, Scratch};
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::source::reader::{self, Choice};

/// What each category of the host's recordings is to be found by, in the order of the table.
const CATEGORIES: [(&str, &[&str]); 11] = [
    ("docker-socket", &["docker_socket_mounted", "docker_socket_used"]),
    ("privileged", &["privileged_container"]),
    ("capability", &["dangerous_capabilities"]),
    ("sensitive-mount-rw", &["sensitive_host_path_mounted_rw"]),
    ("sensitive-mount-ro", &["sensitive_host_path_mounted_ro"]),
    ("host-namespace", &["host_namespaces", "nsenter_into_host"]),
    ("cgroup-escape", &["cgroup_release_agent_escape", "sensitive_host_path_mounted_rw"]),
    ("exposed-daemon", &["docker_daemon_exposed_on_tcp", "kubelet_without_authentication"]),
    ("security-opt", &["security_profile_disabled"]),
    ("device", &["host_device_passed"]),
    ("k8s-exec", &["command_run_in_pod"]),
];

/// The categories of the API server's recordings that the pack looks for.
const IN_KUBERNETES: [&str; 5] = ["privileged", "capabilities", "hostpath", "hostns", "exec"];

/// What makes a request arguable: it did not happen, or shows in the response alone.
const ARGUABLE: [&str; 4] = ["dry-run", "denied", "rejected", "response-only"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of a file of ground truth: its columns by their names.
fn truth(log: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(root().join("tests/logs").join(log).join("truth.tsv")).expect("ground truth");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("names").split('\t').collect();
    let row = |line: &str| names.iter().zip(line.split('\t')).map(|(k, v)| ((*k).to_owned(), v.to_owned())).collect();
    lines.map(row).collect()
}

fn get<'r>(row: &'r BTreeMap<String, String>, name: &str) -> &'r str {
    row.get(name).map(String::as_str).unwrap_or_default()
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// The events of a log by their ids, each with the detections that match it.
fn hits(detections: &[Detection], log: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut matchers: BTreeMap<&str, Matcher> = BTreeMap::new();
    for source in Catalogue::builtin().sources.keys() {
        let formulas: Vec<(usize, &Formula)> = detections
            .iter()
            .enumerate()
            .filter_map(|(at, detection)| Some((at, &detection.observation(source)?.formula)))
            .collect();
        matchers.insert(source, Matcher::new(&formulas));
    }
    let mut scratch = Scratch::default();
    let mut hits = BTreeMap::new();
    for record in reader::open(&root().join("tests/logs").join(log), &Choice::default()).expect("a log") {
        let record = record.expect("a sound record");
        let found = matchers.get(&*record.source).expect("a source").matches(&record.event, &mut scratch);
        let names = found.iter().filter_map(|at| Some(detections.get(*at)?.name.clone()));
        hits.entry(record.id).or_insert_with(BTreeSet::new).extend(names);
    }
    hits
}

/// Whether a command hands over a file in which the act is written.
fn is_behind_a_file(command: &str) -> bool {
    ["docker-compose -f", "docker compose -f", "kubectl apply -f", "kubectl create -f"]
        .iter()
        .any(|words| command.contains(words))
}

fn number(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" {count}") }
}

/// The table of what happened on the host; false positives are told in `wrong`.
fn host_table(detections: &[Detection], wrong: &mut Vec<String>) -> String {
    #[derive(Default)]
    struct Count {
        acts: usize,
        found: usize,
        behind: usize,
        missed: usize,
    }
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut benign = 0;
    for log in ["enriched", "raw"] {
        let hits = hits(detections, &format!("{log}/audit.log.zst"));
        for row in truth(log) {
            let scenario = get(&row, "scenario");
            if get(&row, "category") == "benign" {
                benign += 1;
                let serial = |name: &str| get(&row, name).parse::<u64>().expect("a serial");
                for at in serial("serial_start")..=serial("serial_end") {
                    for name in hits.get(&at.to_string()).into_iter().flatten() {
                        wrong.push(format!("{log} {scenario}: {name} matches event {at}, which is benign"));
                    }
                }
                continue;
            }
            let (category, by) =
                CATEGORIES.iter().find(|(name, _)| *name == get(&row, "category")).expect("a category that is known");
            let count = counts.entry(category).or_default();
            for trigger in list(get(&row, "trigger_serials")) {
                let serial = trigger.split(':').next().unwrap_or_default();
                let found = hits.get(serial).expect("the event is in the log");
                count.acts += 1;
                if by.iter().any(|name| found.contains(*name)) {
                    count.found += 1;
                } else if is_behind_a_file(get(&row, "command")) {
                    count.behind += 1;
                } else {
                    count.missed += 1;
                }
                if *category == "sensitive-mount-ro" && found.contains("sensitive_host_path_mounted_rw") {
                    wrong.push(format!("{log} {scenario}: a read-only mount is reported as read-write"));
                }
            }
        }
    }
    let mut table = "| category | detections | acts found | hidden behind a file | other misses |\n\
                     |---|---|---|---|---|\n"
        .to_owned();
    for (category, by) in CATEGORIES {
        let Count { acts, found, behind, missed } = counts.remove(category).unwrap_or_default();
        let by: Vec<String> = by.iter().map(|name| format!("`{name}`")).collect();
        let (by, behind, missed) = (by.join(", "), number(behind), number(missed));
        _ = writeln!(table, "| {category} | {by} | {found} of {acts} |{behind} |{missed} |");
    }
    _ = writeln!(table, "| **benign** | any | **0 of {benign}** scenarios matched | | |");
    table
}

/// The table of what the API server was asked; false positives are told in `wrong`.
fn kubernetes_table(detections: &[Detection], wrong: &mut Vec<String>) -> String {
    let hits = hits(detections, "kubernetes/audit.jsonl.zst");
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut benign = 0;
    for row in truth("kubernetes") {
        let scenario = get(&row, "scenario");
        let found = |id: &str| hits.get(id).expect("the event is in the log");
        if get(&row, "malicious") == "no" {
            benign += 1;
            // Of these the log holds a part.
            for (id, names) in list(get(&row, "auditIDs")).filter_map(|id| hits.get_key_value(id)) {
                for name in names {
                    wrong.push(format!("kubernetes {scenario}: {name} matches event {id}, which is benign"));
                }
            }
            continue;
        }
        let category = IN_KUBERNETES.iter().find(|name| **name == get(&row, "category"));
        let is_arguable = list(get(&row, "traits")).any(|word| ARGUABLE.contains(&word));
        // One scenario makes the server write nothing at all.
        let is_logged = list(get(&row, "auditIDs")).next().is_some();
        if let (Some(category), true) = (category, is_logged && !is_arguable) {
            let count = counts.entry(category).or_default();
            count.1 += 1;
            count.0 += usize::from(list(get(&row, "auditIDs")).any(|id| !found(id).is_empty()));
        }
    }
    let mut table = "| category | scenarios found |\n|---|---|\n".to_owned();
    for category in IN_KUBERNETES {
        let (found, all) = counts.remove(category).unwrap_or_default();
        _ = writeln!(table, "| {category} | {found} of {all} |");
    }
    _ = writeln!(table, "| **benign** | **0 of {benign}** matched |");
    table
}

/// Puts `table` in the place of the one in `text` that begins with the same line.
fn with_table(text: &str, table: &str) -> String {
    let head = table.lines().next().expect("a head");
    let start = text.find(&format!("{head}\n")).expect("the README has the table");
    let (before, rest) = text.split_at(start);
    let (_, after) = rest.split_at(rest.find("\n\n").map_or(rest.len(), |end| end + 1));
    format!("{before}{table}{after}")
}

#[test]
fn the_readme_of_the_pack_says_how_well_it_does() {
    let project = Project::find(Some(&root())).expect("a project");
    let detections = load::load(&project, Catalogue::builtin()).detections;
    let mut wrong = Vec::new();
    let host = host_table(&detections, &mut wrong);
    let kubernetes = kubernetes_table(&detections, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let path = root().join("detections/container/README.md");
    let there = fs::read_to_string(&path).expect("the README");
    let fresh = with_table(&with_table(&there, &host), &kubernetes);
    if std::env::var_os("CRESSET_BLESS").is_some() {
        fs::write(&path, &fresh).expect("written");
        return;
    }
    let diff = similar::TextDiff::from_lines(&there, &fresh);
    assert!(there == fresh, "the README is out of date (CRESSET_BLESS=1 renews it):\n{}", diff.unified_diff());
}
