//! Sigma: the `detection` part of a rule.

pub mod print;
pub mod read;
