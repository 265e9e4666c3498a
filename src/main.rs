//! The `cresset` command.

fn main() {}
