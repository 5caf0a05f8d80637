//! URI templates (RFC 6570), read once and matched against URIs in bounded time.
//!
//! Understood are `{a}`, `{+a}`, `{#a}`, `{/a}` and `{?a,b}`, with several names in each. The surprising thing: RFC
//! 6570 says how to expand a template and not how to match one. Here `{a}` takes as little as possible and never a
//! `/`; `{+a}` takes as much as possible; members of `{/a}` and `{?a}` may be absent.

use std::fmt;

use mcp_transport::Limits;

use super::percent;

/// Steps that one match may take before it counts as failed.
const MAX_STEPS: usize = 100_000;

/// A template of URIs.
#[derive(Clone, Debug)]
pub(crate) struct UriTemplate {
    parts: Vec<Part>,
    /// The names of `{?…}`, which stands at the end.
    query: Vec<String>,
    uri_bytes: usize,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Variable(Variable),
}

#[derive(Clone, Debug)]
struct Variable {
    name: String,
    /// What stands in front of the value, when there is one.
    lead: Option<char>,
    /// Whether the value may have `/`, `?` and other reserved characters.
    reserved: bool,
}

/// The values of the variables, decoded, in the order of the template.
pub(crate) type Bindings = Vec<(String, String)>;

/// Why a text is no template that can be matched.
#[derive(Debug)]
pub(crate) struct TemplateFault(pub(crate) String);

impl UriTemplate {
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Self, TemplateFault> {
        if text.len() > limits.template_bytes {
            return Err(TemplateFault(format!("it is longer than {} bytes", limits.template_bytes)));
        }
        let mut template = Self { parts: Vec::new(), query: Vec::new(), uri_bytes: limits.template_uri_bytes };
        let mut rest = text;
        while !rest.is_empty() {
            if !template.query.is_empty() && !rest.starts_with("{&") {
                return Err(TemplateFault("nothing can follow `{?…}`".to_owned()));
            }
            let (literal, tail) = rest.split_once('{').unwrap_or((rest, ""));
            if literal.contains('}') {
                return Err(TemplateFault("it has a `}` without a `{`".to_owned()));
            }
            if !literal.is_empty() {
                template.parts.push(Part::Literal(literal.to_owned()));
            }
            if literal.len() == rest.len() {
                break;
            }
            let Some((expression, tail)) = tail.split_once('}') else {
                return Err(TemplateFault("it has a `{` without a `}`".to_owned()));
            };
            template.expression(expression)?;
            rest = tail;
        }
        template.check(limits)?;
        Ok(template)
    }

    fn expression(&mut self, expression: &str) -> Result<(), TemplateFault> {
        let (operator, names) = match expression.chars().next() {
            Some(operator @ ('+' | '#' | '/' | '?' | '&')) => (Some(operator), expression.get(1..).unwrap_or_default()),
            _ => (None, expression),
        };
        for (at, name) in names.split(',').enumerate() {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
            if name.is_empty() || !name.bytes().all(good) {
                return Err(TemplateFault(format!(
                    "`{{{expression}}}` is not understood; use `{{a}}`, `{{+a}}`, `{{#a}}`, `{{/a}}` or `{{?a,b}}`"
                )));
            }
            let lead = match operator {
                Some('?' | '&') => {
                    self.query.push(name.to_owned());
                    continue;
                }
                Some('/') => Some('/'),
                Some('#') if at == 0 => Some('#'),
                _ if at > 0 => Some(','),
                _ => None,
            };
            let reserved = matches!(operator, Some('+' | '#'));
            self.parts.push(Part::Variable(Variable { name: name.to_owned(), lead, reserved }));
        }
        Ok(())
    }

    fn check(&self, limits: &Limits) -> Result<(), TemplateFault> {
        let names: Vec<&str> = self.names().collect();
        if names.is_empty() {
            return Err(TemplateFault("it has no variable; register a resource instead".to_owned()));
        }
        if names.len() > limits.template_variables {
            return Err(TemplateFault(format!("it has more than {} variables", limits.template_variables)));
        }
        let twice = names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|earlier| earlier == *name));
        match twice {
            Some((_, name)) => Err(TemplateFault(format!("`{name}` stands in it twice"))),
            None => Ok(()),
        }
    }

    /// Returns the names of the variables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let in_path = self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable.name.as_str()),
            Part::Literal(_) => None,
        });
        in_path.chain(self.query.iter().map(String::as_str))
    }

    /// Finds values for the variables from which the URI could have been made.
    pub(crate) fn matches(&self, uri: &str) -> Option<Bindings> {
        if uri.len() > self.uri_bytes {
            return None;
        }
        let (path, query) = match uri.split_once('?') {
            Some((path, query)) if !self.query.is_empty() => (path, Some(query)),
            _ => (uri, None),
        };
        let mut bindings = Bindings::new();
        let mut steps = MAX_STEPS;
        if !walk(&self.parts, path, &mut bindings, &mut steps)? {
            return None;
        }
        if let Some(query) = query {
            self.match_query(query, &mut bindings)?;
        }
        Some(bindings)
    }

    fn match_query(&self, query: &str, bindings: &mut Bindings) -> Option<()> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = self.query.iter().any(|known| known == name);
            if !known || bindings.iter().any(|(bound, _)| bound == name) {
                return None;
            }
            bindings.push((name.to_owned(), percent::decode(value)?));
        }
        Some(())
    }
}

