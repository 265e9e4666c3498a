//! The search for a shortest text that is in some languages and in none of others.

#![expect(clippy::indexing_slicing, reason = "states and components are indices made in this file")]

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use super::alphabet::{Alphabet, SEPARATOR};
use super::automaton::{Automaton, START};
use super::meter::{Meter, Reason};
use crate::logic::bits::Bits;

/// How many languages are tried when one more is needed.
const MAX_TRIES: usize = 12;
/// How many states it may take to see that one language lies in others.
const ALONE: usize = 10_000;

/// What searches have come to. Automata are known by where they are, so they have to outlive this.
#[derive(Debug, Default)]
pub(super) struct Searches(HashMap<(Vec<*const Automaton>, usize), Ended, FixedState>);

/// How a search ended.
#[derive(Clone, Debug)]
enum Ended {
    /// With a shortest text, or with the certainty that there is none.
    Found(Option<Vec<u32>>),
    /// After so many states without either.
    TooLarge(usize),
}

impl Searches {
    /// The symbols of a shortest text in every language of `inside` and in none of `outside`, if there is one.
    fn shortest(
        &mut self,
        inside: &[&Automaton],
        outside: &[&Automaton],
        meter: &Meter,
    ) -> Result<Option<Vec<u32>>, Reason> {
        let all = inside.iter().chain(outside).map(|part| std::ptr::from_ref(*part)).collect();
        let key = (all, inside.len());
        let room = meter.left();
        match self.0.get(&key) {
            Some(Ended::Found(found)) => return Ok(found.clone()),
            Some(Ended::TooLarge(states)) if room <= *states => return Err(Reason::States),
            _ => {}
        }
        let found = shortest(inside, outside, meter);
        match &found {
            Ok(found) => _ = self.0.insert(key, Ended::Found(found.clone())),
            Err(Reason::States) => _ = self.0.insert(key, Ended::TooLarge(room)),
            Err(_) => {}
        }
        found
    }
}

/// Languages by their places among those of `inside` and of `outside` that leave no text together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Core {
    pub(super) inside: Vec<usize>,
    pub(super) outside: Vec<usize>,
}

/// The symbols of a text in every language of `inside` and of `within`, and in none of `outside`; if there is none, the
/// languages that are enough to see it.
///
/// Most of the languages have no say in the answer. In most proofs one language of `inside` lies in one of `outside`, or
/// in several together; so this is asked first, of each alone.
pub(super) fn witness(
    inside: &[&Automaton],
    outside: &[&Automaton],
    within: &[&Automaton],
    searches: &mut Searches,
    meter: &Meter,
) -> Result<Result<Vec<u32>, Core>, Reason> {
    let is_allowed = |text: &[u32]| {
        inside.iter().all(|language| language.accepts_symbols(text))
            && !outside.iter().any(|language| language.accepts_symbols(text))
    };
    // The smallest language leaves least to the others.
    let mut order: Vec<usize> = (0..inside.len()).collect();
    order.sort_by_key(|at| inside[*at].len());
    for at in &order {
        let mut alone: Vec<&Automaton> = within.to_vec();
        alone.push(inside[*at]);
        let core = |outside| Ok(Err(Core { inside: vec![*at], outside }));
        let Some(first) = searches.shortest(&alone, &[], meter)? else { return core(Vec::new()) };
        let forbidding = (0..outside.len()).filter(|other| outside[*other].accepts_symbols(&first));
        for other in forbidding.take(MAX_TRIES) {
            match searches.shortest(&alone, &[outside[other]], meter)? {
                None => return core(vec![other]),
                // Where there is no inclusion, what shows that one is missing is often allowed by all.
                Some(text) if is_allowed(&text) => return Ok(Ok(text)),
                Some(_) => {}
            }
        }
    }
    if order.len() > 1 && !outside.is_empty() {
        for at in &order {
            match meter.limited(ALONE, |meter| refine(&[*at], inside, outside, within, searches, meter)) {
                Ok(Err(core)) => return Ok(Err(core)),
                Ok(Ok(_)) | Err(Reason::States) => {}
                Err(reason) => return Err(reason),
            }
        }
    }
    refine(&order, inside, outside, within, searches, meter)
}

