//! The command line of LiteLLM: `mcp-bridge --config config.yaml --port 4000`, without a command.
//!
//! The surprising thing: it is no second form of ours. The word `serve` is put where it is missing, so that every option
//! is described, checked and refused in one place.

use std::ffi::{OsStr, OsString};

/// Puts `serve` in front of options that are only its own, when no command stands before them.
pub(crate) fn with_command(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let place = words.iter().skip(1).position(|word| !is_of_all(word)).map(|place| place + 1);
    let is_of_serve = |place: &usize| words.get(*place).and_then(|word| word.to_str()).is_some_and(is_of_serve);
    if let Some(place) = place.filter(is_of_serve) {
        words.insert(place, OsString::from("serve"));
    }
    words
}

/// Whether a word may stand in front of every command.
fn is_of_all(word: &OsStr) -> bool {
    ["--json", "--quiet", "-q"].iter().any(|known| word == *known)
}

fn is_of_serve(word: &str) -> bool {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    OPTIONS.contains(&name)
}

/// The options of `serve` that no other command has.
const OPTIONS: [&str; 10] = [
    "--allow-host",
    "--allow-origin",
    "--config",
    "--debug",
    "--detailed_debug",
    "--host",
    "--path",
    "--port",
    "--stdio",
    "-c",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, expected: &str) {
        let words = format!("mcp-bridge {words}");
        let made = with_command(words.split_whitespace().map(OsString::from));
        let made: Vec<_> = made.iter().skip(1).map(|word| word.to_str().unwrap()).collect();
        assert_eq!(made.join(" "), expected, "{words}");
    }

    #[test]
    fn the_command_line_of_litellm_is_one_of_serve() {
        check("--config config.yaml --port 4000", "serve --config config.yaml --port 4000");
        check("--config=config.yaml --detailed_debug", "serve --config=config.yaml --detailed_debug");
        check("--quiet --port 0 -c a.yaml", "--quiet serve --port 0 -c a.yaml");
    }

    #[test]
    fn every_option_that_only_serve_has_may_stand_first() {
        use clap::CommandFactory;

        let cli = crate::cli::Cli::command();
        let of = |serve: bool| {
            let commands = cli.get_subcommands().filter(move |command| (command.get_name() == "serve") == serve);
            commands.flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_long)
        };
        let others: Vec<&str> = of(false).collect();
        for option in of(true).filter(|option| !others.contains(option)) {
            check(&format!("--{option} x"), &format!("serve --{option} x"));
        }
    }

    #[test]
    fn every_other_command_line_stays_as_it_is() {
        for words in
            ["", "--help", "--version", "serve --config a.yaml", "--json tools http://h", "tools -- x --config"]
        {
            check(words, words);
        }
    }
}
