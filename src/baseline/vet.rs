//! The judges of proposals. A proposal is refused unless its text, read back,
//!
//! - has nothing that `cresset check` would find, and a layout that `cresset fmt` keeps;
//! - excepts just the hits that it was made for: a value that was written wrongly would except others;
//! - excepts no event that `tests:` says must match;
//! - leaves something of each of its detections, together with all other exceptions, decided over all events;
//! - can be said by the rules of every target that can say the detection.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::column::Column;
use super::table::Sheet;
use super::{Draft, Explained, Form, Judges, Proposal, Unsayable};
use crate::detection::format::format_with;
use crate::detection::{Detection, Excepted, Observation};
use crate::diagnostic::SourceFile;
use crate::exception::{self, Exception};
use crate::logic::decide::{Budget, Satisfiability, satisfiable};
use crate::logic::{Formula, Reading, evaluate};
use crate::source::Source;
use crate::target::compile::compile;

/// The exception that a proposal would be, or why it is none to propose. `accepted` are those proposed already.
pub(super) fn vet(
    proposal: &Proposal,
    draft: &Draft<'_>,
    explained: &[Explained<'_>],
    accepted: &[Exception],
    judges: &Judges<'_>,
) -> Result<Exception, String> {
    let file = SourceFile::new(format!("{}.yml", proposal.name), &proposal.yaml);
    let (exception, problems) = exception::read(&file, judges.lists, judges.catalogue);
    if let Some(problem) = problems.first() {
        return Err(format!("`cresset check` would say: {}", problem.message));
    }
    let Some(mut exception) = exception else { return Err("it cannot be read back".to_owned()) };
    if format_with(&file, &exception::KEYS).ok().as_deref() != Some(proposal.yaml.as_str()) {
        return Err("`cresset fmt` would change it".to_owned());
    }
    let [excepted] = exception.observations.as_slice() else { return Err("it cannot be read back".to_owned()) };
    let excepted = excepted.formula.clone();
    for (at, rows) in &draft.parts {
        let Some(one) = explained.get(*at) else { continue };
        is_exact(&excepted, &one.sheet, rows)?;
        let mut wanted = judges
            .wanted
            .iter()
            .filter(|wanted| wanted.detection == one.detection.id && wanted.source == one.observation.source);
        if let Some(wanted) = wanted.find(|wanted| evaluate(&excepted, &wanted.event, Reading::May)) {
            return Err(format!("it would cover an event that must match: {}", wanted.name));
        }
        leaves_something(&excepted, one.detection, one.observation, accepted, judges)?;
        let cannot = exception.observations.first().map(|of_it| exception.excepts(of_it));
        let cannot = cannot.map(|it| cannot_say(it, one.detection, one.observation, judges)).unwrap_or_default();
        if !cannot.is_empty() {
            return Err(format!("the rule of {} could not say it", cannot.join(" and ")));
        }
    }
    exception.approved = true;
    Ok(exception)
}

/// Whether the condition holds for these rows and no others.
fn is_exact(excepted: &Formula, sheet: &Sheet, rows: &[usize]) -> Result<(), String> {
    let rows: BTreeSet<usize> = rows.iter().copied().collect();
    for row in sheet.all() {
        // Where two columns lie in each other, no event can be made of them.
        let Some(event) = Draft::event(&sheet.columns, sheet, row) else { continue };
        if evaluate(excepted, &event, Reading::May) != rows.contains(&row) {
            return Err("its text would not except just the hits that it was made for".to_owned());
        }
    }
    Ok(())
}

/// Whether the detection can still match something, decided over all events.
fn leaves_something(
    excepted: &Formula,
    detection: &Detection,
    observation: &Observation,
    accepted: &[Exception],
    judges: &Judges<'_>,
) -> Result<(), String> {
    let source = observation.source.as_str();
    let of_it = accepted.iter().filter(|other| other.detections.iter().any(|selector| selector.is_meant(detection)));
    let parts = of_it.flat_map(|other| other.observations.iter().filter(|o| o.source == source));
    let without = parts.map(|part| Formula::not(part.formula.clone())).chain([Formula::not(excepted.clone())]);
    let left = Formula::and([observation.meaning()].into_iter().chain(without));
    // An event of its tests that is still matched shows it; without one, it is decided.
    let shown = judges.wanted.iter().any(|wanted| {
        wanted.detection == detection.id && wanted.source == source && evaluate(&left, &wanted.event, Reading::Must)
    });
    if shown {
        return Ok(());
    }
    let schema = judges.catalogue.source(source).map(Source::schema).unwrap_or_default();
    match satisfiable(&left, Reading::Must, &schema, &Budget::default()) {
        Satisfiability::Sat(_) => Ok(()),
        Satisfiability::Unsat => Err(format!("nothing would be left of `{}` in `{source}`", detection.name)),
        Satisfiability::Undecided(reason) => {
            Err(format!("it could not be decided whether anything is left of `{}`: {reason}", detection.name))
        }
    }
}

/// The targets that can say the detection and could not with this exception.
fn cannot_say(
    excepted: Excepted,
    detection: &Detection,
    observation: &Observation,
    judges: &Judges<'_>,
) -> Vec<String> {
    let mut with = observation.clone();
    with.exceptions.push(excepted);
    let can = |target, observation: &Observation| compile(target, detection, observation, judges.catalogue).is_ok();
    let cannot = judges.targets.iter().filter(|target| !can(target, &with) && can(target, observation));
    cannot.map(|target| target.name().to_owned()).collect()
}

/// The columns about which some target could not say an exception.
pub(super) fn unsayable(
    sheet: &Sheet,
    detection: &Detection,
    observation: &Observation,
    judges: &Judges<'_>,
) -> Vec<Unsayable> {
    let probe = |(column, cells): (&Column, &Vec<super::column::Cell>)| {
        let value = cells.iter().find(|cell| cell.named)?.values.first()?.clone();
        let probe = Excepted {
            name: "baseline".to_owned(),
            formula: Form::OneOf(vec![value]).formula(&column.field),
            reason: String::new(),
            owner: String::new(),
            expires: Date::default(),
            ticket: None,
            place: None,
        };
        let targets = cannot_say(probe, detection, observation, judges);
        (!targets.is_empty()).then(|| Unsayable { field: column.field.name.clone(), targets })
    };
    sheet.columns.iter().zip(&sheet.cells).filter_map(probe).collect()
}
