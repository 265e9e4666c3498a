//! A condition as a boolean skeleton over atoms. Each atom asks one thing of one *group*: the values of a field, fields
//! that follow from each other, the objects of an array. Groups are independent of one another, save for keywords.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use ipnet::IpNet;

use super::meter::Reason;
use super::schema::{Derivation, Kind, Schema};
use super::split::apart;
use crate::logic::encoding::Encoding;
use crate::logic::evaluate::Reading;
use crate::logic::formula::{Comparison, Formula, Number, Predicate, Subject, Test};
use crate::logic::option::OptionTest;
use crate::logic::path::Path;
use crate::logic::pattern::{Case, Pattern, TextSet};

/// A condition whose tests are atoms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Skeleton {
    Atom(usize),
    Not(Box<Skeleton>),
    And(Vec<Skeleton>),
    Or(Vec<Skeleton>),
    AtLeast(usize, Vec<Skeleton>),
}

/// One thing asked of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Atom {
    pub(super) group: usize,
    pub(super) asks: Asks,
}

/// What an atom asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asks {
    /// Some value, seen through a view, is so.
    Value(View, ValueTest),
    /// Some object satisfies a condition of its own.
    Object(Skeleton),
    /// A comparison of two fields: true or false, whatever the fields hold.
    Compare(Path, Comparison, Path),
}

/// What is asked of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ValueTest {
    /// It satisfies one of these patterns, case folded or not. The patterns are sorted.
    Text(Vec<Pattern>, bool),
    /// It matches a whole expression, case folded or not: an option's text in a line.
    Line(String, bool),
    /// What it is spelled as satisfies a test of text.
    Encoded(Encoding, Box<ValueTest>),
    /// It is there.
    Any,
    /// It is a number that compares so.
    Number(Comparison, Number),
    /// It is an address in this network.
    Network(IpNet),
}

/// How an atom sees the variable of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum View {
    /// As it is.
    Itself,
    /// The last segment of the path that it is.
    LastSegment,
    /// The arguments that it is, joined.
    Joined,
    /// Any of the arguments that it is.
    SomeArgument,
}

/// What a group of atoms is about. Paths are absolute; `base` is the objects in which it lies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub(super) base: Path,
    pub(super) about: About,
}

/// Whose values or objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum About {
    /// Every scalar of the event or object.
    Anywhere,
    /// The values of a field.
    Field(Path),
    /// An argument vector and the line it makes.
    Vector(Path),
    /// A path and the field that is its last segment.
    Executable(Path),
    /// The objects at a path.
    Objects(Path),
    /// A comparison of two fields.
    Comparison(usize),
}

/// Which lines an option's own reading is taken to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// All in which it may be given: some are read otherwise by whoever knows which options take a value, and which
    /// programs start others.
    All,
    /// Some in which it is given for certain.
    Certain,
}

/// Atoms, groups and how fields are seen.
#[derive(Debug)]
pub(super) struct Problem<'s> {
    pub(super) schema: &'s Schema,
    pub(super) atoms: Vec<Atom>,
    pub(super) groups: Vec<Group>,
    /// Fields of each group that the condition names, with their views.
    pub(super) named: Vec<BTreeMap<Path, View>>,
    /// Whether an option's own reading is asked for: then vectors are those without blanks in their arguments.
    pub(super) plain_vectors: bool,
    lines: Lines,
    atom_ids: HashMap<Atom, usize, RandomState>,
    group_ids: HashMap<Group, usize, RandomState>,
    scopes: BTreeSet<Path>,
    tested: BTreeSet<Path>,
    vectors: BTreeSet<Path>,
}

