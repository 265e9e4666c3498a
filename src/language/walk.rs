//! The one walk over a formula that all printers share. A language brings a [`Dialect`]; this file knows the rest:
//! which parts are joined how, where a negation goes, and how alternatives on one field come together.

use std::borrow::Cow;

use crate::logic::{Formula, Origin, Path, Predicate, Subject, Test, TextSet};

use super::Gap;
use super::fields::{FieldTable, FieldType};
use super::fragment::{Fragment, Strength};
use super::regex::{Asked, Expressions};

/// Lines longer than this are broken at their operators.
pub(super) const WIDTH: usize = 100;

/// How deeply a formula may nest before it is refused.
const DEPTH: usize = 200;

/// How many conjunctions "at least N of" may come to.
const COMBINATIONS: usize = 64;

/// The operators of a language.
pub(super) struct Words {
    /// Conjunction, and how strongly it binds.
    pub and: (&'static str, Strength),
    /// Disjunction, and how strongly it binds.
    pub or: (&'static str, Strength),
    /// Negation, with the blank after it, and how strongly it binds.
    pub not: (&'static str, Strength),
    /// What every event satisfies, if the language has such a word.
    pub truth: Option<&'static str>,
    /// What no event satisfies.
    pub falsehood: Option<&'static str>,
}

/// A field as a test names it.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// Its name in the target.
    pub name: &'a str,
    /// Its type, if the target's table knows it.
    pub kind: Option<FieldType>,
    /// The types of the others, for comparisons of fields.
    pub table: &'a FieldTable,
    /// Where expressions are printed.
    pub expressions: &'a Expressions,
}

/// Why a test cannot be printed, in words.
pub(super) type Refusal = String;

/// What differs between query languages whose conditions are operators over tests.
pub(super) trait Dialect {
    /// The language's name in messages.
    fn name(&self) -> &'static str;
    /// Its operators.
    fn words(&self) -> &'static Words;
    /// A test of a field.
    fn test(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal>;
    /// Whether `not` in front of such a test is true for exactly the events for which the test is not.
    ///
    /// Where it is not so, negations are pushed inwards, up to [`Dialect::negated`].
    fn negates_plainly(&self, _field: Field<'_>, _predicate: &Predicate) -> bool {
        true
    }
    /// The negation of a test for which [`Dialect::negates_plainly`] is false.
    fn negated(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal> {
        Ok(negation(self.words(), self.test(field, predicate)?))
    }
    /// A test of every value of the event.
    fn anywhere(&self, _predicate: &Predicate) -> Result<Fragment, Refusal> {
        Err(format!("{} cannot look for text in every field of an event", self.name()))
    }
}

/// `not` in front of a fragment.
pub(super) fn negation(words: &Words, part: Fragment) -> Fragment {
    Fragment::prefix(words.not.0, part, words.not.1)
}

/// `parts`, of which one has to hold.
pub(super) fn either(words: &Words, parts: Vec<Fragment>) -> Fragment {
    Fragment::join(parts, words.or.0, words.or.1)
}

/// `parts`, all of which have to hold.
pub(super) fn both(words: &Words, parts: Vec<Fragment>) -> Fragment {
    Fragment::join(parts, words.and.0, words.and.1)
}

/// Prints a formula in a dialect; everything that it cannot say is in the error.
pub(super) fn print(
    dialect: &dyn Dialect,
    formula: &Formula,
    fields: &FieldTable,
    expressions: &Expressions,
) -> Result<Fragment, Vec<Gap>> {
    // A single test, of which it is often asked whether it can be said, is as printers want it.
    let formula = match formula {
        Formula::Test(_) => Cow::Borrowed(formula),
        formula => Cow::Owned(prepare(dialect.name(), formula).map_err(|gap| vec![gap])?),
    };
    let mut walk = Walk { dialect, fields, expressions, gaps: Vec::new() };
    match walk.formula(&formula, false) {
        Some(fragment) if walk.gaps.is_empty() => Ok(fragment),
        _ => Err(walk.gaps),
    }
}

struct Walk<'a> {
    dialect: &'a dyn Dialect,
    fields: &'a FieldTable,
    expressions: &'a Expressions,
    gaps: Vec<Gap>,
}

impl Walk<'_> {
    /// The fragment of a formula or of its negation; `None` if some part of it is a gap.
    fn formula(&mut self, formula: &Formula, negate: bool) -> Option<Fragment> {
        let words = self.dialect.words();
        match (formula, negate) {
            (Formula::And(parts), false) | (Formula::Or(parts), true) if parts.is_empty() => self.constant(true),
            (Formula::Or(parts), false) | (Formula::And(parts), true) if parts.is_empty() => self.constant(false),
            (Formula::And(parts), false) | (Formula::Or(parts), true) => Some(both(words, self.each(parts, negate)?)),
            (Formula::Or(parts), false) | (Formula::And(parts), true) => Some(either(words, self.each(parts, negate)?)),
            (Formula::Not(part), true) => self.formula(part, false),
            (Formula::Not(part), false) => {
                if matches!(**part, Formula::Test(_)) || !self.negates_plainly(part) {
                    return self.formula(part, true);
                }
                let part = self.formula(part, false)?;
                Some(negation(words, part))
            }
            (Formula::Test(test), negate) => self.test(test, negate),
            (Formula::Element { path, .. }, _) => {
                let name = self.dialect.name();
                self.gap(
                    Origin::default(),
                    format!(
                        "{name} cannot say that one and the same element of `{}` satisfies several tests",
                        path.dotted()
                    ),
                )
            }
            (Formula::AtLeast { .. }, _) => {
                self.gap(Origin::default(), "too many combinations to write out".to_owned())
            }
        }
    }

    /// All parts, so that every gap is found.
    fn each(&mut self, parts: &[Formula], negate: bool) -> Option<Vec<Fragment>> {
        let printed: Vec<_> = parts.iter().map(|part| self.formula(part, negate)).collect();
        printed.into_iter().collect()
    }

    fn constant(&mut self, truth: bool) -> Option<Fragment> {
        let words = self.dialect.words();
        match if truth { words.truth } else { words.falsehood } {
            Some(word) => Some(Fragment::new(word, words.not.1)),
            None => {
                let which = if truth { "every event satisfies" } else { "no event satisfies" };
                self.gap(Origin::default(), format!("{} has no word for what {which}", self.dialect.name()))
            }
        }
    }

    fn test(&mut self, test: &Test, negate: bool) -> Option<Fragment> {
        let dialect = self.dialect;
        let printed = match &test.subject {
            Subject::Anywhere => dialect.anywhere(&test.predicate).map(|part| match negate {
                true => negation(dialect.words(), part),
                false => part,
            }),
            Subject::Field(path) => {
                let name = path.dotted();
                let field = self.field(&name);
                match &test.predicate {
                    // A single pattern is printed as quickly as it is found again.
                    Predicate::Text(set) if set.any.len() > 1 => {
                        let asked = Asked { dialect: dialect.name(), field: name.clone(), kind: field.kind, negate };
                        self.expressions.test(asked, set, || print_test(dialect, field, &test.predicate, negate))
                    }
                    predicate => print_test(dialect, field, predicate, negate),
                }
            }
        };
        match printed {
            Ok(fragment) => Some(fragment),
            Err(reason) => self.gap(test.origin, reason),
        }
    }

    fn field<'n>(&'n self, name: &'n str) -> Field<'n> {
        Field { name, kind: self.fields.get(name), table: self.fields, expressions: self.expressions }
    }

    fn negates_plainly(&self, formula: &Formula) -> bool {
        let mut plainly = true;
        formula.each_test(&mut |path, test| {
            if let Some(path) = path {
                let name = path.dotted();
                let field = self.field(&name);
                plainly &= self.dialect.negates_plainly(field, &test.predicate);
            }
        });
        plainly
    }

    fn gap(&mut self, origin: Origin, reason: String) -> Option<Fragment> {
        let gap = Gap { origin, reason };
        // Two gaps of one reason are worth two lines only if they are in two places of the detection.
        if !self.gaps.iter().any(|known| known.reason == gap.reason && known.origin.0 == gap.origin.0) {
            self.gaps.push(gap);
        }
        None
    }
}

/// A test of a field, or its negation.
fn print_test(
    dialect: &dyn Dialect,
    field: Field<'_>,
    predicate: &Predicate,
    negate: bool,
) -> Result<Fragment, Refusal> {
    if !negate {
        dialect.test(field, predicate)
    } else if dialect.negates_plainly(field, predicate) {
        dialect.test(field, predicate).map(|part| negation(dialect.words(), part))
    } else {
        dialect.negated(field, predicate)
    }
}

/// The same formula in the shape that printers want: neighbouring alternatives on one field in one test, "at least
/// N of" written out.
pub(super) fn prepare(language: &str, formula: &Formula) -> Result<Formula, Gap> {
    let refuse = |reason: String| Gap { origin: Origin::default(), reason };
    prepare_to(formula, DEPTH, &|reason| refuse(format!("{language} would need {reason}")))
}

fn prepare_to(formula: &Formula, depth: usize, refuse: &dyn Fn(&str) -> Gap) -> Result<Formula, Gap> {
    let Some(depth) = depth.checked_sub(1) else { return Err(refuse("a condition nested too deeply to be read")) };
    let each = |parts: &[Formula]| -> Result<Vec<Formula>, Gap> {
        parts.iter().map(|part| prepare_to(part, depth, refuse)).collect()
    };
    Ok(match formula {
        Formula::And(parts) => Formula::and(each(parts)?),
        Formula::Or(parts) => Formula::or(merge_alternatives(each(parts)?)),
        Formula::Not(part) => Formula::not(prepare_to(part, depth, refuse)?),
        Formula::AtLeast { count, of } => {
            let combinations = combinations(*count, of.len());
            if combinations > COMBINATIONS {
                return Err(refuse(&format!("{combinations} combinations for \"{count} of {}\"", of.len())));
            }
            let parts = each(of)?;
            Formula::or(merge_alternatives(choose(*count, &parts).into_iter().map(Formula::and).collect()))
        }
        Formula::Element { path, body } => Formula::element(path.clone(), prepare_to(body, depth, refuse)?),
        Formula::Test(test) => Formula::Test(test.clone()),
    })
}

/// Neighbours that ask for text of the same field, in the same case, become one test with more alternatives.
fn merge_alternatives(parts: Vec<Formula>) -> Vec<Formula> {
    let mut merged: Vec<Formula> = Vec::new();
    for part in parts {
        if let (Some(Formula::Test(before)), Formula::Test(test)) = (merged.last_mut(), &part)
            && before.subject == test.subject
            && let (Predicate::Text(known), Predicate::Text(set)) = (&before.predicate, &test.predicate)
            && known.case == set.case
        {
            let mut any = known.any.to_vec();
            any.extend(set.any.iter().filter(|pattern| !known.any.contains(pattern)).cloned());
            before.predicate = Predicate::Text(TextSet::new(any, known.case));
            continue;
        }
        merged.push(part);
    }
    merged
}

/// How many ways there are to choose `count` of `all`, or a great many.
fn combinations(count: usize, all: usize) -> usize {
    if count > all {
        return 0;
    }
    let mut ways: usize = 1;
    for i in 0..count.min(all - count) {
        ways = match ways.checked_mul(all - i) {
            Some(product) => product / (i + 1),
            None => return usize::MAX,
        };
    }
    ways
}

/// Every choice of `count` of `parts`, in their order.
fn choose(count: usize, parts: &[Formula]) -> Vec<Vec<Formula>> {
    match (count, parts.split_first()) {
        (0, _) => vec![Vec::new()],
        (_, None) => Vec::new(),
        (count, Some((first, rest))) => {
            let mut with = choose(count - 1, rest);
            for choice in &mut with {
                choice.insert(0, first.clone());
            }
            with.extend(choose(count, rest));
            with
        }
    }
}

/// The formula with every same-element condition in its flattened form, where each test may be satisfied by another
/// element. For a positive condition this matches more; a caller has to own up to that.
pub fn flatten(formula: &Formula) -> Formula {
    fn under(base: Option<&str>, formula: &Formula) -> Formula {
        let each = |parts: &[Formula]| parts.iter().map(|part| under(base, part)).collect::<Vec<_>>();
        let absolute = |path: &Path| match base {
            Some(base) => Path::from_segments([format!("{base}.{}", path.dotted())]),
            None => path.clone(),
        };
        match formula {
            Formula::And(parts) => Formula::and(each(parts)),
            Formula::Or(parts) => Formula::or(each(parts)),
            Formula::Not(part) => Formula::not(under(base, part)),
            Formula::AtLeast { count, of } => Formula::at_least(*count, each(of)),
            Formula::Element { path, body } => under(Some(&absolute(path).dotted()), body),
            Formula::Test(test) => {
                let mut test = test.clone();
                if let Subject::Field(path) = &test.subject {
                    test.subject = Subject::Field(absolute(path));
                }
                if let Predicate::Field { op, other } = &test.predicate {
                    test.predicate = Predicate::Field { op: *op, other: absolute(other) };
                }
                Formula::Test(test)
            }
        }
    }
    under(None, formula)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::Case;

    fn test(field: &str, value: &str) -> Formula {
        Formula::test(&Path::from_segments([field]), Predicate::Text(TextSet::equals(value, Case::Either)))
    }

    #[test]
    fn at_least_is_written_out_while_it_is_small() {
        let of: Vec<Formula> = ["a", "b", "c"].iter().map(|field| test(field, "x")).collect();
        let two = prepare("KQL", &Formula::AtLeast { count: 2, of: of.clone() });
        let pair = |i: usize, j: usize| Formula::and([of[i].clone(), of[j].clone()]);
        assert_eq!(two, Ok(Formula::or([pair(0, 1), pair(0, 2), pair(1, 2)])));
        let many: Vec<Formula> = (0..40).map(|i| test(&format!("f{i}"), "x")).collect();
        assert!(prepare("KQL", &Formula::AtLeast { count: 20, of: many }).is_err());
        assert_eq!(prepare("KQL", &Formula::AtLeast { count: 4, of }), Ok(Formula::FALSE));
    }

    #[test]
    fn neighbouring_alternatives_come_together_and_order_is_kept() {
        let formula = Formula::or([test("a", "x"), test("a", "y"), test("b", "z"), test("a", "w")]);
        let Ok(Formula::Or(parts)) = prepare("KQL", &formula) else { panic!("a disjunction") };
        assert_eq!(parts.len(), 3);
    }

    #[test]
    fn flattening_joins_names() {
        let formula = Formula::element(Path::from_segments(["c"]), Formula::and([test("a", "x"), test("b", "y")]));
        assert_eq!(flatten(&formula), Formula::and([test("c.a", "x"), test("c.b", "y")]));
    }

    #[test]
    fn a_bottomless_nest_is_refused() {
        let mut formula = test("a", "x");
        for _ in 0..1000 {
            formula = Formula::Not(Box::new(Formula::And(vec![formula, test("b", "y")])));
        }
        assert!(prepare("KQL", &formula).is_err());
    }
}
