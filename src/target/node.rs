//! A condition on its way into a target: what can be said, and around every part that cannot, what comes closest from
//! inside and from outside.

use std::fmt;

use crate::detection::Deviation;
use crate::logic::{Formula, Origin, Path, Pattern, Predicate, Subject};

/// A condition over a target's fields.
#[derive(Clone, Debug)]
pub enum Node {
    /// All of them.
    And(Vec<Node>),
    /// At least one of them.
    Or(Vec<Node>),
    /// Not this.
    Not(Box<Node>),
    /// At least `count` of them.
    AtLeast {
        /// How many must hold.
        count: usize,
        /// Of which.
        of: Vec<Node>,
    },
    /// Tests that the target has words for, as far as is known. Their origin is the leaf's number.
    Leaf {
        /// The leaf's number in its condition.
        id: u32,
        /// The tests.
        formula: Formula,
        /// The test as the author wrote it, for reports.
        written: Written,
        /// Where the author wrote it.
        origin: Origin,
    },
    /// A part that cannot be said.
    Hole(Box<Hole>),
}

/// A part that cannot be said, between two that can.
#[derive(Clone, Debug)]
pub struct Hole {
    /// Why.
    pub reason: String,
    /// What the author wrote.
    pub written: Written,
    /// Where.
    pub origin: Origin,
    /// Holds for no event that the part does not hold for.
    pub lower: Node,
    /// Holds for every event that the part holds for.
    pub upper: Node,
}

/// A part of a condition as its author wrote it. It is put into words only where somebody reads them.
#[derive(Clone, Debug)]
pub enum Written {
    /// A test.
    Test(Subject, Predicate),
    /// A condition on one object at a path.
    Element(Path),
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Written::Test(Subject::Field(path), predicate) => write!(f, "{path} {}", shown(predicate)),
            Written::Test(Subject::Anywhere, predicate) => write!(f, "keywords {}", shown(predicate)),
            Written::Element(path) => write!(f, "{path}: {{ … }}"),
        }
    }
}

/// A predicate in a few words.
pub fn shown(predicate: &Predicate) -> String {
    const MOST: usize = 4;
    match predicate {
        Predicate::Encoded(encoding, set) => {
            format!("in {} encoding {}", encoding.name(), shown(&Predicate::Text(set.clone())))
        }
        Predicate::Text(set) => {
            let mut patterns: Vec<String> = set.any.iter().take(MOST).map(Pattern::to_string).collect();
            if set.any.len() > MOST {
                patterns.push(format!("… ({} in all)", set.any.len()));
            }
            format!("= {}", patterns.join(", "))
        }
        Predicate::Number { op, value } => format!("{} {value}", op.sign()),
        Predicate::Network(network) => format!("in {network}"),
        Predicate::Boolean(value) => format!("= {value}"),
        Predicate::Exists => "exists".to_owned(),
        Predicate::Field { op, other } => format!("{} field {other}", op.sign()),
        Predicate::Option(option) => format!("option {}", option.names.join(", ")),
    }
}

/// A part of a condition that a rule does not say.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Loss {
    /// What the author wrote.
    pub part: String,
    /// Why it cannot be said.
    pub reason: String,
    /// Where it was written.
    #[serde(skip)]
    pub origin: Origin,
}

impl Node {
    /// True of every event.
    pub const TRUE: Node = Node::And(Vec::new());
    /// True of none.
    pub const FALSE: Node = Node::Or(Vec::new());

    /// A hole with nothing known about it: no event for certain, and any event maybe.
    pub fn unknown(written: Written, reason: impl Into<String>) -> Self {
        Node::hole(written, reason, Node::FALSE, Node::TRUE)
    }

    /// A hole between two conditions.
    pub fn hole(written: Written, reason: impl Into<String>, lower: Node, upper: Node) -> Self {
        let origin = Origin::default();
        Node::Hole(Box::new(Hole { reason: reason.into(), written, origin, lower, upper }))
    }

    /// The same, written at `origin`, except for parts of which it is known already.
    pub fn at(mut self, origin: Origin) -> Self {
        self.set_origin(origin);
        self
    }

    fn set_origin(&mut self, origin: Origin) {
        match self {
            Node::And(parts) | Node::Or(parts) | Node::AtLeast { of: parts, .. } => {
                parts.iter_mut().for_each(|part| part.set_origin(origin));
            }
            Node::Not(part) => part.set_origin(origin),
            Node::Leaf { origin: here, .. } => here.0 = here.0.or(origin.0),
            Node::Hole(hole) => {
                hole.origin.0 = hole.origin.0.or(origin.0);
                hole.lower.set_origin(origin);
                hole.upper.set_origin(origin);
            }
        }
    }

