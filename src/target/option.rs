//! Options on a command line, for targets that have the line alone: as wildcards or as regular expressions.

use super::settings::OptionForm;
use crate::logic::{Case, OptionTest, OptionValue, Pattern, TextSet, ValueForm, ValueTest};

/// How many expressions one option may become.
const MAX_PARTS: usize = 64;

/// An option as patterns over the joined line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// Patterns of which one has to hold.
    pub sets: Vec<TextSet>,
    /// Why they do not say all of it, if they do not; they hold for nothing else then either.
    pub lost: Option<String>,
}

/// The option as patterns over the joined line, in the first of `forms` that can say it. `is_too_long` tells whether a
/// pattern has to be divided. The error says why there are none.
pub fn lower(
    option: &OptionTest,
    forms: &[OptionForm],
    is_too_long: &impl Fn(&TextSet) -> bool,
) -> Result<Lowered, String> {
    let mut reasons = Vec::new();
    for form in forms {
        match form {
            OptionForm::Wildcard => match option.loose_globs() {
                Some(globs) if !globs.is_empty() => {
                    let patterns = globs.into_iter().map(Pattern::Glob).collect();
                    return Ok(Lowered { sets: vec![TextSet::new(patterns, case(option))], lost: None });
                }
                _ => reasons.push("wildcards cannot say where the option's value begins and ends"),
            },
            OptionForm::Regex if option.has_regex() => {
                let lowered = divide(option, is_too_long);
                match lowered.lost {
                    Some(reason) if lowered.sets.is_empty() => return Err(reason),
                    _ => return Ok(lowered),
                }
            }
            OptionForm::Regex => reasons.push("the conditions on the option's value need more than one expression"),
        }
    }
    Err(reasons.join("; "))
}

/// The option with only the first of the conditions on its value: holds wherever the option does.
pub fn with_fewer_conditions(option: &OptionTest) -> Option<OptionTest> {
    let OptionValue::Given { form, tests } = &option.value else { return None };
    if tests.len() < 2 {
        return None;
    }
    let tests = tests.iter().find(|test| !matches!(test, ValueTest::ReadOnly(_))).cloned().into_iter().collect();
    Some(OptionTest { value: OptionValue::Given { form: *form, tests }, ..option.clone() })
}

fn pattern(expression: &str, case: Case) -> TextSet {
    TextSet::new(vec![Pattern::Regex(format!("^(?:{expression})$"))], case)
}

fn case(option: &OptionTest) -> Case {
    match (option.folds(false), option.folds(true)) {
        (true, _) => Case::Insensitive,
        (false, true) => Case::Either,
        (false, false) => Case::Sensitive,
    }
}

/// The option as several patterns, of which one holds exactly where the option is given, none of them too long and each
/// saying as much as it can. What is too long however it is divided is left out.
fn divide(option: &OptionTest, is_too_long: &impl Fn(&TextSet) -> bool) -> Lowered {
    let (mut open, mut sets, mut lost) = (vec![option.with_commands_of_a_line()], Vec::new(), None);
    let mut usual = 1;
    while let Some(option) = open.pop() {
        if open.len() + sets.len() > MAX_PARTS {
            lost = Some(format!("the option would need more than {MAX_PARTS} expressions"));
            break;
        }
        let (short, long) = patterns(&option, is_too_long);
        let Some(choices) = Choices::of(&option).filter(|_| !long.is_empty()) else {
            sets.extend(short);
            if !long.is_empty() {
                lost = Some("the option needs a longer expression than the language takes".to_owned());
            }
            continue;
        };
        // As many as can be said together, then the others.
        let say = |count| {
            let (short, long) = patterns(&choices.some(&option, 0..count), is_too_long);
            long.is_empty().then_some(short)
        };
        match most(choices.count, usual, &say) {
            Some((count, together)) => {
                sets.extend(together);
                open.push(choices.some(&option, count..choices.count));
                usual = count;
            }
            // Not even one of them: it is divided by something else.
            None => open.extend([1..choices.count, 0..1].map(|range| choices.some(&option, range))),
        }
    }
    Lowered { sets, lost }
}

