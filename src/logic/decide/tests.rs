//! Decisions held against the reference evaluator, the laws of logic, and brute force.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::oracle::{cases, event, formula, glob, number, path, pattern, regex, text, text_set};
use super::*;
use crate::logic::{
    Case, Command, Comparison, Glob, Grammar, Launchers, OptionTest, OptionValue, Pattern, Predicate, Test, TextSet,
    ValueForm, ValueTest,
};

const READINGS: [Reading; 2] = [Reading::Must, Reading::May];

fn budget() -> Budget {
    Budget { time: std::time::Duration::from_secs(5), ..Budget::default() }
}

fn holds(a: &Formula, b: &Formula) -> Answer {
    implies(a, Reading::Must, b, Reading::Must, &Schema::default(), &budget())
}

/// Undecided is allowed for want of exactness, never because the evaluator disagrees.
fn is_sound(reason: &Reason) -> bool {
    !matches!(reason, Reason::Unconfirmed(_))
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_satisfied_formula_is_satisfiable(formula in formula(), events in prop::collection::vec(event(), 40)) {
        for reading in READINGS {
            match satisfiable(&formula, reading, &Schema::default(), &budget()) {
                Satisfiability::Unsat => {
                    for event in &events {
                        prop_assert!(!evaluate(&formula, event, reading), "{event} satisfies it");
                    }
                }
                Satisfiability::Sat(event) => prop_assert!(evaluate(&formula, &event, reading)),
                Satisfiability::Undecided(reason) => prop_assert!(is_sound(&reason), "{reason}"),
            }
        }
    }

    #[test]
    fn what_follows_follows_for_every_event(
        a in formula(), b in formula(), events in prop::collection::vec(event(), 40),
    ) {
        match holds(&a, &b) {
            Answer::Holds => {
                for event in &events {
                    let broken = evaluate(&a, event, Reading::Must) && !evaluate(&b, event, Reading::Must);
                    prop_assert!(!broken, "{event} breaks it");
                }
            }
            Answer::Fails(event) => {
                prop_assert!(evaluate(&a, &event, Reading::Must) && !evaluate(&b, &event, Reading::Must));
            }
            Answer::Undecided(reason) => prop_assert!(is_sound(&reason), "{reason}"),
        }
    }

    #[test]
    fn the_laws_of_logic_hold(a in formula(), b in formula()) {
        let not = |f: &Formula| Formula::Not(Box::new(f.clone()));
        let both = Formula::And(vec![a.clone(), b.clone()]);
        let either = Formula::Or(vec![a.clone(), b.clone()]);
        let proved = |answer: Answer| match answer {
            Answer::Holds => true,
            Answer::Fails(_) => false,
            Answer::Undecided(reason) => is_sound(&reason),
        };
        prop_assert!(proved(holds(&both, &a)) && proved(holds(&a, &either)));
        prop_assert!(proved(holds(&not(&either), &Formula::And(vec![not(&a), not(&b)]))));
        let two = Formula::AtLeast { count: 2, of: vec![a.clone(), b.clone()] };
        prop_assert!(proved(holds(&two, &both)) && proved(holds(&both, &two)));
        prop_assert!(proved(between(&a, &a, &Schema::default(), &budget()).must));
        // What must match may match, unless an expression excludes letters: `[^a]` means less where case is folded.
        let mut excludes = false;
        a.each_test(&mut |_, test| {
            excludes |= matches!(&test.predicate, Predicate::Text(set) if set.to_regex("x").contains("[^"));
        });
        if !excludes {
            prop_assert!(proved(implies(&a, Reading::Must, &a, Reading::May, &Schema::default(), &budget())));
        }
    }

    #[test]
    fn automata_say_what_the_patterns_say(set in text_set(), texts in prop::collection::vec("[abA1k/é\u{212a}\n .]{0,5}", 60)) {
        for may in [false, true] {
            let automaton = Automaton::of_text_set(&set, may, &budget()).expect("small patterns");
            for text in &texts {
                prop_assert_eq!(automaton.accepts(text), set.is_match(text, may), "{:?}", text);
            }
            prop_assert!(!(automaton.is_empty() && automaton.is_universal()));
        }
    }

    #[test]
    fn inclusion_of_patterns_is_what_brute_force_finds(a in pattern(), b in pattern()) {
        let set = |pattern: &Pattern| TextSet::new(vec![pattern.clone()], Case::Sensitive);
        let (left, right) = (set(&a), set(&b));
        let letters = ['a', 'b', 'A', '1', '/', '.', '\n', 'k'];
        let mut texts = vec![String::new()];
        let mut at = 0;
        while let Some(text) = texts.get(at).filter(|text| text.len() < 3).cloned() {
            texts.extend(letters.iter().map(|letter| format!("{text}{letter}")));
            at += 1;
        }
        let inside = texts.iter().find(|text| left.is_match(text, false) && !right.is_match(text, false));
        match (holds(&text("f", a, Case::Sensitive), &text("f", b, Case::Sensitive)), inside) {
            (Answer::Holds, Some(text)) => prop_assert!(false, "{text:?} is a counter-example"),
            (Answer::Undecided(reason), _) => prop_assert!(false, "{reason}"),
            (Answer::Fails(event), Some(text)) => {
                // The shortest comes first.
                let found = event["f"].as_str().expect("a text").chars().count();
                prop_assert!(found <= text.chars().count());
            }
            _ => {}
        }
    }
}

