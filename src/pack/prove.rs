//! A pack with its proof: rendered, read back, and rendered again where artefacts have to say something else of a rule.

use super::verify::{self, Memory, Report, Verifier};
use crate::diagnostic::Diagnostic;
use crate::logic::Event;
use crate::source::Catalogue;
use crate::target::{Built, Compiled, PackInfo, Target, render_all};

/// A pack, and what is known of each of its rules.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The artefacts; each says of its rules what the report says.
    pub built: Built,
    /// What was found out about each rule.
    pub report: Report,
}

/// Renders compiled rules and proves what was rendered. The report tells whether the pack may be deployed. `recorded`
/// gives recorded events of a log source, for rules whose meaning cannot be decided.
pub fn prove(
    targets: &[Target],
    compiled: &[Compiled<'_>],
    catalogue: &Catalogue,
    pack: &PackInfo,
    recorded: &(dyn Fn(&str) -> Vec<Event> + Sync),
) -> Result<Proved, Vec<Diagnostic>> {
    let budget = verify::budget();
    let mut verifier = Verifier { targets, compiled, catalogue, budget: &budget, recorded, memory: Memory::default() };
    let built = render_all(targets, compiled, catalogue, pack, &|_, rule| rule.claim())?;
    let report = verifier.verify(&built.files);
    // What a rule turned out to be is known only now; most are what the compiler took them for.
    let verdicts = report.verdicts();
    let verdict = |one: &Compiled<'_>| {
        verdicts.get(&(&*one.detection.name, &*one.observation.source, one.target.name())).copied()
    };
    if compiled.iter().all(|one| one.rule().is_none_or(|rule| verdict(one).is_none_or(|found| found == rule.claim()))) {
        return Ok(Proved { built, report });
    }
    let built = render_all(targets, compiled, catalogue, pack, &|one, rule| verdict(one).unwrap_or(rule.claim()))?;
    let report = verifier.verify(&built.files);
    Ok(Proved { built, report })
}
