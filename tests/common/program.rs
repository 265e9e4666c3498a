//! The program itself, run in a folder.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in `folder`.
pub fn cresset(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cresset")).args(args).current_dir(folder).output().expect("run")
}

/// What it prints, after looking that it ends with `status`.
pub fn said(folder: &Path, args: &[&str], status: i32) -> String {
    let output = cresset(folder, args);
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "cresset {}:\n{out}\n{errors}", args.join(" "));
    out.into_owned()
}
