//! The search for a shortest text that is in some languages and in none of others.

#![expect(clippy::indexing_slicing, reason = "states and components are indices made in this file")]

use std::collections::HashSet;

use super::alphabet::{Alphabet, SEPARATOR};
use super::automaton::{Automaton, Fate};
use super::meter::{Meter, Reason};

/// Component states for "certainly as wanted, whatever follows".
const SETTLED: u32 = u32::MAX;

/// The symbols of a shortest text in every language of `inside` and in none of `outside`, if there is one.
pub(super) fn shortest(
    inside: &[&Automaton],
    outside: &[&Automaton],
    meter: &Meter,
) -> Result<Option<Vec<u32>>, Reason> {
    let parts: Vec<(&Automaton, bool)> =
        inside.iter().map(|part| (*part, true)).chain(outside.iter().map(|part| (*part, false))).collect();
    let alphabets: Vec<&Alphabet> = parts.iter().map(|(part, _)| &part.alphabet).collect();
    let mut symbols = if alphabets.is_empty() { Vec::new() } else { Alphabet::joint(&alphabets) };
    if let Some(classes) = parts.iter().map(|(part, _)| part.separator).collect::<Option<Vec<usize>>>() {
        symbols.push((SEPARATOR, classes));
    }
    // The state of one part: settled, hopeless (none), or open.
    let settle = |(part, wanted): (&Automaton, bool), state: u32| match (part.fate(state), wanted) {
        (Fate::Open, _) => Some(state),
        (Fate::Always, true) | (Fate::Never, false) => Some(SETTLED),
        _ => None,
    };
    let Some(start) = parts.iter().map(|part| settle(*part, part.0.start())).collect::<Option<Vec<u32>>>() else {
        return Ok(None);
    };
    let mut known: HashSet<Vec<u32>> = HashSet::new();
    let mut visited: Vec<(Vec<u32>, usize, u32)> = vec![(start.clone(), usize::MAX, 0)];
    known.insert(start);
    let mut at = 0;
    while at < visited.len() {
        let state = visited[at].0.clone();
        let done = parts
            .iter()
            .zip(&state)
            .all(|((part, wanted), state)| *state == SETTLED || part.is_accepting(*state) == *wanted);
        if done {
            let mut text = Vec::new();
            let mut step = at;
            while let Some((_, from, symbol)) = visited.get(step).filter(|(_, from, _)| *from != usize::MAX) {
                text.push(*symbol);
                step = *from;
            }
            text.reverse();
            return Ok(Some(text));
        }
        'symbols: for (symbol, classes) in &symbols {
            let mut next = Vec::with_capacity(parts.len());
            for ((part, state), class) in parts.iter().zip(&state).zip(classes) {
                if *state == SETTLED {
                    next.push(SETTLED);
                    continue;
                }
                match settle(*part, part.0.step(*state, *class)) {
                    Some(state) => next.push(state),
                    None => continue 'symbols,
                }
            }
            if !known.contains(&next) {
                meter.state()?;
                known.insert(next.clone());
                visited.push((next, at, *symbol));
            }
        }
        meter.tick()?;
        at += 1;
    }
    Ok(None)
}
