//! The program: parse, run, exit.

use clap::Parser;
use std::process::ExitCode;
use why502::cli::Cli;
use why502::run;

fn main() -> ExitCode {
    match run::run(&Cli::parse()) {
        Ok(status) => ExitCode::from(status),
        // Whoever read our output has heard enough.
        Err(error) if run::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("why502: {error:#}");
            ExitCode::from(run::COULD_NOT)
        }
    }
}
