//! The programs that are measured: built or installed below `target/bench`, and how each is started.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    install, interop,
    process::{Group, Outcome, Red, cargo, is_installed, run},
    workspace::root,
};

/// Where the programs are, and which core is theirs.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The folder `bench` of the target directory.
    folder: PathBuf,
    /// The core that servers and the load share, when the machine can pin them.
    core: Option<String>,
    node: Result<PathBuf, String>,
    python: Result<PathBuf, String>,
    /// Why a nested crate cannot be used.
    absent: Vec<(&'static str, String)>,
}

impl Programs {
    /// Builds what is written in Rust, and installs the others; with `only_present` those are used that are there.
    ///
    /// # Errors
    ///
    /// When the load generator cannot be built. A peer that cannot be is left out, and the report says so.
    pub(crate) fn prepare(target: &Path, only_present: bool) -> Outcome<Self> {
        let folder = target.join("bench");
        fs::create_dir_all(&folder).map_err(|error| Red::new(format!("cannot make {}: {error}", folder.display())))?;
        build("", &folder.join("limits"))?;
        let mut absent = Vec::new();
        for name in ["ours", "rmcp"] {
            if !root().join(SOURCES).join(name).join("Cargo.toml").is_file() {
                absent.push((name, format!("{SOURCES}/{name} is not there")));
            } else if let Err(red) = build(name, &folder.join(name)) {
                println!("bench: {name} is left out: {red}");
                absent.push((name, red.message));
            }
        }
        let core = if is_installed("taskset", "--version") { last_core() } else { None };
        if core.is_none() {
            println!(
                "bench: servers and load are not pinned to one core: there is no taskset; CPU figures spread more"
            );
        }
        let (node, python) = (node(target, &folder, only_present), python(&folder, only_present));
        for (name, side) in [("typescript", &node), ("python", &python)] {
            if let Err(why) = side {
                println!("bench: {name} is left out: {why}");
            }
        }
        Ok(Self { folder, core, node, python, absent })
    }

    /// The folder that everything here lies in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a program of the load side.
    pub(crate) fn load_side(&self, name: &str) -> String {
        text(&self.folder.join("limits").join("release").join(name))
    }

    /// Returns a program of a nested crate, or why there is none.
    ///
    /// # Errors
    ///
    /// When the crate was not built or has no such program.
    pub(crate) fn nested(&self, of: &str, name: &str) -> Outcome<String> {
        if let Some((_, why)) = self.absent.iter().find(|(absent, _)| *absent == of) {
            return Err(Red::new(why));
        }
        let program = self.folder.join(of).join("release").join(name);
        if program.is_file() { Ok(text(&program)) } else { Err(Red::new(format!("{SOURCES}/{of} has no {name}"))) }
    }

    /// Returns the words that start a server of a subject, with so many tools in all.
    ///
    /// # Errors
    ///
    /// When the subject is missing.
    pub(crate) fn server(&self, subject: &str, is_http: bool, tools: u64) -> Outcome<Vec<String>> {
        let mut words = match subject.split(' ').next().unwrap_or_default() {
            "limit" => vec![self.load_side(if is_http { "limit-http" } else { "limit-line" })],
            "ours" | "plain" => vec![self.nested("ours", "ours-server")?],
            "rmcp" => vec![self.nested("rmcp", "rmcp-server")?],
            "typescript" => self.script(&self.node, &text(&self.folder.join("node").join("server.mjs")))?,
            "python" => self.script(&self.python, &text(&root().join(SOURCES).join("python").join("server.py")))?,
            other => return Err(Red::new(format!("there is no subject `{other}`"))),
        };
        match subject {
            "rmcp json" => words.push("--json".to_owned()),
            "rmcp pipes" => words.push("--pipes".to_owned()),
            _ => {}
        }
        if is_http {
            words.extend(["--http", "127.0.0.1:0"].map(str::to_owned));
        }
        if tools > OWN_TOOLS {
            words.extend(["--tools".to_owned(), (tools - OWN_TOOLS).to_string()]);
        }
        Ok(words)
    }

