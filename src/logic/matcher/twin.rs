//! The matcher held to the reference evaluator, over formulas and events from small alphabets, so that they meet.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Matcher, Scratch};
use crate::logic::{
    Case, Command, Comparison, Event, Formula, Glob, Grammar, Launchers, Number, OptionTest, OptionValue, Origin, Path,
    Pattern, Piece, Predicate, Reading, Subject, Test, TextSet, ValueForm, ValueTest, evaluate,
};

const KEYS: [&str; 4] = ["a", "b", "c", "é\"/"];
const PIECES: [&str; 22] = [
    "x",
    "docker",
    "Docker",
    "k8s",
    "K8S",
    "\u{212a}8s",
    "/etc",
    "/",
    "\"",
    "\\",
    "\n",
    "1",
    "10",
    "1e1",
    "-1",
    "true",
    "TRUE",
    "ß",
    "u0061",
    "--privileged",
    "-v",
    "run",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..3).prop_map(|pieces| pieces.concat())
}

fn word() -> impl Strategy<Value = String> {
    let words = [
        "docker",
        "/usr/bin/docker",
        "run",
        "--privileged",
        "--privileged=true",
        "--privileged=false",
        "-v",
        "-itv",
        "/etc:/x",
        "/ETC:/x",
        "-v/etc:/x:ro",
        "--volume=/etc/:/x",
        "sudo",
        "sh",
        "/bin/bash",
        "-c",
        "-lc",
        "env",
        "-S",
        "--",
        "alpine",
        "docker run --privileged a",
        "docker run --'privi'leged a",
        "d\"ock\"er run -v '/etc:/x' a",
        "doc\\ker run -\"\"v /etc:/x",
        "DOCKER RUN --PRIVILEGED",
        "Docker",
        "sh -c \"docker run --privileged x\"",
        "ssh h \"echo $(docker run $O --privileged x) >f\"",
        "docker run --name --privileged x",
        "",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(Value::from),
        1 => prop::sample::select(vec![json!(1), json!(10.0), json!(-1), json!(1e300), json!(1.5), json!(0)]),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => prop::sample::select(vec!["10.1.2.3", "::1", "10.0.0.0/8", "1e1", "true"]).prop_map(Value::from),
        1 => word().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => object(inner),
        ]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((prop::sample::select(&KEYS[..]), inner), 0..4)
        .prop_map(|entries| Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}

/// Events, half of them with an argument vector.
fn event() -> impl Strategy<Value = Event> {
    let argv = prop::collection::vec(prop_oneof![9 => word().prop_map(Value::from), 1 => Just(json!(7))], 0..7);
    (object(value()), prop::option::of(argv)).prop_map(|(mut event, argv)| {
        if let Some(argv) = argv {
            event["argv"] = Value::from(argv);
        }
        event
    })
}

fn path() -> impl Strategy<Value = Path> {
    prop::collection::vec(prop::sample::select(&KEYS[..]), 1..4).prop_map(Path::from_segments)
}

fn case() -> impl Strategy<Value = Case> {
    prop::sample::select(vec![Case::Sensitive, Case::Insensitive, Case::Either])
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let piece = prop_oneof![
        4 => prop::sample::select(&PIECES[..]).prop_map(|text| Piece::Literal(text.to_owned())),
        2 => Just(Piece::Any),
        1 => Just(Piece::One),
    ];
    let expressions = [
        "docker",
        "^docker$",
        "x|run",
        "(?i)docker",
        "k8s+",
        "(?-i:K8S)",
        "[a-d]ocker",
        "^$",
        ".",
        "1e?1",
        "(?x) x # y",
        "(",
        "a)|(x",
        "(?P<n>x)",
        "(docker){2}",
        "doc(ker)?",
        "\\\\",
        "--priv",
        "(?m)^x$",
    ];
    prop_oneof![
        6 => prop::collection::vec(piece, 0..4).prop_map(|pieces| Pattern::Glob(Glob::new(pieces))),
        2 => prop::sample::select(expressions.to_vec()).prop_map(|source| Pattern::Regex(source.to_owned())),
        1 => (prop::sample::select(vec!["/", "/etc", "/etc/docker"]), any::<bool>())
            .prop_map(|(path, below)| Pattern::Path { path: path.to_owned(), below }),
    ]
}

fn texts() -> impl Strategy<Value = TextSet> {
    (prop::collection::vec(pattern(), 0..7), case()).prop_map(|(any, case)| TextSet::new(any, case))
}

fn comparison() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![
        Comparison::Equal,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ])
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let number = prop::sample::select(vec![0.0, 1.0, 10.0, -1.0, 1e300]);
    prop_oneof![
        6 => texts().prop_map(Predicate::Text),
        1 => (comparison(), number)
            .prop_map(|(op, value)| Predicate::Number { op, value: Number::new(value).expect("finite") }),
        1 => prop::sample::select(vec!["10.0.0.0/8", "::/0"]).prop_map(|net| Predicate::Network(net.parse().expect("a network"))),
        1 => any::<bool>().prop_map(Predicate::Boolean),
        1 => Just(Predicate::Exists),
        1 => (comparison(), path()).prop_map(|(op, other)| Predicate::Field { op, other }),
    ]
}

