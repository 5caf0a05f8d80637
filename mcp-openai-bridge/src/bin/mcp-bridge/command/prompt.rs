//! `prompt`: fills in a prompt and prints its messages.

use std::collections::BTreeMap;

use crate::arguments;
use crate::cli;
use crate::connect::standard_input;
use crate::content;
use crate::exit::Failure;
use crate::output::Output;

use super::{Line, closing};

pub(super) async fn run(prompt: cli::Prompt, output: &Output) -> Result<(), Failure> {
    let mut line = Line::new(prompt.words, prompt.child, prompt.connect).await?;
    let target = line.target(USAGE)?;
    let name = line.word("the name of a prompt", USAGE)?;
    let arguments = texts(&line.words, prompt.args_json.as_deref()).await?;
    let client = line.connect.open(&target, output).await?;
    let result = client.get_prompt(name, arguments).await.map_err(Failure::from);
    let result = closing(client, result).await?;
    if output.is_json() {
        return output.document(&result);
    }
    result.messages.iter().try_for_each(|message| {
        output.print(&format!("{}: {}", message.role.as_str(), content::piece(&message.content).described()))
    })
}

/// Puts the arguments together: those of `--args-json`, and the words over them. All are texts (T-103).
async fn texts(words: &[String], json: Option<&str>) -> Result<BTreeMap<String, String>, Failure> {
    let mut arguments = BTreeMap::new();
    let json = match json {
        Some("-") => Some(standard_input("the arguments").await?),
        other => other.map(str::to_owned),
    };
    for (name, value) in json.as_deref().map(arguments::object).transpose()?.iter().flat_map(|members| members.iter()) {
        let text = value.decode::<String>();
        // A number or a boolean is written as it stands; the protocol has texts only.
        arguments.insert(name.to_owned(), text.unwrap_or_else(|_| value.as_str().to_owned()));
    }
    for word in words {
        let (name, value) = arguments::pair(word)?;
        arguments.insert(name.to_owned(), value.to_owned());
    }
    Ok(arguments)
}

const USAGE: &str =
    "mcp-bridge prompt TARGET NAME [KEY=VALUE]...\nmcp-bridge prompt NAME [KEY=VALUE]... -- COMMAND [ARG]...";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn arguments_of_prompts_are_texts() {
        let texts = texts(&["a=1".to_owned()], Some(r#"{"a":"0","b":2,"c":"x"}"#)).await.unwrap();
        let texts: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(texts, [("a", "1"), ("b", "2"), ("c", "x")]);
    }
}
