//! Splunk: the `search` command, and expressions of `where` and `eval`.

pub mod print;
pub mod print_where;
pub mod read;
