//! Falco conditions.

pub mod print;
