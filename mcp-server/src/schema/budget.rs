//! How much work a JSON Schema may ask for (T-96, T-97; security plan, finding 7).
//!
//! The surprising thing: two kilobytes of `anyOf` and `$ref` can cost hours. So what is bounded is not the text alone
//! but the number of subschemas that one value meets after references are followed.

use std::collections::{HashMap, HashSet};

use mcp_transport::Limits;
use serde_json::Value;

use crate::text::shorten;

/// What is wrong with a schema; a sentence without the name of its owner.
#[derive(Debug)]
pub(crate) struct SchemaFault(pub(crate) String);

/// The levels of nesting down to which a value may be checked; `None` when the schema sets no limit to it.
pub(crate) type DepthLimit = Option<usize>;

/// Checks that a schema is one resource, stays in its budget and refers only to itself.
pub(crate) fn check(schema: &Value, limits: &Limits) -> Result<DepthLimit, SchemaFault> {
    let dialect = dialect(schema).unwrap_or(DIALECT);
    let name = if is_old(dialect) { "id" } else { "$id" };
    let mut walk = Walk {
        limits,
        root: schema,
        // What begins with `#` is an anchor up to draft-07 and no id; taken off references, it would change their meaning.
        id: text(schema, name).filter(|id| !id.starts_with('#')),
        dialect,
        anchors: HashMap::new(),
        nodes: Vec::new(),
        seen: HashSet::new(),
    };
    walk.look_at_root()?;
    walk.visit(schema, 1)?;
    let mut graph = Graph::default();
    for node in &walk.nodes {
        let unevaluated = UNEVALUATED.iter().filter(|name| node.get(**name).is_some()).count();
        graph.nodes.insert(key(node), Node { edges: walk.edges(node)?, unevaluated });
    }
    graph.refuse_loops()?;
    let most = limits.schema_expansion;
    let too_costly =
        || SchemaFault(format!("one value would meet more than {most} subschemas; use fewer combined references"));
    if graph.cost(key(schema), &mut HashSet::new()).check > most {
        return Err(too_costly());
    }
    let components = Components::of(&graph);
    let mut work = most.saturating_mul(16);
    let mut fanout = 0;
    for node in &walk.nodes {
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
const ANCHORS: [&str; 2] = ["$anchor", "$dynamicAnchor"];
/// For them the validator asks of every subschema of the same value, and of theirs, what they have looked at.
const UNEVALUATED: [&str; 2] = ["unevaluatedProperties", "unevaluatedItems"];
/// What a schema without `$schema` is written in (T-95).
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A schema is one resource: what validators make of a second base for references is not imitated here but refused.
struct Walk<'a> {
    limits: &'a Limits,
    root: &'a Value,
    /// The id of the root.
    id: Option<&'a str>,
    dialect: &'a str,
    anchors: HashMap<&'a str, Key>,
    nodes: Vec<&'a Value>,
    seen: HashSet<Key>,
}

impl<'a> Walk<'a> {
    /// Refuses a root that takes the place of the schema of schemas.
    fn look_at_root(&self) -> Result<(), SchemaFault> {
        let is_dialect = |name: &&str| {
            text(self.root, name).is_some_and(|id| decoded(id).to_lowercase().contains("json-schema.org"))
        };
        match ["$id", "id"].iter().find(|name| is_dialect(name)) {
            Some(name) => {
                Err(SchemaFault(format!("its `{name}` is that of a dialect of JSON Schema; give it another one")))
            }
            None => Ok(()),
        }
    }

    /// Counts the subschemas and collects their anchors.
    fn visit(&mut self, schema: &'a Value, depth: usize) -> Result<(), SchemaFault> {
        if depth > self.limits.schema_depth {
            return Err(SchemaFault(format!("it is nested deeper than {} levels", self.limits.schema_depth)));
        }
        if self.nodes.len() >= self.limits.schema_subschemas {
            return Err(SchemaFault(format!("it has more than {} subschemas", self.limits.schema_subschemas)));
        }
        self.seen.insert(key(schema));
        self.nodes.push(schema);
        self.look_at(schema)?;
        for (_, child) in children(schema) {
            self.visit(child, depth + 1)?;
        }
        for definitions in ["$defs", "definitions"] {
            for child in schema.get(definitions).and_then(Value::as_object).into_iter().flat_map(|map| map.values()) {
                self.visit(child, depth + 1)?;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, schema: &'a Value) -> Result<(), SchemaFault> {
        self.refuse_resource(schema)?;
        self.collect_anchors(schema)?;
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let patterns = patterns.into_iter().flat_map(|map| map.keys().map(String::as_str));
        let most = self.limits.pattern_bytes;
        match schema.get("pattern").and_then(Value::as_str).into_iter().chain(patterns).find(|text| text.len() > most) {
            Some(_) => Err(SchemaFault(format!("a `pattern` is longer than {most} bytes"))),
            None => Ok(()),
        }
    }

    /// Refuses a subschema below the root that is a resource of its own.
    fn refuse_resource(&self, schema: &'a Value) -> Result<(), SchemaFault> {
        if std::ptr::eq(schema, self.root) {
            return Ok(());
        }
        let ids = [text(schema, "$id"), text(schema, "id").filter(|_| is_old(self.dialect))];
        if let Some(id) = ids.into_iter().flatten().find(|id| !id.starts_with('#')) {
            return Err(SchemaFault(format!(
                "at `{}` it has the id `{}`, and only the root may have one; put that part into `$defs` without an id \
                 and refer to it by `#/$defs/NAME`",
                self.place_of(schema),
                shorten(id, 100)
            )));
        }
        if dialect(schema).is_some_and(|dialect| dialect != self.dialect) {
            return Err(SchemaFault(format!(
                "at `{}` its `$schema` is another one than at the root; write all of it in one dialect",
                self.place_of(schema)
            )));
        }
        Ok(())
    }

    fn collect_anchors(&mut self, schema: &'a Value) -> Result<(), SchemaFault> {
        let anchors = ANCHORS.into_iter().filter_map(|name| schema.get(name)?.as_str());
        // Up to draft-07 an anchor is an id of this form.
        let ids = ["$id", "id"].into_iter().filter_map(|name| schema.get(name)?.as_str()?.strip_prefix('#'));
        for name in anchors.chain(ids) {
            if name.contains('%') {
                return Err(SchemaFault(format!(
                    "at `{}` it has the anchor `{}`; use letters, digits, `-` and `_`, which every validator reads alike",
                    self.place_of(schema),
                    shorten(name, 100)
                )));
            }
            if *self.anchors.entry(name).or_insert(key(schema)) != key(schema) {
                return Err(SchemaFault(format!(
                    "at `{}` it has the anchor `{}` a second time; give each place a name of its own",
                    self.place_of(schema),
                    shorten(name, 100)
                )));
            }
        }
        Ok(())
    }

    fn edges(&self, schema: &'a Value) -> Result<Vec<(Step<'a>, Key)>, SchemaFault> {
        let mut edges: Vec<_> = children(schema).map(|(step, child)| (step, key(child))).collect();
        for keyword in REFERENCES {
            if let Some(reference) = schema.get(keyword).and_then(Value::as_str) {
                // All else than `#` is no value of `$recursiveRef`, and what a validator makes of it is its own affair.
                let target = self.resolve(reference).filter(|_| keyword != "$recursiveRef" || reference == "#");
                let target = target.ok_or_else(|| {
                    SchemaFault(format!(
                        "at `{}` it refers to `{}`, which is not a subschema of it; references are never fetched, put \
                         it into `$defs`",
                        self.place_of(schema),
                        shorten(reference, 100)
                    ))
                })?;
                edges.push((Step::Stay, target));
            }
        }
        Ok(edges)
    }

    /// Returns what a reference means, when it is a subschema that was counted: `#/x` outside of every applicator is none.
    fn resolve(&self, reference: &str) -> Option<Key> {
        let own = self.id.and_then(|id| reference.strip_prefix(id.trim_end_matches('#')));
        let own = own.filter(|rest| rest.is_empty() || rest.starts_with('#'));
        let fragment = match own.unwrap_or(reference) {
            "" => "",
            reference => reference.strip_prefix('#')?,
        };
        if fragment.is_empty() {
            return Some(key(self.root));
        }
        if !fragment.starts_with('/') {
            // No anchor has a `%`, so one that is written with it is not found.
            return self.anchors.get(fragment).copied();
        }
        self.root.pointer(&decoded(fragment)).map(key).filter(|target| self.seen.contains(target))
    }

    /// Returns the pointer to a part of the schema.
    fn place_of(&self, part: &Value) -> String {
        let pointer = pointer_to(self.root, part).unwrap_or_default();
        if pointer.is_empty() { "#".to_owned() } else { shorten(&pointer, 200) }
    }
}

fn pointer_to(value: &Value, part: &Value) -> Option<String> {
    if std::ptr::eq(value, part) {
        return Some(String::new());
    }
    let below = |name: &str, value: &Value| {
        let rest = pointer_to(value, part)?;
        Some(format!("/{}{rest}", name.replace('~', "~0").replace('/', "~1")))
    };
    match value {
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| below(&at.to_string(), item)),
        Value::Object(members) => members.iter().find_map(|(name, member)| below(name, member)),
        _ => None,
    }
}

fn text<'a>(schema: &'a Value, keyword: &str) -> Option<&'a str> {
    schema.get(keyword)?.as_str()
}

