//! Function names: legal, unique, stable, and taken apart by nobody.

use mcp_openai_bridge::chat::Arguments;
use mcp_openai_bridge::names::Prefix;
use mcp_openai_bridge::tools::{Profile, Resolved, Selection, ToolSet};
use mcp_types::{RawJson, Tool};

fn tool(name: &str) -> Tool {
    Tool::new(name, RawJson::parse(r#"{"type":"object","properties":{}}"#).unwrap())
}

/// Servers with their tools.
type Servers<'a> = &'a [(&'a str, &'a [&'a str])];

fn set(servers: Servers<'_>, prefix: Prefix) -> ToolSet {
    let mut builder = ToolSet::builder().prefix(prefix);
    for (label, names) in servers {
        let tools: Vec<Tool> = names.iter().map(|name| tool(name)).collect();
        builder = builder.server(*label, &tools);
    }
    builder.build()
}

fn names(set: &ToolSet) -> Vec<String> {
    set.iter().map(|tool| tool.name().to_owned()).collect()
}

fn one(name: &str) -> String {
    names(&set(&[("lab", &[name])], Prefix::Auto)).remove(0)
}

#[test]
fn legal_characters_are_kept_and_others_become_an_underscore() {
    assert_eq!(one("get-Current_time2"), "get-Current_time2");
    assert!(one("get.weather/v1").starts_with("get_weather_v1_"));
    assert!(one("x y/é").starts_with("x_y___"));
}

#[test]
fn a_name_that_is_changed_too_long_or_taken_ends_in_eight_hexadecimal_digits() {
    let check = |name: &str| {
        let (_, suffix) = name.rsplit_once('_').unwrap();
        assert!(suffix.len() == 8 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    };
    check(&one("a.b"));
    check(&one(&"a".repeat(65)));
    let same = set(&[("a", &["echo"]), ("b", &["echo"])], Prefix::Never);
    names(&same).iter().for_each(|name| check(name));
    assert_ne!(names(&same)[0], names(&same)[1]);
}

#[test]
fn no_name_is_longer_than_sixty_four_whatever_stands_in_front() {
    let long = "l".repeat(70);
    for prefix in [Prefix::Always, Prefix::Auto, Prefix::Never] {
        let set = set(&[(&long, &["t", "a.b"]), ("名前", &["天気", ""])], prefix);
        for name in names(&set) {
            let is_legal = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            assert!(is_legal && (1..=64).contains(&name.len()), "{name}");
        }
    }
}

#[test]
fn names_are_the_same_after_a_restart_and_in_every_order_of_the_lists() {
    // Conversations that are kept have these names in them.
    assert_eq!(one("get.weather/v1"), "get_weather_v1_ddf84726");
    assert_eq!(names(&set(&[("a", &["x.y"]), ("b", &["x.y"])], Prefix::Auto)), ["a__x_y_0e385349", "b__x_y_18014904"]);
    let mut turned = names(&set(&[("b", &["x.y"]), ("a", &["x.y"])], Prefix::Auto));
    turned.reverse();
    assert_eq!(turned, ["a__x_y_0e385349", "b__x_y_18014904"]);
}

#[test]
fn names_have_a_prefix_only_where_it_is_needed_or_wanted() {
    let one: Servers<'_> = &[("a", &["t"])];
    let two: Servers<'_> = &[("a", &["t"]), ("b", &["u"])];
    assert_eq!(names(&set(one, Prefix::Auto)), ["t"]);
    assert_eq!(names(&set(two, Prefix::Auto)), ["a__t", "b__u"]);
    assert_eq!(names(&set(one, Prefix::Always)), ["a__t"]);
    assert_eq!(names(&set(two, Prefix::Never)), ["t", "u"]);
}

#[test]
fn a_name_leads_to_its_tool_by_the_table_alone() {
    // Taken apart, both would be `c` of `a__b` and `b__c` of `a`.
    let set = set(&[("a__b", &["c"]), ("a", &["b__c"])], Prefix::Auto);
    for (tool, server) in set.iter().zip(["a__b", "a"]) {
        assert_eq!(set.resolve(tool.name()).unwrap().server(), server);
    }
    assert!(set.resolve("a__b__c").is_none(), "neither has the name that both could have");
}

#[test]
fn the_server_tool_names_of_litellm_are_understood_on_calls() {
    let set = set(&[("my lab", &["get.weather/v1"]), ("web", &["fetch"])], Prefix::Auto);
    assert_eq!(set.resolve("my_lab-get.weather/v1").unwrap().tool(), "get.weather/v1");
    assert_eq!(set.resolve("web-fetch").unwrap().server(), "web");
    assert!(matches!(set.resolve_call("web-fetch", &Arguments::Absent), Resolved::Tool { .. }));
    assert!(set.resolve("web-absent").is_none());
}

/// Fault 0.3 of others: one name that OpenAI refuses, and the whole request fails.
#[test]
fn a_tool_with_an_illegal_name_does_not_harm_the_tools_beside_it() {
    let long = format!("lab-{}", "a".repeat(70));
    let set = set(&[("lab", &["echo", "get.weather/v1", &long])], Prefix::Auto);
    let sent: Vec<serde_json::Value> = set.chat().iter().map(|tool| tool.decode().unwrap()).collect();
    assert_eq!((sent.len(), &sent[0]["function"]["name"]), (3, &"echo".into()));
    for tool in &sent {
        let name = tool["function"]["name"].as_str().unwrap();
        assert!(name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
    }
}

/// OpenAI takes 128 functions. Others cut the list, or send it and fail.
#[test]
fn of_more_than_128_tools_none_is_lost() {
    let many: Vec<String> = (0..300).map(|n| format!("tool_{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let set = set(&[("lab", &many)], Prefix::Auto).select(&Selection::new().about("please run tool 250"));
    assert_eq!((set.chat().len(), set.responses().len()), (128, 128));
    assert!(set.offered().any(|tool| tool.tool() == "tool_250"));
    let hidden = set.report().left_out().next().unwrap().name().to_owned();
    let arguments = Arguments::Text(format!(r#"{{"name":"{hidden}","arguments":{{}}}}"#));
    assert!(matches!(set.resolve_call("call_tool", &arguments), Resolved::Tool { tool, .. } if tool.name() == hidden));
    let query = Arguments::from(r#"{"query":"tool 299"}"#);
    assert!(matches!(set.resolve_call("search_tools", &query), Resolved::Answer(text) if text.contains("tool_299")));
}

#[test]
fn the_litellm_profile_leaves_names_alone_as_litellm_does() {
    let tools = [tool("x y/é"), tool("get.weather/v1")];
    let set = ToolSet::builder().server("lab", &tools).profile(Profile::LiteLlm).build();
    assert_eq!(names(&set), ["x y/é", "get.weather/v1"]);
    let many: Vec<Tool> = (0..200).map(|n| tool(&format!("t{n}"))).collect();
    let set = ToolSet::builder().server("lab", &many).profile(Profile::LiteLlm).build();
    assert_eq!(set.chat().len(), 200);
}
