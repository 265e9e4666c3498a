//! Generated formulas and events for the tests of decisions: few fields, few values, so that chance finds the corners.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::logic::{
    Case, Comparison, Encoding, Event, Formula, Glob, Number, Path, Pattern, Piece, Predicate, Subject, Test, TextSet,
};

/// So many cases of a property, or as many as `CRESSET_CASES` says: 50,000 hold decisions against millions of events.
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let wanted = std::env::var("CRESSET_CASES").ok();
    let cases = wanted.map_or(usual, |count| count.parse().expect("CRESSET_CASES is how many cases are tried"));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn path(text: &str) -> Path {
    text.parse().expect("a path")
}

/// A test of text on a field.
pub(crate) fn text(field: &str, pattern: Pattern, case: Case) -> Formula {
    Formula::test(&path(field), Predicate::Text(TextSet::new(vec![pattern], case)))
}

pub(crate) fn glob(field: &str, spelling: &str) -> Formula {
    text(field, Pattern::Glob(spelled(spelling)), Case::Sensitive)
}

pub(crate) fn regex(field: &str, source: &str) -> Formula {
    text(field, Pattern::Regex(source.to_owned()), Case::Sensitive)
}

pub(crate) fn number(field: &str, op: Comparison, value: f64) -> Formula {
    Formula::test(&path(field), Predicate::Number { op, value: Number::new(value).expect("finite") })
}

/// A glob in Sigma's spelling, without escapes.
pub(crate) fn spelled(text: &str) -> Glob {
    Glob::new(text.chars().map(|c| match c {
        '*' => Piece::Any,
        '?' => Piece::One,
        c => Piece::Literal(c.to_string()),
    }))
}

pub(crate) fn pattern() -> impl Strategy<Value = Pattern> {
    let globs = "[abA12%*?]{0,4}".prop_map(|text| Pattern::Glob(spelled(&text)));
    let regexes = prop::sample::select(vec![
        "^a",
        "b$",
        "^(?:a|b)+$",
        "[^a]",
        "a.b",
        r"\bb",
        "^$",
        "(?i)AB",
        "^.{2}$",
        "a{2,3}",
        r"\d",
        "é|k",
        "(?m)^b$",
        r"a\Bb",
    ]);
    let paths = (prop::sample::select(vec!["/", "/a", "/a/b"]), any::<bool>());
    prop_oneof![
        6 => globs,
        2 => regexes.prop_map(|source| Pattern::Regex(source.to_owned())),
        1 => paths.prop_map(|(path, below)| Pattern::Path { path: path.to_owned(), below }),
    ]
}

pub(crate) fn text_set() -> impl Strategy<Value = TextSet> {
    let case = prop::sample::select(vec![Case::Sensitive, Case::Insensitive, Case::Either]);
    (prop::collection::vec(pattern(), 1..3), case).prop_map(|(any, case)| TextSet::new(any, case))
}

pub(crate) fn predicate() -> impl Strategy<Value = Predicate> {
    let op = prop::sample::select(vec![
        Comparison::Equal,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    let bound = prop::sample::select(vec![0.0, 1.0, 1.5, 11.0]).prop_map(|n| Number::new(n).expect("finite"));
    let networks = ["10.0.0.0/8", "10.1.0.0/16", "::/0", "fe80::/10", "::1/128"];
    prop_oneof![
        8 => text_set().prop_map(Predicate::Text),
        2 => text_set().prop_map(|set| Predicate::Encoded(Encoding::Percent, set)),
        2 => (op, bound).prop_map(|(op, value)| Predicate::Number { op, value }),
        1 => prop::sample::select(networks.to_vec()).prop_map(|n| Predicate::Network(n.parse().expect("a network"))),
        1 => any::<bool>().prop_map(Predicate::Boolean),
        1 => Just(Predicate::Exists),
    ]
}

/// Formulas over the fields `a`, `b`, `c.x`, `c.y`, `c.d.x` with same-element conditions at `c`, `d` and `c.d`.
pub(crate) fn formula() -> impl Strategy<Value = Formula> {
    formula_over(&["a", "b", "c.x", "c.y", "c.d.x"], &["c", "c.d"], 3)
}

fn formula_over(fields: &[&str], objects: &[&str], depth: u32) -> BoxedStrategy<Formula> {
    let fields: Vec<Path> = fields.iter().map(|field| path(field)).collect();
    let field =
        (prop::sample::select(fields), predicate()).prop_map(|(field, predicate)| Formula::test(&field, predicate));
    let anywhere = predicate().prop_map(|predicate| {
        Formula::Test(Test { subject: Subject::Anywhere, predicate, origin: Default::default() })
    });
    let leaf = prop_oneof![8 => field, 1 => anywhere];
    let leaf = match objects {
        [] => leaf.boxed(),
        objects => {
            let objects: Vec<Path> = objects.iter().map(|object| path(object)).collect();
            let inner: &[&str] = if depth > 1 { &["d"] } else { &[] };
            let body = formula_over(&["x", "y", "d.x"], inner, depth.saturating_sub(2));
            let element = (prop::sample::select(objects), body).prop_map(|(path, body)| Formula::element(path, body));
            prop_oneof![3 => leaf, 1 => element].boxed()
        }
    };
    leaf.prop_recursive(depth, 12, 3, |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            several().prop_map(Formula::And),
            several().prop_map(Formula::Or),
            inner.clone().prop_map(|part| Formula::Not(Box::new(part))),
            (0..4usize, several()).prop_map(|(count, of)| Formula::AtLeast { count, of }),
        ]
    })
    .boxed()
}

fn scalar() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!("a"),
        json!("b"),
        json!("ab"),
        json!("A"),
        json!("aab"),
        json!(""),
        json!("1"),
        json!(1),
        json!(0),
        json!(1.5),
        json!(11),
        json!("0.0"),
        json!(true),
        json!("true"),
        json!(false),
        json!("/a/b"),
        json!("/a"),
        json!("/"),
        json!(null),
        json!("10.1.2.3"),
        json!("::1"),
        json!("a\nb"),
        json!("\u{e9}"),
        json!("\u{212a}"),
        json!("x"),
        json!("a+b"),
        json!("%2ba"),
        json!("1%"),
    ])
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![3 => scalar(), 1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::Array)]
}

/// Events with the fields that [`formula`] asks about.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
        fields
            .into_iter()
            .map(|(name, value)| {
                prop::option::of(value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
            })
            .collect::<Vec<_>>()
            .prop_map(|fields| Value::Object(fields.into_iter().flatten().collect()))
            .boxed()
    }
    let several = |one: BoxedStrategy<Value>| {
        prop_oneof![one.clone(), prop::collection::vec(one, 0..3).prop_map(Value::Array)].boxed()
    };
    let d = several(object(vec![("x", values().boxed())]));
    let c = several(object(vec![("x", values().boxed()), ("y", values().boxed()), ("d", d)]));
    object(vec![("a", values().boxed()), ("b", values().boxed()), ("c", c), ("extra", values().boxed())])
}
