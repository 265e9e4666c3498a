//! Nothing that a user writes changes the structure of a rule: whatever stands in a title, a description, a value or a
//! triage text, either the detection is refused with a clear error, or its rule holds that text as data, is the only one of
//! its file, and means what the detection says.

#![expect(clippy::indexing_slicing, reason = "a test that looks in the wrong place may panic")]

use std::sync::LazyLock;

use cresset::detection::load::load_text;
use cresset::diagnostic::SourceFile;
use cresset::exception as exceptions;
use cresset::pack::verify;
use cresset::source::Catalogue;
use cresset::target::{self, Outcome, PackInfo, Target, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| target::load_all(None).expect("targets"));

/// Text made of what breaks files, searches and templates.
fn hostile() -> impl Strategy<Value = String> {
    // These are refused, so there are few of them.
    let invisible = prop::sample::select(vec!["\u{1d}", "\u{0}", "\u{7}", "\u{202e}", "\u{feff}", "\r\n"]);
    let pieces = prop::sample::select(vec![
        "\"",
        "'",
        "`",
        "\\",
        "\\\\",
        "\\\"",
        "]",
        "[",
        "]]",
        "[[",
        "(",
        ")",
        "{",
        "}",
        "|",
        "\n",
        "\t",
        "\u{2028}",
        "{{ title }}",
        "{% raw %}",
        "{% endraw %}",
        "{# x",
        "$token$",
        "$$",
        "$result.user$",
        "%",
        "%user.name",
        "%%",
        "# ",
        " #",
        ": ",
        "- ",
        "\n- rule: x\n",
        "\n[stanza]\n",
        "\nsearch = *\n",
        "&a ",
        "*a",
        "!!str ",
        "@",
        "~",
        "null",
        "true",
        "<NA>",
        "yes",
        "0x1f",
        "1e3",
        "| ",
        "| delete",
        "`macro`",
        "```",
        " OR ",
        " AND ",
        " and ",
        " or ",
        "NOT ",
        "not ",
        "*",
        "?",
        "a",
        "docker",
        " ",
        "  ",
        "/",
        "/etc",
        "é",
        "ß",
        "K",
        "ſ",
        "\u{1F433}",
        ",",
        ";",
        "=",
        "!=",
        "<",
        ">",
        "<script>",
        "</pre>",
        "&amp;",
        "^",
        "+",
        ".",
        "\\n",
        "\\x41",
        "--",
        "//",
    ]);
    prop::collection::vec(prop_oneof![150 => pieces, 1 => invisible], 1..8).prop_map(|pieces| pieces.concat())
}

/// A detection with the texts in it, as YAML.
fn detection(texts: &[String; 4], values: &[String], negated: bool) -> String {
    let [title, description, author, triage] = texts;
    // These are refused if they have more than one line; the others may.
    let line = |text: &String| text.replace(['\n', '\r', '\u{2028}'], " ");
    let document = json!({
        "id": "0b8f0f0e-53c5-4f6e-9d57-3a1d2c9a7c11",
        "title": line(title),
        "version": 1,
        "status": "test",
        "severity": "medium",
        "confidence": "medium",
        "description": description,
        "author": line(author),
        "created": "2026-11-24",
        "attack": ["T1611"],
        "false_positives": [line(title), line(description)],
        "triage": triage,
        "observe": { "process": {
            "found": { "process.command_line|contains": values, "user.name": values },
            "known": { "process.executable": values },
            "condition": if negated { "found and not known" } else { "found or known" },
        } },
        "tests": [{
            "source": "process",
            "matches": [{ "process": { "executable": "x" } }],
            "misses": [{ "process": { "executable": "y" } }],
        }],
    });
    serde_yaml::to_string(&document).expect("YAML")
}

/// An exception from that detection with the texts in it, as YAML.
fn exception(texts: &[String; 3], values: &[String], negated: bool) -> String {
    let [reason, owner, ticket] = texts;
    let line = |text: &String| text.replace(['\n', '\r', '\u{2028}'], " ");
    let document = json!({
        "detections": ["hostile"],
        "reason": reason,
        "owner": line(owner),
        "expires": "2027-03-31",
        "ticket": line(ticket),
        "observe": { "process": {
            "parent": { "process.parent.executable": values, "process.working_directory|startswith": values },
            "root": { "user.name": values },
            "condition": if negated { "parent and not root" } else { "parent or root" },
        } },
    });
    serde_yaml::to_string(&document).expect("YAML")
}

/// Builds the detection for every target alone, and checks what comes out.
fn check(yaml: &str, verdicts: &[Verdict]) -> Result<usize, TestCaseError> {
    check_with(yaml, None, verdicts)
}

