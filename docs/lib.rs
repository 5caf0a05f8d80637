//! The book, as modules: each chapter is the documentation of one, so its samples are compiled as doc tests.
//!
//! A chapter is a file in `src`, a line in `src/SUMMARY.md`, and a module here; a test holds the three together.

#[doc = include_str!("../README.md")]
pub mod readme {}

#[doc = include_str!("src/introduction.md")]
pub mod introduction {}

#[doc = include_str!("src/first-server.md")]
pub mod first_server {}

#[doc = include_str!("src/serving.md")]
pub mod serving {}

#[doc = include_str!("src/first-client.md")]
pub mod first_client {}

#[doc = include_str!("src/models.md")]
pub mod models {}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    /// The chapters that a text names, as file names of `src`.
    fn chapters<'a>(text: &'a str, before: &str, after: char) -> BTreeSet<&'a str> {
        let parts = text.split(before).skip(1);
        parts
            .filter_map(|part| part.split(after).next())
            .filter(|name| name.ends_with(".md"))
            .collect()
    }

    #[test]
    fn every_chapter_is_in_the_summary_and_has_a_module() {
        let summary = include_str!("src/SUMMARY.md");
        let modules = include_str!("lib.rs");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let names = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<String> = names.filter(|name| name != "SUMMARY.md").collect();
        let files: BTreeSet<&str> = files.iter().map(String::as_str).collect();
        assert_eq!(chapters(summary, "](", ')'), files);
        assert_eq!(chapters(modules, "#[doc = include_str!(\"src/", '"'), files);
    }
}
