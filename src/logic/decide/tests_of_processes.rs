//! Decisions about events of processes, whose fields follow from each other and whose command lines hold options, held
//! against the reference evaluator on events that obey the schema.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::oracle::{cases, path, regex, spelled};
use super::*;
use crate::logic::{
    Case, Command, Comparison, Grammar, Launchers, Number, OptionTest, OptionValue, Pattern, Predicate, TextSet,
    ValueForm, ValueTest,
};

/// Words of which command lines are made: those that an option's reading turns on.
const WORDS: [&str; 20] = [
    "docker",
    "/usr/bin/docker",
    "sudo",
    "run",
    "container",
    "-v",
    "--volume",
    "--volume=/etc:/x",
    "-v/etc:/x:ro",
    "/etc:/x",
    "/etc:/x:ro",
    "/data:/x",
    "--privileged",
    "--privileged=false",
    "--privileged=1",
    "-t",
    "-tv",
    "--rm",
    "--",
    "a",
];
const PATHS: [&str; 6] = ["/a", "/b/a", "/ab", "/b/", "/usr/bin/docker", "/A"];

fn schema() -> Schema {
    let derived = |field: &str, from: &str, how| Derived { field: path(field), from: path(from), how };
    Schema {
        derived: vec![derived("line", "args", Derivation::Joined), derived("name", "exe", Derivation::LastSegment)],
        single: ["line", "exe", "name", "pid", "tty"].map(path).into(),
        kinds: [(path("pid"), Kind::Number), (path("tty"), Kind::Boolean)].into(),
    }
}

fn budget() -> Budget {
    Budget { time: std::time::Duration::from_secs(5), ..Budget::default() }
}

fn event() -> impl Strategy<Value = Event> {
    let words = prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..8);
    let exe = prop::option::of(prop::sample::select(PATHS.to_vec()));
    let pid = prop::option::of(0..4u8);
    (prop::option::of(words), exe, pid, any::<Option<bool>>()).prop_map(|(words, exe, pid, tty)| {
        let mut event = json!({});
        if let Some(words) = words {
            event["line"] = words.join(" ").into();
            event["args"] = words.into();
        }
        if let Some(exe) = exe {
            event["name"] = exe.rsplit('/').next().into();
            event["exe"] = exe.into();
        }
        if let Some(pid) = pid {
            event["pid"] = pid.into();
        }
        if let Some(tty) = tty {
            event["tty"] = tty.into();
        }
        event
    })
}

/// Whether the event obeys the schema, as far as it says something of its fields.
fn is_possible(event: &Value) -> bool {
    let joined =
        event["args"].as_array().map(|args| args.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
    let name = event["exe"].as_str().and_then(|exe| exe.rsplit('/').next());
    let agree = |shown: &Value, derived: Option<&str>| match (shown.as_str(), derived) {
        (Some(shown), Some(derived)) => shown == derived,
        _ => true,
    };
    agree(&event["line"], joined.as_deref()) && agree(&event["name"], name)
}

/// Whether an option that is asked for stands in the event's line and, for whoever knows its vector, is not given there.
fn is_read_in_two_ways(condition: &Formula, event: &Event) -> bool {
    let mut is_so = false;
    condition.each_test(&mut |_, test| {
        let Predicate::Option(option) = &test.predicate else { return };
        let line = regex("line", &format!("^(?:{})$", option.strict_regex()));
        let given = Formula::test(&path("args"), test.predicate.clone());
        is_so |= evaluate(&line, event, Reading::Must) && !evaluate(&given, event, Reading::Must);
    });
    is_so
}

fn option() -> impl Strategy<Value = OptionTest> {
    let command = |program: Option<&str>, words: &[&str]| Command {
        program: program.map(str::to_owned),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        grammar: Arc::new(Grammar {
            flags: ["-t", "--rm", "--privileged"].map(str::to_owned).into(),
            ..Grammar::default()
        }),
    };
    let commands = vec![
        vec![command(Some("docker"), &["run"]), command(Some("docker"), &["container", "run"])],
        vec![command(None, &["run"])],
        vec![command(Some("docker"), &[])],
    ];
    let below = TextSet::new(vec![Pattern::Path { path: "/etc".into(), below: true }], Case::Sensitive);
    let target = ValueTest::Key(vec!["target".into()], below.clone());
    let source = ValueTest::Key(vec!["source".into()], below);
    let home = TextSet::new(vec![Pattern::Regex("^/(?:etc|[^/: ]*a)$".into())], Case::Either);
    let home = ValueTest::Key(vec!["source".into()], home);
    let volume = |tests: Vec<ValueTest>| OptionValue::Given { form: ValueForm::Volume, tests };
    let asked = vec![
        (vec!["--privileged"], OptionValue::Switch),
        (vec!["-v", "--volume"], volume(vec![source.clone()])),
        (vec!["-v", "--volume"], volume(vec![home])),
        (vec!["-v", "--volume"], volume(vec![target])),
        (vec!["-v", "--volume"], volume(vec![source.clone(), ValueTest::ReadOnly(true)])),
        (vec!["-v", "--volume"], volume(vec![source, ValueTest::ReadOnly(false)])),
        (vec![], OptionValue::Switch),
    ];
    let launchers = Arc::new(Launchers { wrappers: ["sudo".to_owned()].into(), ..Launchers::default() });
    (prop::sample::select(commands), prop::sample::select(asked)).prop_map(move |(commands, (names, value))| {
        OptionTest {
            commands,
            names: names.into_iter().map(str::to_owned).collect(),
            value,
            launchers: Arc::clone(&launchers),
        }
    })
}

/// Tests that a rule may hold, which knows texts only.
fn plain() -> BoxedStrategy<Formula> {
    let case = prop::sample::select(vec![Case::Sensitive, Case::Insensitive, Case::Either]);
    let texts = [
        "*docker*",
        "docker*",
        "*run*",
        "* --privileged*",
        "*-v /etc*",
        "*/etc:/x",
        "a",
        "*a",
        "/*a",
        "docker",
        "*",
        "-t",
        "?",
        "* run *:ro*",
    ];
    let text = (prop::sample::select(vec!["line", "args", "exe", "name"]), prop::sample::select(texts.to_vec()), case)
        .prop_map(|(field, text, case)| {
            let set = TextSet::new(vec![Pattern::Glob(spelled(text))], case);
            Formula::test(&path(field), Predicate::Text(set))
        });
    let lines = option().prop_flat_map(|option| {
        let texts = vec![option.strict_regex(), option.loose_regex()];
        prop::sample::select(texts).prop_map(|text| regex("line", &format!("^(?:{text})$")))
    });
    let number = (prop::sample::select(vec![Comparison::Equal, Comparison::Less, Comparison::Greater]), 0..3u8)
        .prop_map(|(op, value)| {
            let value = Number::new(f64::from(value)).expect("finite");
            Formula::test(&path("pid"), Predicate::Number { op, value })
        });
    let boolean = any::<bool>().prop_map(|value| Formula::test(&path("tty"), Predicate::Boolean(value)));
    let exists = prop::sample::select(vec!["line", "args", "exe", "name", "pid"])
        .prop_map(|field| Formula::test(&path(field), Predicate::Exists));
    prop_oneof![6 => text, 3 => lines, 2 => number, 1 => boolean, 1 => exists].boxed()
}

fn formula(leaf: BoxedStrategy<Formula>) -> impl Strategy<Value = Formula> {
    leaf.prop_recursive(3, 10, 3, |inner| {
        let several = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            several().prop_map(Formula::And),
            several().prop_map(Formula::Or),
            inner.clone().prop_map(|part| Formula::Not(Box::new(part))),
        ]
    })
}

