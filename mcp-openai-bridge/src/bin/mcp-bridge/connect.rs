//! From a target and its options to a client.

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use mcp_client::{Client, Command, EraMode, Error as ClientError};
use mcp_types::Implementation;

use crate::cli::{self, Era};
use crate::embedded;
use crate::exit::Failure;
use crate::output::Output;
use crate::target::Target;

/// How servers are spoken to, after the command line was read and secrets were fetched.
pub(crate) struct Connect {
    era: EraMode,
    timeout: Duration,
    headers: Vec<(String, String)>,
    bearer: Option<String>,
    env: Vec<(String, OsString)>,
    cwd: Option<PathBuf>,
}

impl Connect {
    /// Reads the options.
    pub(crate) fn new(connect: cli::Connect, env: &[String], cwd: Option<PathBuf>) -> Result<Self, Failure> {
        let era = match connect.era {
            Era::Auto => EraMode::Auto,
            Era::Legacy => EraMode::Legacy,
            Era::Modern => EraMode::Modern,
        };
        let headers = connect.header.iter().map(|line| header(line)).collect::<Result<_, _>>()?;
        let env = env.iter().map(|word| variable(word)).collect::<Result<_, _>>()?;
        let bearer = bearer(connect.bearer, connect.bearer_env.as_deref())?;
        Ok(Self { era, timeout: Duration::from_secs(connect.timeout), headers, bearer, env, cwd })
    }

    /// How long an answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Refuses options that none of the targets has a use for; nothing is dropped without a word.
    pub(crate) fn suits(&self, targets: &[Target]) -> Result<(), Failure> {
        let has_url = targets.iter().any(|target| matches!(target, Target::Url(_)));
        let has_command = targets.iter().any(|target| matches!(target, Target::Command(_)));
        if !has_url && (!self.headers.is_empty() || self.bearer.is_some()) {
            return Err(Failure::usage("headers and tokens go to a URL only, and no target is one")
                .hint("give a command its credentials by `--env KEY=VALUE`"));
        }
        if !has_command && (!self.env.is_empty() || self.cwd.is_some()) {
            return Err(Failure::usage("`--env` and `--cwd` are for a command after `--`, and there is none"));
        }
        Ok(())
    }

    /// Connects.
    pub(crate) async fn open(&self, target: &Target, output: &Output) -> Result<Client, Failure> {
        let mut builder = Client::builder(Implementation::new("mcp-bridge", env!("CARGO_PKG_VERSION")))
            .era(self.era)
            .timeout(self.timeout);
        Ok(match target {
            Target::Embedded => {
                let server = embedded::in_process();
                let server = server.map_err(|error| Failure::unreachable(crate::exit::with_causes(&error)))?;
                builder.connect(server).await?
            }
            Target::Url(url) => {
                for (name, value) in &self.headers {
                    builder = builder.header(name.as_str(), value.as_str());
                }
                if let Some(token) = &self.bearer {
                    builder = builder.bearer_token(token.as_str());
                }
                if url.starts_with("http://") && self.bearer.is_some() && !is_loopback(url) {
                    output.say(&format!("warning: the token goes to {} without encryption", target.label()));
                }
                builder.connect(url.as_str()).await?
            }
            Target::Command(words) => {
                let mut words = words.iter();
                let program = words.next().cloned().unwrap_or_default();
                let mut command = Command::new(program).args(words.cloned());
                for (name, value) in &self.env {
                    command = command.env(name, value);
                }
                if let Some(folder) = &self.cwd {
                    command = command.current_dir(folder);
                }
                builder.connect(command).await.map_err(not_started)?
            }
        })
    }
}

fn not_started(error: ClientError) -> Failure {
    let is_missing = matches!(error, ClientError::Environment(_));
    let failure = Failure::from(error);
    if is_missing {
        failure.hint("is it installed? Each word behind `--` is one argument, without a shell")
    } else {
        failure
    }
}

/// Whether a URL leads to this machine, as far as its text tells.
pub(crate) fn is_loopback(url: &str) -> bool {
    let host = Target::Url(url.to_owned()).label();
    host == "localhost" || host == "[::1]" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|host| host.is_loopback())
}

fn header(line: &str) -> Result<(String, String), Failure> {
    match line.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        // The line itself may be a secret.
        _ => Err(Failure::usage("a header has no name").hint("write it like --header 'X-Api-Key: value'")),
    }
}

/// Reads `KEY=VALUE`; `KEY` alone passes on a variable of this process.
fn variable(word: &str) -> Result<(String, OsString), Failure> {
    match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.into())),
        Some(_) => Err(Failure::usage("a variable has no name").hint("write it like --env KEY=VALUE")),
        None => match std::env::var_os(word) {
            Some(value) => Ok((word.to_owned(), value)),
            None => Err(Failure::usage(format!("the variable `{word}` is not set, so it cannot be passed on"))
                .hint(format!("set it, or give a value: --env {word}=VALUE"))),
        },
    }
}

fn bearer(token: Option<String>, variable: Option<&str>) -> Result<Option<String>, Failure> {
    if let Some(name) = variable {
        return match std::env::var(name) {
            Ok(token) if !token.trim().is_empty() => Ok(Some(token.trim().to_owned())),
            _ => {
                Err(Failure::new(crate::exit::Kind::Auth, format!("the variable `{name}` of --bearer-env is not set"))
                    .hint(format!("set it to the token: export {name}=…")))
            }
        };
    }
    match token.as_deref() {
        Some("-") => {
            let token = standard_input("the token")?;
            Ok(Some(token.trim().to_owned()))
        }
        _ => Ok(token),
    }
}

/// Reads standard input to its end.
pub(crate) fn standard_input(what: &str) -> Result<String, Failure> {
    let mut text = String::new();
    match std::io::stdin().lock().take(MAX_INPUT_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("cannot read {what} from standard input: {error}"))),
    }
}

/// As much as is read from standard input.
const MAX_INPUT_BYTES: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_a_name_and_a_value() {
        assert_eq!(header("X-Key:  a:b ").unwrap(), ("X-Key".to_owned(), "a:b".to_owned()));
        let failure = header("s3cret").unwrap_err();
        assert!(!failure.message.contains("s3cret"));
    }

    #[test]
    fn a_variable_has_a_value_or_is_passed_on() {
        assert_eq!(variable("A=b=c").unwrap(), ("A".to_owned(), "b=c".into()));
        assert!(variable("=x").is_err());
        assert!(variable("MCP_BRIDGE_NO_SUCH_VARIABLE").unwrap_err().message.contains("is not set"));
    }

    #[test]
    fn this_machine_is_known_by_its_loopback_names() {
        assert!(
            is_loopback("http://localhost:1/x") && is_loopback("http://127.8.0.1") && is_loopback("http://[::1]:2/")
        );
        assert!(!is_loopback("http://localhost.example.com") && !is_loopback("http://127.0.0.1.nip.io/"));
    }
}
