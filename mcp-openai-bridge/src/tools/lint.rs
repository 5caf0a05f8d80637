//! What a provider would say to the tools of a server as they are, tool by tool.
//!
//! The surprising thing: a tool that is repaired is one that a bridge without repair would fail with, and every other
//! tool of the same request beside it. So whoever writes a server finds here what to mend in it.

use std::fmt;
use std::sync::Arc;

use crate::names::{NAME_LIMIT, is_legal};
use crate::schema::{Obstacle, Quarantine, Rewrite};

use super::{ToolRef, ToolSet};

/// What is known about one tool.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The label of the tool's server.
    pub server: String,
    /// The name of the tool on its server.
    pub tool: String,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// What becomes of a tool.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It cannot be offered to a model.
    HeldBack(Quarantine),
    /// It can.
    Offered(Arc<ToolRef>),
}

/// Why a function is not called what the server calls the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Renamed {
    /// It has characters that function names cannot have, or none at all.
    Characters,
    /// Another function has that name.
    Collision,
    /// It is longer than function names can be.
    Length,
    /// The label of the server stands in front.
    Prefix,
}

impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Characters => "the name has characters that a function name cannot have",
            Self::Collision => "another function has the name",
            Self::Length => "the name is longer than a function name can be",
            Self::Prefix => "the label of the server stands in front of the name",
        })
    }
}

impl Finding {
    /// Returns whether a provider takes the tool as the server wrote it.
    pub fn is_legal(&self) -> bool {
        self.offered().is_some_and(|tool| self.renamed().is_none() && news(tool).next().is_none())
    }

    /// Returns the tool, unless it is held back.
    pub fn offered(&self) -> Option<&ToolRef> {
        match &self.verdict {
            Verdict::HeldBack(_) => None,
            Verdict::Offered(tool) => Some(tool),
        }
    }

    /// Returns why the function has another name than the tool.
    pub fn renamed(&self) -> Option<Renamed> {
        let name = self.offered()?.name();
        if name == self.tool {
            None
        } else if !self.tool.chars().all(is_legal) || self.tool.is_empty() {
            Some(Renamed::Characters)
        } else if self.tool.len() > NAME_LIMIT {
            Some(Renamed::Length)
        } else if name.ends_with(&format!("__{}", self.tool)) {
            Some(Renamed::Prefix)
        } else {
            Some(Renamed::Collision)
        }
    }

    /// Returns the changes that were needed; what only identifies a schema is none.
    pub fn rewrites(&self) -> impl Iterator<Item = &Rewrite> {
        self.offered().into_iter().flat_map(news)
    }

    /// Returns why the model cannot be held to the parameters. Only a set with [`Strict::Auto`](super::Strict::Auto)
    /// knows that.
    pub fn obstacle(&self) -> Option<&Obstacle> {
        self.offered()?.obstacle()
    }

    /// Returns what is legal and still may not work well.
    pub fn advice(&self) -> Vec<String> {
        let Some(tool) = self.offered() else { return Vec::new() };
        let mut advice = Vec::new();
        match tool.description().map(|text| text.chars().count()) {
            None => advice.push("the model is told nothing about it: it has no description".to_owned()),
            Some(length) if length > DESCRIPTION_LIMIT => advice.push(format!(
                "the description has {length} characters, and some providers take {DESCRIPTION_LIMIT} at most"
            )),
            Some(_) => {}
        }
        #[cfg(feature = "validate")]
        if let Some(unchecked) = tool.unchecked() {
            advice.push(unchecked.to_string());
        }
        advice
    }
}

impl ToolSet {
    /// Looks at every tool, also at those that are held back, which come last.
    pub fn lint(&self) -> Vec<Finding> {
        let offered = self.tools.iter().map(|tool| Finding {
            server: tool.server.clone(),
            tool: tool.tool.clone(),
            verdict: Verdict::Offered(Arc::clone(tool)),
        });
        let held_back = self.quarantined.iter().map(|held| Finding {
            server: held.server.clone(),
            tool: held.tool.clone(),
            verdict: Verdict::HeldBack(held.reason.clone()),
        });
        offered.chain(held_back).collect()
    }
}

fn news(tool: &ToolRef) -> impl Iterator<Item = &Rewrite> {
    tool.rewrites.iter().filter(|rewrite| super::report::is_news(rewrite))
}

/// Characters of a description that all providers take.
const DESCRIPTION_LIMIT: usize = 1024;
