//! The programs that are measured, and how each is started.

pub(crate) mod prepare;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    bench::programs::prepare::{LOAD_SIDE, SOURCES},
    process::{Group, Outcome, Red, is_installed},
    workspace::root,
};

/// Where the programs are, and which core is theirs.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The folder `bench` of the target directory.
    folder: PathBuf,
    /// The core that servers and the load share, when the machine can pin them.
    core: Option<String>,
    /// What was built or installed, by name, or why it cannot be used.
    present: BTreeMap<&'static str, Result<PathBuf, String>>,
}

impl Programs {
    /// Builds and installs what the names of [`prepare`] name; with `only_present` those peers are used that are there.
    ///
    /// # Errors
    ///
    /// When the load generator cannot be built. A peer that cannot be is left out, and the report says so.
    pub(crate) fn prepare(target: &Path, names: &BTreeSet<&'static str>, only_present: bool) -> Outcome<Self> {
        let folder = target.join("bench");
        fs::create_dir_all(&folder).map_err(|error| Red::new(format!("cannot make {}: {error}", folder.display())))?;
        if names.contains(LOAD_SIDE) {
            prepare::load_side(&folder)?;
        }
        let present = names
            .iter()
            .filter(|name| **name != LOAD_SIDE)
            .map(|name| (*name, prepare::program(name, target, &folder, only_present)));
        let present: BTreeMap<_, _> = present.collect();
        for (name, program) in &present {
            if let Err(why) = program {
                println!("bench: {name} is left out: {why}");
            }
        }
        let core = if is_installed("taskset", "--version") { last_core() } else { None };
        if core.is_none() {
            println!(
                "bench: servers and load are not pinned to one core: there is no taskset; CPU figures spread more"
            );
        }
        Ok(Self { folder, core, present })
    }

    /// The folder that everything here lies in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a program of the load side.
    pub(crate) fn load_side(&self, name: &str) -> String {
        text(&self.folder.join(LOAD_SIDE).join("release").join(name))
    }

    /// Returns a program by its name, or why there is none.
    ///
    /// # Errors
    ///
    /// When it was not built or installed.
    pub(crate) fn program(&self, name: &str) -> Outcome<PathBuf> {
        match self.present.get(name) {
            Some(program) => program.clone().map_err(Red::new),
            None => Err(Red::new(format!("{name} was not prepared"))),
        }
    }

    /// Returns the words that start a server of a subject, with so many tools in all.
    ///
    /// # Errors
    ///
    /// When the subject is missing.
    pub(crate) fn server(&self, subject: &str, is_http: bool, tools: u64) -> Outcome<Vec<String>> {
        let mut words = match subject.split(' ').next().unwrap_or_default() {
            "limit" => vec![self.load_side(if is_http { "limit-http" } else { "limit-line" })],
            "ours" | "plain" => vec![text(&self.program("ours-server")?)],
            "rmcp" => vec![text(&self.program("rmcp-server")?)],
            "typescript" => self.node_script("server.mjs")?,
            "python" => {
                vec![text(&self.program("python")?), text(&root().join(SOURCES).join("python").join("server.py"))]
            }
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
    /// When there is no Node.
    pub(crate) fn node_script(&self, name: &str) -> Outcome<Vec<String>> {
        Ok(vec![text(&self.program("node")?), text(&self.folder.join("node").join(name))])
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

/// The last core that we may use: the first one takes most interrupts.
fn last_core() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(list.trim().rsplit([',', '-']).next()?.to_owned())
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Ten thousand streams are as many files, on both sides. Where the system allows fewer, the load says so.
const AS_MANY_FILES: &str = r#"ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@""#;
/// How many tools every server has: `echo` and `progress`.
const OWN_TOOLS: u64 = 2;
/// How long a server may need until it listens.
const PATIENCE: Duration = Duration::from_secs(30);
