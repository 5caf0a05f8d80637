//! The peers: installed below `target/interop`, each at the exact version that `xtask/interop` names.
//!
//! An installation is kept as long as the files that name the versions do not change.

use std::{
    env::consts,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    process::{Outcome, Red, capture, is_installed, line},
    workspace::root,
};

/// What is installed. A side whose language is not on this machine is absent.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) node: Option<Node>,
    pub(crate) python: Option<Python>,
}

/// The TypeScript side.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) program: PathBuf,
    /// The folder with `node_modules` and our drivers.
    pub(crate) folder: PathBuf,
}

/// The Python side.
#[derive(Debug)]
pub(crate) struct Python {
    pub(crate) program: PathBuf,
    /// The folder of our drivers.
    pub(crate) folder: PathBuf,
    pub(crate) time_server: PathBuf,
}

impl Peers {
    /// Installs what is missing below `folder`.
    ///
    /// # Errors
    ///
    /// When an installation fails. A language that is not there at all is no error here.
    pub(crate) fn install(folder: &Path) -> Outcome<Self> {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let node = if is_installed("npm", "--version") {
            Some(Node::install(folder)?)
        } else {
            None
        };
        let python = if is_installed("python3", "--version") {
            Some(Python::install(folder)?)
        } else {
            None
        };
        Ok(Self { node, python })
    }
}

impl Node {
    fn install(folder: &Path) -> Outcome<Self> {
        let program = node(&folder.join("node22"))?;
        let folder = folder.join("typescript");
        let named = [read("package.json")?, read("package-lock.json")?];
        if !is_current(&folder, &named.concat()) {
            fresh(&folder)?;
            write(&folder.join("package.json"), &named[0])?;
            write(&folder.join("package-lock.json"), &named[1])?;
            install_by(npm(&folder).arg("ci"))?;
            mark_current(&folder, &named.concat())?;
        }
        // Node looks for packages beside the script, so the scripts lie beside the packages.
        for driver in ["client.mjs", "server.mjs"] {
            write(&folder.join(driver), &read(driver)?)?;
        }
        Ok(Self { program, folder })
    }
}

/// Returns the node of this machine when it is new enough, else installs one.
fn node(folder: &Path) -> Outcome<PathBuf> {
    let version = capture(Command::new("node").arg("--version"))
        .map(|captured| captured.stdout)
        .unwrap_or_default();
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= OLDEST_NODE) {
        return Ok(PathBuf::from("node"));
    }
    let package = format!("{}@{NODE}", node_package());
    let program = folder
        .join("node_modules")
        .join(node_package())
        .join("bin")
        .join("node");
    if !is_current(folder, &package) {
        fresh(folder)?;
        write(&folder.join("package.json"), "{\"private\": true}\n")?;
        install_by(npm(folder).args(["install", "--ignore-scripts", &package]))?;
        mark_current(folder, &package)?;
    }
    Ok(program)
}

/// The package that holds the program for this machine; the package `node` fetches it by an install script.
fn node_package() -> String {
    let platform = if consts::OS == "macos" {
        "darwin"
    } else {
        consts::OS
    };
    let architecture = match consts::ARCH {
        "aarch64" => "arm64",
        "x86_64" => "x64",
        other => other,
    };
    let prefix = if (platform, architecture) == ("darwin", "arm64") {
        "node-bin"
    } else {
        "node"
    };
    format!("{prefix}-{platform}-{architecture}")
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command
        .current_dir(folder)
        .args(["--no-audit", "--no-fund", "--loglevel=error"]);
    command
}

impl Python {
    fn install(folder: &Path) -> Outcome<Self> {
        let folder = folder.join("python");
        let bin = folder.join("venv").join("bin");
        let named = read("requirements.txt")?;
        if !is_current(&folder, &named) {
            fresh(&folder)?;
            write(&folder.join("requirements.txt"), &named)?;
            install_by(
                Command::new("python3")
                    .current_dir(&folder)
                    .args(["-m", "venv", "venv"]),
            )?;
            let mut pip = Command::new(bin.join("pip"));
            pip.current_dir(&folder)
                .args(["--disable-pip-version-check", "install", "--quiet"]);
            install_by(pip.args(["-r", "requirements.txt"]))?;
            mark_current(&folder, &named)?;
        }
        Ok(Self {
            program: bin.join("python"),
            folder: root().join(SOURCES),
            time_server: bin.join("mcp-server-time"),
        })
    }
}

fn install_by(command: &mut Command) -> Outcome {
    println!("interop: {}", line(command));
    capture(command).map(drop)
}

fn read(name: impl AsRef<OsStr>) -> Outcome<String> {
    let path = root().join(SOURCES).join(Path::new(name.as_ref()));
    fs::read_to_string(&path)
        .map_err(|error| Red::new(format!("cannot read {}: {error}", path.display())))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| unwritable(path, &error))
}

/// Begins an installation from nothing.
fn fresh(folder: &Path) -> Outcome {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))
}

fn is_current(folder: &Path, named: &str) -> bool {
    fs::read_to_string(folder.join(MARK)).is_ok_and(|marked| marked == named)
}

fn mark_current(folder: &Path, named: &str) -> Outcome {
    write(&folder.join(MARK), named)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Red {
    Red::new(format!("cannot write {}: {error}", path.display()))
}

/// Where the drivers and the lists of versions are, below the top of the tree.
const SOURCES: &str = "xtask/interop";
/// What a finished installation leaves behind: the names it was made from.
const MARK: &str = ".installed";
/// The major version that the peers are tested with.
const OLDEST_NODE: u32 = 22;
/// What is installed where the machine has none or an older one.
const NODE: &str = "22.23.3";
