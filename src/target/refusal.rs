//! That targets cannot say a detection, or an exception from one: which parts, why, and what can be done about it.

use std::collections::HashSet;

use super::compile::word;
use super::load::Target;
use super::map::JOINED;
use super::node::Loss;
use crate::detection::{Accept, Detection, Deviation, Excepted, Observation};
use crate::diagnostic::{Code, Diagnostic, Place, suggest};
use crate::language::Language;

/// How many places a refusal names.
const MOST_PLACES: usize = 8;
/// How many reasons it names for each of them.
const MOST_HERE: usize = 2;

/// That a target cannot say a detection in a log source, or an exception from it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The target's name.
    target: String,
    /// What people call the target.
    title: String,
    /// The detection's short name.
    detection: String,
    /// The log source.
    source: String,
    /// What cannot be said.
    what: What,
    /// Where and why.
    reasons: Vec<Reason>,
}

/// What cannot be said.
#[derive(Clone, Debug, PartialEq)]
enum What {
    /// What the detection looks for.
    Detection {
        /// What is shown where no part of it has a place.
        file: Place,
        /// The deviation that was accepted, and does not help.
        accepted: Option<Deviation>,
        /// In which directions a rule there could differ.
        directions: Vec<Deviation>,
    },
    /// An exception, where the detection can be said without it.
    Exception {
        /// Its name.
        name: String,
        /// Where it stands.
        place: Place,
    },
}

/// Why a part cannot be said, and in which languages.
#[derive(Clone, Debug)]
struct Reason {
    /// Where the part stands, if it stands somewhere.
    place: Option<Place>,
    text: String,
    languages: Vec<&'static str>,
}

impl Reason {
    fn words(&self) -> String {
        format!("in {}: {}", self.languages.join(" and in "), self.text)
    }
}

impl Refusal {
    /// That a target cannot say a detection, with what was `refused` of it in each language. `directions` are those in
    /// which a rule there could differ.
    pub(super) fn of_detection(
        target: &Target,
        detection: &Detection,
        observation: &Observation,
        accept: Option<&Accept>,
        refused: &[(Language, Vec<Loss>)],
        directions: Vec<Deviation>,
    ) -> Self {
        let file = Place { file: detection.source.clone(), span: 0..0 };
        let what = What::Detection { file, accepted: accept.map(|accept| accept.deviation), directions };
        Self::new(target, detection, observation, what, refused)
    }

    /// That a target cannot say an exception, where it can say the detection without it.
    pub(super) fn of_exception(
        target: &Target,
        detection: &Detection,
        observation: &Observation,
        excepted: &Excepted,
        place: &Place,
        refused: &[(Language, Vec<Loss>)],
    ) -> Self {
        let what = What::Exception { name: excepted.name.clone(), place: place.clone() };
        Self::new(target, detection, observation, what, refused)
    }

    fn new(
        target: &Target,
        detection: &Detection,
        observation: &Observation,
        what: What,
        refused: &[(Language, Vec<Loss>)],
    ) -> Self {
        // What stopped the weaker form comes first; what several languages say is told once.
        let mut reasons: Vec<Reason> = Vec::new();
        for (language, losses) in refused.iter().rev() {
            for loss in losses.iter().rev() {
                let place = detection.place(loss.origin);
                match reasons.iter_mut().find(|known| known.text == loss.reason && known.place == place) {
                    Some(known) if known.languages.contains(&language.name()) => {}
                    Some(known) => known.languages.insert(0, language.name()),
                    None => {
                        reasons.push(Reason { place, text: loss.reason.clone(), languages: vec![language.name()] });
                    }
                }
            }
        }
        Self {
            target: target.name().to_owned(),
            title: target.settings.title.clone(),
            detection: detection.name.clone(),
            source: observation.source.clone(),
            what,
            reasons,
        }
    }

    /// What is wrong, in one sentence.
    pub fn message(&self) -> String {
        message(&[self])
    }

