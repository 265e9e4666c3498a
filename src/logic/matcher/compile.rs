//! Formulas into a program: a table of nodes in which equal parts of all formulas are one node.

use std::collections::HashMap;
use std::sync::Arc;

use super::check::{Check, CheckKey};
use super::prefilter::{self, Prefilter};
use super::vector::Options;
use crate::logic::evaluate::Reading;
use crate::logic::formula::{Comparison, Formula, Predicate, Subject, Test};
use crate::logic::option::OptionTest;
use crate::logic::path::Path;
use crate::logic::pattern::Case;

/// A node of the program.
pub(super) type NodeId = u32;
/// A place in events: a node of the tree of all paths.
pub(super) type PlaceId = u32;
/// A compiled predicate.
pub(super) type CheckId = u32;

/// What one node asks. Parts are in the order in which they are tried: cheap ones first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    All(Box<[NodeId]>),
    Any(Box<[NodeId]>),
    AtLeast(usize, Box<[NodeId]>),
    Not(NodeId),
    /// Some object at `at` satisfies `body`, whose places start at `root`.
    Element {
        at: PlaceId,
        root: PlaceId,
        body: NodeId,
    },
    /// Some value at the place satisfies the check.
    Value(PlaceId, CheckId),
    /// Some value anywhere in the event or element, which `root` stands for, satisfies the check.
    Anywhere(PlaceId, CheckId),
    /// The values at the place, taken together, satisfy the check.
    Vector(PlaceId, CheckId),
    /// Some value of the one place compares so with some value of the other.
    Compare(PlaceId, Comparison, PlaceId),
}

/// A step from a place to the next, or the place where paths begin: the event, or an array's element.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// None for a root.
    pub(super) step: Option<(PlaceId, Arc<str>)>,
}

/// Everything that matching needs.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) places: Vec<Place>,
    pub(super) checks: Vec<Check>,
    pub(super) options: Options,
    /// By place, the filter before the checks on it.
    pub(super) prefilters: Vec<Option<Prefilter>>,
}

/// Builds a [`Program`].
#[derive(Debug, Default)]
pub(super) struct Compiler {
    program: Program,
    /// What a node costs, relative to the others: the order in which they are tried.
    costs: Vec<u32>,
    nodes: HashMap<Node, NodeId>,
    steps: HashMap<(PlaceId, Arc<str>), PlaceId>,
    /// The root of the elements at a place.
    roots: HashMap<PlaceId, PlaceId>,
    checks: HashMap<CheckKey, CheckId>,
    /// Literals of checks that need some.
    literals: HashMap<CheckId, Vec<String>>,
}

/// The place that stands for the event itself.
pub(super) const EVENT: PlaceId = 0;

