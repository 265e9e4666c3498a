//! Elastic's KQL (kuery).

pub mod print;
pub mod read;