    /// Whether both are about one thing: a detection in a log source, or an exception from it.
    fn is_about_the_same(&self, other: &Self) -> bool {
        let same = match (&self.what, &other.what) {
            (What::Detection { .. }, What::Detection { .. }) => true,
            (one, other) => one == other,
        };
        same && self.detection == other.detection && self.source == other.source
    }

    /// The reasons at a place, for its label.
    fn words_at(&self, place: Option<&Place>) -> Option<String> {
        let here: Vec<&Reason> = self.reasons.iter().filter(|reason| reason.place.as_ref() == place).collect();
        let named = here.iter().take(MOST_HERE).map(|reason| reason.words()).collect::<Vec<_>>().join("; ");
        match here.len().saturating_sub(MOST_HERE) {
            0 => Some(named).filter(|named| !named.is_empty()),
            rest => Some(format!("{named} (and {rest} more)")),
        }
    }
}

/// One problem for each thing that targets refuse, whichever and however many they are.
pub(super) fn problems(refusals: &[Refusal]) -> Vec<Diagnostic> {
    let mut groups: Vec<Vec<&Refusal>> = Vec::new();
    for refusal in refusals {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.is_about_the_same(refusal))) {
            Some(group) => group.push(refusal),
            None => groups.push(vec![refusal]),
        }
    }
    groups
        .iter()
        .filter_map(|group| {
            Some(match &group.first()?.what {
                What::Detection { file, .. } => of_detection(group, file),
                What::Exception { name, place } => of_exception(group, name, place),
            })
        })
        .collect()
}

/// What is wrong, for refusals of one thing.
fn message(group: &[&Refusal]) -> String {
    let Some(first) = group.first() else { return String::new() };
    let (titles, detection, source) = (titles(group), &first.detection, &first.source);
    if let What::Exception { .. } = first.what {
        return format!("{titles} cannot except this from what `{detection}` looks for in `{source}`");
    }
    let mut message = format!("{titles} cannot say what `{detection}` looks for in `{source}`");
    let mut tried: Vec<(Deviation, Vec<&Refusal>)> = Vec::new();
    for refusal in group {
        let What::Detection { accepted: Some(deviation), .. } = refusal.what else { continue };
        match tried.iter_mut().find(|(known, _)| *known == deviation) {
            Some((_, with)) => with.push(refusal),
            None => tried.push((deviation, vec![refusal])),
        }
    }
    for (deviation, with) in tried {
        let who = if with.len() == group.len() { String::new() } else { format!("{} ", self::titles(&with)) };
        message.push_str(&format!(", {who}not even {}", word(deviation)));
    }
    message
}

/// What the targets are called, in a row.
fn titles(group: &[&Refusal]) -> String {
    suggest::in_a_row(group.iter().map(|refusal| refusal.title.clone()), "and")
}

fn of_detection(group: &[&Refusal], file: &Place) -> Diagnostic {
    let mut places: Vec<&Place> = Vec::new();
    for reason in group.iter().flat_map(|refusal| &refusal.reasons) {
        places.extend(reason.place.as_ref().filter(|place| !places.contains(place)));
    }
    let words_at = |place: &Place| group.iter().filter_map(|r| r.words_at(Some(place))).collect::<Vec<_>>();
    let first = places.first().map(|place| words_at(place)).unwrap_or_default();
    let shown = *places.first().unwrap_or(&file);
    let mut problem = Diagnostic::new(Code::CannotSay, shown.clone(), message(group));
    if let Some((note, more)) = first.split_first() {
        problem = problem.note(note);
        for words in more {
            problem = problem.label(shown.clone(), words);
        }
    }
    for place in places.iter().take(MOST_PLACES).skip(1) {
        let here = words_at(place);
        if here == first {
            let reasons = if here.len() == 1 { "reason" } else { "reasons" };
            problem = problem.label((*place).clone(), format!("nor this, for the same {reasons}"));
            continue;
        }
        for words in here {
            problem = problem.label((*place).clone(), words);
        }
    }
    if places.len() > MOST_PLACES {
        problem = problem.help(format!("{} more parts cannot be said there either", places.len() - MOST_PLACES));
    }
    for refusal in group {
        problem.help.extend(refusal.words_at(None));
        if refusal.reasons.is_empty() {
            problem = problem.help(format!("{} has no language for this log source", refusal.title));
        }
    }
    if group.iter().flat_map(|refusal| &refusal.reasons).any(|reason| reason.text.ends_with(JOINED)) {
        problem = problem.help(
            "`|option` can be said of arguments that are joined: `process.args|option: { command: tar, names: [-x] }`;\n\
             so can text in the line: `process.command_line|contains: ' -x '`",
        );
    }
    problem.help(ways_out(group))
}

