//! Tool sets as a whole: what is offered, what it leads back to, and what is reported.

use mcp_types::{JsonObject, Tool};

use super::*;
use crate::schema::Quarantine;

fn tool(name: &str, schema: &str) -> Tool {
    Tool::new(name, RawJson::parse(schema.to_owned()).unwrap())
}

#[test]
fn the_deepest_schema_that_is_offered_fits_into_a_request_in_every_form() {
    for levels in 100..128 {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        let schema = format!(
            r#"{{"type":"object","additionalProperties":false,"properties":{{"x":{{"type":"array","items":{{"type":"string"}},"default":{open}{close}}}}}}}"#
        );
        let Ok(schema) = RawJson::parse(schema) else { continue };
        let tool = Tool::new("deep", schema.clone()).output_schema(schema);
        for strict in [Strict::Off, Strict::Auto] {
            let set = ToolSet::builder().server("lab", std::slice::from_ref(&tool)).strict(strict).build();
            let emit = Emit::new().namespaces().output_schema();
            for tools in [set.chat(), set.responses(), set.responses_with(&emit)] {
                let request: JsonObject = [("tools", RawJson::encode(&tools).unwrap())].into_iter().collect();
                RawJson::encode(&request).unwrap();
            }
            let _ = set.lint().iter().filter_map(Finding::offered).map(ToolRef::tokens).sum::<usize>();
        }
    }
}

#[test]
fn a_chat_tool_has_a_function_with_strict_false() {
    let tools = ToolSet::builder().server("s", &[tool("add", "{}").description("Adds.")]).build();
    assert_eq!(
        tools.chat()[0].as_str(),
        r#"{"type":"function","function":{"name":"add","description":"Adds.","parameters":{"type":"object","properties":{}},"strict":false}}"#
    );
}

#[test]
fn a_responses_tool_is_flat_and_says_strict_false() {
    let tools = ToolSet::builder().server("s", &[tool("add", "{}").title("Addition")]).build();
    assert_eq!(
        tools.responses()[0].as_str(),
        r#"{"type":"function","name":"add","description":"Addition","parameters":{"type":"object","properties":{}},"strict":false}"#
    );
}

#[test]
fn a_function_name_leads_back_to_server_tool_and_original_schema() {
    let schema = r#"{"type":"object","anyOf":[{"required":["a"]}]}"#;
    let tools = ToolSet::builder().server("a", &[tool("x.y", schema)]).server("b", &[tool("x.y", "{}")]).build();
    let names: Vec<String> = tools.iter().map(|tool| tool.name().to_owned()).collect();
    let found = tools.resolve(&names[0]).unwrap();
    assert_eq!((found.server(), found.tool(), found.input_schema().as_str()), ("a", "x.y", schema));
    assert_eq!(tools.resolve(&names[1]).unwrap().server(), "b");
    assert_eq!(tools.resolve("b-x.y").unwrap().name(), names[1]);
    assert!(tools.resolve("x.y").is_none());
}

