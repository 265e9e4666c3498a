//! The `cresset` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    cresset::cli::main()
}
