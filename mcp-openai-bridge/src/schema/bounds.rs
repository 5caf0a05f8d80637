//! Bounds on a schema, checked before anything else is done with it.
//!
//! A schema of two kilobytes can make a validator work for hours: every level refers twice to the next one. So the size
//! that counts is the one after all references are followed, which is found here without following them one by one.

use std::collections::HashMap;

use crate::json::Value;

use super::document::{self, Document};
use super::keywords::{self, Place};
use super::report::{Bound, Quarantine};

/// Bounds on one schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the schema's text, and of what replaces references in it. Default 256 KiB.
    pub bytes: usize,
    /// Schemas in it, itself included; also of the converted schema. Default 4,096.
    pub subschemas: usize,
    /// Levels of schemas in schemas. Default 64.
    pub depth: usize,
    /// Schemas about one and the same value, after every reference is followed once on each way to it. Default 10,000.
    pub expansion: usize,
    /// Schemas that are looked at when the alternatives at the root are merged. Default 256.
    pub alternatives: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 256 * 1024, subschemas: 4096, depth: 64, expansion: 10_000, alternatives: 256 }
    }
}

/// Checks every bound but the bytes, which are checked before parsing.
pub(super) fn check(document: &Document<'_>, limits: &Limits) -> Result<(), Quarantine> {
    let mut reach = Reach { document, limits, count: 0, circles: HashMap::new(), sizes: HashMap::new() };
    reach.walk(document.root(), 1)
}

/// How far one can get from a schema. Schemas are known by their address, which stays while the document lives.
struct Reach<'d, 'a> {
    document: &'d Document<'a>,
    limits: &'d Limits,
    count: usize,
    /// Whether a schema is finished; an unfinished one is on the way that is being followed.
    circles: HashMap<*const Value, bool>,
    /// The number of schemas after all references are followed; an unfinished one counts as one.
    sizes: HashMap<*const Value, usize>,
}

impl<'a> Reach<'_, 'a> {
    /// Visits every schema of the document once, without following references.
    fn walk(&mut self, schema: &'a Value, depth: usize) -> Result<(), Quarantine> {
        self.count += 1;
        if depth > self.limits.depth {
            return Err(Quarantine::exceeds(Bound::Depth, self.limits.depth));
        }
        if self.count > self.limits.subschemas {
            return Err(Quarantine::exceeds(Bound::Subschemas, self.limits.subschemas));
        }
        for (_, subschema) in subschemas(schema) {
            self.walk(subschema, depth + 1)?;
        }
        self.circle(schema, 0)?;
        if self.size(schema, 0)? > self.limits.expansion {
            return Err(Quarantine::exceeds(Bound::Expansion, self.limits.expansion));
        }
        Ok(())
    }

    /// Looks for a way back to `schema` that never enters a value: a validator that follows it does not end.
    fn circle(&mut self, schema: &'a Value, steps: usize) -> Result<(), Quarantine> {
        match self.circles.get(&std::ptr::from_ref(schema)) {
            Some(true) => return Ok(()),
            Some(false) => return Err(Quarantine::EndlessReference),
            None => {}
        }
        if steps > MAX_STEPS {
            return Err(Quarantine::exceeds(Bound::Depth, self.limits.depth));
        }
        self.circles.insert(schema, false);
        let here = subschemas(schema).into_iter().filter(|(place, _)| *place == Place::Here);
        for next in here.map(|(_, subschema)| subschema).chain(self.target(schema)) {
            self.circle(next, steps + 1)?;
        }
        self.circles.insert(schema, true);
        Ok(())
    }

    /// Counts the schemas that a value is checked against, each way to one apart. Every schema is looked at once.
    fn size(&mut self, schema: &'a Value, steps: usize) -> Result<usize, Quarantine> {
        if let Some(size) = self.sizes.get(&std::ptr::from_ref(schema)) {
            return Ok(*size);
        }
        if steps > MAX_STEPS {
            return Err(Quarantine::exceeds(Bound::Depth, self.limits.depth));
        }
        self.sizes.insert(schema, 1);
        let mut size: usize = 1;
        let parts = subschemas(schema).into_iter().filter(|(place, _)| *place != Place::Apart);
        for (place, part) in parts.chain(self.target(schema).map(|target| (Place::Here, target))) {
            let further = self.size(part, steps + 1)?;
            // What is about members and items costs as much as there are of them; only the way to it is bounded.
            size = if place == Place::Here { size.saturating_add(further) } else { size };
        }
        self.sizes.insert(schema, size);
        Ok(size)
    }

    fn target(&self, schema: &'a Value) -> Option<&'a Value> {
        let (_, reference) = document::reference(schema.as_object()?)?;
        Some(self.document.resolve(reference)?.1)
    }
}

fn subschemas(schema: &Value) -> Vec<(Place, &Value)> {
    let mut found = Vec::new();
    keywords::each_subschema(schema, "", |place, _, subschema| found.push((place, subschema)));
    found
}

/// Schemas that follow each other, within and by reference, beyond what a person writes; bounds the use of the stack.
const MAX_STEPS: usize = 256;
