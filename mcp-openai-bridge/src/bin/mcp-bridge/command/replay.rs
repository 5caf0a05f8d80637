//! `replay`: plays a recorded conversation through this version of the program, and says where it would go otherwise.

use std::sync::Arc;
use std::time::Duration;

use mcp_openai_bridge::model::{RecordedTurn, Replayer};
use mcp_openai_bridge::turn::{Chat, Responses};
use mcp_types::JsonObject;
use serde::de::DeserializeOwned;

use crate::cli;
use crate::conversation::approve::Wanted;
use crate::conversation::dialect::Dialect;
use crate::conversation::source::{self, Source};
use crate::conversation::view::{Decider, View};
use crate::conversation::{Conversation, Settings};
use crate::exit::Failure;
use crate::output::Output;

pub(super) async fn run(replay: cli::Replay, output: &Output) -> Result<(), Failure> {
    let replayer = source::replay(&replay.file)?;
    let turns: Vec<RecordedTurn<'_>> = replayer.tape().turns().collect();
    if turns.is_empty() {
        return Err(Failure::usage(format!("`{}` has no turn of a conversation", replay.file.display()))
            .hint("record one by `mcp-bridge ask … --record FILE`"));
    }
    for turn in turns {
        if turn.is_cancelled {
            output.say(&format!("the turn in line {} was cancelled, and is not played", turn.line));
            continue;
        }
        let played = match turn.api {
            Chat::NAME => play::<Chat>(&replayer, &turn, output).await,
            Responses::NAME => play::<Responses>(&replayer, &turn, output).await,
            other => Err(Failure::usage(format!("the API `{other}` is not known"))),
        };
        if let Err(failure) = played {
            // It may have failed when it was recorded; whether it did is seen in the end.
            output.say(&format!("the turn in line {} failed: {}", turn.line, failure.message));
        }
    }
    // What differs is the same for both APIs.
    Source::<Chat>::tape(replayer, output).close().await?;
    output.say("it is as it was recorded");
    Ok(())
}

async fn play<A: Dialect>(replayer: &Replayer, turn: &RecordedTurn<'_>, output: &Output) -> Result<(), Failure> {
    let unreadable = |error| Failure::usage(format!("line {} of the tape cannot be read: {error}", turn.line));
    let request: A::Request = turn.request.decode().map_err(unreadable)?;
    let members: JsonObject = turn.settings.decode().map_err(unreadable)?;
    let settings = Settings {
        max_rounds: setting(&members, "max_rounds").unwrap_or(10),
        wanted: Wanted::parse(&setting::<String>(&members, "approve").unwrap_or_else(|| "never".to_owned()), "never")?,
        streams: true,
        call_timeout: CALL,
    };
    let source = Source::tape(replayer.clone(), output);
    let view = Arc::new(View::new(output, Decider::Tape(replayer.clone())));
    let mut conversation = Conversation::<A>::new(source, view, settings, request);
    match conversation.turn(None, std::future::pending()).await? {
        Some(said) => said.print(conversation.view(), output),
        None => Ok(()),
    }
}

fn setting<T: DeserializeOwned>(members: &JsonObject, name: &str) -> Option<T> {
    members.member(name)?.decode().ok()
}

/// A tape answers at once.
const CALL: Duration = Duration::from_secs(60);
