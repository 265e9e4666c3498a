//! What is printed as Sigma, Splunk's `search` and Splunk's `where` is read back and decided to mean what the formula
//! means.

use cresset::language::{FieldTable, FieldType, Language, Query, print, sigma, spl};
use cresset::logic::decide::{Answer, Budget, Kind, Schema, between};
use cresset::logic::{Case, Comparison, Formula, Glob, Number, Path, Pattern, Piece, Predicate, TextSet};
use proptest::prelude::*;

const SINGLE: [&str; 6] = ["process.name", "odd name", "n", "t", "ip", "b"];

fn fields() -> FieldTable {
    FieldTable::from([
        ("process.name", FieldType::Text),
        ("odd name", FieldType::Text),
        ("b", FieldType::Text),
        ("args{}", FieldType::TextList),
        ("n", FieldType::Number),
        ("t", FieldType::Boolean),
        ("ip", FieldType::Address),
    ])
}

fn path(name: &str) -> Path {
    Path::from_segments([name])
}

fn schema() -> Schema {
    let mut schema = Schema::default();
    schema.single.extend(SINGLE.map(path));
    schema.kinds.insert(path("n"), Kind::Number);
    schema.kinds.insert(path("t"), Kind::Boolean);
    schema
}

fn glob() -> impl Strategy<Value = Glob> {
    let piece = prop_oneof![
        4 => r#"[ab/]|[A \\"'?(){}\[\]:<>=,.|&@#~^$%_+!-]|\*|and|NOT| OR |é|null|10\.0\.0\.0/8"#.prop_map(Piece::Literal),
        1 => Just(Piece::Any),
        1 => Just(Piece::One),
    ];
    prop::collection::vec(piece, 0..5).prop_map(Glob::new)
}

fn test() -> impl Strategy<Value = Formula> {
    let case = prop_oneof![Just(Case::Sensitive), Just(Case::Either), Just(Case::Insensitive)];
    let text = |name: &'static str| {
        let glob = glob().prop_map(Pattern::Glob);
        let regex =
            prop::sample::select(vec!["a+b", "^[ab/]+$", "^a.b", "[b-d]$", "(?s)^a.{2}", r"\.a|b[0-9]$", "^$", r"\\a"])
                .prop_map(|source| Pattern::Regex(source.to_owned()));
        let below = any::<bool>().prop_map(|below| Pattern::Path { path: "/etc/a".to_owned(), below });
        let pattern = prop_oneof![6 => glob, 1 => regex, 1 => below];
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
        3 => text("process.name"),
        2 => text("odd name"),
        2 => text("args{}"),
        1 => (op, -3_i32..3).prop_filter_map("finite", |(op, value)| {
            Some(Formula::test(&path("n"), Predicate::Number { op, value: Number::new(f64::from(value))? }))
        }),
        1 => any::<bool>().prop_map(|value| Formula::test(&path("t"), Predicate::Boolean(value))),
        1 => prop::sample::select(vec!["b", "n", "args{}"])
            .prop_map(|name| Formula::test(&path(name), Predicate::Exists)),
        1 => prop::sample::select(vec!["10.0.0.0/8", "10.1.2.3/32", "fe80::/10"])
            .prop_map(|network| Formula::test(&path("ip"), Predicate::Network(network.parse().expect("a network")))),
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

/// Checks one formula, if the language can say it.
fn holds(language: Language, formula: &Formula) -> Result<(), TestCaseError> {
    let fields = fields();
    let Ok(query) = print(language, formula, &fields) else { return Ok(()) };
    let (text, read) = match query {
        Query::Document(document) => (document.to_string(), sigma::read::read_detection(&document, &fields)),
        Query::Text(text) if language == Language::Spl => {
            let read = spl::read::read_condition(&text, &fields);
            (text, read)
        }
        Query::Text(text) => {
            let read = spl::read::read_where_expression(&text, &fields);
            (text, read)
        }
    };
    let read = read.map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
    let verdict = between(formula, &read, &schema(), &Budget::default());
    for answer in [verdict.must, verdict.may] {
        if let Answer::Fails(event) = answer {
            return Err(TestCaseError::fail(format!("{text}\nreads otherwise on {event}\n{formula:?}\n{read:?}")));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn sigma_is_read_as_it_was_meant(formula in formula()) {
        holds(Language::Sigma, &formula)?;
    }
    #[test]
    fn search_is_read_as_it_was_meant(formula in formula()) {
        holds(Language::Spl, &formula)?;
    }
    #[test]
    fn where_is_read_as_it_was_meant(formula in formula()) {
        holds(Language::SplWhere, &formula)?;
    }
}
