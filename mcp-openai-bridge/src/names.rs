//! Function names: any MCP tool name becomes one that every OpenAI-compatible server accepts.
//!
//! A function name is `[A-Za-z0-9_-]{1,64}`; an MCP tool name is any string, and two servers may use the same one. The
//! surprising thing: a function name is never taken apart. It leads back to its tool by [`NameTable`] alone, so a server
//! cannot choose a tool name that decodes into a tool of another server.

use std::collections::{BTreeSet, HashMap};

/// The most characters a function name can have.
pub const NAME_LIMIT: usize = 64;

/// Whether function names begin with the label of their server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prefix {
    /// Always: `server__tool`.
    Always,
    /// Only when the tool set has more than one server.
    #[default]
    Auto,
    /// Never; equal names of two servers are told apart by their suffix.
    Never,
}

/// One server's tool, by the names that its server gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity<'a> {
    /// The label of the server.
    pub server: &'a str,
    /// The name of the tool on that server.
    pub tool: &'a str,
}

impl<'a> Identity<'a> {
    /// Makes an identity.
    pub fn new(server: &'a str, tool: &'a str) -> Self {
        Self { server, tool }
    }

    /// The name with its illegal characters replaced, and whether it had to be changed.
    fn natural(self, prefixed: bool) -> (String, bool) {
        let wanted = if prefixed && !self.server.is_empty() {
            format!("{}__{}", self.server, self.tool)
        } else {
            self.tool.to_owned()
        };
        let legal: String = wanted.chars().map(|c| if is_legal(c) { c } else { '_' }).collect();
        let altered = legal != wanted || legal.is_empty() || legal.len() > NAME_LIMIT;
        (legal, altered)
    }

    /// The name cut to leave room for `_` and eight hexadecimal digits, which tell it from all others.
    fn suffixed(self, natural: &str, attempt: u32) -> String {
        // A natural name is ASCII only, so that every index is a character boundary.
        let kept = natural.get(..NAME_LIMIT - 9).unwrap_or(natural);
        format!("{kept}_{:08x}", self.hash(attempt))
    }

    /// FNV-1a with 64 bits, folded to 32, of `server\0tool`.
    ///
    /// It is stable across versions and machines, and no secret: whoever chooses a name can make two hashes meet. That
    /// changes a suffix and never a tool, because [`NameTable`] gives no name twice.
    fn hash(self, attempt: u32) -> u32 {
        let mut bytes = [self.server.as_bytes(), b"\0", self.tool.as_bytes()].concat();
        if attempt > 0 {
            bytes.push(0);
            bytes.extend(attempt.to_be_bytes());
        }
        let full = bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        let [a, b, c, d, e, f, g, h] = full.to_be_bytes();
        u32::from_be_bytes([a, b, c, d]) ^ u32::from_be_bytes([e, f, g, h])
    }
}

/// The function names of a set of tools, and the only way back from a name to its tool.
#[derive(Clone, Debug, Default)]
pub struct NameTable {
    names: Vec<String>,
    lookup: HashMap<String, usize>,
    aliases: HashMap<String, usize>,
}

