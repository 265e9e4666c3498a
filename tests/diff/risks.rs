//! What stands out as risky, and what does not.

use super::*;

#[test]
fn every_risky_change_stands_out() {
    const KNOWN: &str = "    known:\n      user.name: backup\n";
    type Edits = &'static [(&'static str, &'static str)];
    let cases: [(Edits, RiskKind, Gate); 10] = [
        (&[(KNOWN, "    known:\n      process.name: [nc, ncat, socat]\n")], RiskKind::Swallowed, Gate::Swallowed),
        (&[(KNOWN, "    known:\n      process.name: n*\n")], RiskKind::NeverMatches, Gate::NeverMatches),
        (
            &[
                ("tool and shell and not known", "tool and shell and not known and more"),
                (KNOWN, "    known:\n      user.name: backup\n    more:\n      process.name: socat\n"),
            ],
            RiskKind::NeverMatches,
            Gate::NeverMatches,
        ),
        (&[("severity: high", "severity: low")], RiskKind::SeverityLowered, Gate::SeverityLowered),
        (&[("3f1c7f7e", "4f1c7f7e")], RiskKind::IdChanged, Gate::IdChanged),
        (&[("[bash, sh]", "[bash]")], RiskKind::Version, Gate::Version),
        (&[("process.parent.name: [", "process.parent.executable: [")], RiskKind::FieldRenamed, Gate::FieldRenamed),
        (
            &[("    misses:\n      - { process: { name: nc, parent: { name: bash } }, user: { name: backup } }\n", "")],
            RiskKind::TestsWeakened,
            Gate::Tests,
        ),
        (&[("tests:\n", "targets: { splunk: { enabled: false } }\ntests:\n")], RiskKind::RuleGone, Gate::RuleGone),
        (
            &[("tests:\n", "targets: { splunk: { severity: low } }\ntests:\n")],
            RiskKind::SeverityLowered,
            Gate::SeverityLowered,
        ),
    ];
    for (edits, kind, gate) in cases {
        let diff = changed(edits);
        assert!(risks(&diff).contains(&kind), "{kind:?}: {:?}\n{:?}", risks(&diff), diff.head.broken);
        assert_eq!(stopped(&diff, &[gate]).len(), 1, "{gate:?}");
        assert!(!stopped(&diff, &[Gate::Risk]).is_empty());
        // The same change the other way round is another one.
        let none = compared(&one(BASE), &one(BASE));
        assert!(stopped(&none, &[gate, Gate::Risk]).is_empty());
    }
}

#[test]
fn an_exception_that_swallows_one_alternative_is_found_though_the_rest_still_matches() {
    let condition = "    condition: tool and shell and not known";
    let diff = changed(&[
        (
            condition,
            "    other:\n      process.name: socat\n    condition: (tool and shell and not tools) or (other and not known)",
        ),
        ("    known:", "    tools:\n      process.name: [nc, ncat]\n    known:"),
    ]);
    let swallowed: Vec<&str> =
        only(&diff).risks.iter().filter(|risk| risk.kind == RiskKind::Swallowed).map(|r| r.message.as_str()).collect();
    assert_eq!(swallowed, ["the exception `tools` covers a whole alternative of the condition"]);
    assert!(!risks(&diff).contains(&RiskKind::NeverMatches));
}

#[test]
fn a_raised_version_is_no_risk_and_a_log_source_more_asks_for_one() {
    let raised = changed(&[("[bash, sh]", "[bash]"), ("version: 1", "version: 2")]);
    assert!(!risks(&raised).contains(&RiskKind::Version));
    let fallen = compared(&one(&edited(&[("version: 1", "version: 2")])), &one(BASE));
    assert_eq!(risks(&fallen), [RiskKind::Version]);
    let source = "  compose:\n    privileged:\n      service.privileged: true\n    condition: privileged\ntests:\n";
    let more = changed(&[("tests:\n", source)]);
    let added = only(&more).sources.first().expect("a source");
    assert_eq!((added.source.as_str(), added.state), ("compose", SourceState::Added));
    assert!(risks(&more).contains(&RiskKind::Version));
    let less = compared(&one(&edited(&[("tests:\n", source)])), &one(BASE));
    assert!(risks(&less).contains(&RiskKind::SourceRemoved) && !stopped(&less, &[Gate::Removed]).is_empty());
}

#[test]
fn a_rule_that_platforms_know_by_its_name_stands_out_when_that_changes() {
    let diff = changed(&[("title: Network tool", "title: A network tool")]);
    assert_eq!(risks(&diff), [RiskKind::RuleRenamed]);
    assert_eq!(stopped(&diff, &[Gate::RuleRenamed]).len(), 1);
    let moved =
        compared(&Project::new(&[("detections/tool.yml", BASE)]), &Project::new(&[("detections/nc.yml", BASE)]));
    assert_eq!(risks(&moved), [RiskKind::RuleRenamed]);
    assert_eq!(risks(&changed(&[("severity: high", "severity: low")])), [RiskKind::SeverityLowered]);
}
