//! Each rule of the conversion, with the schema before and after it.

use mcp_types::RawJson;

use super::*;

fn converted(input: &str) -> Parameters {
    convert(&RawJson::parse(input.to_owned()).unwrap(), &Limits::default()).unwrap()
}

fn check(input: &str, expected: &str) {
    assert_eq!(converted(input).schema.as_str(), expected);
}

/// The schema may have any root; the part under test is the property `x`.
fn check_inside(input: &str, expected: &str) {
    let wrap = |part: &str| format!(r#"{{"type":"object","properties":{{"x":{part}}}}}"#);
    check(&wrap(input), &wrap(expected));
}

fn refused(input: &str) -> Quarantine {
    convert(&RawJson::parse(input.to_owned()).unwrap(), &Limits::default()).unwrap_err()
}

fn report(input: &str) -> Vec<String> {
    converted(input).rewrites.iter().map(Rewrite::to_string).collect()
}

#[test]
fn a_legal_schema_is_published_byte_for_byte() {
    let schema = r##"{"type":"object","required":["z"],"properties":{"z":{"type":"string","enum":["b","a"]},"a":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"array","items":{"type":"number","maximum":1.0}}},"additionalProperties":false}"##;
    check(schema, schema);
    assert_eq!(converted(schema).rewrites, []);
}

#[test]
fn the_root_becomes_an_object_with_properties() {
    check("{}", r#"{"type":"object","properties":{}}"#);
    check("true", r#"{"type":"object","properties":{}}"#);
    check(r#"{"type":"object"}"#, r#"{"type":"object","properties":{}}"#);
    check(r#"{"properties":{"a":{}}}"#, r#"{"type":"object","properties":{"a":{}}}"#);
    check(r#"{"type":["object","null"],"properties":{}}"#, r#"{"type":"object","properties":{}}"#);
    check(r#"{"type":null}"#, r#"{"type":"object","properties":{}}"#);
}

#[test]
fn a_root_that_allows_no_object_is_held_back() {
    let not_object = |found: &str| Quarantine::RootNotObject { found: found.to_owned() };
    assert_eq!(refused(r#"{"type":"string"}"#), not_object("\"string\""));
    assert_eq!(refused(r#"{"type":["array","null"]}"#), not_object(r#"["array","null"]"#));
    assert_eq!(
        refused(r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#),
        not_object("none of its alternatives allows one")
    );
    assert_eq!(refused(r#"{"enum":["a",1]}"#), not_object("none of its alternatives allows one"));
    assert_eq!(refused("[]"), Quarantine::NotASchema { found: "array".to_owned() });
    assert_eq!(
        refused(r#"{"type":"object","type":"object"}"#),
        Quarantine::NotASchema { found: "the key \"type\" stands twice in one object, at byte 17".to_owned() }
    );
}

#[test]
fn properties_are_added_at_every_depth() {
    check_inside(r#"{"type":"object"}"#, r#"{"type":"object","properties":{}}"#);
    check_inside(
        r#"{"type":"array","items":{"anyOf":[{"type":"object"},{"type":"null"}]}}"#,
        r#"{"type":"array","items":{"anyOf":[{"type":"object","properties":{}},{"type":"null"}]}}"#,
    );
    check_inside(
        r#"{"additionalProperties":{"type":"object"}}"#,
        r#"{"additionalProperties":{"type":"object","properties":{}}}"#,
    );
}

#[test]
fn properties_that_are_null_become_an_empty_object() {
    check_inside(r#"{"properties":null,"type":"object"}"#, r#"{"properties":{},"type":"object"}"#);
    check(r#"{"type":"object","properties":null}"#, r#"{"type":"object","properties":{}}"#);
}

#[test]
fn a_type_list_with_object_gets_properties_and_keeps_its_other_types() {
    check_inside(r#"{"type":["object","null"]}"#, r#"{"type":["object","null"],"properties":{}}"#);
    check_inside(r#"{"type":["object"]}"#, r#"{"type":"object","properties":{}}"#);
    check_inside(r#"{"type":["array","string"]}"#, r#"{"type":["array","string"],"items":{}}"#);
}

#[test]
fn arrays_get_items() {
    check_inside(r#"{"type":"array"}"#, r#"{"type":"array","items":{}}"#);
    check_inside(r#"{"type":"array","items":null}"#, r#"{"type":"array","items":{}}"#);
    check_inside(r#"{"type":"array","items":true}"#, r#"{"type":"array","items":{}}"#);
    check_inside(
        r#"{"type":"array","items":{"type":"array"}}"#,
        r#"{"type":"array","items":{"type":"array","items":{}}}"#,
    );
}

#[test]
fn open_objects_stay_open_and_closed_ones_closed() {
    for object in [
        r#"{"type":"object","properties":{}}"#,
        r#"{"type":"object","properties":{},"additionalProperties":true}"#,
        r#"{"type":"object","properties":{},"additionalProperties":false}"#,
        r#"{"type":"object","properties":{},"additionalProperties":{"type":"string"}}"#,
    ] {
        check(object, object);
        check_inside(object, object);
    }
}

#[test]
fn identifiers_of_the_schema_are_dropped() {
    check(
        r#"{"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://x.example/a","type":"object","properties":{"x":{"$id":"b","type":"null"}}}"#,
        r#"{"type":"object","properties":{"x":{"type":"null"}}}"#,
    );
}

#[test]
fn words_of_older_drafts_are_written_in_those_of_2020_12() {
    check_inside(
        r#"{"type":"array","items":[{"type":"object"}],"additionalItems":{"type":"array"}}"#,
        r#"{"type":"array","prefixItems":[{"type":"object","properties":{}}],"items":{"type":"array","items":{}}}"#,
    );
    check_inside(r#"{"type":"array","items":[{}]}"#, r#"{"type":"array","prefixItems":[{}],"items":{}}"#);
    check_inside(r#"{"minimum":5,"exclusiveMinimum":true}"#, r#"{"exclusiveMinimum":5}"#);
    check_inside(r#"{"maximum":5,"exclusiveMaximum":false}"#, r#"{"maximum":5}"#);
    check_inside(r#"{"exclusiveMaximum":5,"minimum":1}"#, r#"{"exclusiveMaximum":5,"minimum":1}"#);
}

#[test]
fn members_that_are_malformed_are_left_out() {
    check_inside(
        r#"{"type":"any","description":null,"required":true,"enum":[],"anyOf":[],"minLength":"3","title":1}"#,
        "{}",
    );
    check_inside(r#"{"type":["int","string"]}"#, r#"{"type":"string"}"#);
}

#[test]
fn boolean_schemas_become_objects() {
    check_inside("true", "{}");
    check_inside("false", r#"{"not":{}}"#);
}

#[test]
fn data_that_looks_like_a_schema_is_left_alone() {
    for part in [
        r##"{"default":{"type":"object"},"examples":[{"type":"array"}],"const":{"$ref":"#/x"},"enum":[{"type":"object"}]}"##,
        r#"{"type":"object","properties":{"type":{"type":"string"},"$ref":{"type":"string"},"properties":{"type":"null"}}}"#,
    ] {
        check_inside(part, part);
    }
}

#[test]
fn definitions_become_defs_and_references_follow() {
    check(
        r##"{"type":"object","definitions":{"n":{"type":"object","properties":{"next":{"$ref":"#/definitions/n"}}}},"properties":{"x":{"$ref":"#/definitions/n"}}}"##,
        r##"{"type":"object","$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"}}}},"properties":{"x":{"$ref":"#/$defs/n"}}}"##,
    );
}

#[test]
fn definitions_of_both_kinds_with_one_name_are_kept_apart() {
    check(
        r##"{"type":"object","properties":{"x":{"$ref":"#/definitions/n"},"y":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"null"}},"definitions":{"n":{"type":"string"}}}"##,
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/n_2"},"y":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"null"},"n_2":{"type":"string"}}}"##,
    );
}

#[test]
fn names_of_definitions_become_such_that_a_reference_may_have() {
    check(
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/a%20~1b"},"y":{"$ref":"#/$defs/a__b"}},"$defs":{"a /b":{"type":"null"},"a__b":{"type":"string"}}}"##,
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/a__b"},"y":{"$ref":"#/$defs/a__b_2"}},"$defs":{"a__b":{"type":"null"},"a__b_2":{"type":"string"}}}"##,
    );
}

#[test]
fn a_pattern_that_some_engine_refuses_is_said_in_words() {
    check_inside(
        r#"{"type":"string","pattern":"^\\p{L}+$","description":"A name."}"#,
        r#"{"type":"string","description":"A name. It matches `^\\p{L}+$`."}"#,
    );
    check_inside(r#"{"description":"A name.","pattern":"(?=a)"}"#, r#"{"description":"A name. It matches `(?=a)`."}"#);
    check_inside(r#"{"pattern":"[a"}"#, r#"{"description":"It matches `[a`."}"#);
    // Members that only the pattern allows are not forbidden.
    check_inside(r#"{"patternProperties":{"(?i)x":{}},"additionalProperties":false}"#, "{}");
    check_inside(
        r#"{"patternProperties":{"^x":{}},"additionalProperties":false}"#,
        r#"{"patternProperties":{"^x":{}},"additionalProperties":false}"#,
    );
}

#[test]
fn a_name_is_required_once() {
    check_inside(
        r#"{"type":"object","properties":{"a":{}},"required":["a","a"]}"#,
        r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
    );
}

#[test]
fn who_says_nothing_forbids_nothing() {
    check("null", r#"{"type":"object","properties":{}}"#);
    check_inside(r#"{"$ref":null,"type":"string"}"#, r#"{"type":"string"}"#);
}

#[test]
fn a_reference_to_any_other_place_is_gathered_into_defs() {
    check(
        r##"{"type":"object","properties":{"a":{"type":"object","$defs":{"in":{"type":"array"}},"properties":{"b":{"$ref":"#/properties/a/$defs/in"}}},"c":{"$ref":"#/properties/a"},"d":{"$ref":"#/properties/a"}}}"##,
        r##"{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"$ref":"#/$defs/in"}}},"c":{"$ref":"#/$defs/a"},"d":{"$ref":"#/$defs/a"}},"$defs":{"in":{"type":"array","items":{}},"a":{"type":"object","properties":{"b":{"$ref":"#/$defs/in"}}}}}"##,
    );
}

#[test]
fn a_reference_by_anchor_leads_to_defs() {
    check(
        r##"{"type":"object","properties":{"x":{"$ref":"#node"}},"$defs":{"n":{"$anchor":"node","type":"string"}}}"##,
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"string"}}}"##,
    );
}

#[test]
fn a_reference_to_the_root_is_kept() {
    let schema = r##"{"type":"object","properties":{"child":{"$ref":"#"}}}"##;
    check(schema, schema);
}

#[test]
fn a_reference_with_a_description_is_inlined() {
    check(
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/n","description":"mine"}},"$defs":{"n":{"type":"array","description":"theirs"}}}"##,
        r##"{"type":"object","properties":{"x":{"type":"array","description":"mine","items":{}}}}"##,
    );
}

#[test]
fn a_reference_with_rules_beside_it_keeps_both() {
    check(
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/n","minLength":1}},"$defs":{"n":{"type":"string"}}}"##,
        r##"{"type":"object","properties":{"x":{"minLength":1,"allOf":[{"$ref":"#/$defs/n"}]}},"$defs":{"n":{"type":"string"}}}"##,
    );
}

#[test]
fn inlining_stops_where_a_reference_leads_back_to_itself() {
    check(
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/n","title":"a"}},"$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n","title":"b"}}}}}"##,
        r##"{"type":"object","properties":{"x":{"type":"object","properties":{"n":{"title":"b","allOf":[{"$ref":"#/$defs/n"}]}},"title":"a"}},"$defs":{"n":{"type":"object","properties":{"n":{"type":"object","properties":{"n":{"title":"b","allOf":[{"$ref":"#/$defs/n"}]}},"title":"b"}}}}}"##,
    );
}

#[test]
fn a_reference_out_of_the_document_is_not_followed() {
    check_inside(r#"{"$ref":"https://evil.example/x.json","description":"d"}"#, r#"{"description":"d"}"#);
    check_inside(r##"{"$ref":"#/$defs/absent"}"##, "{}");
}

#[test]
fn alternatives_at_the_root_offer_all_properties_and_require_the_shared_ones() {
    check(
        r#"{"type":"object","oneOf":[{"properties":{"kind":{"const":"a"},"x":{"type":"string"}},"required":["kind","x"]},{"properties":{"kind":{"const":"b"},"y":{"type":"object"}},"required":["kind"]}]}"#,
        r#"{"type":"object","properties":{"kind":{"anyOf":[{"const":"a"},{"const":"b"}]},"x":{"type":"string"},"y":{"type":"object","properties":{}}},"required":["kind"],"description":"Exactly one of these must hold: `kind` is \"a\" and `x` given; `kind` is \"b\"."}"#,
    );
}

#[test]
fn alternatives_that_only_require_keep_the_properties_of_the_root() {
    check(
        r#"{"type":"object","description":"Find.","properties":{"id":{"type":"string"},"name":{"type":"string"}},"anyOf":[{"required":["id"]},{"required":["name"]}],"additionalProperties":false}"#,
        r#"{"type":"object","description":"Find.\nAt least one of these must hold: `id` given; `name` given.","properties":{"id":{"type":"string"},"name":{"type":"string"}},"additionalProperties":false}"#,
    );
}

#[test]
fn an_alternative_that_is_no_object_is_left_out() {
    check(
        r#"{"anyOf":[{"type":"object","properties":{"a":{}},"required":["a"]},{"type":"null"}]}"#,
        r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
    );
}

#[test]
fn all_of_at_the_root_is_one_object_that_requires_everything() {
    check(
        r##"{"allOf":[{"$ref":"#/$defs/base"},{"type":"object","properties":{"b":{"minLength":1},"a":{"maxLength":9}},"required":["b"]}],"$defs":{"base":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}"##,
        r##"{"type":"object","properties":{"a":{"allOf":[{"type":"string"},{"maxLength":9}]},"b":{"minLength":1}},"required":["a","b"]}"##,
    );
}

#[test]
fn a_reference_at_the_root_is_replaced_by_what_it_names() {
    check(
        r##"{"$ref":"#/$defs/Args","$defs":{"Args":{"type":"object","properties":{"x":{"$ref":"#/$defs/Args"}},"required":["x"]}}}"##,
        r##"{"type":"object","$defs":{"Args":{"type":"object","properties":{"x":{"$ref":"#/$defs/Args"}},"required":["x"]}},"properties":{"x":{"$ref":"#/$defs/Args"}},"required":["x"]}"##,
    );
}

#[test]
fn values_listed_at_the_root_become_their_members() {
    check(
        r#"{"enum":[{"a":1,"b":2},{"a":2}]}"#,
        r#"{"type":"object","properties":{"a":{"anyOf":[{"const":1},{"const":2}]},"b":{"const":2}},"required":["a"],"additionalProperties":false}"#,
    );
}

#[test]
fn a_negation_at_the_root_is_said_and_left_to_the_local_check() {
    check(
        r#"{"type":"object","properties":{"a":{}},"not":{"required":["a"]}}"#,
        r#"{"type":"object","properties":{"a":{}},"description":"This must not hold: `a` given."}"#,
    );
}

#[test]
fn an_open_alternative_keeps_the_object_open() {
    let closed = r#"{"properties":{"a":{}},"additionalProperties":false}"#;
    check(
        &format!(r#"{{"anyOf":[{closed},{{"properties":{{"b":{{}}}}}}]}}"#),
        r#"{"type":"object","properties":{"a":{},"b":{}},"description":"At least one of these must hold: `a` may be given; `b` may be given."}"#,
    );
    assert!(
        converted(&format!(r#"{{"anyOf":[{closed},{closed}]}}"#))
            .schema
            .as_str()
            .contains(r#""additionalProperties":false"#)
    );
}

#[test]
fn every_rewrite_says_where_what_and_why() {
    assert_eq!(
        report(
            r##"{"$schema":"x","type":"object","properties":{"a/b":{"type":"array"},"o":{"type":"object"},"r":{"$ref":"http://h/"}},"anyOf":[{}]}"##
        ),
        [
            "the root: merged `anyOf` into one object, because the root must be a plain object",
            "the root: left out `$schema`, because a function's parameters are no document of their own",
            "/properties/a~1b: added `items`, because an array needs `items`",
            "/properties/o: added `properties`, because an object needs `properties`",
            "/properties/r: left out the reference `http://h/`, because nothing outside the schema is fetched",
        ]
    );
}

#[test]
fn converting_twice_changes_nothing_more() {
    for input in [
        "{}",
        r##"{"oneOf":[{"$ref":"#/definitions/a"},{"type":"object"}],"definitions":{"a":{"type":"object","properties":{"x":{"$ref":"#/definitions/a","title":"t"}}}}}"##,
        r#"{"type":"object","properties":{"x":{"type":"array","items":[true,false]}}}"#,
    ] {
        let once = converted(input);
        let twice = convert(&once.schema, &Limits::default()).unwrap();
        assert_eq!(once.schema, twice.schema);
        assert_eq!(twice.rewrites, []);
    }
}

#[test]
fn each_bound_holds_back_the_tool_with_its_name() {
    let exceeded = |input: &str, limits: Limits| {
        convert(&RawJson::parse(input.to_owned()).unwrap(), &limits).map_err(|reason| match reason {
            Quarantine::Exceeds { bound, limit } => (bound, limit),
            other => panic!("{other}"),
        })
    };
    let schema = r#"{"type":"object","properties":{"a":{"not":{}}}}"#;
    let exact = Limits { bytes: schema.len(), subschemas: 3, depth: 3, expansion: 2, alternatives: 1 };
    assert!(exceeded(schema, exact).is_ok());
    for (limits, expected) in [
        (Limits { bytes: schema.len() - 1, ..exact }, (Bound::Bytes, schema.len() - 1)),
        (Limits { subschemas: 2, ..exact }, (Bound::Subschemas, 2)),
        (Limits { depth: 2, ..exact }, (Bound::Depth, 2)),
        (Limits { expansion: 1, ..exact }, (Bound::Expansion, 1)),
        (Limits { alternatives: 0, ..exact }, (Bound::Alternatives, 0)),
    ] {
        assert_eq!(exceeded(schema, limits).unwrap_err(), expected);
    }
}

#[test]
fn a_schema_bomb_is_held_back() {
    // Finding 7: two kilobytes that make a validator work for hours.
    let levels: Vec<String> = (0..30)
        .map(|n| format!(r##""l{n}":{{"anyOf":[{{"$ref":"#/$defs/l{m}"}},{{"$ref":"#/$defs/l{m}"}}]}}"##, m = n + 1))
        .collect();
    let bomb = format!(
        r##"{{"type":"object","properties":{{"x":{{"$ref":"#/$defs/l0"}}}},"$defs":{{{},"l30":{{}}}}}}"##,
        levels.join(",")
    );
    assert_eq!(refused(&bomb), Quarantine::Exceeds { bound: Bound::Expansion, limit: 10_000 });

    let deep = format!(r#"{{"type":"object","not":{}{{}}{}}}"#, r#"{"not":"#.repeat(70), "}".repeat(70));
    assert_eq!(refused(&deep), Quarantine::Exceeds { bound: Bound::Depth, limit: 64 });
}

#[test]
fn many_definitions_of_one_name_have_a_number_each() {
    let lists: Vec<String> =
        (0..800).map(|n| format!(r##""a{n}":{{"items":{{}}}},"b{n}":{{"$ref":"#/properties/a{n}/items"}}"##)).collect();
    let schema = converted(&format!(r#"{{"properties":{{{}}}}}"#, lists.join(","))).schema;
    assert!(schema.as_str().ends_with(r##""items_799":{},"items_800":{}}}"##), "{schema}");
}

#[test]
fn a_schema_that_is_as_deep_as_json_can_be_is_held_back_because_a_request_is_deeper() {
    let with = |levels: usize| {
        format!(r#"{{"type":"object","properties":{{}},"default":{}{}}}"#, "[".repeat(levels), "]".repeat(levels))
    };
    let fitting = converted(&with(LEVELS - 1));
    assert_eq!(fitting.rewrites, []);
    for levels in LEVELS..json::DEPTH_LIMIT {
        assert_eq!(refused(&with(levels)), Quarantine::Exceeds { bound: Bound::Nesting, limit: LEVELS });
    }
}

#[test]
fn inlining_cannot_make_a_small_schema_large() {
    let levels: Vec<String> = (0..12)
        .map(|n| {
            let part = format!(r##"{{"$ref":"#/$defs/l{}","title":"t"}}"##, n + 1);
            format!(r##""l{n}":{{"properties":{{"a":{part},"b":{part}}}}}"##)
        })
        .collect();
    let schema = format!(
        r##"{{"type":"object","properties":{{"x":{{"$ref":"#/$defs/l0"}}}},"$defs":{{{},"l12":{{}}}}}}"##,
        levels.join(",")
    );
    assert_eq!(refused(&schema), Quarantine::Exceeds { bound: Bound::Subschemas, limit: 4096 });
}

#[test]
fn inlining_a_large_value_many_times_is_held_back() {
    let uses: Vec<String> = (0..100).map(|n| format!(r##""p{n}":{{"$ref":"#/$defs/a","title":"t"}}"##)).collect();
    let schema = format!(
        r##"{{"type":"object","properties":{{{}}},"$defs":{{"a":{{"default":"{}"}}}}}}"##,
        uses.join(","),
        "x".repeat(100_000)
    );
    assert_eq!(refused(&schema), Quarantine::Exceeds { bound: Bound::Bytes, limit: 256 * 1024 });
}

#[test]
fn a_long_chain_of_references_is_held_back_before_it_fills_the_stack() {
    let chain = |length: usize, beside: &str| {
        let levels: Vec<String> = (0..length)
            .map(|n| format!(r##""l{n}":{{"properties":{{"a":{{"$ref":"#/$defs/l{}"{beside}}}}}}}"##, n + 1))
            .collect();
        format!(
            r##"{{"type":"object","properties":{{"x":{{"$ref":"#/$defs/l0"}}}},"$defs":{{{},"l{length}":{{}}}}}}"##,
            levels.join(",")
        )
    };
    for schema in [chain(2000, ""), chain(2000, r#","title":"t""#), chain(80, r#","title":"t""#)] {
        assert_eq!(refused(&schema), Quarantine::Exceeds { bound: Bound::Depth, limit: 64 });
    }
    assert!(convert(&RawJson::parse(chain(80, "")).unwrap(), &Limits::default()).is_ok());
}

#[test]
fn merging_many_large_alternatives_is_bounded() {
    let names: Vec<String> = (0..4000).map(|n| format!("\"n{n}\"")).collect();
    let alternatives = [r##"{"$ref":"#/$defs/a"}"##; 200].join(",");
    let schema = format!(
        r##"{{"anyOf":[{alternatives}],"$defs":{{"a":{{"type":"object","required":[{}]}}}}}}"##,
        names.join(",")
    );
    assert_eq!(refused(&schema), Quarantine::Exceeds { bound: Bound::Alternatives, limit: 256 });
}

#[test]
fn references_in_a_circle_are_held_back() {
    for circle in [
        r##"{"$ref":"#"}"##,
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/a"}},"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##,
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/a"}},"$defs":{"a":{"allOf":[{"anyOf":[{"$ref":"#/$defs/a"}]}]}}}"##,
        // The circle is met first on a way that enters a value.
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/c"}},"anyOf":[{"$ref":"#/$defs/c"}],"$defs":{"c":{"allOf":[{"$ref":"#"}]}}}"##,
    ] {
        assert_eq!(refused(circle), Quarantine::EndlessReference, "{circle}");
    }
}

/// Says what OpenAI would refuse in a published schema, without `strict`; it shares no code with the conversion.
fn illegal(published: &str) -> Option<String> {
    let root: serde_json::Value = serde_json::from_str(published).unwrap();
    let members = root.as_object().unwrap();
    for keyword in ["anyOf", "oneOf", "allOf", "enum", "not", "$ref"] {
        if members.contains_key(keyword) {
            return Some(format!("`{keyword}` at the root"));
        }
    }
    if members["type"] != "object" {
        return Some("the root is no object".to_owned());
    }
    illegal_part(&root, &root)
}

fn illegal_part(schema: &serde_json::Value, root: &serde_json::Value) -> Option<String> {
    let Some(members) = schema.as_object() else { return Some(format!("{schema} is no schema")) };
    let is = |name: &str| match &members.get("type") {
        Some(serde_json::Value::Array(names)) => names.iter().any(|other| other == name),
        other => other.is_some_and(|other| other == name),
    };
    if is("object") && !members.get("properties").is_some_and(serde_json::Value::is_object) {
        return Some(format!("an object without properties: {schema}"));
    }
    if is("array") && !members.get("items").is_some_and(serde_json::Value::is_object) {
        return Some(format!("an array without items: {schema}"));
    }
    for keyword in ["$schema", "$id", "definitions", "$anchor"] {
        if members.contains_key(keyword) {
            return Some(format!("`{keyword}` was kept: {schema}"));
        }
    }
    if let Some(reference) = members.get("$ref") {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        if members.len() > 1 || root.pointer(pointer).is_none() {
            return Some(format!("a bad reference: {schema}"));
        }
    }
    let one = ["items", "not"].into_iter().filter_map(|keyword| members.get(keyword));
    let lists =
        ["anyOf", "oneOf", "allOf", "prefixItems"].into_iter().filter_map(|keyword| members.get(keyword)?.as_array());
    let named = ["properties", "$defs"].into_iter().filter_map(|keyword| members.get(keyword)?.as_object());
    one.chain(lists.flatten()).chain(named.flat_map(|named| named.values())).find_map(|part| illegal_part(part, root))
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick(&mut self, options: &[&str]) -> String {
        options[self.roll(options.len())].to_owned()
    }

    /// A schema with everything that servers get wrong.
    fn schema(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&[
                "{}",
                "true",
                "false",
                r#"{"type":"array"}"#,
                r#"{"type":"object"}"#,
                r##"{"$ref":"#/definitions/a"}"##,
            ]);
        }
        let mut members: Vec<String> = Vec::new();
        for keyword in [
            "type",
            "properties",
            "items",
            "anyOf",
            "allOf",
            "oneOf",
            "not",
            "required",
            "$ref",
            "description",
            "$id",
            "enum",
        ] {
            if self.roll(4) > 0 {
                continue;
            }
            let part = self.schema(depth - 1);
            let value = match keyword {
                "type" => {
                    self.pick(&["\"object\"", "\"array\"", r#"["object","null"]"#, "\"any\"", "null", "\"string\""])
                }
                "properties" => [format!(r#"{{"a":{part},"b":{}}}"#, self.schema(depth - 1)), "null".to_owned()]
                    [self.roll(2)]
                .clone(),
                "items" => [format!("[{part}]"), part, "null".to_owned()][self.roll(3)].clone(),
                "anyOf" | "allOf" | "oneOf" => format!("[{part},{}]", self.schema(depth - 1)),
                "not" => part,
                "required" => self.pick(&["true", r#"["a"]"#, r#"["a","b"]"#, "[1]"]),
                "$ref" => {
                    self.pick(&["\"#/definitions/a\"", "\"#/$defs/b\"", "\"#/properties/a\"", "\"#\"", "\"http://h/\""])
                }
                "enum" => self.pick(&[r#"[{"a":1}]"#, "[]", r#"["x"]"#]),
                _ => self.pick(&["\"text\"", "null"]),
            };
            members.push(format!("\"{keyword}\":{value}"));
        }
        format!("{{{}}}", members.join(","))
    }
}

#[test]
fn whatever_a_server_publishes_becomes_legal_or_is_held_back() {
    let mut dice = Dice(7);
    let mut offered = 0;
    for _ in 0..1500 {
        let (mut root, a, b) = (dice.schema(3), dice.schema(2), dice.schema(2));
        root.pop();
        let comma = if root.len() > 1 { "," } else { "" };
        let input = format!(r#"{root}{comma}"definitions":{{"a":{a}}},"$defs":{{"b":{b}}}}}"#);
        let Ok(once) = convert(&RawJson::parse(input.clone()).unwrap(), &Limits::default()) else { continue };
        offered += 1;
        assert_eq!(illegal(once.schema.as_str()), None, "{input}\nbecame\n{}", once.schema);
        let twice = convert(&once.schema, &Limits::default()).unwrap();
        assert_eq!(once.schema, twice.schema, "{input}");
    }
    assert!(offered > 300, "{offered}");
}

#[test]
fn a_constant_at_the_root_becomes_its_members() {
    check(
        r#"{"const":{"a":1}}"#,
        r#"{"type":"object","properties":{"a":{"const":1}},"required":["a"],"additionalProperties":false}"#,
    );
    assert!(matches!(refused(r#"{"const":"a"}"#), Quarantine::RootNotObject { .. }));
}

#[test]
fn conditions_at_the_root_offer_what_they_ask_for_and_say_when() {
    check(
        r#"{"type":"object","properties":{"kind":{"type":"string"}},"if":{"properties":{"kind":{"const":"a"}},"required":["kind"]},"then":{"properties":{"x":{"type":"array"}},"required":["x"]},"else":{"required":["y"]}}"#,
        r#"{"type":"object","properties":{"kind":{"type":"string"},"x":{"type":"array","items":{}}},"description":"If `kind` is \"a\", then `x` given; otherwise `y` given."}"#,
    );
    assert!(matches!(
        refused(r#"{"if":true,"then":{"type":"string"},"else":false}"#),
        Quarantine::RootNotObject { .. }
    ));
}

#[test]
fn what_only_some_open_alternatives_say_of_a_member_does_not_narrow_it_for_all() {
    check(
        r#"{"properties":{"n":{"type":"integer"}},"anyOf":[{"properties":{"n":{"const":1}},"required":["n"]},{"required":["m"]}]}"#,
        r#"{"type":"object","properties":{"n":{"type":"integer"}},"description":"At least one of these must hold: `n` is 1; `m` given."}"#,
    );
    // A closed alternative has no other members, so that nothing is left open.
    check(
        r#"{"allOf":[{"properties":{"n":{"type":"integer"}}}],"anyOf":[{"properties":{"n":{"minimum":1}}},{"properties":{"m":{}},"additionalProperties":false}]}"#,
        r#"{"type":"object","properties":{"n":{"allOf":[{"type":"integer"},{"minimum":1}]},"m":{}},"description":"At least one of these must hold: `n` may be given; `m` may be given."}"#,
    );
}

#[test]
fn what_is_required_is_described() {
    check(
        r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a","b"]}"#,
        r#"{"type":"object","properties":{"a":{"type":"string"},"b":{}},"required":["a","b"]}"#,
    );
    check_inside(
        r#"{"type":"object","required":["b"]}"#,
        r#"{"type":"object","required":["b"],"properties":{"b":{}}}"#,
    );
    check_inside(r#"{"required":["b"]}"#, r#"{"required":["b"]}"#);
}

#[test]
fn a_tool_that_requires_what_it_forbids_is_held_back() {
    assert_eq!(
        refused(r#"{"type":"object","properties":{"a":{}},"required":["b"],"additionalProperties":false}"#),
        Quarantine::Unsatisfiable { name: "b".to_owned() }
    );
    let patterns = r#"{"type":"object","properties":{},"patternProperties":{"^b":{}},"required":["b"],"additionalProperties":false}"#;
    assert!(converted(patterns).schema.as_str().contains(r#""properties":{"b":{}}"#));
}

#[test]
fn nullable_is_a_type_beside_another() {
    check_inside(r#"{"type":"string","nullable":true}"#, r#"{"type":["string","null"]}"#);
    check_inside(r#"{"nullable":true,"type":"object"}"#, r#"{"type":["object","null"],"properties":{}}"#);
    check_inside(r#"{"type":"string","nullable":false}"#, r#"{"type":"string"}"#);
    check(r#"{"type":"object","nullable":true,"properties":{}}"#, r#"{"type":"object","properties":{}}"#);
}

#[test]
fn a_definition_that_nothing_refers_to_is_left_out() {
    let schema = r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/a"}},"$defs":{"z":{"type":"any"},"a":{"$ref":"#/$defs/b"},"b":{"type":"null"}}}"##;
    check(
        schema,
        r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/a"}},"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"type":"null"}}}"##,
    );
    assert_eq!(report(schema), ["/$defs/z: left out the definition `z`, because nothing refers to it"]);
}