/// Matches the parts from here on; `None` when it takes too many steps.
fn walk(parts: &[Part], text: &str, bindings: &mut Bindings, steps: &mut usize) -> Option<bool> {
    *steps = steps.checked_sub(1)?;
    let Some((part, parts)) = parts.split_first() else {
        return Some(text.is_empty());
    };
    let variable = match part {
        Part::Literal(literal) => {
            return match text.strip_prefix(literal.as_str()) {
                Some(rest) => walk(parts, rest, bindings, steps),
                None => Some(false),
            };
        }
        Part::Variable(variable) => variable,
    };
    let value = match variable.lead {
        None => text,
        Some(lead) => match text.strip_prefix(lead) {
            Some(value) => value,
            // A member of `{/a}` may be absent, and so may everything after a comma.
            None => return walk(parts, text, bindings, steps),
        },
    };
    let longest = value.find(|c| !variable.takes(c)).unwrap_or(value.len());
    for at in 1..=longest {
        let end = if variable.reserved { longest + 1 - at } else { at };
        let (Some(head), Some(tail)) = (value.get(..end), value.get(end..)) else { continue };
        *steps = steps.checked_sub(1)?;
        if !could_follow(parts, tail) {
            continue;
        }
        let Some(decoded) = percent::decode(head) else { continue };
        bindings.push((variable.name.clone(), decoded));
        if walk(parts, tail, bindings, steps)? {
            return Some(true);
        }
        bindings.pop();
    }
    Some(false)
}

/// Returns whether it is worth looking further: the next literal stands here, or nothing is left.
fn could_follow(parts: &[Part], tail: &str) -> bool {
    match parts.first() {
        None => tail.is_empty(),
        Some(Part::Literal(literal)) => tail.starts_with(literal.as_str()),
        Some(Part::Variable(_)) => true,
    }
}

impl Variable {
    fn takes(&self, c: char) -> bool {
        let unreserved = c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%');
        // Clients forget to encode these, and none of them separates parts of a URI.
        let harmless = matches!(c, ' ' | ':' | '@' | '!' | '$' | '\'' | '(' | ')' | '*' | ';' | '=');
        unreserved || harmless || (self.reserved && !c.is_control())
    }
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> UriTemplate {
        UriTemplate::parse(text, &Limits::default()).unwrap()
    }

    #[track_caller]
    fn check(text: &str, uri: &str, expected: Option<&[(&str, &str)]>) {
        let expected = expected.map(|pairs| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        });
        assert_eq!(template(text).matches(uri), expected, "{text} with {uri}");
    }

    #[test]
    fn a_simple_variable_ends_at_a_slash() {
        check("test://template/{id}/data", "test://template/123/data", Some(&[("id", "123")]));
        check("test://template/{id}/data", "test://template/1/2/data", None);
        check("test://template/{id}/data", "test://template//data", None);
        check("a://{x}-{y}", "a://1-2-3", Some(&[("x", "1"), ("y", "2-3")]));
        check("a://{x}.txt", "a://b.txt.txt", Some(&[("x", "b.txt")]));
        check("a://{x,y}", "a://1,2", Some(&[("x", "1"), ("y", "2")]));
    }

    #[test]
    fn a_reserved_variable_takes_slashes() {
        check("file:///{+path}", "file:///a/b.txt", Some(&[("path", "a/b.txt")]));
        check("a://{+x}/end", "a://1/end/end", Some(&[("x", "1/end")]));
        check("a://{+x}-{y}-{z}", "a://1-2-3-4", Some(&[("x", "1-2"), ("y", "3"), ("z", "4")]));
        check("a://x{#part}", "a://x#y", Some(&[("part", "y")]));
    }

    #[test]
    fn members_of_a_path_or_a_query_may_be_absent() {
        check("a://b{/c,d}", "a://b/1/2", Some(&[("c", "1"), ("d", "2")]));
        check("a://b{/c,d}", "a://b/1", Some(&[("c", "1")]));
        check("a://b{/c}", "a://b", Some(&[]));
        check("a://b{?q,n}", "a://b?n=2&q=a%20b", Some(&[("n", "2"), ("q", "a b")]));
        check("a://b{?q}", "a://b", Some(&[]));
        check("a://b{?q}", "a://b?other=1", None);
        check("a://b{?q}", "a://b?q=1&q=2", None);
    }

    #[test]
    fn values_are_decoded_and_broken_ones_do_not_match() {
        check("a://{x}", "a://a%2Fb", Some(&[("x", "a/b")]));
        check("a://{x}", "a://%ff", None);
        check("a://{x}", "a://%4", None);
    }

    #[test]
    fn what_cannot_be_matched_is_refused_when_it_is_registered() {
        for text in ["a://{", "a://}", "a://{}", "a://{x*}", "a://{x:3}", "a://{;x}", "a://{x}{x}", "a://b", "a{?q}b"] {
            assert!(UriTemplate::parse(text, &Limits::default()).is_err(), "{text}");
        }
        assert!(UriTemplate::parse(&"{a}".repeat(5_000), &Limits::default()).is_err());
    }

    #[test]
    fn a_hostile_uri_ends_in_bounded_time() {
        let text: String = (0..40).map(|n| format!("{{v{n}}}")).collect();
        assert_eq!(template(&format!("a://{text}!")).matches(&format!("a://{}", "x".repeat(60_000))), None);
        assert_eq!(template("a://{x}").matches(&format!("a://{}", "x".repeat(70_000))), None);
    }
}