impl<'s> Problem<'s> {
    /// Looks at all the formulas that will be compiled, to know which fields and objects they speak of.
    pub(super) fn new<'f>(schema: &'s Schema, lines: Lines, formulas: impl IntoIterator<Item = &'f Formula>) -> Self {
        let mut problem = Self {
            schema,
            atoms: Vec::new(),
            groups: Vec::new(),
            named: Vec::new(),
            plain_vectors: false,
            lines,
            atom_ids: HashMap::default(),
            group_ids: HashMap::default(),
            scopes: BTreeSet::new(),
            tested: BTreeSet::new(),
            vectors: BTreeSet::new(),
        };
        for formula in formulas {
            problem.find_scopes(formula, &root());
            formula.each_test(&mut |path, test| {
                let Some(path) = path else { return };
                problem.tested.insert(path.clone());
                if matches!(test.predicate, Predicate::Option(_)) {
                    problem.vectors.insert(path.clone());
                }
            });
        }
        for derived in &schema.derived {
            let both = problem.tested.contains(&derived.field) && problem.tested.contains(&derived.from);
            if both && derived.how == Derivation::Joined {
                problem.vectors.insert(derived.from.clone());
            }
        }
        problem
    }

    fn find_scopes(&mut self, formula: &Formula, base: &Path) {
        match formula {
            Formula::And(parts) | Formula::Or(parts) | Formula::AtLeast { of: parts, .. } => {
                parts.iter().for_each(|part| self.find_scopes(part, base));
            }
            Formula::Not(part) => self.find_scopes(part, base),
            Formula::Element { path, body } => {
                let here = base.join(path);
                self.find_scopes(body, &here);
                self.scopes.insert(here);
            }
            Formula::Test(_) => {}
        }
    }

    /// The skeleton of a formula in one reading, for events or, below `base`, for objects.
    pub(super) fn compile(&mut self, formula: &Formula, reading: Reading, base: &Path) -> Result<Skeleton, Reason> {
        let mut each = |parts: &[Formula]| -> Result<Vec<Skeleton>, Reason> {
            parts.iter().map(|part| self.compile(part, reading, base)).collect()
        };
        Ok(match formula {
            Formula::And(parts) => Skeleton::And(each(parts)?),
            Formula::Or(parts) => {
                let parts = merge_texts(parts);
                Skeleton::Or(each(&parts)?)
            }
            Formula::AtLeast { count, of } => Skeleton::AtLeast(*count, each(of)?),
            Formula::Not(part) => negation(self.compile(part, reading.swapped(), base)?),
            Formula::Element { path, body } if path.is_empty() => self.compile(body, reading, base)?,
            Formula::Element { path, body } => {
                let here = base.join(path);
                match self.scope_above(base, &here) {
                    Some(scope) => {
                        let rest = Formula::Element { path: below(&here, &scope), body: body.clone() };
                        let inner = self.compile(&rest, reading, &scope)?;
                        self.object(base, scope, inner)
                    }
                    None => {
                        let inner = self.compile(body, reading, &here)?;
                        self.object(base, here, inner)
                    }
                }
            }
            Formula::Test(test) => self.compile_test(test, reading, base)?,
        })
    }

    fn object(&mut self, base: &Path, path: Path, inner: Skeleton) -> Skeleton {
        let group = self.group(base, About::Objects(path));
        self.atom(group, Asks::Object(inner))
    }

    /// The outermost objects between `base` and a field, if the condition speaks of them one by one. A flattened test
    /// says that some object there has such a value.
    fn scope_above(&self, base: &Path, field: &Path) -> Option<Path> {
        let (from, to) = (base.segments().len(), field.segments().len());
        (from + 1..to)
            .filter_map(|length| field.segments().get(..length))
            .map(|segments| Path::from_segments(segments.iter().cloned()))
            .find(|prefix| self.scopes.contains(prefix))
    }

    fn compile_test(&mut self, test: &Test, reading: Reading, base: &Path) -> Result<Skeleton, Reason> {
        let may = reading == Reading::May;
        let path = match &test.subject {
            Subject::Field(path) if path.is_empty() => return Ok(Skeleton::Or(Vec::new())),
            Subject::Field(path) => path,
            Subject::Anywhere => {
                return match &test.predicate {
                    Predicate::Option(_) => Ok(Skeleton::Or(Vec::new())),
                    Predicate::Field { .. } => Err(Reason::beyond("a keyword is compared with a field")),
                    predicate => {
                        let group = self.group(base, About::Anywhere);
                        Ok(self.values(group, View::Itself, value_tests(predicate, may)?))
                    }
                };
            }
        };
        if let Predicate::Field { op, other } = &test.predicate {
            let id = self.groups.len();
            let asks = Asks::Compare(path.clone(), *op, other.clone());
            let known = self.atoms.iter().position(|atom| {
                atom.asks == asks && self.groups.get(atom.group).is_some_and(|group| group.base == *base)
            });
            let compared = known.map(Skeleton::Atom).unwrap_or_else(|| {
                let group = self.group(base, About::Comparison(id));
                self.atom(group, asks)
            });
            // What is compared is there, which a condition may ask for beside it.
            let mut all = vec![compared];
            for path in [path, other] {
                let there =
                    Test { subject: Subject::Field(path.clone()), predicate: Predicate::Exists, ..test.clone() };
                all.push(self.compile_test(&there, reading, base)?);
            }
            return Ok(Skeleton::And(all));
        }
        let field = base.join(path);
        if let Some(scope) = self.scope_above(base, &field) {
            if matches!(test.predicate, Predicate::Option(_)) {
                return Err(Reason::beyond("an option is asked of the arguments of several objects together"));
            }
            let inner = Test { subject: Subject::Field(below(&field, &scope)), ..test.clone() };
            let inner = self.compile_test(&inner, reading, &scope)?;
            return Ok(self.object(base, scope, inner));
        }
        let (about, view) = self.seen(&field);
        let group = self.group(base, about.clone());
        if let Some(named) = self.named.get_mut(group) {
            named.insert(field.clone(), view);
        }
        if let Predicate::Option(option) = &test.predicate {
            return self.option(group, option, may);
        }
        let values = value_tests(&test.predicate, may)?;
        if view != View::Itself && values.iter().any(|value| matches!(value, ValueTest::Number(..))) {
            return Err(Reason::beyond("a number is asked of a field that is text elsewhere in the condition"));
        }
        Ok(self.values(group, view, values))
    }

    /// Some value, seen so, satisfies one of the tests.
    fn values(&mut self, group: usize, view: View, tests: Vec<ValueTest>) -> Skeleton {
        let mut parts: Vec<Skeleton> = Vec::new();
        for test in tests {
            parts.extend(apart(test).iter().map(|part| self.atom(group, Asks::Value(view, part.clone()))));
        }
        if parts.len() == 1 { parts.remove(0) } else { Skeleton::Or(parts) }
    }

    fn option(&mut self, group: usize, option: &Arc<OptionTest>, may: bool) -> Result<Skeleton, Reason> {
        if !option.has_regex() {
            return Err(Reason::beyond("an option's value has conditions that no single expression says"));
        }
        self.plain_vectors |= !may;
        let regex = match self.lines {
            _ if may => option.loose_regex(),
            Lines::All => option.strict_regex(),
            Lines::Certain => option.certain_regex(),
        };
        Ok(self.values(group, View::Joined, vec![ValueTest::Line(regex, option.folds(may))]))
    }

    /// Which group a field belongs to, and how it is seen there.
    fn seen(&self, field: &Path) -> (About, View) {
        if self.vectors.contains(field) {
            return (About::Vector(field.clone()), View::SomeArgument);
        }
        for derived in &self.schema.derived {
            let both = self.tested.contains(&derived.field) && self.tested.contains(&derived.from);
            match derived.how {
                Derivation::Joined if derived.field == *field && self.vectors.contains(&derived.from) => {
                    return (About::Vector(derived.from.clone()), View::Joined);
                }
                Derivation::LastSegment if both && derived.field == *field => {
                    return (About::Executable(derived.from.clone()), View::LastSegment);
                }
                Derivation::LastSegment if both && derived.from == *field => {
                    return (About::Executable(field.clone()), View::Itself);
                }
                _ => {}
            }
        }
        (About::Field(field.clone()), View::Itself)
    }

    fn group(&mut self, base: &Path, about: About) -> usize {
        let group = Group { base: base.clone(), about };
        if let Some(known) = self.group_ids.get(&group) {
            return *known;
        }
        let id = self.groups.len();
        self.groups.push(group.clone());
        self.named.push(BTreeMap::new());
        self.group_ids.insert(group, id);
        id
    }

    fn atom(&mut self, group: usize, asks: Asks) -> Skeleton {
        let atom = Atom { group, asks };
        if let Some(known) = self.atom_ids.get(&atom) {
            return Skeleton::Atom(*known);
        }
        let id = self.atoms.len();
        self.atoms.push(atom.clone());
        self.atom_ids.insert(atom, id);
        Skeleton::Atom(id)
    }

    /// Whether a field or object occurs at most once.
    pub(super) fn is_single(&self, path: &Path) -> bool {
        self.schema.single.contains(path)
    }

    /// The kind of a field's values.
    pub(super) fn kind(&self, path: &Path) -> Option<Kind> {
        self.schema.kinds.get(path).copied()
    }
}

