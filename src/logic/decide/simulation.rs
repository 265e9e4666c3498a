//! That every text of one expression is one of another's, seen state by state.
//!
//! Expressions like `a.{6,64}b` have small automata as long as nobody makes them deterministic: a text may be at many
//! places of the expression at once. A state *simulates* another if it can follow each of that one's steps into a state
//! that simulates where the step led, and accepts where that one does. Where the start simulates the other expression's
//! start, inclusion is certain; where it does not, nothing is known. For two expressions that differ in the case of
//! letters, or in a part that one leaves open, it does.

#![expect(clippy::indexing_slicing, reason = "states, sets and classes are indices made in this file")]

use std::collections::HashMap;

use foldhash::fast::FixedState;
use regex_syntax::hir::Look;

use super::alphabet::Alphabet;
use super::meter::{Meter, Reason};
use super::nfa::{self, Alternatives, Nfa, State};

/// How many pairs of states are looked at.
const MAX_PAIRS: usize = 200_000;

/// Whether the texts of the expression `inner` are all texts of `outer`, as far as that is seen.
pub(super) fn is_within(inner: &str, outer: &str, meter: &Meter) -> Result<bool, Reason> {
    // The inner one chooses its alternative at once, the outer one as late as it can.
    let inner = nfa::build(inner, Alternatives::AsWritten, meter)?;
    let outer = nfa::build(outer, Alternatives::Factored, meter)?;
    let alphabet = Alphabet::new(inner.sets.iter().chain(&outer.sets));
    let (Some(inner), Some(outer)) = (Steps::new(&inner, &alphabet), Steps::new(&outer, &alphabet)) else {
        return Ok(false);
    };
    simulates(&inner, &outer, meter)
}

/// An automaton without its silent steps. Its places are the states that are gone to by reading, and the start.
struct Steps {
    places: Vec<Place>,
}

struct Place {
    /// Whether the text may end here.
    accepts: bool,
    /// The places that each class of characters leads to.
    nexts: Vec<Vec<usize>>,
}

const START: usize = 0;

impl Steps {
    /// `None` if the expression asks for more of its surroundings than whether the text begins or ends.
    fn new(nfa: &Nfa, alphabet: &Alphabet) -> Option<Self> {
        let symbols = alphabet.representatives();
        let held = nfa.held(&symbols);
        let mut numbers: HashMap<usize, usize, FixedState> = HashMap::default();
        // The start is a place of its own: nowhere else does the text begin.
        let mut states = vec![nfa.start];
        let mut places = Vec::new();
        while let Some(state) = states.get(places.len()).copied() {
            let (reads, accepts) = closure(nfa, state, places.len() == START)?;
            let mut nexts = vec![Vec::new(); symbols.len()];
            for (set, next) in reads {
                let number = *numbers.entry(next).or_insert_with(|| {
                    states.push(next);
                    states.len() - 1
                });
                held[set].iter().for_each(|class| nexts[*class].push(number));
            }
            places.push(Place { accepts, nexts });
        }
        Some(Self { places })
    }
}

/// What can be read from a state, and whether the text may end there.
fn closure(nfa: &Nfa, state: usize, begins: bool) -> Option<(Vec<(usize, usize)>, bool)> {
    // States that are reached, and whether only where the text ends.
    let mut met = vec![[false; 2]; nfa.states.len()];
    let mut pending = vec![(state, false)];
    let (mut reads, mut accepts) = (Vec::new(), false);
    while let Some((state, ends)) = pending.pop() {
        if std::mem::replace(&mut met[state][usize::from(ends)], true) {
            continue;
        }
        match &nfa.states[state] {
            State::Read { set, next } if !ends => reads.push((*set, *next)),
            State::Read { .. } => {}
            State::Split(nexts) => pending.extend(nexts.iter().map(|next| (*next, ends))),
            State::Look(Look::Start, next) if begins => pending.push((*next, ends)),
            State::Look(Look::Start, _) => {}
            State::Look(Look::End, next) => pending.push((*next, true)),
            State::Look(..) => return None,
            // The expressions end in `$`.
            State::Match => accepts = true,
        }
    }
    Some((reads, accepts))
}

