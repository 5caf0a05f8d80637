//! Every kind of fault, as the model reads it.

use super::*;

fn checker(schema: &str) -> Checker {
    Checker::compile(&RawJson::parse(schema.to_owned()).unwrap()).unwrap()
}

fn faults(schema: &str, arguments: &str) -> Vec<String> {
    match checker(schema).check(&RawJson::parse(arguments.to_owned()).unwrap()) {
        Ok(()) => Vec::new(),
        Err(rejection) => rejection.faults().iter().map(Fault::to_string).collect(),
    }
}

const FILE: &str = r#"{"type":"object","properties":{"file_name":{"type":"string","minLength":1},"mode":{"enum":["r","w"]},"limit":{"type":["integer","null"],"minimum":1}},"required":["file_name"],"additionalProperties":false}"#;

#[test]
fn valid_arguments_pass() {
    assert_eq!(faults(FILE, r#"{"file_name":"a","mode":"w","limit":null}"#), [""; 0]);
}

#[test]
fn all_faults_are_listed_at_once_with_path_expected_and_got() {
    let mut found = faults(FILE, r#"{"file_name":"","mode":"x","limit":"5","depth":[1]}"#);
    found.sort();
    assert_eq!(
        found,
        [
            "`depth`: unknown; known are `file_name`, `mode`, `limit`",
            "`file_name`: expected at least 1 character, got \"\"",
            "`limit`: expected null or an integer, got \"5\"",
            "`mode`: expected one of \"r\", \"w\", got \"x\"",
        ]
    );
}

#[test]
fn an_unknown_name_is_compared_with_the_known_ones() {
    let mut found = faults(FILE, r#"{"fileName":"a"}"#);
    found.sort();
    assert_eq!(
        found,
        [
            "`fileName`: unknown, did you mean `file_name`?; known are `file_name`, `mode`, `limit`",
            "`file_name`: missing, expected a string",
        ]
    );
}

#[test]
fn where_any_name_is_allowed_a_missing_one_is_looked_for_among_those_that_were_sent() {
    let open = r#"{"type":"object","properties":{"file_name":{"type":["string","null"]}},"required":["file_name"]}"#;
    assert_eq!(
        faults(open, r#"{"fileName":"a"}"#),
        ["`file_name`: missing, expected a string or null; is it what you sent as `fileName`?"]
    );
}

#[test]
fn of_several_unknown_names_the_last_says_which_are_known() {
    assert_eq!(
        faults(FILE, r#"{"file_name":"a","x":1,"y":2}"#),
        ["`x`: unknown", "`y`: unknown; known are `file_name`, `mode`, `limit`"]
    );
}

#[test]
fn a_word_that_is_none_of_those_allowed_is_compared_with_them() {
    let schema = r#"{"type":"object","properties":{"unit":{"enum":["celsius","fahrenheit"]}}}"#;
    assert_eq!(
        faults(schema, r#"{"unit":"celcius"}"#),
        ["`unit`: expected one of \"celsius\", \"fahrenheit\", got \"celcius\", did you mean `celsius`?"]
    );
}

#[test]
fn a_fault_inside_is_found_through_references() {
    let schema = r##"{"type":"object","properties":{"to":{"type":"array","items":{"$ref":"#/$defs/p"}}},"$defs":{"p":{"type":"object","properties":{"mail":{"type":"string"}},"required":["mail"],"additionalProperties":false}}}"##;
    assert_eq!(
        faults(schema, r#"{"to":[{"mail":"a"},{"mail":"a","mial":"b"}]}"#),
        ["`to[1].mial`: unknown; known are `mail`"]
    );
}

#[test]
fn of_several_forms_the_nearest_is_explained() {
    let schema = r#"{"type":"object","oneOf":[{"properties":{"kind":{"const":"a"},"x":{"type":"string"}},"required":["kind","x"]},{"properties":{"kind":{"const":"b"},"y":{"type":"string"},"z":{}},"required":["kind","y","z"]}]}"#;
    assert_eq!(
        faults(schema, r#"{"kind":"a"}"#),
        ["the arguments: follows none of its 2 forms; closest: `x`: missing, expected a string"]
    );
}

#[test]
fn a_root_union_that_was_merged_is_still_enforced() {
    let schema =
        r#"{"type":"object","properties":{"id":{},"name":{}},"oneOf":[{"required":["id"]},{"required":["name"]}]}"#;
    assert_eq!(faults(schema, r#"{"id":1}"#), [""; 0]);
    assert_eq!(
        faults(schema, r#"{"id":1,"name":2}"#),
        ["the arguments: expected exactly one of 2 forms, not several, got an object of 2"]
    );
}

#[test]
fn the_list_of_faults_is_bounded() {
    let items: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let schema = r#"{"type":"object","properties":{"a":{"items":{"type":"string"}}}}"#;
    let arguments = RawJson::parse(format!(r#"{{"a":[{}]}}"#, items.join(","))).unwrap();
    let rejection = checker(schema).check(&arguments).unwrap_err();
    assert_eq!(rejection.faults().len(), 16);
    assert!(rejection.has_more());
}

#[test]
fn nothing_is_fetched_for_a_reference_out_of_the_document() {
    // T-115
    for reference in ["https://evil.example/x.json", "file:///etc/passwd"] {
        let schema = format!(r#"{{"type":"object","properties":{{"x":{{"$ref":"{reference}"}}}}}}"#);
        let unchecked = Checker::compile(&RawJson::parse(schema).unwrap()).unwrap_err();
        assert!(unchecked.to_string().starts_with("arguments are checked by the server only: "), "{unchecked}");
    }
}

#[test]
fn a_check_that_would_not_end_is_left_to_the_server() {
    // Each level of the arguments doubles the work, although the schema is small and refers to itself only inside.
    let part = r##"{"properties":{"c":{"$ref":"#/$defs/n"}}}"##;
    let schema = format!(
        r##"{{"type":"object","allOf":[{{"$ref":"#/$defs/n"}}],"$defs":{{"n":{{"allOf":[{part},{part}]}}}}}}"##
    );
    let nested =
        |depth: usize| RawJson::parse(format!("{}{{}}{}", r#"{"c":"#.repeat(depth), "}".repeat(depth))).unwrap();
    let value = |depth: usize| Value::parse(nested(depth).as_str()).unwrap();
    let checker = checker(&schema);
    let document = Document::new(&checker.schema);
    assert!(Work::measure(&document, &value(10)).unwrap() > 1 << 10);
    assert_eq!(Work::measure(&document, &value(60)), None);
    assert_eq!(checker.check(&nested(60)), Ok(()));
}

#[test]
fn the_deepest_schema_that_is_offered_fits_the_stack_of_a_worker() {
    let levels: Vec<String> =
        (0..120).map(|n| format!(r##""l{n}":{{"properties":{{"a":{{"$ref":"#/$defs/l{}"}}}}}}"##, n + 1)).collect();
    let chain = format!(
        r##"{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/l0"}}}},"$defs":{{{},"l120":{{"type":"null"}}}}}}"##,
        levels.join(",")
    );
    let deep = format!(r#"{{"type":"object","not":{}{{"type":"null"}}{}}}"#, r#"{"not":"#.repeat(61), "}".repeat(61));
    let value = format!("{}1{}", r#"{"a":"#.repeat(122), "}".repeat(122));
    let work = move || {
        for schema in [chain, deep] {
            let schema = RawJson::parse(schema).unwrap();
            assert!(crate::schema::convert(&schema, &crate::schema::Limits::default()).is_ok());
            let checker = Checker::compile(&schema).unwrap();
            assert!(checker.check(&RawJson::parse(value.clone()).unwrap()).is_err());
        }
    };
    // The stack of a tokio worker.
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn a_pattern_with_look_around_works_and_a_long_one_is_not_compiled() {
    let schema = r#"{"type":"object","properties":{"x":{"pattern":"^(?!root$).+$"}}}"#;
    assert_eq!(faults(schema, r#"{"x":"root"}"#), ["`x`: expected a text that matches `^(?!root$).+$`, got \"root\""]);
    let long = format!(r#"{{"type":"object","properties":{{"x":{{"pattern":"{}"}}}}}}"#, "a".repeat(1025));
    assert!(Checker::compile(&RawJson::parse(long).unwrap()).is_err());
}

fn unchecked(schema: &str) -> String {
    Checker::compile(&RawJson::parse(schema.to_owned()).unwrap()).unwrap_err().to_string()
}

#[test]
fn a_schema_with_a_resource_in_it_is_left_to_the_server_and_the_model_gets_it_as_before() {
    let check = |schema: &str, expected: &str| {
        assert!(unchecked(schema).contains(expected), "{schema}: {}", unchecked(schema));
        let schema = RawJson::parse(schema.to_owned()).unwrap();
        assert!(crate::schema::convert(&schema, &crate::schema::Limits::default()).is_ok());
    };
    let id = "has an id of its own";
    // Two ids of one URI and an anchor, at which the validator panics.
    check(
        r##"{"type":"object","definitions":{"b":{"definitions":{"":{"definitions":{"":{"$anchor":"b","$id":"https://X.example/a"}}}}}},"properties":{"p":{"$id":"https://x.example/%61","allOf":[{"$ref":"#b"}]}}}"##,
        id,
    );
    // The id that a validator gives to a root without one.
    check(
        r##"{"type":"object","definitions":{"b":{"$id":"a","items":{"$id":"json-schema:///","enum":[6]}}},"properties":{"p":{"allOf":[{"$ref":"#"}]}}}"##,
        id,
    );
    check(
        r#"{"type":"object","definitions":{"a":{"$id":"."},"b":{"items":{"$id":"a/%2e"}}},"properties":{"p":{"$ref":"a/"}}}"#,
        id,
    );
    // A recursive type as a property, as TypeBox writes it.
    check(
        r#"{"type":"object","properties":{"t":{"$id":"T0","type":"object","properties":{"of":{"type":"array","items":{"$ref":"T0"}}}}}}"#,
        id,
    );
    check(r#"{"type":"object","$schema":"http://json-schema.org/draft-04/schema#","properties":{"p":{"id":"a"}}}"#, id);
    check(
        r#"{"type":"object","properties":{"p":{"$schema":"http://json-schema.org/draft-07/schema#"}}}"#,
        "is written in another dialect",
    );
    check(r#"{"type":"object","$defs":{"a":{"$anchor":"n"},"b":{"$anchor":"n"}}}"#, "two parts have the anchor n");
    check(
        r#"{"type":"object","$id":"https://json-schema.org/draft/2020-12/schema"}"#,
        "its `$id` is that of a dialect",
    );
    let draft_04 = "http://json-schema.org/draft-04/schema#";
    check(&format!(r#"{{"type":"object","$schema":"{draft_04}","id":"{draft_04}"}}"#), "its `id` is that of a dialect");
}

#[test]
fn a_recursive_type_as_the_root_is_checked() {
    let schema = r#"{"$id":"T0","type":"object","properties":{"of":{"type":"array","items":{"$ref":"T0"}}}}"#;
    assert_eq!(faults(schema, r#"{"of":[{"of":[]}]}"#), [""; 0]);
    assert_eq!(faults(schema, r#"{"of":[{"of":1}]}"#), ["`of[0].of`: expected an array, got 1"]);
}

#[test]
fn a_recursive_reference_is_to_the_root_and_its_work_is_measured_as_such() {
    let schema = |reference: &str| {
        let part = format!(r#"{{"$recursiveRef":"{reference}"}}"#);
        format!(
            r#"{{"$schema":"https://json-schema.org/draft/2019-09/schema","type":"object","properties":{{"x":{{"allOf":[{part},{part}]}}}},"$defs":{{"b":{{"$anchor":"b"}}}}}}"#
        )
    };
    let nested = Value::parse(&format!("{}{{}}{}", r#"{"x":"#.repeat(60), "}".repeat(60))).unwrap();
    let checker = checker(&schema("#"));
    assert_eq!(Work::measure(&Document::new(&checker.schema), &nested), None);
    assert!(unchecked(&schema("#b")).contains("#b is no part of the schema"));
}

#[test]
fn every_reference_of_a_schema_is_measured() {
    let schema =
        Value::parse(r##"{"$ref":"#/$defs/a","$dynamicRef":"#b","$defs":{"a":{},"b":{"$anchor":"b"}}}"##).unwrap();
    assert_eq!(Work::measure(&Document::new(&schema), &Value::parse("{}").unwrap()), Some(3));
}

#[test]
fn asking_what_was_looked_at_is_measured_as_often_as_it_checks() {
    let nested = |levels: usize, between: usize, list: &str, keyword: &str| {
        let mut schema = r#"{"properties":{"a":{"type":"integer"}}}"#.to_owned();
        for _ in 0..levels {
            for _ in 0..between {
                schema = format!(r#"{{"{list}":[{schema}]}}"#);
            }
            schema = format!(r#"{{"{list}":[{schema}],"{keyword}":false}}"#);
        }
        let schema = Value::parse(&schema).unwrap();
        Work::measure(&Document::new(&schema), &Value::parse(r#"{"a":1}"#).unwrap())
    };
    for list in ["anyOf", "allOf"] {
        for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
            assert!(nested(4, 0, list, keyword).is_some());
            assert_eq!(nested(20, 0, list, keyword), None);
            // Few that ask, each of many.
            assert_eq!(nested(9, 4, list, keyword), None);
        }
    }
}

/// Definitions `d0` to `d30`, each twice the next one; `links` adds a property that refers to the one before.
fn doubling(keyword: &str, has_links: bool) -> String {
    let level = |n: usize| {
        let link = match n.checked_sub(1).filter(|_| has_links) {
            Some(before) => format!(r##""properties":{{"z":{{"$ref":"#/$defs/d{before}"}}}},"##),
            None => String::new(),
        };
        let next = format!(r##"{{"{keyword}":"#/$defs/d{}"}}"##, n + 1);
        format!(r#""d{n}":{{{link}"allOf":[{next},{next}]}}"#)
    };
    let levels: Vec<String> = (0..30).map(level).collect();
    format!(r##"{},"d30":{{"properties":{{"z":{{"$ref":"#/$defs/d29"}}}}}}"##, levels.join(","))
}

#[test]
fn a_schema_whose_validator_would_be_huge_is_not_compiled() {
    let check = |properties: &str, definitions: &str| {
        let schema = format!(r#"{{"type":"object","properties":{{{properties}}},"$defs":{{{definitions}}}}}"#);
        assert!(unchecked(&schema).contains("its validator would be larger"), "{}", unchecked(&schema));
    };
    for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
        let asks = format!(r##""p":{{"{keyword}":false,"$ref":"#/$defs/d0"}}"##);
        check(&asks, &doubling("$ref", true));
        // The reference beside another one.
        let beside = asks.replace("\"$ref\"", "\"$ref\":\"#/$defs/d30\",\"$dynamicRef\"");
        check(&beside, &doubling("$dynamicRef", false));
        check(&beside, &doubling("$ref", false));
    }
    // Without any keyword that asks: what the branches have in common is looked for too.
    let branch = r##"{"$ref":"#/$defs/d0"}"##;
    check(&format!(r#""p":{{"anyOf":[{branch},{branch},{branch}]}}"#), &doubling("$ref", true));
    // Many that ask, each of what is not too large by itself: schemas, names, what is inside, texts.
    let many = |count: usize| {
        let asks = |n: usize| format!(r##""p{n}":{{"unevaluatedProperties":false,"$ref":"#/$defs/d0"}}"##);
        (0..count).map(asks).collect::<Vec<_>>().join(",")
    };
    let names = (0..1_000).map(|n| format!(r#""n{n}":{{}}"#)).collect::<Vec<_>>().join(",");
    check(&many(2_000), &format!(r#""d0":{{"allOf":[{}]}}"#, ["{}"; 1_000].join(",")));
    check(&many(2_000), &format!(r#""d0":{{"properties":{{{names}}}}}"#));
    check(&many(2_000), &format!(r#""d0":{{"allOf":[{{"properties":{{{names}}}}}]}}"#));
    check(&many(2_000), &format!(r#""d0":{{"allOf":[{{"enum":["{}"]}}]}}"#, "a".repeat(100_000)));
}

#[test]
fn what_asks_for_itself_by_way_of_members_is_not_compiled() {
    // The validator would be built for each order of the definitions.
    let all: Vec<String> = (0..12).map(|n| format!(r##"{{"$ref":"#/$defs/d{n}"}}"##)).collect();
    let part = format!(r#"{{"additionalProperties":{{"unevaluatedProperties":false,"allOf":[{}]}}}}"#, all.join(","));
    let definitions: Vec<String> = (0..12).map(|n| format!(r#""d{n}":{part}"#)).collect();
    let schema = format!(
        r##"{{"type":"object","properties":{{"p":{{"$ref":"#/$defs/d0"}}}},"$defs":{{{}}}}}"##,
        definitions.join(",")
    );
    assert!(unchecked(&schema).contains("leads back to itself"), "{}", unchecked(&schema));
}

#[test]
fn usual_schemas_that_ask_what_was_looked_at_are_checked() {
    let schema = r##"{"type":"object","allOf":[{"$ref":"#/$defs/base"}],"properties":{"of":{"type":"array","items":{"$ref":"#"}}},"unevaluatedProperties":false,"$defs":{"base":{"properties":{"name":{"type":"string"}}}}}"##;
    assert_eq!(faults(schema, r#"{"name":"a","of":[{"name":"b","of":[]}]}"#), [""; 0]);
    assert!(faults(schema, r#"{"name":"a","of":[{"name":1}]}"#)[0].starts_with("`of[0].name`: expected a string"));
    let found = faults(schema, r#"{"other":1}"#);
    assert!(found[0].starts_with("`other`: unknown"), "{found:?}");
    // As deep as it may be, on the stack of a tokio worker.
    let levels: Vec<String> =
        (0..100).map(|n| format!(r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{}"}}]}}"##, n + 1)).collect();
    let chain = |from: usize| {
        format!(
            r##"{{"type":"object","unevaluatedProperties":false,"$ref":"#/$defs/d{from}","$defs":{{{},"d100":{{}}}}}}"##,
            levels.join(",")
        )
    };
    let (deepest, deeper) = (chain(38), chain(0));
    let work = move || checker(&deepest).check(&RawJson::parse(r#"{"a":1}"#.to_owned()).unwrap());
    let checked = std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
    assert!(checked.is_err());
    assert!(unchecked(&deeper).contains("follow each other"));
}
