//! What is printed in KQL, EQL and Falco is read back and decided to mean what the formula means.

use cresset::language::{FieldTable, FieldType, Language, Query, eql, falco, kql, print};
use cresset::logic::decide::{Answer, Budget, Kind, Schema, between};
use cresset::logic::{Case, Comparison, Formula, Glob, Number, Path, Pattern, Piece, Predicate, TextSet};
use proptest::prelude::*;

fn fields() -> FieldTable {
    FieldTable::from([
        ("f.a", FieldType::Text),
        ("f.b", FieldType::Text),
        ("f.n", FieldType::Number),
        ("f.t", FieldType::Boolean),
        ("fd.sip", FieldType::Address),
    ])
}

fn path(name: &str) -> Path {
    Path::from_segments([name])
}

/// One value a field, and numbers where numbers are expected: EQL flips negated ranges, which is the same only so.
fn schema() -> Schema {
    let mut schema = Schema::default();
    schema.single.extend(["f.a", "f.b", "f.n", "f.t", "fd.sip"].map(path));
    schema.kinds.insert(path("f.n"), Kind::Number);
    schema.kinds.insert(path("f.t"), Kind::Boolean);
    schema
}

fn glob() -> impl Strategy<Value = Glob> {
    let piece = prop_oneof![
        4 => r#"[ab/]|[A \\"'*?(){}\[\]:<>=,.|&@#~^$+!\n\t-]|and|not | or |é|null"#.prop_map(Piece::Literal),
        1 => Just(Piece::Any),
    ];
    prop::collection::vec(piece, 0..5).prop_map(Glob::new)
}

fn test() -> impl Strategy<Value = Formula> {
    let case = prop_oneof![Just(Case::Sensitive), Just(Case::Either), Just(Case::Insensitive)];
    let text = |name: &'static str| {
        let glob = glob().prop_map(Pattern::Glob);
        let regex = prop::sample::select(vec!["a+b", "^[ab/]+$", "^a.b", "[b-d]$", "(?s)^a.{2}", r"\.a|b\d$", "^$"])
            .prop_map(|source| Pattern::Regex(source.to_owned()));
        let pattern = prop_oneof![5 => glob, 1 => regex];
        (prop::collection::vec(pattern, 1..4), case.clone())
            .prop_map(move |(any, case)| Formula::test(&path(name), Predicate::Text(TextSet::new(any, case))))
    };
    let op = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    prop_oneof![
        3 => text("f.a"),
        3 => text("f.b"),
        1 => (op, -3_i32..3).prop_filter_map("finite", |(op, value)| {
            Some(Formula::test(&path("f.n"), Predicate::Number { op, value: Number::new(f64::from(value))? }))
        }),
        1 => any::<bool>().prop_map(|value| Formula::test(&path("f.t"), Predicate::Boolean(value))),
        1 => prop::sample::select(vec!["f.a", "f.n", "f.t"])
            .prop_map(|name| Formula::test(&path(name), Predicate::Exists)),
        1 => prop::sample::select(vec!["10.0.0.0/8", "10.1.2.3/32", "fe80::/10"]).prop_map(|network| {
            Formula::test(&path("fd.sip"), Predicate::Network(network.parse().expect("a network")))
        }),
    ]
}

fn formula() -> impl Strategy<Value = Formula> {
    test().prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Formula::and),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Formula::or),
            inner.prop_map(Formula::not),
        ]
    })
}

/// Conditions that deny nothing.
fn positive() -> impl Strategy<Value = Formula> {
    test().prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Formula::and),
            prop::collection::vec(inner, 2..4).prop_map(Formula::or),
        ]
    })
}

/// Checks one formula; true if the language can say it.
fn holds(language: Language, formula: &Formula) -> Result<bool, TestCaseError> {
    let fields = fields();
    let Ok(Query::Text(text)) = print(language, formula, &fields) else { return Ok(false) };
    let read = match language {
        Language::Kql => kql::read::read(&text, &fields),
        Language::Eql => eql::read::read(&text, &fields).map(|(_, formula)| formula),
        _ => falco::read::read_condition(&text, &falco::read::Definitions::default(), &fields),
    };
    let read = read.map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
    let schema = schema();
    let verdict = between(formula, &read, &schema, &Budget::default());
    for answer in [verdict.must, verdict.may] {
        if let Answer::Fails(event) = answer {
            return Err(TestCaseError::fail(format!("{text}\nreads otherwise on {event}\n{formula:?}\n{read:?}")));
        }
    }
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn kql_is_read_as_it_was_meant(formula in formula()) {
        holds(Language::Kql, &formula)?;
    }
    #[test]
    fn eql_is_read_as_it_was_meant(formula in formula()) {
        holds(Language::Eql, &formula)?;
    }
    /// Rows of values in a rule say the same as a denial in its condition.
    #[test]
    fn exceptions_of_falco_are_read_as_they_were_meant(formula in positive()) {
        let fields = fields();
        let Ok(Query::Document(items)) = print(Language::FalcoExceptions, &formula, &fields) else { return Ok(()) };
        let items = items.as_array().expect("a list").iter().enumerate().map(|(at, item)| {
            let mut item = item.clone();
            item["name"] = at.to_string().into();
            item
        });
        let rule = serde_json::json!([{
            "rule": "r", "desc": "d", "condition": "f.n = 7 or f.n = 8", "output": "o", "priority": "INFO",
            "exceptions": items.collect::<Vec<_>>(),
        }]);
        let text = serde_yaml::to_string(&rule).expect("YAML");
        let file = falco::read::read_file(&text, &fields).map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
        let read = file.rules[0].condition.clone().map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
        let number = |value| Predicate::Number { op: Comparison::Equal, value: Number::new(value).expect("finite") };
        let base = Formula::or([7.0, 8.0].map(|value| Formula::test(&path("f.n"), number(value))));
        let wanted = Formula::and([base, Formula::not(formula.clone())]);
        let verdict = between(&wanted, &read, &schema(), &Budget::default());
        for answer in [verdict.must, verdict.may] {
            if let Answer::Fails(event) = answer {
                return Err(TestCaseError::fail(format!("{text}\nreads otherwise on {event}\n{formula:?}\n{read:?}")));
            }
        }
    }
    #[test]
    fn falco_is_read_as_it_was_meant(formula in formula()) {
        holds(Language::Falco, &formula)?;
    }
}