fn option() -> impl Strategy<Value = OptionTest> {
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let launchers = Arc::new(Launchers {
        wrappers: set(&["sudo", "env"]),
        shells: set(&["sh", "bash", "env"]),
        texts: set(&["ssh"]),
    });
    let grammar = any::<(bool, bool)>().prop_map(move |(interspersed, takes_any)| {
        let flags = set(&["-i", "-t", "--privileged"]);
        let values = if takes_any { set(&["--name", "-v"]) } else { set(&[]) };
        Arc::new(Grammar { flags, values, interspersed })
    });
    let command =
        (prop::option::of(Just("docker".to_owned())), any::<bool>(), grammar).prop_map(|(program, run, grammar)| {
            Command { program, words: if run { vec!["run".to_owned()] } else { Vec::new() }, grammar }
        });
    let etc = case().prop_map(|case| TextSet::new(vec![Pattern::Path { path: "/etc".to_owned(), below: true }], case));
    let value = prop_oneof![
        Just(OptionValue::Switch),
        Just(OptionValue::Given { form: ValueForm::Plain, tests: Vec::new() }),
        (etc, prop::option::of(any::<bool>())).prop_map(|(set, read_only)| OptionValue::Given {
            form: ValueForm::Volume,
            tests: [ValueTest::Key(vec!["source".to_owned()], set)]
                .into_iter()
                .chain(read_only.map(ValueTest::ReadOnly))
                .collect(),
        }),
        texts().prop_map(|set| OptionValue::Given { form: ValueForm::Plain, tests: vec![ValueTest::Whole(set)] }),
    ];
    let names = prop::sample::subsequence(vec!["-v", "--volume", "--privileged", "-i"], 0..3);
    (prop::collection::vec(command, 0..3), names, value).prop_map(move |(commands, names, value)| OptionTest {
        commands,
        names: names.into_iter().map(str::to_owned).collect(),
        value,
        launchers: launchers.clone(),
    })
}

fn test() -> impl Strategy<Value = Formula> {
    let value = (prop_oneof![7 => path().prop_map(Subject::Field), 1 => Just(Subject::Anywhere)], predicate());
    let argv = "argv".parse::<Path>().expect("a path");
    prop_oneof![
        4 => value.prop_map(|(subject, predicate)| Formula::Test(Test { subject, predicate, origin: Origin::default() })),
        1 => option().prop_map(move |option| Formula::test(&argv, Predicate::Option(Arc::new(option)))),
    ]
}

fn formula() -> impl Strategy<Value = Formula> {
    test().prop_recursive(4, 24, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            3 => parts.clone().prop_map(Formula::And),
            3 => parts.clone().prop_map(Formula::Or),
            2 => inner.clone().prop_map(|part| Formula::Not(Box::new(part))),
            1 => (0..4_usize, parts).prop_map(|(count, of)| Formula::AtLeast { count, of }),
            2 => (prop::collection::vec(prop::sample::select(&KEYS[..]), 0..3), inner)
                .prop_map(|(path, body)| Formula::element(Path::from_segments(path), body)),
        ]
    })
}

/// The same JSON, with every character that may be escaped written in one of several ways.
fn rewritten(json: &str, how: u8) -> String {
    match how % 4 {
        0 => json.to_owned(),
        1 => json.replace('/', "\\/"),
        2 => json
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase()
                    && !json.contains("true")
                    && !json.contains("false")
                    && !json.contains("null")
                    && !json.contains('\\')
                    && !json.contains("e1")
                    && !json.contains("e3")
                    && !json.contains("e+")
                {
                    format!("\\u{:04x}", u32::from(c))
                } else {
                    c.to_string()
                }
            })
            .collect(),
        _ => json
            .chars()
            .map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) })
            .collect(),
    }
}

