//! Exceptions put to use, and judged: each has to leave something of its detections, and to take something away.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::Exception;
use crate::detection::{Detection, check};
use crate::diagnostic::suggest::all_of;
use crate::diagnostic::{self, Code, Diagnostic, Place};
use crate::logic::decide::{Budget, Satisfiability, satisfiable};
use crate::logic::{Formula, Reading};
use crate::source::{Catalogue, Source};

/// Gives detections their exceptions: those that hold in a profile of this name, or without one.
pub fn apply(exceptions: &[Exception], profile: Option<&str>, detections: &mut [Detection]) {
    for exception in exceptions.iter().filter(|exception| exception.is_for(profile)) {
        let meant = |detection: &Detection| exception.detections.iter().any(|selector| selector.is_meant(detection));
        for detection in detections.iter_mut().filter(|detection| meant(detection)) {
            for excepted in &exception.observations {
                let mut observations = detection.observations.iter_mut();
                let Some(observation) = observations.find(|o| o.source == excepted.source) else { continue };
                observation.exceptions.push(exception.excepts(excepted));
            }
        }
    }
}

/// What is wrong with exceptions, measured by the detections (as they are without them) and by a day; without a day,
/// none has expired. All are judged, whatever their profiles and whether they are approved.
pub fn judge(
    exceptions: &[Exception],
    detections: &[Detection],
    today: Option<Date>,
    catalogue: &Catalogue,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for exception in exceptions {
        if let Some(today) = today.filter(|today| *today > exception.expires) {
            let message = format!("the exception expired on {}, and it is {today}", exception.expires);
            let problem = Diagnostic::new(Code::ExceptionExpired, exception.expires_at.clone(), message);
            problems.push(problem.help(format!("ask {} whether it still holds; renew or delete it", exception.owner)));
        }
        problems.extend(exception.detections.iter().filter_map(|selector| selector.dangling(detections)));
        let meant: Vec<&Detection> = detections
            .iter()
            .filter(|detection| exception.detections.iter().any(|selector| selector.is_meant(detection)))
            .collect();
        for (excepted, span) in exception.observations.iter().zip(&exception.sources) {
            let place = Place { file: exception.source.clone(), span: span.clone() };
            let source = excepted.source.as_str();
            let observing: Vec<&&Detection> = meant.iter().filter(|d| d.observation(source).is_some()).collect();
            if observing.is_empty() && !meant.is_empty() {
                let known: BTreeSet<&str> =
                    meant.iter().flat_map(|d| d.observations.iter().map(|o| o.source.as_str())).collect();
                let message = format!("none of its detections observes `{source}`");
                let problem = Diagnostic::new(Code::UnknownSource, place, message);
                problems.push(problem.help(format!("observed are {}", all_of(known))));
                continue;
            }
            let schema = catalogue.source(source).map(Source::schema).unwrap_or_default();
            let budget = Budget::default();
            let mut idle: Vec<&str> = Vec::new();
            for detection in &observing {
                let Some(observation) = detection.observation(source) else { continue };
                let is_left = |parts: &mut dyn Iterator<Item = &Formula>| {
                    let rest = parts.map(|part| Formula::not(part.clone()));
                    let left = Formula::and([observation.formula.clone()].into_iter().chain(rest));
                    !check::is_decided(&left)
                        || satisfiable(&left, Reading::Must, &schema, &budget) != Satisfiability::Unsat
                };
                // All that hold together: one may take away what the others leave.
                let swallows = |profile: Option<&str>| {
                    let together = exceptions.iter().filter(|other| {
                        std::ptr::eq(*other, exception)
                            || (other.is_for(profile)
                                && other.detections.iter().any(|selector| selector.is_meant(detection)))
                    });
                    let parts = together.flat_map(|other| other.observations.iter().filter(|o| o.source == source));
                    !is_left(&mut parts.map(|part| &part.formula))
                };
                let held_in: Vec<Option<&str>> = match &exception.profiles {
                    None => vec![None],
                    Some(names) => names.iter().map(|name| Some(name.as_str())).collect(),
                };
                if let Some(profile) = held_in.into_iter().find(|profile| swallows(*profile)) {
                    let alone = !is_left(&mut [&excepted.formula].into_iter());
                    let with = match profile {
                        _ if alone => String::new(),
                        None => " together with the others".to_owned(),
                        Some(name) => format!(" together with the others of the profile `{name}`"),
                    };
                    let message = format!(
                        "the exception takes all of `{}` away in `{source}`{with}: nothing is left",
                        detection.name
                    );
                    let problem = Diagnostic::new(Code::ExceptionSwallows, place.clone(), message);
                    problems.push(problem.help(
                        "narrow it, or leave the detection out in a profile: `detections: { leave_out: [NAME] }`",
                    ));
                }
                let both = Formula::and([observation.formula.clone(), excepted.formula.clone()]);
                if check::is_decided(&both)
                    && satisfiable(&both, Reading::May, &schema, &budget) == Satisfiability::Unsat
                {
                    idle.push(&detection.name);
                }
            }
            // For several detections, it is enough that it matters for one.
            if !idle.is_empty() && idle.len() == observing.len() {
                let names = all_of(idle);
                let message = format!("nothing that {names} matches in `{source}` falls under the exception");
                let problem = Diagnostic::new(Code::ExceptionIdle, place, message);
                problems.push(problem.help("correct its condition, or delete it"));
            }
        }
    }
    diagnostic::sort(&mut problems);
    problems
}
