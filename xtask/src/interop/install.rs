//! The peers: installed below `target/interop`, each at the exact version that `xtask/interop` names.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    install,
    process::{Outcome, is_installed},
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
    /// Installs what is missing below the folder `interop` of `target`.
    ///
    /// # Errors
    ///
    /// When an installation fails. A language that is not there at all is no error here.
    pub(crate) fn install(target: &Path) -> Outcome<Self> {
        let node = if is_installed("npm", "--version") { Some(Node::install(target)?) } else { None };
        let python = if is_installed("python3", "--version") { Some(Python::install(target)?) } else { None };
        Ok(Self { node, python })
    }
}

impl Node {
    fn install(target: &Path) -> Outcome<Self> {
        let program = install::node(target)?;
        let folder = target.join("interop").join("typescript");
        let sources = root().join(SOURCES);
        install::packages(&folder, &sources)?;
        // Node looks for packages beside the script, so the scripts lie beside the packages.
        for driver in ["client.mjs", "server.mjs"] {
            install::write(&folder.join(driver), &install::read(&sources.join(driver))?)?;
        }
        Ok(Self { program, folder })
    }
}

impl Python {
    fn install(target: &Path) -> Outcome<Self> {
        let folder = target.join("interop").join("python");
        let bin = folder.join("venv").join("bin");
        let named = install::read(&root().join(SOURCES).join("requirements.txt"))?;
        if !install::is_current(&folder, &named) {
            install::fresh(&folder)?;
            install::write(&folder.join("requirements.txt"), &named)?;
            install::run(Command::new("python3").current_dir(&folder).args(["-m", "venv", "venv"]))?;
            let mut pip = Command::new(bin.join("pip"));
            pip.current_dir(&folder).args(["--disable-pip-version-check", "install", "--quiet"]);
            install::run(pip.args(["-r", "requirements.txt"]))?;
            install::mark_current(&folder, &named)?;
        }
        Ok(Self { program: bin.join("python"), folder: root().join(SOURCES), time_server: bin.join("mcp-server-time") })
    }
}

/// Where the drivers and the lists of versions are, below the top of the tree.
const SOURCES: &str = "xtask/interop";
