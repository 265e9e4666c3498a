//! That a target cannot say a detection, or an exception from one: which parts, why, and what can be done about it.

use super::compile::word;
use super::load::Target;
use super::map::JOINED;
use super::node::Loss;
use crate::detection::{Accept, Detection, Deviation, Excepted, Observation};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::language::Language;

/// How many places a refusal names.
const MOST_REASONS: usize = 8;
/// How many reasons it names for each of them.
const MOST_HERE: usize = 2;

/// That a target cannot say an exception, where it can say the detection without it.
pub(super) fn refused_exception(
    target: &Target,
    detection: &Detection,
    observation: &Observation,
    excepted: &Excepted,
    place: &Place,
    refused: &[(Language, Vec<Loss>)],
) -> Diagnostic {
    let (title, name, source) = (&target.settings.title, target.name(), &observation.source);
    let message = format!("{title} cannot except this from what `{}` looks for in `{source}`", detection.name);
    let mut problem = Diagnostic::new(Code::CannotSay, place.clone(), message);
    let mut reasons: Vec<String> = Vec::new();
    for (language, losses) in refused {
        reasons.extend(losses.iter().map(|loss| format!("in {}: {}", language.name(), loss.reason)));
    }
    let mut seen = std::collections::HashSet::new();
    reasons.retain(|reason| seen.insert(reason.clone()));
    for reason in reasons.into_iter().take(MOST_REASONS) {
        problem = problem.help(reason);
    }
    problem.help(format!(
        "say the exception `{}` by fields that {title} has there; or, if its rule may match what is excepted, say so in the\n\
         detection: targets: {{ {name}: {{ accept: {{ {source}: {{ wider: \"why that is all right\" }} }} }} }}",
        excepted.name
    ))
}

/// That a target cannot say a detection, with what was `refused` of it in each language. `directions` are those in which a
/// rule there could differ.
pub(super) fn refusal(
    target: &Target,
    detection: &Detection,
    observation: &Observation,
    accept: Option<&Accept>,
    refused: &[(Language, Vec<Loss>)],
    directions: &[Deviation],
) -> Diagnostic {
    let (title, source) = (&target.settings.title, &observation.source);
    let message = match accept {
        None => format!("{title} cannot say what `{}` looks for in `{source}`", detection.name),
        Some(accept) => {
            let direction = word(accept.deviation);
            format!("{title} cannot say what `{}` looks for in `{source}`, not even {direction}", detection.name)
        }
    };
    // Parts that fail at one place are told there, each reason once. What stopped the weaker form comes first.
    let mut places: Vec<(Option<Place>, Vec<Reason<'_>>)> = Vec::new();
    for (language, losses) in refused.iter().rev() {
        for loss in losses.iter().rev() {
            let place = detection.place(loss.origin);
            let at = places.iter().position(|(known, _)| *known == place).unwrap_or_else(|| {
                places.push((place, Vec::new()));
                places.len() - 1
            });
            let Some((_, reasons)) = places.get_mut(at) else { continue };
            match reasons.iter_mut().find(|known| known.text == loss.reason) {
                Some(known) if known.languages.contains(&language.name()) => {}
                Some(known) => known.languages.insert(0, language.name()),
                None => reasons.push(Reason { text: &loss.reason, languages: vec![language.name()] }),
            }
        }
    }
    let words = |reasons: &[Reason<'_>]| {
        let named = reasons.iter().take(MOST_HERE).map(|reason| {
            let languages = reason.languages.join(" and in ");
            format!("in {languages}: {}", reason.text)
        });
        let named = named.collect::<Vec<_>>().join("; ");
        let rest = reasons.len().saturating_sub(MOST_HERE);
        if rest > 0 { format!("{named} (and {rest} more)") } else { named }
    };
    let unread = || Place { file: detection.source.clone(), span: 0..0 };
    let (known, unknown): (Vec<_>, Vec<_>) = places.into_iter().partition(|(place, _)| place.is_some());
    let mut known = known.into_iter().filter_map(|(place, reasons)| Some((place?, reasons)));
    let mut problem = match known.next() {
        Some((place, reasons)) => Diagnostic::new(Code::CannotSay, place, message).note(words(&reasons)),
        None => Diagnostic::new(Code::CannotSay, unread(), message),
    };
    let mut left_out = 0;
    for (at, (place, reasons)) in known.enumerate() {
        if at + 1 >= MOST_REASONS {
            left_out += 1;
            continue;
        }
        let words = words(&reasons);
        let is_same = problem.note == words;
        problem = problem.label(place, if is_same { "nor this, for the same reason" } else { words.as_str() });
    }
    if left_out > 0 {
        problem = problem.help(format!("{left_out} more parts cannot be said there either"));
    }
    for (_, reasons) in unknown {
        problem = problem.help(words(&reasons));
    }
    if refused.is_empty() {
        problem = problem.help("the target has no language for this log source");
    }
    let are_joined = |(_, losses): &(Language, Vec<Loss>)| losses.iter().any(|loss| loss.reason.ends_with(JOINED));
    if refused.iter().any(are_joined) {
        problem = problem.help(
            "`|option` can be said of arguments that are joined: `process.args|option: { command: tar, names: [-x] }`;\n\
             so can text in the line: `process.command_line|contains: ' -x '`",
        );
    }
    let name = target.name();
    let in_detection = |word: &str| {
        format!("targets:\n  {name}:\n    accept:\n      {source}: {{ {word}: \"why that is all right\" }}\n")
    };
    let leave_out = format!("leave the target out: targets: {{ {name}: {{ enabled: false }} }}");
    let so_much = |deviation: &Deviation| match deviation {
        Deviation::Narrower => "match less (`narrower`)",
        _ => "match more (`wider`)",
    };
    let can = directions.iter().map(so_much).collect::<Vec<_>>().join(" or ");
    problem.help(match directions {
        [] => format!(
            "no rule there comes close; say so and why in the detection:\n{}or {leave_out}",
            in_detection(word(Deviation::Unsupported))
        ),
        [first, ..] => format!(
            "a rule there can {can}; if that is all right, say so and why in the detection:\n{}or {leave_out}",
            in_detection(word(*first))
        ),
    })
}

/// Why a part cannot be said, and in which languages.
struct Reason<'a> {
    text: &'a str,
    languages: Vec<&'static str>,
}