/// Whether the id of a schema is called `id` and not `$id`.
fn is_old(dialect: &str) -> bool {
    dialect.contains("draft-03") || dialect.contains("draft-04")
}

fn dialect(schema: &Value) -> Option<&str> {
    Some(schema.get("$schema")?.as_str()?.trim_end_matches('#'))
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
    nodes: HashMap<Key, Node<'a>>,
    costs: HashMap<Key, Cost>,
}

struct Node<'a> {
    edges: Vec<(Step<'a>, Key)>,
    /// How many keywords ask which parts of the value were looked at.
    unevaluated: usize,
}

/// How many subschemas one value meets.
#[derive(Clone, Copy)]
struct Cost {
    /// When it is checked.
    check: usize,
    /// When a schema around asks what was looked at: all is checked again, here and at each subschema that is asked.
    mark: usize,
}

impl Graph<'_> {
    fn edges(&self, node: Key) -> &[(Step<'_>, Key)] {
        self.nodes.get(&node).map_or(&[], |node| node.edges.as_slice())
    }

    fn unevaluated(&self, node: Key) -> usize {
        self.nodes.get(&node).map_or(0, |node| node.unevaluated)
    }

    /// Refuses references that lead back without going into the value, and long chains of them.
    fn refuse_loops(&self) -> Result<(), SchemaFault> {
        let mut chains = HashMap::new();
        self.nodes.keys().try_for_each(|node| self.chain(*node, &mut HashSet::new(), &mut chains).map(drop))
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
    fn cost(&mut self, node: Key, path: &mut HashSet<Key>) -> Cost {
        if let Some(cost) = self.costs.get(&node) {
            return *cost;
        }
        if !path.insert(node) {
            return Cost { check: 1, mark: 1 };
        }
        let children: Vec<_> = self.edges(node).iter().map(|(step, child)| (*step == Step::Stay, *child)).collect();
        let (mut check, mut marked) = (1_usize, 0_usize);
        for (stays, child) in children {
            let cost = self.cost(child, path);
            check = check.saturating_add(cost.check);
            marked = marked.saturating_add(if stays { cost.mark } else { 0 });
        }
        let mark = check.saturating_add(marked);
        let cost = Cost { check: check.saturating_add(mark.saturating_mul(self.unevaluated(node))), mark };
        path.remove(&node);
        self.costs.insert(node, cost);
        cost
    }

    /// Returns how many ways lead from a node through one and the same member back to the node: each level of nesting
    /// multiplies the work by that. `None` when counting takes more than `work` steps.
    fn fanout(&self, node: Key, components: &Components, work: &mut usize) -> Option<usize> {
        let mut ways: HashMap<Step<'_>, usize> = HashMap::new();
        let mut todo = vec![(node, false)];
        while let Some((at, is_marking)) = todo.pop() {
            if !is_marking {
                todo.extend(std::iter::repeat_n((at, true), self.unevaluated(at)));
            }
            for (step, child) in self.edges(at) {
                *work = work.checked_sub(1)?;
                match step {
                    Step::Stay if is_marking => todo.extend([(*child, false), (*child, true)]),
                    Step::Stay => todo.push((*child, false)),
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
        for node in graph.nodes.keys() {
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
    fn a_part_that_is_a_resource_of_its_own_is_refused_with_its_place_and_what_to_do() {
        let check = |schema: Value, expected: &str| assert!(fault(&schema).contains(expected), "{schema}");
        let id = "only the root may have one; put that part into `$defs` without an id";
        for part in [json!({"$id": "a"}), json!({"$id": "https://x.example/a#"}), json!({"$id": "json-schema:///"})] {
            check(json!({"properties": {"p": part}}), id);
            check(json!({"$defs": {"b": {"items": part}}}), id);
            check(json!({"$id": "https://x.example/", "items": {"dependencies": {"p": part}}}), id);
        }
        check(json!({"properties": {"p/q": {"$id": "a"}}}), "at `/properties/p~1q` it has the id `a`");
        let draft_04 = "http://json-schema.org/draft-04/schema#";
        check(json!({"$schema": draft_04, "properties": {"p": {"id": "a"}}}), id);
        check(json!({"properties": {"p": {"$schema": draft_04}}}), "write all of it in one dialect");
        check(json!({"$id": "https://JSON-schema.org/draft%2D07/schema"}), "its `$id` is that of a dialect");
        check(json!({"$schema": draft_04, "id": draft_04}), "its `id` is that of a dialect");
        check(json!({"$id": "https://x.example/", "id": "http://json-schema.org/schema"}), "its `id` is that");
    }

    #[test]
    fn what_only_looks_like_an_id_is_none() {
        for schema in [
            json!({"properties": {"$id": {"type": "string"}, "id": {"type": "string"}}}),
            json!({"properties": {"p": {"id": "a", "const": {"$id": "b"}, "default": {"$id": "b"}}}}),
            json!({"properties": {"p": {"$schema": "https://json-schema.org/draft/2020-12/schema"}}}),
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"p": {"$id": "#a"}}}),
        ] {
            check(&schema, &Limits::default()).unwrap();
        }
    }

    #[test]
    fn a_reference_names_a_place_of_the_root_an_anchor_or_the_id_of_the_root() {
        let check = |reference: &str, is_right: bool| {
            let schema = json!({
                "$id": "https://x.example/r",
                "properties": {"p": {"$ref": reference}},
                "$defs": {"a b": {"$anchor": "here"}},
                "default": {"a": {}},
            });
            assert_eq!(check(&schema, &Limits::default()).is_ok(), is_right, "{reference}");
        };
        for right in ["#", "#/$defs/a%20b", "#here", "https://x.example/r", "https://x.example/r#here"] {
            check(right, true);
        }
        let wrong = ["#absent", "#/default/a", "r", "./r", "HTTPS://X.example/r", "https://x.example/rest", "#h%65re"];
        for wrong in wrong {
            check(wrong, false);
        }
    }

    #[test]
    fn an_anchor_is_one_place() {
        let twice = json!({"$defs": {"a": {"$anchor": "n"}, "b": {"$id": "#n"}}});
        assert!(fault(&twice).contains("at `/$defs/b` it has the anchor `n` a second time"));
        let same = json!({"$defs": {"a": {"$anchor": "n", "$dynamicAnchor": "n"}}, "items": {"$dynamicRef": "#n"}});
        assert!(check(&same, &Limits::default()).is_ok());
        // As many as one likes: none but the first is ever followed.
        let many: Vec<Value> = (0..1_900).map(|_| json!({"$anchor": "a", "$ref": "#a"})).collect();
        assert!(fault(&json!({"anyOf": many})).contains("a second time"));
    }

    #[test]
    fn a_costly_target_is_found_behind_every_way_of_naming_it() {
        for reference in ["#/$defs/bomb", "#/%24defs/bomb", "#bomb", "https://x.example/r#bomb"] {
            let mut schema = bomb(22);
            schema["$defs"]["bomb"] = json!({"$anchor": "bomb", "$ref": "#/$defs/d0"});
            schema["$id"] = json!("https://x.example/r");
            schema["$ref"] = json!(reference);
            assert!(fault(&schema).contains("subschemas"), "{reference}");
        }
        let mut schema = bomb(22);
        schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
        schema["$defs"]["d0"]["$id"] = json!("#d0");
        schema["$ref"] = json!("#d0");
        assert!(fault(&schema).contains("subschemas"));
    }

    #[test]
    fn what_is_no_id_of_the_root_is_not_taken_off_references() {
        let check = |dialect: &str, name: &str, id: &str, reference: &str| {
            let mut schema = bomb(12);
            schema["$schema"] = json!(format!("http://json-schema.org/{dialect}/schema#"));
            schema[name] = json!(id);
            schema["properties"] = json!({"p": {"allOf": vec![json!({"$ref": reference}); 20]}});
            schema.as_object_mut().unwrap().remove("$ref");
            check(&schema, &Limits::default()).map_err(|fault| fault.0)
        };
        for (dialect, name) in [("draft-04", "id"), ("draft-04", "$id"), ("draft-07", "$id"), ("draft-07", "id")] {
            let fault = check(dialect, name, "#/$defs/d0", "#/$defs/d0").unwrap_err();
            assert!(fault.contains("more than"), "{dialect} {name}: {fault}");
        }
        let id = "https://x.example/r";
        for (dialect, name) in [("draft-04", "$id"), ("draft-07", "id")] {
            let fault = check(dialect, name, id, id).unwrap_err();
            assert!(fault.contains("never fetched"), "{dialect} {name}: {fault}");
        }
        for (dialect, name) in [("draft-04", "id"), ("draft-07", "$id")] {
            check(dialect, name, id, id).unwrap();
            assert!(check(dialect, name, id, &format!("{id}#/$defs/d0")).unwrap_err().contains("more than"));
        }
    }

    #[test]
    fn an_anchor_that_could_be_read_in_two_ways_is_refused() {
        for part in [json!({"$anchor": "a%62"}), json!({"$dynamicAnchor": "%"}), json!({"$id": "#a%62"})] {
            assert!(fault(&json!({"$defs": {"x": part}})).contains("at `/$defs/x` it has the anchor"), "{part}");
        }
        let named = json!({"$ref": "#a%62", "$defs": {"x": {"$anchor": "ab"}}});
        assert!(fault(&named).contains("refers to `#a%62`"));
    }

    #[test]
    fn a_recursive_reference_is_to_the_root_and_multiplies_the_work_as_such() {
        let schema = |reference: &str| {
            let part = json!({"$recursiveRef": reference});
            json!({
                "$schema": "https://json-schema.org/draft/2019-09/schema",
                "properties": {"x": {"allOf": [part, part]}},
                "$defs": {"b": {"$anchor": "b"}}
            })
        };
        assert_eq!(check(&schema("#"), &Limits::default()).unwrap(), Some(16));
        assert!(fault(&schema("#b")).contains("refers to `#b`"));
    }

    #[test]
    fn asking_what_was_looked_at_counts_as_often_as_it_checks() {
        let nested = |levels: usize, between: usize, list: &str, keyword: &str| {
            let mut schema = json!({"properties": {"a": {"type": "integer"}}, "prefixItems": [{}]});
            for _ in 0..levels {
                for _ in 0..between {
                    schema = json!({list: [schema]});
                }
                schema = json!({list: [schema], keyword: false});
            }
            schema
        };
        for list in ["anyOf", "allOf"] {
            for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
                assert!(check(&nested(4, 0, list, keyword), &Limits::default()).is_ok());
                assert!(fault(&nested(15, 0, list, keyword)).contains("subschemas"), "{list} {keyword}");
                // Few that ask, each of many.
                assert!(fault(&nested(8, 4, list, keyword)).contains("subschemas"), "{list} {keyword}");
            }
        }
        // One way through a member becomes several where it is asked for.
        let tree = json!({"allOf": [{"properties": {"of": {"$ref": "#"}}}], "unevaluatedProperties": false});
        assert_eq!(check(&tree, &Limits::default()).unwrap(), Some(10));
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
