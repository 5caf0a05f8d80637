//! Making a value emit only what a revision may emit (digest 1.16, T-43, T-84, T-90).
//!
//! The structs mean what the latest revision means, and older ones lack some of it. Only [`Features`] are asked, never a
//! revision. The surprising thing: projecting also adds. What a result of 2026-07-28 must say (`resultType`, `ttlMs`,
//! `cacheScope`) is filled in with the defaults of the specification when nobody has said it (T-40, T-153, P-70).
//! Members that this library does not know stay.

use crate::base::{CacheScope, ResultType};
use crate::json::JsonObject;
use crate::legacy_tasks::RELATED_TASK;
use crate::meta::{Meta, RequestMeta, ResultMeta, SUBSCRIPTION_ID};
use crate::revision::Features;

mod asks;
mod content;
mod entities;
mod messages;
mod structured;

pub use structured::{is_object_schema, wrap_schema, wrap_value};

/// A value that can be made to fit an older revision.
pub trait Project {
    /// Changes the value so that encoding it emits only what `features` allow.
    fn project(&mut self, features: Features);
}

impl<T: Project> Project for Option<T> {
    fn project(&mut self, features: Features) {
        if let Some(value) = self {
            value.project(features);
        }
    }
}

impl<T: Project> Project for Vec<T> {
    fn project(&mut self, features: Features) {
        self.iter_mut().for_each(|value| value.project(features));
    }
}

impl<T: Project> Project for Box<T> {
    fn project(&mut self, features: Features) {
        (**self).project(features);
    }
}

impl Project for JsonObject {
    /// Changes nothing: what is not interpreted is the business of who made it.
    fn project(&mut self, _: Features) {}
}

/// Declares what a type drops where a feature is missing, and the members inside which there is more to do.
macro_rules! project {
    ($($name:ident { $($feature:ident: $($gone:ident),+;)* $(& $($inner:ident),+;)? })+) => {
        $(
            impl Project for $name {
                fn project(&mut self, features: Features) {
                    $( if !features.has(Features::$feature) { $( self.$gone = None; )+ } )*
                    $( $( self.$inner.project(features); )+ )?
                }
            }
        )+
    };
}

use project;

impl Project for RequestMeta {
    fn project(&mut self, features: Features) {
        if !features.has(Features::SESSION_META) {
            self.protocol_version = None;
            self.client_capabilities = None;
            self.client_info = None;
            self.log_level = None;
        }
        self.client_capabilities.project(features);
        self.client_info.project(features);
        drop_related_task(&mut self.extra, features);
    }
}

impl Project for ResultMeta {
    fn project(&mut self, features: Features) {
        if !features.has(Features::RESULT_META) {
            self.server_info = None;
            self.subscription_id = None;
        }
        self.server_info.project(features);
        drop_related_task(&mut self.extra, features);
    }
}

/// Projects the `_meta` of a request, and drops it when nothing is left of it.
fn request_meta(meta: &mut Option<RequestMeta>, features: Features) {
    let Some(inner) = meta else { return };
    let empty = RequestMeta::new();
    let was_empty = *inner == empty;
    inner.project(features);
    if !was_empty && *inner == empty {
        *meta = None;
    }
}

/// Projects the `_meta` of a result, and drops it when nothing is left of it.
fn result_meta(meta: &mut Option<ResultMeta>, features: Features) {
    let Some(inner) = meta else { return };
    let empty = ResultMeta::new();
    let was_empty = *inner == empty;
    inner.project(features);
    if !was_empty && *inner == empty {
        *meta = None;
    }
}

/// Projects the `_meta` of a notification, and drops it when nothing is left of it.
fn notification_meta(meta: &mut Option<Meta>, features: Features) {
    let Some(inner) = meta else { return };
    let was_empty = inner.is_empty();
    if !features.has(Features::SESSION_META) {
        inner.remove(SUBSCRIPTION_ID);
    }
    drop_related_task(inner, features);
    if !was_empty && inner.is_empty() {
        *meta = None;
    }
}

fn drop_related_task(meta: &mut JsonObject, features: Features) {
    if !features.has(Features::TASKS) {
        meta.remove(RELATED_TASK);
    }
}

/// Says that a result is complete where results say what they are, and nothing elsewhere.
fn result_type(result_type: &mut Option<ResultType>, features: Features) {
    if !features.has(Features::RESULT_TYPE) {
        *result_type = None;
    } else if result_type.is_none() {
        *result_type = Some(ResultType::Complete);
    }
}

/// Says how a result may be cached where results say so, and nothing elsewhere; unless said, not at all.
fn cache_hints(ttl_ms: &mut Option<u64>, scope: &mut Option<CacheScope>, features: Features) {
    if !features.has(Features::CACHE_HINTS) {
        *ttl_ms = None;
        *scope = None;
        return;
    }
    ttl_ms.get_or_insert(0);
    scope.get_or_insert(CacheScope::Private);
}
