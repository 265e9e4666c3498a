//! What is seen without a diagram: a condition that contradicts itself because two of its parts are the same, written
//! otherwise, and that one condition follows from another part by part.
//!
//! Rules are printed part by part, so most often both sides of a question have one shape, and the question is whether
//! something holds and does not. A diagram of a large condition may have more nodes than there is room for; its form has
//! as many as there are parts.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::problem::Skeleton;

/// Conditions in a form in which equal ones are found equal: everything is said by *and* and *not*, what is joined twice
/// is joined once, and the order of parts is that of their numbers.
#[derive(Debug, Default)]
pub(super) struct Forms {
    nodes: Vec<Node>,
    numbers: HashMap<Node, Form, FixedState>,
    implied: HashMap<(Form, Form), bool, FixedState>,
}

/// The number of a condition.
pub(super) type Form = usize;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Variable(u32),
    Not(Form),
    /// All of these, in ascending order; none of them is itself an `All`.
    All(Vec<Form>),
    AtLeast(usize, Vec<Form>),
}

impl Forms {
    /// Whether no assignment of `variables`, one for each atom, can satisfy the condition, as far as that is seen.
    pub(super) fn is_contradiction(&mut self, condition: &Skeleton, variables: &[u32]) -> bool {
        let form = self.form(condition, variables);
        form == self.never()
    }

    /// Whether `b` holds wherever `a` does, as far as that is seen part by part; `follows` tells whether some of several
    /// variables hold wherever one does. False does not say that it is not so.
    pub(super) fn implies<E>(
        &mut self,
        a: Form,
        b: Form,
        follows: &mut impl FnMut(u32, &[u32]) -> Result<bool, E>,
    ) -> Result<bool, E> {
        if a == b {
            return Ok(true);
        }
        if let Some(known) = self.implied.get(&(a, b)) {
            return Ok(*known);
        }
        let answer = self.implies_part_by_part(a, b, follows)?;
        self.implied.insert((a, b), answer);
        Ok(answer)
    }