fn id(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Compiler {
    /// The node for one reading of `formula`.
    pub(super) fn add(&mut self, formula: &Formula, reading: Reading) -> NodeId {
        if self.program.places.is_empty() {
            self.program.places.push(Place { step: None });
        }
        self.node(formula, reading, EVENT)
    }

    pub(super) fn finish(mut self) -> Program {
        let mut by_place: Vec<Vec<(CheckId, &[String])>> = vec![Vec::new(); self.program.places.len()];
        for node in &self.program.nodes {
            if let Node::Value(place, check) = node
                && let (Some(checks), Some(needed)) = (by_place.get_mut(*place as usize), self.literals.get(check))
            {
                checks.push((*check, needed));
            }
        }
        self.program.prefilters = by_place.iter().map(|checks| Prefilter::new(checks)).collect();
        self.program
    }

    fn node(&mut self, formula: &Formula, reading: Reading, root: PlaceId) -> NodeId {
        let (node, cost) = match formula {
            Formula::And(parts) => {
                let (parts, cost) = self.parts(parts, reading, root, true);
                if let [one] = *parts {
                    return one;
                }
                (Node::All(parts), cost)
            }
            Formula::Or(parts) => {
                let (parts, cost) = self.parts(parts, reading, root, true);
                if let [one] = *parts {
                    return one;
                }
                (Node::Any(parts), cost)
            }
            Formula::AtLeast { count, of } => {
                let (parts, cost) = self.parts(of, reading, root, false);
                (Node::AtLeast(*count, parts), cost)
            }
            Formula::Not(part) => {
                let part = self.node(part, reading.swapped(), root);
                (Node::Not(part), self.cost(part))
            }
            Formula::Element { path, body } => {
                let at = self.place(root, path);
                let inner = *self.roots.entry(at).or_insert_with(|| {
                    self.program.places.push(Place { step: None });
                    id(self.program.places.len() - 1)
                });
                let body = self.node(body, reading, inner);
                (Node::Element { at, root: inner, body }, self.cost(body).saturating_add(20))
            }
            Formula::Test(test) => self.test(test, reading, root),
        };
        self.intern(node, cost)
    }

    /// The nodes of `parts`, cheapest first. Where parts are not counted, equal ones are one.
    fn parts(&mut self, parts: &[Formula], reading: Reading, root: PlaceId, once: bool) -> (Box<[NodeId]>, u32) {
        let mut nodes: Vec<NodeId> = parts.iter().map(|part| self.node(part, reading, root)).collect();
        nodes.sort_by_key(|node| (self.cost(*node), *node));
        if once {
            nodes.dedup();
        }
        let cost = nodes.iter().fold(1_u32, |sum, node| sum.saturating_add(self.cost(*node)));
        (nodes.into(), cost)
    }

    fn test(&mut self, test: &Test, reading: Reading, root: PlaceId) -> (Node, u32) {
        if let Predicate::Field { op, other } = &test.predicate {
            return match &test.subject {
                Subject::Field(path) => (Node::Compare(self.place(root, path), *op, self.place(root, other)), 3),
                Subject::Anywhere => {
                    let other = self.place(root, other);
                    let check = self.check(CheckKey::Compares(*op, other));
                    (Node::Anywhere(root, check), 60)
                }
            };
        }
        let (key, cost) = match &test.predicate {
            Predicate::Text(set) | Predicate::Encoded(_, set) => {
                let foldings = set.foldings(reading == Reading::May);
                if foldings.len() > 1 {
                    let each = foldings.iter().map(|fold| {
                        let case = if *fold { Case::Insensitive } else { Case::Sensitive };
                        let predicate = match &test.predicate {
                            Predicate::Encoded(encoding, _) => Predicate::Encoded(*encoding, set.in_case(case)),
                            _ => Predicate::Text(set.in_case(case)),
                        };
                        Formula::Test(Test { predicate, ..test.clone() })
                    });
                    let each: Vec<Formula> = each.collect();
                    let (parts, cost) = self.parts(&each, reading, root, true);
                    return (Node::Any(parts), cost);
                }
                let mut any = set.any.to_vec();
                // Not made unique: a group's name that occurs twice makes an expression invalid.
                any.sort();
                let cost = Check::text_cost(&any);
                let folds = foldings == [true];
                match &test.predicate {
                    Predicate::Encoded(encoding, _) => (CheckKey::Encoded { encoding: *encoding, any, folds }, cost),
                    _ => (CheckKey::Text { any, folds }, cost),
                }
            }
            Predicate::Number { op, value } => (CheckKey::Number(*op, *value), 2),
            Predicate::Network(network) => (CheckKey::Network(*network), 3),
            Predicate::Boolean(wanted) => (CheckKey::Boolean(*wanted), 2),
            Predicate::Exists => (CheckKey::Exists, 2),
            Predicate::Option(option) => return self.option(test, option, reading, root),
            Predicate::Field { .. } => (CheckKey::Nothing, 1),
        };
        let check = self.check(key);
        match &test.subject {
            Subject::Field(path) => (Node::Value(self.place(root, path), check), cost),
            Subject::Anywhere => (Node::Anywhere(root, check), cost.saturating_add(60)),
        }
    }

    fn option(&mut self, test: &Test, option: &Arc<OptionTest>, reading: Reading, root: PlaceId) -> (Node, u32) {
        match &test.subject {
            Subject::Field(path) => {
                let check = self.check(CheckKey::Option { test: option.clone(), may: reading == Reading::May });
                let cost = if reading == Reading::May { 40 } else { 12 };
                (Node::Vector(self.place(root, path), check), cost)
            }
            Subject::Anywhere => (Node::Anywhere(root, self.check(CheckKey::Nothing)), 1),
        }
    }

    fn place(&mut self, root: PlaceId, path: &Path) -> PlaceId {
        let mut at = root;
        for segment in path.segments() {
            at = *self.steps.entry((at, segment.clone())).or_insert_with(|| {
                self.program.places.push(Place { step: Some((at, segment.clone())) });
                id(self.program.places.len() - 1)
            });
        }
        at
    }

    fn check(&mut self, key: CheckKey) -> CheckId {
        if let Some(known) = self.checks.get(&key) {
            return *known;
        }
        let check = Check::new(&key, &mut self.program.options);
        self.program.checks.push(check);
        let new = id(self.program.checks.len() - 1);
        if let CheckKey::Text { any, folds } = &key
            && let Some(needed) = prefilter::needed(any, *folds)
        {
            self.literals.insert(new, needed);
        }
        self.checks.insert(key, new);
        new
    }

    fn intern(&mut self, node: Node, cost: u32) -> NodeId {
        if let Some(known) = self.nodes.get(&node) {
            return *known;
        }
        self.program.nodes.push(node.clone());
        self.costs.push(cost);
        let new = id(self.program.nodes.len() - 1);
        self.nodes.insert(node, new);
        new
    }

    fn cost(&self, node: NodeId) -> u32 {
        self.costs.get(node as usize).copied().unwrap_or(u32::MAX)
    }
}
