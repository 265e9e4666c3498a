//! Formulas as Lucene.

use crate::language::fragment::{Fragment, Strength};
use crate::language::walk::{Dialect, Field, Refusal, Words};
use crate::logic::Predicate;

/// The dialect.
pub(in crate::language) struct Lucene;

static WORDS: Words = Words {
    and: ("and", Strength(1)),
    or: ("or", Strength(1)),
    not: ("not ", Strength(2)),
    truth: None,
    falsehood: None,
};

impl Dialect for Lucene {
    fn name(&self) -> &'static str {
        "Lucene"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, _field: Field<'_>, _predicate: &Predicate) -> Result<Fragment, Refusal> {
        Err("Lucene is not printed yet".to_owned())
    }
}