/// The path of the event itself.
pub(super) fn root() -> Path {
    Path::from_segments(std::iter::empty::<Arc<str>>())
}

/// `path` as seen from `head`, which lies above it.
pub(super) fn below(path: &Path, head: &Path) -> Path {
    path.strip_prefix(head).unwrap_or_else(|| path.clone())
}

fn negation(part: Skeleton) -> Skeleton {
    match part {
        Skeleton::Not(inner) => *inner,
        other => Skeleton::Not(Box::new(other)),
    }
}

/// The alternatives with all text tests of one field as one: some value is in `A` or some in `B` is some in `A ∪ B`.
fn merge_texts(parts: &[Formula]) -> Vec<Formula> {
    let mut merged: Vec<Formula> = Vec::new();
    let mut known: HashMap<(&Subject, Case), (usize, Vec<Pattern>), RandomState> = HashMap::default();
    for part in parts {
        if let Formula::Test(Test { subject, predicate: Predicate::Text(set), .. }) = part {
            let (slot, patterns) = known.entry((subject, set.case)).or_insert((merged.len(), Vec::new()));
            patterns.extend(set.any.iter().cloned());
            if *slot < merged.len() {
                continue;
            }
        }
        merged.push(part.clone());
    }
    for ((_, case), (slot, patterns)) in known {
        if let Some(Formula::Test(Test { predicate: Predicate::Text(set), .. })) = merged.get_mut(slot)
            && set.any.len() < patterns.len()
        {
            *set = TextSet::new(patterns, case);
        }
    }
    merged
}

