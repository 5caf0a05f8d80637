//! What nearly every scenario uses.

pub(crate) use mcp_types::{ErrorCode, Features, RawJson};
pub(crate) use serde_json::{Value, json};

pub(crate) use crate::failure::{broken, holds, present, refused, refused_with, same};
pub(crate) use crate::fixture::{self, Fixture};
pub(crate) use crate::scenario::{Scenario, Verdict, everywhere};
pub(crate) use crate::stage::Stage;
