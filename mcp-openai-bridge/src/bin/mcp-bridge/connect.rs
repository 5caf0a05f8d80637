//! From a target and its options to a client.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mcp_client::{Client, ClientHandler, Command, EraMode, Error as ClientError, Secret};
use mcp_types::Implementation;

use crate::cli::{self, Era, Header};
use crate::embedded;
use crate::exit::{Failure, Kind};
use crate::output::Output;
use crate::target::Target;

/// How servers are spoken to, after the command line was read and secrets were fetched.
pub(crate) struct Connect {
    era: EraMode,
    timeout: Duration,
    headers: Vec<(String, Secret)>,
    bearer: Option<Secret>,
    env: Vec<(String, OsString)>,
    cwd: Option<PathBuf>,
}

impl Connect {
    /// Reads the options.
    pub(crate) async fn new(connect: cli::Connect, env: &[String], cwd: Option<PathBuf>) -> Result<Self, Failure> {
        let era = match connect.era {
            Era::Auto => EraMode::Auto,
            Era::Legacy => EraMode::Legacy,
            Era::Modern => EraMode::Modern,
        };
        let headers = connect.header.into_iter().map(named).collect::<Result<_, _>>()?;
        let env = env.iter().map(|word| variable(word)).collect::<Result<_, _>>()?;
        let bearer = bearer(connect.bearer.as_ref(), connect.bearer_env.as_deref()).await?;
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
                .hint("give a command its credentials by `--env KEY`, which passes a variable on"));
        }
        if !has_command && (!self.env.is_empty() || self.cwd.is_some()) {
            return Err(Failure::usage("`--env` and `--cwd` are for a command after `--`, and there is none"));
        }
        Ok(())
    }

    /// Connects.
    pub(crate) async fn open(&self, target: &Target, output: &Output) -> Result<Client, Failure> {
        self.open_for(target, (), output).await
    }

    /// Connects, for somebody who can be asked.
    pub(crate) async fn open_for(
        &self,
        target: &Target,
        handler: impl ClientHandler,
        output: &Output,
    ) -> Result<Client, Failure> {
        let mut builder = Client::builder(Implementation::new("mcp-bridge", env!("CARGO_PKG_VERSION")))
            .handler(handler)
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
                    builder = builder.header(name.as_str(), value.clone());
                }
                if let Some(token) = &self.bearer {
                    builder = builder.bearer_token(token.clone());
                }
                if url.starts_with("http://") && self.bearer.is_some() && !is_loopback(url) {
                    output.say(&format!("warning: the token goes to {} without encryption", target.label()));
                }
                builder.connect(url.as_str()).await.map_err(not_an_endpoint)?
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

/// Says what an error means that is the answer to the first request: most likely it comes from no endpoint of MCP.
fn not_an_endpoint(error: ClientError) -> Failure {
    let hint = match &error {
        ClientError::Rpc(_) => WHICH_PATH.to_owned(),
        ClientError::Unsupported(fault) if fault.offered.is_empty() && fault.answer.is_some() => {
            format!("{WHICH_PATH}; or let both sides find a revision with `--era auto`")
        }
        _ => return error.into(),
    };
    Failure { kind: Kind::Protocol, ..error.into() }.hint(hint)
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

fn named(header: Header) -> Result<(String, Secret), Failure> {
    if header.name.is_empty() {
        // The line itself may be a secret.
        return Err(Failure::usage("a header has no name").hint("write it like --header 'X-Api-Key: value'"));
    }
    Ok((header.name, header.value))
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

/// Fetches the token from where it is safe; the command line is no such place.
async fn bearer(given: Option<&Secret>, variable: Option<&str>) -> Result<Option<Secret>, Failure> {
    let token = match (given, variable) {
        (None, None) => return Ok(None),
        (_, Some(name)) => std::env::var(name).map_err(|_| unset(name))?,
        (Some(given), None) if *given == Secret::from("-") => standard_input("the token").await?,
        (Some(_), None) => {
            return Err(Failure::usage("a token on the command line can be read by every user of this machine")
                .hint("put it into a variable and name that by `--bearer-env VAR`, or pipe it in with `--bearer -`"));
        }
    };
    match (token.trim(), variable) {
        ("", Some(name)) => Err(unset(name)),
        ("", None) => Err(Failure::new(Kind::Auth, "there is no token on standard input")
            .hint("pipe it in: `some-command | mcp-bridge … --bearer -`")),
        (token, _) => Ok(Some(token.into())),
    }
}

fn unset(variable: &str) -> Failure {
    Failure::new(Kind::Auth, format!("the variable `{variable}` of --bearer-env is not set"))
        .hint(format!("set it to the token: export {variable}=…"))
}

/// Reads standard input to its end, which can be done once. It is read by a thread of its own, because an interrupt must
/// end the program also while somebody still types.
pub(crate) async fn standard_input(what: &str) -> Result<String, Failure> {
    static IS_READ: AtomicBool = AtomicBool::new(false);
    if IS_READ.swap(true, Ordering::Relaxed) {
        return Err(Failure::usage(format!("{what} cannot be read from standard input, which was read already"))
            .hint("give `-` once"));
    }
    let unreadable = |why: &dyn Display| Failure::usage(format!("cannot read {what} from standard input: {why}"));
    let read = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        std::io::stdin().lock().take(MAX_INPUT_BYTES + 1).read_to_string(&mut text).map(|_| text)
    });
    let text = read.await.map_err(|error| unreadable(&error))?.map_err(|error| unreadable(&error))?;
    if text.len() as u64 > MAX_INPUT_BYTES {
        return Err(unreadable(&format!("it has more than {MAX_INPUT_BYTES} bytes")));
    }
    Ok(text)
}

/// What helps most often when a URL leads to something else than an endpoint.
pub(crate) const WHICH_PATH: &str = "check the URL; the path is often `/mcp`";

/// As much as is read from standard input.
const MAX_INPUT_BYTES: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn parsed(args: &[&str]) -> cli::Connect {
        let args = ["mcp-bridge", "tools", "http://h"].iter().chain(args);
        match Cli::try_parse_from(args).map(|cli| cli.command) {
            Ok(cli::Command::Tools(tools)) => tools.connect,
            _ => panic!("these are arguments of `tools`"),
        }
    }

    #[tokio::test]
    async fn a_header_has_a_name_and_a_value_that_is_kept_secret() {
        let connect = parsed(&["--header", "X-Key:  a:b "]);
        assert_eq!(format!("{:?}", connect.header), r#"[Header { name: "X-Key", value: Secret(…) }]"#);
        assert_eq!(connect.header[0].value, Secret::from("a:b"));
        let failure = Connect::new(parsed(&["--header", "s3cret"]), &[], None).await.err().unwrap();
        assert!(!failure.json().contains("s3cret") && failure.json().contains("a header has no name"));
    }

    #[tokio::test]
    async fn a_token_on_the_command_line_is_refused_and_not_repeated() {
        let failure = Connect::new(parsed(&["--bearer", "s3cret"]), &[], None).await.err().unwrap();
        assert!(!failure.json().contains("s3cret") && failure.json().contains("--bearer-env"), "{}", failure.json());
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
