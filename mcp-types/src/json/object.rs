//! An open JSON object: the members that this library does not interpret.

use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::RawJson;
use super::scan::{ScanError, Scanner};

/// The members of an object in the order they were sent, with their values kept as raw JSON.
///
/// The specification leaves results, `_meta`, capabilities and many other objects open (T-10). What is not known is
/// held here, so that a decode and an encode lose nothing. Lookups walk the list: these objects are small.
///
/// # Cost
///
/// An object without members is a null pointer: every object of the specification has one of these, mostly empty.
/// Clones share the members until one of them is changed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct JsonObject(
    /// `None` when there are no members, so that equal objects look the same.
    Option<Arc<Vec<Member>>>,
);

type Member = (String, RawJson);

impl JsonObject {
    /// Returns an object without members.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Takes the members out of an object, each as a part of its text: nothing is copied but the names.
    ///
    /// # Errors
    ///
    /// Fails when the value is not an object.
    pub fn of(object: &RawJson) -> Result<Self, ScanError> {
        let mut members = Vec::new();
        // Raw JSON is UTF-8 already.
        let mut scanner = Scanner::unchecked_utf8(object.as_bytes());
        scanner.space();
        if scanner.peek() != Some(b'{') {
            return Err(scanner.not_an_object());
        }
        scanner.object(0, |scanner, key| {
            let name = String::from_utf8_lossy(&key.name()).into_owned();
            members.push((name, RawJson::scanned(object.as_bytes(), scanner.skip(1)?)));
            Ok(())
        })?;
        Ok(Self((!members.is_empty()).then(|| Arc::new(members))))
    }

    /// Returns whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the number of members.
    pub fn len(&self) -> usize {
        self.members().len()
    }

    /// Returns the value of the member `key`.
    pub fn member(&self, key: &str) -> Option<&RawJson> {
        self.members().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sets the member `key`; returns the value it had.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<RawJson>) -> Option<RawJson> {
        self.set(key.into(), value.into())
    }

    fn set(&mut self, key: String, value: RawJson) -> Option<RawJson> {
        let members = self.members_mut();
        match members.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                members.push((key, value));
                None
            }
        }
    }

    /// Adds a member without looking for one of the same name, which keeps reading linear.
    ///
    /// An object that has it already has it twice then, and is encoded so; [`insert`](Self::insert) looks, and replaces.
    pub fn push(&mut self, key: impl Into<String>, value: RawJson) {
        self.members_mut().push((key.into(), value));
    }

    /// Takes the member `key` out.
    pub fn remove(&mut self, key: &str) -> Option<RawJson> {
        let at = self.members().iter().position(|(name, _)| name == key)?;
        let members = self.members_mut();
        let (_, value) = members.remove(at);
        if members.is_empty() {
            self.0 = None;
        }
        Some(value)
    }

    /// Takes out every member `key`; returns the value of the last one.
    ///
    /// An object that was decoded may have a member twice. One walk takes them all.
    pub fn take(&mut self, key: &str) -> Option<RawJson> {
        self.member(key)?;
        let mut last = None;
        let members = self.members_mut();
        members.retain_mut(|(name, value)| {
            let is_other = name != key;
            if !is_other {
                last = Some(std::mem::take(value));
            }
            is_other
        });
        if members.is_empty() {
            self.0 = None;
        }
        last
    }

    /// Returns the members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.members().iter().map(|(name, value)| (name.as_str(), value))
    }

    fn members(&self) -> &[Member] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Returns the members to change them; whoever leaves none sets `None`.
    fn members_mut(&mut self) -> &mut Vec<Member> {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Into<String>, V: Into<RawJson>> FromIterator<(K, V)> for JsonObject {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let mut object = Self::new();
        for (key, value) in members {
            object.insert(key, value);
        }
        object
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    // Nearly every object has members of this type; one copy for all of them is a quarter of the code.
    #[inline(never)]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = JsonObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonObject, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, RawJson>()? {
            members.push(member);
        }
        Ok(JsonObject((!members.is_empty()).then(|| Arc::new(members))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_an_object_are_those_that_serde_reads() {
        for text in [r#"{}"#, r#" { "a" : [1, {"b":2}] , "\u0062" : "x", "a":null } "#] {
            let members = JsonObject::of(&RawJson::parse(text).unwrap()).unwrap();
            assert_eq!(members, serde_json::from_str(text).unwrap());
        }
        for text in ["[]", "null", r#""{}""#] {
            assert!(JsonObject::of(&RawJson::parse(text).unwrap()).is_err());
        }
    }

    #[test]
    fn a_member_that_stands_twice_is_taken_as_a_whole_and_the_last_one_counts() {
        let mut object: JsonObject = serde_json::from_str(r#"{"a":1,"b":2,"a":3}"#).unwrap();
        assert_eq!(object.take("a"), Some(RawJson::parse("3").unwrap()));
        assert_eq!(object.take("a"), None);
        assert_eq!(serde_json::to_string(&object).unwrap(), r#"{"b":2}"#);
    }

    #[test]
    fn an_object_that_lost_its_last_member_is_an_empty_one() {
        let check = |lose: fn(&mut JsonObject) -> Option<RawJson>| {
            let mut object = JsonObject::from_iter([("a", RawJson::null())]);
            let other = object.clone();
            assert_eq!(lose(&mut object), Some(RawJson::null()));
            assert_eq!((object.is_empty(), &object), (true, &JsonObject::new()));
            assert_eq!(other.len(), 1, "a clone keeps what it has");
        };
        check(|object| object.remove("a"));
        check(|object| object.take("a"));
        assert_eq!(serde_json::from_str::<JsonObject>("{}").unwrap(), JsonObject::new());
    }
}