#[test]
fn a_bad_tool_is_held_back_and_the_others_are_offered() {
    let tools = ToolSet::builder()
        .server("s", &[tool("good", "{}"), tool("bad", r#"{"type":"string"}"#), tool("good", "{}")])
        .build();
    assert_eq!(tools.len(), 1);
    let held: Vec<_> =
        tools.report().quarantined().iter().map(|held| (held.tool.as_str(), held.reason.clone())).collect();
    assert_eq!(
        held,
        [("bad", Quarantine::RootNotObject { found: "\"string\"".to_owned() }), ("good", Quarantine::DuplicateTool)]
    );
    assert_eq!(
        tools.unknown("bad"),
        "the tool `bad` cannot be called and nothing was run: the input schema allows no object, and arguments are always one: \"string\""
    );
}

#[test]
fn the_report_has_a_line_for_every_change() {
    let tools = ToolSet::builder()
        .server("s", &[tool("a.b", r#"{"type":"object","properties":{"x":{"type":"array"}}}"#), tool("bad", "[]")])
        .build();
    assert_eq!(
        tools.report().to_string(),
        format!(
            "s/bad: not offered: the input schema is not a JSON Schema object: array\ns/a.b: named {}\ns/a.b: /properties/x: added `items`, because an array needs `items`\n",
            tools.iter().next().unwrap().name()
        )
    );
}

#[test]
fn names_of_the_caller_stay_his_own() {
    let tools = ToolSet::builder().server("s", &[tool("my_fn", "{}")]).reserve(["my_fn"]).build();
    assert!(tools.resolve("my_fn").is_none());
}

#[test]
fn an_unknown_name_is_answered_with_what_there_is() {
    let tools = ToolSet::builder().server("s", &[tool("get_weather", "{}"), tool("add", "{}")]).build();
    assert_eq!(
        tools.unknown("getWeather"),
        "there is no tool `getWeather` and nothing was run. Did you mean `get_weather`? Available tools: `get_weather`, `add`."
    );
    assert_eq!(ToolSet::default().unknown("x"), "there is no tool `x` and nothing was run. There are no tools.");
}

#[test]
fn the_name_on_the_server_is_no_function_name_but_is_recognized() {
    let tools = ToolSet::builder().server("s", &[tool("get.weather/v1", "{}")]).build();
    let name = tools.iter().next().unwrap().name();
    assert!(tools.unknown("get.weather/v1").contains(&format!("Did you mean `{name}`?")));
}

#[test]
fn a_server_without_tools_counts_for_the_prefix() {
    let tools = ToolSet::builder().server("a", &[tool("t", "{}")]).server("b", &[]).build();
    assert_eq!(tools.iter().next().unwrap().name(), "a__t");
}

#[test]
fn the_profile_of_litellm_has_its_output() {
    let check = |name: &str, schema: &str, expected: &str| {
        let tools = ToolSet::builder().server("s", &[tool(name, schema)]).profile(Profile::LiteLlm).build();
        assert_eq!(
            tools.chat()[0].as_str(),
            format!(
                r#"{{"type":"function","function":{{"name":"{name}","description":"","parameters":{expected},"strict":false}}}}"#
            )
        );
        assert_eq!(tools.resolve(name).unwrap().tool(), name);
    };
    check("x y/é", "{}", r#"{"type":"object","properties":{},"additionalProperties":false}"#);
    check("a", "null", r#"{"type":"object","properties":{},"additionalProperties":false}"#);
    check("a", r#"{"type":"string"}"#, r#"{"type":"string","properties":{},"additionalProperties":false}"#);
    check(
        "a",
        r#"{"type":["object","null"]}"#,
        r#"{"type":["object","null"],"properties":{},"additionalProperties":false}"#,
    );
    // What is open becomes closed, and alternatives at the root can be met by nothing.
    check("a", r#"{"type":"object"}"#, r#"{"type":"object","properties":{},"additionalProperties":false}"#);
    check(
        "a",
        r#"{"anyOf":[{"required":["id"]}]}"#,
        r#"{"anyOf":[{"required":["id"]}],"type":"object","properties":{},"additionalProperties":false}"#,
    );
    // Only the root is looked at.
    check(
        "a",
        r#"{"type":"object","properties":{"l":{"type":"array"}},"additionalProperties":false}"#,
        r#"{"type":"object","properties":{"l":{"type":"array"}},"additionalProperties":false}"#,
    );
    check(
        "a",
        r#"{"$schema":"x","properties":null,"additionalProperties":true}"#,
        r#"{"$schema":"x","properties":null,"additionalProperties":true,"type":"object"}"#,
    );
}

#[test]
fn the_profile_of_litellm_takes_no_title_for_a_description_and_knows_both_apis() {
    let titled = tool("x", "{}").title("Titled");
    let tools = ToolSet::builder().server("s", &[titled]).profile(Profile::LiteLlm).build();
    assert_eq!(
        tools.responses()[0].as_str(),
        r#"{"type":"function","name":"x","description":"","parameters":{"type":"object","properties":{},"additionalProperties":false},"strict":false}"#
    );
}

#[cfg(feature = "validate")]
#[test]
fn arguments_are_checked_against_the_schema_of_the_server_also_in_the_profile_of_litellm() {
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#;
    let tools = ToolSet::builder().server("s", &[tool("t", schema)]).profile(Profile::LiteLlm).build();
    let tool = tools.resolve("t").unwrap();
    assert!(tool.arguments(&Arguments::from(r#"{"n":1,"more":2}"#)).is_ok());
    assert!(tool.arguments(&Arguments::from(r#"{"n":"1"}"#)).is_err());
}

#[cfg(feature = "validate")]
#[test]
fn a_schema_that_is_malformed_in_places_is_checked_in_the_others() {
    let schema = r#"{"$schema":"mine","type":"object","properties":{"n":{"type":"integer"},"x":{"type":"any","properties":null}}}"#;
    let tools = ToolSet::builder().server("s", &[tool("t", schema)]).build();
    let tool = tools.resolve("t").unwrap();
    assert_eq!(tool.unchecked(), None);
    assert!(tool.arguments(&Arguments::from(r#"{"n":1,"x":[2]}"#)).is_ok());
    assert!(tool.arguments(&Arguments::from(r#"{"n":"1"}"#)).is_err());
}

#[cfg(feature = "validate")]
#[test]
fn a_malformed_schema_whose_alternatives_were_merged_is_left_to_the_server() {
    // The other alternative allows any `a`, which the merged schema does not say.
    let schema = r#"{"anyOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"description":null}]}"#;
    let tools = ToolSet::builder().server("s", &[tool("t", schema)]).build();
    let tool = tools.resolve("t").unwrap();
    assert!(tool.unchecked().is_some());
    assert!(tool.arguments(&Arguments::from(r#"{"a":"text"}"#)).is_ok());
}

#[cfg(feature = "validate")]
#[test]
fn arguments_are_checked_against_the_schema_of_the_server() {
    let tools =
        ToolSet::builder().server("s", &[tool("t", r#"{"type":"object","not":{"required":["secret"]}}"#)]).build();
    let tool = tools.resolve("t").unwrap();
    assert!(!tool.parameters().as_str().contains("\"not\""));
    assert!(tool.arguments(&Arguments::from(r#"{"a":1}"#)).is_ok());
    assert!(tool.arguments(&Arguments::from(r#"{"secret":1}"#)).is_err());
}

fn many(count: usize) -> Vec<Tool> {
    (0..count).map(|n| tool(&format!("t{n}"), "{}").description(format!("Does number {n}."))).collect()
}

#[test]
fn as_many_tools_as_openai_takes_are_offered_as_they_are() {
    let tools = ToolSet::builder().server("s", &many(128)).build();
    assert_eq!((tools.chat().len(), tools.responses().len(), tools.report().left_out().count()), (128, 128, 0));
    assert_eq!(tools.chat_with(&Emit::new().beside(1)).len(), 127, "125 tools and the two that stand for the others");
}

#[test]
fn of_more_tools_than_openai_takes_the_rest_is_reported_and_stays_in_reach() {
    let tools = ToolSet::builder().server("a", &many(200)).server("b", &many(100)).reserve(["mine"]).build();
    assert_eq!(tools.chat().len(), 127);
    assert_eq!(tools.report().left_out().count(), 175);
    assert!(
        tools.report().to_string().starts_with(
            "175 of 300 tools are not offered, because OpenAI takes 128 functions at most; the model finds them by `search_tools`\n"
        )
    );
    // Each server has its share.
    assert_eq!(tools.offered().filter(|tool| tool.server() == "b").count(), 62);
    let left_out = tools.report().left_out().next().unwrap();
    assert!(matches!(tools.resolve_call(left_out.name(), &Arguments::Absent), Resolved::Tool { .. }));
    let names: Vec<String> = tools.chat().iter().map(name_of).collect();
    assert_eq!(names[125..], ["search_tools", "call_tool"]);
}

fn name_of(tool: &RawJson) -> String {
    let tool: serde_json::Value = tool.decode().unwrap();
    tool["function"]["name"].as_str().or(tool["name"].as_str()).unwrap().to_owned()
}

#[test]
fn tools_that_share_words_with_the_conversation_are_offered_first_and_the_order_stays() {
    let mut listed = many(200);
    listed.push(tool("get_weather_forecast", "{}"));
    listed.push(tool("convert", r#"{"properties":{"fahrenheit":{}}}"#));
    let tools = ToolSet::builder().server("s", &listed).build();
    let offered = |selection: Selection| {
        tools.select(&selection).offered().map(|tool| tool.name().to_owned()).collect::<Vec<String>>()
    };
    let check = |selection: Selection, last: &[&str]| {
        let offered = offered(selection);
        assert_eq!(offered[offered.len() - last.len()..], *last);
    };
    check(Selection::new(), &["t124", "t125"]);
    check(Selection::new().about("Any forecasts for the weekend?"), &["t124", "get_weather_forecast"]);
    check(Selection::new().about("30 Fahrenheit, please: which Weather?"), &["get_weather_forecast", "convert"]);
    check(Selection::new().pin(["convert"]), &["t124", "convert"]);
    check(Selection::new().without_search(), &["t126", "t127"]);
    check(Selection::new().limit(3), &["t0"]);
    check(Selection::new().limit(0), &[]);
    let text = format!("weather {}", "x ".repeat(20_000));
    check(Selection::new().about(&text), &["t124", "t125"]);
}

fn answer(tools: &ToolSet, name: &str, arguments: &str) -> String {
    match tools.resolve_call(name, &Arguments::from(arguments)) {
        Resolved::Answer(text) => format!("answer {text}"),
        Resolved::Refused(why) => format!("refused {}", why.faults()[0]),
        Resolved::Tool { tool, arguments } => format!("tool {} {arguments}", tool.tool()),
        Resolved::Unknown(text) => format!("unknown {text}"),
    }
}

#[test]
fn a_tool_that_is_not_offered_is_found_and_called() {
    let mut listed = many(200);
    let schema = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#;
    listed.push(tool("get.weather", schema).description("The weather of a city."));
    let tools = ToolSet::builder().server("s", &listed).build();
    let name = tools.iter().last().unwrap().name();
    assert_eq!(
        answer(&tools, "search_tools", r#"{"query":"weather in Cities"}"#),
        format!(
            r#"answer {{"tools":[{{"name":"{name}","description":"The weather of a city.","parameters":{schema}}}],"more":0}}"#
        )
    );
    let call = |arguments: &str| format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
    assert_eq!(answer(&tools, "call_tool", &call(r#"{"city":"Oslo"}"#)), r#"tool get.weather {"city":"Oslo"}"#);
    assert_eq!(answer(&tools, "call_tool", &call(r#""{\"city\":\"Oslo\"}""#)), r#"tool get.weather {"city":"Oslo"}"#);
    assert_eq!(answer(&tools, "call_tool", r#"{"name":"t1"}"#), "tool t1 {}");
    assert!(answer(&tools, "call_tool", r#"{"name":"get_wether"}"#).starts_with("unknown there is no tool"));
    assert!(answer(&tools, "call_tool", r#"{"name":"call_tool"}"#).starts_with("unknown there is no tool"));
    assert_eq!(answer(&tools, "call_tool", r#"{"name":7}"#), "refused `name`: expected a string, got 7");
    assert_eq!(
        answer(&tools, "search_tools", "{"),
        "refused the arguments: expected one JSON object, got { (expected a key in double quotes, at byte 1)"
    );
    #[cfg(feature = "validate")]
    assert_eq!(answer(&tools, "call_tool", &call("{}")), "refused `city`: missing, expected a string");
    assert!(answer(&tools, "search_tools", r#"{"query":"zebra"}"#).starts_with("answer no tool has a word of `zebra`"));
}

#[test]
fn a_search_is_bounded_and_says_how_many_more_there_are() {
    let long = "number ".repeat(3000);
    let listed: Vec<Tool> = (0..50).map(|n| tool(&format!("t{n}"), "{}").description(long.clone())).collect();
    let tools = ToolSet::builder().server("s", &listed).build();
    let answer = answer(&tools, "search_tools", r#"{"query":"number"}"#);
    assert!(answer.len() < 40_000 && answer.ends_with(r#"],"more":49}"#), "{}", answer.len());
}

#[test]
fn the_functions_of_the_search_are_named_apart_from_tools_and_from_functions_of_the_caller() {
    let mut listed = many(200);
    listed.push(tool("search_tools", "{}"));
    let tools = ToolSet::builder().server("s", &listed).reserve(["call_tool"]).build();
    let names: Vec<String> = tools.chat().iter().map(name_of).collect();
    assert_eq!(names[125..], ["search_tools_2", "call_tool_2"]);
    assert_eq!(answer(&tools, "search_tools", "{}"), "tool search_tools {}");
}

#[test]
fn without_a_search_nothing_stands_for_the_tools_that_are_not_offered() {
    let tools = ToolSet::builder().server("s", &many(129)).selection(Selection::new().without_search()).build();
    assert_eq!((tools.chat().len(), tools.report().left_out().count()), (128, 1));
    assert!(answer(&tools, "search_tools", r#"{"query":"t1"}"#).starts_with("unknown "));
    assert_eq!(answer(&tools, "t128", "{}"), "tool t128 {}");
}

#[test]
fn a_filter_takes_tools_away_and_leaves_the_names_of_the_others() {
    let tools = ToolSet::builder().server("a", &many(3)).server("b", &[tool("t1", "{}"), tool("x", "{}")]).build();
    let kept = tools.filter(|tool| tool.tool() == "t1" || tool.tool() == "x");
    let names: Vec<&str> = kept.iter().map(|tool| tool.name()).collect();
    assert_eq!(names, ["a__t1", "b__t1", "b__x"]);
    for name in names {
        assert_eq!(kept.resolve(name).unwrap().name(), name);
    }
    assert!(kept.resolve("a__t0").is_none() && kept.resolve("a-t0").is_none());
    assert_eq!(kept.resolve("b-t1").unwrap().server(), "b");
    assert_eq!(kept.resolve_in("b", "x").unwrap().name(), "b__x");
    assert!(kept.resolve_in("a", "t0").is_none());
    assert_eq!(kept.chat().len(), 3);
    assert!(tools.filter(|_| false).is_empty());
}

#[test]
fn a_namespace_has_the_tools_of_a_server_under_their_own_names() {
    let tools = ToolSet::builder()
        .server("my files", &[tool("read.it", "{}"), tool("list", "{}")])
        .server("web", &[tool("list", "{}")])
        .build();
    let emitted: Vec<serde_json::Value> =
        tools.responses_with(&Emit::new().namespaces()).iter().map(|tool| tool.decode().unwrap()).collect();
    assert_eq!(emitted.len(), 2);
    let space = emitted[0]["name"].as_str().unwrap();
    assert!(space.starts_with("my_files_"), "{space}");
    assert_eq!(
        (&emitted[0]["type"], &emitted[0]["description"]),
        (&"namespace".into(), &"The tools of my files.".into())
    );
    let name = emitted[0]["tools"][0]["name"].as_str().unwrap();
    assert!(name.starts_with("read_it_") && emitted[0]["tools"][0]["type"] == "function");
    assert_eq!(tools.resolve_in(space, name).unwrap().tool(), "read.it");
    assert_eq!((&emitted[1]["name"], &emitted[1]["tools"][0]["name"]), (&"web".into(), &"list".into()));
    assert_eq!(tools.resolve_in("web", "list").unwrap().server(), "web");
    assert!(matches!(tools.resolve_call_in("web", "list", &Arguments::Absent), Resolved::Tool { .. }));
    assert!(matches!(tools.resolve_call_in("nowhere", "web__list", &Arguments::Absent), Resolved::Tool { .. }));
    assert!(matches!(tools.resolve_call_in("web", "read.it", &Arguments::Absent), Resolved::Unknown(_)));
}

#[test]
fn what_only_the_newest_api_takes_is_said_when_it_is_wanted() {
    let mut listed = tool("t", "{}");
    listed.output_schema = Some(RawJson::parse(r#"{"type":"object","properties":{"n":{"type":"array"}}}"#).unwrap());
    let tools = ToolSet::builder().server("s", &[listed]).build();
    let emitted = tools.responses_with(&Emit::new().output_schema().defer_loading());
    assert_eq!(
        emitted.iter().map(RawJson::as_str).collect::<Vec<_>>(),
        [
            r#"{"type":"function","name":"t","parameters":{"type":"object","properties":{}},"strict":false,"output_schema":{"type":"object","properties":{"n":{"type":"array","items":{}}}},"defer_loading":true}"#,
            r#"{"type":"tool_search"}"#,
        ]
    );
    assert!(!tools.responses()[0].as_str().contains("output_schema"));
    assert!(!tools.chat_with(&Emit::new().output_schema().defer_loading())[0].as_str().contains("output_schema"));
    assert!(ToolSet::default().responses_with(&Emit::new().defer_loading()).is_empty());
}

#[test]
fn the_estimate_of_tokens_counts_the_whole_function() {
    let tools = ToolSet::builder().server("s", &[tool("t", "{}"), tool("u", "{}").description("天気")]).build();
    let tokens: Vec<usize> = tools.iter().map(|tool| tool.tokens()).collect();
    // {"name":"t","parameters":{"type":"object","properties":{}},"strict":false} has 74 characters.
    assert_eq!(tokens, [19, 19 + 4 + 2]);
}

const CLOSED: &str = r#"{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city"],"additionalProperties":false}"#;

#[test]
fn strict_mode_is_off_unless_it_is_wanted_and_then_only_where_nothing_is_lost() {
    let listed = [tool("closed", CLOSED), tool("open", "{}")];
    let off = ToolSet::builder().server("s", &listed).build();
    assert!(off.iter().all(|tool| !tool.strict() && tool.obstacle().is_none()));
    let set = ToolSet::builder().server("s", &listed).strict(Strict::Auto).build();
    assert_eq!(
        set.chat()[0].as_str(),
        r#"{"type":"function","function":{"name":"closed","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":["integer","null"]}},"required":["city","days"],"additionalProperties":false},"strict":true}}"#
    );
    assert!(set.responses()[0].as_str().ends_with(r#""strict":true}"#));
    assert!(set.chat()[1].as_str().ends_with(r#""parameters":{"type":"object","properties":{}},"strict":false}}"#));
    assert_eq!(
        set.resolve("open").unwrap().obstacle().unwrap().to_string(),
        "the root: members are allowed that are not named, and strict mode needs `\"additionalProperties\": false`"
    );
    let litellm = ToolSet::builder().server("s", &listed).strict(Strict::Auto).profile(Profile::LiteLlm).build();
    assert!(litellm.iter().all(|tool| !tool.strict()));
}

#[test]
fn null_that_strict_mode_asks_for_does_not_reach_the_server() {
    let call = |strict: Strict| {
        let set = ToolSet::builder().server("s", &[tool("t", CLOSED)]).strict(strict).build();
        answer(&set, "t", r#"{"city":"Oslo","days":null}"#)
    };
    assert_eq!(call(Strict::Auto), r#"tool t {"city":"Oslo"}"#);
    #[cfg(feature = "validate")]
    assert_eq!(call(Strict::Off), "refused `days`: expected an integer, got null");
}

#[cfg(feature = "validate")]
#[test]
fn null_is_accepted_where_the_server_says_nullable() {
    let schema = r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"string","nullable":true}}}}"#;
    let set = ToolSet::builder().server("s", &[tool("t", schema)]).build();
    assert_eq!(answer(&set, "t", r#"{"a":[null,"x"]}"#), r#"tool t {"a":[null,"x"]}"#);
    assert!(answer(&set, "t", r#"{"a":[1]}"#).starts_with("refused `a[0]`: expected "));
}

#[test]
fn the_report_does_not_bother_humans_with_what_says_nothing_about_a_tool() {
    let schema = r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{}}"#;
    let set = ToolSet::builder().server("s", &[tool("t", schema)]).build();
    assert_eq!(set.report().to_string(), "");
    assert_eq!(set.iter().next().unwrap().rewrites().len(), 1);
}
