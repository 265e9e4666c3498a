//! `cresset explain-code`: what a problem's code means.

use std::io::Write as _;

use anyhow::anyhow;

use super::Exit;
use crate::diagnostic::Code;
use crate::diagnostic::suggest::nearest;

/// Say what the code of a problem means and how to mend it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset explain-code E0302     one code
  cresset explain-code           all codes with their titles")]
pub struct Args {
    /// The code, as messages show it: `E0302`.
    code: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut out = anstream::stdout();
    let Some(wanted) = &args.code else {
        for code in Code::ALL {
            writeln!(out, "{}  {}", code.id(), code.title())?;
        }
        return Ok(Exit::Clean);
    };
    let code = Code::from_id(wanted).ok_or_else(|| match nearest(wanted, Code::ALL.iter().map(|code| code.id())) {
        Some(near) => anyhow!("there is no code `{wanted}`; did you mean `{near}`?"),
        None => anyhow!("there is no code `{wanted}`; `cresset explain-code` lists them"),
    })?;
    writeln!(out, "{}: {} ({})\n\n{}", code.id(), code.title(), code.severity().name(), code.explanation().trim_end())?;
    Ok(Exit::Clean)
}
