//! Generated conditions for the tests of mapping: few fields and values, so that chance finds the corners.

use proptest::prelude::*;

use crate::logic::{Case, Comparison, Formula, Glob, Number, Path, Pattern, Piece, Predicate, TextSet};

fn glob(text: &str) -> Glob {
    Glob::new(text.chars().map(|c| match c {
        '*' => Piece::Any,
        '?' => Piece::One,
        c => Piece::Literal(c.to_string()),
    }))
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let globs = prop::collection::vec(prop::sample::select(vec!["*", "?", "run", "Docker", "k", "$", " "]), 0..4)
        .prop_map(|parts| Pattern::Glob(glob(&parts.concat())));
    let regexes = prop::sample::select(vec![
        "docker|podman",
        "^(?:a|b)? ?run",
        "(?i)docKer",
        "(?:run|create)+ *(?:-v|--volume)[ =]/etc",
        "[Rr]un",
        "[Kk]ill",
        "^$",
        "a|docker",
        "(?:docker){0,2}x?",
        "docker{2}",
        r"\bdocker\b|^run$",
    ]);
    let paths = (prop::sample::select(vec!["/", "/etc", "/var/run"]), any::<bool>());
    prop_oneof![
        4 => globs,
        3 => regexes.prop_map(|source| Pattern::Regex(source.to_owned())),
        1 => paths.prop_map(|(path, below)| Pattern::Path { path: path.to_owned(), below }),
    ]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let case = prop::sample::select(vec![Case::Sensitive, Case::Insensitive, Case::Either]);
    let text =
        (prop::collection::vec(pattern(), 1..3), case).prop_map(|(any, case)| Predicate::Text(TextSet::new(any, case)));
    let number = (prop::sample::select(vec![Comparison::Equal, Comparison::Less]), -1_i32..2)
        .prop_filter_map("finite", |(op, n)| Some(Predicate::Number { op, value: Number::new(f64::from(n))? }));
    prop_oneof![
        8 => text,
        1 => number,
        1 => any::<bool>().prop_map(Predicate::Boolean),
        1 => Just(Predicate::Exists),
    ]
}

/// Conditions on these fields, with everything that joins tests, save same-element conditions.
pub fn formula_over(fields: &'static [&'static str]) -> BoxedStrategy<Formula> {
    joined((prop::sample::select(fields), predicate()).prop_map(|(field, predicate)| {
        let path: Path = field.parse().expect("a path");
        Formula::test(&path, predicate)
    }))
}

/// `leaf` under everything that joins conditions.
pub fn joined(leaf: impl Strategy<Value = Formula> + 'static) -> BoxedStrategy<Formula> {
    leaf.prop_recursive(3, 10, 3, |inner| {
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

/// Conditions on a few fields.
pub fn formula() -> BoxedStrategy<Formula> {
    formula_over(&["a", "b"])
}

/// Conditions on `a`, `c.x`, `c.y`, on `d`, and on single elements of `c`.
pub fn formula_with_elements() -> BoxedStrategy<Formula> {
    let c: Path = "c".parse().expect("a path");
    let element = formula_over(&["x", "y"]).prop_map(move |body| Formula::element(c.clone(), body));
    let test = formula_over(&["a", "c.x", "c.y", "d"]).prop_filter("one test", |f| matches!(f, Formula::Test(_)));
    joined(prop_oneof![2 => test, 1 => element])
}
