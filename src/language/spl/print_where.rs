//! Formulas as `where`.

use crate::language::fragment::{Fragment, Strength};
use crate::language::walk::{Dialect, Field, Refusal, Words};
use crate::logic::Predicate;

/// The dialect.
pub(in crate::language) struct Where;

static WORDS: Words = Words {
    and: ("and", Strength(1)),
    or: ("or", Strength(1)),
    not: ("not ", Strength(2)),
    truth: None,
    falsehood: None,
};

impl Dialect for Where {
    fn name(&self) -> &'static str {
        "`where`"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, _field: Field<'_>, _predicate: &Predicate) -> Result<Fragment, Refusal> {
        Err("`where` is not printed yet".to_owned())
    }
}
