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
pub(super) fn blocks(width: usize, table: &[u32], accepting: &[bool]) -> Blocks {
    let states = accepting.len();
    let mut blocks = Partition::new(states);
    for (state, accepts) in accepting.iter().enumerate() {
        if *accepts {
            blocks.mark(state);
        }
    }
    blocks.split();
    // Transitions are their places in the table; those that read the same class are bundled.
    let mut bundles = Partition::columns(states, width);
    // The transitions into each state, one state after another.
    let mut into = vec![0_u32; states + 1];
    for to in table {
        into[*to as usize + 1] += 1;
    }
    for state in 0..states {
        into[state + 1] += into[state];
    }
    let mut places = into.clone();
    let mut incoming = vec![0_u32; table.len()];
    for (transition, to) in table.iter().enumerate() {
        let place = &mut places[*to as usize];
        incoming[*place as usize] = transition as u32;
        *place += 1;
    }
    let (mut block, mut bundle) = (1, 0);
    while bundle < bundles.len() {
        for transition in bundles.members(bundle) {
            blocks.mark(*transition as usize / width);
        }
        blocks.split();
        bundle += 1;
        while block < blocks.len() {
            for state in blocks.members(block) {
                let range = into[*state as usize] as usize..into[*state as usize + 1] as usize;
                incoming[range].iter().for_each(|transition| bundles.mark(*transition as usize));
            }
            bundles.split();
            block += 1;
        }
    }
    let members = (0..blocks.len()).map(|block| blocks.members(block)[0]).collect();
    Blocks { of: blocks.of, members }
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

    /// The places of a table, its columns for sets.
    fn columns(rows: usize, width: usize) -> Self {
        let order: Vec<u32> =
            (0..width).flat_map(|column| (0..rows).map(move |row| (row * width + column) as u32)).collect();
        let mut place = vec![0; order.len()];
        for (at, member) in order.iter().enumerate() {
            place[*member as usize] = at as u32;
        }
        let of = (0..order.len()).map(|at| (at % width) as u32).collect();
        let rows = rows as u32;
        let sets = (0..width as u32).map(|column| (column * rows, (column + 1) * rows, 0)).collect();
        Self { order, place, of, sets, touched: Vec::new() }
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