    fn implies_part_by_part<E>(
        &mut self,
        a: Form,
        b: Form,
        follows: &mut impl FnMut(u32, &[u32]) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let (Some(one), Some(other)) = (self.nodes.get(a).cloned(), self.nodes.get(b).cloned()) else {
            return Ok(false);
        };
        if let (Node::Variable(one), Node::Variable(other)) = (&one, &other) {
            return follows(*one, &[*other]);
        }
        // All that is to follow has to.
        if let Node::All(parts) = &other {
            for part in parts {
                if !self.implies(a, *part, follows)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        // Of alternatives each has to be enough.
        if let Some(alternatives) = self.alternatives(&one) {
            for alternative in alternatives {
                if !self.implies(alternative, b, follows)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        // It is enough that it follows from one part, or that some alternatives follow.
        if let Node::All(parts) = &one {
            for part in parts {
                if self.implies(*part, b, follows)? {
                    return Ok(true);
                }
            }
        }
        let Some(mut alternatives) = self.alternatives(&other) else {
            return match (&one, &other) {
                (Node::Not(one), Node::Not(other)) => self.implies(*other, *one, follows),
                _ => Ok(false),
            };
        };
        // Most often one of them is the same, and no language has to be looked at.
        if alternatives.contains(&a) {
            return Ok(true);
        }
        let variable = |form: &Form| match self.nodes.get(*form) {
            Some(Node::Variable(variable)) => Some(*variable),
            _ => None,
        };
        if let Some(one) = variable(&a) {
            let (others, rest): (Vec<Form>, Vec<Form>) =
                alternatives.into_iter().partition(|form| variable(form).is_some());
            let others: Vec<u32> = others.iter().filter_map(variable).collect();
            if !others.is_empty() && follows(one, &others)? {
                return Ok(true);
            }
            alternatives = rest;
        }
        for alternative in alternatives {
            if self.implies(a, alternative, follows)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a condition that is satisfied by any of several is satisfied by; none for other conditions.
    fn alternatives(&mut self, node: &Node) -> Option<Vec<Form>> {
        let Node::Not(none) = node else { return None };
        let Some(Node::All(parts)) = self.nodes.get(*none).cloned() else { return None };
        Some(parts.iter().map(|part| self.not(*part)).collect())
    }

    /// Two conditions of which the second follows from the first exactly if `parts` cannot all hold: all that they ask,
    /// and any of what they deny.
    pub(super) fn sides(&mut self, parts: &[Skeleton], variables: &[u32]) -> (Form, Form) {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for part in parts {
            let side = if matches!(part, Skeleton::Not(_)) { &mut no } else { &mut yes };
            side.push(self.form(part, variables));
        }
        let no = self.all(no);
        (self.all(yes), self.not(no))
    }

    fn form(&mut self, condition: &Skeleton, variables: &[u32]) -> Form {
        match condition {
            Skeleton::Atom(atom) => self.number(Node::Variable(variables.get(*atom).copied().unwrap_or_default())),
            Skeleton::Not(part) => {
                let part = self.form(part, variables);
                self.not(part)
            }
            Skeleton::And(parts) => {
                let parts = parts.iter().map(|part| self.form(part, variables)).collect();
                self.all(parts)
            }
            Skeleton::Or(parts) => {
                let mut none = Vec::with_capacity(parts.len());
                for part in parts {
                    let part = self.form(part, variables);
                    none.push(self.not(part));
                }
                let none = self.all(none);
                self.not(none)
            }
            Skeleton::AtLeast(count, parts) => {
                let mut parts: Vec<Form> = parts.iter().map(|part| self.form(part, variables)).collect();
                parts.sort_unstable();
                self.number(Node::AtLeast(*count, parts))
            }
        }
    }

    fn number(&mut self, node: Node) -> Form {
        if let Some(known) = self.numbers.get(&node) {
            return *known;
        }
        self.nodes.push(node.clone());
        self.numbers.insert(node, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// What always holds.
    fn always(&mut self) -> Form {
        self.number(Node::All(Vec::new()))
    }

    /// What never does.
    fn never(&mut self) -> Form {
        let always = self.always();
        self.number(Node::Not(always))
    }

    fn not(&mut self, part: Form) -> Form {
        match self.nodes.get(part) {
            Some(Node::Not(inner)) => *inner,
            _ => self.number(Node::Not(part)),
        }
    }

    fn all(&mut self, parts: Vec<Form>) -> Form {
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            match self.nodes.get(part) {
                Some(Node::All(inner)) => all.extend(inner),
                _ => all.push(part),
            }
        }
        all.sort_unstable();
        all.dedup();
        let has = |part: &Form| all.binary_search(part).is_ok();
        let mut denied = all.iter().filter_map(|part| match self.nodes.get(*part) {
            Some(Node::Not(inner)) => Some(*inner),
            _ => None,
        });
        let contradicts = |denied: Form| match self.nodes.get(denied) {
            Some(Node::All(parts)) => parts.iter().all(has),
            _ => has(&denied),
        };
        if denied.any(contradicts) {
            return self.never();
        }
        match all.as_slice() {
            [one] => *one,
            _ => self.number(Node::All(all)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use Skeleton::{And, AtLeast, Atom, Not, Or};

    /// How many atoms there are; the last is the first under another name, and the second follows from the first.
    const ATOMS: usize = 5;
    const VARIABLES: [u32; ATOMS] = [0, 1, 2, 3, 0];

    fn not(part: Skeleton) -> Skeleton {
        Not(Box::new(part))
    }

    fn implies(a: &Skeleton, b: &Skeleton) -> bool {
        let mut forms = Forms::default();
        let (a, b) = (forms.form(a, &VARIABLES), forms.form(b, &VARIABLES));
        let mut follows = |one, others: &[u32]| Ok::<bool, Infallible>(one == 0 && others.contains(&1));
        let Ok(answer) = forms.implies(a, b, &mut follows);
        answer
    }

    fn contradicts(a: &Skeleton, b: &Skeleton) -> bool {
        Forms::default().is_contradiction(&And(vec![a.clone(), not(b.clone())]), &VARIABLES)
    }

    fn holds(condition: &Skeleton, true_ones: u32) -> bool {
        let count = |parts: &[Skeleton]| parts.iter().filter(|part| holds(part, true_ones)).count();
        match condition {
            Atom(atom) => true_ones & (1 << VARIABLES[*atom]) != 0,
            Not(part) => !holds(part, true_ones),
            And(parts) => count(parts) == parts.len(),
            Or(parts) => count(parts) > 0,
            AtLeast(least, parts) => count(parts) >= *least,
        }
    }

    fn condition() -> impl Strategy<Value = Skeleton> {
        (0..ATOMS).prop_map(Atom).prop_recursive(4, 24, 4, |inner| {
            let parts = || prop::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                inner.clone().prop_map(not),
                parts().prop_map(And),
                parts().prop_map(Or),
                (0_usize..4, parts()).prop_map(|(least, parts)| AtLeast(least, parts)),
            ]
        })
    }

    #[test]
    fn a_condition_in_another_order_and_other_words_is_the_same() {
        let one = Or(vec![And(vec![Atom(0), not(Atom(1))]), not(And(vec![Atom(2), Atom(3)]))]);
        let same = Or(vec![not(Atom(3)), not(Atom(2)), And(vec![not(Atom(1)), And(vec![Atom(4), Atom(0)])])]);
        let least = |part: &Skeleton| AtLeast(2, vec![part.clone(), Atom(1), Atom(2)]);
        for (a, b) in [(&one, &same), (&same, &one), (&least(&one), &least(&same))] {
            assert!(contradicts(a, b) && implies(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn what_follows_from_parts_follows() {
        let (narrow, wide) = (Atom(0), Atom(1));
        for (a, b) in [
            (narrow.clone(), wide.clone()),
            (not(wide.clone()), not(narrow.clone())),
            (And(vec![narrow.clone(), Atom(2)]), Or(vec![Atom(3), wide.clone()])),
            (Or(vec![narrow.clone(), Atom(2)]), Or(vec![Atom(3), Atom(2), wide.clone()])),
            (And(vec![Atom(2), not(wide.clone())]), And(vec![Atom(2), not(And(vec![narrow.clone(), Atom(3)]))])),
        ] {
            assert!(implies(&a, &b) && !implies(&b, &a), "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_seen_is_so(a in condition(), b in condition()) {
            // Assignments in which the second variable follows from the first.
            let fails = (0..16_u32).filter(|ones| ones & 3 != 1).any(|ones| holds(&a, ones) && !holds(&b, ones));
            prop_assert!(!implies(&a, &b) || !fails);
            let fails = (0..16_u32).any(|ones| holds(&a, ones) && !holds(&b, ones));
            prop_assert!(!contradicts(&a, &b) || !fails);
            prop_assert!(implies(&a, &a) && contradicts(&a, &a));
        }
    }
}
