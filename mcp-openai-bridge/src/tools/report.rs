//! What was done to make a tool set legal.
//!
//! The surprising thing: the text leaves out what says nothing about the tool, such as a `$schema` that was dropped; the
//! [`rewrites`](super::ToolRef::rewrites) of a tool have all of it.

use std::fmt;
use std::sync::Arc;

use crate::schema::{Quarantine, Rewrite, Rule};

use super::{TOOL_LIMIT, ToolRef, ToolSet};

/// A tool that is not offered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined {
    /// The label of the tool's server.
    pub server: String,
    /// The name of the tool on its server.
    pub tool: String,
    /// Why it is not offered.
    pub reason: Quarantine,
}

/// What was done to make a tool set legal. Its text has one line for each change.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    set: &'a ToolSet,
}

impl<'a> Report<'a> {
    pub(super) fn new(set: &'a ToolSet) -> Self {
        Self { set }
    }

    /// Returns the tools that were renamed or whose schema was changed.
    pub fn changed(self) -> impl Iterator<Item = &'a ToolRef> {
        let tools = self.set.tools.iter().map(Arc::as_ref);
        tools.filter(|tool| tool.name != tool.tool || !tool.rewrites.is_empty())
    }

    /// Returns the tools that cannot be made legal.
    pub fn quarantined(self) -> &'a [Quarantined] {
        &self.set.quarantined
    }

    /// Returns the tools that are not offered because a request takes [`TOOL_LIMIT`] functions at most. They can still
    /// be called.
    pub fn left_out(self) -> impl Iterator<Item = &'a ToolRef> {
        let offered = self.set.offered_beside(self.set.reserved.len());
        let tools = self.set.tools.iter().enumerate();
        tools.filter(move |(index, _)| offered.binary_search(index).is_err()).map(|(_, tool)| tool.as_ref())
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = self.left_out().count();
        if left_out > 0 {
            let all = self.set.tools.len();
            write!(
                f,
                "{left_out} of {all} tools are not offered, because OpenAI takes {TOOL_LIMIT} functions at most"
            )?;
            match &self.set.search {
                Some(search) => writeln!(f, "; the model finds them by `{}`", search.finder())?,
                None => writeln!(f)?,
            }
        }
        for held in self.quarantined() {
            writeln!(f, "{}/{}: not offered: {}", held.server, held.tool, held.reason)?;
        }
        for tool in self.changed() {
            if tool.name != tool.tool {
                writeln!(f, "{}/{}: named {}", tool.server, tool.tool, tool.name)?;
            }
            for rewrite in tool.rewrites.iter().filter(|rewrite| is_news(rewrite)) {
                writeln!(f, "{}/{}: {rewrite}", tool.server, tool.tool)?;
            }
        }
        Ok(())
    }
}

/// Whether a change means anything to a human.
pub(super) fn is_news(rewrite: &Rewrite) -> bool {
    !matches!(rewrite.rule, Rule::DroppedDefinition(_) | Rule::DroppedIdentifier(_))
}