/// Whether the start of `outer` simulates that of `inner`: all pairs that matter are taken for good until one is not.
fn simulates(inner: &Steps, outer: &Steps, meter: &Meter) -> Result<bool, Reason> {
    let mut numbers: HashMap<(usize, usize), usize, FixedState> = HashMap::default();
    let mut pairs = vec![(START, START)];
    numbers.insert((START, START), 0);
    // What each pair needs: for every step of the inner place, one of these pairs.
    let mut needs: Vec<Vec<Vec<usize>>> = Vec::new();
    while let Some((one, other)) = pairs.get(needs.len()).copied() {
        if pairs.len() > MAX_PAIRS {
            return Ok(false);
        }
        let (one, other) = (&inner.places[one], &outer.places[other]);
        let mut all: Vec<Vec<usize>> = Vec::new();
        if !one.accepts || other.accepts {
            for (steps, answers) in one.nexts.iter().zip(&other.nexts) {
                for step in steps {
                    let need = answers.iter().map(|answer| {
                        let fresh = pairs.len();
                        *numbers.entry((*step, *answer)).or_insert_with(|| {
                            pairs.push((*step, *answer));
                            fresh
                        })
                    });
                    let need: Vec<usize> = need.collect();
                    if !all.contains(&need) {
                        all.push(need);
                    }
                }
            }
        } else {
            // Nothing can be done about it.
            all.push(Vec::new());
        }
        meter.states(1 + all.len())?;
        needs.push(all);
    }
    let mut asked_by: Vec<Vec<usize>> = vec![Vec::new(); pairs.len()];
    for (pair, all) in needs.iter().enumerate() {
        all.iter().flatten().for_each(|need| asked_by[*need].push(pair));
    }
    let mut good = vec![true; pairs.len()];
    let mut pending: Vec<usize> = (0..pairs.len()).collect();
    while let Some(pair) = pending.pop() {
        meter.tick()?;
        if good[pair] && !needs[pair].iter().all(|need| need.iter().any(|other| good[*other])) {
            good[pair] = false;
            pending.extend(asked_by[pair].iter().filter(|asking| good[**asking]));
        }
    }
    Ok(good[0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::automaton::{Automaton, whole};
    use super::super::meter::Budget;
    use super::*;

    fn sees(inner: &str, outer: &str) -> bool {
        is_within(inner, outer, &Meter::new(&Budget::default())).expect("an answer")
    }

    #[test]
    fn what_has_no_small_automaton_lies_in_itself_and_in_what_is_looser() {
        let source = r"(?s:.)*(?:ping|pong)\s+-n.{6,64}(?:EEEE|EEE)\s?>(?s:.)*";
        let (exact, folded) = (whole(source, false), whole(source, true));
        assert!(sees(&exact, &exact) && sees(&exact, &folded) && !sees(&folded, &exact));
        let looser = [r"(?s:.)*p[a-z]ng\s+-n.{5,70}EE(?s:.)*", "(?s:.)*", "(?s:.)*> ?(?s:.)*"];
        for looser in looser {
            assert!(sees(&exact, &whole(looser, false)) && !sees(&whole(looser, false), &exact), "{looser}");
        }
        for other in [r"(?s:.)*ping\s+-n.{6,64}EEE\s?>(?s:.)*", r"(?:ping|pong)\s+-n.{6,64}EEE\s?>(?s:.)*"] {
            assert!(!sees(&exact, &whole(other, false)), "{other}");
        }
    }

    #[test]
    fn anchors_hold_where_a_text_begins_or_ends() {
        for (inner, outer, is_so) in [
            ("(?:^|x)a", "x?a", true),
            ("(?:^|x)a", "a", false),
            ("a(?:$|b)", "ab?", true),
            ("a(?:^b|c)", "ac", true),
            ("^$", "", true),
            ("a", r"a\b", false),
        ] {
            assert_eq!(sees(&whole(inner, false), &whole(outer, false)), is_so, "{inner} in {outer}");
        }
    }

    fn expression() -> impl Strategy<Value = String> {
        let leaf =
            prop_oneof!["[ab]{1,2}", "[ab.]", Just("[^a]".to_owned()), Just("^".to_owned()), Just("$".to_owned())];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}{b}")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(?:{a}|{b})")),
                inner.clone().prop_map(|a| format!("(?:{a})*")),
                inner.prop_map(|a| format!("(?:{a}){{1,2}}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_seen_is_so(a in expression(), b in expression(), folds: bool) {
            let (inner, outer) = (whole(&a, false), whole(&format!("{b}|{a}"), false));
            prop_assert!(sees(&inner, &outer), "an alternative of itself");
            for (one, other) in [(&inner, &whole(&b, folds)), (&outer, &inner)] {
                if sees(one, other) {
                    let meter = Meter::new(&Budget::default());
                    let language = |regex: &str| Automaton::of_regex(regex, &meter).expect("a small language");
                    let rest = language(one).limited_to(&language(other), false, &meter).expect("a small language");
                    prop_assert!(rest.is_empty(), "{one} is not within {other}");
                }
            }
        }
    }
}