/// What an author writes: options, too.
fn condition() -> impl Strategy<Value = Formula> {
    let option = option().prop_map(|option| Formula::test(&path("args"), Predicate::Option(Arc::new(option))));
    formula(prop_oneof![1 => option, 2 => plain()].boxed())
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn what_no_process_can_be_no_process_is(condition in condition(), events in prop::collection::vec(event(), 60)) {
        for reading in [Reading::Must, Reading::May] {
            match satisfiable(&condition, reading, &schema(), &budget()) {
                Satisfiability::Unsat => {
                    // Whether an option is absent is taken for granted of lines that are read in one way alone.
                    for event in events.iter().filter(|event| !is_read_in_two_ways(&condition, event)) {
                        prop_assert!(!evaluate(&condition, event, reading), "{event} satisfies it");
                    }
                }
                Satisfiability::Sat(event) => {
                    prop_assert!(is_possible(&event), "{event}");
                    prop_assert!(evaluate(&condition, &event, reading), "{event}");
                }
                Satisfiability::Undecided(_) => {}
            }
        }
    }

    /// A rule is what a printer may make of a condition, something between, or something else.
    #[test]
    fn a_proved_rule_lies_between_for_every_process(
        condition in condition(),
        (rule, kind) in (formula(plain()), 0..4u8),
        events in prop::collection::vec(event(), 60),
    ) {
        let lines = |loose| over_lines(&condition, loose);
        let rule = match kind {
            0 => rule,
            1 => lines(false),
            2 => Formula::or([lines(false), Formula::and([lines(true), rule])]),
            _ => Formula::and([lines(true), Formula::or([lines(false), rule])]),
        };
        let verdict = between(&condition, &rule, &schema(), &budget());
        for (answer, reading, says, other) in
            [(&verdict.must, Reading::Must, &condition, &rule), (&verdict.may, Reading::May, &rule, &condition)]
        {
            match answer {
                Answer::Holds => {
                    for event in &events {
                        let broken = evaluate(says, event, reading) && !evaluate(other, event, reading);
                        prop_assert!(!broken, "{reading:?}: {event}");
                    }
                }
                Answer::Fails(event) => {
                    prop_assert!(is_possible(event), "{event}");
                    prop_assert!(evaluate(says, event, reading) && !evaluate(other, event, reading));
                }
                Answer::Undecided(_) => {}
            }
        }
    }
}

/// The condition with expressions over the line in the place of its options.
fn over_lines(formula: &Formula, loose: bool) -> Formula {
    let each = |parts: &[Formula]| parts.iter().map(|part| over_lines(part, loose)).collect::<Vec<_>>();
    match formula {
        Formula::And(parts) => Formula::And(each(parts)),
        Formula::Or(parts) => Formula::Or(each(parts)),
        // What is looser inside is tighter outside.
        Formula::Not(part) => Formula::Not(Box::new(over_lines(part, !loose))),
        Formula::Test(test) => match &test.predicate {
            Predicate::Option(option) => {
                let text = if loose { option.loose_regex() } else { option.strict_regex() };
                regex("line", &format!("^(?:{text})$"))
            }
            _ => formula.clone(),
        },
        other => other.clone(),
    }
}