/// The answer to [`witness`] for the languages of `inside` that `chosen` lists. The search begins with the first and adds
/// another only when a text was found that this one forbids.
fn refine(
    chosen: &[usize],
    inside: &[&Automaton],
    outside: &[&Automaton],
    within: &[&Automaton],
    searches: &mut Searches,
    meter: &Meter,
) -> Result<Result<Vec<u32>, Core>, Reason> {
    let mut rest: Vec<usize> = chosen.to_vec();
    let mut yes: Vec<&Automaton> = within.to_vec();
    let mut core = Core::default();
    if !rest.is_empty() {
        let at = rest.remove(0);
        yes.push(inside[at]);
        core.inside.push(at);
    }
    let Some(mut word) = searches.shortest(&yes, &[], meter)? else { return Ok(Err(core)) };
    let mut no: Vec<&Automaton> = Vec::new();
    loop {
        let is_new = |at: &usize| !core.outside.contains(at);
        let mut forbidding: Vec<usize> =
            (0..outside.len()).filter(is_new).filter(|at| outside[*at].accepts_symbols(&word)).collect();
        if forbidding.is_empty() {
            let Some(at) = rest.iter().position(|at| !inside[*at].accepts_symbols(&word)) else {
                return Ok(Ok(word));
            };
            let at = rest.remove(at);
            yes.push(inside[at]);
            core.inside.push(at);
            match searches.shortest(&yes, &no, meter)? {
                Some(next) => word = next,
                None => return Ok(Err(core)),
            }
            continue;
        }
        // One that forbids everything settles it; else the one that forbids most, judged by what is left.
        forbidding.sort_by_key(|at| outside[*at].len());
        let mut best: Option<(usize, Vec<u32>)> = None;
        for at in forbidding.into_iter().take(MAX_TRIES) {
            no.push(outside[at]);
            let next = searches.shortest(&yes, &no, meter)?;
            no.pop();
            match next {
                None => {
                    core.outside.push(at);
                    return Ok(Err(core));
                }
                Some(next) if best.as_ref().is_none_or(|(_, known)| known.len() < next.len()) => {
                    best = Some((at, next));
                }
                Some(_) => {}
            }
        }
        let Some((at, next)) = best else { return Ok(Ok(word)) };
        no.push(outside[at]);
        core.outside.push(at);
        word = next;
    }
}

/// The answer to [`witness`] by what is left when one language after another is taken away, each time as the smallest
/// automaton: a search through all of them at once has a state for every combination of theirs, and what is left is
/// often simple.
pub(super) fn narrow(
    inside: &[&Automaton],
    outside: &[&Automaton],
    within: &[&Automaton],
    meter: &Meter,
) -> Result<Result<Vec<u32>, Core>, Reason> {
    let mut core = Core { inside: (0..inside.len()).collect(), outside: Vec::new() };
    let mut all = inside.iter().chain(within);
    let Some(first) = all.next() else { return Err(Reason::States) };
    let mut left = (*first).clone();
    for other in all {
        left = left.limited_to(other, true, meter)?;
    }
    loop {
        let Some(word) = shortest(&[&left], &[], meter)? else { return Ok(Err(core)) };
        let forbidding = (0..outside.len()).filter(|at| outside[*at].accepts_symbols(&word));
        let Some(at) = forbidding.min_by_key(|at| outside[*at].len()) else { return Ok(Ok(word)) };
        left = left.limited_to(outside[at], false, meter)?;
        core.outside.push(at);
    }
}