fn agree(formulas: &[Formula], events: &[Event], how: u8) -> Result<(), TestCaseError> {
    let listed: Vec<(usize, &Formula)> = formulas.iter().enumerate().collect();
    let (strict, both) = (Matcher::new(&listed), Matcher::with_may(&listed));
    let mut scratch = Scratch::default();
    for event in events {
        let is = |formula: &Formula, reading| evaluate(formula, event, reading);
        let must: Vec<usize> = listed.iter().filter(|(_, f)| is(f, Reading::Must)).map(|(id, _)| *id).collect();
        let may: Vec<usize> =
            listed.iter().filter(|(_, f)| is(f, Reading::May) && !is(f, Reading::Must)).map(|(id, _)| *id).collect();
        prop_assert_eq!(strict.matches(event, &mut scratch), &must[..], "event {}", event);
        let readings = both.readings(event, &mut scratch);
        prop_assert_eq!((readings.must, readings.may), (&must[..], &may[..]), "event {}", event);
        let json = rewritten(&event.to_string(), how);
        for (matcher, may) in [(&strict, &[][..]), (&both, &may[..])] {
            let found = matcher.matches_json(json.as_bytes(), &mut scratch).expect("JSON");
            if let Some((parsed, _)) = &found {
                prop_assert_eq!(parsed, event, "the text is the event: {}", json);
            }
            let found = found.map_or((&[][..], &[][..]), |(_, m)| (m.must, m.may));
            prop_assert_eq!(found, (&must[..], may), "text {}", json);
        }
    }
    Ok(())
}

/// What an option before a command's words takes is for the command's grammar to say.
#[test]
fn values_before_a_subcommand_agree() {
    let option = |values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let grammar = Arc::new(Grammar { values, ..Grammar::default() });
        let command = Command { program: Some("docker".to_owned()), words: vec!["run".to_owned()], grammar };
        OptionTest {
            commands: vec![command],
            names: Vec::new(),
            value: OptionValue::Switch,
            launchers: Arc::new(Launchers::default()),
        }
    };
    let argv: Path = "argv".parse().expect("a path");
    let formulas =
        [option(&["-n"]), option(&[])].map(|option| Formula::test(&argv, Predicate::Option(Arc::new(option)))).to_vec();
    let events = [["docker", "-n", "run", "ps"], ["docker", "-n", "run", "run"], ["docker", "-n", "x", "run"]];
    let events: Vec<Event> = events.iter().map(|argv| json!({ "argv": argv })).collect();
    agree(&formulas, &events, 0).expect("the same");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn matcher_and_reference_agree(
        formulas in prop::collection::vec(formula(), 1..6),
        events in prop::collection::vec(event(), 1..6),
        how in any::<u8>(),
    ) {
        agree(&formulas, &events, how)?;
    }

    /// Single tests on few values: what the general case reaches too rarely.
    #[test]
    fn single_tests_agree(test in test(), events in prop::collection::vec(event(), 4..12), how in any::<u8>()) {
        agree(&[test], &events, how)?;
    }

    /// Texts under one key, so that patterns meet their values most of the time.
    #[test]
    fn texts_agree(sets in prop::collection::vec(texts(), 1..5), values in prop::collection::vec(scalar(), 4..16), how in any::<u8>()) {
        let formulas: Vec<Formula> = sets
            .into_iter()
            .map(|set| Formula::test(&"a".parse().expect("a path"), Predicate::Text(set)))
            .collect();
        let events: Vec<Event> = values.into_iter().map(|value| json!({ "a": value })).collect();
        agree(&formulas, &events, how)?;
    }

    /// Options and argument vectors.
    #[test]
    fn options_agree(
        options in prop::collection::vec(option(), 1..4),
        argvs in prop::collection::vec(prop::collection::vec(word(), 0..8), 2..10),
        how in any::<u8>(),
    ) {
        let formulas: Vec<Formula> = options
            .into_iter()
            .map(|option| Formula::test(&"argv".parse().expect("a path"), Predicate::Option(Arc::new(option))))
            .collect();
        let events: Vec<Event> = argvs.into_iter().map(|argv| json!({ "argv": argv })).collect();
        agree(&formulas, &events, how)?;
    }
}