#[test]
fn single_values_exclude_each_other() {
    let both = Formula::And(vec![glob("a", "x*"), glob("a", "y*")]);
    let schema = Schema { single: [path("a")].into(), ..Schema::default() };
    assert!(matches!(satisfiable(&both, Reading::Must, &Schema::default(), &budget()), Satisfiability::Sat(_)));
    assert_eq!(satisfiable(&both, Reading::Must, &schema, &budget()), Satisfiability::Unsat);
}

#[test]
fn witnesses_are_short_and_natural() {
    let formula = Formula::And(vec![
        glob("process.name", "docker"),
        glob("process.command_line", "* run *"),
        Formula::not(glob("process.command_line", "*alpine*")),
    ]);
    assert_eq!(
        satisfiable(&formula, Reading::Must, &Schema::default(), &budget()),
        Satisfiability::Sat(json!({"process": {"command_line": " run ", "name": "docker"}}))
    );
}

#[test]
fn one_element_is_more_than_several() {
    let flat = Formula::And(vec![glob("c.x", "1"), glob("c.y", "1")]);
    let same = Formula::element(path("c"), Formula::And(vec![glob("x", "1"), glob("y", "1")]));
    assert_eq!(holds(&same, &flat), Answer::Holds);
    assert!(matches!(holds(&flat, &same), Answer::Fails(_)));
    let schema = Schema { single: [path("c")].into(), ..Schema::default() };
    assert_eq!(equivalent(&flat, &same, Reading::Must, &schema, &budget()), Answer::Holds);
}

#[test]
fn numbers_are_intervals() {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    let schema = Schema { single: [path("n")].into(), ..Schema::default() };
    let decide = |parts: Vec<Formula>| satisfiable(&Formula::And(parts), Reading::Must, &schema, &budget());
    assert_eq!(decide(vec![number("n", Greater, 1.0), number("n", Less, 1.0)]), Satisfiability::Unsat);
    assert_eq!(decide(vec![number("n", Greater, 1.0), number("n", Less, 3.0)]), Satisfiability::Sat(json!({"n": 2})));
    assert_eq!(
        decide(vec![
            number("n", LessOrEqual, 1.0),
            number("n", GreaterOrEqual, 1.0),
            Formula::not(number("n", Equal, 1.0))
        ]),
        Satisfiability::Unsat
    );
    // The text `0` is the number 0 where numbers are written in the usual way, and only there.
    let kinds = Schema { kinds: [(path("n"), Kind::Number)].into(), ..Schema::default() };
    let (digit, zero) = (glob("n", "0"), number("n", Equal, 0.0));
    assert_eq!(equivalent(&digit, &zero, Reading::Must, &kinds, &budget()), Answer::Holds);
    assert!(matches!(equivalent(&digit, &zero, Reading::Must, &Schema::default(), &budget()), Answer::Fails(_)));
}

