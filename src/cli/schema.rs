//! `cresset schema`: the JSON Schemas of detections, profiles and exceptions.

use std::io::Write as _;

use clap::ValueEnum;

use super::Exit;
use crate::project::Project;
use crate::source::Catalogue;
use crate::{detection, exception, profile, target};

/// Write the JSON Schema of detections, profiles or exceptions, for editors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset schema > detection.schema.json
  # then, as the first line of a detection:
  # yaml-language-server: $schema=../detection.schema.json
  cresset schema --of profile > cresset.schema.json
  cresset schema --of exception > exception.schema.json")]
pub struct Args {
    /// Of what.
    #[arg(long, value_enum, default_value_t)]
    of: Of,
}

/// What there are schemas of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Of {
    /// Detections.
    #[default]
    Detection,
    /// `cresset.yml`, with the targets of the project here.
    Profile,
    /// Exceptions.
    Exception,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::builtin();
    let schema = match args.of {
        Of::Detection => detection::schema::schema(catalogue),
        Of::Exception => exception::schema(catalogue),
        Of::Profile => {
            let own = Project::find(None).and_then(|project| project.templates());
            match target::load_all(own.as_deref()) {
                Ok(targets) => profile::schema(catalogue, &targets),
                Err(problems) => return super::verify::failed(&problems),
            }
        }
    };
    writeln!(anstream::stdout(), "{schema:#}")?;
    Ok(Exit::Clean)
}