/// What can be written into the detection.
fn ways_out(group: &[&Refusal]) -> String {
    let mut accept = "targets:\n".to_owned();
    let mut kinds: Vec<(&[Deviation], Vec<&Refusal>)> = Vec::new();
    for refusal in group {
        let What::Detection { directions, .. } = &refusal.what else { continue };
        let direction = word(directions.first().copied().unwrap_or(Deviation::Unsupported));
        let (name, source) = (&refusal.target, &refusal.source);
        accept.push_str(&format!(
            "  {name}: {{ accept: {{ {source}: {{ {direction}: \"why that is all right\" }} }} }}\n"
        ));
        match kinds.iter_mut().find(|(known, _)| known == directions) {
            Some((_, with)) => with.push(refusal),
            None => kinds.push((directions, vec![refusal])),
        }
    }
    let (one_kind, all) = (kinds.len() == 1, if group.len() == 1 { "the target" } else { "the targets" });
    let sentence = kinds.iter().map(|(directions, with)| {
        let there = if one_kind { "there".to_owned() } else { format!("of {}", titles(with)) };
        let can: Vec<&str> = directions.iter().copied().map(so_much).collect();
        match can.as_slice() {
            [] => format!("no rule {there} comes close"),
            can => format!("a rule {there} can {}", can.join(" or ")),
        }
    });
    let sentence = sentence.collect::<Vec<_>>().join(", ");
    let blank = if one_kind { " " } else { "\n" };
    let all_right = match kinds.iter().all(|(directions, _)| directions.is_empty()) {
        true => " ".to_owned(),
        false => format!("{blank}if that is all right, "),
    };
    let off: Vec<String> = group.iter().map(|refusal| format!("{}: {{ enabled: false }}", refusal.target)).collect();
    format!(
        "{sentence};{all_right}say so and why in the detection:\n{accept}or leave {all} out: targets: {{ {} }}",
        off.join(", ")
    )
}

fn so_much(deviation: Deviation) -> &'static str {
    match deviation {
        Deviation::Narrower => "match less (`narrower`)",
        _ => "match more (`wider`)",
    }
}

fn of_exception(group: &[&Refusal], name: &str, place: &Place) -> Diagnostic {
    let mut problem = Diagnostic::new(Code::CannotSay, place.clone(), message(group));
    let mut seen = HashSet::new();
    let reasons = group.iter().flat_map(|refusal| &refusal.reasons).map(Reason::words);
    for reason in reasons.filter(|reason| seen.insert(reason.clone())).take(MOST_PLACES) {
        problem = problem.help(reason);
    }
    let accept = |refusal: &&Refusal| {
        format!("{}: {{ accept: {{ {}: {{ wider: \"why that is all right\" }} }} }}", refusal.target, refusal.source)
    };
    let accept: Vec<String> = group.iter().map(accept).collect();
    let has = if group.len() == 1 { "has" } else { "have" };
    problem.help(format!(
        "say the exception `{name}` by fields that {} {has} there; or, if rules may match what is excepted, say so in the\n\
         detection: targets: {{ {} }}",
        titles(group),
        accept.join(", ")
    ))
}
