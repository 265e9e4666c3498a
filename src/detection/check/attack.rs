//! Techniques of ATT&CK that do not exist, or no longer.

use std::collections::BTreeMap;

use crate::detection::attack::{TechniqueStatus, technique, techniques};
use crate::detection::parse::Parsed;
use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Code, Diagnostic, Place};

pub(super) fn check(parsed: &Parsed, problems: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
    for (id, place) in &parsed.spans.attack {
        if let Some(before) = seen.insert(id, place) {
            let problem = Diagnostic::new(Code::RepeatedEntry, place.clone(), format!("`{id}` is given twice"));
            problems.push(problem.label(before.clone(), "first here").help("delete one of the two"));
            continue;
        }
        let Some(technique) = technique(id) else {
            problems.push(unknown(id, place));
            continue;
        };
        let name = technique.name;
        match (technique.status, technique.replaced_by) {
            (TechniqueStatus::Current, _) => {}
            (TechniqueStatus::Revoked, Some(next)) => {
                let called = super::super::attack::technique(next).map_or("", |technique| technique.name);
                let message = format!("`{id}` ({name}) was revoked");
                let problem = Diagnostic::new(Code::RevokedTechnique, place.clone(), message).suggestion(Some(next));
                problems.push(problem.help(format!("`{next}` ({called}) took its place")));
            }
            (TechniqueStatus::Revoked, None) => {
                let message = format!("`{id}` ({name}) was revoked");
                problems.push(Diagnostic::new(Code::RevokedTechnique, place.clone(), message));
            }
            (TechniqueStatus::Deprecated, _) => {
                let message = format!("`{id}` ({name}) is deprecated");
                let problem = Diagnostic::new(Code::DeprecatedTechnique, place.clone(), message);
                problems.push(problem.help("ATT&CK dropped it; look for a technique that says the same"));
            }
        }
    }
}

fn unknown(id: &str, place: &Place) -> Diagnostic {
    let problem = Diagnostic::new(
        Code::UnknownTechnique,
        place.clone(),
        format!("there is no ATT&CK technique `{id}` (enterprise, v18)"),
    );
    // Sigma writes the same as a tag.
    let plain = id.trim().trim_start_matches("attack.").to_uppercase();
    if technique(&plain).is_some() {
        return problem.suggestion(Some(&plain));
    }
    // A tactic's name is a frequent mistake; a number that is near says nothing.
    if plain.starts_with("TA") || super::super::attack::tactic(&plain.to_lowercase()).is_some() {
        return problem.help("tactics follow from the techniques; name techniques: `T1611`");
    }
    let by_name = techniques().values().filter(|technique| technique.status == TechniqueStatus::Current);
    let name = nearest(id, by_name.clone().map(|technique| technique.name));
    match by_name.clone().find(|technique| Some(technique.name) == name) {
        Some(technique) => problem.suggestion(Some(technique.id)),
        None => problem.help("ids look like `T1611` or `T1059.004`; https://attack.mitre.org lists them"),
    }
}
