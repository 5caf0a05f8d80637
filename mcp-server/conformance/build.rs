//! Finds the scenarios: every file in `src/scenarios/` is one, so adding a file adds a scenario.
//!
//! The surprising thing: the modules are named by their full paths, because they are declared in a file that lies in
//! cargo's output folder.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("src/scenarios");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    let (mut modules, mut rows) = (String::new(), String::new());
    for path in &files {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let name = stem.ok_or_else(|| format!("{} has no name that is text", path.display()))?;
        writeln!(modules, "#[path = {:?}]\nmod {name};", path.display().to_string())?;
        writeln!(rows, "    ({name:?}, &{name}::SCENARIO),")?;
    }
    let text = format!(
        "{modules}\n/// Every scenario by its name, in order.\npub(crate) static ALL: &[Named] = &[\n{rows}];\n"
    );
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("scenarios.rs"), text)?;
    Ok(())
}