#[test]
fn booleans_are_two() {
    let schema = Schema { kinds: [(path("f"), Kind::Boolean)].into(), single: [path("f")].into(), ..Schema::default() };
    let is = |wanted| Formula::test(&path("f"), Predicate::Boolean(wanted));
    let exists = Formula::test(&path("f"), Predicate::Exists);
    let either = Formula::Or(vec![is(true), is(false)]);
    assert_eq!(equivalent(&either, &exists, Reading::Must, &schema, &budget()), Answer::Holds);
    assert_eq!(disjoint(&is(true), &is(false), Reading::Must, &schema, &budget()), Answer::Holds);
    assert_eq!(satisfiable(&is(true), Reading::Must, &schema, &budget()), Satisfiability::Sat(json!({"f": true})));
}

#[test]
fn derived_fields_follow() {
    let schema = Schema {
        derived: vec![
            Derived { field: path("name"), from: path("exe"), how: Derivation::LastSegment },
            Derived { field: path("line"), from: path("args"), how: Derivation::Joined },
        ],
        ..Schema::default()
    };
    let decide = |a: &Formula, b: &Formula| implies(a, Reading::Must, b, Reading::Must, &schema, &budget());
    let ends = regex("exe", "(?:^|/)docker$");
    assert_eq!(decide(&glob("name", "docker"), &ends), Answer::Holds);
    assert_eq!(decide(&ends, &glob("name", "docker")), Answer::Holds);
    assert_eq!(
        decide(&glob("exe", "*docker"), &glob("name", "docker")),
        Answer::Fails(json!({"exe": "/xdocker", "name": "xdocker"}))
    );
    assert_eq!(decide(&glob("args", "--privileged"), &glob("line", "*--privileged*")), Answer::Holds);
    assert_eq!(
        decide(&glob("line", "*a b*"), &Formula::And(vec![glob("args", "*a"), glob("args", "b*")])),
        Answer::Fails(json!({"args": ["a b"], "line": "a b"}))
    );
}

#[test]
fn a_rule_lies_between_must_and_may() {
    let condition = text("name", Pattern::Glob(super::oracle::spelled("docker")), Case::Either);
    let schema = Schema::default();
    let rule = |case| text("name", Pattern::Glob(super::oracle::spelled("docker")), case);
    assert!(between(&condition, &rule(Case::Sensitive), &schema, &budget()).holds());
    assert!(between(&condition, &rule(Case::Insensitive), &schema, &budget()).holds());
    let wider = between(&condition, &glob("name", "docker*"), &schema, &budget());
    assert_eq!(wider, Between { must: Answer::Holds, may: Answer::Fails(json!({"name": "dockerx"})) });
    let narrower = between(&condition, &Formula::FALSE, &schema, &budget());
    assert_eq!(narrower, Between { must: Answer::Fails(json!({"name": "docker"})), may: Answer::Holds });
}

/// Each expression alone has an automaton that nobody can make.
#[test]
fn what_is_too_large_to_be_compared_is_compared_step_by_step() {
    let line = |source: &str, case| text("line", Pattern::Regex(source.to_owned()), case);
    let word = |word: &str, case| text("line", Pattern::Glob(Glob::contains(word)), case);
    let rule = |source: &str, case| {
        let ping = line(source, case);
        let config = Formula::and([line(r"ipconfig\s+/all", case), word(r"\temp\res.ip", case)]);
        let netsh = Formula::and([word("interface ip show config", case), word(r"\temp\netsh.res", case)]);
        Formula::or([ping, config, netsh])
    };
    let source = r"ping\s+-n.{6,64}echo EEEE\s?>\s?";
    let condition = rule(source, Case::Either);
    for case in [Case::Sensitive, Case::Insensitive] {
        let verdict = between(&condition, &rule(source, case), &Schema::default(), &budget());
        assert!(verdict.holds(), "{verdict:?}");
    }
    let wider = rule(r"ping\s+-n.{4,64}echo EEEE\s?>", Case::Sensitive);
    let verdict = between(&condition, &wider, &Schema::default(), &budget());
    assert_eq!(verdict.must, Answer::Holds);
    assert_ne!(verdict.may, Answer::Holds);
}