/// The symbols of a shortest text in every language of `inside` and in none of `outside`, if there is one.
fn shortest(inside: &[&Automaton], outside: &[&Automaton], meter: &Meter) -> Result<Option<Vec<u32>>, Reason> {
    let parts: Vec<(&Automaton, bool)> =
        inside.iter().map(|part| (*part, true)).chain(outside.iter().map(|part| (*part, false))).collect();
    let alphabets: Vec<&Alphabet> = parts.iter().map(|(part, _)| &part.alphabet).collect();
    let (mut symbols, mut classes) = (Vec::new(), Vec::new());
    if !alphabets.is_empty() {
        for (symbol, each) in Alphabet::joint(&alphabets) {
            symbols.push(symbol);
            classes.extend(each);
        }
    }
    if let Some(each) =
        parts.iter().map(|(part, _)| part.separator.map(|class| class as u32)).collect::<Option<Vec<_>>>()
    {
        symbols.push(SEPARATOR);
        classes.extend(each);
    }
    let mut turns = Turns::new(symbols.len(), &classes, &parts);
    // The state of each part from which it cannot come to what is wanted, if it has one.
    let hopeless: Vec<Option<u32>> = parts.iter().map(|(part, wanted)| part.sink(!wanted)).collect();
    if hopeless.contains(&Some(START)) {
        return Ok(None);
    }
    // The states of all parts are one number, a digit each.
    let mut place = 1_u128;
    let mut places = Vec::with_capacity(parts.len());
    for (part, _) in &parts {
        places.push(place);
        place = place.checked_mul(part.len() as u128).ok_or(Reason::States)?;
    }
    let width = parts.len();
    let mut known: HashSet<u128, FixedState> = HashSet::default();
    // States one after another, each with where it came from and by which symbol.
    let mut states: Vec<u32> = vec![START; width];
    let mut steps: Vec<(usize, u32)> = vec![(usize::MAX, 0)];
    known.insert(0);
    let (mut at, mut state, mut next) = (0, states.clone(), states.clone());
    let mut deciding = Bits::default();
    while at < steps.len() {
        state.copy_from_slice(&states[at * width..(at + 1) * width]);
        if parts.iter().zip(&state).all(|((part, wanted), state)| part.is_accepting(*state) == *wanted) {
            let mut text = Vec::new();
            let mut step = at;
            while let Some((from, symbol)) = steps.get(step).filter(|(from, _)| *from != usize::MAX) {
                text.push(*symbol);
                step = *from;
            }
            text.reverse();
            return Ok(Some(text));
        }
        let mut last = None;
        turns.at(&state, &mut deciding);
        'symbols: for place in deciding.iter() {
            let (symbol, classes) = (&symbols[place], &classes[place * width..(place + 1) * width]);
            let mut key = 0;
            for (part, class) in classes.iter().enumerate() {
                let to = parts[part].0.step(state[part], *class as usize);
                if hopeless[part] == Some(to) {
                    continue 'symbols;
                }
                key += places[part] * u128::from(to);
                next[part] = to;
            }
            // Most symbols lead where the one just before led.
            if last.replace(key) != Some(key) && known.insert(key) {
                meter.state()?;
                states.extend_from_slice(&next);
                steps.push((at, *symbol));
            }
        }
        meter.tick()?;
        at += 1;
    }
    Ok(None)
}

/// Which symbols of a search are worth a look in which state.
///
/// From most states most symbols lead to one and the same, the way back to where nothing is waited for. Of these one
/// stands for all.
struct Turns<'a> {
    parts: Vec<Turning<'a>>,
    symbols: usize,
    words: usize,
}

/// The same of one automaton. Rows have a bit for every symbol.
struct Turning<'a> {
    part: &'a Automaton,
    /// A row for each class: the symbols in it.
    held: Vec<u64>,
    /// How many these are.
    counts: Vec<u32>,
    /// A row for each state that was asked for: the symbols that do not lead where most do.
    turns: Vec<u64>,
    /// Which row is whose; none is made before it is asked for.
    rows: Vec<Option<usize>>,
    /// How many symbols lead to each state; zero between two uses.
    leading: Vec<u32>,
}

