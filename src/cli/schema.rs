//! `cresset schema`: the JSON Schema of detections.

use std::io::Write as _;

use super::Exit;
use crate::source::Catalogue;

/// Write the JSON Schema of detections, for editors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset schema > detection.schema.json
  # then, as the first line of a detection:
  # yaml-language-server: $schema=../detection.schema.json")]
pub struct Args {}

/// Runs the command.
pub fn run(_: &Args) -> anyhow::Result<Exit> {
    writeln!(anstream::stdout(), "{:#}", crate::detection::schema::schema(Catalogue::builtin()))?;
    Ok(Exit::Clean)
}
