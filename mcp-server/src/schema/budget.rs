//! How much work a JSON Schema may ask for (T-96, T-97; security plan, finding 7).
//!
//! The surprising thing: two kilobytes of `anyOf` and `$ref` can cost hours. So what is bounded is not the text alone
//! but the number of subschemas that one value meets after references are followed.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use mcp_transport::Limits;
use serde_json::Value;

/// What is wrong with a schema; a sentence without the name of its owner.
#[derive(Debug)]
pub(crate) struct SchemaFault(pub(crate) String);

/// The levels of nesting down to which a value may be checked; `None` when the schema sets no limit to it.
pub(crate) type DepthLimit = Option<usize>;

/// Checks that a schema stays in its budget and refers only to itself.
pub(crate) fn check(schema: &Value, limits: &Limits) -> Result<DepthLimit, SchemaFault> {
    let mut walk = Walk { limits, root: schema, named: HashMap::new(), nodes: Vec::new(), seen: HashSet::new() };
    walk.visit(schema, &Rc::new(vec![schema]), 1)?;
    let nodes = std::mem::take(&mut walk.nodes);
    let mut graph = Graph::default();
    for (node, resources) in &nodes {
        graph.edges.insert(key(node), walk.edges(node, resources)?);
    }
    graph.refuse_loops()?;
    let most = limits.schema_expansion;
    let too_costly =
        || SchemaFault(format!("one value would meet more than {most} subschemas; use fewer combined references"));
    if graph.cost(key(schema), &mut HashSet::new()) > most {
        return Err(too_costly());
    }
    let components = Components::of(&graph);
    let mut work = most.saturating_mul(16);
    let mut fanout = 0;
    for (node, _) in &nodes {
        fanout = fanout.max(graph.fanout(key(node), &components, &mut work).ok_or_else(too_costly)?);
    }
    Ok(depth_limit(fanout, most))
}

/// Returns how deep a value may go when every level multiplies the work by `fanout`.
fn depth_limit(fanout: usize, most: usize) -> DepthLimit {
    (fanout > 1).then(|| {
        let mut work = 1_usize;
        let mut depth = 0;
        while let Some(next) = work.checked_mul(fanout).filter(|next| *next <= most) {
            work = next;
            depth += 1;
        }
        depth
    })
}

/// The longest chain of references that one value follows; each takes its share of the stack of the validator.
const MAX_CHAIN: usize = 256;

/// The identity of a subschema: where it lies in memory while the tree is borrowed.
type Key = usize;

fn key(schema: &Value) -> Key {
    std::ptr::from_ref(schema) as usize
}

/// How a value gets from a schema to a subschema of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step<'a> {
    /// The same value meets the subschema.
    Stay,
    /// The member of this name meets it.
    Member(&'a str),
    /// Any member or item may meet it.
    Inside,
}

const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const IN_PLACE: [&str; 4] = ["not", "if", "then", "else"];
const INSIDE: [&str; 8] = [
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "contentSchema",
];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// What `#` may mean at a schema: the root, and each schema around it, itself included, that has an id.
type Resources<'a> = Rc<Vec<&'a Value>>;

struct Walk<'a> {
    limits: &'a Limits,
    root: &'a Value,
    /// By what [`name_of`] makes of an anchor or an id; several schemas may have one name.
    named: HashMap<String, Vec<&'a Value>>,
    nodes: Vec<(&'a Value, Resources<'a>)>,
    seen: HashSet<Key>,
}

