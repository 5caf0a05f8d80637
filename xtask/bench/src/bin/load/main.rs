//! The load generator: `load MODE OPTIONS [-- COMMAND]`, one line of JSON on standard output.
//!
//! `http`, `stdio`: so many requests as fit into `--seconds`, each answer checked, and the CPU time that the server used
//! for them. `sessions`, `streams`: what so many of them cost. `start`: from spawn to first answer.
//! The surprising thing: it is one thread, so that it can share a core with one thread of a server, and neither waits for
//! the other to be scheduled.

mod arguments;
mod http;
mod memory;
mod stdio;

use std::{io, process::ExitCode};

use arguments::Arguments;
use serde_json::Value;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<Value> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.mode.as_str() {
        "http" => runtime.block_on(http::run(&arguments)),
        "sessions" => runtime.block_on(memory::sessions(&arguments)),
        "start" => stdio::start(&arguments),
        "stdio" => stdio::run(&arguments),
        "streams" => runtime.block_on(memory::streams(&arguments)),
        other => Err(io::Error::other(format!("there is no mode `{other}`"))),
    }
}
