//! The way of a call through the program: `mcp-bridge serve --config`, to a built-in tool and to an upstream.

use serde_json::{Value, json};

use crate::{
    bench::{
        judge::Cell,
        measure::{Plan, http, in_turn},
        programs::{Listening, Programs},
        row::Row,
    },
    install,
    process::{Outcome, Red},
};

/// Measures a row; the plain server answers `echo` in both.
pub(crate) fn measure(row: &Row, cells: &mut [Cell], programs: &Programs, plan: &Plan) {
    let is_upstream = row.name == "gateway-upstream";
    let plain = programs.server("plain server", true, 0).and_then(|words| programs.listen(&words));
    let plain = plain.map_err(|red| red.message);
    let gateway = plain.as_ref().map_err(Red::new).and_then(|plain| gateway(plain, is_upstream, programs));
    let gateway = gateway.map_err(|red| red.message);
    in_turn(cells, plan.rounds, |cell| {
        let server = if cell.subject == "ours" { &gateway } else { &plain };
        let server = server.as_ref().map_err(Red::new)?;
        let is_builtin = cell.subject == "ours" && !is_upstream;
        let work = if is_builtin { ["--call", BUILT_IN] } else { ["--echo", "32"] };
        http(server, &["--connections", "64", work[0], work[1]], programs, plan)
    });
}

fn gateway(upstream: &Listening, is_upstream: bool, programs: &Programs) -> Outcome<Listening> {
    let program = programs.program("mcp-bridge")?;
    // JSON is YAML.
    let config: Value = if is_upstream {
        json!({"mcp_servers": {"plain": {"url": upstream.url}}})
    } else {
        let schema = json!({"type": "object", "properties": {"format": {"type": "string", "enum": ["short"]}}});
        let tool = json!({
            "name": "get_current_time", "description": "Get the current time", "input_schema": schema,
            "handler": {"builtin": "get_current_time"},
        });
        json!({"mcp_tools": [tool]})
    };
    let file = programs.folder().join(if is_upstream { "upstream.yaml" } else { "built-in.yaml" });
    install::write(&file, &config.to_string())?;
    let words =
        [program.to_string_lossy().as_ref(), "serve", "--config", file.to_string_lossy().as_ref(), "--port", "0"]
            .map(str::to_owned);
    programs.listen(&words)
}

const BUILT_IN: &str = r#"get_current_time {"format":"short"}"#;