/// What is asked of one value, as tests of which one has to hold.
fn value_tests(predicate: &Predicate, may: bool) -> Result<Vec<ValueTest>, Reason> {
    match predicate {
        Predicate::Text(set) | Predicate::Encoded(_, set) => {
            set.foldings(may).iter().map(|fold| value_test(predicate, *fold)).collect()
        }
        predicate => Ok(vec![value_test(predicate, false)?]),
    }
}

fn text_test(set: &TextSet, fold: bool) -> ValueTest {
    let mut patterns = set.any.to_vec();
    patterns.sort();
    patterns.dedup();
    ValueTest::Text(patterns, fold)
}

fn value_test(predicate: &Predicate, fold: bool) -> Result<ValueTest, Reason> {
    Ok(match predicate {
        Predicate::Text(set) => text_test(set, fold),
        Predicate::Encoded(encoding, set) => ValueTest::Encoded(*encoding, Box::new(text_test(set, fold))),
        Predicate::Number { op, value } => ValueTest::Number(*op, *value),
        Predicate::Network(network) => ValueTest::Network(network.trunc()),
        Predicate::Boolean(wanted) => {
            ValueTest::Text(vec![Pattern::Glob(crate::logic::Glob::equals(wanted.to_string()))], false)
        }
        Predicate::Exists => ValueTest::Any,
        Predicate::Field { .. } | Predicate::Option(_) => {
            return Err(Reason::beyond("a test looks at no single value"));
        }
    })
}
