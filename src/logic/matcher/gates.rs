//! Which formulas an event can satisfy at all: most formulas need one of a few literals in some field, and of many
//! formulas few find one in an event. Only those are asked, and those that need none.

use std::collections::HashMap;

use super::compile::{Node, NodeId, PlaceId, Program};
use crate::logic::bits::Bits;

/// Literals at places, of which an event that satisfies a formula has one.
type Cover = Vec<(PlaceId, usize)>;

/// How many literals one formula may wait for.
const MOST: usize = 1000;
/// A literal of this length is as rare as a longer one.
const RARE: usize = 8;

/// The literals that formulas wait for.
#[derive(Debug, Default)]
pub(super) struct Gates {
    /// The places to look at, each with the formulas that wait for each of its literals.
    pub(super) places: Vec<(PlaceId, Vec<Vec<usize>>)>,
    /// The formulas that wait for none.
    pub(super) open: Bits,
}

impl Gates {
    /// `formulas` are the nodes of each: an event that satisfies one of them has to come through.
    pub(super) fn new(program: &Program, formulas: &[Vec<NodeId>]) -> Self {
        let mut gates = Gates::default();
        gates.open.clear(formulas.len());
        let mut known = HashMap::new();
        let mut waiting: HashMap<PlaceId, Vec<Vec<usize>>> = HashMap::new();
        for (formula, nodes) in formulas.iter().enumerate() {
            let covers: Option<Vec<Cover>> = nodes.iter().map(|node| cover(program, *node, &mut known)).collect();
            let Some(covers) = covers else {
                gates.open.add(formula);
                continue;
            };
            for (place, literal) in covers.into_iter().flatten() {
                let literals = waiting.entry(place).or_default();
                if literals.len() <= literal {
                    literals.resize(literal + 1, Vec::new());
                }
                if let Some(formulas) = literals.get_mut(literal).filter(|known| known.last() != Some(&formula)) {
                    formulas.push(formula);
                }
            }
        }
        gates.places = waiting.into_iter().collect();
        gates
    }
}

/// The literals of which an event that satisfies a node has one; none if it may have none.
fn cover(program: &Program, id: NodeId, known: &mut HashMap<NodeId, Option<Cover>>) -> Option<Cover> {
    if let Some(known) = known.get(&id) {
        return known.clone();
    }
    let found = match program.nodes.get(id as usize)? {
        Node::Value(place, check) => {
            let need = program.prefilters.get(*place as usize)?.as_ref().and_then(|filter| filter.need(*check));
            need.map(|literals| literals.iter().map(|literal| (*place, *literal)).collect())
        }
        Node::All(parts) => {
            let covers = parts.iter().filter_map(|part| cover(program, *part, known));
            covers.min_by_key(|cover| (std::cmp::Reverse(rarity(program, cover)), cover.len()))
        }
        Node::Any(parts) => together(program, parts, known),
        Node::AtLeast(1.., parts) => together(program, parts, known),
        _ => None,
    };
    known.insert(id, found.clone());
    found
}

fn together(program: &Program, parts: &[NodeId], known: &mut HashMap<NodeId, Option<Cover>>) -> Option<Cover> {
    let mut all = Cover::new();
    for part in parts {
        all.extend(cover(program, *part, known)?);
    }
    all.sort_unstable();
    all.dedup();
    (all.len() <= MOST).then_some(all)
}

/// How seldom one of the literals is found, judged by the shortest.
fn rarity(program: &Program, cover: &Cover) -> usize {
    let length = |(place, literal): &(PlaceId, usize)| {
        let filter = program.prefilters.get(*place as usize)?.as_ref()?;
        filter.literals().get(*literal).map(|text| text.len().min(RARE))
    };
    cover.iter().map(|one| length(one).unwrap_or_default()).min().unwrap_or(RARE)
}