impl NameTable {
    /// Names every tool. The result does not depend on the order of `tools`.
    ///
    /// A name in `reserved` (a function of the caller) is given to no tool. The identities are expected to differ from
    /// each other; of two equal ones, each gets a name of its own.
    pub fn new(tools: &[Identity<'_>], prefix: Prefix, reserved: &BTreeSet<String>) -> Self {
        let prefixed = match prefix {
            Prefix::Always => true,
            Prefix::Auto => tools.iter().map(|tool| tool.server).collect::<BTreeSet<_>>().len() > 1,
            Prefix::Never => false,
        };
        let naturals: Vec<(String, bool)> = tools.iter().map(|tool| tool.natural(prefixed)).collect();
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for (natural, _) in &naturals {
            *uses.entry(natural).or_default() += 1;
        }

        let mut table = Self { names: vec![String::new(); tools.len()], ..Self::default() };
        let mut suffixed = Vec::new();
        for (index, (natural, altered)) in naturals.iter().enumerate() {
            let collides = uses.get(natural.as_str()).is_some_and(|uses| *uses > 1);
            if *altered || collides || reserved.contains(natural) {
                suffixed.push(index);
            } else {
                table.give(index, natural.clone());
            }
        }
        // Sorted, so that who gets the first suffix does not depend on the order of the lists.
        suffixed.sort_by_key(|index| tools.get(*index));
        for index in suffixed {
            let (Some(tool), Some((natural, _))) = (tools.get(index), naturals.get(index)) else { continue };
            let free = (0..=u32::MAX)
                .map(|attempt| tool.suffixed(natural, attempt))
                .find(|name| !reserved.contains(name) && !table.lookup.contains_key(name));
            if let Some(name) = free {
                table.give(index, name);
            }
        }
        table.alias(tools);
        table
    }

    /// Takes the names as they are, legal or not; of equal ones the first is called.
    ///
    /// That is what LiteLLM does, and only [`Profile::LiteLlm`](crate::tools::Profile::LiteLlm) wants it.
    pub fn verbatim(tools: &[Identity<'_>]) -> Self {
        let mut table = Self { names: tools.iter().map(|tool| tool.tool.to_owned()).collect(), ..Self::default() };
        for (index, tool) in tools.iter().enumerate() {
            table.lookup.entry(tool.tool.to_owned()).or_insert(index);
        }
        table.alias(tools);
        table
    }

    /// Returns the function name of the tool at `index` of the list the table was made from.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.names.get(index).map(String::as_str)
    }

    /// Returns the index of the tool that `name` calls.
    ///
    /// `server-tool`, the form of LiteLLM, is understood when exactly one tool can be meant and no tool has that name
    /// (field/bridges 7): whoever replaces LiteLLM has conversations, approvals and lists of allowed tools with such
    /// names. It is looked up like every other name and never taken apart.
    pub fn resolve(&self, name: &str) -> Option<usize> {
        self.lookup.get(name).or_else(|| self.aliases.get(name)).copied()
    }

    /// Forgets the tools that have no new place; the others keep their names.
    pub(crate) fn moved(&mut self, places: &[Option<usize>]) {
        let place = |index: &usize| places.get(*index).copied().flatten();
        let names = std::mem::take(&mut self.names).into_iter().zip(0..);
        self.names = names.filter(|(_, index)| place(index).is_some()).map(|(name, _)| name).collect();
        for table in [&mut self.lookup, &mut self.aliases] {
            table.retain(|_, index| match place(index) {
                Some(place) => {
                    *index = place;
                    true
                }
                None => false,
            });
        }
    }

    fn give(&mut self, index: usize, name: String) {
        if let Some(slot) = self.names.get_mut(index) {
            slot.clone_from(&name);
            self.lookup.insert(name, index);
        }
    }

    fn alias(&mut self, tools: &[Identity<'_>]) {
        let mut ambiguous = BTreeSet::new();
        for (index, tool) in tools.iter().enumerate() {
            let alias = format!("{}-{}", tool.server, tool.tool).replace(' ', "_");
            if self.aliases.insert(alias.clone(), index).is_some() {
                ambiguous.insert(alias);
            }
        }
        self.aliases.retain(|alias, _| !ambiguous.contains(alias));
    }
}

pub(crate) fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(tools: &[(&str, &str)], prefix: Prefix) -> NameTable {
        let tools: Vec<_> = tools.iter().map(|(server, tool)| Identity::new(server, tool)).collect();
        NameTable::new(&tools, prefix, &BTreeSet::new())
    }

    fn names(tools: &[(&str, &str)], prefix: Prefix) -> Vec<String> {
        let table = table(tools, prefix);
        (0..tools.len()).map(|index| table.name(index).unwrap().to_owned()).collect()
    }

    fn check(tool: &str, expected: &str) {
        assert_eq!(names(&[("lab", tool)], Prefix::Auto), [expected], "{tool}");
    }

    #[test]
    fn a_legal_name_of_the_only_server_stays_as_it_is() {
        check("get-current_time2", "get-current_time2");
        check(&"a".repeat(64), &"a".repeat(64));
    }

    #[test]
    fn an_illegal_character_becomes_an_underscore_and_the_name_gets_a_stable_suffix() {
        check("get.weather/v1", "get_weather_v1_ddf84726");
        check("x y/é", "x_y___2541066b");
        check("", "_940a4271");
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_to_sixty_four_with_its_suffix() {
        let name = &names(&[("lab", &"a".repeat(65))], Prefix::Auto)[0];
        assert_eq!(name.len(), 64);
        assert!(name.starts_with(&"a".repeat(55)), "{name}");
        let longer = &names(&[("lab", &"a".repeat(66))], Prefix::Auto)[0];
        assert_ne!(name, longer);
    }

    #[test]
    fn every_name_is_legal_whatever_the_tool_is_called() {
        for tool in ["", " ", "\0", "é", "a.b", "名前", "-", &"x".repeat(300), &"é".repeat(60), "a\u{202e}b"] {
            for prefix in [Prefix::Always, Prefix::Auto, Prefix::Never] {
                let name = &names(&[("my server", tool)], prefix)[0];
                assert!((1..=64).contains(&name.len()) && name.chars().all(is_legal), "{tool:?} became {name:?}");
            }
        }
    }

    #[test]
    fn more_than_one_server_gives_every_name_the_prefix_of_its_server() {
        let tools = [("a", "echo"), ("b", "echo")];
        assert_eq!(names(&tools, Prefix::Auto), ["a__echo", "b__echo"]);
        assert_eq!(names(&tools[..1], Prefix::Auto), ["echo"]);
        assert_eq!(names(&tools[..1], Prefix::Always), ["a__echo"]);
    }

    #[test]
    fn equal_names_without_a_prefix_are_told_apart_by_their_suffix() {
        let names = names(&[("a", "echo"), ("b", "echo"), ("b", "other")], Prefix::Never);
        assert_eq!(names[2], "other");
        assert_ne!(names[0], names[1]);
        assert!(names[0].starts_with("echo_") && names[1].starts_with("echo_"));
    }

    #[test]
    fn a_server_label_cannot_forge_a_tool_of_another_server() {
        // T-100: both would be `a__b__c`.
        let names = names(&[("a__b", "c"), ("a", "b__c")], Prefix::Auto);
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.starts_with("a__b__c_")));
    }

