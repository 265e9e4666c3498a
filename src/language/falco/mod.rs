//! Falco conditions and rules files.

pub mod print;
pub mod read;