/// The largest number below `limit` that something can be said of, and what; none if there is none. What can be said of a
/// number can be said of a smaller one. The search begins at `usual`, and looks further away with every step.
fn most<T>(limit: usize, usual: usize, say: &impl Fn(usize) -> Option<T>) -> Option<(usize, T)> {
    let (mut known, mut high, mut step) = (None, limit, 1);
    let mut next = usual.clamp(1, limit - 1);
    loop {
        let low = match say(next) {
            Some(said) => {
                known = Some((next, said));
                next
            }
            None => {
                high = next;
                known.as_ref().map_or(0, |(known, _)| *known)
            }
        };
        if low + 1 >= high {
            return known;
        }
        next = if high == limit {
            (low + step).min(limit - 1)
        } else if known.is_none() {
            high.saturating_sub(step).max(1)
        } else {
            low.midpoint(high)
        };
        step *= 2;
    }
}

/// The option as one pattern, or as several of which one has to hold: those that are short enough, and those that are not.
fn patterns(option: &OptionTest, is_too_long: &impl Fn(&TextSet) -> bool) -> (Vec<TextSet>, Vec<TextSet>) {
    let case = case(option);
    let parts = option.strict_regexes();
    if parts.len() > 1 {
        let whole = pattern(&option.strict_regex(), case);
        if !is_too_long(&whole) {
            return (vec![whole], Vec::new());
        }
    }
    parts.iter().map(|part| pattern(part, case)).partition(|part| !is_too_long(part))
}

/// What an option has several of, any of which will do.
struct Choices {
    kind: Kind,
    count: usize,
}

enum Kind {
    /// What a condition on its value allows.
    Values {
        condition: usize,
    },
    Commands,
    Names,
    /// The names that a key of its value has: `source`, `src`.
    NamesOfAKey {
        condition: usize,
    },
}

impl Choices {
    /// Its values, commands or names, whichever there are most of; else the names of a key.
    fn of(option: &OptionTest) -> Option<Self> {
        let (form, tests) = match &option.value {
            OptionValue::Switch => (ValueForm::Plain, [].as_slice()),
            OptionValue::Given { form, tests } => (*form, tests.as_slice()),
        };
        let values = tests.iter().enumerate().filter_map(|(condition, test)| match test {
            ValueTest::Whole(set) | ValueTest::Key(_, set) => Some((set.any.len(), Kind::Values { condition })),
            ValueTest::ReadOnly(_) => None,
        });
        let names_of_a_key = tests.iter().enumerate().find_map(|(condition, test)| match test {
            ValueTest::Key(names, _) if names.len() > 1 => Some((names.len(), Kind::NamesOfAKey { condition })),
            _ => None,
        });
        let names = (option.names.len(), Kind::Names);
        let commands = (option.commands.len(), Kind::Commands);
        // Of as many the last is taken.
        let most = [names, commands].into_iter().chain(values).max_by_key(|(count, _)| *count);
        let names_of_a_key = names_of_a_key.filter(|_| form == ValueForm::Keys);
        let (count, kind) = most.filter(|(count, _)| *count > 1).or(names_of_a_key)?;
        Some(Self { kind, count })
    }

    /// The option with some of its choices only.
    fn some(&self, option: &OptionTest, range: std::ops::Range<usize>) -> OptionTest {
        let mut option = option.clone();
        let tests: &mut [ValueTest] = match &mut option.value {
            OptionValue::Given { tests, .. } => tests,
            OptionValue::Switch => &mut [],
        };
        match self.kind {
            Kind::Commands => option.commands = some(&option.commands, range),
            Kind::Names => option.names = some(&option.names, range),
            Kind::Values { condition } => {
                if let Some(ValueTest::Whole(set) | ValueTest::Key(_, set)) = tests.get_mut(condition) {
                    *set = TextSet::new(some(&set.any, range), set.case);
                }
            }
            Kind::NamesOfAKey { condition } => {
                if let Some(ValueTest::Key(names, _)) = tests.get_mut(condition) {
                    *names = some(names, range);
                }
            }
        }
        option
    }
}

