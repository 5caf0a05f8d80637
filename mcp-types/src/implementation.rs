//! Who a peer is: its name, version and icons (T-70 to T-72).

use crate::json::RawJson;
use crate::object::{object, words};

object! {
    /// The name and version of a client or a server. Nobody verifies it: for display and logs only (T-28).
    pub struct Implementation {
        required {
            /// The name for programs.
            name: String = "name",
            /// The version, in any form.
            version: String = "version",
        }
        optional {
            /// The name for humans; since 2025-06-18.
            title: String = "title",
            /// What it is for; since 2025-11-25.
            description: String = "description",
            /// A page about it; since 2025-11-25.
            website_url: String = "websiteUrl",
            /// Pictures of it; since 2025-11-25.
            icons: Vec<Icon> = "icons",
        }
    }
}

object! {
    /// A picture of a server, a tool, a resource or a prompt.
    pub struct Icon {
        required {
            /// An `https:` or `data:` URL.
            src: String = "src",
        }
        optional {
            /// The media type, when it is not the one the source declares.
            mime_type: String = "mimeType",
            /// Sizes such as `48x48` or `any`. Early drafts had one string, which is read as it is.
            sizes: RawJson = "sizes",
            /// The background it is drawn for.
            theme: IconTheme = "theme",
        }
    }
}

words! {
    /// The background an icon is drawn for.
    pub enum IconTheme {
        /// A dark background.
        Dark = "dark",
        /// A light background.
        Light = "light",
    }
}

/// Makes the [`Implementation`] of the crate that uses the macro, from its Cargo name and version.
///
/// It expands where it is used, so that a server made with this library introduces itself and not this library.
#[macro_export]
macro_rules! implementation {
    () => {
        $crate::Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    };
}