impl<'a> Walk<'a> {
    /// Counts the subschemas and collects their anchors.
    fn visit(&mut self, schema: &'a Value, resources: &Resources<'a>, depth: usize) -> Result<(), SchemaFault> {
        if !self.seen.insert(key(schema)) {
            return Ok(());
        }
        if depth > self.limits.schema_depth {
            return Err(SchemaFault(format!("it is nested deeper than {} levels", self.limits.schema_depth)));
        }
        if self.nodes.len() >= self.limits.schema_subschemas {
            return Err(SchemaFault(format!("it has more than {} subschemas", self.limits.schema_subschemas)));
        }
        let mut resources = Rc::clone(resources);
        if ids(schema).next().is_some() && !std::ptr::eq(schema, self.root) {
            Rc::make_mut(&mut resources).push(schema);
        }
        self.nodes.push((schema, Rc::clone(&resources)));
        self.look_at(schema)?;
        for (_, child) in children(schema) {
            self.visit(child, &resources, depth + 1)?;
        }
        for definitions in ["$defs", "definitions"] {
            for child in schema.get(definitions).and_then(Value::as_object).into_iter().flat_map(|map| map.values()) {
                self.visit(child, &resources, depth + 1)?;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, schema: &'a Value) -> Result<(), SchemaFault> {
        let anchors = ["$anchor", "$dynamicAnchor"].into_iter().filter_map(|name| schema.get(name)?.as_str());
        for name in anchors.chain(ids(schema)) {
            self.named.entry(name_of(name)).or_default().push(schema);
        }
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let patterns = patterns.into_iter().flat_map(|map| map.keys().map(String::as_str));
        let most = self.limits.pattern_bytes;
        match schema.get("pattern").and_then(Value::as_str).into_iter().chain(patterns).find(|text| text.len() > most) {
            Some(_) => Err(SchemaFault(format!("a `pattern` is longer than {most} bytes"))),
            None => Ok(()),
        }
    }

    fn edges(&self, schema: &'a Value, resources: &[&'a Value]) -> Result<Vec<(Step<'a>, Key)>, SchemaFault> {
        let mut edges: Vec<_> = children(schema).map(|(step, child)| (step, key(child))).collect();
        for keyword in REFERENCES {
            if let Some(reference) = schema.get(keyword).and_then(Value::as_str) {
                edges.extend(self.resolve(reference, resources)?.into_iter().map(|target| (Step::Stay, target)));
            }
        }
        Ok(edges)
    }

    /// Returns whatever a reference may mean.
    ///
    /// Drafts differ in what is an id, what is an anchor, and what both are relative to. To count too much refuses a
    /// strange schema; to count another target than the validator takes lets a costly one in.
    fn resolve(&self, reference: &str, resources: &[&'a Value]) -> Result<Vec<Key>, SchemaFault> {
        let targets: Vec<&Value> = match reference.strip_prefix('#').or(reference.is_empty().then_some("")) {
            Some("") => resources.to_vec(),
            Some(pointer) if pointer.starts_with('/') => {
                let pointer = decoded(pointer);
                resources.iter().filter_map(|base| base.pointer(&pointer)).collect()
            }
            Some(anchor) => self.named.get(&name_of(anchor)).cloned().unwrap_or_default(),
            None if reference.trim_end_matches('#').contains('#') => Vec::new(),
            None => self.named.get(&name_of(reference)).cloned().unwrap_or_default(),
        };
        // A target outside of every applicator, such as `#/x`, is a subschema that nobody has counted.
        let mut targets: Vec<Key> = targets.into_iter().map(key).filter(|target| self.seen.contains(target)).collect();
        targets.sort_unstable();
        targets.dedup();
        if targets.is_empty() {
            let shown: String = reference.chars().take(100).collect();
            return Err(SchemaFault(format!(
                "it refers to `{shown}`, which is not a subschema of it; references are never fetched, put it into `$defs`"
            )));
        }
        Ok(targets)
    }
}

/// Returns what may be the id of a schema; `id` is its name in draft-04.
fn ids(schema: &Value) -> impl Iterator<Item = &str> {
    ["$id", "id"].into_iter().filter_map(|name| schema.get(name)?.as_str())
}

/// Returns what two spellings of one id or anchor have in common, however either is resolved: its last segment.
fn name_of(id: &str) -> String {
    let id = id.trim_start_matches('#').trim_end_matches('#');
    match id.rsplit('/').next().unwrap_or_default() {
        // Both are the folder that they stand in.
        "." | ".." => String::new(),
        segment => decoded(segment).to_lowercase(),
    }
}

/// Lists the subschemas of a schema, without what `$defs` only keeps.
fn children(schema: &Value) -> impl Iterator<Item = (Step<'_>, &Value)> {
    let list = |name: &str, step: Step<'static>| {
        schema.get(name).and_then(Value::as_array).into_iter().flatten().map(move |child| (step, child))
    };
    let map = |name: &str| schema.get(name).and_then(Value::as_object).into_iter().flatten();
    let one = |name: &str, step: Step<'static>| {
        schema.get(name).filter(|child| child.is_object() || child.is_boolean()).map(move |child| (step, child))
    };
    let mut found: Vec<(Step<'_>, &Value)> = Vec::new();
    for name in IN_PLACE_LISTS {
        found.extend(list(name, Step::Stay));
    }
    for name in IN_PLACE {
        found.extend(one(name, Step::Stay));
    }
    found.extend(map("dependentSchemas").map(|(_, child)| (Step::Stay, child)));
    found.extend(map("dependencies").filter(|(_, child)| !child.is_array()).map(|(_, child)| (Step::Stay, child)));
    found.extend(map("properties").map(|(name, child)| (Step::Member(name), child)));
    found.extend(map("patternProperties").map(|(_, child)| (Step::Inside, child)));
    found.extend(list("prefixItems", Step::Inside));
    found.extend(list("items", Step::Inside));
    for name in INSIDE {
        found.extend(one(name, Step::Inside));
    }
    found.into_iter()
}

/// Resolves the percent-encoding that a JSON Pointer has in a URI fragment.
fn decoded(pointer: &str) -> String {
    crate::resource::percent::decode(pointer).unwrap_or_else(|| pointer.to_owned())
}

#[derive(Default)]
struct Graph<'a> {
    edges: HashMap<Key, Vec<(Step<'a>, Key)>>,
    costs: HashMap<Key, usize>,
}

impl Graph<'_> {
    fn edges(&self, node: Key) -> &[(Step<'_>, Key)] {
        self.edges.get(&node).map_or(&[], Vec::as_slice)
    }

    /// Refuses references that lead back without going into the value, and long chains of them.
    fn refuse_loops(&self) -> Result<(), SchemaFault> {
        let mut chains = HashMap::new();
        self.edges.keys().try_for_each(|node| self.chain(*node, &mut HashSet::new(), &mut chains).map(drop))
    }

    /// Returns how many subschemas follow each other from here without going into the value.
    fn chain(
        &self,
        node: Key,
        path: &mut HashSet<Key>,
        chains: &mut HashMap<Key, usize>,
    ) -> Result<usize, SchemaFault> {
        if let Some(length) = chains.get(&node) {
            return Ok(*length);
        }
        if !path.insert(node) {
            return Err(SchemaFault(
                "a reference leads back to itself, so checking a value would never end".to_owned(),
            ));
        }
        let mut length = 0;
        if path.len() <= MAX_CHAIN {
            for (_, child) in self.edges(node).iter().filter(|(step, _)| *step == Step::Stay) {
                length = length.max(self.chain(*child, path, chains)?);
            }
        }
        if path.len() > MAX_CHAIN || length >= MAX_CHAIN {
            return Err(SchemaFault(format!("more than {MAX_CHAIN} references follow each other")));
        }
        path.remove(&node);
        chains.insert(node, length + 1);
        Ok(length + 1)
    }

    /// Estimates how many subschemas one value meets; a reference back to where it comes from counts once.
    fn cost(&mut self, node: Key, path: &mut HashSet<Key>) -> usize {
        if let Some(cost) = self.costs.get(&node) {
            return *cost;
        }
        if !path.insert(node) {
            return 1;
        }
        let children: Vec<Key> = self.edges(node).iter().map(|(_, child)| *child).collect();
        let cost = children.into_iter().fold(1_usize, |sum, child| sum.saturating_add(self.cost(child, path)));
        path.remove(&node);
        self.costs.insert(node, cost);
        cost
    }

    /// Returns how many ways lead from a node through one and the same member back to the node: each level of nesting
    /// multiplies the work by that. `None` when counting takes more than `work` steps.
    fn fanout(&self, node: Key, components: &Components, work: &mut usize) -> Option<usize> {
        let mut ways: HashMap<Step<'_>, usize> = HashMap::new();
        let mut todo = vec![node];
        while let Some(at) = todo.pop() {
            for (step, child) in self.edges(at) {
                *work = work.checked_sub(1)?;
                match step {
                    Step::Stay => todo.push(*child),
                    // What is reached from the node leads back to it when both are in one component.
                    step if components.same(*child, node) => *ways.entry(*step).or_default() += 1,
                    _ => {}
                }
            }
        }
        let anywhere = ways.get(&Step::Inside).copied().unwrap_or(0);
        let named = ways.iter().filter(|(step, _)| **step != Step::Inside).map(|(_, count)| *count).max();
        Some(anywhere + named.unwrap_or(0))
    }
}

/// The strongly connected components of a graph (Tarjan).
#[derive(Default)]
struct Components {
    order: HashMap<Key, usize>,
    low: HashMap<Key, usize>,
    stack: Vec<Key>,
    component: HashMap<Key, usize>,
}

impl Components {
    fn of(graph: &Graph<'_>) -> Self {
        let mut components = Self::default();
        for node in graph.edges.keys() {
            components.visit(graph, *node);
        }
        components
    }

