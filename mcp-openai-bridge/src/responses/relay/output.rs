//! The output that a client sees: items in their places, and numbers without a gap.

use mcp_types::RawJson;

use crate::responses::event::kind;
use crate::responses::{Event, Item};

/// The output that a client sees.
#[derive(Clone, Debug, Default)]
pub(super) struct Output {
    items: Vec<RawJson>,
    sequence: u64,
    ids: u64,
}

impl Output {
    /// Gives an event its number.
    pub(super) fn numbered(&mut self, event: Event) -> Event {
        let number = self.sequence;
        self.sequence += 1;
        event.with_number("sequence_number", number)
    }

    /// Makes the id of an item, unlike all others if the id of the response is.
    pub(super) fn new_id(&mut self, prefix: &str, response: Option<&str>) -> String {
        let number = self.ids;
        self.ids += 1;
        match response.map(|id| id.rsplit(['-', '_']).next().unwrap_or(id)) {
            Some(response) => format!("{prefix}_{response}_{number}"),
            None => format!("{prefix}_{number}"),
        }
    }

    /// Begins an item; returns its place.
    pub(super) fn open(&mut self, item: &Item, out: &mut Vec<Event>) -> u64 {
        let raw = encoded(item);
        self.open_raw(&raw, out)
    }

    pub(super) fn open_raw(&mut self, raw: &RawJson, out: &mut Vec<Event>) -> u64 {
        let index = self.items.len() as u64;
        self.items.push(raw.clone());
        let event = Event::new(kind::ITEM_ADDED).with_number("output_index", index).with("item", raw.clone());
        out.push(self.numbered(event));
        index
    }

    /// Ends an item.
    pub(super) fn close(&mut self, index: u64, item: &Item, out: &mut Vec<Event>) {
        self.close_raw(index, encoded(item), out);
    }

    pub(super) fn close_raw(&mut self, index: u64, raw: RawJson, out: &mut Vec<Event>) {
        self.set_raw(index, raw.clone());
        let event = Event::new(kind::ITEM_DONE).with_number("output_index", index).with("item", raw);
        out.push(self.numbered(event));
    }

    /// Sets what is known of an item that is not at its end.
    pub(super) fn set(&mut self, index: u64, item: &Item) {
        self.set_raw(index, encoded(item));
    }

    /// Returns the items in their order.
    pub(super) fn items(&self) -> Vec<Item> {
        self.items.iter().map(|raw| raw.decode().unwrap_or_else(|_| Item::Other(raw.clone()))).collect()
    }

    fn set_raw(&mut self, index: u64, raw: RawJson) {
        if let Some(slot) = usize::try_from(index).ok().and_then(|index| self.items.get_mut(index)) {
            *slot = raw;
        }
    }
}

/// What was read can be written, unless it is deeper than a message may be.
fn encoded(item: &Item) -> RawJson {
    RawJson::encode(item).unwrap_or_else(|_| RawJson::empty_object())
}