    #[test]
    fn a_tool_named_like_the_suffixed_name_of_another_takes_nothing_from_it() {
        let victim = names(&[("s", "a.b")], Prefix::Auto).remove(0);
        let tools = [("s", "a.b"), ("s", victim.as_str())];
        let table = table(&tools, Prefix::Auto);
        assert_eq!(table.resolve(&victim), Some(1), "a legal name belongs to the tool that has it");
        assert_eq!(table.resolve(table.name(0).unwrap()), Some(0));
        assert_ne!(table.name(0), table.name(1));
    }

    #[test]
    fn names_do_not_depend_on_the_order_of_the_lists() {
        let tools = [("a", "x.y"), ("a", "x/y"), ("b", "x.y"), ("b", "plain")];
        let mut reversed = tools;
        reversed.reverse();
        let mut expected = names(&tools, Prefix::Never);
        expected.reverse();
        assert_eq!(names(&reversed, Prefix::Never), expected);
    }

    #[test]
    fn every_name_leads_back_to_its_tool_and_no_other_text_does() {
        let tools = [("a", "x.y"), ("a", "x_y"), ("b", "x.y")];
        let table = table(&tools, Prefix::Auto);
        for index in 0..tools.len() {
            assert_eq!(table.resolve(table.name(index).unwrap()), Some(index));
        }
        assert_eq!(table.resolve("x.y"), None);
        assert_eq!(table.resolve("a__x.y"), None);
    }

    #[test]
    fn a_reserved_name_is_given_to_no_tool() {
        let reserved = BTreeSet::from(["my_fn".to_owned()]);
        let table = NameTable::new(&[Identity::new("s", "my_fn")], Prefix::Auto, &reserved);
        assert_eq!(table.resolve("my_fn"), None);
        assert!(table.name(0).unwrap().starts_with("my_fn_"));
    }

    #[test]
    fn verbatim_names_are_those_of_the_servers_and_of_equal_ones_the_first_is_called() {
        let tools = [Identity::new("a", "x y/é"), Identity::new("b", "echo"), Identity::new("c", "echo")];
        let table = NameTable::verbatim(&tools);
        let names: Vec<_> = (0..3).map(|index| table.name(index).unwrap()).collect();
        assert_eq!(names, ["x y/é", "echo", "echo"]);
        assert_eq!([table.resolve("x y/é"), table.resolve("echo"), table.resolve("nothing")], [Some(0), Some(1), None]);
        assert_eq!(table.resolve("c-echo"), Some(2));
    }

    #[test]
    fn the_form_of_litellm_is_understood_unless_two_tools_can_be_meant() {
        let table = table(&[("my lab", "get.time"), ("a-b", "c"), ("a", "b-c")], Prefix::Auto);
        assert_eq!(table.resolve("my_lab-get.time"), Some(0));
        assert_eq!(table.resolve("a-b-c"), None);
    }
}
