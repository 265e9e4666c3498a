//! Formulas as EQL.

use crate::language::fragment::{Fragment, Strength};
use crate::language::walk::{Dialect, Field, Refusal, Words};
use crate::logic::Predicate;

/// The dialect.
pub(in crate::language) struct Eql;

static WORDS: Words = Words {
    and: ("and", Strength(1)),
    or: ("or", Strength(1)),
    not: ("not ", Strength(2)),
    truth: None,
    falsehood: None,
};

impl Dialect for Eql {
    fn name(&self) -> &'static str {
        "EQL"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, _field: Field<'_>, _predicate: &Predicate) -> Result<Fragment, Refusal> {
        Err("EQL is not printed yet".to_owned())
    }
}
