//! The workflow and the hooks that the documentation offers are YAML, and every option in them exists.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

const PAGE: &str = include_str!("../docs/ci.md");
const HOOKS: &str = include_str!("../.pre-commit-hooks.yaml");

/// The blocks of YAML on the page.
fn blocks() -> Vec<Value> {
    let texts = PAGE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    texts.map(|text| serde_yaml::from_str(text).expect("YAML")).collect()
}

/// The commands in a text, each with its options and the words given to `--fail-on`.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("cresset "));
    lines
        .map(|line| {
            let mut words = line.split_whitespace().take_while(|word| !["||", ">", "&&"].contains(word));
            (words.next().expect("a command").to_owned(), words.map(str::to_owned).collect())
        })
        .collect()
}

fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_cresset")).args([command, "--help"]).output().expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_command_and_option_exists() {
    let blocks = blocks();
    let [workflow, hooks_of_a_user] = blocks.as_slice() else { panic!("two blocks: {}", blocks.len()) };
    let steps = workflow.pointer("/jobs/detections/steps").and_then(Value::as_array).expect("steps");
    let runs = steps.iter().filter_map(|step| step.get("run")?.as_str());
    let hooks: Value = serde_yaml::from_str(HOOKS).expect("YAML");
    let hooks = hooks.as_array().expect("hooks");
    let entries = hooks.iter().map(|hook| hook.get("entry").and_then(Value::as_str).expect("an entry"));
    let mut seen = BTreeSet::new();
    for (command, words) in runs.chain(entries).flat_map(commands) {
        let help = help(&command);
        for word in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(word.as_str()), "`cresset {command}` has no {word}");
        }
        if let Some(at) = words.iter().position(|word| word == "--fail-on") {
            for gate in words.get(at + 1).expect("gates").split(',') {
                assert!(help.contains(&format!("- {gate}:")), "there is no gate `{gate}`");
            }
        }
        seen.insert(command);
    }
    assert!(["build", "check", "diff", "test", "verify"].iter().all(|command| seen.contains(*command)), "{seen:?}");
    let ids: Vec<&str> = hooks.iter().filter_map(|hook| hook.get("id")?.as_str()).collect();
    let used = hooks_of_a_user.pointer("/repos/0/hooks").and_then(Value::as_array).expect("hooks");
    assert_eq!(used.iter().filter_map(|hook| hook.get("id")?.as_str()).collect::<Vec<_>>(), ids);
}

/// What a hook looks at makes it run: whoever changes an exception or the profile alone is checked, too.
#[test]
fn hooks_run_when_what_they_look_at_changes() {
    let hooks: Value = serde_yaml::from_str(HOOKS).expect("YAML");
    let runs = |id: &str, file: &str| {
        let hook =
            hooks.as_array().into_iter().flatten().find(|hook| hook.get("id").and_then(Value::as_str) == Some(id));
        let files = hook.and_then(|hook| hook.get("files")?.as_str()).expect("files");
        regex::Regex::new(files).expect("a pattern").is_match(file)
    };
    let inputs =
        ["detections/a/b.yml", "soc/detections/lists.yml", "exceptions/ci.yml", "cresset.yml", "soc/cresset.yml"];
    for id in ["cresset-check", "cresset-build", "cresset-verify", "cresset-diff"] {
        for file in inputs {
            assert!(runs(id, file), "{id} does not run for {file}");
        }
        assert!(!runs(id, "src/main.rs") && !runs(id, "README.md"), "{id}");
    }
    for id in ["cresset-build", "cresset-verify", "cresset-diff"] {
        assert!(
            runs(id, "out/splunk/app/default/macros.conf") && runs(id, "templates/splunk/macros.conf.tera"),
            "{id}"
        );
    }
    assert!(runs("cresset-test", "tests/logs/audit.log") && runs("cresset-test", "detections/a.yml"));
    // The work tree is compared with the last commit: after the commit there is nothing to see.
    let diff =
        hooks.as_array().and_then(|hooks| hooks.iter().find(|hook| hook.get("id") == Some(&"cresset-diff".into())));
    let stages = diff.and_then(|hook| hook.get("stages")).and_then(Value::as_array).expect("stages");
    assert!(stages.contains(&"pre-commit".into()) && !stages.contains(&"pre-push".into()), "{stages:?}");
}

#[test]
fn every_gate_is_explained() {
    let help = help("diff");
    let gates: Vec<&str> = help
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ")?.split(':').next())
        .filter(|word| !["human", "markdown", "json", "github"].contains(word))
        .collect();
    assert!(gates.len() > 15, "{gates:?}");
    for gate in gates {
        assert!(PAGE.contains(&format!("`{gate}`")), "docs/ci.md says nothing of `{gate}`");
    }
}