    fn same(&self, a: Key, b: Key) -> bool {
        self.component.get(&a) == self.component.get(&b)
    }

    fn visit(&mut self, graph: &Graph<'_>, node: Key) -> usize {
        if let Some(low) = self.low.get(&node) {
            return *low;
        }
        let order = self.order.len();
        self.order.insert(node, order);
        self.low.insert(node, order);
        self.stack.push(node);
        let mut low = order;
        for (_, child) in graph.edges(node) {
            if !self.component.contains_key(child) {
                low = low.min(self.visit(graph, *child));
            }
        }
        self.low.insert(node, low);
        if low == order {
            while let Some(member) = self.stack.pop() {
                self.component.insert(member, order);
                if member == node {
                    break;
                }
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(schema: &Value) -> String {
        check(schema, &Limits::default()).unwrap_err().0
    }

    /// `levels` definitions, each an `anyOf` of two equal references to the next (finding 7).
    fn bomb(levels: usize) -> Value {
        let mut defs = serde_json::Map::new();
        for level in 0..levels {
            let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            defs.insert(format!("d{level}"), json!({"anyOf": [next, next]}));
        }
        defs.insert(format!("d{levels}"), json!({"type": "string"}));
        json!({"$ref": "#/$defs/d0", "$defs": defs})
    }

    #[test]
    fn a_schema_bomb_is_refused_and_a_small_tree_of_references_is_not() {
        assert!(check(&bomb(10), &Limits::default()).is_ok());
        assert!(fault(&bomb(22)).contains("subschemas"));
    }

    #[test]
    fn depth_and_number_of_subschemas_are_bounded() {
        let mut deep = json!({"type": "string"});
        for _ in 0..64 {
            deep = json!({"not": deep});
        }
        assert!(fault(&deep).contains("64 levels"));
        let limits = Limits::default().schema_subschemas(3);
        let wide = json!({"properties": {"a": {}, "b": {}}});
        assert!(check(&wide, &limits).is_ok());
        let wider = json!({"properties": {"a": {}, "b": {}, "c": {}}});
        assert!(check(&wider, &limits).is_err());
    }

    #[test]
    fn references_stay_in_the_document() {
        assert!(fault(&json!({"$ref": "https://example.com/schema"})).contains("never fetched"));
        assert!(fault(&json!({"$ref": "#/$defs/absent"})).contains("never fetched"));
        let anchored = json!({"$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "string"}}});
        assert!(check(&anchored, &Limits::default()).is_ok());
    }

    #[test]
    fn a_reference_means_what_it_means_in_the_resource_around_it() {
        // The same bomb, in a resource of its own, with names that are harmless in the root.
        let mut inner = bomb(22);
        inner["$id"] = json!("https://x.example/inner");
        let mut schema = bomb(0);
        for level in 1..=22 {
            schema["$defs"][format!("d{level}")] = json!({"type": "string"});
        }
        schema["properties"] = json!({"a": inner});
        assert!(fault(&schema).contains("subschemas"), "{schema}");
        let alone = json!({"$defs": {"a": {"$id": "a", "$ref": "#/$defs/b", "$defs": {"b": {"type": "string"}}}}});
        assert!(check(&alone, &Limits::default()).is_ok());
    }

    #[test]
    fn a_costly_target_is_found_behind_every_spelling_of_a_reference() {
        let costly = |more: Value, of: Value| {
            let mut schema = of;
            schema["$defs"]["bomb"] = bomb(22);
            schema["$defs"]["bomb"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert!(fault(&schema).contains("subschemas"), "{schema}");
        };
        let decoy = |more: &Value| {
            let mut decoy = json!({"type": "string"});
            decoy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            decoy
        };
        // Relative to the root's id, which is another one than the decoy's.
        let inner = json!({"$id": "https://y.example/", "$defs": {"b": decoy(&json!({"$id": "b"}))}});
        for reference in ["b", "./b", "%62", "https://x.example/b", "HTTPS://X.example/c/../b#"] {
            costly(
                json!({"$id": "https://x.example/b"}),
                json!({"$id": "https://x.example/r", "$ref": reference, "$defs": {"inner": inner}}),
            );
        }
        // An anchor of draft-07 beside one of 2020-12.
        costly(
            json!({"$id": "#foo"}),
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "allOf": [{"$ref": "#foo"}],
                "$defs": {"decoy": decoy(&json!({"$anchor": "foo"}))}}),
        );
        // An `id` that means nothing in 2020-12.
        let mut inner = bomb(22);
        inner["$id"] = json!("https://x.example/inner");
        for level in 0..22 {
            let next = json!({"id": "x", "$ref": format!("#/$defs/d{}", level + 1)});
            inner["$defs"][format!("d{level}")] = json!({"anyOf": [next, next]});
        }
        let mut schema = json!({"properties": {"a": inner}, "$defs": {}});
        for level in 0..=22 {
            schema["$defs"][format!("d{level}")] = json!({"type": "string"});
        }
        assert!(fault(&schema).contains("subschemas"));
    }

    #[test]
    fn a_reference_to_itself_is_refused_and_recursion_through_members_is_not() {
        assert!(fault(&json!({"$ref": "#"})).contains("never end"));
        let tree = json!({"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        assert_eq!(check(&tree, &Limits::default()).unwrap(), None);
    }

    #[test]
    fn recursion_that_multiplies_limits_the_depth_of_values() {
        let variant = |kind: &str| json!({"properties": {"kind": {"const": kind}, "of": {"$ref": "#"}}});
        let expression = json!({"oneOf": [variant("neg"), variant("not")]});
        assert_eq!(check(&expression, &Limits::default()).unwrap(), Some(16));
    }

    #[test]
    fn long_chains_of_references_do_not_exhaust_the_stack() {
        let chain = |length: usize, link: fn(Value) -> Value| {
            let mut defs = serde_json::Map::new();
            for at in 0..length {
                defs.insert(format!("d{at}"), link(json!({"$ref": format!("#/$defs/d{}", at + 1)})));
            }
            defs.insert(format!("d{length}"), json!({}));
            json!({"$ref": "#/$defs/d0", "$defs": defs})
        };
        assert!(check(&chain(200, |next| next), &Limits::default()).is_ok());
        assert!(fault(&chain(4_000, |next| next)).contains("256 references"));
        let inside = chain(2_000, |next| json!({"properties": {"a": next}}));
        check(&inside, &Limits::default()).unwrap();
    }

    #[test]
    fn long_patterns_are_refused() {
        assert!(fault(&json!({"pattern": "a".repeat(1025)})).contains("1024 bytes"));
    }
}
