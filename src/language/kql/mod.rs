//! Elastic's KQL (kuery).

pub mod print;