fn some<T: Clone>(all: &[T], range: std::ops::Range<usize>) -> Vec<T> {
    all.get(range).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::logic::{Command, Grammar, Launchers};

    fn mount(paths: &[&str]) -> OptionTest {
        let command = |program: &str, words: &[&str]| Command {
            program: Some(program.to_owned()),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            grammar: Arc::new(Grammar::default()),
        };
        let any = paths.iter().map(|path| Pattern::Path { path: (*path).to_owned(), below: true }).collect();
        OptionTest {
            commands: ["docker", "podman", "nerdctl"]
                .iter()
                .flat_map(|program| [command(program, &["run"]), command(program, &["container", "run"])])
                .collect(),
            names: vec!["-v".to_owned(), "--volume".to_owned()],
            value: OptionValue::Given {
                form: ValueForm::Volume,
                tests: vec![ValueTest::Key(vec!["source".to_owned()], TextSet::new(any, Case::Sensitive))],
            },
            launchers: Arc::new(Launchers::default()),
        }
    }

    #[test]
    fn parts_within_a_limit_say_the_same_together() {
        let option = mount(&["/etc", "/root", "/var/run/docker.sock", "/run/containerd", "/proc", "/sys/fs"]);
        let longer_than = |limit: usize| move |set: &TextSet| matches!(set.any.first(), Some(Pattern::Regex(text)) if text.len() > limit);
        let whole = lower(&option, &[OptionForm::Regex], &|_| false).expect("an expression").sets;
        let Lowered { sets: parts, lost } =
            lower(&option, &[OptionForm::Regex], &longer_than(255)).expect("expressions");
        assert_eq!(lost, None);
        assert!(whole.len() == 1 && parts.len() > 1);
        for part in &parts {
            let Some(Pattern::Regex(text)) = part.any.first() else { panic!("an expression") };
            assert!(text.len() <= 255, "{text}");
        }
        for (line, expected) in [
            ("docker run -v /etc:/x alpine", true),
            ("sudo podman container run --volume=/proc/1:/x alpine", true),
            ("nerdctl run -it -v /sys/fs/cgroup:/x alpine", true),
            ("docker run -v /srv:/etc alpine", false),
            ("docker exec -v /etc:/x alpine", false),
        ] {
            let says = |sets: &[TextSet]| sets.iter().any(|set| set.is_match(line, false));
            assert_eq!((says(&whole), says(&parts)), (expected, expected), "{line}");
        }
        assert!(lower(&option, &[OptionForm::Regex], &longer_than(20)).is_err());
    }

    #[test]
    fn the_most_that_can_be_said_is_found_from_wherever_the_search_begins() {
        for limit in 2..20 {
            for (usual, can_be_said) in (0..25).flat_map(|usual| (0..limit).map(move |most| (usual, most))) {
                let say = |count| (count <= can_be_said).then_some(count);
                let found = (can_be_said > 0).then_some((can_be_said, can_be_said));
                assert_eq!(most(limit, usual, &say), found, "{limit} {usual} {can_be_said}");
            }
        }
    }

    #[test]
    fn the_first_form_that_says_it_is_taken() {
        let mut switch = mount(&[]);
        switch.names = vec!["--privileged".to_owned()];
        switch.value = OptionValue::Switch;
        switch.commands.truncate(2);
        let forms = [OptionForm::Wildcard, OptionForm::Regex];
        let set = |option: &OptionTest| lower(option, &forms, &|_| false).expect("patterns").sets.remove(0);
        assert!(matches!(set(&switch).any.first(), Some(Pattern::Glob(_))));
        assert!(matches!(set(&mount(&["/etc"])).any.first(), Some(Pattern::Regex(_))));
        assert!(lower(&mount(&["/etc"]), &[OptionForm::Wildcard], &|_| false).is_err());
    }
}
