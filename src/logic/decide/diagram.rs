//! Reduced ordered binary decision diagrams: the boolean skeleton of a condition.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::meter::{Meter, Reason};

/// A diagram: an index of its top node.
pub(super) type Ref = u32;
/// The diagram that is always false.
pub(super) const FALSE: Ref = 0;
/// The diagram that is always true.
pub(super) const TRUE: Ref = 1;

/// A decision on one variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    /// Variables are decided in ascending order.
    pub(super) variable: u32,
    /// What remains if it is false.
    pub(super) low: Ref,
    /// What remains if it is true.
    pub(super) high: Ref,
}

/// All nodes of several diagrams, each stored once.
#[derive(Debug, Default)]
pub(super) struct Diagrams {
    nodes: Vec<Node>,
    unique: HashMap<Node, Ref, FixedState>,
    choices: HashMap<(Ref, Ref, Ref), Ref, FixedState>,
}

impl Diagrams {
    /// The top node; none for the two constants.
    pub(super) fn node(&self, diagram: Ref) -> Option<Node> {
        self.nodes.get((diagram as usize).checked_sub(2)?).copied()
    }

    /// Decisions that make the diagram true, the variables that have no say left out; none if nothing does. False is
    /// preferred, so that an event has no more in it than it takes.
    pub(super) fn way(&self, diagram: Ref) -> Option<Vec<(u32, bool)>> {
        let mut way = Vec::new();
        let mut at = diagram;
        while let Some(node) = self.node(at) {
            // Every diagram but the false one can be made true.
            let holds = node.low == FALSE;
            way.push((node.variable, holds));
            at = if holds { node.high } else { node.low };
        }
        (at == TRUE).then_some(way)
    }

    pub(super) fn variable(&mut self, variable: u32, meter: &Meter) -> Result<Ref, Reason> {
        self.make(Node { variable, low: FALSE, high: TRUE }, meter)
    }

    pub(super) fn not(&mut self, part: Ref, meter: &Meter) -> Result<Ref, Reason> {
        self.choose(part, FALSE, TRUE, meter)
    }

    pub(super) fn and(&mut self, left: Ref, right: Ref, meter: &Meter) -> Result<Ref, Reason> {
        self.choose(left, right, FALSE, meter)
    }

    pub(super) fn or(&mut self, left: Ref, right: Ref, meter: &Meter) -> Result<Ref, Reason> {
        self.choose(left, TRUE, right, meter)
    }

    /// At least `count` of `parts`.
    pub(super) fn at_least(&mut self, count: usize, parts: &[Ref], meter: &Meter) -> Result<Ref, Reason> {
        if count > parts.len() {
            return Ok(FALSE);
        }
        // After the parts seen so far: what is left to show if `needed` more have to hold.
        let mut rows: Vec<Ref> = (0..=count).map(|needed| if needed == 0 { TRUE } else { FALSE }).collect();
        for part in parts.iter().rev() {
            let mut next = Vec::with_capacity(rows.len());
            next.push(TRUE);
            for pair in rows.windows(2) {
                if let [fewer, same] = pair {
                    next.push(self.choose(*part, *fewer, *same, meter)?);
                }
            }
            rows = next;
        }
        Ok(rows.last().copied().unwrap_or(TRUE))
    }

    /// `then` where `condition` holds, `otherwise` elsewhere.
    fn choose(&mut self, condition: Ref, then: Ref, otherwise: Ref, meter: &Meter) -> Result<Ref, Reason> {
        match (condition, then, otherwise) {
            (TRUE, ..) => return Ok(then),
            (FALSE, ..) => return Ok(otherwise),
            (_, TRUE, FALSE) => return Ok(condition),
            _ if then == otherwise => return Ok(then),
            _ => {}
        }
        let key = (condition, then, otherwise);
        if let Some(known) = self.choices.get(&key) {
            return Ok(*known);
        }
        let tops = [condition, then, otherwise].map(|part| self.node(part));
        let Some(variable) = tops.iter().flatten().map(|node| node.variable).min() else { return Ok(FALSE) };
        let cofactor = |part: Ref, top: Option<Node>, value: bool| match top {
            Some(node) if node.variable == variable => {
                if value {
                    node.high
                } else {
                    node.low
                }
            }
            _ => part,
        };
        let [c, t, o] = tops;
        let low =
            self.choose(cofactor(condition, c, false), cofactor(then, t, false), cofactor(otherwise, o, false), meter)?;
        let high =
            self.choose(cofactor(condition, c, true), cofactor(then, t, true), cofactor(otherwise, o, true), meter)?;
        let made = self.make(Node { variable, low, high }, meter)?;
        self.choices.insert(key, made);
        Ok(made)
    }

    fn make(&mut self, node: Node, meter: &Meter) -> Result<Ref, Reason> {
        if node.low == node.high {
            return Ok(node.low);
        }
        if let Some(known) = self.unique.get(&node) {
            return Ok(*known);
        }
        meter.node()?;
        self.nodes.push(node);
        let made = self.nodes.len() as Ref + 1;
        self.unique.insert(node, made);
        Ok(made)
    }
}