    /// The condition as a formula. Every hole is filled from the side that `accept` allows, and recorded in `losses`;
    /// without an `accept` the formula means nothing once there is a loss.
    pub fn resolve(&self, accept: Option<Deviation>, losses: &mut Vec<Loss>) -> Formula {
        self.resolve_part(true, accept, losses)
    }

    fn resolve_part(&self, positive: bool, accept: Option<Deviation>, losses: &mut Vec<Loss>) -> Formula {
        let mut all = |parts: &[Node]| -> Vec<Formula> {
            parts.iter().map(|part| part.resolve_part(positive, accept, losses)).collect()
        };
        match self {
            Node::And(parts) => Formula::and(all(parts)),
            Node::Or(parts) => Formula::or(all(parts)),
            Node::AtLeast { count, of } => {
                let (mut count, mut rest) = (*count, Vec::new());
                for part in all(of) {
                    match part {
                        part if part == Formula::TRUE => count = count.saturating_sub(1),
                        part if part == Formula::FALSE => {}
                        part => rest.push(part),
                    }
                }
                Formula::at_least(count, rest)
            }
            Node::Not(part) => Formula::not(part.resolve_part(!positive, accept, losses)),
            Node::Leaf { formula, .. } => formula.clone(),
            Node::Hole(hole) => {
                let loss = Loss { part: hole.written.to_string(), reason: hole.reason.clone(), origin: hole.origin };
                if !losses.contains(&loss) {
                    losses.push(loss);
                }
                match accept {
                    None => Formula::FALSE,
                    Some(deviation) if (deviation == Deviation::Narrower) == positive => {
                        hole.lower.resolve_part(positive, accept, losses)
                    }
                    Some(_) => hole.upper.resolve_part(positive, accept, losses),
                }
            }
        }
    }

    /// Calls `visit` with every leaf, its part as written and its place; of holes with those that hold for less.
    pub fn each_leaf<'n>(&'n self, visit: &mut impl FnMut(u32, &'n Formula, &'n Written, Origin)) {
        match self {
            Node::And(parts) | Node::Or(parts) | Node::AtLeast { of: parts, .. } => {
                parts.iter().for_each(|part| part.each_leaf(visit));
            }
            Node::Not(part) => part.each_leaf(visit),
            Node::Leaf { id, formula, written, origin } => visit(*id, formula, written, *origin),
            Node::Hole(hole) => hole.lower.each_leaf(visit),
        }
    }

    /// Calls `visit` with every leaf, those of holes included.
    pub fn each_leaf_of_all(&self, visit: &mut impl FnMut(u32, &Formula)) {
        match self {
            Node::And(parts) | Node::Or(parts) | Node::AtLeast { of: parts, .. } => {
                parts.iter().for_each(|part| part.each_leaf_of_all(visit));
            }
            Node::Not(part) => part.each_leaf_of_all(visit),
            Node::Leaf { id, formula, .. } => visit(*id, formula),
            Node::Hole(hole) => {
                hole.lower.each_leaf_of_all(visit);
                hole.upper.each_leaf_of_all(visit);
            }
        }
    }

    /// Replaces every leaf that `replace` has something for, in holes too.
    pub fn replace_leaves(&mut self, replace: &mut impl FnMut(u32, &Formula, &Written) -> Option<Node>) {
        match self {
            Node::And(parts) | Node::Or(parts) | Node::AtLeast { of: parts, .. } => {
                parts.iter_mut().for_each(|part| part.replace_leaves(replace));
            }
            Node::Not(part) => part.replace_leaves(replace),
            Node::Leaf { id, formula, written, origin } => {
                if let Some(node) = replace(*id, formula, written) {
                    *self = node.at(*origin);
                }
            }
            Node::Hole(hole) => {
                hole.lower.replace_leaves(replace);
                hole.upper.replace_leaves(replace);
            }
        }
    }
}

/// `formula` with every test's origin set to `id`.
pub fn numbered(formula: Formula, id: u32) -> Formula {
    match formula {
        Formula::And(parts) => Formula::And(parts.into_iter().map(|part| numbered(part, id)).collect()),
        Formula::Or(parts) => Formula::Or(parts.into_iter().map(|part| numbered(part, id)).collect()),
        Formula::Not(part) => Formula::Not(Box::new(numbered(*part, id))),
        Formula::AtLeast { count, of } => {
            Formula::AtLeast { count, of: of.into_iter().map(|part| numbered(part, id)).collect() }
        }
        Formula::Element { path, body } => Formula::Element { path, body: Box::new(numbered(*body, id)) },
        Formula::Test(mut test) => {
            test.origin = Origin(Some(id));
            Formula::Test(test)
        }
    }
}

/// The names of the target's fields that `formula` asks, each once, in their order.
pub fn field_names(formula: &Formula) -> Vec<String> {
    let mut names = Vec::new();
    formula.each_test(&mut |_, test| {
        if let Subject::Field(path) = &test.subject {
            let name = path.dotted();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    });
    names
}
