//! `cresset completions`: scripts that let a shell complete commands and options.

use clap::CommandFactory as _;

use super::{Cli, Exit};

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset completions bash > /etc/bash_completion.d/cresset
  cresset completions zsh > ~/.zfunc/_cresset
  cresset completions fish > ~/.config/fish/completions/cresset.fish")]
pub struct Args {
    /// Which shell.
    shell: clap_complete::Shell,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cresset", &mut script);
    std::io::Write::write_all(&mut anstream::stdout(), &script)?;
    Ok(Exit::Clean)
}
