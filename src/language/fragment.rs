//! Fragments: text that knows how strongly it holds together. Every parenthesis is written here.

/// How strongly the outermost operator of a fragment binds; more binds tighter. Each language has its own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Strength(pub u8);

impl Strength {
    /// Text that needs no parentheses anywhere: one test, one call, a parenthesised whole.
    pub const ATOM: Strength = Strength(u8::MAX);
}

/// A piece of query text and the strength of its outermost operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    text: String,
    strength: Strength,
}

impl Fragment {
    /// Text whose outermost operator binds this strongly.
    pub fn new(text: impl Into<String>, strength: Strength) -> Self {
        Self { text: text.into(), strength }
    }

    /// Text that needs no parentheses anywhere.
    pub fn atom(text: impl Into<String>) -> Self {
        Self::new(text, Strength::ATOM)
    }

    /// How strongly it holds together.
    pub fn strength(&self) -> Strength {
        self.strength
    }

    /// The text as an operand of an operator of strength `around`: parenthesised unless it binds more tightly.
    pub fn operand(&self, around: Strength) -> String {
        if self.strength > around { self.text.clone() } else { format!("({})", self.text) }
    }

    /// `parts` joined by an operator; of one part, that part.
    pub fn join(parts: Vec<Fragment>, operator: &str, strength: Strength) -> Fragment {
        match <[Fragment; 1]>::try_from(parts) {
            Ok([one]) => one,
            Err(parts) => {
                let operands: Vec<String> = parts.iter().map(|part| part.operand(strength)).collect();
                Fragment::new(operands.join(operator), strength)
            }
        }
    }

    /// The text of a whole query.
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_are_written_where_binding_asks_for_them() {
        let (or, and) = (Strength(1), Strength(2));
        let atom = |text: &str| Fragment::atom(text);
        let either = Fragment::join(vec![atom("b"), atom("c")], " or ", or);
        let both = Fragment::join(vec![atom("a"), either.clone()], " and ", and);
        assert_eq!(both.clone().into_text(), "a and (b or c)");
        assert_eq!(Fragment::join(vec![both, atom("d")], " or ", or).into_text(), "a and (b or c) or d");
        assert_eq!(Fragment::join(vec![either], " and ", and).into_text(), "b or c");
    }
}
