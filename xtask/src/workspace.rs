//! What cargo says about this workspace: where it is, which crates it has, what they depend on.

use std::{
    env,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::Value;

use crate::process::{Outcome, Red, capture, cargo};

/// Returns the top of the source tree.
///
/// cargo says at run time where xtask lies. What it said at compile time may be another checkout, when two of them
/// share a target directory.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        folder.parent().expect("xtask lies in the workspace").to_path_buf()
    })
}

/// The crates of the workspace, as `cargo metadata` gives them.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// One crate of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Whether it goes to a registry.
    pub(crate) is_published: bool,
    /// Its features but `default`, sorted.
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a dependency table.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether it lies in this workspace.
    pub(crate) is_ours: bool,
}

/// Which dependency table a line stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Build,
    Development,
    Normal,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    ///
    /// When cargo fails or answers in a form that we do not know.
    pub(crate) fn load() -> Outcome<Self> {
        let mut command = cargo();
        command.current_dir(root()).args(["metadata", "--format-version", "1", "--no-deps"]);
        let answer = capture(&mut command)?;
        let metadata: Value = serde_json::from_str(&answer.stdout)
            .map_err(|error| Red::new(format!("`cargo metadata` printed no JSON: {error}")))?;
        Self::from_metadata(&metadata)
            .ok_or_else(|| Red::new("`cargo metadata` answered in a form that xtask does not know"))
    }

    fn from_metadata(metadata: &Value) -> Option<Self> {
        let mut packages = metadata["packages"].as_array()?.iter().map(package).collect::<Option<Vec<_>>>()?;
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        let target_directory = PathBuf::from(metadata["target_directory"].as_str()?);
        Some(Self { packages, target_directory })
    }

    /// Returns the crates that go to a registry.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_published)
    }
}

fn package(package: &Value) -> Option<Package> {
    let mut features: Vec<String> = package["features"].as_object()?.keys().cloned().collect();
    features.retain(|feature| feature != "default");
    features.sort();
    Some(Package {
        name: package["name"].as_str()?.to_owned(),
        version: package["version"].as_str()?.to_owned(),
        // `publish = false` is an empty list of registries; no such line is null.
        is_published: package["publish"].as_array().is_none_or(|registries| !registries.is_empty()),
        features,
        dependencies: package["dependencies"].as_array()?.iter().map(dependency).collect::<Option<Vec<_>>>()?,
    })
}

fn dependency(dependency: &Value) -> Option<Dependency> {
    let kind = match dependency["kind"].as_str() {
        None => Kind::Normal,
        Some("build") => Kind::Build,
        Some("dev") => Kind::Development,
        Some(_) => return None,
    };
    let is_ours = dependency["source"].is_null();
    Some(Dependency { name: dependency["name"].as_str()?.to_owned(), kind, is_ours })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_crate_without_a_publish_line_is_published_and_one_with_false_is_not() {
        let crate_with = |publish: Value| {
            json!({
                "name": "a", "version": "1.0.0", "publish": publish,
                "features": {"default": [], "tls": [], "http": []},
                "dependencies": [{"name": "b", "kind": "dev", "source": null}]
            })
        };
        let metadata = json!({
            "packages": [crate_with(Value::Null), crate_with(json!([]))], "target_directory": "/x/target"
        });
        let workspace = Workspace::from_metadata(&metadata).unwrap();
        assert_eq!(workspace.published().count(), 1);
        let package = &workspace.packages[0];
        assert_eq!(package.features, ["http", "tls"]);
        assert_eq!(package.dependencies[0].kind, Kind::Development);
        assert!(package.dependencies[0].is_ours);
    }
}
