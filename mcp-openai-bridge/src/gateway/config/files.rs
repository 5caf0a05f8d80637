//! What the file names besides itself: certificates to trust, and programs.

use std::path::{Path, PathBuf};

use mcp_client::Tls;

use super::reader::{Members, Reader};
use super::yaml::Kind;

/// Reads `ssl_verify`: `true`, `false`, or the path of a file with certificates.
pub(super) fn tls(reader: &Reader<'_>, entry: &Members<'_>, folder: &Path) -> Tls {
    let Some((node, path)) = entry.at("ssl_verify") else { return Tls::platform() };
    match node.kind {
        Kind::Bool(true) => Tls::platform(),
        Kind::Bool(false) => {
            reader.warn(node.place, format!("`{path}`: whoever is between can read and change everything"));
            Tls::platform().without_verification()
        }
        _ => {
            let Some(file) = reader.name(node, &path) else { return Tls::platform() };
            // What others take in silence for "as usual" is a connection that the user did not ask for.
            Tls::platform().ca_file(folder.join(file.value)).unwrap_or_else(|error| {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                reader.fault(node.place, format!("`{path}`: {error}{cause}"));
                Tls::platform()
            })
        }
    }
}

/// Names a program: one with a `/` in it from the folder of the configuration, any other as it is.
pub(super) fn program(folder: &Path, name: &str) -> PathBuf {
    if Path::new(name).components().count() > 1 { folder.join(name) } else { PathBuf::from(name) }
}
