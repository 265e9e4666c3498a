//! Falco conditions, exceptions of rules, and rules files.

pub mod exceptions;
pub mod print;
pub mod read;
