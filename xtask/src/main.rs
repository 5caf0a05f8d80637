//! The commands of this workspace: `cargo xtask COMMAND`.
//!
//! One file or directory per command. Nothing here depends on the crates of the workspace, so that it builds when
//! they do not; it drives cargo and programs.

mod bench;
mod ci;
mod conformance;
mod install;
mod interop;
mod layers;
mod openai_rules;
mod process;
mod release;
mod test;
mod tidy;
mod workers;
mod workspace;

use std::{env, process::ExitCode};

use crate::process::Red;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let command = arguments.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = arguments.collect();
    let outcome = match command.as_str() {
        "bench" => bench::run(&rest),
        "ci" => ci::run(&rest),
        "conformance" => conformance::run(&rest),
        "interop" => interop::run(&rest),
        "layers" => layers::run(&rest),
        "release" => release::run(&rest),
        "test" => test::run(&rest),
        "tidy" => tidy::run(&rest),
        "help" | "-h" | "--help" => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(Red::usage(format!("there is no command `{command}`"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(red) => {
            eprintln!("xtask: {red}");
            ExitCode::from(red.code)
        }
    }
}

const HELP: &str = "\
cargo xtask COMMAND

  ci [--without STEP]...   every check below in order, each timed; stops at the first red one
  test [ARGUMENTS]         the tests of the workspace: by nextest where it is installed, and the doc tests
  tidy                     the budgets and rules of the source tree (exceptions: xtask/exceptions.txt)
  layers [--edges-only]    which crate may depend on which; every crate builds alone with every feature
  conformance [ARGUMENTS]  the conformance matrix; arguments go to it
  conformance --official   the official suite against our two fixtures, in both of its requirement sets
      --revision REVISION    only this requirement set
      --side SIDE            only `server` or `client`
      --only TEXT            only the scenarios whose name holds TEXT, also those that are outside
      --all                  run what is outside too (xtask/conformance/outside.txt: left out, and counted)
      --json FILE            write the report there too (always: conformance/report.json in the target directory)
      --write-docs           write docs/src/conformance-report.md; needs a whole run of our fixtures
      --server-url URL       judge a server that runs already instead of our fixture
      --client-command WORDS judge another client; the suite splits the words at spaces
  interop [OPTIONS]        our programs against the TypeScript, Python and Rust implementations, the clients of the second
                           seed, and the types and rules of OpenAI
      --install-only         install the peers below target/interop and stop
      --control              the peers against each other: is it them or us?
      --only TEXT            only the cells whose name holds TEXT
      --program PATH         the `mcp-bridge` to test (default: build it)
  bench [OPTIONS]          speed: us, the peers and the limits, measured in turn; writes target/bench/report.{json,md}, plots
      --quick                3 short rounds in place of 5 of half a second; peers only where they are installed already
      --only ROW             only this row, or those whose name begins so; again for more
      --list                 the rows and what their figure is
      --install-only         build and install what is measured and stop
      --strict               a missed target is red
      --write-docs           write docs/src/speed.md, speed-figures.md and their plots too; needs every row, now or before
  bench docs               write them from the last report
  bench callgrind          instructions and allocations of one echo, by valgrind; red when ours are more than 3 % above
                           xtask/bench/callgrind.json
      --peers                count rmcp too
      --write                write xtask/bench/callgrind.json
  bench micro [ARGUMENTS]  the pure steps of a call, under criterion; arguments go to it
  release --dry-run        package every crate that is published, build each package, check what it holds
  help                     this text

Steps of `ci`: fmt clippy tidy layers test doc deny release callgrind conformance interop (the last only with CI=true).
Without Node, Python or curl their part of `interop` is skipped, and without Node the official suite; with CI=true that
is red.
";
