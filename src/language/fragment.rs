//! Fragments: query text that knows how strongly it holds together. Every parenthesis around an operand, and every
//! line break, is written here.

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
    body: Body,
    strength: Strength,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    /// Text that is never broken over lines.
    Text(String),
    /// Operands with an operator between each two.
    Joined { operator: String, parts: Vec<Fragment> },
    /// An operator before its operand.
    Prefixed { operator: String, part: Box<Fragment> },
    /// Items between brackets that belong to the text before them: `f IN (a, b)`.
    Listed { head: String, items: Vec<String>, between: Between, tail: String },
}

/// What stands between the items of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Between {
    /// A comma.
    Comma,
    /// A word, such as KQL's `or` in `f: (a or b)`.
    Word(&'static str),
}

/// One level of indentation.
const STEP: usize = 2;

impl Fragment {
    /// Text whose outermost operator binds this strongly.
    pub fn new(text: impl Into<String>, strength: Strength) -> Self {
        Self { body: Body::Text(text.into()), strength }
    }

    /// Text that needs no parentheses anywhere.
    pub fn atom(text: impl Into<String>) -> Self {
        Self::new(text, Strength::ATOM)
    }

    /// A list that belongs to what stands before it: `head` ends in the opening bracket, `tail` begins with the
    /// closing one.
    pub fn list(head: impl Into<String>, items: Vec<String>, between: Between, tail: impl Into<String>) -> Self {
        Self { body: Body::Listed { head: head.into(), items, between, tail: tail.into() }, strength: Strength::ATOM }
    }

    /// An operator in front of its operand. `operator` holds the blank after it, if one is needed.
    pub fn prefix(operator: impl Into<String>, part: Fragment, strength: Strength) -> Self {
        Self { body: Body::Prefixed { operator: operator.into(), part: Box::new(part) }, strength }
    }

    /// `parts` joined by an operator, whose blanks around it are not its own; of one part, that part.
    pub fn join(parts: Vec<Fragment>, operator: &str, strength: Strength) -> Fragment {
        match <[Fragment; 1]>::try_from(parts) {
            Ok([one]) => one,
            Err(parts) => Self { body: Body::Joined { operator: operator.trim().to_owned(), parts }, strength },
        }
    }

    /// The operands of this operator, each fit to stand beside the others, if it is the outermost; else itself.
    pub fn operands(self, of: &str) -> Vec<Fragment> {
        let strength = self.strength;
        match self.body {
            Body::Joined { operator, parts } if operator == of => {
                let bracketed = |part: Fragment| Fragment::atom(part.flat_operand(strength));
                parts.into_iter().map(bracketed).collect()
            }
            body => vec![Self { body, strength }],
        }
    }

    /// How strongly it holds together.
    pub fn strength(&self) -> Strength {
        self.strength
    }

    /// The text of a whole query, on one line.
    pub fn into_text(self) -> String {
        self.flat()
    }

    /// The text of a whole query: on one line if it fits into `width`, else broken at its operators, one operand on
    /// each line, so that a change of one operand is a change of one line.
    pub fn layout(&self, width: usize) -> String {
        let mut out = String::new();
        self.write(0, width, &mut out);
        out
    }

    /// Whether it takes parentheses as an operand of an operator of strength `around`.
    fn needs_parentheses(&self, around: Strength) -> bool {
        self.strength <= around
    }

    fn flat(&self) -> String {
        let mut out = String::new();
        self.write_flat(&mut out);
        out
    }

    fn flat_operand(&self, around: Strength) -> String {
        let mut out = String::new();
        self.write_flat_operand(around, &mut out);
        out
    }

    /// Writes it on one line.
    fn write_flat(&self, out: &mut String) {
        match &self.body {
            Body::Text(text) => out.push_str(text),
            Body::Joined { operator, parts } => {
                for (i, part) in parts.iter().enumerate() {
                    if i > 0 {
                        out.extend([" ", operator, " "]);
                    }
                    part.write_flat_operand(self.strength, out);
                }
            }
            Body::Prefixed { operator, part } => {
                out.push_str(operator);
                part.write_flat_operand(self.strength, out);
            }
            Body::Listed { head, items, between, tail } => {
                out.push_str(head);
                for (i, item) in items.iter().enumerate() {
                    match between {
                        Between::Comma if i > 0 => out.push_str(", "),
                        Between::Word(word) if i > 0 => out.extend([" ", word, " "]),
                        _ => {}
                    }
                    out.push_str(item);
                }
                out.push_str(tail);
            }
        }
    }

    fn write_flat_operand(&self, around: Strength, out: &mut String) {
        if self.needs_parentheses(around) {
            out.push('(');
            self.write_flat(out);
            out.push(')');
        } else {
            self.write_flat(out);
        }
    }

