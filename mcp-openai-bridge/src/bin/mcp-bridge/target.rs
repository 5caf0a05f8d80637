//! What a command is about: a URL, the server that is built in, or a command to start.
//!
//! The surprising thing: a word is never split and no shell is involved. A command has its place after `--`, where each
//! word is one argument.

use std::ffi::OsString;
use std::path::Path;

use crate::exit::Failure;

/// A server to speak to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A program and its arguments.
    Command(Vec<OsString>),
    /// The server that is built in.
    Embedded,
    /// An endpoint of Streamable HTTP.
    Url(String),
}

impl Target {
    /// Takes the target of a command line: the command after `--`, or else the first word.
    pub(crate) fn take(words: &mut Vec<String>, command: Vec<OsString>, usage: &str) -> Result<Self, Failure> {
        if !command.is_empty() {
            return Ok(Self::Command(command));
        }
        if words.is_empty() {
            return Err(Failure::usage("a target is missing: a URL, `embedded`, or a command after `--`").hint(usage));
        }
        Self::parse(&words.remove(0))
    }

    /// Reads a word that must be a target.
    pub(crate) fn parse(word: &str) -> Result<Self, Failure> {
        if word == "embedded" {
            return Ok(Self::Embedded);
        }
        if let Some((scheme, rest)) = word.split_once("://") {
            return match scheme {
                "http" | "https" if !rest.is_empty() => Ok(Self::Url(word.to_owned())),
                _ => Err(Failure::usage(format!(
                    "`{word}` is no URL of a server: it must begin with http:// or https://"
                ))),
            };
        }
        let failure = Failure::usage(format!("`{word}` is no target: it is neither a URL nor `embedded`"));
        Err(failure.hint(if word.contains(char::is_whitespace) {
            format!("a command goes after `--`, without a shell: mcp-bridge … -- {word}")
        } else if word.starts_with("localhost") || word.contains(':') {
            format!("did you mean `http://{word}`?")
        } else {
            format!("a command goes after `--`: mcp-bridge … -- {word}")
        }))
    }

    /// Returns what the server is called here: a short name that is easy to recognize.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Embedded => "embedded".to_owned(),
            Self::Url(url) => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
                // What stands in front of `@` may be a password.
                let host = authority.rsplit('@').next().unwrap_or_default();
                let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
                let host = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(host, _)| host);
                host.trim_start_matches("www.").to_owned()
            }
            Self::Command(words) => {
                let program = words.first().map(Path::new).and_then(Path::file_stem).unwrap_or_default();
                program.to_string_lossy().into_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(word: &str) -> String {
        let failure = Target::parse(word).unwrap_err();
        format!("{} | {}", failure.message, failure.hint.unwrap_or_default())
    }

    #[test]
    fn a_target_is_a_url_or_the_word_embedded() {
        assert_eq!(Target::parse("embedded").unwrap(), Target::Embedded);
        assert_eq!(Target::parse("http://h/mcp").unwrap(), Target::Url("http://h/mcp".to_owned()));
        assert_eq!(
            refused("node server.js"),
            "`node server.js` is no target: it is neither a URL nor `embedded` | \
             a command goes after `--`, without a shell: mcp-bridge … -- node server.js"
        );
        assert!(refused("localhost:4000/mcp").ends_with("did you mean `http://localhost:4000/mcp`?"));
        assert!(refused("echo").ends_with("a command goes after `--`: mcp-bridge … -- echo"));
        assert!(refused("ftp://h").contains("it must begin with http:// or https://"));
    }

    #[test]
    fn a_command_after_the_dashes_is_the_target_and_leaves_the_words_alone() {
        let mut words = vec!["echo".to_owned()];
        let command = vec![OsString::from("node"), OsString::from("server.js")];
        let target = Target::take(&mut words, command.clone(), "usage").unwrap();
        assert_eq!((target, words), (Target::Command(command), vec!["echo".to_owned()]));
        let mut words = vec!["embedded".to_owned(), "echo".to_owned()];
        assert_eq!(Target::take(&mut words, Vec::new(), "usage").unwrap(), Target::Embedded);
        assert_eq!(words, ["echo"]);
        assert_eq!(Target::take(&mut Vec::new(), Vec::new(), "usage").unwrap_err().hint.unwrap(), "usage");
    }

    #[test]
    fn a_label_is_short_and_has_no_credentials() {
        let label = |word: &str| Target::parse(word).unwrap().label();
        assert_eq!(label("https://user:pass@mcp.example.com:8443/x?key=1"), "mcp.example.com");
        assert_eq!(label("http://[::1]:4000/mcp"), "[::1]");
        assert_eq!(Target::Command(vec!["/usr/bin/server.py".into(), "--x".into()]).label(), "server");
    }
}