#[test]
fn long_lists_and_hostile_expressions_stay_within_the_budget() {
    let start = std::time::Instant::now();
    let names: Vec<Pattern> =
        (0..2000).map(|n| Pattern::Glob(super::oracle::spelled(&format!("*ioc-{n:05}.example.org")))).collect();
    let list = Formula::test(&path("a"), Predicate::Text(TextSet::new(names.clone(), Case::Sensitive)));
    let singles = Formula::Or(names.iter().map(|p| text("a", p.clone(), Case::Sensitive)).collect());
    let budget = Budget::default();
    assert_eq!(equivalent(&list, &singles, Reading::Must, &Schema::default(), &budget), Answer::Holds);
    for source in ["(a|b)*a(a|b){40}", "(?:a{1000}){1000}", "((a?){60}){60}"] {
        let answer =
            implies(&regex("a", source), Reading::Must, &glob("a", "*z*"), Reading::Must, &Schema::default(), &budget);
        assert!(answer != Answer::Holds, "{source}");
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(6));
}

#[test]
fn many_tests_are_decided_or_refused() {
    let fields = |count: usize| -> Vec<Formula> { (0..count).map(|n| glob(&format!("f{n}"), "x")).collect() };
    let all = Formula::And(fields(900));
    assert!(matches!(satisfiable(&all, Reading::Must, &Schema::default(), &budget()), Satisfiability::Sat(_)));
    assert_eq!(holds(&all, &Formula::Or(fields(900))), Answer::Holds);
    assert_eq!(holds(&all, &Formula::And(fields(5000))), Answer::Undecided(Reason::Nodes));
}

/// `docker run` with an option, on the field `args`.
fn docker_run(names: &[&str], value: OptionValue) -> Formula {
    let command = Command {
        program: Some("docker".into()),
        words: vec!["run".into()],
        grammar: Arc::new(Grammar { flags: ["--rm".to_owned()].into(), ..Grammar::default() }),
    };
    let option = OptionTest {
        commands: vec![command],
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        value,
        launchers: Arc::default(),
    };
    Formula::test(&path("args"), Predicate::Option(Arc::new(option)))
}

fn option_of(formula: &Formula) -> Arc<OptionTest> {
    match formula {
        Formula::Test(Test { predicate: Predicate::Option(option), .. }) => Arc::clone(option),
        _ => panic!("no option"),
    }
}

