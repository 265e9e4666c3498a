//! Which states of a deterministic automaton are told apart by some text.
//!
//! Hopcroft's algorithm in the form of Valmari and Lehtinen ("Efficient minimization of DFAs with partial transition
//! functions", 2008): blocks of states and bundles of transitions are split by one another until nothing tells the
//! members of a block apart. Takes n·log n steps for n transitions.

#![expect(clippy::indexing_slicing, reason = "states and transitions are indices made in this file")]

/// States that no text tells apart.
pub(super) struct Blocks {
    /// The block of each state.
    pub(super) of: Vec<u32>,
    /// One state of each block.
    pub(super) members: Vec<u32>,
}

/// The blocks of a complete automaton: `table` has a row of `width` transitions for each state.
///
/// States from which no text is accepted are one block, and what leads there is left out: in most automata that are most
/// of the transitions.
pub(super) fn blocks(width: usize, table: &[u32], accepting: &[bool]) -> Blocks {
    let states = accepting.len();
    let live = live(width, table, accepting);
    let mut blocks = Partition::new(states);
    for is_in in [accepting, &live] {
        is_in.iter().enumerate().filter(|(_, is_in)| **is_in).for_each(|(state, _)| blocks.mark(state));
        blocks.split();
    }
    // Transitions, class by class. Those that read the same class are bundled.
    let (mut from, mut to) = (Vec::new(), Vec::new());
    let mut ends = Vec::with_capacity(width);
    for column in 0..width {
        for (state, row) in table.chunks(width).enumerate() {
            if live[row[column] as usize] {
                from.push(state as u32);
                to.push(row[column]);
            }
        }
        ends.push(from.len() as u32);
    }
    let mut bundles = Partition::of_sets(&ends);
    let incoming = Incoming::new(states, &to);
    let (mut block, mut bundle) = (1, 0);
    while bundle < bundles.len() {
        for transition in bundles.members(bundle) {
            blocks.mark(from[*transition as usize] as usize);
        }
        blocks.split();
        bundle += 1;
        while block < blocks.len() {
            for state in blocks.members(block) {
                incoming.of(*state).iter().for_each(|transition| bundles.mark(*transition as usize));
            }
            bundles.split();
            block += 1;
        }
    }
    let members = (0..blocks.len()).map(|block| blocks.members(block)[0]).collect();
    Blocks { of: blocks.of, members }
}

/// Whether some text leads from each state to an accepting one.
fn live(width: usize, table: &[u32], accepting: &[bool]) -> Vec<bool> {
    let incoming = Incoming::new(accepting.len(), table);
    let mut live = accepting.to_vec();
    let mut pending: Vec<u32> = (0..live.len() as u32).filter(|state| live[*state as usize]).collect();
    while let Some(state) = pending.pop() {
        for transition in incoming.of(state) {
            let from = *transition as usize / width;
            if !std::mem::replace(&mut live[from], true) {
                pending.push(from as u32);
            }
        }
    }
    live
}

/// The transitions into each state, by their places in a list of where transitions lead.
struct Incoming {
    /// One state's after another's.
    transitions: Vec<u32>,
    /// Where those of each state begin.
    starts: Vec<u32>,
}

impl Incoming {
    fn new(states: usize, to: &[u32]) -> Self {
        let mut starts = vec![0_u32; states + 1];
        for state in to {
            starts[*state as usize + 1] += 1;
        }
        for state in 0..states {
            starts[state + 1] += starts[state];
        }
        let mut places = starts.clone();
        let mut transitions = vec![0_u32; to.len()];
        for (transition, state) in to.iter().enumerate() {
            let place = &mut places[*state as usize];
            transitions[*place as usize] = transition as u32;
            *place += 1;
        }
        Self { transitions, starts }
    }

    fn of(&self, state: u32) -> &[u32] {
        &self.transitions[self.starts[state as usize] as usize..self.starts[state as usize + 1] as usize]
    }
}

/// A partition that is refined: members are marked, then every set is split into those marked and the others.
struct Partition {
    /// Members, set by set; the marked ones first.
    order: Vec<u32>,
    /// Where each member stands in `order`.
    place: Vec<u32>,
    /// The set of each member.
    of: Vec<u32>,
    /// Where each set begins and ends, and how many of it are marked.
    sets: Vec<(u32, u32, u32)>,
    /// Sets with marks.
    touched: Vec<u32>,
}

impl Partition {
    /// All of `0..count` in one set.
    fn new(count: usize) -> Self {
        let order: Vec<u32> = (0..count as u32).collect();
        let sets = if count == 0 { Vec::new() } else { vec![(0, count as u32, 0)] };
        Self { place: order.clone(), order, of: vec![0; count], sets, touched: Vec::new() }
    }

    /// Members in their order, of which a set ends at each of `ends`.
    fn of_sets(ends: &[u32]) -> Self {
        let order: Vec<u32> = (0..ends.last().copied().unwrap_or(0)).collect();
        let mut sets = Vec::with_capacity(ends.len());
        let mut of = Vec::with_capacity(order.len());
        let mut first = 0;
        for end in ends {
            of.resize(*end as usize, sets.len() as u32);
            sets.push((first, *end, 0));
            first = *end;
        }
        Self { place: order.clone(), order, of, sets, touched: Vec::new() }
    }

    fn len(&self) -> usize {
        self.sets.len()
    }

    fn members(&self, set: usize) -> &[u32] {
        let (first, past, _) = self.sets[set];
        &self.order[first as usize..past as usize]
    }

    fn mark(&mut self, member: usize) {
        let set = self.of[member];
        let (first, _, marked) = &mut self.sets[set as usize];
        let (from, to) = (self.place[member], *first + *marked);
        if from < to {
            return;
        }
        if *marked == 0 {
            self.touched.push(set);
        }
        *marked += 1;
        let other = self.order[to as usize];
        self.order.swap(from as usize, to as usize);
        self.place[other as usize] = from;
        self.place[member] = to;
    }

    fn split(&mut self) {
        while let Some(set) = self.touched.pop() {
            let (first, past, marked) = &mut self.sets[set as usize];
            let middle = *first + std::mem::take(marked);
            if middle == *past {
                continue;
            }
            // The smaller part is the new set.
            let new = if middle - *first <= *past - middle {
                (std::mem::replace(first, middle), middle, 0)
            } else {
                (middle, std::mem::replace(past, middle), 0)
            };
            let fresh = self.sets.len() as u32;
            for member in &self.order[new.0 as usize..new.1 as usize] {
                self.of[*member as usize] = fresh;
            }
            self.sets.push(new);
        }
    }
}
