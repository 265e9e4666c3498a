//! Artefacts of all targets from small detections, built-in targets and one of a project's own.

use std::path::Path;

use cresset::detection::load;
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, Built, PackInfo, State, Verdict};

fn built() -> Built {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets");
    let project = Project::find(Some(&root.join("project"))).expect("a project");
    let catalogue = Catalogue::builtin();
    let loaded = load::load(&project, catalogue);
    assert!(!loaded.has_errors(), "{:?}", loaded.problems);
    let targets = target::load_all(Some(&root.join("templates"))).expect("targets");
    target::build(&targets, &loaded.detections, catalogue, &PackInfo::default(), &|| ()).expect("a build")
}

fn text<'b>(built: &'b Built, path: &str) -> &'b str {
    std::str::from_utf8(built.files.get(path).expect("the file is built")).expect("text")
}

#[test]
fn artefacts_of_a_detection_whose_texts_break_files() {
    let built = built();
    for path in built.files.keys() {
        insta::assert_snapshot!(path.replace('/', "__"), text(&built, path));
    }
}

#[test]
fn text_stays_within_its_value() {
    let built = built();
    let title = "Text that breaks files: {{ name }} $host$ 100% \"quoted\" [x] # \\";
    let sigma: serde_json::Value = serde_yaml::from_str(text(&built, "sigma/hostile_text.process.yml")).expect("YAML");
    assert_eq!(sigma.get("title").and_then(|t| t.as_str()), Some(title));
    assert!(sigma.get("description").and_then(|t| t.as_str()).expect("text").contains("\n- rule: injected\n"));

    let falco: serde_json::Value =
        serde_yaml::from_str(text(&built, "falco/cresset_container_rules.yaml")).expect("YAML");
    let entries = falco.as_array().expect("a list");
    let rules: Vec<_> = entries.iter().filter_map(|entry| entry.get("rule")).collect();
    assert_eq!(rules, [title]);
    let output = entries.iter().find_map(|entry| entry.get("output")?.as_str()).expect("an output");
    assert!(output.contains("100 percent") && !output.contains("100%"), "{output}");

    let lines: Vec<&str> = text(&built, "elastic/rules.ndjson").lines().collect();
    assert_eq!(lines.len(), 1);
    let elastic: serde_json::Value = serde_json::from_str(lines.first().expect("a line")).expect("JSON");
    assert_eq!(elastic.get("name").and_then(|t| t.as_str()), Some(title));

    let conf = text(&built, "splunk/cresset_container/default/savedsearches.conf");
    assert_eq!(conf.lines().filter(|line| line.starts_with('[')).count(), 1, "{conf}");
    // Splunk puts values in place of `$…$` in the parameters of actions, nowhere else.
    let expanded = |line: &&str| line.starts_with("action.") && line.contains(".param.");
    assert!(!conf.lines().filter(expanded).any(|line| line.contains(" $host$")), "{conf}");
    assert!(!conf.lines().any(|line| line.starts_with("key =") || line.starts_with("- rule")), "{conf}");
}

#[test]
fn a_build_is_reproducible_and_says_what_it_did() {
    let (first, second) = (built(), built());
    assert_eq!(first.files, second.files);
    let language = |target: &str| {
        first.entries.iter().find(|entry| entry.target == target).map(|entry| match &entry.state {
            State::Rule { language, verdict, .. } => (*language, *verdict),
            state => panic!("{state:?}"),
        })
    };
    assert_eq!(language("lucene"), Some(("lucene", Verdict::Unverified)));
    assert_eq!(language("elastic"), Some(("kql", Verdict::Proved)));
    assert_eq!(language("falco"), Some(("falco", Verdict::Proved)));
}

/// The names are those that `falco --list` prints for each source (Falco 0.44, k8saudit 0.18, container 0.7).
#[test]
fn every_falco_field_exists() {
    let targets = target::load_all(None).expect("targets");
    let falco = targets.iter().find(|target| target.name() == "falco").expect("Falco");
    let syscall = include_str!("../templates/falco/syscall-fields.txt");
    let audit = include_str!("../templates/falco/k8s_audit-fields.txt");
    for (source, settings) in &falco.settings.sources {
        let known: Vec<&str> = if source == "kubernetes_audit" { audit } else { syscall }.lines().collect();
        let output = settings.binding.get("output").and_then(|fields| fields.as_array()).expect("output fields");
        let mapped = settings.fields.values().flat_map(|rule| {
            let from = rule.0.from.as_ref().map(|derivation| match derivation {
                target::settings::Derivation::Basename(name) => name.as_str(),
            });
            [rule.0.name.as_deref(), rule.0.joined.as_deref(), from].into_iter().flatten()
        });
        let used = mapped
            .chain(output.iter().filter_map(|name| name.as_str()))
            .chain(settings.base.keys().map(String::as_str));
        for name in used {
            let plain = name.split('[').next().unwrap_or(name);
            assert!(known.contains(&plain), "{source}: Falco has no field `{name}`");
        }
    }
}