impl<'a> Turns<'a> {
    /// `classes` has a row for each symbol, its class in each of `parts`.
    fn new(symbols: usize, classes: &[u32], parts: &[(&'a Automaton, bool)]) -> Self {
        let words = symbols.div_ceil(64);
        let turning = |(at, (part, _)): (usize, &(&'a Automaton, bool))| {
            let part = *part;
            let width = part.row(START).len();
            let (mut held, mut counts) = (vec![0; width * words], vec![0; width]);
            for (symbol, class) in classes.iter().skip(at).step_by(parts.len()).enumerate() {
                held[*class as usize * words + symbol / 64] |= 1 << (symbol % 64);
                counts[*class as usize] += 1;
            }
            let (rows, leading) = (vec![None; part.len()], vec![0; part.len()]);
            Turning { part, held, counts, turns: Vec::new(), rows, leading }
        };
        Self { parts: parts.iter().enumerate().map(turning).collect(), symbols, words }
    }

    /// The symbols that some part turns at in its state, and the first of all others.
    fn at(&mut self, state: &[u32], deciding: &mut Bits) {
        deciding.clear(self.words * 64);
        for (part, state) in self.parts.iter_mut().zip(state) {
            let row = part.row(*state, self.words);
            deciding.0.iter_mut().zip(row).for_each(|(word, row)| *word |= row);
        }
        let other = deciding.0.iter().enumerate().find(|(_, word)| **word != u64::MAX);
        let other = other.map(|(at, word)| at * 64 + word.trailing_ones() as usize);
        if let Some(place) = other.filter(|place| *place < self.symbols) {
            deciding.add(place);
        }
    }
}

impl Turning<'_> {
    fn row(&mut self, state: u32, words: usize) -> &[u64] {
        let row = self.rows[state as usize].unwrap_or_else(|| {
            let nexts = self.part.row(state);
            nexts.iter().zip(&self.counts).for_each(|(next, count)| self.leading[*next as usize] += count);
            let most = nexts.iter().copied().max_by_key(|next| self.leading[*next as usize]);
            nexts.iter().for_each(|next| self.leading[*next as usize] = 0);
            let row = self.turns.len();
            self.turns.resize(row + words, 0);
            for (class, _) in nexts.iter().enumerate().filter(|(_, next)| Some(**next) != most) {
                let held = &self.held[class * words..(class + 1) * words];
                self.turns[row..].iter_mut().zip(held).for_each(|(word, held)| *word |= held);
            }
            self.rows[state as usize] = Some(row);
            row
        });
        &self.turns[row..row + words]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logic::decide::Budget;
    use crate::logic::decide::oracle::{cases, text_set};

    proptest! {
        #![proptest_config(cases(200))]

        /// The two searches agree on whether there is a text, what they find is one, and what they blame is to blame.
        #[test]
        fn taking_away_one_by_one_is_searching_through_all(
            inside in prop::collection::vec(text_set(), 1..4),
            outside in prop::collection::vec(text_set(), 0..7),
            are_lines in any::<bool>(),
        ) {
            let language = |set| {
                let language = Automaton::of_text_set(set, false, &Budget::default()).expect("a small language");
                if are_lines { language.of_joined() } else { language }
            };
            let inside: Vec<Automaton> = inside.iter().map(language).collect();
            let outside: Vec<Automaton> = outside.iter().map(language).collect();
            let within: Vec<Automaton> = are_lines.then(|| Automaton::of_vectors(true)).into_iter().collect();
            let all = [inside.iter().collect::<Vec<_>>(), outside.iter().collect(), within.iter().collect()];
            let [yes, no, within] = &all;
            let meter = Meter::new(&Budget { time: std::time::Duration::from_secs(600), ..Budget::default() });
            let searched = witness(yes, no, within, &mut Searches::default(), &meter).expect("room");
            let narrowed = narrow(yes, no, within, &meter).expect("room");
            prop_assert_eq!(searched.is_ok(), narrowed.is_ok());
            for found in [searched, narrowed] {
                match found {
                    Ok(text) => {
                        prop_assert!(yes.iter().chain(within).all(|language| language.accepts_symbols(&text)));
                        prop_assert!(!no.iter().any(|language| language.accepts_symbols(&text)));
                    }
                    Err(core) => {
                        let inside = core.inside.iter().map(|at| yes[*at]);
                        let yes: Vec<&Automaton> = inside.chain(within.iter().copied()).collect();
                        let no: Vec<&Automaton> = core.outside.iter().map(|at| no[*at]).collect();
                        prop_assert_eq!(shortest(&yes, &no, &meter).expect("room"), None);
                    }
                }
            }
        }
    }
}