    /// Returns the words that run a script of Node.
    ///
    /// # Errors
    ///
    /// When there is no Node, or no such script.
    pub(crate) fn node_script(&self, name: &str) -> Outcome<Vec<String>> {
        self.script(&self.node, &text(&self.folder.join("node").join(name)))
    }

    fn script(&self, program: &Result<PathBuf, String>, script: &str) -> Outcome<Vec<String>> {
        let program = program.as_ref().map_err(Red::new)?;
        if !Path::new(script).is_file() {
            return Err(Red::new(format!("{script} is not there")));
        }
        Ok(vec![text(program), script.to_owned()])
    }

    /// Makes a command of words, on the core that everything here shares.
    pub(crate) fn pinned(&self, words: &[String]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", AS_MANY_FILES, "sh"]);
        command.args(self.core.iter().flat_map(|core| ["taskset", "-c", core])).args(words);
        command
    }

    /// Starts a server and waits until it says where it listens.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub(crate) fn listen(&self, words: &[String]) -> Outcome<Listening> {
        let mut group = Group::start(&mut self.pinned(words))?;
        let url = group.wait_for(PATIENCE, |line| {
            let url = line.text.split("http://").nth(1).filter(|_| line.text.contains("listening"))?;
            Some(format!("http://{}", url.split([' ', '"']).next().unwrap_or_default()))
        })?;
        Ok(Listening { url, group })
    }
}

/// A server that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) url: String,
    group: Group,
}

impl Listening {
    pub(crate) fn id(&self) -> u32 {
        self.group.id()
    }
}

/// Builds a nested crate; cargo itself knows what is current.
fn build(name: &str, target: &Path) -> Outcome {
    let sources = root().join(SOURCES).join(name);
    let mut command = cargo();
    command.current_dir(sources).args(["build", "--release", "--quiet", "--locked", "--target-dir"]).arg(target);
    run(&mut command)
}

fn node(target: &Path, folder: &Path, only_present: bool) -> Result<PathBuf, String> {
    let sources = root().join(SOURCES).join("node");
    if !sources.is_dir() {
        return Err(format!("{SOURCES}/node is not there"));
    }
    let folder = folder.join("node");
    if only_present && !folder.join("node_modules").is_dir() {
        return Err("it is not installed; `cargo xtask bench --install-only` does it".to_owned());
    }
    if !is_installed("npm", "--version") {
        return Err("there is no npm".to_owned());
    }
    let installed = install::node(target).and_then(|program| {
        install::packages(&folder, &sources)?;
        // Node looks for packages beside the script, so the scripts lie beside the packages.
        for script in ["server.mjs", "loop.mjs"] {
            if sources.join(script).is_file() {
                install::write(&folder.join(script), &install::read(&sources.join(script))?)?;
            }
        }
        Ok(program)
    });
    installed.map_err(|red| red.message)
}

fn python(folder: &Path, only_present: bool) -> Result<PathBuf, String> {
    let sources = root().join(SOURCES).join("python");
    if !sources.is_dir() {
        return Err(format!("{SOURCES}/python is not there"));
    }
    let folder = folder.join("python");
    if only_present && !folder.join("venv").is_dir() {
        return Err("it is not installed; `cargo xtask bench --install-only` does it".to_owned());
    }
    if !is_installed("python3", "--version") {
        return Err("there is no python3".to_owned());
    }
    let bin = interop::install::environment(&folder, &sources).map_err(|red| red.message)?;
    Ok(bin.join("python"))
}

/// The last core that we may use: the first one takes most interrupts.
fn last_core() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(list.trim().rsplit([',', '-']).next()?.to_owned())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Ten thousand streams are as many files, on both sides. Where the system allows fewer, the load says so.
const AS_MANY_FILES: &str = r#"ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@""#;
/// Where the nested crates and the scripts are, below the top of the tree.
const SOURCES: &str = "xtask/bench";
/// How many tools every server has: `echo` and `progress`.
const OWN_TOOLS: u64 = 2;
/// How long a server may need until it listens.
const PATIENCE: Duration = Duration::from_secs(30);