/// The same with an exception: the name of its file, and its text.
fn check_with(yaml: &str, excepted: Option<(&str, &str)>, verdicts: &[Verdict]) -> Result<usize, TestCaseError> {
    let catalogue = Catalogue::builtin();
    let mut loaded = load_text(&SourceFile::new("hostile.yml", yaml), "hostile", catalogue);
    if loaded.has_errors() {
        for problem in &loaded.problems {
            if std::env::var_os("CRESSET_SHOW").is_some() {
                eprintln!("{:?} {}", problem.code, problem.message);
            }
            prop_assert!(!problem.message.is_empty());
        }
        return Ok(0);
    }
    if let Some((name, text)) = excepted {
        let (read, problems) = exceptions::read(&SourceFile::new(name, text), None, catalogue);
        prop_assert!(problems.iter().all(|problem| !problem.message.is_empty()));
        let Some(read) = read else {
            prop_assert!(!problems.is_empty());
            return Ok(0);
        };
        exceptions::apply(&[read], None, &mut loaded.detections);
        prop_assert_eq!(loaded.detections[0].observations[0].exceptions.len(), 1);
    }
    let mut built_for = 0;
    for target in TARGETS.iter() {
        let targets = std::slice::from_ref(target);
        // What a target cannot say is told.
        let Ok(compiled) = target::compile_all(targets, &loaded.detections, catalogue, &|| ()) else { continue };
        let is_rule = compiled.iter().any(|one| matches!(one.outcome, Outcome::Rule(_)));
        prop_assert!(is_rule, "there is a rule for {}", target.name());
        let built = target::render_all(targets, &compiled, catalogue, &PackInfo::default(), &|_, rule| rule.claim());
        let built = match built {
            Ok(built) => built,
            Err(problems) => return Err(TestCaseError::fail(format!("{}: {:?}", target.name(), problems[0].message))),
        };
        let report = verify::verify(targets, &compiled, &built.files, catalogue, &verify::budget(), &|_| Vec::new());
        for finding in &report.findings {
            let file = String::from_utf8_lossy(&built.files[&finding.file]);
            prop_assert!(
                verdicts.contains(&finding.verdict),
                "{}: {} {:?} {:?}\n{file}",
                finding.file,
                finding.verdict,
                finding.reason,
                finding.example.as_ref().map(|example| &example.event)
            );
        }
        prop_assert!(!report.findings.is_empty() && report.foreign.is_empty(), "{:?}", report.foreign);
        texts_are_data(target.name(), &built.files, &loaded.detections[0].description)?;
        built_for += 1;
    }
    Ok(built_for)
}

/// The description comes back from a file's own parser as it was written.
fn texts_are_data(
    target: &str,
    files: &std::collections::BTreeMap<String, Vec<u8>>,
    description: &str,
) -> Result<(), TestCaseError> {
    let text = |path: &str| String::from_utf8(files[path].clone()).expect("text");
    let found = match target {
        "sigma" => {
            let rule: Value = serde_yaml::from_str(&text("sigma/hostile.process.yml")).expect("YAML");
            rule["description"].as_str().map(str::to_owned)
        }
        "elastic" => {
            let rule: Value = serde_json::from_str(&text("elastic/rules/hostile.process.json")).expect("JSON");
            prop_assert_eq!(text("elastic/rules.ndjson").lines().count(), 1);
            rule["description"].as_str().map(str::to_owned)
        }
        "falco" => {
            let entries: Vec<Value> = serde_yaml::from_str(&text("falco/cresset_container_rules.yaml")).expect("YAML");
            let rules: Vec<&Value> = entries.iter().filter(|entry| entry.get("rule").is_some()).collect();
            prop_assert_eq!(rules.len(), 1);
            rules[0]["desc"].as_str().map(str::to_owned)
        }
        _ => return Ok(()),
    };
    // Characters that no text file may hold are left out, and a text's ends are trimmed.
    let plain = |text: &str| text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect::<String>();
    prop_assert_eq!(found.as_deref().map(plain), Some(plain(description)), "{}", target);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn text_is_data_or_refused(
        texts in [hostile(), hostile(), hostile(), hostile()],
        values in prop::collection::vec(hostile(), 1..3),
        negated in any::<bool>(),
    ) {
        check(&detection(&texts, &values, negated), &[Verdict::Proved])?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn text_of_exceptions_is_data_or_refused(
        name in hostile(),
        texts in [hostile(), hostile(), hostile()],
        values in prop::collection::vec(hostile(), 1..3),
        negated in any::<bool>(),
    ) {
        let name = format!("exceptions/{}.yml", name.replace(['/', '\0'], "_"));
        check_with(&plain_detection(), Some((&name, &exception(&texts, &values, negated))), &[Verdict::Proved])?;
    }
}

fn plain_detection() -> String {
    detection(&[(); 4].map(|()| "x".to_owned()), &["docker".to_owned()], false)
}

/// The properties above would hold if everything were refused.
#[test]
fn hostile_but_harmless_text_is_built_for_every_target() {
    let texts = ["{{ title }} \"x\" [y] 100% $z$ # `a`", "- rule: x\n[s]\n}, { \\", "O'Neil: \"x\"", "`x` | delete"];
    let yaml =
        detection(&texts.map(str::to_owned), &["a\"b'c\\d`e".to_owned(), "x y, (z) [w] {v} | # : ".to_owned()], true);
    assert_eq!(check(&yaml, &[Verdict::Proved]).map_err(|error| error.to_string()), Ok(4));
    let texts = ["{{ x }} \"\n[s]\nkey = y\n- rule: z", "# `a` $b$ | c", "'} # \\"];
    let values = ["a\"b'c\\d`e".to_owned(), "x y, (z) [w] {v} | # : ".to_owned()];
    let text = exception(&texts.map(str::to_owned), &values, false);
    let built = check_with(&plain_detection(), Some(("e/o'dd {{ x }} [y] # z.yml", &text)), &[Verdict::Proved]);
    assert_eq!(built.map_err(|error| error.to_string()), Ok(4));
}

#[test]
fn values_of_a_hundred_kilobytes_are_built_or_refused() {
    let long = "docker \"".repeat(12_000);
    let texts = [(); 4].map(|()| "x".to_owned());
    // A value of that size may be beyond what is decided.
    let verdicts = [Verdict::Proved, Verdict::Tested];
    check(&detection(&texts, std::slice::from_ref(&long), false), &verdicts).expect("built or refused");
    check(&detection(&[long.clone(), long.clone(), long.clone(), long], &["x".to_owned()], true), &verdicts)
        .expect("built or refused");
}
