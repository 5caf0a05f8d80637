//! How to start a server (S-11, F65, F67 to F69).
//!
//! The surprising thing: the child does not inherit the environment. What this process knows of other servers, their
//! tokens above all, is none of its business; only the variables that a program needs to run are passed on.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::Child;
use crate::error::Error;
use crate::limits::Limits;

/// A program to start as a server, without a shell.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), mcp_transport::Error> {
/// use mcp_transport::Limits;
/// use mcp_transport::process::Command;
///
/// let child = Command::new("weather-server").arg("--metric").env("WEATHER_TOKEN", "…").spawn(&Limits::default())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    inherits_env: bool,
    directory: Option<PathBuf>,
    stderr: Stderr,
}

/// Where the standard error of a child goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stderr {
    /// To this process, which keeps the end of it to explain failures.
    #[default]
    Kept,
    /// To where the standard error of this process goes.
    Inherited,
}

impl Command {
    /// Names the program: a path, or a name to look for in `PATH`.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            inherits_env: false,
            directory: None,
            stderr: Stderr::default(),
        }
    }

    /// Adds an argument. Every user of the machine can see it, so no secret belongs here.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the child's environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Passes on all of this process's environment, and not only what every program needs.
    #[must_use]
    pub fn inherit_env(mut self) -> Self {
        self.inherits_env = true;
        self
    }

    /// Sets the directory that the child starts in.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets where the child's standard error goes.
    #[must_use]
    pub fn stderr(mut self, stderr: Stderr) -> Self {
        self.stderr = stderr;
        self
    }

    /// Starts the program.
    ///
    /// # Errors
    ///
    /// Fails when the program or its directory does not exist or cannot be used, or when the system has no room for
    /// another process.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with I/O and time enabled.
    pub fn spawn(&self, limits: &Limits) -> Result<Child, Error> {
        Ok(Child::new(self.start()?, self.line(), limits))
    }

    /// Starts the process, the leader of a group of its own.
    pub(super) fn start(&self) -> Result<tokio::process::Child, Error> {
        if let Some(directory) = self.directory.as_deref().filter(|directory| !directory.is_dir()) {
            // The system would report this as if the program were missing.
            return Err(Error::config(format!("cannot start {self}: there is no directory `{}`", directory.display())));
        }
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, value)| self.inherits_env || is_passed_on(name, value)))
            .envs(&self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(match self.stderr {
                Stderr::Kept => Stdio::piped(),
                Stderr::Inherited => Stdio::inherit(),
            })
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.spawn().map_err(|error| self.refused(error))
    }

    fn refused(&self, error: io::Error) -> Error {
        let why = match error.kind() {
            io::ErrorKind::NotFound if Path::new(&self.program).components().count() > 1 => {
                "there is no such file, or the interpreter that it names is missing".to_owned()
            }
            io::ErrorKind::NotFound => {
                let path = self.env.get(OsStr::new("PATH")).cloned().or_else(|| std::env::var_os("PATH"));
                let path = path.unwrap_or_default();
                format!("there is no such program in PATH ({})", path.display())
            }
            io::ErrorKind::PermissionDenied => "it is not a program that this user may execute".to_owned(),
            _ => "the operating system refused".to_owned(),
        };
        Error::environment(format!("cannot start {self}: {why}"), error)
    }

    /// Returns the command line, for humans.
    pub(super) fn line(&self) -> String {
        let mut line = self.program.to_string_lossy().into_owned();
        for arg in &self.args {
            line.push(' ');
            match arg.to_str() {
                Some(arg) if !arg.is_empty() && !arg.contains(char::is_whitespace) => line.push_str(arg),
                _ => line.push_str(&format!("{arg:?}")),
            }
        }
        line
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.program.to_string_lossy())
    }
}

impl fmt::Debug for Command {
    /// Leaves out the values of the environment, which may be secret, and the arguments, which sometimes are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("args", &format_args!("{} of them", self.args.len()))
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("inherits_env", &self.inherits_env)
            .field("directory", &self.directory)
            .field("stderr", &self.stderr)
            .finish()
    }
}

/// Returns whether every child may know a variable of this process.
fn is_passed_on(name: &OsStr, value: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    // A shell takes such a value for a function to define.
    let is_function = value.to_str().is_some_and(|value| value.starts_with("()"));
    // Windows does not tell the case of names apart.
    let is = |passed: &&str| if cfg!(windows) { passed.eq_ignore_ascii_case(name) } else { *passed == name };
    !is_function && (name.starts_with("LC_") || PASSED_ON.iter().any(is))
}

#[cfg(not(windows))]
const PASSED_ON: [&str; 8] = ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER"];

#[cfg(windows)]
const PASSED_ON: [&str; 15] = [
    "APPDATA",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn passes_on(name: &str, value: &str, expected: bool) {
        assert_eq!(is_passed_on(OsStr::new(name), OsStr::new(value)), expected, "{name}");
    }

    #[test]
    fn only_what_every_program_needs_is_passed_on() {
        passes_on("PATH", "/bin", true);
        passes_on("LC_ALL", "C", true);
        passes_on("GITHUB_TOKEN", "secret", false);
        passes_on("LD_PRELOAD", "evil.so", false);
        passes_on("TERM", "() { :; }; echo", false);
    }

    #[test]
    fn a_command_shows_the_names_of_its_variables_and_not_their_values() {
        let command = Command::new("server").arg("a b").env("TOKEN", "hunter2");
        let shown = format!("{command:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
        assert_eq!(command.line(), "server \"a b\"");
    }
}
