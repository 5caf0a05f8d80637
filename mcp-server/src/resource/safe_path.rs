//! Files below a directory, and nothing else (T-107).
//!
//! The surprising thing: it is not enough to look for `..`; a symbolic link inside the directory may lead out too.

use std::fmt;
use std::path::{Component, Path, PathBuf};

/// Why a path was refused. It does not say whether the file exists outside of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsafePath {
    /// The path names nothing below the directory.
    Absent,
    /// The path is absolute, has a `..`, or has characters that file systems read in different ways.
    Malformed,
    /// The path leads out of the directory.
    Outside,
}

impl fmt::Display for UnsafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "there is no such file",
            Self::Malformed => "the path must be relative, without `..`, `\\`, `:` and control characters",
            Self::Outside => "the path leads out of the directory that is served",
        })
    }
}

impl std::error::Error for UnsafePath {}

/// Returns where a file below `root` really lies, with links resolved.
///
/// It asks the file system, which blocks; the answer holds until somebody changes a link.
///
/// # Errors
///
/// Refuses everything that is not an existing file or directory below `root`.
pub fn safe_path(root: impl AsRef<Path>, relative: &str) -> Result<PathBuf, UnsafePath> {
    let odd = |c: char| c.is_control() || c == '\\' || c == ':';
    let path = Path::new(relative);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if relative.is_empty() || relative.contains(odd) || !plain {
        return Err(UnsafePath::Malformed);
    }
    let root = root.as_ref().canonicalize().map_err(|_| UnsafePath::Absent)?;
    let found = root.join(path).canonicalize().map_err(|_| UnsafePath::Absent)?;
    if !found.starts_with(&root) {
        return Err(UnsafePath::Outside);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_the_directory_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(safe_path(root, "src/lib.rs").unwrap(), root.join("src/lib.rs").canonicalize().unwrap());
        for path in ["../Cargo.toml", "/etc/passwd", "src/../../x", "a\\b", "c:x", "a\0b", ""] {
            assert_eq!(safe_path(root, path), Err(UnsafePath::Malformed), "{path:?}");
        }
        assert_eq!(safe_path(root, "no/such/file"), Err(UnsafePath::Absent));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_out_is_refused() {
        let root = std::env::temp_dir().join(format!("mcp-server-safe-path-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let link = root.join("out");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink("/", &link).unwrap();
        assert_eq!(safe_path(&root, "out"), Err(UnsafePath::Outside));
        std::fs::remove_dir_all(&root).unwrap();
    }
}
