//! Formulas: the one type in which parts of the program speak about conditions (DESIGN: *Logic*).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ipnet::IpNet;

use super::encoding::Encoding;
use super::option::OptionTest;
use super::path::Path;
use super::pattern::TextSet;

/// A condition on one event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Formula {
    /// All of them; true when there are none.
    And(Vec<Formula>),
    /// At least one of them; false when there are none.
    Or(Vec<Formula>),
    /// Not this. Swaps *must* and *may*.
    Not(Box<Formula>),
    /// At least `count` of them.
    AtLeast {
        /// How many must hold.
        count: usize,
        /// Of which formulas.
        of: Vec<Formula>,
    },
    /// One single object at `path` satisfies all of `body`, whose paths start at that object.
    Element {
        /// Where the objects are.
        path: Path,
        /// What one of them satisfies.
        body: Box<Formula>,
    },
    /// One test.
    Test(Test),
}

/// A predicate asked of the values of a field: true when **some** value satisfies it, so false without values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Test {
    /// Whose values are asked.
    pub subject: Subject,
    /// What is asked of them.
    pub predicate: Predicate,
    /// Where the author wrote it. Never part of the meaning: two tests from different places are equal.
    pub origin: Origin,
}

impl Test {
    /// Whether `other` is this test with more alternatives: it is true wherever this one is. Seen from what is written; no
    /// does not mean that it is not so.
    pub fn is_within(&self, other: &Self) -> bool {
        self.subject == other.subject
            && match (&self.predicate, &other.predicate) {
                (Predicate::Text(set), Predicate::Text(more)) => set.is_within(more),
                (Predicate::Encoded(spelling, set), Predicate::Encoded(same, more)) => {
                    spelling == same && set.is_within(more)
                }
                (Predicate::Option(option), Predicate::Option(more)) => option.is_within(more),
                (one, other) => one == other,
            }
    }
}

/// Whose values a test asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The values that a path reaches.
    Field(Path),
    /// Every scalar of the event: a keyword without a field.
    Anywhere,
}

/// What is asked of one value; of the whole argument vector for [`Predicate::Option`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Predicate {
    /// The value's text satisfies one of these patterns.
    Text(TextSet),
    /// What the value's text is spelled as satisfies one of these patterns.
    Encoded(Encoding, TextSet),
    /// The value is a number that compares so.
    Number {
        /// How it compares.
        op: Comparison,
        /// With what.
        value: Number,
    },
    /// The value is an IP address in this network.
    Network(IpNet),
    /// The value is this truth value.
    Boolean(bool),
    /// There is a value.
    Exists,
    /// The value compares so with some value of another field: as numbers where both are, else as text.
    Field {
        /// How it compares.
        op: Comparison,
        /// With the values of which field.
        other: Path,
    },
    /// The field is an argument vector on which this option is given.
    Option(Arc<OptionTest>),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// Whether two values whose order is `order` compare so.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }

    /// The usual sign: `=`, `<`, `<=`, `>`, `>=`.
    pub fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

/// A finite number. Whole numbers are written without a fraction.
#[derive(Clone, Copy, Debug)]
pub struct Number(f64);

impl Number {
    /// `value` as a number, unless it is infinite or no number. Minus zero is zero.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(if value == 0.0 { 0.0 } else { value }))
    }

    /// The value.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where a test was written: an index into a table that the maker of the formula keeps. Equal to every other,
/// because a place is no meaning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin(pub Option<u32>);

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Formula {
    /// The formula that every event satisfies.
    pub const TRUE: Formula = Formula::And(Vec::new());
    /// The formula that no event satisfies.
    pub const FALSE: Formula = Formula::Or(Vec::new());

    /// A test of a field, without an origin.
    pub fn test(path: &Path, predicate: Predicate) -> Self {
        Formula::Test(Test { subject: Subject::Field(path.clone()), predicate, origin: Origin::default() })
    }

    /// A conjunction: nested ones are merged, one part stays itself, a false part makes all of it false.
    pub fn and(parts: impl IntoIterator<Item = Formula>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Formula::And(inner) => flat.extend(inner),
                Formula::Or(inner) if inner.is_empty() => return Formula::FALSE,
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Formula::And(flat) }
    }

    /// A disjunction: nested ones are merged, one part stays itself, a true part makes all of it true.
    pub fn or(parts: impl IntoIterator<Item = Formula>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Formula::Or(inner) => flat.extend(inner),
                Formula::And(inner) if inner.is_empty() => return Formula::TRUE,
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Formula::Or(flat) }
    }

    /// A negation: a double one is none.
    #[expect(clippy::should_implement_trait, reason = "`!formula` would hide that this builds a formula")]
    pub fn not(part: Formula) -> Self {
        match part {
            Formula::Not(inner) => *inner,
            Formula::And(parts) if parts.is_empty() => Formula::FALSE,
            Formula::Or(parts) if parts.is_empty() => Formula::TRUE,
            other => Formula::Not(Box::new(other)),
        }
    }

    /// At least `count` of `parts`: `1 of` is a disjunction, all of them a conjunction.
    pub fn at_least(count: usize, parts: Vec<Formula>) -> Self {
        match count {
            0 => Formula::TRUE,
            1 => Formula::or(parts),
            n if n == parts.len() => Formula::and(parts),
            n if n > parts.len() => Formula::FALSE,
            count => Formula::AtLeast { count, of: parts },
        }
    }

    /// A same-element condition.
    pub fn element(path: Path, body: Formula) -> Self {
        Formula::Element { path, body: Box::new(body) }
    }

    /// Calls `visit` with every test and the absolute path of its field (`None` for [`Subject::Anywhere`]).
    pub fn each_test<'f>(&'f self, visit: &mut impl FnMut(Option<&Path>, &'f Test)) {
        fn walk<'f>(formula: &'f Formula, base: Option<&Path>, visit: &mut impl FnMut(Option<&Path>, &'f Test)) {
            match formula {
                Formula::And(parts) | Formula::Or(parts) | Formula::AtLeast { of: parts, .. } => {
                    parts.iter().for_each(|part| walk(part, base, visit));
                }
                Formula::Not(part) => walk(part, base, visit),
                Formula::Element { path, body } => {
                    let here = base.map_or_else(|| path.clone(), |base| base.join(path));
                    walk(body, Some(&here), visit);
                }
                Formula::Test(test) => match (&test.subject, base) {
                    (Subject::Field(path), Some(base)) => visit(Some(&base.join(path)), test),
                    (Subject::Field(path), None) => visit(Some(path), test),
                    (Subject::Anywhere, _) => visit(None, test),
                },
            }
        }
        walk(self, None, visit);
    }

    /// Calls `visit` with the absolute path of every field that is asked, of those that others are compared with, too.
    pub fn each_field(&self, visit: &mut impl FnMut(&Path)) {
        self.each_test(&mut |path, test| {
            let Some(path) = path else { return };
            visit(path);
            if let (Predicate::Field { other, .. }, Subject::Field(own)) = (&test.predicate, &test.subject) {
                // Both stand below the same element, which is what the path has before the test's own.
                let base = path.segments().len().saturating_sub(own.segments().len());
                let base = path.segments().iter().take(base);
                visit(&Path::from_segments(base.chain(other.segments()).cloned()));
            }
        });
    }
}
