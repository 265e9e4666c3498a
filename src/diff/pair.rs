//! Which detection of one side is which of the other.
//!
//! By id: a detection that has another name is renamed. One whose id is gone, while another with its file or its title
//! has an id of its own, got another id: its rules become strangers to what is deployed.

use std::collections::BTreeSet;

use crate::detection::Detection;

/// A detection on both sides, or on one.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'d> {
    /// What it was.
    pub before: Option<&'d Detection>,
    /// What it is.
    pub after: Option<&'d Detection>,
}

/// Pairs of detections, sorted by name.
pub fn pairs<'d>(before: &'d [Detection], after: &'d [Detection]) -> Vec<Pair<'d>> {
    let mut pairs: Vec<Pair<'d>> = Vec::new();
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    let mut alone: Vec<&'d Detection> = Vec::new();
    // Of several with one id (an error of its own), the ones with the same name belong together.
    let mut find = |wanted: &dyn Fn(&Detection) -> bool, also: &dyn Fn(&Detection) -> bool| {
        let free = |at: &usize| !taken.contains(at);
        let candidates: Vec<usize> =
            (0..after.len()).filter(free).filter(|at| after.get(*at).is_some_and(wanted)).collect();
        let best = candidates.iter().find(|at| after.get(**at).is_some_and(also)).or(candidates.first()).copied()?;
        taken.insert(best);
        after.get(best)
    };
    for old in before {
        match find(&|new| new.id == old.id, &|new| new.name == old.name) {
            Some(new) => pairs.push(Pair { before: Some(old), after: Some(new) }),
            None => alone.push(old),
        }
    }
    let known: BTreeSet<_> = before.iter().map(|old| old.id).collect();
    for old in alone {
        let same = |new: &Detection| {
            !known.contains(&new.id) && (new.name == old.name || new.title.eq_ignore_ascii_case(&old.title))
        };
        let new = find(&same, &|new| new.name == old.name);
        pairs.push(Pair { before: Some(old), after: new });
    }
    let rest = after.iter().enumerate().filter(|(at, _)| !taken.contains(at));
    pairs.extend(rest.map(|(_, new)| Pair { before: None, after: Some(new) }));
    pairs.sort_by_key(|pair| pair.after.or(pair.before).map(|detection| (detection.name.clone(), detection.id)));
    pairs
}