    /// What is left of `room` characters beside it on one line; `None` if it needs more.
    fn left_of(&self, room: usize) -> Option<usize> {
        let less = |room: usize, text: &str| {
            // A character has four bytes at most.
            let is_long = text.len() / 4 > room;
            room.checked_sub(if is_long { text.len() } else { text.chars().count() })
        };
        let operand = |room: usize, part: &Fragment| {
            let brackets = if part.needs_parentheses(self.strength) { 2 } else { 0 };
            part.left_of(room.checked_sub(brackets)?)
        };
        match &self.body {
            Body::Text(text) => less(room, text),
            Body::Joined { operator, parts } => {
                let between = (operator.chars().count() + 2) * parts.len().saturating_sub(1);
                parts.iter().try_fold(room.checked_sub(between)?, operand)
            }
            Body::Prefixed { operator, part } => operand(less(room, operator)?, part),
            Body::Listed { head, items, between, tail } => {
                let between = match between {
                    Between::Comma => 2,
                    Between::Word(word) => word.chars().count() + 2,
                };
                let between = between * items.len().saturating_sub(1);
                let room = less(less(room.checked_sub(between)?, head)?, tail)?;
                items.iter().try_fold(room, |room, item| less(room, item))
            }
        }
    }

    /// Writes it at a place that is indented by `indent`.
    fn write(&self, indent: usize, width: usize, out: &mut String) {
        if width.checked_sub(indent).is_some_and(|room| self.left_of(room).is_some()) {
            return self.write_flat(out);
        }
        match &self.body {
            Body::Text(text) => out.push_str(text),
            Body::Joined { operator, parts } => {
                for (i, part) in parts.iter().enumerate() {
                    if i > 0 {
                        new_line(indent, out);
                        out.push_str(operator);
                        out.push(' ');
                    }
                    part.write_operand(self.strength, indent, width, out);
                }
            }
            Body::Prefixed { operator, part } => {
                out.push_str(operator);
                part.write_operand(self.strength, indent, width, out);
            }
            Body::Listed { head, items, between, tail } => {
                out.push_str(head.trim_end());
                for (i, item) in items.iter().enumerate() {
                    new_line(indent + STEP, out);
                    match between {
                        Between::Word(word) if i > 0 => {
                            out.push_str(word);
                            out.push(' ');
                            out.push_str(item);
                        }
                        Between::Word(_) => out.push_str(item),
                        Between::Comma => {
                            out.push_str(item);
                            if i + 1 < items.len() {
                                out.push(',');
                            }
                        }
                    }
                }
                new_line(indent, out);
                out.push_str(tail);
            }
        }
    }

    fn write_operand(&self, around: Strength, indent: usize, width: usize, out: &mut String) {
        if !self.needs_parentheses(around) {
            return self.write(indent, width, out);
        }
        out.push('(');
        if width.checked_sub(indent + 2).is_some_and(|room| self.left_of(room).is_some()) {
            self.write_flat(out);
        } else {
            new_line(indent + STEP, out);
            self.write(indent + STEP, width, out);
            new_line(indent, out);
        }
        out.push(')');
    }
}

fn new_line(indent: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use super::*;

    const OR: Strength = Strength(1);
    const AND: Strength = Strength(2);
    const NOT: Strength = Strength(3);

    fn all(parts: &[&Fragment]) -> Fragment {
        Fragment::join(parts.iter().map(|part| (*part).clone()).collect(), " and ", AND)
    }

    #[test]
    fn parentheses_are_written_where_binding_asks_for_them() {
        let atom = |text: &str| Fragment::atom(text);
        let either = Fragment::join(vec![atom("b"), atom("c")], " or ", OR);
        let both = all(&[&atom("a"), &either]);
        assert_eq!(both.clone().into_text(), "a and (b or c)");
        assert_eq!(Fragment::join(vec![both.clone(), atom("d")], " or ", OR).into_text(), "a and (b or c) or d");
        assert_eq!(all(&[&either]).into_text(), "b or c");
        assert_eq!(Fragment::prefix("not ", both, NOT).into_text(), "not (a and (b or c))");
    }

    #[test]
    fn a_long_query_has_one_operand_on_each_line() {
        let list = Fragment::list("f in (", vec!["x".repeat(20), "y".repeat(20)], Between::Comma, ")");
        let either = Fragment::join(vec![Fragment::atom("b"), list], "or", OR);
        let whole = all(&[&Fragment::atom("a"), &Fragment::prefix("not ", either, NOT)]);
        let expected = "a\nand not (\n  b\n  or f in (\n    xxxxxxxxxxxxxxxxxxxx,\n    yyyyyyyyyyyyyyyyyyyy\n  )\n)";
        assert_eq!(whole.layout(30), expected);
        assert_eq!(whole.layout(200), whole.flat());
    }
}
