//! The scenarios, one file each in the folder of the same name; `build.rs` lists them.

use crate::scenario::Named;

include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_says_in_a_sentence_what_it_proves_and_which_requirement_that_is() {
        for (name, scenario) in ALL {
            let (sentence, requirements) = scenario.proves.rsplit_once(" (").unwrap_or_else(|| panic!("{name}"));
            assert!(sentence.starts_with(|first: char| first.is_lowercase() || first == '`'), "{name}: {sentence}");
            let requirements = requirements.strip_suffix(')').unwrap_or_else(|| panic!("{name}"));
            for id in requirements.split(", ") {
                let (chapter, number) = id.split_once('-').unwrap_or_else(|| panic!("{name}: {id}"));
                assert!(chapter.chars().all(|c| c.is_ascii_uppercase()), "{name}: {id}");
                assert!(number.starts_with(|c: char| c.is_ascii_digit()), "{name}: {id}");
            }
        }
    }

    #[test]
    fn every_scenario_exists_somewhere() {
        let settings: Vec<_> = crate::setting::all(&mcp_types::Revision::ALL);
        for (name, scenario) in ALL {
            assert!(settings.iter().any(|setting| (scenario.exists)(setting)), "{name}");
        }
    }
}
