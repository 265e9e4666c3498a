//! Elastic's EQL: the condition of an event query.

pub mod print;
pub mod read;