/// What an option is in a line depends on which programs start others and on which options take a value. A rule that is
/// narrower than any line in which the option may be given is found out by one in which it is.
#[test]
fn a_rule_that_misses_some_spelling_is_found_out() {
    let schema = Schema {
        derived: vec![Derived { field: path("line"), from: path("args"), how: Derivation::Joined }],
        single: [path("line")].into(),
        ..Schema::default()
    };
    let wrappers = ["env".to_owned(), "sudo".to_owned()].into();
    let launchers = Arc::new(Launchers { wrappers, ..Launchers::default() });
    let grammar = Grammar { flags: ["--rm".to_owned(), "-t".to_owned()].into(), ..Grammar::default() };
    let command = Command { program: None, words: vec!["run".into()], grammar: Arc::new(grammar) };
    let option = OptionTest {
        commands: vec![command],
        names: vec!["--privileged".into()],
        value: OptionValue::Switch,
        launchers,
    };
    let condition = Formula::test(&path("args"), Predicate::Option(Arc::new(option)));
    for (start, options, line) in [
        // One word before the command's: enough, unless a program starts others.
        ("[^ ]+( -[^ ]*( [^ -][^ ]*)?)*", "( -[^ ]*( [^ -][^ ]*)?)*", "sudo x run --privileged"),
        ("([^ ]+ )*[^ ]+", "( -[^ ]* [^ -][^ ]*)*", "x run -t --privileged"),
        ("([^ ]+ )*[^ ]+", "( -[^ ]*)*", "x run -x x --privileged"),
        ("([^ ]+ )*[^ ]+", "( -[^ ]{3,}( [^ -][^ ]*)?)*", "x run -t --privileged"),
        ("([^ ]+ )*[^ ]+", "( -[^ ]*( [^ -][^ ]*)?)?", "x run -t -t --privileged"),
    ] {
        let tail = "(=(1|t|T|true|TRUE|True))?( (.|\\n)*)?";
        let rule = regex("line", &format!("^{start} run{options} --privileged{tail}$"));
        let event = json!({"args": line.split(' ').collect::<Vec<_>>(), "line": line});
        let verdict = between(&condition, &rule, &schema, &budget());
        assert_eq!(verdict, Between { must: Answer::Fails(event), may: Answer::Holds }, "{options}");
    }
}

#[test]
fn options_are_compared_with_patterns_on_the_line() {
    let schema = Schema {
        derived: vec![Derived { field: path("line"), from: path("args"), how: Derivation::Joined }],
        single: [path("line")].into(),
        ..Schema::default()
    };
    let below = |path: &str| TextSet::new(vec![Pattern::Path { path: path.into(), below: true }], Case::Either);
    let tests = vec![ValueTest::Key(vec!["source".into()], below("/var/run/docker.sock"))];
    let volume = docker_run(&["-v", "--volume"], OptionValue::Given { form: ValueForm::Volume, tests });
    let privileged = docker_run(&["--privileged"], OptionValue::Switch);
    for condition in [&volume, &privileged] {
        let option = option_of(condition);
        let start = std::time::Instant::now();
        for expression in [option.strict_regex(), option.loose_regex()] {
            let rule = regex("line", &format!("^(?:{expression})$"));
            assert!(between(condition, &rule, &schema, &budget()).holds(), "{expression}");
        }
        let wider = between(condition, &glob("line", "*docker*"), &schema, &budget());
        assert_eq!(
            wider,
            Between { must: Answer::Holds, may: Answer::Fails(json!({"args": ["docker"], "line": "docker"})) }
        );
        let narrower = between(condition, &glob("line", "docker*"), &schema, &budget());
        assert!(matches!(narrower.must, Answer::Fails(_)), "{narrower:?}");
        assert!(start.elapsed() < std::time::Duration::from_secs(4));
    }
    let globs = option_of(&privileged).loose_globs().expect("a switch").into_iter().map(Pattern::Glob).collect();
    let rule = Formula::test(&path("line"), Predicate::Text(TextSet::new(globs, Case::Sensitive)));
    assert_eq!(between(&privileged, &rule, &schema, &budget()), Between { must: Answer::Holds, may: Answer::Holds });
    // Options and single arguments meet on one vector.
    let flag = glob("args", "--rm");
    assert!(matches!(disjoint(&volume, &flag, Reading::Must, &schema, &budget()), Answer::Fails(_)));
    let not_run = Formula::not(glob("args", "run"));
    assert_eq!(disjoint(&volume, &not_run, Reading::Must, &schema, &budget()), Answer::Holds);
}

/// What a long text costs is what its sets of states hold, not only how many there are.
#[test]
fn a_text_that_repeats_one_character_is_given_up_before_memory_is() {
    let of = |length: usize| glob("f", &format!("*{}*", "A".repeat(length)));
    let patient = Budget { time: std::time::Duration::from_secs(600), ..budget() };
    let asked = |length| satisfiable(&of(length), Reading::Must, &Schema::default(), &patient);
    assert!(matches!(asked(500), Satisfiability::Sat(_)));
    assert_eq!(asked(30_000), Satisfiability::Undecided(Reason::States));
}
