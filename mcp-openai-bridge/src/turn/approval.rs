//! Who must be asked before a call is made.
//!
//! The surprising thing: arguments are checked first. Nobody is asked about a call that cannot be made.

use crate::tools::ToolRef;

/// Rules that say which calls are made, which need somebody's approval, and which are never made.
///
/// The first rule that fits a call decides; what no rule fits is decided by what the policy began with.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::turn::approval::{Policy, Rule};
///
/// // Whatever says of itself that it only reads is run, the bank is never touched, and about the rest somebody is asked.
/// let policy = Policy::ask()
///     .rule(Rule::deny("the bank is closed").server("bank"))
///     .rule(Rule::allow().read_only());
/// # drop(policy);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<Rule>,
    otherwise: Verdict,
}

impl Policy {
    /// Starts a policy that allows every call.
    pub fn allow() -> Self {
        Self::default()
    }

    /// Starts a policy that asks about every call.
    pub fn ask() -> Self {
        Self { rules: Vec::new(), otherwise: Verdict::Ask }
    }

    /// Starts a policy that forbids every call, with a reason for the model.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self { rules: Vec::new(), otherwise: Verdict::Deny(reason.into()) }
    }

    /// Adds a rule behind those that there are.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Returns what becomes of a call of this tool.
    pub fn verdict(&self, tool: &ToolRef) -> Verdict {
        let rule = self.rules.iter().find(|rule| rule.fits(tool));
        rule.map_or(&self.otherwise, |rule| &rule.verdict).clone()
    }
}

/// What becomes of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is made.
    #[default]
    Allow,
    /// Somebody is asked, and it is made when he approves it.
    Ask,
    /// It is not made, and the model is told this reason.
    Deny(String),
}

/// One rule of a [`Policy`]. It fits every call until it is narrowed, and then those that fit everything it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    verdict: Verdict,
    server: Option<String>,
    tools: Option<Vec<String>>,
    read_only: Option<bool>,
}

impl Rule {
    /// Makes a rule by its verdict.
    pub fn new(verdict: Verdict) -> Self {
        Self { verdict, server: None, tools: None, read_only: None }
    }

    /// Makes a rule that allows.
    pub fn allow() -> Self {
        Self::new(Verdict::Allow)
    }

    /// Makes a rule that asks.
    pub fn ask() -> Self {
        Self::new(Verdict::Ask)
    }

    /// Makes a rule that forbids, with a reason for the model.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Deny(reason.into()))
    }

    /// Narrows the rule to a server, by its label.
    #[must_use]
    pub fn server(mut self, label: impl Into<String>) -> Self {
        self.server = Some(label.into());
        self
    }

    /// Narrows the rule to tools, by their names on the server. Several calls add to each other.
    #[must_use]
    pub fn tools(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tools.get_or_insert_default().extend(names.into_iter().map(Into::into));
        self
    }

    /// Narrows the rule to tools that say of themselves, by `readOnlyHint`, that they change nothing.
    ///
    /// It is a hint of the server, and worth as much as the server is trusted (T-85).
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = Some(true);
        self
    }

    /// Narrows the rule to tools that do not say that they change nothing.
    #[must_use]
    pub fn writing(mut self) -> Self {
        self.read_only = Some(false);
        self
    }

    fn fits(&self, tool: &ToolRef) -> bool {
        let hint = tool.annotations().and_then(|hints| hints.read_only_hint).unwrap_or(false);
        self.server.as_ref().is_none_or(|label| label == tool.server())
            && self.tools.as_ref().is_none_or(|names| names.iter().any(|name| name == tool.tool()))
            && self.read_only.is_none_or(|wanted| wanted == hint)
    }
}

/// What somebody says who was asked about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Approval {
    /// Make it.
    Allowed,
    /// Do not make it.
    Denied {
        /// Why not, for the model.
        reason: String,
    },
    /// Nobody can say it now. The turn waits; it can be kept and resumed.
    Later,
}

impl Approval {
    /// Denies a call, with a reason for the model.
    pub fn denied(reason: impl Into<String>) -> Self {
        Self::Denied { reason: reason.into() }
    }
}
