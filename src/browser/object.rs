//! Members of plain JavaScript objects.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// The own member `name` of `object`; `undefined` where there is none. Inherited members do not
/// count: a page may have polluted a prototype.
pub(crate) fn own(object: &Object, name: &str) -> JsValue {
    if Object::has_own(object, &JsValue::from_str(name)) {
        Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
    } else {
        JsValue::UNDEFINED
    }
}

/// Takes the own member `name` out of `object`.
pub(crate) fn take(object: &Object, name: &str) -> JsValue {
    let value = own(object, name);
    // A structured clone is an ordinary object: its members can always be deleted.
    let _ = Reflect::delete_property(object, &JsValue::from_str(name));
    value
}

/// Sets the member `name` of an object that this realm made.
pub(crate) fn set(object: &Object, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}

/// The member `name` of an object of this realm, inherited or not.
pub(crate) fn own_or_inherited(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// The `name` of an exception (`AbortError`), or an empty text.
pub(crate) fn error_name(error: &JsValue) -> String {
    text_of(error, "name")
}

/// The `message` of an exception, or an empty text.
pub(crate) fn error_message(error: &JsValue) -> String {
    text_of(error, "message")
}

fn text_of(error: &JsValue, name: &str) -> String {
    error
        .dyn_ref::<Object>()
        .and_then(|error| Reflect::get(error, &JsValue::from_str(name)).ok())
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}
